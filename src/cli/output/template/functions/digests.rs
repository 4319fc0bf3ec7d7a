//! Checksums of texts, in hexadecimal.

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("sha1sum", &[Type::Text], |call| text(hex::encode(Sha1::digest(call.bytes(0))))),
    Function::new("sha256sum", &[Type::Text], |call| text(hex::encode(Sha256::digest(call.bytes(0))))),
    Function::new("sha512sum", &[Type::Text], |call| text(hex::encode(Sha512::digest(call.bytes(0))))),
    Function::new("adler32sum", &[Type::Text], |call| text(adler32(call.bytes(0)).to_string())),
];

/// The checksum of RFC 1950, section 8.2.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}
