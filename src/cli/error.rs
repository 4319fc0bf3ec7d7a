//! The only place where errors become sentences for people.

use std::{error::Error as StdError, fmt};

use super::{args::Kind, output::visible_lines};
use crate::{
    content::{self, Side},
    files, ops, registry,
};

/// An error with more than one line: how the command is used, and what to try.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    usage: Option<String>,
    advice: Option<String>,
}

impl Usage {
    /// An error of one line.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), usage: None, advice: None }
    }

    /// Adds how the command is used.
    pub(crate) fn usage(mut self, usage: String) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Puts the words of what was tried before the message.
    pub(crate) fn within(mut self, action: &str) -> Self {
        self.message = format!("{action}: {}", self.message);
        self
    }

    /// Puts a question before what to try.
    pub(crate) fn ask(mut self, question: &str) -> Self {
        self.advice =
            Some(self.advice.map_or_else(|| question.to_owned(), |advice| format!("{question} {advice}")));
        self
    }

    /// Adds what to try.
    pub(crate) fn advice(mut self, advice: String) -> Self {
        self.advice = Some(advice);
        self
    }
}

impl From<anyhow::Error> for Usage {
    /// Takes the words of an error, to add to them.
    fn from(error: anyhow::Error) -> Self {
        Self::new(chain(error.chain()))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Usage {}

/// What the words of an error depend on: which targets a command has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets(pub(crate) Vec<TargetInfo>);

/// One target of a command.
#[derive(Debug, Clone)]
pub(crate) struct TargetInfo {
    /// Which of the two it is; a single target is the destination.
    pub(crate) side: Side,
    /// Registry or layout?
    pub(crate) kind: Kind,
    /// The argument as it was typed.
    pub(crate) raw: String,
    /// The first credential file that was looked at.
    pub(crate) credentials: Option<String>,
}

/// Words an error: one line, then perhaps how the command is used and what to try.
pub(crate) fn describe(error: &anyhow::Error, targets: &Targets) -> String {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        let mut lines = vec![format!("Error: {}", usage.message)];
        lines.extend(usage.usage.as_ref().map(|usage| format!("Usage: {usage}")));
        lines.extend(usage.advice.clone());
        return visible_lines(&lines.join("\n")).into_owned();
    }
    let content = error.chain().find_map(content_error);
    let target = target_of(content, targets);
    let response = content
        .and_then(|error| error.store_error::<registry::Error>())
        .or_else(|| error.chain().find_map(|cause| cause.downcast_ref()));
    // A command without a target asks one registry only, so whoever answers does so for it.
    let is_registry = |response: &registry::ResponseError| response.is_registry || targets.0.is_empty();
    let (prefix, text) = match response {
        Some(failure) if failure.response().is_some_and(is_registry) => {
            let list = failure.response().and_then(registry::ResponseError::list);
            (Prefix::Response, list.unwrap_or_else(|| chain(error.chain())))
        }
        _ if content.is_some_and(is_absent)
            && target.is_none_or(|target| target.kind == Kind::Registry)
            && !targets.0.is_empty() =>
        {
            (Prefix::Response, chain(error.chain()))
        }
        _ => (Prefix::Local, chain(error.chain())),
    };
    let side = match content {
        Some(content::Error::Copy { side, .. }) if targets.0.len() > 1 => Some(*side),
        _ => None,
    };
    let head = match (side, target, prefix) {
        (Some(side), Some(target), _) => {
            format!("Error from {side} {} for {:?}: ", target.kind.as_str(), target.raw)
        }
        (_, _, Prefix::Response) => "Error response from registry: ".to_owned(),
        (_, _, Prefix::Local) => "Error: ".to_owned(),
    };
    let advice = response
        .and_then(|failure| advice(failure, target))
        .or_else(|| content.and_then(traversal))
        .map(|advice| format!("\n{advice}"))
        .unwrap_or_default();
    visible_lines(&format!("{head}{text}{advice}")).into_owned()
}

/// What to try when a title leads out of the folder.
fn traversal(error: &content::Error) -> Option<String> {
    let found = matches!(error.store_error(), Some(files::Error::PathTraversal { .. }));
    found.then(|| "Use `--allow-path-traversal` if files may be written outside the output folder".to_owned())
}

/// What to try.
fn advice(failure: &registry::Error, target: Option<&TargetInfo>) -> Option<String> {
    match failure {
        registry::Error::Auth(registry::AuthError::NoCredential { host }) => {
            let file = target.and_then(|target| target.credentials.as_deref());
            let place = file.map(|file| format!(" in {file:?}")).unwrap_or_default();
            Some(format!(
                "Please check whether there is a login for the registry{place}, or run `oras login {host}`"
            ))
        }
        failure => failure.advice(),
    }
}

enum Prefix {
    Response,
    Local,
}

fn is_absent(error: &content::Error) -> bool {
    matches!(error.innermost(), content::Error::NotFound { .. } | content::Error::NoPlatform { .. })
}

/// The target on which it happened.
fn target_of<'a>(error: Option<&content::Error>, targets: &'a Targets) -> Option<&'a TargetInfo> {
    let on_side = |side: Side| targets.0.iter().find(|target| target.side == side);
    match error {
        Some(content::Error::Copy { side, .. }) => on_side(*side).or_else(|| targets.0.first()),
        _ => targets.0.first(),
    }
}

/// The content error in an error, which other errors pass on as their own.
fn content_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a content::Error> {
    match cause.downcast_ref::<ops::Error>() {
        Some(
            ops::Error::Content(error)
            | ops::Error::Resolve { source: error, .. }
            | ops::Error::ResolveTag { source: error, .. }
            | ops::Error::Tag { source: error, .. },
        ) => Some(error),
        _ => cause.downcast_ref(),
    }
}

/// The causes of an error, outermost first. What a wrapper only passes on, or a side says, is left out.
fn chain<'a>(causes: impl Iterator<Item = &'a (dyn StdError + 'static)>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes {
        if matches!(content_error(cause), Some(content::Error::Copy { .. })) && !is_wrapper(cause) {
            continue;
        }
        let text = cause.to_string();
        if !parts.last().is_some_and(|last| last.ends_with(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

/// Does the error add words of its own to the content error in it?
fn is_wrapper(cause: &(dyn StdError + 'static)) -> bool {
    matches!(
        cause.downcast_ref::<ops::Error>(),
        Some(ops::Error::Resolve { .. } | ops::Error::ResolveTag { .. } | ops::Error::Tag { .. })
    )
}
