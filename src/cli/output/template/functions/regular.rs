//! Regular expressions.

use regex::bytes::{Captures, Regex};

use super::super::buffer::Buffer;
use super::super::error::Failure;
use super::super::value::{Text, Value};
use super::pattern::translate;
use super::texts::{bounded, texts_or_nil};
use super::{Call, Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", &[Type::Text, Type::Text], is_match_if_sound),
    Function::new("mustRegexMatch", &[Type::Text, Type::Text], is_match),
    Function::new("regexFind", &[Type::Text, Type::Text], find),
    Function::new("mustRegexFind", &[Type::Text, Type::Text], find),
    Function::new("regexFindAll", &[Type::Text, Type::Text, Type::Int], find_all),
    Function::new("mustRegexFindAll", &[Type::Text, Type::Text, Type::Int], find_all),
    Function::new("regexReplaceAll", &[Type::Text, Type::Text, Type::Text], replace),
    Function::new("mustRegexReplaceAll", &[Type::Text, Type::Text, Type::Text], replace),
    Function::new("regexReplaceAllLiteral", &[Type::Text, Type::Text, Type::Text], replace_literally),
    Function::new("mustRegexReplaceAllLiteral", &[Type::Text, Type::Text, Type::Text], replace_literally),
    Function::new("regexSplit", &[Type::Text, Type::Text, Type::Int], split),
    Function::new("mustRegexSplit", &[Type::Text, Type::Text, Type::Int], split),
    Function::new("regexQuoteMeta", &[Type::Text], |call| {
        let mut out = String::new();
        for character in call.text(0).chars() {
            if r"\.+*?()|[]{}^$".contains(character) {
                out.push('\\');
            }
            out.push(character);
        }
        text(out)
    }),
];

/// Why there is no regular expression.
enum Problem {
    Syntax(String),
    /// It is sound, but takes too much memory.
    TooLarge,
}

/// Compiles a pattern.
fn compile(pattern: &str) -> Result<Regex, Problem> {
    let translated = translate(pattern).map_err(Problem::Syntax)?;
    Regex::new(&translated).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Problem::TooLarge,
        other => {
            // The message shows the pattern on several lines before it says what is wrong.
            let message = other.to_string();
            let last = message.lines().next_back().unwrap_or_default();
            Problem::Syntax(last.trim_start_matches("error: ").to_owned())
        }
    })
}

/// Compiles the first argument.
fn regex(call: &Call<'_>) -> Result<Regex, Failure> {
    let pattern = call.text(0);
    compile(&pattern).map_err(|problem| explain(&pattern, problem))
}

fn explain(pattern: &str, problem: Problem) -> Failure {
    match problem {
        Problem::Syntax(reason) => Failure(format!("error parsing regexp {pattern:?}: {reason}")),
        Problem::TooLarge => Failure(format!("the regexp {pattern:?} is too large")),
    }
}

fn is_match(call: &Call<'_>) -> Result<Value, Failure> {
    Ok(Value::Bool(regex(call)?.is_match(call.bytes(1))))
}

/// As in Sprig, a malformed pattern matches nothing here.
fn is_match_if_sound(call: &Call<'_>) -> Result<Value, Failure> {
    let pattern = call.text(0);
    match compile(&pattern) {
        Ok(regex) => Ok(Value::Bool(regex.is_match(call.bytes(1)))),
        Err(Problem::Syntax(_)) => Ok(Value::Bool(false)),
        Err(problem) => Err(explain(&pattern, problem)),
    }
}

fn find(call: &Call<'_>) -> Result<Value, Failure> {
    text(regex(call)?.find(call.bytes(1)).map_or(&b""[..], |found| found.as_bytes()))
}

/// How many matches a negative or positive number asks for.
fn limit(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn find_all(call: &Call<'_>) -> Result<Value, Failure> {
    let regex = regex(call)?;
    let matches = regex.find_iter(call.bytes(1)).take(limit(call.int(2)));
    Ok(texts_or_nil(bounded(matches.map(|found| Text::from(found.as_bytes())))?))
}

fn replace(call: &Call<'_>) -> Result<Value, Failure> {
    let template = call.text(2);
    replace_with(call, |captures, out| expand(captures, &template, out))
}

fn replace_literally(call: &Call<'_>) -> Result<Value, Failure> {
    replace_with(call, |_, out| out.push(call.bytes(2)))
}

fn replace_with(
    call: &Call<'_>,
    write: impl Fn(&Captures<'_>, &mut Buffer) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let source = call.bytes(1);
    let mut out = Buffer::default();
    let mut end = 0;
    for captures in regex(call)?.captures_iter(source) {
        let found = captures.get_match();
        out.push(&source[end..found.start()])?;
        write(&captures, &mut out)?;
        end = found.end();
    }
    out.push(&source[end..])?;
    Ok(Value::Text(out.into_text()))
}

/// Writes a replacement, with `$1`, `${1}` and `${name}` replaced by what the groups matched.
fn expand(captures: &Captures<'_>, template: &str, out: &mut Buffer) -> Result<(), Failure> {
    let mut rest = template;
    while let Some(dollar) = rest.find('$') {
        out.push(&rest[..dollar])?;
        let after = &rest[dollar + 1..];
        if let Some(after) = after.strip_prefix('$') {
            out.push("$")?;
            rest = after;
            continue;
        }
        let Some((name, length)) = group_name(after) else {
            out.push("$")?;
            rest = after;
            continue;
        };
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        out.push(group.map_or(&b""[..], |group| group.as_bytes()))?;
        rest = &after[length..];
    }
    out.push(rest)
}

/// The name of a group behind a dollar, with or without braces, and how much it takes up.
fn group_name(after: &str) -> Option<(&str, usize)> {
    let (inner, is_braced) = match after.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (after, false),
    };
    let end = inner.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inner.len());
    let name = Some(&inner[..end]).filter(|name| !name.is_empty())?;
    match is_braced {
        true => inner[end..].starts_with('}').then_some((name, end + 2)),
        false => Some((name, end)),
    }
}

/// Cuts a text at matches, into so many parts at most unless the number is negative.
fn split(call: &Call<'_>) -> Result<Value, Failure> {
    let source = call.bytes(1);
    let most = limit(call.int(2));
    if most == 0 {
        return Ok(texts_or_nil(Vec::new()));
    }
    let regex = regex(call)?;
    if source.is_empty() && !call.bytes(0).is_empty() {
        return Ok(Value::texts([""]));
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in bounded(regex.find_iter(source).take(most))? {
        if parts.len() + 1 == most {
            break;
        }
        end = found.start();
        // An empty match at the very start separates nothing.
        if found.end() != 0 {
            parts.push(Text::from(&source[start..end]));
        }
        start = found.end();
    }
    if end != source.len() {
        parts.push(Text::from(&source[start..]));
    }
    Ok(texts_or_nil(parts))
}
