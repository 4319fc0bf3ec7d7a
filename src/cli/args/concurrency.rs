//! How much is moved at once, as people say it.

use std::str::FromStr;

use crate::ops::Concurrency;

/// The value of `--concurrency`: `N` means exactly so many at once, `N+` more of what is small.
///
/// Numbers below 1 stand for the default of the engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AtOnce {
    number: i64,
    has_more: bool,
}

impl AtOnce {
    /// For moving graphs.
    pub(crate) fn nodes(self) -> Concurrency {
        match self.has_more {
            true => Concurrency::and_more(self.tags()),
            false => Concurrency::exactly(self.tags()),
        }
    }

    /// For setting tags; 0 means the default.
    pub(crate) fn tags(self) -> usize {
        usize::try_from(self.number).unwrap_or_default()
    }
}

impl FromStr for AtOnce {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('+').unwrap_or(text);
        Ok(Self { number: number.parse()?, has_more: number.len() < text.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_exact_unless_a_plus_follows() {
        for (text, expected) in [
            ("2", Concurrency::exactly(2)),
            ("0", Concurrency::exactly(0)),
            ("-3", Concurrency::exactly(0)),
            ("5+", Concurrency::and_more(5)),
        ] {
            assert_eq!(text.parse::<AtOnce>().unwrap().nodes(), expected, "{text}");
        }
        assert!(["", "+", "many", "1.5"].iter().all(|text| text.parse::<AtOnce>().is_err()));
    }
}
