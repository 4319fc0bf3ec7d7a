//! Sizes and times as people read them.

use std::time::Duration;

/// A size in bytes with its unit: `512  B`, `7.5 KB`, `1.25 GB`. A kilobyte is 1024 bytes.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = [" B", "KB", "MB", "GB", "TB"];
    let place = (bytes.max(1).ilog2() / 10).min(4);
    let unit = 1u128 << (10 * place);
    // Whole numbers of hundredths, since a fraction of two numbers cannot be held exactly otherwise.
    let hundredths = (u128::from(bytes) * 100 + unit / 2) / unit;
    let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
    let number = match hundredths {
        0..1_000 => format!("{}.{:02}", hundredths / 100, hundredths % 100),
        1_000..10_000 => format!("{}.{}", tenths / 10, tenths % 10),
        _ => format!("{}.0", (u128::from(bytes) + unit / 2) / unit),
    };
    format!("{} {}", number.trim_end_matches('0').trim_end_matches('.'), UNITS[place as usize])
}

/// A time with as many units as it needs: `850µs`, `20ms`, `2s`, `1m3s`, `1h0m5s`.
pub(crate) fn duration(time: Duration) -> String {
    let micros = time.as_micros() + u128::from(time.subsec_nanos() % 1_000 >= 500);
    let millis = (micros + 500) / 1_000;
    if time <= Duration::from_millis(1) {
        return match micros {
            0 => "0s".to_owned(),
            1_000.. => "1ms".to_owned(),
            micros => format!("{micros}µs"),
        };
    }
    if time <= Duration::from_secs(1) && millis < 1_000 {
        return format!("{millis}ms");
    }
    let seconds = (millis + 500) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_at_most_four_characters_and_a_unit() {
        for (bytes, expected) in [
            (0, "0  B"),
            (512, "512  B"),
            (1_023, "1023  B"),
            (1_024, "1 KB"),
            (1_536, "1.5 KB"),
            (7_680, "7.5 KB"),
            (10_240, "10 KB"),
            (13_824, "13.5 KB"),
            (17_920, "17.5 KB"),
            (102_400, "100 KB"),
            (1_310_720, "1.25 MB"),
            (5 << 30, "5 GB"),
            (3 << 40, "3 TB"),
            (4 << 50, "4096 TB"),
        ] {
            assert_eq!(size(bytes), expected, "{bytes}");
        }
        assert!(size(u64::MAX).ends_with(" TB"));
    }

    #[test]
    fn a_time_is_rounded_to_the_unit_that_matters() {
        let cases = [
            (0, "0s"),
            (400, "0s"),
            (850_400, "850µs"),
            (1_000_000, "1ms"),
            (20_300_000, "20ms"),
            (999_700_000, "1s"),
            (1_000_000_000, "1s"),
            (2_400_000_000, "2s"),
            (59_600_000_000, "1m0s"),
            (63_000_000_000, "1m3s"),
            (3_605_000_000_000, "1h0m5s"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(duration(Duration::from_nanos(nanos)), expected, "{nanos}");
        }
    }
}
