//! Why it could not be shown who we are.

use std::time::SystemTime;

use crate::credentials;

/// Why it could not be shown who we are. Holds no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The registry wants a user name and a password, and there are none for it.
    #[error("basic credential not found")]
    NoCredential {
        /// The registry, as it was named.
        host: String,
    },
    /// The registry wants a user name and a password, and only a token or a part of them is known.
    #[error("missing username or password for basic auth, which {host} asks for")]
    Incomplete {
        /// The registry, as it was named.
        host: String,
        /// Where the credential was found.
        origin: String,
    },
    /// Basic authentication cannot carry this user name, since a colon ends it.
    #[error("a user name with a colon cannot be sent to {host}")]
    Colon {
        /// The registry, as it was named.
        host: String,
    },
    /// The stored credential could not be looked up.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The registry names a place for tokens that nothing is sent to.
    #[error("refused to ask {realm} for a token for {host}: {reason}")]
    Realm {
        /// The registry, as it was named.
        host: String,
        /// The place, without its query.
        realm: String,
        /// Why not.
        reason: &'static str,
    },
    /// The registry names a place for tokens that has nothing to do with it, so no credential was sent there.
    #[error("{host} sends its users to {realm} for tokens, which is not known to belong to it")]
    Untrusted {
        /// The registry, as it was named.
        host: String,
        /// The origin of the place: what `--auth-realm` accepts.
        realm: String,
    },
    /// The token server does not know what an identity token is.
    #[error("{host} does not accept identity tokens")]
    NoIdentityTokens {
        /// The registry, as it was named.
        host: String,
    },
    /// The stored token is known to be expired.
    #[error("the token for {host} expired at {}", show(*expired))]
    Expired {
        /// The registry, as it was named.
        host: String,
        /// When it expired.
        expired: SystemTime,
        /// Was it made by Azure, so that `az acr login` makes a new one?
        is_azure: bool,
    },
    /// The token server answered something that is no token.
    #[error("{realm}: {reason}")]
    Answer {
        /// The place, without its query.
        realm: String,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// No source of Azure identities of this environment gave a token.
    #[error("no Azure identity for {host}: {reason}")]
    Azure {
        /// The registry, as it was named.
        host: String,
        /// What each source said.
        reason: String,
    },
}

impl AuthError {
    /// What could be done about it, in one sentence.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NoCredential { host } => format!("log in with \"oras login {host}\""),
            Self::Incomplete { host, origin } => {
                format!(
                    "the credential is {origin}; log in with \"oras login {host}\", with user name and password"
                )
            }
            Self::NoIdentityTokens { host } => {
                format!("log in with \"oras login {host}\", with user name and password")
            }
            Self::Untrusted { realm, .. } => {
                format!("if it is to get your credential, name it with --auth-realm {realm}")
            }
            Self::Expired { is_azure: true, .. } => "run \"az acr login\" to get a new one".to_owned(),
            Self::Expired { host, .. } => format!("log in with \"oras login {host}\""),
            Self::Colon { .. }
            | Self::Credentials(_)
            | Self::Realm { .. }
            | Self::Answer { .. }
            | Self::Azure { .. } => return None,
        })
    }
}

fn show(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "an unknown time".to_owned(), |time| format!("{time:.0}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_expired_token_is_told_with_its_time_and_what_to_do() {
        let expired = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let error = AuthError::Expired { host: "a.azurecr.io".into(), expired, is_azure: true };
        assert_eq!(error.to_string(), "the token for a.azurecr.io expired at 2023-11-14T22:13:20Z");
        assert!(error.advice().unwrap().contains("az acr login"));
    }
}
