//! What stands where in a row of progress, for a terminal of so many columns. No row is longer than that.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use indicatif::{HumanBytes, HumanDuration, ProgressState, ProgressStyle};

/// Below so many columns a row has no room for a bar, amounts and rates.
const NARROW: usize = 60;

/// Columns of everything in a row of a node but the text, blanks included.
const WIDE_TAIL: usize = 2 + 1 + 10 + 1 + 4 + 1 + 13 + 1 + 11 + 1 + 4;
const NARROW_TAIL: usize = 2 + 1 + 4 + 1 + 4;

/// Columns of a terminal that does not say how many it has.
const USUAL: usize = 80;

/// Columns of the terminal on standard error.
pub(super) fn columns() -> usize {
    let size = console::Term::stderr().size_checked();
    size.map(|(_, columns)| usize::from(columns)).filter(|columns| *columns > 0).unwrap_or(USUAL)
}

/// The row of a node: what happens to it, how far it is, how fast, and how long it takes yet.
pub(super) fn of_node(columns: usize) -> ProgressStyle {
    style(if columns < NARROW {
        "{spinner} {wide_msg} {percent:>3}% {left:>4}"
    } else {
        "{spinner} {wide_msg} {bar:10} {percent:>3}% {amount:>13} {rate:>11} {left:>4}"
    })
}

/// The row of the whole, in the same columns.
pub(super) fn of_total(columns: usize) -> ProgressStyle {
    style(if columns < NARROW {
        "{wide_msg} {amount:>13} {percent:>3}% {left:>4}"
    } else {
        "{wide_msg} {percent:>3}% {amount:>13} {rate:>11} {left:>4}"
    })
}

/// The text of a node's row: a name that is too long loses its middle, since its end tells more.
pub(super) fn text(word: &str, name: &str, columns: usize) -> String {
    let tail = if columns < NARROW { NARROW_TAIL } else { WIDE_TAIL };
    let word = word.trim_end();
    let room = columns.saturating_sub(tail + word.chars().count() + 1);
    format!("{word} {}", fit(name, room))
}

/// Two rows for what is done: its name with its size at the right edge, and its digest.
pub(super) fn done(
    tick: &str,
    word: &str,
    (name, size, digest): (&str, u64, &str),
    took: Option<Duration>,
    columns: usize,
) -> String {
    let took = took.map(|took| format!(" {}", short(took))).unwrap_or_default();
    let right = format!("{}{took}", HumanBytes(size));
    let room = columns.saturating_sub(2 + word.chars().count() + 1 + 1 + right.chars().count() + 1);
    let name = fit(name, room);
    let gap = " ".repeat(room.saturating_sub(console::measure_text_width(&name)) + 1);
    let digest = fit(digest, columns.saturating_sub(6));
    format!("{tick} {word} {name}{gap}{right}\n  └─ {digest}")
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the templates of this file are well-formed");
    style
        .progress_chars("━╸ ")
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
        .with_key("amount", |state: &ProgressState, row: &mut dyn Write| {
            let total = state.len().unwrap_or_default().max(state.pos());
            write(row, format_args!("{}", amount(state.pos(), total)));
        })
        .with_key("rate", |state: &ProgressState, row: &mut dyn Write| {
            write(row, format_args!("{}", rate(state.per_sec())));
        })
        .with_key("left", |state: &ProgressState, row: &mut dyn Write| {
            let is_known = state.pos() > 0 && state.per_sec() >= 1.0;
            write(row, format_args!("{}", left(is_known.then(|| state.eta()))));
        })
}

