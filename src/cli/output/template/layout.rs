//! Layouts of times: Go writes them as a picture of the reference time, `Mon Jan 2 15:04:05 MST 2006` (pure).

use std::fmt::Write as _;

use super::moment::Clock;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Starting with Sunday, as Go counts.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetStyle {
    /// Write `Z` for UTC.
    pub(super) z: bool,
    pub(super) colons: bool,
    /// 1 for hours, 2 for minutes too, 3 for seconds too.
    pub(super) parts: usize,
}

/// A part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'l> {
    Literal(&'l str),
    /// `2006`
    Year,
    /// `06`
    ShortYear,
    /// `January`
    MonthName,
    /// `Jan`
    ShortMonthName,
    /// `1`, padded: `01`
    Month {
        padded: bool,
    },
    /// `Monday`
    WeekdayName,
    /// `Mon`
    ShortWeekdayName,
    /// `2`, padded with zero or space: `02`, `_2`
    Day {
        padding: Option<char>,
    },
    /// `002`, padded with spaces: `__2`
    DayOfYear {
        padding: char,
    },
    /// `15`
    Hour,
    /// `3`, padded: `03`
    Hour12 {
        padded: bool,
    },
    /// `4`, padded: `04`
    Minute {
        padded: bool,
    },
    /// `5`, padded: `05`
    Second {
        padded: bool,
    },
    /// `PM` or `pm`
    Half {
        upper: bool,
    },
    /// `.000` or `.999`, which drops zeros at the end
    Fraction {
        separator: char,
        digits: usize,
        trims: bool,
    },
    /// `MST`
    ZoneName,
    Offset(OffsetStyle),
}

const OFFSETS: [(&str, bool, usize); 5] =
    [("070000", false, 3), ("07:00:00", true, 3), ("0700", false, 2), ("07:00", true, 2), ("07", false, 1)];

