//! Trees drawn with lines.

use super::turns_text;

/// A node of a tree of text; its text may have several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    /// What stands at the node.
    pub(crate) text: String,
    /// Places of what hangs below it.
    pub(crate) below: Vec<usize>,
}

/// Draws the tree of which place 0 is the root.
pub(crate) fn draw(branches: &[Branch]) -> String {
    let mut drawn = String::new();
    let mut stack = vec![(0, String::new(), "", "")];
    while let Some((place, prefix, corner, continuation)) = stack.pop() {
        let branch = &branches[place];
        let below = format!("{prefix}{continuation}");
        for (number, line) in branch.text.split('\n').enumerate() {
            let before = if number == 0 { format!("{prefix}{corner}") } else { below.clone() };
            drawn.push_str(&format!("{before}{line}\n"));
        }
        for (number, &child) in branch.below.iter().enumerate().rev() {
            let is_last = number + 1 == branch.below.len();
            let (corner, continuation) =
                if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
            stack.push((child, below.clone(), corner, continuation));
        }
    }
    drawn
}

/// A `key: value` pair as YAML writes it, quoted where the plain text would mean something else.
pub(crate) fn pair(key: &str, value: &str) -> String {
    format!("{}: {}", scalar(key), scalar(value))
}

fn scalar(text: &str) -> String {
    if matches!(&*text.to_ascii_lowercase(), "y" | "n" | "yes" | "no" | "on" | "off") {
        return format!("'{text}'");
    }
    if text.is_empty() || is_other_type(text) {
        return format!("{text:?}");
    }
    if text.contains(|c: char| c.is_control() || turns_text(c)) {
        let is_harmful = |c: char| (c.is_control() && c != '\n') || turns_text(c);
        if text.contains(is_harmful) || text.starts_with([' ', '\n']) {
            return format!("\"{}\"", text.escape_default());
        }
        return format!("|-\n    {}", text.replace('\n', "\n    "));
    }
    let starts_an_indicator = text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c))
        && !(text.starts_with(['-', '?', ':']) && text.chars().nth(1).is_some_and(|c| c != ' '));
    let is_marked = starts_an_indicator
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.starts_with(' ')
        || text.ends_with(' ');
    if is_marked { format!("'{}'", text.replace('\'', "''")) } else { text.to_owned() }
}

/// Would YAML read the plain text as a truth value, a number, nothing or a time?
fn is_other_type(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let word = matches!(&*lower, "true" | "false" | "null" | "~" | ".inf" | "-.inf" | "+.inf" | ".nan");
    let digits = lower.trim_start_matches(['+', '-']).replace('_', "");
    let number = !digits.is_empty()
        && (digits
            .parse::<f64>()
            .is_ok_and(|_| digits.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
            || ["0x", "0o", "0b"].iter().any(|base| {
                digits
                    .strip_prefix(base)
                    .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit()))
            }));
    word || number || is_time(text)
}

/// Does the text begin like a date, `2006-01-02`?
fn is_time(text: &str) -> bool {
    let date = text.get(..10).unwrap_or_default().bytes().enumerate();
    let is_date = text.len() >= 10
        && date.clone().count() == 10
        && date.into_iter().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date
        && (text.len() == 10
            || text.as_bytes()[10] == b'T'
            || text.as_bytes()[10] == b't'
            || text.as_bytes()[10] == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_yaml_would_read_something_else() {
        for (value, shown) in [
            ("v1", "v1"),
            ("true", "\"true\""),
            ("no", "'no'"),
            ("123", "\"123\""),
            ("a: b", "'a: b'"),
            ("", "\"\""),
            ("# x", "'# x'"),
            (" lead", "' lead'"),
            ("*x", "'*x'"),
            ("2025-01-01T00:00:00Z", "\"2025-01-01T00:00:00Z\""),
            ("it's", "it's"),
            ("1.2.3", "1.2.3"),
            ("infinity", "infinity"),
            ("a\u{1b}[0m", "\"a\\u{1b}[0m\""),
            ("a\u{202e}b", "\"a\\u{202e}b\""),
            ("a\n\u{2066}b", "\"a\\n\\u{2066}b\""),
        ] {
            assert_eq!(scalar(value), shown, "{value}");
        }
    }

    #[test]
    fn a_tree_is_drawn_with_corners_and_lines() {
        let branch = |text: &str, below: &[usize]| Branch { text: text.into(), below: below.into() };
        let tree = [
            branch("root", &[1, 3]),
            branch("a", &[2]),
            branch("b\nc", &[]),
            branch("d", &[4]),
            branch("e", &[]),
        ];
        assert_eq!(draw(&tree), "root\n├── a\n│   └── b\n│       c\n└── d\n    └── e\n");
    }
}
