//! What we know of a refusal that the server does not say.

use std::time::SystemTime;

use super::{Authenticator, Realms, repository_of};
use crate::{
    credentials::{Found, Login},
    registry::{
        challenge,
        http::{HeaderValue, StatusCode, header},
        response::Response,
        retry,
        scope::Scopes,
    },
};

/// From which difference on a clock is worth a word, in seconds.
const SKEW: u64 = 5 * 60;

impl Authenticator {
    /// Who we were, what was asked for, and whether the clocks agree.
    pub(crate) async fn hints(&self, response: &Response, scopes: &Scopes) -> Vec<String> {
        let repository = repository_of(&response.url).to_owned();
        // Where nobody asked who we are, nothing was looked up.
        let known = self.logins.lock().await.get(&repository).cloned();
        let mut hints = Vec::new();
        let challenges = response.headers.get_all(header::WWW_AUTHENTICATE).iter();
        if response.status == StatusCode::UNAUTHORIZED
            && challenge::parse(challenges.map(HeaderValue::as_bytes)).is_empty()
        {
            let host = &self.host;
            hints.push(format!("{host} does not say how to log in; a proxy may have taken that away"));
        }
        if let Some(login) = known {
            hints.extend(self.login_hint(login.as_deref()));
            if !scopes.is_empty() {
                hints.push(format!("asked for {scopes}"));
            }
        }
        if self.transport.home().host() == "registry-1.docker.io"
            && response.status == StatusCode::UNAUTHORIZED
            && !repository.is_empty()
            && !repository.contains('/')
        {
            hints.push(format!("did you mean docker.io/library/{repository}?"));
        }
        let now = (self.transport.options().clock)();
        hints.extend(response.header("date").and_then(|date| skew(date, now)));
        hints
    }

    /// Which credential was used.
    pub(super) fn login_hint(&self, login: Option<&Login>) -> Option<String> {
        let host = &self.host;
        let Realms { first_use, .. } = self.transport.options().auth.realms;
        match login {
            // Whoever is just logging in knows what was used.
            _ if first_use => None,
            None => Some(format!("there is no login for {host}; log in with \"oras login {host}\"")),
            Some(Login { origin: Found::Given, .. }) => {
                Some("the credential was given on the command line".to_owned())
            }
            Some(login) => Some(format!(
                "the {} is from {}; if it is no longer good, log in again with \"oras login {host}\"",
                login.credential.kind(),
                login.origin
            )),
        }
    }
}

/// Says that a server's clock is far from ours: tokens then seem to be over, or not yet good.
fn skew(date: &str, now: SystemTime) -> Option<String> {
    let theirs = retry::http_date(date)?;
    let ours = i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let apart = ours.abs_diff(theirs);
    let direction = if ours > theirs { "ahead of" } else { "behind" };
    (apart > SKEW)
        .then(|| format!("the clock of this machine is {} minutes {direction} the registry's", apart / 60))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_wrong_by_more_than_five_minutes_is_told() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let then = 784_111_777;
        assert_eq!(skew(date, at(then + 200)), None);
        assert_eq!(skew(date, at(then - 300)), None);
        let told = |now: u64| skew(date, at(now)).unwrap();
        assert_eq!(told(then + 3_600), "the clock of this machine is 60 minutes ahead of the registry's");
        assert_eq!(told(then - 400), "the clock of this machine is 6 minutes behind the registry's");
        assert_eq!(skew("nonsense", at(0)), None);
    }
}
