//! Reads times that are written in a layout, as Go's `ParseInLocation` does (pure).

use jiff::civil;
use jiff::tz::TimeZone;

use super::layout::{self, MONTHS, OffsetStyle, Piece, WEEKDAYS};
use super::moment::{Moment, Zone};

/// Reads `value` as `layout` describes it. Where it names no zone, it is in `local`.
pub(super) fn parse(layout: &str, value: &str, local: &TimeZone) -> Result<Moment, String> {
    let mut parser = Parser { rest: value, found: Found::default() };
    let pieces = layout::pieces(layout);
    for (index, piece) in pieces.iter().enumerate() {
        let following = pieces[index + 1..].iter().find(|piece| !matches!(piece, Piece::Literal(_)));
        parser.piece(*piece, following).map_err(|problem| match problem {
            Problem::Mismatch => {
                format!(
                    "parsing time {value:?} as {layout:?}: cannot parse {:?} as {}",
                    parser.rest,
                    shown(*piece)
                )
            }
            Problem::Range(what) => format!("parsing time {value:?}: {what} out of range"),
        })?;
    }
    if !parser.rest.is_empty() {
        return Err(format!("parsing time {value:?}: extra text: {:?}", parser.rest));
    }
    parser.found.into_moment(local).map_err(|problem| format!("parsing time {value:?}: {problem}"))
}

enum Problem {
    Mismatch,
    Range(&'static str),
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    is_utc: bool,
    offset: Option<i32>,
    zone_name: String,
}

struct Parser<'v> {
    rest: &'v str,
    found: Found,
}

