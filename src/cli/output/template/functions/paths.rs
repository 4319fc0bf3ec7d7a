//! Paths with slashes. Nothing here looks at files.

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
