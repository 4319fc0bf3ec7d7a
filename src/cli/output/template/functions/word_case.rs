//! Names in other spellings: `snake_case`, `kebab-case`, `CamelCase`.

use super::strings::{lower, upper};
use super::{Function, Type, text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("snakecase", &[Type::Text], |call| text(separated(&call.text(0), '_'))),
    Function::new("kebabcase", &[Type::Text], |call| text(separated(&call.text(0), '-'))),
    Function::new("camelcase", &[Type::Text], |call| text(camel(&call.text(0)))),
];

fn is_connector(character: char) -> bool {
    matches!(character, '_' | '-') || character.is_whitespace()
}

/// Writes words with capitals and without the connectors between them. Of several connectors in a row one is
/// dropped; those at the start and the end stay.
fn camel(source: &str) -> String {
    let words = source.trim_start_matches(is_connector);
    let mut out = source[..source.len() - words.len()].to_owned();
    let mut rest = words;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(is_connector).unwrap_or(rest.len()));
        capitalize(&mut out, word);
        rest = after.trim_start_matches(is_connector);
        let connectors = &after[..after.len() - rest.len()];
        let kept = if rest.is_empty() { connectors.len() } else { connectors.len().saturating_sub(1) };
        out.push_str(&connectors[..kept]);
    }
    out
}

/// Writes a word with a capital; further capitals right behind it become small.
fn capitalize(out: &mut String, word: &str) {
    let mut in_capitals = true;
    for (index, letter) in word.chars().enumerate() {
        let is_capital = letter.is_uppercase();
        out.push(match index {
            0 => upper(letter),
            _ if in_capitals && is_capital => lower(letter),
            _ => letter,
        });
        in_capitals &= is_capital;
    }
}

/// What a character is to the search for words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    /// Letters without case, and symbols.
    Caseless,
    Digit,
    Connector,
    Punctuation,
}

fn class(character: char) -> Class {
    if is_connector(character) {
        Class::Connector
    } else if character.is_uppercase() {
        Class::Upper
    } else if character.is_ascii_digit() {
        Class::Digit
    } else if character.is_lowercase() {
        Class::Lower
    } else if character.is_ascii_punctuation() && !"$+<=>^`|~".contains(character) {
        Class::Punctuation
    } else {
        Class::Caseless
    }
}

/// Writes words in small letters with a connector between them. `HTTPServer2xx` is `http_server_2xx`: digits
/// that letters follow start a word of their own, others belong to the word before.
fn separated(source: &str, connector: char) -> String {
    let characters: Vec<char> = source.chars().collect();
    let mut out = String::new();
    let mut rest = characters.as_slice();
    let mut after_word = false;
    while let Some(first) = rest.first() {
        let length = word_length(rest);
        let (word, following) = rest.split_at(length);
        let kind = class(*first);
        let is_word = !matches!(kind, Class::Connector | Class::Punctuation);
        let joins = kind == Class::Digit && word.iter().all(char::is_ascii_digit);
        if is_word && after_word && !joins {
            out.push(connector);
        }
        match kind {
            Class::Connector => out.push(connector),
            _ => out.extend(word.iter().map(|letter| lower(*letter))),
        }
        after_word = is_word;
        rest = following;
    }
    out
}

/// The length of the word or the connector at the start, or of the punctuation.
fn word_length(rest: &[char]) -> usize {
    let run = |from: usize, accept: fn(Class) -> bool| {
        rest[from..].iter().take_while(|character| accept(class(**character))).count()
    };
    match class(rest[0]) {
        Class::Upper => {
            let capitals = run(0, |class| class == Class::Upper);
            let is_before_small = rest.get(capitals).is_some_and(|next| class(*next) == Class::Lower);
            match capitals {
                // One capital and the small letters behind it; or capitals up to the start of such a word.
                1 => 1 + run(1, |class| class == Class::Lower),
                _ if is_before_small => capitals - 1,
                _ => capitals,
            }
        }
        Class::Lower => run(0, |class| class == Class::Lower),
        Class::Caseless => run(0, |class| class == Class::Caseless),
        Class::Digit => run(0, |class| matches!(class, Class::Digit | Class::Lower)),
        Class::Connector => 1,
        // Marks behind punctuation, such as the one in "v1.-", are punctuation too.
        Class::Punctuation => {
            rest.iter().take_while(|c| class(**c) == Class::Punctuation || matches!(c, '_' | '-')).count()
        }
    }
}