impl<'v> Parser<'v> {
    fn piece(&mut self, piece: Piece<'_>, following: Option<&Piece<'_>>) -> Result<(), Problem> {
        match piece {
            Piece::Literal(text) => return self.literal(text),
            Piece::Year => self.found.year = self.digits(4, 4)?,
            Piece::ShortYear => {
                let year = self.digits(2, 2)?;
                self.found.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Piece::MonthName => self.found.month = Some(self.name(&MONTHS, usize::MAX)? + 1),
            Piece::ShortMonthName => self.found.month = Some(self.name(&MONTHS, 3)? + 1),
            Piece::WeekdayName => _ = self.name(&WEEKDAYS, usize::MAX)?,
            Piece::ShortWeekdayName => _ = self.name(&WEEKDAYS, 3)?,
            Piece::Month { padded } => self.found.month = Some(self.number(padded, 1, 12, "month")?),
            // Whether the month has such a day is found at the end.
            Piece::Day { padding } => {
                self.skip_spaces(usize::from(padding == Some(' ')));
                self.found.day = Some(self.number(padding == Some('0'), 0, 99, "day")?);
            }
            Piece::DayOfYear { padding } => {
                self.skip_spaces(if padding == ' ' { 2 } else { 0 });
                let least = if padding == '0' { 3 } else { 1 };
                self.found.day_of_year = Some(self.digits(least, 3)?);
            }
            Piece::Hour => self.found.hour = self.number(false, 0, 23, "hour")?,
            Piece::Hour12 { padded } => self.found.hour = self.number(padded, 0, 12, "hour")?,
            Piece::Minute { padded } => self.found.minute = self.number(padded, 0, 59, "minute")?,
            Piece::Second { padded } => {
                self.found.second = self.number(padded, 0, 59, "second")?;
                // A fraction may follow even if the layout does not show one.
                if !matches!(following, Some(Piece::Fraction { .. })) {
                    self.optional_fraction();
                }
            }
            Piece::Half { upper } => self.half(upper)?,
            Piece::Fraction { trims: true, .. } => self.optional_fraction(),
            Piece::Fraction { digits, .. } => self.fraction(digits)?,
            Piece::ZoneName => self.zone_name()?,
            Piece::Offset(style) => self.offset(style)?,
        }
        Ok(())
    }

    /// Reads text that stands in the layout. Any run of spaces matches any other.
    fn literal(&mut self, text: &str) -> Result<(), Problem> {
        let mut expected = text;
        while let Some(next) = expected.chars().next() {
            if next == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return Err(Problem::Mismatch);
                }
                expected = expected.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(next).ok_or(Problem::Mismatch)?;
                expected = &expected[next.len_utf8()..];
            }
        }
        Ok(())
    }

    /// Reads a name in upper or lower case, or its first letters, and gives its place in the list.
    fn name(&mut self, names: &[&str], length: usize) -> Result<i8, Problem> {
        for (name, index) in names.iter().zip(0..) {
            let name = &name[..length.min(name.len())];
            if self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.rest = &self.rest[name.len()..];
                return Ok(index);
            }
        }
        Err(Problem::Mismatch)
    }

    /// Reads up to `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Result<i16, Problem> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return Err(Problem::Mismatch);
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().map_err(|_| Problem::Mismatch)
    }

    /// Reads one or two digits, two if `padded`.
    fn number(&mut self, padded: bool, least: i16, most: i16, what: &'static str) -> Result<i8, Problem> {
        let number = self.digits(if padded { 2 } else { 1 }, 2)?;
        match i8::try_from(number) {
            Ok(small) if (least..=most).contains(&number) => Ok(small),
            _ => Err(Problem::Range(what)),
        }
    }

    fn skip_spaces(&mut self, most: usize) {
        for _ in 0..most {
            self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        }
    }

    fn half(&mut self, upper: bool) -> Result<(), Problem> {
        let (morning, afternoon) = if upper { ("AM", "PM") } else { ("am", "pm") };
        for (word, is_afternoon) in [(morning, false), (afternoon, true)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                self.found.afternoon = Some(is_afternoon);
                return Ok(());
            }
        }
        Err(Problem::Mismatch)
    }

    fn optional_fraction(&mut self) {
        let digits = self.rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            // Without a point this leaves everything as it was.
            let _ = self.fraction(digits);
        }
    }

    fn fraction(&mut self, digits: usize) -> Result<(), Problem> {
        let after_point = self.rest.strip_prefix(['.', ',']).ok_or(Problem::Mismatch)?;
        let fraction = after_point.get(..digits).ok_or(Problem::Mismatch)?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::Mismatch);
        }
        let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        self.found.nanosecond = nine.parse().map_err(|_| Problem::Mismatch)?;
        self.rest = &after_point[digits..];
        Ok(())
    }

    fn zone_name(&mut self) -> Result<(), Problem> {
        if let Some(rest) = self.rest.strip_prefix("UTC") {
            self.rest = rest;
            self.found.is_utc = true;
            return Ok(());
        }
        let length = zone_name_length(self.rest).ok_or(Problem::Mismatch)?;
        let (name, rest) = self.rest.split_at(length);
        self.found.zone_name = name.to_owned();
        self.rest = rest;
        Ok(())
    }

    fn offset(&mut self, style: OffsetStyle) -> Result<(), Problem> {
        if style.z
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            self.found.is_utc = true;
            return Ok(());
        }
        let sign = match self.rest.chars().next() {
            Some('+') => 1,
            Some('-') => -1,
            _ => return Err(Problem::Mismatch),
        };
        let whole = self.rest;
        self.rest = &self.rest[1..];
        let mut parts = [0; 3];
        for (index, part) in parts.iter_mut().take(style.parts).enumerate() {
            if index > 0 && style.colons {
                self.rest = self.rest.strip_prefix(':').ok_or(Problem::Mismatch)?;
            }
            *part = i32::from(self.digits(2, 2).inspect_err(|_| self.rest = whole)?);
        }
        let [hours, minutes, seconds] = parts;
        if hours > 24 {
            return Err(Problem::Range("time zone offset hour"));
        }
        if minutes > 60 || seconds > 60 {
            return Err(Problem::Range("time zone offset minute"));
        }
        self.found.offset = Some(sign * (hours * 3600 + minutes * 60 + seconds));
        Ok(())
    }
}

