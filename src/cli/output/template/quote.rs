//! Quoted strings as Go writes them (pure).

use super::value::Text;

/// Writes a text in double quotes. With `ascii_only`, everything else is escaped.
pub(super) fn quote(text: &[u8], ascii_only: bool) -> String {
    let mut out = String::from('"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape(&mut out, character, '"', ascii_only);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// Writes a character in single quotes.
pub(super) fn quote_char(character: char, ascii_only: bool) -> String {
    let mut out = String::from('\'');
    escape(&mut out, character, '\'', ascii_only);
    out.push('\'');
    out
}

fn escape(out: &mut String, character: char, quote: char, ascii_only: bool) {
    match character {
        '\\' => out.push_str("\\\\"),
        _ if character == quote => {
            out.push('\\');
            out.push(quote);
        }
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if is_printable(character) && (character.is_ascii() || !ascii_only) => out.push(character),
        _ => {
            let code = u32::from(character);
            out.push_str(&match code {
                ..0x80 => format!("\\x{code:02x}"),
                0x80..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    }
}

/// Tells whether a character shows as itself: letters, marks, numbers, punctuation, symbols and the space.
pub(super) fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        _ if character.is_ascii() => false,
        // Behind a letter, so that combining marks count as printable, as they do in Go.
        _ => {
            let mut pair = String::from('a');
            pair.push(character);
            pair.escape_debug().count() == 2
        }
    }
}

/// Tells whether a text can stand in backquotes unchanged.
pub(super) fn can_backquote(text: &Text) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    !text.chars().any(|c| c == '`' || c == '\u{feff}' || (c.is_ascii_control() && c != '\t'))
}
