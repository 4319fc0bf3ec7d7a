//! What can be wrong with a template, and where.

use std::fmt;

/// The name of the template, which opens every message as in the reference client.
pub(super) const NAME: &str = "format output";

/// A place in the source of a template.
///
/// `line` counts from 1. `column` is the number of bytes before the place on its line, as Go counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    /// Finds the place that is `offset` bytes into `source`.
    pub(super) fn of(source: &str, offset: usize) -> Self {
        let before = &source.as_bytes()[..offset.min(source.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        Self { line, column: before.len() - line_start }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a template could not be understood or rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The source is not a template.
    #[error("template: {NAME}:{position}: {reason}")]
    Syntax { position: Position, reason: String },

    /// The template calls a function that does not exist.
    #[error("template: {NAME}:{position}: function {name:?} not defined")]
    UnknownFunction { position: Position, name: String },

    /// The template calls a function of the reference client that is left out on purpose.
    #[error("template: {NAME}:{position}: function {name:?} is not offered: {reason}")]
    NotOffered { position: Position, name: String, reason: &'static str },

    /// The template is sound but cannot be applied to this data, or went past a limit.
    #[error("template: {NAME}:{position}: executing {template:?} at <{node}>: {reason}")]
    Execution { position: Position, template: String, node: String, reason: String },

    /// The data holds a number that no template can work with, or is nested too deeply.
    #[error("template: {NAME}: {reason}")]
    Data { reason: String },

    /// The system has no room for another thread.
    #[error("template: {NAME}: cannot start a thread: {reason}")]
    Resources { reason: String },
}

/// Why a function or an operation gave no value; the evaluator adds where that was.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}
