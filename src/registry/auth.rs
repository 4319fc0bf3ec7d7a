//! A 401 becomes a header that shows who we are.
//!
//! Nothing is shown before a server asked for it. What was good once is kept for the life of the process, by
//! what it was asked for; tokens are renewed before they run out.

mod error;
mod grant;
mod hints;
mod identity;
mod obtain;
mod realm;
pub(super) mod token;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::Engine as _;
use tokio::sync::OnceCell;
use url::Url;
use zeroize::Zeroizing;

pub use error::AuthError;
use grant::{Grant, Kind, Source};
use obtain::{FlightKey, Outcome, Wish};
pub use realm::Realms;
pub(super) use realm::same_owner;
use token::secret_header;

use super::{
    Error, Origin, Result,
    acr::Azure,
    challenge::{self, Challenge},
    http::{HeaderValue, StatusCode},
    scope::Scopes,
    trace::{TraceEvent, bare_url},
    transport::Transport,
};
use crate::credentials::{CredentialStore, Login, Notice, Secret};

/// How often one request is sent again with another answer to a challenge.
pub(super) const MOST_ANSWERS: usize = 2;

/// Who we are, and to whom we say so.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct AuthOptions {
    /// Where credentials are looked up; `None` is anonymous.
    pub store: Option<Arc<dyn CredentialStore>>,
    /// Which token servers are trusted with credentials.
    pub realms: Realms,
    /// The Azure identity of the environment, for Azure registries without a stored credential. Off by default.
    pub azure: Option<Azure>,
}

impl fmt::Debug for AuthOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthOptions").field("realms", &self.realms).finish_non_exhaustive()
    }
}

/// A refusal that may be answered.
pub(crate) struct Challenged<'a> {
    /// The URL that answered.
    pub(crate) url: &'a Url,
    /// 401, or 403 when a wider scope is asked for.
    pub(crate) status: StatusCode,
    /// The lines of `WWW-Authenticate`.
    pub(crate) challenges: &'a [HeaderValue],
    /// What was shown with the request.
    pub(crate) rejected: Option<&'a HeaderValue>,
    /// How often this request has been answered for before.
    pub(crate) attempt: usize,
}

/// Answers challenges of one registry for one user.
pub(crate) struct Authenticator {
    transport: Arc<Transport>,
    host: String,
    grants: Mutex<Vec<Arc<Grant>>>,
    flights: Mutex<HashMap<FlightKey, Arc<OnceCell<Outcome>>>>,
    /// Who we are, by repository.
    logins: tokio::sync::Mutex<HashMap<String, Option<Arc<Login>>>>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// Credentials that a token server does not know.
    refused: HashSet<u64>,
    /// Credentials that were asked for a second time.
    renewed: HashSet<u64>,
    /// What was said, so that it is said once.
    told: HashSet<String>,
    /// The token server that was trusted because it was the first time.
    first_use: Option<Origin>,
}

impl Authenticator {
    /// `host` is the registry as the user named it: the key of its credentials.
    pub(crate) fn new(transport: Arc<Transport>, host: &str) -> Self {
        Self {
            transport,
            host: host.to_owned(),
            grants: Mutex::default(),
            flights: Mutex::default(),
            logins: tokio::sync::Mutex::default(),
            notes: Mutex::default(),
        }
    }

    /// The header for the first try; `None` is anonymous.
    pub(crate) async fn preset(&self, scopes: &Scopes) -> Option<HeaderValue> {
        let grant = self.find(scopes, None)?;
        if !grant.needs_renewal() {
            return Some(grant.header.clone());
        }
        let renewed = self.renew(&grant).await;
        // An old token is as good as none only when its time is over.
        let grant = renewed.unwrap_or(grant);
        (!grant.is_expired()).then(|| grant.header.clone())
    }

    /// The header that answers a challenge; `None` when there is none, so that the refusal stands.
    ///
    /// # Errors
    /// The registry cannot be answered: there is no credential, or its token server refuses or misbehaves.
    pub(crate) async fn answer(
        &self,
        challenged: &Challenged<'_>,
        scopes: &Scopes,
    ) -> Result<Option<HeaderValue>> {
        let offers = challenge::parse(challenged.challenges.iter().map(HeaderValue::as_bytes));
        let find = |scheme: &str| offers.iter().find(|offer| offer.scheme == scheme);
        let (bearer, basic) = (find("bearer"), find("basic"));
        if challenged.status == StatusCode::FORBIDDEN && !self.asks_for_more(challenged, bearer) {
            return Ok(None);
        }
        let Some(bearer) = bearer else {
            if basic.is_some() {
                return self.answer_basic(challenged).await;
            }
            self.tell_unsupported(&offers);
            return Ok(None);
        };
        let answer = self.answer_bearer(challenged, bearer, scopes).await;
        match answer {
            Err(error) if self.may_show_password(&error, basic.is_some()) => {
                self.answer_basic(challenged).await
            }
            answer => answer,
        }
    }

