//! Progress on a terminal: a row for each node that moves, a row for the whole, and what is done above.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Printer, Verbs, row, visible};
use crate::{
    oci::{Descriptor, Digest},
    progress::{Event, Progress},
};

/// Rows that move at once; more nodes than that are only counted.
const ROWS: usize = 12;

/// Frames per second.
const RATE: u8 = 10;

/// How often what moves is drawn again, even if nothing new is known: rates and times change all the same.
const TICK: Duration = Duration::from_millis(1000 / RATE as u64);

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
    /// Nothing is drawn any more, whatever still happens.
    is_over: bool,
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
        let total = rows.add(undrawn(0, row::of_total(row::columns()), "Total 0/0".to_owned()));
        total.enable_steady_tick(TICK);
        Self { printer, verbs, is_text, has_colours, rows, total, state: Mutex::default() }
    }

    /// Takes the rows that move away; what is done stays.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        state.is_over = true;
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
            let columns = row::columns();
            let text = row::text(word, &visible(node.display_name()), columns);
            let bar = undrawn(node.size, row::of_node(columns), text);
            let bar = self.rows.insert_before(&self.total, bar);
            bar.enable_steady_tick(TICK);
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

    fn done_lines(&self, word: &str, node: &Descriptor, took: Option<Duration>) -> String {
        let tick = if self.has_colours { "\u{1b}[92m✓\u{1b}[0m" } else { "✓" };
        let name = visible(node.display_name());
        row::done(tick, word, (&name, node.size, &node.digest.to_string()), took, row::columns())
    }
}

/// One thing that takes long, such as writing a tar, in the same form.
pub(crate) struct Meter(ProgressBar);

impl Meter {
    /// Shows a row with this text.
    pub(crate) fn new(word: &str, name: &str) -> Self {
        let columns = row::columns();
        let bar = undrawn(0, row::of_node(columns), row::text(word, &visible(name), columns));
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// So much is done, of so much, in bytes.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total.max(done));
        self.0.set_position(done);
    }
}

/// A row that is not drawn before it has its place.
fn undrawn(length: u64, style: ProgressStyle, text: String) -> ProgressBar {
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden())
        .with_style(style)
        .with_message(text)
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
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
        if state.is_over {
            return;
        }
        match event {
            Event::Planned(node) => {
                state.planned += 1;
                state.planned_bytes += node.size;
                self.count(&state);
            }
            // A manifest is read whole, and waits for what it names.
            Event::Processing(node) => self.advance(&mut state, node, node.size),
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