/// Cuts a layout into its parts.
pub(super) fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while at < layout.len() {
        match piece_at(&layout[at..]) {
            Some((skip, piece, length)) => {
                if literal < at + skip {
                    pieces.push(Piece::Literal(&layout[literal..at + skip]));
                }
                pieces.push(piece);
                at += skip + length;
                literal = at;
            }
            None => at += layout[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if literal < at {
        pieces.push(Piece::Literal(&layout[literal..]));
    }
    pieces
}

/// The part at the start of `rest`: how much text stands before it, what it is, how long it is.
fn piece_at(rest: &str) -> Option<(usize, Piece<'static>, usize)> {
    let is = |word: &str| rest.starts_with(word);
    // "Jan" in "January" is found first; "Jan" in "Janus" is no month.
    let is_short = |word: &str| is(word) && !rest[3..].starts_with(|c: char| c.is_ascii_lowercase());
    let (piece, length) = match rest.as_bytes()[0] {
        b'J' if is("January") => (Piece::MonthName, 7),
        b'J' if is_short("Jan") => (Piece::ShortMonthName, 3),
        b'M' if is("Monday") => (Piece::WeekdayName, 6),
        b'M' if is_short("Mon") => (Piece::ShortWeekdayName, 3),
        b'M' if is("MST") => (Piece::ZoneName, 3),
        b'0' if is("01") => (Piece::Month { padded: true }, 2),
        b'0' if is("02") => (Piece::Day { padding: Some('0') }, 2),
        b'0' if is("03") => (Piece::Hour12 { padded: true }, 2),
        b'0' if is("04") => (Piece::Minute { padded: true }, 2),
        b'0' if is("05") => (Piece::Second { padded: true }, 2),
        b'0' if is("06") => (Piece::ShortYear, 2),
        b'0' if is("002") => (Piece::DayOfYear { padding: '0' }, 3),
        b'1' if is("15") => (Piece::Hour, 2),
        b'1' => (Piece::Month { padded: false }, 1),
        b'2' if is("2006") => (Piece::Year, 4),
        b'2' => (Piece::Day { padding: None }, 1),
        // The underscore is text here, unlike in "_2".
        b'_' if is("_2006") => return Some((1, Piece::Year, 4)),
        b'_' if is("_2") => (Piece::Day { padding: Some(' ') }, 2),
        b'_' if is("__2") => (Piece::DayOfYear { padding: ' ' }, 3),
        b'3' => (Piece::Hour12 { padded: false }, 1),
        b'4' => (Piece::Minute { padded: false }, 1),
        b'5' => (Piece::Second { padded: false }, 1),
        b'P' if is("PM") => (Piece::Half { upper: true }, 2),
        b'p' if is("pm") => (Piece::Half { upper: false }, 2),
        sign @ (b'-' | b'Z') => {
            let (form, colons, parts) = OFFSETS.into_iter().find(|(form, ..)| rest[1..].starts_with(form))?;
            (Piece::Offset(OffsetStyle { z: sign == b'Z', colons, parts }), 1 + form.len())
        }
        b'.' | b',' => fraction_at(rest)?,
        _ => return None,
    };
    Some((0, piece, length))
}

fn fraction_at(rest: &str) -> Option<(Piece<'static>, usize)> {
    let bytes = rest.as_bytes();
    let digit = *bytes.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = bytes[1..].iter().take_while(|byte| **byte == digit).count();
    if bytes.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let separator = char::from(bytes[0]);
    Some((Piece::Fraction { separator, digits, trims: digit == b'9' }, 1 + digits))
}

/// Writes a time in a layout.
pub(super) fn format(layout: &str, clock: &Clock) -> String {
    let mut out = String::new();
    for piece in pieces(layout) {
        // Writing to a string cannot fail.
        let _ = write_piece(&mut out, piece, clock);
    }
    out
}

fn write_piece(out: &mut String, piece: Piece<'_>, clock: &Clock) -> std::fmt::Result {
    let civil = clock.civil;
    match piece {
        Piece::Literal(text) => out.write_str(text),
        Piece::Year if civil.year() < 0 => write!(out, "-{:04}", civil.year().unsigned_abs()),
        Piece::Year => write!(out, "{:04}", civil.year()),
        Piece::ShortYear => write!(out, "{:02}", civil.year().rem_euclid(100)),
        Piece::MonthName => out.write_str(month(clock)),
        Piece::ShortMonthName => out.write_str(&month(clock)[..3]),
        Piece::Month { padded } => write_number(out, civil.month(), padded),
        Piece::WeekdayName => out.write_str(weekday(clock)),
        Piece::ShortWeekdayName => out.write_str(&weekday(clock)[..3]),
        Piece::Day { padding: Some(' ') } => write!(out, "{:2}", civil.day()),
        Piece::Day { padding } => write_number(out, civil.day(), padding.is_some()),
        Piece::DayOfYear { padding: '0' } => write!(out, "{:03}", civil.day_of_year()),
        Piece::DayOfYear { .. } => write!(out, "{:3}", civil.day_of_year()),
        Piece::Hour => write_number(out, civil.hour(), true),
        Piece::Hour12 { padded } => {
            let hour = if civil.hour() % 12 == 0 { 12 } else { civil.hour() % 12 };
            write_number(out, hour, padded)
        }
        Piece::Minute { padded } => write_number(out, civil.minute(), padded),
        Piece::Second { padded } => write_number(out, civil.second(), padded),
        Piece::Half { upper } => out.write_str(match (civil.hour() >= 12, upper) {
            (true, true) => "PM",
            (true, false) => "pm",
            (false, true) => "AM",
            (false, false) => "am",
        }),
        Piece::Fraction { separator, digits, trims } => write_fraction(out, clock, separator, digits, trims),
        Piece::ZoneName if clock.zone_name.is_empty() => {
            write_offset(out, clock.offset, OffsetStyle { z: false, colons: false, parts: 2 })
        }
        Piece::ZoneName => out.write_str(&clock.zone_name),
        Piece::Offset(style) => write_offset(out, clock.offset, style),
    }
}

/// The name of the month.
pub(super) fn month(clock: &Clock) -> &'static str {
    let index = usize::from(clock.civil.month().unsigned_abs()).saturating_sub(1);
    MONTHS[index.min(MONTHS.len() - 1)]
}

/// The name of the day of the week.
pub(super) fn weekday(clock: &Clock) -> &'static str {
    let index = usize::from(clock.civil.weekday().to_sunday_zero_offset().unsigned_abs());
    WEEKDAYS[index.min(WEEKDAYS.len() - 1)]
}

fn write_number(out: &mut String, number: i8, padded: bool) -> std::fmt::Result {
    if padded { write!(out, "{number:02}") } else { write!(out, "{number}") }
}

fn write_fraction(
    out: &mut String,
    clock: &Clock,
    separator: char,
    digits: usize,
    trims: bool,
) -> std::fmt::Result {
    let nanoseconds = format!("{:09}", clock.civil.subsec_nanosecond());
    let mut shown = nanoseconds[..digits.min(9)].to_owned();
    if trims {
        shown.truncate(shown.trim_end_matches('0').len());
    } else {
        // A layout may ask for more digits than a time has.
        shown.extend(std::iter::repeat_n('0', digits.saturating_sub(9)));
    }
    if shown.is_empty() { Ok(()) } else { write!(out, "{separator}{shown}") }
}

fn write_offset(out: &mut String, offset: i32, style: OffsetStyle) -> std::fmt::Result {
    if style.z && offset == 0 {
        return out.write_char('Z');
    }
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let colon = if style.colons { ":" } else { "" };
    write!(out, "{sign}{:02}", seconds / 3600)?;
    if style.parts > 1 {
        write!(out, "{colon}{:02}", seconds / 60 % 60)?;
    }
    if style.parts > 2 {
        write!(out, "{colon}{:02}", seconds % 60)?;
    }
    Ok(())
}
