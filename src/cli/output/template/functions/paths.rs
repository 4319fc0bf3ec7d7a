//! Paths with slashes. Nothing here looks at files.

use std::borrow::Cow;

use super::super::error::Failure;
use super::super::value::Value;
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", &[Type::Text], |call| text(base(&call.text(0)))),
    Function::new("osBase", &[Type::Text], |call| text(base(&call.text(0)))),
    Function::new("dir", &[Type::Text], dir),
    Function::new("osDir", &[Type::Text], dir),
    Function::new("ext", &[Type::Text], |call| text(extension(&call.text(0)))),
    Function::new("osExt", &[Type::Text], |call| text(extension(&call.text(0)))),
    Function::new("clean", &[Type::Text], |call| text(clean(&call.text(0)))),
    Function::new("osClean", &[Type::Text], |call| text(clean(&call.text(0)))),
    Function::new("isAbs", &[Type::Text], |call| Ok(Value::Bool(call.bytes(0).starts_with(b"/")))),
    Function::new("osIsAbs", &[Type::Text], |call| Ok(Value::Bool(call.bytes(0).starts_with(b"/")))),
    Function::new("env", &[Type::Text], |call| text(variable(call, &call.text(0)))),
    Function::new("expandenv", &[Type::Text], |call| {
        let source = call.text(0);
        text(expand(&source, |name| variable(call, name)))
    }),
];

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        _ if path.is_empty() => ".",
        Some("") | None => "/",
        Some(last) => last,
    }
}

fn dir(call: &Call<'_>) -> Result<Value, Failure> {
    let path = call.text(0);
    text(clean(&path[..path.rfind('/').map_or(0, |slash| slash + 1)]))
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |dot| &name[dot..])
}

/// The shortest path that means the same: without `.`, `..` behind a name, and double slashes.
fn clean(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => _ = parts.pop(),
                _ if root.is_empty() => parts.push(".."),
                _ => {}
            },
            name => parts.push(name),
        }
    }
    match (root, parts.is_empty()) {
        ("", true) => ".".into(),
        _ => format!("{root}{}", parts.join("/")),
    }
}

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
