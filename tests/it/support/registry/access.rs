//! Who may do what, and how they show who they are.

use std::collections::BTreeSet;

use super::rules::matches;
use crate::support::signer::Signer;

/// How a registry asks for identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scheme {
    /// Not at all.
    #[default]
    Open,
    Basic,
    Bearer,
    /// Either will do; both are offered.
    Both,
}

/// What an account, or anybody, may do with repositories whose name matches a pattern.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    repositories: String,
    actions: BTreeSet<String>,
}

/// A user with a password.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) password: String,
    /// `None` is everything.
    grants: Option<Vec<Grant>>,
}

/// Who may do what, and how a token server behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    pub(super) scheme: Scheme,
    accounts: Vec<Account>,
    anonymous: Vec<Grant>,
    pub(super) tokens: Tokens,
}

/// How the token server behaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    pub(super) elsewhere: bool,
    pub(super) expires_in: Option<u64>,
    pub(super) uses: Option<usize>,
    pub(super) refuses_get: bool,
    pub(super) refuses_post: bool,
    pub(super) rotates: bool,
    pub(super) first_scope_only: bool,
    pub(super) denies_unions: bool,
    pub(super) challenge_without_scope: bool,
    pub(super) realm: Option<String>,
    pub(super) acr: bool,
    pub(super) entra_tokens: Vec<String>,
    pub(super) signer: Option<Signer>,
}

impl Access {
    /// A user name and a password with every request.
    pub(crate) fn basic(user: &str, password: &str) -> Self {
        Self { scheme: Scheme::Basic, ..Self::default() }.user(user, password)
    }

    /// A token from a token server, which knows this user.
    pub(crate) fn bearer(user: &str, password: &str) -> Self {
        Self { scheme: Scheme::Bearer, ..Self::default() }.user(user, password)
    }

    /// As Azure's registry: tokens from `/oauth2/token`, without `expires_in`; a refresh token from
    /// `/oauth2/exchange` for this token of the cloud.
    pub(crate) fn acr(user: &str, password: &str, entra_token: &str) -> Self {
        let access = Self::bearer(user, password);
        access.with(|tokens| {
            tokens.acr = true;
            tokens.entra_tokens.push(entra_token.to_owned());
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Tokens)) -> Self {
        change(&mut self.tokens);
        self
    }

    /// Basic is offered as well as Bearer.
    pub(crate) fn or_basic(mut self) -> Self {
        self.scheme = Scheme::Both;
        self
    }

    /// One more user, who may do everything.
    pub(crate) fn user(mut self, user: &str, password: &str) -> Self {
        let account = Account { user: user.to_owned(), password: password.to_owned(), grants: None };
        self.accounts.push(account);
        self
    }

    /// The last user may do only this, and what further calls add: actions separated by commas, in
    /// repositories that match a pattern.
    pub(crate) fn who_may(mut self, actions: &str, repositories: &str) -> Self {
        if let Some(account) = self.accounts.last_mut() {
            account.grants.get_or_insert_default().push(Grant::new(actions, repositories));
        }
        self
    }

    /// Anybody may do this.
    pub(crate) fn anybody_may(mut self, actions: &str, repositories: &str) -> Self {
        self.anonymous.push(Grant::new(actions, repositories));
        self
    }

    /// The token server has an origin of its own.
    pub(crate) fn tokens_elsewhere(self) -> Self {
        self.with(|tokens| tokens.elsewhere = true)
    }

    /// The life of a token as the token server states it, in seconds. Not stated unless said.
    pub(crate) fn tokens_expire_in(self, seconds: u64) -> Self {
        self.with(|tokens| tokens.expires_in = Some(seconds))
    }

    /// A token is good for so many requests.
    pub(crate) fn tokens_last_for(self, requests: usize) -> Self {
        self.with(|tokens| tokens.uses = Some(requests))
    }

    /// The token server knows POST only.
    pub(crate) fn tokens_by_post_only(self) -> Self {
        self.with(|tokens| tokens.refuses_get = true)
    }

    /// The token server knows GET only.
    pub(crate) fn tokens_by_get_only(self) -> Self {
        self.with(|tokens| tokens.refuses_post = true)
    }

    /// A refresh token is good once, and is answered by a new one.
    pub(crate) fn refresh_tokens_rotate(self) -> Self {
        self.with(|tokens| tokens.rotates = true)
    }

    /// The token server reads the first scope and no others.
    pub(crate) fn first_scope_only(self) -> Self {
        self.with(|tokens| tokens.first_scope_only = true)
    }

    /// The token server refuses a request of which any part is not allowed.
    pub(crate) fn denies_unions(self) -> Self {
        self.with(|tokens| tokens.denies_unions = true)
    }

    /// Tokens are signed, for a real registry that verifies them.
    pub(crate) fn tokens_signed_by(self, signer: &Signer) -> Self {
        self.with(|tokens| tokens.signer = Some(signer.clone()))
    }

    /// Challenges name no scope.
    pub(crate) fn challenge_without_scope(self) -> Self {
        self.with(|tokens| tokens.challenge_without_scope = true)
    }

    /// The realm that challenges name, instead of the token server.
    pub(crate) fn realm(self, realm: &str) -> Self {
        self.with(|tokens| tokens.realm = Some(realm.to_owned()))
    }

    /// The account of this user, if the password is right.
    pub(super) fn account(&self, user: &str, password: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.user == user && account.password == password)
    }

    /// The user who was named first.
    pub(super) fn first_user(&self) -> String {
        self.accounts.first().map(|account| account.user.clone()).unwrap_or_default()
    }

    /// May this user do this? `None` is anybody.
    pub(super) fn allows(&self, user: Option<&str>, repository: &str, action: &str) -> bool {
        let anybody = self.anonymous.iter().any(|grant| grant.allows(repository, action));
        let account = self.accounts.iter().find(|account| Some(account.user.as_str()) == user);
        let known = account.is_some_and(|account| match &account.grants {
            None => true,
            Some(grants) => grants.iter().any(|grant| grant.allows(repository, action)),
        });
        anybody || known
    }
}

impl Grant {
    fn new(actions: &str, repositories: &str) -> Self {
        let actions = actions.split(',').map(str::to_owned).collect();
        Self { repositories: repositories.to_owned(), actions }
    }

    fn allows(&self, repository: &str, action: &str) -> bool {
        self.actions.contains(action) && matches(&self.repositories, repository)
    }
}

/// `type:name:actions`, as challenges and token requests write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) actions: BTreeSet<String>,
}

impl Scope {
    pub(super) fn new(kind: &str, name: &str, actions: &[&str]) -> Self {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        Self { kind: kind.to_owned(), name: name.to_owned(), actions }
    }

    /// Reads scopes that are separated by spaces.
    pub(super) fn parse_all(text: &str) -> Vec<Self> {
        let parse = |scope: &str| {
            let (kind, rest) = scope.split_once(':')?;
            let (name, actions) = rest.rsplit_once(':')?;
            Some(Self::new(kind, name, &actions.split(',').collect::<Vec<_>>()))
        };
        text.split(' ').filter_map(parse).collect()
    }

    pub(super) fn text(&self) -> String {
        let actions: Vec<_> = self.actions.iter().map(String::as_str).collect();
        format!("{}:{}:{}", self.kind, self.name, actions.join(","))
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.name == other.name
            && (self.actions.contains("*") || self.actions.is_superset(&other.actions))
    }
}
