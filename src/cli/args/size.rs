//! A number of bytes, as people write it.

use std::str::FromStr;

/// A size in bytes, such as `4096`, `500M` or `1.5GiB`; a kilobyte is 1024 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).map(Self).ok_or_else(|| "not a size such as 500M or 2G".to_owned())
    }
}

fn parse(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let power = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit) {
        "" if unit != "ib" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(1 << power)?;
    if fraction.is_empty() {
        return (!number.ends_with('.')).then_some(whole);
    }
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 9 && power > 0)?;
    let part = fraction.parse::<u64>().ok()?.checked_mul(1 << power.min(30))? / 10_u64.pow(digits);
    whole.checked_add(part << (power - power.min(30)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("4096B", Some(4096)),
            ("1k", Some(1 << 10)),
            ("500M", Some(500 << 20)),
            ("2 GB", Some(2 << 30)),
            ("1.5GiB", Some(3 << 29)),
            ("1.25T", Some(5 << 38)),
            ("16777215T", Some(16_777_215 << 40)),
            ("16777216T", None),
            ("", None),
            ("M", None),
            ("1.5", None),
            ("1.", None),
            ("1.M", None),
            (".5M", None),
            ("-1", None),
            ("1e3", None),
            ("1iB", None),
            ("1 1", None),
            ("1.2.3M", None),
            ("5P", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_a_size_or_refused(text in "[0-9.kKmMgGtTiIbB -]{0,24}") {
            let _ = parse(&text);
        }
    }
}
