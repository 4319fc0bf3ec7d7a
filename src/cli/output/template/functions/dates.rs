//! Dates and durations. Layouts are Go's: a picture of `Mon Jan 2 15:04:05 MST 2006`.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::duration::{self, SECOND};
use super::super::error::Failure;
use super::super::literal;
use super::super::moment::{Moment, Zone};
use super::super::time_parser;
use super::super::value::Value;
use super::{Call, Function, Type, text};

const HTML_LAYOUT: &str = "2006-01-02";

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |call| Ok(time(now(call)))),
    Function::new("date", &[Type::Text, Type::Any], |call| {
        let zone = call.context.environment.time_zone.clone();
        text(moment(call, call.any(1), zone)?.format(&call.text(0)))
    }),
    Function::new("dateInZone", &[Type::Text, Type::Any, Type::Text], date_in_zone),
    Function::new("date_in_zone", &[Type::Text, Type::Any, Type::Text], date_in_zone),
    Function::new("htmlDate", &[Type::Any], |call| {
        let zone = call.context.environment.time_zone.clone();
        text(moment(call, call.any(0), zone)?.format(HTML_LAYOUT))
    }),
    Function::new("htmlDateInZone", &[Type::Any, Type::Text], |call| {
        let zone = zone(call, &call.text(1));
        text(moment(call, call.any(0), zone)?.format(HTML_LAYOUT))
    }),
    Function::new("toDate", &[Type::Text, Type::Text], |call| {
        Ok(time(to_date(call).unwrap_or_else(|_| Moment::zero())))
    }),
    Function::new("mustToDate", &[Type::Text, Type::Text], |call| to_date(call).map(time)),
    Function::new("dateModify", &[Type::Text, Type::Time], modify_if_possible),
    Function::new("date_modify", &[Type::Text, Type::Time], modify_if_possible),
    Function::new("mustDateModify", &[Type::Text, Type::Time], modify),
    Function::new("must_date_modify", &[Type::Text, Type::Time], modify),
    Function::new("unixEpoch", &[Type::Time], |call| text(call.time(0)?.timestamp.as_second().to_string())),
    Function::new("ago", &[Type::Any], |call| {
        let seconds = since(call, &moment(call, call.any(0), TimeZone::UTC)?) / SECOND;
        text(duration::format(seconds.saturating_mul(SECOND)))
    }),
    Function::new("duration", &[Type::Any], |call| {
        let seconds = match call.any(0) {
            Value::Int64(seconds) => *seconds,
            Value::Text(seconds) => literal::integer(&seconds.to_str(), 10).unwrap_or(0),
            _ => 0,
        };
        text(duration::format(seconds.saturating_mul(SECOND)))
    }),
    Function::new("durationRound", &[Type::Any], |call| {
        let nanoseconds = match call.any(0) {
            Value::Text(source) => duration::parse(&source.to_str()).unwrap_or(0),
            Value::Int64(nanoseconds) => *nanoseconds,
            Value::Time(moment) => since(call, moment),
            _ => 0,
        };
        text(duration::round(nanoseconds))
    }),
];

fn time(moment: Moment) -> Value {
    Value::Time(Rc::new(moment))
}

fn now(call: &Call<'_>) -> Moment {
    let environment = call.context.environment;
    Moment::in_zone(environment.now, environment.time_zone.clone())
}

/// The time that a value stands for, in a zone: a time, or seconds since 1970. Everything else means now.
fn moment(call: &Call<'_>, value: &Value, zone: TimeZone) -> Result<Moment, Failure> {
    let timestamp = match value {
        Value::Time(moment) => moment.timestamp,
        Value::Int(seconds) | Value::Int64(seconds) => {
            Timestamp::from_second(*seconds).map_err(|_| Failure::from("the time is out of range"))?
        }
        _ => call.context.environment.now,
    };
    Ok(Moment { timestamp, zone: Zone::Region(zone) })
}

fn date_in_zone(call: &Call<'_>) -> Result<Value, Failure> {
    let zone = zone(call, &call.text(2));
    text(moment(call, call.any(1), zone)?.format(&call.text(0)))
}

/// The zone of a name; UTC if there is none.
fn zone(call: &Call<'_>, name: &str) -> TimeZone {
    match name {
        "" | "UTC" => TimeZone::UTC,
        "Local" => call.context.environment.time_zone.clone(),
        _ => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

fn to_date(call: &Call<'_>) -> Result<Moment, Failure> {
    let local = &call.context.environment.time_zone;
    Ok(time_parser::parse(&call.text(0), &call.text(1), local)?)
}

/// Nanoseconds from a time until now, or the longest duration there is.
fn since(call: &Call<'_>, moment: &Moment) -> i64 {
    let elapsed = call.context.environment.now.as_nanosecond() - moment.timestamp.as_nanosecond();
    let bounded = elapsed.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(bounded).unwrap_or(i64::MAX)
}

fn modify(call: &Call<'_>) -> Result<Value, Failure> {
    let by = duration::parse(&call.text(0))?;
    call.time(1)?.plus(by).map(time)
}

/// Leaves the time as it is if the duration makes no sense.
fn modify_if_possible(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(modify(call).unwrap_or_else(|_| call.any(1).clone()))
}
