//! How much a registry lets us have, and when there will be more (pure).

use std::time::{Duration, SystemTime};

/// A number of requests that a registry allows in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) requests: u64,
    pub(crate) window: Duration,
}

/// Reads `100;w=21600`: so many requests in so many seconds.
pub(crate) fn quota(value: &str) -> Option<Quota> {
    let mut parts = value.split(';').map(str::trim);
    let requests = parts.next()?.parse().ok()?;
    let window = parts.find_map(|part| part.strip_prefix("w=")?.parse().ok())?;
    Some(Quota { requests, window: Duration::from_secs(window) })
}

/// When there will be more: `X-RateLimit-Reset` is the number of seconds since 1970.
pub(crate) fn reset(value: &str, now: SystemTime) -> Option<Duration> {
    let then = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(value.trim().parse().ok()?))?;
    then.duration_since(now).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_has_a_number_and_a_window() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let cases = [
            ("100;w=21600", Some(Quota { requests: 100, window: hours(6) })),
            ("0; w=21600", Some(Quota { requests: 0, window: hours(6) })),
            ("100", None),
            ("many;w=1", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(quota(value), expected, "{value}");
        }
    }

    #[test]
    fn a_reset_lies_in_the_future() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        assert_eq!(reset("160", now), Some(Duration::from_secs(60)));
        for value in ["100", "40", "soon", "-1", "99999999999999999999"] {
            assert_eq!(reset(value, now), None, "{value}");
        }
    }
}
