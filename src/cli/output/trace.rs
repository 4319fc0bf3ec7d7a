//! What happens on the wire, for people: the log of `--debug`, warnings of registries, notices.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::Printer;
use crate::registry::{BodyText, Trace, TraceEvent};

/// Writes the log to standard error. One log serves all registries of a command.
pub(crate) struct Log {
    printer: Arc<Printer>,
    is_debug: bool,
    number: AtomicU64,
    now: fn() -> String,
}

impl Log {
    /// A log that shows requests and responses only if asked to.
    pub(crate) fn new(printer: Arc<Printer>, is_debug: bool, now: fn() -> String) -> Self {
        Self { printer, is_debug, number: AtomicU64::new(0), now }
    }

    /// Writes one entry; entries end with two blank lines.
    pub(crate) fn entry(&self, level: &str, text: &str) {
        self.printer.notice(&format!("[{}][{level}]: {text}\n\n", (self.now)()));
    }
}

impl Log {
    /// Writes what only helps to find out why something else happened, if somebody wants to know.
    pub(crate) fn detail(&self, text: &str) {
        if self.is_debug {
            self.entry("DEBUG", text);
        }
    }
}

impl Trace for Log {
    fn begin(&self) -> Option<u64> {
        self.is_debug.then(|| self.number.fetch_add(1, Ordering::Relaxed))
    }

    fn event(&self, event: &TraceEvent<'_>) {
        match event {
            TraceEvent::Request { number, method, url, headers } => {
                let headers = lines(headers);
                self.entry("DEBUG", &format!("--> Request #{number}\n> Request URL: {url:?}\n> Request method: {method:?}\n> Request headers:\n{headers}"));
            }
            TraceEvent::Response { number, status, headers, body } => {
                let (headers, body) = (lines(headers), shown(*body));
                self.entry("DEBUG", &format!("<-- Response #{number}\n< Response Status: {status:?}\n< Response headers:\n{headers}\n< Response body:\n{body}"));
            }
            TraceEvent::Failed { number, message } => {
                self.entry("ERROR", &format!("<-- No response to request #{number}: {message}"))
            }
            TraceEvent::Warning { registry, text } => {
                self.entry("WARNING", &format!("{text}\n[Data]:\n  registry={registry}"))
            }
            TraceEvent::Waiting { host, wait, reason } if self.is_debug || wait.as_secs() >= 5 => {
                self.entry("WARNING", &format!("waiting {:.1} s for {host}: {reason}", wait.as_secs_f64()));
            }
            TraceEvent::Notice(text) => self.printer.notice(text),
            TraceEvent::Detail(text) => self.detail(text),
            _ => {}
        }
    }
}

fn lines(headers: &[(String, String)]) -> String {
    let lines = headers.iter().map(|(name, value)| format!("   {name:?}: {value:?}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn shown(body: BodyText<'_>) -> &str {
    match body {
        BodyText::Empty => "   No response body to print",
        BodyText::Text(text) => text,
        BodyText::NotText => "   Response body is not text",
        BodyText::TooLarge => "   Response body is too large to print",
        BodyText::Secret => "   Response body is not shown: it contains a token",
    }
}