impl Found {
    fn into_moment(mut self, local: &TimeZone) -> Result<Moment, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let date = self.date()?;
        let civil = date.at(self.hour, self.minute, self.second, self.nanosecond);
        let place = |zone: Zone| {
            let template = Moment { zone, ..Moment::zero() };
            template.with_civil(civil).map_err(|_| "time out of range")
        };
        if self.is_utc {
            return place(Zone::Region(TimeZone::UTC));
        }
        if let Some(seconds) = self.offset {
            let fixed = place(Zone::Fixed { seconds, name: self.zone_name.clone() })?;
            let info = local.to_offset_info(fixed.timestamp);
            let is_local = info.offset().seconds() == seconds
                && (self.zone_name.is_empty() || info.abbreviation() == self.zone_name);
            return Ok(if is_local { Moment::in_zone(fixed.timestamp, local.clone()) } else { fixed });
        }
        if self.zone_name.is_empty() {
            return place(Zone::Region(local.clone()));
        }
        let in_local = place(Zone::Region(local.clone()))?;
        if in_local.clock().zone_name == self.zone_name {
            return Ok(in_local);
        }
        // An abbreviation alone says nothing about the offset, except for those such as GMT+3. As in Go, the clock
        // is read as UTC nevertheless.
        let hours = self.zone_name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok());
        let Moment { timestamp, .. } = place(Zone::Region(TimeZone::UTC))?;
        let zone = Zone::Fixed { seconds: hours.unwrap_or(0) * 3600, name: self.zone_name };
        Ok(Moment { timestamp, zone })
    }

    fn date(&self) -> Result<civil::Date, &'static str> {
        let Some(day_of_year) = self.day_of_year else {
            let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
            return civil::Date::new(self.year, month, day).map_err(|_| "day out of range");
        };
        let first = civil::Date::new(self.year, 1, 1).map_err(|_| "year out of range")?;
        let date = first.with().day_of_year(day_of_year).build().map_err(|_| "day-of-year out of range")?;
        if self.month.is_some_and(|month| month != date.month()) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|day| day != date.day()) {
            return Err("day-of-year does not match day");
        }
        Ok(date)
    }
}

/// The length of the abbreviation of a time zone at the start of a text.
fn zone_name_length(text: &str) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed_hour_length(rest));
    }
    if text.starts_with(['+', '-']) {
        return Some(signed_hour_length(text)).filter(|length| *length > 0);
    }
    let letters = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match letters {
        3 => Some(3),
        4 if text[..4].ends_with('T') || text.starts_with("WITA") => Some(4),
        5 if text[..5].ends_with('T') => Some(5),
        _ => None,
    }
}

/// The length of an hour with a sign, such as `+3`; 0 if there is none.
fn signed_hour_length(text: &str) -> usize {
    let Some(digits) = text.strip_prefix(['+', '-']) else {
        return 0;
    };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    match digits[..count].parse::<u32>() {
        Ok(0..=23) => 1 + count,
        _ => 0,
    }
}

fn shown(piece: Piece<'_>) -> String {
    match piece {
        Piece::Literal(text) => format!("{text:?}"),
        Piece::Year | Piece::ShortYear => "a year".into(),
        Piece::MonthName | Piece::ShortMonthName | Piece::Month { .. } => "a month".into(),
        Piece::WeekdayName | Piece::ShortWeekdayName => "a day of the week".into(),
        Piece::Day { .. } | Piece::DayOfYear { .. } => "a day".into(),
        Piece::Hour | Piece::Hour12 { .. } => "an hour".into(),
        Piece::Minute { .. } => "a minute".into(),
        Piece::Second { .. } | Piece::Fraction { .. } => "a second".into(),
        Piece::Half { .. } => "a half of the day".into(),
        Piece::ZoneName | Piece::Offset(_) => "a time zone".into(),
    }
}
