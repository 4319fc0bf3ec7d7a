//! Headers that were good once, and how long they stay so.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::token::Answer;
use crate::registry::{http::HeaderValue, jwt, scope::Scopes};

/// Life of a token whose issuer says nothing; the specification's smallest life too.
const SHORTEST: Duration = Duration::from_secs(60);
/// How long before its end a token is renewed at most.
const AHEAD: Duration = Duration::from_secs(60);

/// What a header shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// User name and password, or a ready token: good for everything.
    Whole,
    /// A token for what was asked for.
    Token,
}

/// A header that shows who we are.
pub(super) struct Grant {
    pub(super) header: HeaderValue,
    pub(super) kind: Kind,
    /// What was asked for.
    pub(super) scopes: Scopes,
    /// What the token server says it gave, when it said so.
    pub(super) granted: Option<Scopes>,
    /// Is there a credential that was not sent, since the token server is not trusted with it?
    pub(super) withheld: bool,
    /// The place that gave the token.
    pub(super) source: Option<Arc<Source>>,
    /// The repository for which it was asked.
    pub(super) repository: String,
    /// Who it was given to; 0 is anonymous.
    pub(super) identity: u64,
    received: Instant,
    life: Option<Life>,
}

/// A token that is refused when it is younger than this was no good from the beginning.
const FRESH: Duration = Duration::from_secs(10);

/// A token server, as a challenge named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Source {
    pub(super) realm: url::Url,
    pub(super) service: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    renew: Instant,
    end: Instant,
}

impl Grant {
    /// A header that stays good for the life of the process.
    pub(super) fn whole(header: HeaderValue) -> Self {
        Self {
            header,
            kind: Kind::Whole,
            scopes: Scopes::default(),
            granted: None,
            withheld: false,
            source: None,
            repository: String::new(),
            identity: 0,
            received: Instant::now(),
            life: None,
        }
    }

    /// A token that was just received.
    pub(super) fn token(header: HeaderValue, scopes: Scopes, answer: &Answer, now: SystemTime) -> Self {
        let life = life(answer, now);
        let ahead = (life / 4).min(AHEAD);
        let end = Instant::now() + life;
        let granted = answer.scope.as_deref().map(Scopes::parse);
        let life = Some(Life { renew: end - ahead, end });
        Self { kind: Kind::Token, scopes, granted, life, ..Self::whole(header) }
    }

    pub(super) fn is_good_for(&self, scopes: &Scopes) -> bool {
        self.kind == Kind::Whole || self.scopes.covers(scopes)
    }

    /// Is it what would be asked for now?
    pub(super) fn is_current(&self, source: &Source, identity: u64, scopes: &Scopes) -> bool {
        self.source.as_deref() == Some(source)
            && self.identity == identity
            && self.scopes == *scopes
            && !self.needs_renewal()
    }

    /// Did we get it just now?
    pub(super) fn is_fresh(&self) -> bool {
        self.received.elapsed() < FRESH
    }

    pub(super) fn is_expired(&self) -> bool {
        self.life.is_some_and(|life| life.end <= Instant::now())
    }

    pub(super) fn needs_renewal(&self) -> bool {
        self.life.is_some_and(|life| life.renew <= Instant::now())
    }
}

/// How long a token is good for. The issuer's clock is believed only when it is close to ours.
fn life(answer: &Answer, now: SystemTime) -> Duration {
    let stated = match (answer.expires_in, answer.issued_at.and_then(|issued| jwt::believed(issued, now))) {
        (Some(expires_in), Some(issued)) => {
            let end = issued + expires_in.max(SHORTEST);
            Some(end.duration_since(now).unwrap_or_default())
        }
        (Some(expires_in), None) => Some(expires_in.max(SHORTEST)),
        (None, _) => jwt::Claims::of(answer.token.expose()).and_then(|claims| claims.life(now)),
    };
    stated.unwrap_or(SHORTEST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::credentials::Secret;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
    }

    fn answer(token: &str, expires_in: Option<u64>, issued: Option<u64>) -> Answer {
        Answer {
            token: Secret::new(token),
            expires_in: expires_in.map(Duration::from_secs),
            issued_at: issued.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
            refresh_token: None,
            scope: None,
        }
    }

    #[test]
    fn a_life_is_what_the_issuer_says_unless_its_clock_is_wrong() {
        let day = 86_400;
        let jwt = jwt::forge(&json!({"exp": 1_004_500, "iat": 1_000_000}));
        let cases = [
            (answer("t", Some(300), None), 300),
            (answer("t", Some(300), Some(1_000_000)), 300),
            (answer("t", Some(300), Some(999_900)), 200),
            (answer("t", Some(300), Some(1_000_100)), 400),
            (answer("t", Some(300), Some(1_000_000 - day)), 300),
            (answer("t", Some(300), Some(1_000_000 + day)), 300),
            (answer("t", Some(5), None), 60),
            (answer("t", None, None), 60),
            (answer("t", None, Some(999_000)), 60),
            (answer(&jwt, None, None), 4_500),
            (answer(&jwt, Some(300), None), 300),
        ];
        for (answer, expected) in cases {
            assert_eq!(life(&answer, now()).as_secs(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_in_its_last_quarter_and_at_most_a_minute_ahead() {
        for (life, renew) in [(60, 45), (100, 75), (240, 180), (4_500, 4_440)] {
            let header = HeaderValue::from_static("Bearer t");
            let grant = Grant::token(header, Scopes::default(), &answer("t", Some(life), None), now());
            let after = async |seconds: u64| {
                tokio::time::advance(Duration::from_secs(seconds)).await;
                (grant.needs_renewal(), grant.is_expired())
            };
            assert_eq!(after(renew - 1).await, (false, false), "{life}");
            assert_eq!(after(1).await, (true, false), "{life}");
            assert_eq!(after(life - renew).await, (true, true), "{life}");
        }
    }

    #[test]
    fn a_password_is_good_for_everything() {
        let grant = Grant::whole(HeaderValue::from_static("Basic x"));
        assert!(grant.is_good_for(&Scopes::repository("a", &["push"])));
        assert!(!grant.needs_renewal() && !grant.is_expired());
    }
}
