//! Secrets that do not show themselves: [`Secret`], [`Credential`].

use std::{
    fmt,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::OnceLock,
};

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that must not be seen. It is wiped from memory when it is dropped.
///
/// It can neither be printed nor copied by accident; whoever needs the text says so with
/// [`expose`](Self::expose).
#[derive(PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes a text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Never for a log, an error or a URL.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is there no text at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A second copy, on purpose.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Who we are to a registry: a name with a password, or one of two kinds of tokens.
///
/// An entry of a config file may hold several of them; which one is used depends on what the registry asks
/// for.
#[derive(PartialEq, Eq)]
pub struct Credential {
    username: Secret,
    password: Secret,
    identity_token: Option<Secret>,
    registry_token: Option<Secret>,
    realm: Option<String>,
}

impl Credential {
    /// The user name under which helper programs keep an identity token.
    pub const TOKEN_USER: &str = "<token>";

    /// A user name with a password. One of the two may be empty, as some robot accounts want it.
    #[must_use]
    pub fn password(username: impl Into<String>, password: impl Into<String>) -> Self {
        let (username, password) = (username.into(), Secret::new(password));
        if username == Self::TOKEN_USER {
            return Self { identity_token: some(password), ..Self::empty() };
        }
        Self { username: Secret::new(username), password, ..Self::empty() }
    }

    /// An identity token, which is exchanged for a short-lived token at the registry's token server.
    #[must_use]
    pub fn identity_token(token: impl Into<String>) -> Self {
        Self { identity_token: some(Secret::new(token)), ..Self::empty() }
    }

    /// A ready token, which is sent as it is.
    #[must_use]
    pub fn registry_token(token: impl Into<String>) -> Self {
        Self { registry_token: some(Secret::new(token)), ..Self::empty() }
    }

    /// Adds an identity token to a credential; the password goes away, since the token took its place.
    #[must_use]
    pub fn with_identity_token(self, token: impl Into<String>) -> Self {
        Self { identity_token: some(Secret::new(token)), password: Secret::new(""), ..self }
    }

    /// The same without its tokens.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { identity_token: None, registry_token: None, ..self.duplicate() }
    }

    /// Adds the origin of a token server that was trusted with this credential when it was stored.
    #[must_use]
    pub fn with_realm(self, realm: Option<String>) -> Self {
        Self { realm, ..self }
    }

    /// The origin of a token server that was trusted with this credential when it was stored.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    pub(super) fn from_parts(username: &str, password: &str, identity: &str, registry: &str) -> Self {
        let credential = Self::password(username, password);
        let identity_token = some(Secret::new(identity)).or(credential.identity_token);
        Self { identity_token, registry_token: some(Secret::new(registry)), ..credential }
    }

    fn empty() -> Self {
        Self {
            username: Secret::new(""),
            password: Secret::new(""),
            identity_token: None,
            registry_token: None,
            realm: None,
        }
    }

    /// The user name, perhaps empty.
    #[must_use]
    pub fn username(&self) -> &str {
        self.username.expose()
    }

    /// User name and password for Basic authentication, if there is something to send.
    ///
    /// A user name that merely stands beside a token is no such thing: sending it without a password would
    /// count as a failed attempt.
    #[must_use]
    pub fn basic(&self) -> Option<(&str, &Secret)> {
        let named =
            !self.username.is_empty() && self.identity_token.is_none() && self.registry_token.is_none();
        (named || !self.password.is_empty()).then_some((self.username.expose(), &self.password))
    }

    /// The identity token, if there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Secret> {
        self.identity_token.as_ref()
    }

    /// The ready token, if there is one.
    #[must_use]
    pub fn registry(&self) -> Option<&Secret> {
        self.registry_token.as_ref()
    }

    /// Holds it nothing that could be sent?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.basic().is_none() && self.identity_token.is_none() && self.registry_token.is_none()
    }

    /// What it is, in words, without what it holds.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self { registry_token: Some(_), .. } => "registry token",
            Self { identity_token: Some(_), .. } => "identity token",
            _ => "password",
        }
    }

    /// A number that is the same for the same credential within this process, and says nothing of it.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint((
            self.username(),
            self.password.expose(),
            self.identity().map(Secret::expose),
            self.registry().map(Secret::expose),
        ))
    }

    /// A second copy, on purpose.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            username: self.username.duplicate(),
            password: self.password.duplicate(),
            identity_token: self.identity().map(Secret::duplicate),
            registry_token: self.registry().map(Secret::duplicate),
            realm: self.realm.clone(),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.kind())
    }
}

/// A number that is the same for the same value within this process only.
pub(super) fn fingerprint(value: impl Hash) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    KEY.get_or_init(RandomState::new).hash_one(value)
}

fn some(secret: Secret) -> Option<Secret> {
    (!secret.is_empty()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_name_nor_secret_is_shown_by_debug() {
        let all = [
            Credential::password("canary-user", "canary-password"),
            Credential::identity_token("canary-identity"),
            Credential::registry_token("canary-registry"),
            Credential::password("canary-user", "x").with_identity_token("canary-identity"),
        ];
        for credential in &all {
            assert!(!format!("{credential:?} {credential:#?}").contains("canary"));
        }
        assert_eq!(format!("{:?}", Secret::new("canary")), "[secret]");
    }

    #[test]
    fn the_token_user_turns_a_password_into_an_identity_token() {
        let credential = Credential::password("<token>", "abc");
        assert_eq!(credential.identity().map(Secret::expose), Some("abc"));
        assert!(credential.basic().is_none());
    }

    #[test]
    fn one_of_name_and_password_may_be_empty_but_not_both() {
        assert!(Credential::password("robot", "").basic().is_some());
        assert!(Credential::password("", "secret").basic().is_some());
        assert!(Credential::password("", "").is_empty());
    }

    #[test]
    fn a_name_beside_a_token_is_no_basic_credential() {
        let credential =
            Credential::password("00000000-0000-0000-0000-000000000000", "").with_identity_token("t");
        assert!(credential.basic().is_none());
        assert!(credential.identity().is_some());
    }

    #[test]
    fn fingerprints_tell_credentials_apart() {
        let print = |user: &str, password: &str| Credential::password(user, password).fingerprint();
        assert_eq!(print("a", "b"), print("a", "b"));
        assert_ne!(print("a", "b"), print("ab", ""));
        assert_ne!(print("a", "b"), Credential::identity_token("b").fingerprint());
    }
}
