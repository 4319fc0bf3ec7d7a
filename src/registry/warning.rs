//! The `Warning` header (pure).

use super::trace::printable;

/// Most bytes of warnings that are read from one answer.
const LIMIT: usize = 4 << 10;

/// The texts of a `Warning` header whose code is 299 and whose agent is `-`; others are for caches.
///
/// Implements distribution-spec v1.1, "Warnings".
pub(crate) fn texts(value: &str) -> Vec<String> {
    let mut rest = value.get(..LIMIT).unwrap_or(value);
    let mut texts = Vec::new();
    while let Some((code, agent, text, after)) = next(rest) {
        let text = printable(&text);
        if code == "299" && agent == "-" && !text.trim().is_empty() {
            texts.push(text.trim().to_owned());
        }
        rest = after;
    }
    texts
}

/// Splits off `code agent "text"`, with an optional date behind it.
fn next(rest: &str) -> Option<(&str, &str, String, &str)> {
    let rest = rest.trim_start_matches([' ', '\t', ',']);
    let (code, rest) = rest.split_once(' ')?;
    let (agent, rest) = rest.trim_start().split_once(' ')?;
    let (text, rest) = quoted(rest.trim_start())?;
    // The date is quoted too, and has a comma of its own.
    let rest = match rest.trim_start().starts_with('"') {
        true => quoted(rest.trim_start())?.1,
        false => rest,
    };
    Some((code, agent, text, rest))
}

/// Reads a quoted string; returns its content and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => content.push(chars.next()?.1),
            '"' => return Some((content, &text[at + 2..])),
            c => content.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_299_with_an_unnamed_agent_is_a_warning() {
        let cases: &[(&str, &[&str])] = &[
            (r#"299 - "a""#, &["a"]),
            (r#"299 - "a", 299 - "b, c""#, &["a", "b, c"]),
            (r#"299 - "say \"hi\" \\""#, &[r#"say "hi" \"#]),
            (r#"299 - "a" "Wed, 21 Oct 2015 07:28:00 GMT", 299 - "b""#, &["a", "b"]),
            (r#"110 - "stale", 299 - "a""#, &["a"]),
            (r#"299 host "a""#, &[]),
            ("299 - \"\u{1b}[31mred\"", &["[31mred"]),
            (r#"299 - """#, &[]),
            (r#"299 - "unclosed"#, &[]),
            (r#"299 - unquoted"#, &[]),
            ("299", &[]),
            ("", &[]),
        ];
        for (value, expected) in cases {
            assert_eq!(texts(value), *expected, "{value}");
        }
    }
}
