//! Digests: `algorithm:encoded`, and the hashing that makes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::error::{DigestError, Error};

/// A hash function of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256: what everything is written with unless asked otherwise.
    Sha256,
    /// SHA-384: read only.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name before the colon of a digest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the encoded part, in characters.
    #[must_use]
    pub fn encoded_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// Starts hashing with this function.
    #[must_use]
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
            Self::Sha384 => Hasher::Sha384(Sha384::new()),
            Self::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }
}

/// A hash in the making: feed it bytes, then [`finish`](Self::finish).
#[derive(Debug, Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384(Sha384),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Adds bytes to what is hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of everything that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self {
            Self::Sha256(hash) => {
                Digest { algorithm: Algorithm::Sha256, encoded: hex::encode(hash.finalize()).into() }
            }
            Self::Sha384(hash) => {
                Digest { algorithm: Algorithm::Sha384, encoded: hex::encode(hash.finalize()).into() }
            }
            Self::Sha512(hash) => {
                Digest { algorithm: Algorithm::Sha512, encoded: hex::encode(hash.finalize()).into() }
            }
        }
    }
}

/// The digest of some content: the name it has in a registry or layout.
///
/// Implements image-spec v1.1, "Digests".
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    encoded: Box<str>,
}

impl Digest {
    /// The SHA-256 digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_with(Algorithm::Sha256, bytes)
    }

    /// The digest of some bytes with the given algorithm.
    #[must_use]
    pub fn of_with(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = algorithm.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The part after the colon: lower-case hexadecimal.
    #[must_use]
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The form shown to people: the first 12 characters of a SHA-256, the whole digest otherwise.
    #[must_use]
    pub fn short(&self) -> String {
        match self.algorithm {
            Algorithm::Sha256 => self.encoded[..12].to_owned(),
            _ => self.to_string(),
        }
    }

    /// The tag that lists the referrers of this digest where a registry has no referrers API.
    ///
    /// Implements distribution-spec v1.1, "Referrers Tag Schema".
    #[must_use]
    pub fn referrers_tag(&self) -> String {
        format!("{}-{}", self.algorithm.as_str(), &self.encoded[..self.encoded.len().min(64)])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.encoded)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::InvalidDigest { text: text.to_owned(), reason };
        let (algorithm, encoded) = text.split_once(':').ok_or(refuse(DigestError::Format))?;
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !algorithm.split(['+', '.', '_', '-']).all(word)
            || encoded.is_empty()
            || !encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"=_-".contains(&b))
        {
            return Err(refuse(DigestError::Format));
        }
        let algorithm = match algorithm {
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            _ => return Err(refuse(DigestError::Algorithm)),
        };
        if encoded.len() != algorithm.encoded_len() {
            return Err(refuse(DigestError::Length));
        }
        if !encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(refuse(DigestError::Format));
        }
        Ok(Self { algorithm, encoded: encoded.into() })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_the_empty_object_is_the_known_one() {
        let digest = Digest::of(b"{}");
        assert_eq!(
            digest.to_string(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(digest.short(), "44136fa355b3");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn a_text_that_is_no_digest_is_refused_with_the_rule_it_breaks() {
        let cases = [
            ("x", DigestError::Format),
            ("sha256", DigestError::Format),
            ("SHA256:00", DigestError::Format),
            ("sha256:", DigestError::Format),
            ("md5:00", DigestError::Algorithm),
            ("sha256:abc", DigestError::Length),
            ("sha256:zz136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", DigestError::Format),
            ("sha256:44136FA355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", DigestError::Format),
        ];
        for (text, reason) in cases {
            assert_eq!(
                text.parse::<Digest>(),
                Err(Error::InvalidDigest { text: text.into(), reason }),
                "{text}"
            );
        }
    }

    #[test]
    fn the_referrers_tag_is_cut_to_64_characters_of_the_encoded_part() {
        let digest = Digest::of_with(Algorithm::Sha512, b"");
        assert_eq!(digest.referrers_tag().len(), "sha512-".len() + 64);
        assert!(digest.to_string().starts_with(&digest.referrers_tag().replacen('-', ":", 1)));
        assert_eq!(digest.short(), digest.to_string());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn a_digest_of_anything_is_read_as_it_is_written(bytes in proptest::collection::vec(0_u8.., 0..40)) {
            for algorithm in [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
                let digest = Digest::of_with(algorithm, &bytes);
                proptest::prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
            }
        }

        #[test]
        fn what_is_almost_a_digest_is_refused(
            text in "(sha256|sha512|SHA256|md5|sha256/|)(:|)([0-9a-f]{62,66}|[0-9A-F]{64}|[./]{64})",
        ) {
            let is_digest = text.strip_prefix("sha256:").is_some_and(|encoded| {
                encoded.len() == 64 && encoded.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            });
            proptest::prop_assert_eq!(text.parse::<Digest>().is_ok(), is_digest, "{}", text);
        }
    }
}
