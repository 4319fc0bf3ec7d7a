//! The claims of a JSON Web Token, as a hint (pure). Nothing here checks a signature: that is the registry's task.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use serde_json::Value;

/// How far two clocks may differ before times of the other side are not believed.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// The claims of a token.
pub(crate) struct Claims(Value);

impl Claims {
    /// Reads the claims; `None` when the text is no such token.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok().filter(Value::is_object).map(Self)
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// When it expires.
    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.time("exp")
    }

    /// How long it is good for from now on. When the clock of the issuer differs from ours, its whole life
    /// is taken, as if it had been made now.
    pub(crate) fn life(&self, now: SystemTime) -> Option<Duration> {
        let expires = self.time("exp")?;
        let life = match self.time("iat") {
            Some(issued) if apart(issued, now) > SKEW => expires.duration_since(issued),
            _ => expires.duration_since(now),
        };
        Some(life.unwrap_or_default())
    }

    fn time(&self, name: &str) -> Option<SystemTime> {
        // A number with a fraction is a legal date here; `as_f64` reads both.
        let seconds = self.0.get(name)?.as_f64().filter(|seconds| (0.0..1e12).contains(seconds))?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs_f64(seconds))
    }
}

/// When a token that was received now stops being good, if its issuer said when it was made. A date that is
/// far from ours says that one of two clocks is wrong.
pub(crate) fn believed(issued: SystemTime, now: SystemTime) -> Option<SystemTime> {
    (apart(issued, now) <= SKEW).then_some(issued)
}

fn apart(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).or_else(|_| b.duration_since(a)).unwrap_or_default()
}

#[cfg(test)]
pub(crate) fn forge(claims: &Value) -> String {
    let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&serde_json::json!({"alg": "none"})), part(claims))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn claims_are_read_from_tokens_and_from_nothing_else() {
        let token = forge(&json!({"iss": "Azure Container Registry", "exp": 100}));
        let claims = Claims::of(&token).unwrap();
        assert_eq!(claims.text("iss"), Some("Azure Container Registry"));
        assert_eq!(claims.expires(), Some(at(100)));
        assert_eq!(claims.text("exp"), None);
        for text in ["", "a", "a.b.c", "a.e30", "a.e30.c.d", "a.W10.c", "opaque"] {
            assert!(Claims::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_life_is_counted_from_our_clock_unless_clocks_differ() {
        let now = at(1_000_000);
        let life = |claims: Value| Claims::of(&forge(&claims)).unwrap().life(now).map(|life| life.as_secs());
        assert_eq!(life(json!({"exp": 1_000_300})), Some(300));
        assert_eq!(life(json!({"exp": 1_000_300, "iat": 999_990})), Some(300));
        assert_eq!(life(json!({"exp": 913_900, "iat": 913_600})), Some(300));
        assert_eq!(life(json!({"exp": 1_086_700.5, "iat": 1_086_400})), Some(300));
        assert_eq!(life(json!({"exp": 999_000})), Some(0));
        assert_eq!(life(json!({"exp": "never"})), None);
        assert_eq!(life(json!({"exp": 1e300})), None);
        assert_eq!(life(json!({"exp": -1})), None);
    }
}
