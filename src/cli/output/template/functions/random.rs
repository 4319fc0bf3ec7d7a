//! Randomness, from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::buffer::MAX_BYTES;
use super::super::error::Failure;
use super::super::value::Value;
use super::{Call, Function, Type, text};

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("randNumeric", &[Type::Int], |call| pick(call, DIGITS)),
    Function::new("randAlpha", &[Type::Int], |call| pick(call, LETTERS)),
    Function::new("randAlphaNum", &[Type::Int], |call| pick(call, &[LETTERS, DIGITS].concat())),
    Function::new("randAscii", &[Type::Int], |call| pick(call, &(b' '..=b'~').collect::<Vec<u8>>())),
    Function::new("randBytes", &[Type::Int], |call| text(STANDARD.encode(bytes(count(call)?)?))),
    Function::new("randInt", &[Type::Int, Type::Int], |call| {
        let (least, end) = (call.int(0), call.int(1));
        if least >= end {
            return Err(Failure(format!("no integer is at least {least} and less than {end}")));
        }
        Ok(Value::Int(least.wrapping_add_unsigned(below(least.abs_diff(end))?)))
    }),
    Function::new("shuffle", &[Type::Text], |call| {
        let mut characters: Vec<char> = call.text(0).chars().collect();
        for last in (1..characters.len()).rev() {
            let other = usize::try_from(below(last as u64 + 1)?).unwrap_or(last);
            characters.swap(last, other);
        }
        text(characters.into_iter().collect::<String>())
    }),
    Function::new("uuidv4", &[], |_| uuid()),
];

fn count(call: &Call<'_>) -> Result<usize, Failure> {
    let count = usize::try_from(call.int(0)).unwrap_or(0);
    // Base 64 makes the bytes longer by a third.
    if count > MAX_BYTES / 2 {
        return Err(Failure(format!("{count} random bytes are too many")));
    }
    Ok(count)
}

/// A text of characters that are picked from an alphabet.
fn pick(call: &Call<'_>, alphabet: &[u8]) -> Result<Value, Failure> {
    let mut out = Vec::new();
    let count = count(call)?;
    // Bytes that would make some characters more likely than others are thrown away.
    let usable = 256 - 256 % alphabet.len();
    while out.len() < count {
        let fresh = bytes((count - out.len()).clamp(16, 4096))?;
        let usable = fresh.into_iter().map(usize::from).filter(|byte| *byte < usable);
        out.extend(usable.take(count - out.len()).map(|byte| alphabet[byte % alphabet.len()]));
    }
    text(out)
}

/// A number below `end`, which is not zero, each as likely as any other.
fn below(end: u64) -> Result<u64, Failure> {
    let usable = u64::MAX - u64::MAX % end;
    loop {
        let mut fresh = [0; 8];
        fill(&mut fresh)?;
        let number = u64::from_ne_bytes(fresh);
        if number < usable {
            return Ok(number % end);
        }
    }
}

fn bytes(count: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; count];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| Failure(format!("no randomness: {error}")))
}

/// A random UUID, RFC 9562 version 4.
fn uuid() -> Result<Value, Failure> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    text(parts.join("-"))
}
