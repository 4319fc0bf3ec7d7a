//! Environment variables, as far as the caller shows them.

use std::borrow::Cow;

use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("env", &[Type::Text], |call| text(variable(call, &call.text(0)))),
    Function::new("expandenv", &[Type::Text], |call| {
        let source = call.text(0);
        text(expand(&source, |name| variable(call, name)))
    }),
];

fn variable(call: &Call<'_>, name: &str) -> String {
    (call.context.environment.variables)(name).unwrap_or_default()
}

/// Replaces `$name` and `${name}`.
fn expand(source: &str, lookup: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        let (name, length) = name_of_variable(after);
        match name {
            Some(name) => out.push_str(&lookup(&name)),
            // A dollar before anything else stays; "${" without a name is dropped.
            None if length == 0 => out.push('$'),
            None => {}
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// The name at the start of a text behind a dollar, and how much it takes up.
fn name_of_variable(after: &str) -> (Option<Cow<'_, str>>, usize) {
    let is_special = |c: char| "*#$@!?-0123456789".contains(c);
    if let Some(inner) = after.strip_prefix('{') {
        return match inner.find('}') {
            Some(0) => (None, 2),
            Some(end) => (Some(inner[..end].into()), end + 2),
            None => (None, 1),
        };
    }
    if after.starts_with(is_special) {
        return (Some(after[..1].into()), 1);
    }
    let length = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    (Some(&after[..length]).filter(|name| !name.is_empty()).map(Cow::from), length)
}