    /// The origin of the token server that was trusted because it was the first time; `login` keeps it.
    pub(crate) fn first_use(&self) -> Option<Origin> {
        self.notes().first_use.clone()
    }

    /// Does a 403 name something that our token was not asked for?
    fn asks_for_more(&self, challenged: &Challenged<'_>, bearer: Option<&Challenge>) -> bool {
        let asked = Scopes::of_challenge(bearer.and_then(|bearer| bearer.get("scope")));
        let has = challenged.rejected.and_then(|header| self.grant_of(header));
        challenged.attempt == 0 && !asked.is_empty() && has.is_none_or(|grant| !grant.is_good_for(&asked))
    }

    /// Is the password to be shown to the registry itself, since its token server is of no use?
    fn may_show_password(&self, error: &Error, offers_basic: bool) -> bool {
        let is_secure = self.transport.home().is_secure();
        match error {
            Error::Auth(AuthError::Realm { .. } | AuthError::Untrusted { .. }) => is_secure && offers_basic,
            // A firewall may let us to the registry and not to its token service; Azure takes passwords.
            Error::Exchange { .. } => is_secure && self.is_azure(),
            _ => false,
        }
    }

    async fn answer_basic(&self, challenged: &Challenged<'_>) -> Result<Option<HeaderValue>> {
        let repository = repository_of(challenged.url);
        let host = || self.host.clone();
        let login = self.login(repository).await?.ok_or_else(|| AuthError::NoCredential { host: host() })?;
        self.warn_unverified();
        let header = self.basic_header(&login)?;
        if challenged.rejected != Some(&header) {
            return Ok(Some(self.keep(Grant::whole(header)).header.clone()));
        }
        self.forget(&header);
        let Some(login) = self.ask_again(repository, &login).await? else { return Ok(None) };
        let header = self.basic_header(&login)?;
        Ok(Some(self.keep(Grant::whole(header)).header.clone()))
    }

    fn basic_header(&self, login: &Login) -> Result<HeaderValue, AuthError> {
        let host = || self.host.clone();
        let Some((user, password)) = login.credential.basic() else {
            return Err(AuthError::Incomplete { host: host(), origin: login.origin.to_string() });
        };
        if user.contains(':') {
            return Err(AuthError::Colon { host: host() });
        }
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let encoded = Zeroizing::new(base64::prelude::BASE64_STANDARD.encode(&*pair));
        secret_header("Basic", &encoded)
            .ok_or_else(|| AuthError::Incomplete { host: host(), origin: login.origin.to_string() })
    }

    async fn answer_bearer(
        &self,
        challenged: &Challenged<'_>,
        bearer: &Challenge,
        planned: &Scopes,
    ) -> Result<Option<HeaderValue>> {
        let repository = repository_of(challenged.url);
        let login = self.login(repository).await?;
        if let Some(token) = login.as_ref().and_then(|login| login.credential.registry()) {
            return self.answer_ready(challenged, token);
        }
        let source = Arc::new(self.source(challenged.url, bearer)?);
        let least = Scopes::of_challenge(bearer.get("scope"));
        let rejected = challenged.rejected.and_then(|header| self.grant_of(header));
        let scopes = match challenged.attempt {
            0 => {
                let needed = if least.is_empty() { planned } else { &least };
                if let Some(other) =
                    self.find(needed, challenged.rejected).filter(|other| other.kind == Kind::Token)
                {
                    return Ok(Some(other.header.clone()));
                }
                let had = rejected.as_ref().map(|grant| grant.scopes.clone()).unwrap_or_default();
                challenged.rejected.inspect(|header| self.forget(header));
                Scopes::joined(&least, planned).union(&had)
            }
            // Some servers look at the first scope only; then exactly what is needed has to be asked for.
            _ => match rejected.as_deref() {
                Some(grant) if grant.withheld => return Err(self.untrusted(&source).into()),
                Some(grant) if !grant.is_fresh() => {
                    self.forget(&grant.header);
                    least.clone()
                }
                Some(grant) if least.is_empty() || grant.scopes == least => {
                    self.tell_narrow(grant, &least);
                    return Ok(None);
                }
                _ => least.clone(),
            },
        };
        let wish = Wish { source: &source, scopes: &scopes, least: &least, repository };
        Ok(Some(self.obtain(&wish, login.as_deref()).await?.header.clone()))
    }

