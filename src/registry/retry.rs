//! Which failure is worth another try, and how long to wait before it (pure).

use std::time::{Duration, SystemTime};

use super::{Retries, http::StatusCode};

/// May a request be sent again after it failed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Doing it twice is like doing it once.
    Always,
    /// Only when the other side cannot have seen it; otherwise the caller looks what became of it.
    UntilSent,
    /// Not at all: the answer is not worth a wait.
    Never,
}

/// What went wrong with one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The answer was an error.
    Status(u16),
    /// No connection came about, so nothing was sent.
    Connect,
    /// The connection broke, or nothing happened, after something may have been sent.
    Broken,
    /// Trying again would end the same way.
    Final,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try again after so long.
    Again(Duration),
    /// It will not get better.
    GiveUp,
    /// The server wants us to wait for longer than we may.
    TooLong(Duration),
}

/// What is known when a try has failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Repetitions so far.
    pub(crate) repeated: u32,
    /// Time spent waiting so far.
    pub(crate) waited: Duration,
    /// How long the server asked us to wait.
    pub(crate) retry_after: Option<Duration>,
    /// A number between 0 and 1, so that many clients do not come back at once.
    pub(crate) jitter: f64,
}

/// Decides about one failed try.
pub(crate) fn decide(retries: &Retries, repeat: Repeat, failure: Failure, attempt: Attempt) -> Decision {
    let asked = attempt.retry_after;
    let most = match (failure, repeat) {
        (Failure::Final, _) | (_, Repeat::Never) => 0,
        (Failure::Connect, _) => retries.most,
        (_, Repeat::UntilSent) => 0,
        (Failure::Broken, Repeat::Always) => retries.most,
        (Failure::Status(status), Repeat::Always) => most_for(status, asked.is_some(), retries.most),
    };
    if attempt.repeated >= most {
        return Decision::GiveUp;
    }
    let own = backoff(retries, attempt.repeated, attempt.jitter);
    let wait = asked.map_or(own, |asked| asked.max(own));
    if attempt.waited + wait > retries.budget {
        return asked.filter(|asked| *asked > own).map_or(Decision::GiveUp, Decision::TooLong);
    }
    Decision::Again(wait)
}

/// How often a request that was answered with this status may be repeated.
fn most_for(status: u16, asked: bool, most: u32) -> u32 {
    match status {
        408 | 425 | 429 | 499 | 502 | 503 | 504 | 522 | 524 => most,
        // Some servers fail so for ever.
        500 => most.min(2),
        // Two services throttle anonymous users with a 403; they say when to come back.
        403 if asked => most.min(1),
        _ => 0,
    }
}

fn backoff(retries: &Retries, repeated: u32, jitter: f64) -> Duration {
    let whole = retries.first.saturating_mul(1 << repeated.min(16)).min(retries.longest);
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// Is a `Retry-After` of this answer heeded?
pub(crate) fn heeds_retry_after(status: StatusCode) -> bool {
    matches!(status.as_u16(), 403 | 408 | 429 | 503) || status.is_redirection()
}

/// Reads `Retry-After`: seconds, or a date that is compared with the server's own `Date`, else with our clock.
///
/// `None` when it says nothing, nonsense or a time that is past.
///
/// Implements RFC 9110, section 10.2.3.
pub(crate) fn retry_after(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().ok()?)
    } else {
        let then = http_date(value)?;
        let now = date.and_then(http_date).or_else(|| seconds(now))?;
        Duration::from_secs(u64::try_from(then.checked_sub(now)?).ok()?)
    };
    (!wait.is_zero()).then_some(wait)
}

/// Seconds since 1970 of a date as HTTP writes it.
pub(crate) fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
        .map(jiff::Timestamp::as_second)
}

