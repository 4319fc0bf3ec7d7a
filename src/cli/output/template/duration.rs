//! Lengths of time, in nanoseconds, as Go writes and reads them (pure).

use std::fmt::Write as _;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
/// Nanoseconds in a second.
pub(super) const SECOND: i64 = 1_000_000_000;
const UNIT_SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * UNIT_SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Writes a duration such as `1h15m30.5s`.
pub(super) fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    if total == 0 {
        return "0s".into();
    }
    if total < UNIT_SECOND {
        let (unit, name) = match total {
            0..MICROSECOND => (1, "ns"),
            MICROSECOND..MILLISECOND => (MICROSECOND, "µs"),
            _ => (MILLISECOND, "ms"),
        };
        return format!("{sign}{}{name}", with_fraction(total, unit));
    }
    let mut text = sign.to_owned();
    if total >= HOUR {
        let _ = write!(text, "{}h", total / HOUR);
    }
    if total >= MINUTE {
        let _ = write!(text, "{}m", total % HOUR / MINUTE);
    }
    let _ = write!(text, "{}s", with_fraction(total % MINUTE, UNIT_SECOND));
    text
}

fn with_fraction(total: u64, unit: u64) -> String {
    let (whole, fraction) = (total / unit, total % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Rounds down to the largest unit that the duration is longer than: `2h`, `16d`, `3mo`.
pub(super) fn round(nanoseconds: i64) -> String {
    let total = nanoseconds.unsigned_abs();
    let units =
        [(365 * DAY, "y"), (30 * DAY, "mo"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (UNIT_SECOND, "s")];
    match units.into_iter().find(|(unit, _)| total > *unit) {
        Some((unit, name)) => format!("{}{name}", total / unit),
        None => "0s".into(),
    }
}

/// Reads a duration such as `-1.5h` or `1h15m30.918s`.
pub(super) fn parse(source: &str) -> Result<i64, String> {
    let invalid = || format!("invalid duration {source:?}");
    let (negative, mut rest) = match source.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, source.strip_prefix('+').unwrap_or(source)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (number, after) = split_while(rest, |c| c.is_ascii_digit() || c == '.');
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let (name, after) = split_while(after, |c| c != '.' && !c.is_ascii_digit());
        if name.is_empty() {
            return Err(format!("missing unit in duration {source:?}"));
        }
        let unit = unit(name).ok_or_else(|| format!("unknown unit {name:?} in duration {source:?}"))?;
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let part =
            whole.checked_mul(i128::from(unit)).and_then(|part| part.checked_add(scaled(fraction, unit)));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

/// The part of a unit that the digits behind the point stand for.
fn scaled(fraction: &str, unit: u64) -> i128 {
    let (mut digits, mut divisor) = (0, 1);
    // Eighteen digits are finer than a nanosecond of an hour, and their product with a unit fits.
    for digit in fraction.chars().filter_map(|digit| digit.to_digit(10)).take(18) {
        digits = digits * 10 + i128::from(digit);
        divisor *= 10;
    }
    digits * i128::from(unit) / divisor
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => UNIT_SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

fn split_while(text: &str, accept: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !accept(c)).unwrap_or(text.len()))
}
