//! Ranges in headers (pure).

/// Which part of the whole an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// Offset of the first byte.
    pub(crate) start: u64,
    /// Offset of the last byte.
    pub(crate) end: u64,
    /// Size of the whole; `None` when it is not told.
    pub(crate) total: Option<u64>,
}

/// Reads `Content-Range: bytes 1-2/3`.
///
/// Implements RFC 9110, section 14.4.
pub(crate) fn content_range(value: &str) -> Option<ContentRange> {
    let value = value.trim();
    let range = value.get(..6).filter(|unit| unit.eq_ignore_ascii_case("bytes ")).map(|_| &value[6..])?;
    let (range, total) = range.trim().split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (start <= end && total.is_none_or(|total| end < total)).then_some(ContentRange { start, end, total })
}

/// Reads the `Range: 0-9` of an upload: how many bytes the registry has. `None` when it does not say.
///
/// `0-0` is one byte or none, which the registries do not tell apart.
///
/// Implements distribution-spec v1.1, "Pushing a blob in chunks".
pub(crate) fn uploaded(value: &str) -> Option<Uploaded> {
    let value = value.trim();
    let value = value.strip_prefix("bytes=").unwrap_or(value);
    let (start, end) = value.split_once('-')?;
    match (start.trim(), end.trim()) {
        ("0", "-1") => Some(Uploaded::Bytes(0)),
        ("0", "0") => Some(Uploaded::OneOrNone),
        ("0", end) => end.parse::<u64>().ok()?.checked_add(1).map(Uploaded::Bytes),
        _ => None,
    }
}

/// How many bytes of an upload a registry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// One byte or none.
    OneOrNone,
    /// So many.
    Bytes(u64),
}

impl Uploaded {
    /// Is it what a registry says that has so many bytes?
    pub(crate) fn fits(self, bytes: u64) -> bool {
        match self {
            Self::OneOrNone => bytes <= 1,
            Self::Bytes(said) => said == bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_or_refused() {
        let range = |start, end, total| Some(ContentRange { start, end, total });
        let cases = [
            ("bytes 0-4/5", range(0, 4, Some(5))),
            ("Bytes 3-4/*", range(3, 4, None)),
            (" bytes 3-4/5 ", range(3, 4, Some(5))),
            ("bytes 4-3/5", None),
            ("bytes 0-5/5", None),
            ("bytes */5", None),
            ("bytes 0-4", None),
            ("0-4/5", None),
            ("bytes -1-4/5", None),
            ("bytes 0-99999999999999999999/5", None),
            ("bytés 0-4/5", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(content_range(value), expected, "{value}");
        }
    }

    #[test]
    fn the_range_of_an_upload_may_be_ambiguous() {
        let cases = [
            ("0-0", Some(Uploaded::OneOrNone)),
            ("0--1", Some(Uploaded::Bytes(0))),
            ("0-9", Some(Uploaded::Bytes(10))),
            ("bytes=0-9", Some(Uploaded::Bytes(10))),
            ("5-9", None),
            ("0-", None),
            ("-", None),
            ("", None),
            ("0-18446744073709551615", None),
        ];
        for (value, expected) in cases {
            assert_eq!(uploaded(value), expected, "{value}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn a_range_comes_back_as_it_was_written(start in 0..u64::MAX / 2, length in 1..1_000_u64, more in 0..9_u64) {
            let (end, total) = (start + length - 1, start + length + more);
            let read = content_range(&format!("bytes {start}-{end}/{total}"));
            proptest::prop_assert_eq!(read, Some(ContentRange { start, end, total: Some(total) }));
        }

        #[test]
        fn no_range_or_other_header_is_too_odd_to_read(text in "[bytes=0-9/* :;w,\"]{0,40}") {
            crate::registry::fuzz::headers(text.as_bytes());
        }
    }
}
