//! Progress on a terminal: a row for each node that moves, a row for the whole, and what is done above.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Printer, Verbs, visible};
use crate::{
    oci::{Descriptor, Digest},
    progress::{Event, Progress},
};

/// Rows that move at once; more nodes than that are only counted.
const ROWS: usize = 12;

/// Frames per second.
const RATE: u8 = 10;

/// Below so many columns a row has no room for rate and time.
const NARROW: u16 = 60;

/// Draws on standard error; tags go to standard output, where the result is.
pub(crate) struct Bars {
    printer: Arc<Printer>,
    verbs: Verbs,
    is_text: bool,
    has_colours: bool,
    rows: MultiProgress,
    total: ProgressBar,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    moving: HashMap<Digest, Row>,
    planned: u64,
    planned_bytes: u64,
    finished: u64,
    moved_bytes: u64,
}

struct Row {
    /// Nothing where there was no room.
    bar: Option<ProgressBar>,
    begun: Instant,
    position: u64,
}

impl Bars {
    /// Bars in the words of a verb.
    pub(crate) fn new(printer: Arc<Printer>, verbs: Verbs, is_text: bool, has_colours: bool) -> Self {
        let rows = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        let total = rows.add(ProgressBar::new(0));
        total.set_style(style(if width() < NARROW {
            "{msg} {bytes}/{total_bytes}"
        } else {
            "{msg} {bytes}/{total_bytes} ({bytes_per_sec}, {eta} left)"
        }));
        Self { printer, verbs, is_text, has_colours, rows, total, state: Mutex::default() }
    }

    /// Takes the rows that move away; what is done stays.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        for (_, row) in state.moving.drain() {
            if let Some(bar) = row.bar {
                bar.finish_and_clear();
            }
        }
        self.total.finish_and_clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    fn begin(&self, state: &mut State, word: &str, node: &Descriptor) {
        if state.moving.contains_key(&node.digest) {
            return;
        }
        let has_room = state.moving.values().filter(|row| row.bar.is_some()).count() < ROWS;
        let bar = has_room.then(|| {
            let bar = self.rows.insert_before(&self.total, ProgressBar::new(node.size));
            bar.set_style(style(if width() < NARROW {
                "{spinner} {wide_msg} {percent:>3}%"
            } else {
                "{spinner} [{bar:20}] {wide_msg} {bytes}/{total_bytes} ({bytes_per_sec}) {eta}"
            }));
            bar.set_message(format!("{} {}", word.trim_end(), visible(node.display_name())));
            bar.enable_steady_tick(Duration::from_millis(1000 / u64::from(RATE)));
            bar
        });
        state.moving.insert(node.digest.clone(), Row { bar, begun: Instant::now(), position: 0 });
    }

    fn advance(&self, state: &mut State, node: &Descriptor, position: u64) {
        let Some(row) = state.moving.get_mut(&node.digest) else { return };
        state.moved_bytes = state.moved_bytes.saturating_sub(row.position) + position;
        row.position = position;
        if let Some(bar) = &row.bar {
            bar.set_position(position);
        }
        self.total.set_position(state.moved_bytes);
    }

    fn end(&self, state: &mut State, word: &str, node: &Descriptor) {
        let took = state.moving.remove(&node.digest).map(|row| {
            state.moved_bytes = state.moved_bytes.saturating_sub(row.position) + node.size;
            if let Some(bar) = row.bar {
                bar.finish_and_clear();
            }
            row.begun.elapsed()
        });
        if took.is_none() {
            state.planned_bytes = state.planned_bytes.saturating_sub(node.size);
        }
        state.finished += 1;
        let lines = self.done_lines(word, node, took);
        // That a row could not be drawn changes nothing of the result.
        let _ = self.rows.println(lines);
        self.total.set_position(state.moved_bytes);
        self.count(state);
    }

    fn count(&self, state: &State) {
        self.total.set_length(state.planned_bytes.max(state.moved_bytes));
        self.total.set_message(format!("Total {}/{}", state.finished, state.planned.max(state.finished)));
    }

    /// Two rows for what is done: its name with its size at the right edge, and its digest.
    fn done_lines(&self, word: &str, node: &Descriptor, took: Option<Duration>) -> String {
        let width = usize::from(width());
        let took = took.map(|took| format!(" {}", short(took))).unwrap_or_default();
        let right = format!("{}{took}", HumanBytes(node.size));
        let name = visible(node.display_name()).into_owned();
        let tick = if self.has_colours { "\u{1b}[92m✓\u{1b}[0m" } else { "✓" };
        let room = width.saturating_sub(2 + word.chars().count() + 1 + 1 + right.chars().count() + 1);
        let name = fit(&name, room);
        let gap = " ".repeat(room.saturating_sub(console::measure_text_width(&name)) + 1);
        let digest = node.digest.to_string();
        let digest =
            if digest.chars().count() + 5 < width { digest } else { fit(&digest, width.saturating_sub(6)) };
        format!("{tick} {word} {name}{gap}{right}\n  └─ {digest}")
    }
}

impl Progress for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Tagged(tag) if self.is_text => return self.printer.line(&format!("Tagged {tag}")),
            Event::Tagging(name) if self.is_text => return self.printer.line(&format!("Tagging {name}")),
            _ => {}
        }
        let mut state = self.state();
        match event {
            Event::Planned(node) => {
                state.planned += 1;
                state.planned_bytes += node.size;
                self.count(&state);
            }
            Event::Advanced(node, position) => self.advance(&mut state, node, position),
            Event::Fetching(node) | Event::Started(node) => {
                if let Some((word, _)) = self.verbs.word(&event) {
                    self.begin(&mut state, word, node);
                }
            }
            Event::Done(node)
            | Event::Present(node)
            | Event::Mounted(node)
            | Event::Skipped(node)
            | Event::Restored(node) => match self.verbs.word(&event) {
                Some((word, _)) => self.end(&mut state, word, node),
                None => state.finished += 1,
            },
            _ => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the templates of this file are well-formed");
    style.progress_chars("━╸ ").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

/// Columns of the terminal; 80 when it does not say.
fn width() -> u16 {
    console::Term::stderr()
        .size_checked()
        .map(|(_, columns)| columns)
        .filter(|columns| *columns > 0)
        .unwrap_or(80)
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

fn short(took: Duration) -> String {
    if took < Duration::from_secs(60) {
        format!("{:.1}s", took.as_secs_f64())
    } else {
        HumanDuration(took).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_loses_its_middle() {
        assert_eq!(fit("short", 10), "short");
        assert_eq!(fit("a-very-long-name.tar.gz", 11), "a-ver…ar.gz");
        assert_eq!(fit("abcdef", 2), "ab");
    }
}
