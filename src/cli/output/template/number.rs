//! How Go writes floats: `%e`, `%f`, `%g`, `%b`, `%x`, and the shortest form that reads back the same (pure).

/// Writes a float with a sign always, `+` or `-`. `precision` is `None` for the shortest form.
///
/// `verb` is one of `b e E f F g G x X`.
pub(super) fn signed(value: f64, verb: char, precision: Option<usize>) -> String {
    let sign = if value.is_sign_negative() && !value.is_nan() { '-' } else { '+' };
    if value.is_nan() {
        return "+NaN".into();
    }
    if value.is_infinite() {
        return format!("{sign}Inf");
    }
    let magnitude = value.abs();
    let digits = match verb {
        'b' => binary(magnitude),
        'e' | 'E' => scientific(magnitude, precision),
        'f' | 'F' => fixed(magnitude, precision),
        'x' | 'X' => hexadecimal(magnitude, precision),
        _ => general(magnitude, precision),
    };
    let digits = if verb.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
    format!("{sign}{digits}")
}

/// The most digits that are computed; beyond them every float has zeros only.
const MAX_PRECISION: usize = 1100;

/// The digits of a float and its decimal exponent: 1234.5 is `("12345", 3)`.
fn decimal(value: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => shortest(value),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// The fewest digits that read back the same; of two such numbers the nearer one, or else the even one.
fn shortest(value: f64) -> String {
    let text = format!("{value:e}");
    let fraction_digits = text.split_once('e').map_or(0, |(mantissa, _)| mantissa.len().saturating_sub(2));
    let rounded = format!("{value:.fraction_digits$e}");
    if rounded.parse() == Ok(value) { rounded } else { text }
}

fn scientific(value: f64, precision: Option<usize>) -> String {
    let (mut digits, exponent) = decimal(value, precision.map(|precision| precision.min(MAX_PRECISION)));
    if let Some(precision) = precision {
        digits.extend(std::iter::repeat_n('0', (precision + 1).saturating_sub(digits.len())));
    }
    with_exponent(&digits, exponent)
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.unsigned_abs())
}

fn fixed(value: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else {
        let (digits, exponent) = decimal(value, None);
        return place_point(&digits, exponent);
    };
    let exact = precision.min(MAX_PRECISION);
    let mut text = format!("{value:.exact$}");
    text.extend(std::iter::repeat_n('0', precision - exact));
    text
}

fn general(value: f64, precision: Option<usize>) -> String {
    let significant = precision.map(|precision| precision.clamp(1, MAX_PRECISION));
    let (digits, exponent) = decimal(value, significant.map(|significant| significant - 1));
    let trimmed = digits.trim_end_matches('0');
    let digits = if trimmed.is_empty() { "0" } else { trimmed };
    // Where an exponent starts: the precision, but for short numbers their length, and 6 for the shortest.
    let threshold = match significant {
        None => 6,
        Some(significant) => {
            let significant = i32::try_from(significant).unwrap_or(i32::MAX);
            let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
            if significant > length && length > exponent { length } else { significant }
        }
    };
    if exponent < -4 || exponent >= threshold {
        return with_exponent(digits, exponent);
    }
    place_point(digits, exponent)
}

/// Writes digits without exponent.
fn place_point(digits: &str, exponent: i32) -> String {
    let Ok(whole) = usize::try_from(exponent + 1) else {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("0.{zeros}{digits}");
    };
    if whole == 0 {
        return format!("0.{digits}");
    }
    if whole >= digits.len() {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{}.{}", &digits[..whole], &digits[whole..])
}

/// The mantissa as an integer, and the power of two it is multiplied by.
fn parts(value: f64) -> (u64, i32) {
    const MANTISSA_BITS: u32 = 52;
    let bits = value.to_bits();
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
    let exponent = i32::try_from((bits >> MANTISSA_BITS) & 0x7ff).unwrap_or(0);
    // The smallest exponent marks numbers without the leading one.
    if exponent == 0 { (mantissa, -1074) } else { (mantissa | (1 << MANTISSA_BITS), exponent - 1075) }
}

fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}p{sign}{}", exponent.unsigned_abs())
}

fn hexadecimal(value: f64, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // One digit before the point, and it is 1.
        let shift = mantissa.leading_zeros() - 11;
        mantissa <<= shift;
        exponent += 52 - i32::try_from(shift).unwrap_or(0);
    }
    const FRACTION_DIGITS: usize = 13;
    if let Some(precision) = precision
        && precision < FRACTION_DIGITS
    {
        let dropped = 4 * (FRACTION_DIGITS - precision);
        let (kept, lost) = (mantissa >> dropped, mantissa & ((1 << dropped) - 1));
        let half = 1_u64 << (dropped - 1);
        let rounds_up = lost > half || (lost == half && kept & 1 == 1);
        mantissa = (kept + u64::from(rounds_up)) << dropped;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let whole = mantissa >> 52;
    let mut fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        None => fraction.truncate(fraction.trim_end_matches('0').len()),
        Some(precision) => {
            fraction.truncate(precision);
            fraction.extend(std::iter::repeat_n('0', precision.saturating_sub(FRACTION_DIGITS)));
        }
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("0x{whole}{point}{fraction}p{sign}{:02}", exponent.unsigned_abs())
}
