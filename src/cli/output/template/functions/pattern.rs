//! Regular expressions in Go's syntax, rewritten for the `regex` crate (pure).
//!
//! Both are dialects of RE2 and match alike. They differ in what `\d`, `\w`, `\s` and `\b` mean (ASCII in Go),
//! in some escapes, in what braces and brackets may stand for themselves, and in extensions of either.

use std::iter::Peekable;
use std::str::Chars;

/// The most repetitions that Go allows.
const MAX_REPEAT: u32 = 1000;

/// Rewrites a pattern, or says what Go would not accept in it.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator { rest: pattern.chars().peekable(), out: String::new() };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut repeated = false;
        while let Some(character) = self.rest.next() {
            let repeat = match character {
                '*' | '+' | '?' => Some(character.to_string()),
                '{' => self.braces()?,
                _ => None,
            };
            if let Some(repeat) = &repeat {
                if repeated {
                    return Err(format!("invalid nested repetition operator: {repeat}"));
                }
                self.out.push_str(repeat);
                // As few as possible.
                if self.rest.next_if_eq(&'?').is_some() {
                    self.out.push('?');
                }
            } else {
                self.element(character)?;
            }
            repeated = repeat.is_some();
        }
        Ok(())
    }

    fn element(&mut self, character: char) -> Result<(), String> {
        match character {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => self.group(),
            '{' | '}' | ']' => {
                self.literal(character);
                Ok(())
            }
            _ => {
                self.out.push(character);
                Ok(())
            }
        }
    }

    /// Reads `{2}`, `{2,}` or `{2,5}`. Any other brace stands for itself, and is `None`.
    fn braces(&mut self) -> Result<Option<String>, String> {
        let mut ahead = self.rest.clone();
        let mut inner = String::new();
        while let Some(next) = ahead.next_if(|c| c.is_ascii_digit() || *c == ',') {
            inner.push(next);
        }
        let (least, most) = inner.split_once(',').map_or((inner.as_str(), None), |(l, m)| (l, Some(m)));
        let is_repeat = ahead.next() == Some('}') && !least.is_empty() && !most.unwrap_or("").contains(',');
        if !is_repeat {
            return Ok(None);
        }
        let invalid = || format!("invalid repeat count: {{{inner}}}");
        let least: u32 = least.parse().map_err(|_| invalid())?;
        let largest = match most {
            None | Some("") => least,
            Some(most) => most.parse().map_err(|_| invalid())?,
        };
        if largest < least || largest > MAX_REPEAT {
            return Err(invalid());
        }
        self.rest = ahead;
        Ok(Some(format!("{{{inner}}}")))
    }

    /// Reads what follows `(`: nothing, a name, or flags.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        let mut ahead = self.rest.clone();
        let _ = ahead.next_if_eq(&'P');
        if ahead.next() == Some('<') && ahead.next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Ok(());
        }
        let unsupported = |flags: &str| Err(format!("invalid or unsupported Perl syntax: (?{flags}"));
        let mut flags = String::new();
        while let Some(flag) = self.rest.next_if(|c| "imsU-".contains(*c)) {
            flags.push(flag);
        }
        match self.rest.peek() {
            Some(':' | ')') => {
                self.out.push_str(&flags);
                Ok(())
            }
            Some(other) => unsupported(&format!("{flags}{other}")),
            None => unsupported(&flags),
        }
    }

    /// Reads an escape outside of brackets.
    fn escape(&mut self) -> Result<(), String> {
        match self.rest.peek() {
            Some('Q') => {
                self.rest.next();
                self.quoted();
                return Ok(());
            }
            Some('b') => self.out.push_str(r"(?-u:\b)"),
            Some('B') => self.out.push_str(r"(?-u:\B)"),
            Some('A') => self.out.push_str(r"\A"),
            Some('z') => self.out.push_str(r"\z"),
            _ => {
                if !self.named_class()? {
                    let character = self.escaped_character()?;
                    self.literal(character);
                }
                return Ok(());
            }
        }
        self.rest.next();
        Ok(())
    }

    /// Reads text up to `\E`, in which everything stands for itself.
    fn quoted(&mut self) {
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(character);
        }
    }

    /// Reads the name of a class behind a backslash, if one is there: `\d`, `\pL`, `\p{Greek}`.
    fn named_class(&mut self) -> Result<bool, String> {
        let class = match self.rest.peek() {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => r"[\t\n\f\r ]",
            Some('S') => r"[^\t\n\f\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => {
                self.unicode_class()?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.rest.next();
        self.out.push_str(class);
        Ok(true)
    }

    fn unicode_class(&mut self) -> Result<(), String> {
        let mut negated = self.rest.next() == Some('P');
        let name: String = match self.rest.next() {
            Some('{') => {
                let name: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                match name.strip_prefix('^') {
                    Some(name) => {
                        negated = !negated;
                        name.to_owned()
                    }
                    None => name,
                }
            }
            Some(letter) => letter.to_string(),
            None => String::new(),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("invalid character class range: \\p{{{name}}}"));
        }
        self.out.push_str(if negated { r"\P{" } else { r"\p{" });
        self.out.push_str(&name);
        self.out.push('}');
        Ok(())
    }

    /// Reads the character that an escape stands for.
    fn escaped_character(&mut self) -> Result<char, String> {
        let Some(escape) = self.rest.next() else {
            return Err("trailing backslash at end of expression".into());
        };
        let invalid = || format!("invalid escape sequence: \\{escape}");
        let code = match escape {
            'a' => 0x07,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'v' => 0x0b,
            'x' => self.hexadecimal().ok_or_else(invalid)?,
            '0'..='7' => {
                // A single digit other than zero would refer to a group.
                let is_octal = |c: &char| c.is_digit(8);
                if escape != '0' && !self.rest.peek().is_some_and(is_octal) {
                    return Err(invalid());
                }
                let mut code = escape.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let digit = self.rest.next_if(is_octal).and_then(|c| c.to_digit(8));
                    code = digit.map_or(code, |digit| code * 8 + digit);
                }
                code
            }
            _ if escape.is_ascii() && !escape.is_ascii_alphanumeric() => return Ok(escape),
            _ => return Err(invalid()),
        };
        char::from_u32(code).ok_or_else(invalid)
    }

    /// Reads two hexadecimal digits, or any number in braces.
    fn hexadecimal(&mut self) -> Option<u32> {
        let digits: String = if self.rest.next_if_eq(&'{').is_some() {
            self.rest.by_ref().take_while(|c| *c != '}').collect()
        } else {
            self.rest.by_ref().take(2).collect::<String>()
        };
        let is_hexadecimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(&digits, 16).ok().filter(|_| is_hexadecimal)
    }

    /// Reads a class in brackets.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            match self.rest.peek() {
                None => return Err("missing closing ]".into()),
                Some(']') if !is_first => {
                    self.rest.next();
                    self.out.push(']');
                    return Ok(());
                }
                _ => self.class_item()?,
            }
            is_first = false;
        }
    }

    fn class_item(&mut self) -> Result<(), String> {
        if let Some(name) = self.posix_class()? {
            self.out.push_str(&name);
            return Ok(());
        }
        let Some(low) = self.class_character()? else {
            return Ok(());
        };
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']');
        self.literal(low);
        if is_range {
            self.rest = ahead;
            let written = self.out.len();
            let high = self
                .class_character()?
                .ok_or_else(|| format!("invalid character class range after {low:?}"))?;
            if high < low {
                return Err(format!("invalid character class range: {low}-{high}"));
            }
            self.out.truncate(written);
            self.out.push('-');
            self.literal(high);
        }
        Ok(())
    }

    /// Reads `[:alpha:]` and its like.
    fn posix_class(&mut self) -> Result<Option<String>, String> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "word", "xdigit",
        ];
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('[') || ahead.next() != Some(':') {
            return Ok(None);
        }
        let rest: String = ahead.clone().collect();
        let Some((name, _)) = rest.split_once(":]") else {
            return Ok(None);
        };
        if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("invalid character class range: [:{name}:]"));
        }
        self.rest = ahead;
        // The name and the two characters that close it.
        self.rest.by_ref().take(name.chars().count() + 2).for_each(drop);
        Ok(Some(format!("[:{name}:]")))
    }

    /// Reads a character inside brackets. A named class is written at once, and is `None`.
    fn class_character(&mut self) -> Result<Option<char>, String> {
        match self.rest.next() {
            Some('\\') if self.named_class()? => Ok(None),
            Some('\\') => self.escaped_character().map(Some),
            Some(character) => Ok(Some(character)),
            None => Err("missing closing ]".into()),
        }
    }

    /// Writes a character that stands for itself, whatever it means elsewhere.
    fn literal(&mut self, character: char) {
        if character.is_ascii_alphanumeric() {
            self.out.push(character);
        } else {
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(character)));
        }
    }
}
