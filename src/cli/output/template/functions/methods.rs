//! The methods of times and versions, called like fields: `(semver "1.2.3").Major`.
//!
//! The first argument of each is the value itself.

use std::rc::Rc;

use jiff::tz::TimeZone;

use super::super::error::Failure;
use super::super::layout;
use super::super::moment::{Moment, Zone};
use super::super::value::Value;
use super::super::version::Version;
use super::{Call, Function, Type, text};

/// Finds the method of a value.
pub(in super::super) fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let methods = match receiver {
        Value::Time(_) => TIME,
        Value::Version(_) => VERSION,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

const TIME: &[Function] = &[
    Function::new("Format", &[Type::Text], |call| text(call.time(0)?.format(&call.text(1)))),
    Function::new("String", &[], |call| text(call.time(0)?.to_string())),
    Function::new("Unix", &[], |call| Ok(Value::Int64(call.time(0)?.timestamp.as_second()))),
    Function::new("UnixMilli", &[], |call| Ok(Value::Int64(call.time(0)?.timestamp.as_millisecond()))),
    Function::new("UnixMicro", &[], |call| Ok(Value::Int64(call.time(0)?.timestamp.as_microsecond()))),
    Function::new("UnixNano", &[], |call| {
        let nanoseconds = i64::try_from(call.time(0)?.timestamp.as_nanosecond());
        nanoseconds.map(Value::Int64).map_err(|_| Failure::from("the time is out of range"))
    }),
    Function::new("Year", &[], |call| Ok(Value::Int(call.time(0)?.clock().civil.year().into()))),
    Function::new("Month", &[], |call| text(layout::month(&call.time(0)?.clock()))),
    Function::new("Day", &[], |call| Ok(Value::Int(call.time(0)?.clock().civil.day().into()))),
    Function::new("Weekday", &[], |call| text(layout::weekday(&call.time(0)?.clock()))),
    Function::new("YearDay", &[], |call| Ok(Value::Int(call.time(0)?.clock().civil.day_of_year().into()))),
    Function::new("Hour", &[], |call| Ok(Value::Int(call.time(0)?.clock().civil.hour().into()))),
    Function::new("Minute", &[], |call| Ok(Value::Int(call.time(0)?.clock().civil.minute().into()))),
    Function::new("Second", &[], |call| Ok(Value::Int(call.time(0)?.clock().civil.second().into()))),
    Function::new("Nanosecond", &[], |call| {
        Ok(Value::Int(call.time(0)?.clock().civil.subsec_nanosecond().into()))
    }),
    Function::new("UTC", &[], |call| in_zone(call, TimeZone::UTC)),
    Function::new("Local", &[], |call| in_zone(call, call.context.environment.time_zone.clone())),
    Function::new("IsZero", &[], |call| Ok(Value::Bool(call.time(0)?.is_zero()))),
    Function::new("Before", &[Type::Time], |call| {
        Ok(Value::Bool(call.time(0)?.timestamp < call.time(1)?.timestamp))
    }),
    Function::new("After", &[Type::Time], |call| {
        Ok(Value::Bool(call.time(0)?.timestamp > call.time(1)?.timestamp))
    }),
    Function::new("Equal", &[Type::Time], |call| {
        Ok(Value::Bool(call.time(0)?.timestamp == call.time(1)?.timestamp))
    }),
    Function::new("AddDate", &[Type::Int, Type::Int, Type::Int], add_date),
];

const VERSION: &[Function] = &[
    Function::new("Major", &[], |call| Ok(Value::Uint64(call.version(0)?.number.major))),
    Function::new("Minor", &[], |call| Ok(Value::Uint64(call.version(0)?.number.minor))),
    Function::new("Patch", &[], |call| Ok(Value::Uint64(call.version(0)?.number.patch))),
    Function::new("Prerelease", &[], |call| text(call.version(0)?.number.pre.as_str())),
    Function::new("Metadata", &[], |call| text(call.version(0)?.number.build.as_str())),
    Function::new("Original", &[], |call| text(call.version(0)?.original.as_str())),
    Function::new("String", &[], |call| text(call.version(0)?.to_string())),
    Function::new("Compare", &[Type::Version], |call| {
        Ok(Value::Int(call.version(0)?.precedence(call.version(1)?) as i64))
    }),
    Function::new("Equal", &[Type::Version], |call| {
        Ok(Value::Bool(call.version(0)?.precedence(call.version(1)?).is_eq()))
    }),
    Function::new("LessThan", &[Type::Version], |call| {
        Ok(Value::Bool(call.version(0)?.precedence(call.version(1)?).is_lt()))
    }),
    Function::new("GreaterThan", &[Type::Version], |call| {
        Ok(Value::Bool(call.version(0)?.precedence(call.version(1)?).is_gt()))
    }),
    Function::new("IncMajor", &[], |call| {
        increment(call, |number| [number.major.checked_add(1), Some(0), Some(0)])
    }),
    Function::new("IncMinor", &[], |call| {
        increment(call, |number| [Some(number.major), number.minor.checked_add(1), Some(0)])
    }),
    Function::new("IncPatch", &[], |call| {
        increment(call, |number| {
            // A pre-release of a patch is followed by the patch itself.
            let patch = if number.pre.is_empty() { number.patch.checked_add(1) } else { Some(number.patch) };
            [Some(number.major), Some(number.minor), patch]
        })
    }),
];

fn in_zone(call: &Call<'_>, zone: TimeZone) -> Result<Value, Failure> {
    let timestamp = call.time(0)?.timestamp;
    Ok(Value::Time(Rc::new(Moment { timestamp, zone: Zone::Region(zone) })))
}

/// Adds years, months and days on the calendar.
fn add_date(call: &Call<'_>) -> Result<Value, Failure> {
    let moment = call.time(0)?;
    let out_of_range = |_| Failure::from("the time is out of range");
    let (years, months, days) = (call.int(1), call.int(2), call.int(3));
    let civil = moment.clock().civil;
    // Counted from the first of the month: the 31st plus one month is the 1st or so of the one after, in Go.
    let first = civil.with().day(1).build().map_err(out_of_range)?;
    let months = years.checked_mul(12).and_then(|years| years.checked_add(months)).unwrap_or(i64::MAX);
    let days = days.saturating_add(i64::from(civil.day()) - 1);
    let later = first
        .checked_add(jiff::Span::new().try_months(months).map_err(out_of_range)?)
        .and_then(|month| month.checked_add(jiff::Span::new().try_days(days)?))
        .map_err(out_of_range)?;
    Ok(Value::Time(Rc::new(moment.with_civil(later)?)))
}

fn increment(call: &Call<'_>, next: fn(&semver::Version) -> [Option<u64>; 3]) -> Result<Value, Failure> {
    match next(&call.version(0)?.number) {
        [Some(major), Some(minor), Some(patch)] => {
            Ok(Value::Version(Rc::new(Version::from(semver::Version::new(major, minor, patch)))))
        }
        _ => Err("the version number is too large".into()),
    }
}
