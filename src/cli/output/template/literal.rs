//! The values that numbers, characters and quoted strings in a template stand for (pure).

/// A number in the source, which takes the type that its place asks for.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// As written.
    pub(super) source: String,
    /// Its value where an `int` is wanted; `1.0` has one, `1.5` has none.
    pub(super) int: Option<i64>,
    /// Its value where a `float64` is wanted.
    pub(super) float: f64,
    /// Whether it is a `float64` where any type will do.
    pub(super) is_float: bool,
}

impl Number {
    /// Reads a number in Go's syntax: decimal, hexadecimal, octal, binary, with underscores, a fraction or
    /// an exponent.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        if source.ends_with('i') {
            return Err(format!("complex numbers are not supported: {source:?}"));
        }
        let owned = source.to_owned();
        let is_hex = source.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x");
        let looks_float =
            if is_hex { source.contains(['.', 'p', 'P']) } else { source.contains(['.', 'e', 'E']) };
        if let Some(int) = integer(source, 0) {
            #[expect(clippy::cast_precision_loss, reason = "a float is asked for; Go rounds as well")]
            let float = int as f64;
            return Ok(Self { source: owned, int: Some(int), float, is_float: false });
        }
        if !looks_float {
            let digits = source.trim_start_matches(['+', '-']);
            let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let problem = if is_decimal { "integer overflow" } else { "illegal number syntax" };
            return Err(format!("{problem}: {source:?}"));
        }
        let float = float(source).ok_or_else(|| format!("illegal number syntax: {source:?}"))?;
        Ok(Self { source: owned, int: exact_integer(float), float, is_float: true })
    }

    /// A character in single quotes, which counts as its code point.
    pub(super) fn character(source: &str) -> Result<Self, String> {
        let malformed = || format!("malformed character constant: {source}");
        let inner =
            source.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).ok_or_else(malformed)?;
        let mut out = Vec::new();
        let rest = unquote_next(inner, '\'', &mut out).ok_or_else(malformed)?;
        let code = match std::str::from_utf8(&out) {
            Ok(text) => text.chars().next().map(u32::from),
            Err(_) => out.first().copied().map(u32::from),
        };
        match code {
            Some(code) if rest.is_empty() => {
                let (int, float) = (Some(i64::from(code)), f64::from(code));
                Ok(Self { source: source.to_owned(), int, float, is_float: false })
            }
            _ => Err(malformed()),
        }
    }
}

/// The integer that a float is equal to.
fn exact_integer(float: f64) -> Option<i64> {
    integer_part(float).filter(|_| float.fract() == 0.0)
}

/// A float without its fraction, if it fits.
pub(super) fn integer_part(float: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "cutting off the fraction is the purpose")]
    (-END..END).contains(&float).then_some(float as i64)
}

/// Reads an integer as Go's `ParseInt` does. Base 0 takes the base from a prefix and allows underscores.
///
/// `None` stands for a text that is no integer and for one that does not fit.
pub(super) fn integer(text: &str, base: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = if base == 0 { radix_of(digits)? } else { (base, digits.to_owned()) };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

fn radix_of(digits: &str) -> Option<(u32, String)> {
    let lower = digits.to_ascii_lowercase();
    let (radix, rest, prefixed) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest, true)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest, true)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..], true)
    } else {
        (10, lower.as_str(), false)
    };
    Some((radix, without_underscores(rest, prefixed)?))
}

/// Takes out underscores, which may stand between digits, and between a prefix and a digit.
fn without_underscores(digits: &str, prefixed: bool) -> Option<String> {
    let misplaced = digits.ends_with('_') || digits.contains("__") || (!prefixed && digits.starts_with('_'));
    (!misplaced).then(|| digits.replace('_', ""))
}

/// Reads a float as Go's `ParseFloat` does, in range and without the words for infinity.
pub(super) fn float(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let value = match lower.strip_prefix("0x") {
        Some(hex) => hex_float(hex)?,
        None => {
            let separated = lower.as_bytes().windows(2).all(|pair| {
                !pair.contains(&b'_')
                    || (pair[0].is_ascii_digit() || pair[0] == b'_')
                        && (pair[1].is_ascii_digit() || pair[1] == b'_')
            });
            let clean = without_underscores(&lower, false).filter(|_| separated)?;
            let is_plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-');
            if !clean.bytes().all(is_plain) || clean.starts_with(['+', '-', 'e']) {
                return None;
            }
            clean.parse::<f64>().ok()?
        }
    };
    value.is_finite().then_some(sign * value)
}

/// Reads what follows `0x` in a float: hexadecimal digits and a binary exponent, which is not optional.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = without_underscores(&format!("{whole}{fraction}"), true)?;
    let fraction_digits = i32::try_from(fraction.replace('_', "").len()).ok()?;
    if digits.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in digits.chars() {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let scale = exponent.checked_sub(fraction_digits.checked_mul(4)?)?;
    // Two factors, since 2^-1074 is a float but its inverse is not.
    Some(value * 2.0_f64.powi(scale / 2) * 2.0_f64.powi(scale - scale / 2))
}

/// Reads a string in double quotes or backquotes. `None` if an escape is not one of Go's.
pub(super) fn unquote(source: &str) -> Option<Vec<u8>> {
    if let Some(raw) = source.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(raw.replace('\r', "").into_bytes());
    }
    let mut rest = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        rest = unquote_next(rest, '"', &mut out)?;
    }
    Some(out)
}

/// Reads one character, escaped or not, and returns what follows it.
fn unquote_next<'s>(source: &'s str, quote: char, out: &mut Vec<u8>) -> Option<&'s str> {
    let mut characters = source.chars();
    let first = characters.next()?;
    if first != '\\' {
        out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
        return (first != quote).then_some(characters.as_str());
    }
    let escape = characters.next()?;
    let rest = characters.as_str();
    let digits = match escape {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '0'..='7' => {
            let octal = source.get(1..4)?;
            out.push(u8::try_from(integer(octal, 8)?).ok()?);
            return source.get(4..);
        }
        _ => {
            out.push(match escape {
                'a' => 0x07,
                'b' => 0x08,
                'f' => 0x0c,
                'n' => b'\n',
                'r' => b'\r',
                't' => b'\t',
                'v' => 0x0b,
                '\\' => b'\\',
                _ if escape == quote => u8::try_from(quote).ok()?,
                _ => return None,
            });
            return Some(rest);
        }
    };
    let hex = rest.get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let code = u32::from_str_radix(hex, 16).ok()?;
    match escape {
        'x' => out.push(u8::try_from(code).ok()?),
        _ => out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    rest.get(digits..)
}
