//! Progress as plain lines on standard output, one for each change of a node.

use std::sync::Arc;

use super::Printer;
use crate::{
    oci::Descriptor,
    progress::{Event, Progress},
};

/// The words of a verb for what happens to a node, padded so that columns line up. No word, no line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Verbs {
    /// A manifest is read from the source.
    pub(crate) fetching: Option<&'static str>,
    /// A manifest has been read.
    pub(crate) processing: Option<&'static str>,
    /// A blob starts to move.
    pub(crate) started: Option<&'static str>,
    /// A manifest starts to move.
    pub(crate) manifest_started: Option<&'static str>,
    /// A node has been moved.
    pub(crate) done: Option<&'static str>,
    /// A node was there.
    pub(crate) present: Option<&'static str>,
    /// A node was taken over from another repository.
    pub(crate) mounted: Option<&'static str>,
    /// A node is left out or was moved under another name.
    pub(crate) skipped: Option<&'static str>,
    /// A node got one more name.
    pub(crate) restored: Option<&'static str>,
}

impl Verbs {
    /// Words of push and attach.
    pub(crate) const PUSH: Self = Self {
        fetching: None,
        processing: None,
        started: Some("Uploading"),
        manifest_started: Some("Uploading"),
        done: Some("Uploaded "),
        present: Some("Exists   "),
        mounted: Some("Mounted  "),
        skipped: Some("Exists   "),
        restored: Some("Exists   "),
    };
    /// Words of cp.
    pub(crate) const COPY: Self = Self {
        fetching: None,
        processing: None,
        started: Some("Copying"),
        manifest_started: Some("Copying"),
        done: Some("Copied "),
        present: Some("Exists "),
        mounted: Some("Mounted"),
        skipped: Some("Skipped"),
        restored: Some("Skipped"),
    };
    /// Words of backup.
    pub(crate) const BACKUP: Self = Self {
        fetching: None,
        processing: None,
        started: Some("Pulling  "),
        manifest_started: Some("Pulling  "),
        done: Some("Pulled   "),
        present: Some("Exists   "),
        mounted: Some("Mounted  "),
        skipped: Some("Skipped  "),
        restored: Some("Skipped  "),
    };
    /// Words of restore.
    pub(crate) const RESTORE: Self = Self {
        started: Some("Pushing  "),
        manifest_started: Some("Pushing  "),
        done: Some("Pushed   "),
        ..Self::BACKUP
    };
    /// Words of pull.
    pub(crate) const PULL: Self = Self {
        fetching: Some("Downloading"),
        processing: Some("Processing "),
        started: Some("Downloading"),
        manifest_started: None,
        done: Some("Downloaded "),
        present: None,
        mounted: None,
        skipped: Some("Skipped    "),
        restored: Some("Restored   "),
    };

    /// The word for an event, with the node that it is about.
    pub(crate) fn word<'a>(&self, event: &Event<'a>) -> Option<(&'static str, &'a Descriptor)> {
        let (word, node) = match *event {
            Event::Fetching(node) => (self.fetching, node),
            Event::Processing(node) => (self.processing, node),
            Event::Started(node) if node.is_manifest() => (self.manifest_started, node),
            Event::Started(node) => (self.started, node),
            Event::Done(node) => (self.done, node),
            Event::Present(node) => (self.present, node),
            Event::Mounted(node) => (self.mounted, node),
            Event::Skipped(node) => (self.skipped, node),
            Event::Restored(node) => (self.restored, node),
            _ => return None,
        };
        Some((word?, node))
    }
}

/// Prints a line for each event that a verb has a word for.
pub(crate) struct Lines {
    printer: Arc<Printer>,
    verbs: Verbs,
    /// Are nodes without a title shown?
    is_verbose: bool,
}

impl Lines {
    /// Status lines in the words of a verb.
    pub(crate) fn new(printer: Arc<Printer>, verbs: Verbs, is_verbose: bool) -> Self {
        Self { printer, verbs, is_verbose }
    }
}

/// Reports tags as they were typed rather than as they were read.
pub(crate) struct Renamed<'a> {
    inner: &'a dyn Progress,
    /// Each tag as typed and as read.
    names: &'a [(String, String)],
}

impl<'a> Renamed<'a> {
    /// Listens in place of another listener.
    pub(crate) fn new(inner: &'a dyn Progress, names: &'a [(String, String)]) -> Self {
        Self { inner, names }
    }
}

impl Progress for Renamed<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Tagged(tag) => {
                let typed = self.names.iter().find(|(_, read)| read == tag).map_or(tag, |(typed, _)| typed);
                self.inner.event(Event::Tagged(typed));
            }
            event => self.inner.event(event),
        }
    }
}

impl Progress for Lines {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Preparing { name } if self.is_verbose => self.printer.line(&format!("Preparing {name}")),
            Event::Empty => self.printer.line("Uploading empty artifact"),
            Event::Tagging(name) => self.printer.line(&format!("Tagging {name}")),
            Event::Tagged(tag) => self.printer.line(&format!("Tagged {tag}")),
            event => {
                let Some((word, node)) = self.verbs.word(&event) else { return };
                if self.is_verbose || node.title().is_some() {
                    self.printer.line(&format!("{word} {} {}", node.digest.short(), node.display_name()));
                }
            }
        }
    }
}
