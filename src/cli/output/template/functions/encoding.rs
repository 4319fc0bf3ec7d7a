//! Base 64, base 32 and JSON.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};

use super::super::error::Failure;
use super::super::json::{self, Style};
use super::super::value::Value;
use super::{Call, Function, Type, text};

const COMPACT: Style = Style { pretty: false, escape_html: true };
const PRETTY: Style = Style { pretty: true, escape_html: true };
const RAW: Style = Style { pretty: false, escape_html: false };

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("b64enc", &[Type::Text], |call| text(STANDARD.encode(call.bytes(0)))),
    // As in Sprig, what cannot be decoded gives the error as a text.
    Function::new("b64dec", &[Type::Text], |call| {
        let encoded = without_line_ends(call.bytes(0));
        let decoded = STANDARD.decode(&encoded).map_err(|error| match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            _ => encoded.len() / 4 * 4,
        });
        text(decoded.unwrap_or_else(|at| format!("illegal base64 data at input byte {at}").into_bytes()))
    }),
    Function::new("b32enc", &[Type::Text], |call| text(base32_encode(call.bytes(0)))),
    Function::new("b32dec", &[Type::Text], |call| {
        let decoded = base32_decode(&without_line_ends(call.bytes(0)));
        text(decoded.unwrap_or_else(|at| format!("illegal base32 data at input byte {at}").into_bytes()))
    }),
    Function::new("toJson", &[Type::Any], |call| {
        Ok(encode(call, COMPACT).unwrap_or_else(|_| Value::text("")))
    }),
    Function::new("toPrettyJson", &[Type::Any], |call| {
        Ok(encode(call, PRETTY).unwrap_or_else(|_| Value::text("")))
    }),
    Function::new("toRawJson", &[Type::Any], |call| encode(call, RAW)),
    Function::new("mustToJson", &[Type::Any], |call| encode(call, COMPACT)),
    Function::new("mustToPrettyJson", &[Type::Any], |call| encode(call, PRETTY)),
    Function::new("mustToRawJson", &[Type::Any], |call| encode(call, RAW)),
    Function::new("fromJson", &[Type::Text], |call| Ok(decode(call).unwrap_or(Value::Nil))),
    Function::new("mustFromJson", &[Type::Text], decode),
];

fn encode(call: &Call<'_>, style: Style) -> Result<Value, Failure> {
    json::encode(call.context, call.any(0), style).map(Value::Text)
}

fn decode(call: &Call<'_>) -> Result<Value, Failure> {
    let json =
        serde_json::from_str(&call.text(0)).map_err(|error| Failure(format!("invalid JSON: {error}")))?;
    json::to_value(&json)
}

fn without_line_ends(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648, section 6.
fn base32_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let mut padded = [0; 8];
        padded[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(padded);
        let digits = (group.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = usize::try_from(bits >> (35 - 5 * index) & 31).unwrap_or(0);
            out.push(if index < digits { BASE32[digit] } else { b'=' });
        }
    }
    out
}

/// The bytes, or where the text goes wrong.
fn base32_decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut groups = text.chunks(8).enumerate().peekable();
    while let Some((number, group)) = groups.next() {
        let start = 8 * number;
        let digits = group.iter().position(|byte| *byte == b'=').unwrap_or(group.len());
        let mut bits = 0_u64;
        for (at, byte) in group[..digits].iter().enumerate() {
            let digit = BASE32.iter().position(|letter| letter == byte).ok_or(start + at)?;
            bits = bits << 5 | u64::try_from(digit).unwrap_or(0);
        }
        let is_padding_right = group.len() == 8 && group[digits..].iter().all(|byte| *byte == b'=');
        let is_last = groups.peek().is_none();
        if !is_padding_right || (digits < 8 && !is_last) || !matches!(digits, 2 | 4 | 5 | 7 | 8) {
            return Err(start);
        }
        bits <<= 5 * (8 - digits);
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + digits * 5 / 8]);
    }
    Ok(out)
}