fn write(row: &mut dyn Write, text: fmt::Arguments<'_>) {
    // A row is a string, which takes everything.
    let _ = row.write_fmt(text);
}

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// How much of how much, in one unit: `2.0/8.0 MiB`.
fn amount(done: u64, total: u64) -> String {
    let place = (total.max(1).ilog2() / 10).min(4);
    let unit = UNITS[place as usize];
    if place == 0 {
        return format!("{done}/{total} {unit}");
    }
    // Whole numbers of tenths, since a fraction of two numbers cannot be held exactly otherwise.
    let tenths = |bytes: u64| {
        let tenths = (u128::from(bytes) * 10) >> (10 * place);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    format!("{}/{} {unit}", tenths(done), tenths(total))
}

/// Bytes in a second: `2.3 MiB/s`.
fn rate(mut per_second: f64) -> String {
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while per_second >= 1000.0
        && let Some(larger) = units.next()
    {
        per_second /= 1024.0;
        unit = Some(larger);
    }
    format!("{per_second:.1} {}/s", unit.unwrap_or(&"B"))
}

/// A time in its largest unit: `3s`, `12m`, `2h`; a dash where nobody can know.
fn left(time: Option<Duration>) -> String {
    let Some(seconds) = time.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0)) else {
        return "–".to_owned();
    };
    match seconds {
        0..100 => format!("{seconds}s"),
        100..6_000 => format!("{}m", seconds.div_ceil(60)),
        6_000..360_000 => format!("{}h", seconds.div_ceil(3_600)),
        _ => "–".to_owned(),
    }
}

fn short(took: Duration) -> String {
    if took < Duration::from_secs(60) {
        format!("{:.1}s", took.as_secs_f64())
    } else {
        HumanDuration(took).to_string()
    }
}

/// Cuts a text in the middle so that it takes at most so many columns.
fn fit(text: &str, room: usize) -> String {
    if console::measure_text_width(text) <= room {
        return text.to_owned();
    }
    if room < 4 {
        return console::truncate_str(text, room, "").into_owned();
    }
    let head = console::truncate_str(text, (room - 1) / 2, "").into_owned();
    let room = room - 1 - console::measure_text_width(&head);
    let mut tail = text;
    while console::measure_text_width(tail) > room {
        let first = tail.chars().next().map_or(0, char::len_utf8);
        tail = &tail[first..];
    }
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_loses_its_middle() {
        assert_eq!(fit("short", 10), "short");
        assert_eq!(fit("a-very-long-name.tar.gz", 11), "a-ver…ar.gz");
        assert_eq!(fit("abcdef", 2), "ab");
        assert_eq!(fit("日本語のとても長い名前", 9), "日本…名前");
    }

    #[test]
    fn an_amount_has_one_unit() {
        for (done, total, expected) in [
            (0, 0, "0/0 B"),
            (4, 1_023, "4/1023 B"),
            (0, 1_024, "0.0/1.0 KiB"),
            (2 << 20, 8 << 20, "2.0/8.0 MiB"),
            (1_023 << 20, 1_023 << 20, "1023.0/1023.0 MiB"),
            (1 << 30, 3 << 40, "0.0/3.0 TiB"),
        ] {
            assert_eq!(amount(done, total), expected);
        }
        for (per_second, expected) in
            [(0.0, "0.0 B/s"), (999.4, "999.4 B/s"), (1_000.0, "1.0 KiB/s"), (2.4e6, "2.3 MiB/s")]
        {
            assert_eq!(rate(per_second), expected);
        }
        assert!(rate(f64::MAX).ends_with(" TiB/s"));
    }

    #[test]
    fn a_time_that_is_left_has_at_most_four_characters() {
        for (seconds, expected) in [
            (0, "0s"),
            (99, "99s"),
            (100, "2m"),
            (5_999, "100m"),
            (6_000, "2h"),
            (359_999, "100h"),
            (360_000, "–"),
        ] {
            assert_eq!(left(Some(Duration::from_secs(seconds))), expected, "{seconds}");
        }
        assert_eq!(left(Some(Duration::from_millis(1))), "1s");
        assert_eq!(left(None), "–");
    }

    #[test]
    fn what_is_done_takes_no_more_columns_than_there_are() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let long = "a/very/long/path/to/a/file/with/a/name.tar.gz".repeat(3);
        for columns in [40, 80, 200] {
            for name in ["a", &long, "日本語"] {
                let rows =
                    done("✓", "Downloaded ", (name, 8 << 20, &digest), Some(Duration::from_secs(3)), columns);
                for row in rows.lines() {
                    let width = console::measure_text_width(row);
                    assert!(width < columns, "{columns}: {width}: {row}");
                }
                assert!(rows.lines().next().is_some_and(|row| row.ends_with("8.00 MiB 3.0s")), "{rows}");
            }
        }
    }
}