    /// A token that was handed to us ready is sent as it is; there is no other when it is refused.
    fn answer_ready(&self, challenged: &Challenged<'_>, token: &Secret) -> Result<Option<HeaderValue>> {
        let header = secret_header("Bearer", token.expose()).ok_or_else(|| AuthError::Answer {
            realm: self.host.clone(),
            reason: "the stored registry token cannot be sent",
        })?;
        if challenged.rejected == Some(&header) {
            self.forget(&header);
            return Ok(None);
        }
        self.warn_unverified();
        Ok(Some(self.keep(Grant::whole(header)).header.clone()))
    }

    fn source(&self, base: &Url, bearer: &Challenge) -> Result<Source, AuthError> {
        let named = bearer.get("realm").unwrap_or_default();
        let realm = realm::resolve(base, named).map_err(|reason| {
            let shown =
                base.join(named).map_or_else(|_| "an unreadable place".to_owned(), |url| bare_url(&url));
            AuthError::Realm { host: self.host.clone(), realm: shown, reason }
        })?;
        Ok(Source { realm, service: bearer.get("service").map(str::to_owned) })
    }

    /// The best header for something: the one that lasts longest.
    fn find(&self, scopes: &Scopes, other_than: Option<&HeaderValue>) -> Option<Arc<Grant>> {
        let mut grants = self.grants();
        grants.retain(|grant| !grant.is_expired());
        let fits = |grant: &&Arc<Grant>| grant.is_good_for(scopes) && Some(&grant.header) != other_than;
        grants.iter().rev().filter(fits).min_by_key(|grant| grant.needs_renewal()).cloned()
    }

    fn grant_of(&self, header: &HeaderValue) -> Option<Arc<Grant>> {
        self.grants().iter().find(|grant| grant.header == header).cloned()
    }

    fn keep(&self, grant: Grant) -> Arc<Grant> {
        let grant = Arc::new(grant);
        let mut grants = self.grants();
        grants.retain(|other| other.header != grant.header);
        grants.push(Arc::clone(&grant));
        grant
    }

    fn forget(&self, header: &HeaderValue) {
        self.grants().retain(|grant| grant.header != header);
    }

    fn grants(&self) -> MutexGuard<'_, Vec<Arc<Grant>>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, notice: &Notice<'_>) {
        self.tell_text(notice.to_string());
    }

    fn tell_text(&self, text: String) {
        if self.notes().told.contains(&text) {
            return;
        }
        self.transport.options().trace.event(&TraceEvent::Notice(&text));
        self.notes().told.insert(text);
    }

    /// Says that a credential goes over a connection whose other end was not checked.
    fn warn_unverified(&self) {
        let options = self.transport.options();
        // Who is just logging in with this flag has been told by nobody else so far, and expects silence.
        if options.tls.insecure && self.transport.home().is_secure() && !options.auth.realms.first_use {
            self.tell_text(format!(
                "the certificate of {} is not checked, and a credential is sent to it",
                self.host
            ));
        }
    }

    fn tell_unsupported(&self, offers: &[Challenge]) {
        let names: Vec<_> = offers.iter().map(|offer| offer.scheme.as_str()).collect();
        if !names.is_empty() {
            self.tell_text(format!("{} asks for an unsupported scheme: {}", self.host, names.join(", ")));
        }
    }

    /// Says that a token server gave less than we asked for, which may be why the registry refuses.
    fn tell_narrow(&self, grant: &Grant, needed: &Scopes) {
        if let Some(granted) = grant.granted.as_ref().filter(|granted| !granted.covers(needed)) {
            self.tell_text(format!("{}: token granted: {granted}; needed: {needed}", self.host));
        }
    }
}

/// The repository that a URL of the API is about; empty for the registry itself.
fn repository_of(url: &Url) -> &str {
    let Some((_, path)) = url.path().split_once("/v2/") else { return "" };
    let ends = ["/blobs/", "/manifests/", "/tags/", "/referrers/"].iter().filter_map(|mark| path.rfind(mark));
    ends.max().map_or("", |end| &path[..end])
}

#[cfg(test)]
mod tests;
