//! Flags of nearly every command.

use super::{Flag, is_set};
use crate::cli::output::Printer;

/// What is shown besides the result.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Common {
    /// Log every request and response to standard error
    #[arg(short, long, help_heading = "Output")]
    debug: Option<Flag>,
    /// [Preview] Show no progress bars and no colours, even on a terminal
    #[arg(long, help_heading = "Output")]
    no_tty: Option<Flag>,
}

impl Common {
    /// Are requests and responses logged?
    pub(crate) fn is_debug(&self) -> bool {
        is_set(self.debug)
    }

    /// The same flags, but never bars: for commands whose lines are their result.
    pub(crate) fn without_bars(&self) -> Self {
        Self { no_tty: Some(Flag(true)), ..self.clone() }
    }

    /// Are bars asked for, even where they would not be shown otherwise?
    pub(crate) fn insists_on_bars(&self) -> bool {
        self.no_tty == Some(Flag(false))
    }

    /// May bars and colours be shown if there is a terminal?
    pub(crate) fn allows_terminal(&self) -> bool {
        !is_set(self.no_tty) && !self.is_debug()
    }
}

/// The deprecated `--verbose`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Verbose {
    /// [Deprecated] Show every status line
    #[arg(short, long, hide = true)]
    verbose: Option<Flag>,
}

impl Verbose {
    /// Are all status lines shown? Says that the flag is deprecated when it is used.
    pub(crate) fn is_verbose(&self, printer: &Printer) -> bool {
        if self.verbose.is_some() {
            printer.notice("Flag --verbose has been deprecated, and will be removed in a future release.");
        }
        self.verbose.is_none_or(|flag| flag.0)
    }
}