fn seconds(time: SystemTime) -> Option<i64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries = Retries {
        most: 5,
        first: Duration::from_millis(250),
        longest: Duration::from_secs(30),
        budget: Duration::from_secs(120),
    };

    fn attempt(repeated: u32, retry_after: Option<u64>) -> Attempt {
        Attempt {
            repeated,
            waited: Duration::ZERO,
            retry_after: retry_after.map(Duration::from_secs),
            jitter: 1.0,
        }
    }

    fn ask(repeat: Repeat, failure: Failure, repeated: u32, after: Option<u64>) -> Decision {
        decide(&RETRIES, repeat, failure, attempt(repeated, after))
    }

    #[test]
    fn each_failure_has_its_number_of_tries() {
        use Failure::{Broken, Connect, Final, Status};
        let cases = [
            (Connect, 5, 5),
            (Broken, 5, 0),
            (Final, 0, 0),
            (Status(408), 5, 0),
            (Status(425), 5, 0),
            (Status(429), 5, 0),
            (Status(499), 5, 0),
            (Status(500), 2, 0),
            (Status(502), 5, 0),
            (Status(503), 5, 0),
            (Status(504), 5, 0),
            (Status(522), 5, 0),
            (Status(524), 5, 0),
            (Status(400), 0, 0),
            (Status(401), 0, 0),
            (Status(403), 0, 0),
            (Status(404), 0, 0),
            (Status(409), 0, 0),
            (Status(412), 0, 0),
            (Status(423), 0, 0),
            (Status(501), 0, 0),
            (Status(505), 0, 0),
            (Status(507), 0, 0),
            (Status(511), 0, 0),
        ];
        let tries = |repeat, failure| {
            (0..).take_while(|n| ask(repeat, failure, *n, None) != Decision::GiveUp).count()
        };
        for (failure, always, until_sent) in cases {
            assert_eq!(tries(Repeat::Always, failure), always, "{failure:?}");
            assert_eq!(tries(Repeat::UntilSent, failure), until_sent, "{failure:?}");
        }
    }

    #[test]
    fn waits_double_and_are_spread_over_the_upper_half() {
        for (repeated, milliseconds) in [(0, 250), (1, 500), (2, 1000), (3, 2000), (4, 4000)] {
            let whole = Duration::from_millis(milliseconds);
            assert_eq!(backoff(&RETRIES, repeated, 1.0), whole);
            assert_eq!(backoff(&RETRIES, repeated, 0.0), whole / 2);
        }
        assert_eq!(backoff(&RETRIES, 40, 1.0), RETRIES.longest);
    }

    #[test]
    fn what_the_server_asks_for_is_a_lower_bound() {
        let status = Failure::Status(429);
        assert_eq!(ask(Repeat::Always, status, 0, Some(45)), Decision::Again(Duration::from_secs(45)));
        assert_eq!(ask(Repeat::Always, status, 0, Some(0)), Decision::Again(Duration::from_millis(250)));
        assert_eq!(ask(Repeat::Always, status, 0, Some(3600)), Decision::TooLong(Duration::from_secs(3600)));
        assert_eq!(
            ask(Repeat::Always, Failure::Status(403), 0, Some(1)),
            Decision::Again(Duration::from_secs(1))
        );
        assert_eq!(ask(Repeat::Always, Failure::Status(403), 1, Some(1)), Decision::GiveUp);
        let late = Attempt { waited: Duration::from_secs(119), ..attempt(2, None) };
        assert_eq!(
            decide(&RETRIES, Repeat::Always, status, Attempt { repeated: 4, ..late }),
            Decision::GiveUp
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480);
        let date = "Wed, 21 Oct 2015 07:28:30 GMT";
        let cases = [
            ("120", None, Some(120)),
            (" 1 ", None, Some(1)),
            ("0", None, None),
            ("-1", None, None),
            ("", None, None),
            ("soon", None, None),
            ("1.5", None, None),
            ("99999999999999999999999", None, None),
            (date, None, Some(30)),
            // Whose clock is wrong does not matter when the server says what it thinks the time is.
            (date, Some("Wed, 21 Oct 2015 07:28:20 GMT"), Some(10)),
            (date, Some("Wed, 21 Oct 2015 07:29:00 GMT"), None),
            (date, Some("nonsense"), Some(30)),
        ];
        for (value, date, expected) in cases {
            assert_eq!(
                retry_after(value, date, now),
                expected.map(Duration::from_secs),
                "{value:?} {date:?}"
            );
        }
    }
}
