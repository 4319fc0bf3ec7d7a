//! Numbers out of values of any type, as Sprig's arithmetic takes them: what is no number counts as zero.

use super::super::literal;
use super::super::value::Value;

/// The value as an integer. Fractions are cut off.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Byte(number) => i64::from(*number),
        Value::Uint64(number) => number.cast_signed(),
        // What does not fit becomes the smallest integer, as on the processors Go mostly runs on.
        Value::Float(number) => literal::integer_part(*number).unwrap_or(i64::MIN),
        Value::Text(text) => {
            let text = text.to_str();
            let whole =
                text.split_once('.').filter(|(_, zeros)| is_zeros(zeros)).map_or(&*text, |(whole, _)| whole);
            literal::integer(whole, 0).unwrap_or(0)
        }
        _ => 0,
    }
}

fn is_zeros(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte == b'0')
}

/// The value as a float.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        #[expect(clippy::cast_precision_loss, reason = "Go rounds as well")]
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Byte(number) => f64::from(*number),
        #[expect(clippy::cast_precision_loss, reason = "Go rounds as well")]
        Value::Uint64(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Text(text) => float_of_text(&text.to_str()),
        _ => 0.0,
    }
}

fn float_of_text(text: &str) -> f64 {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix(['+', '-']).unwrap_or(&lower) {
        "inf" | "infinity" if lower.starts_with('-') => f64::NEG_INFINITY,
        "inf" | "infinity" => f64::INFINITY,
        "nan" if lower == "nan" => f64::NAN,
        _ => literal::float(text).unwrap_or(0.0),
    }
}
