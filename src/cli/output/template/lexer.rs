//! Cuts the source of a template into tokens (pure).

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text between actions.
    Text,
    /// `{{`, with its trim marker.
    Open,
    /// `}}`, with its trim marker.
    Close,
    Space,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    /// Any other printable ASCII character, such as the comma.
    Character,
    Quoted,
    RawQuoted,
    /// A character in single quotes.
    CharacterConstant,
    Number,
    /// `.name`
    Field,
    /// `$name` or `$`
    Variable,
    Identifier,
    Keyword(Keyword),
    Dot,
    Nil,
    Bool,
    End,
    /// The source cannot be read further, for this reason. Always the last token.
    Error(String),
}

/// The words that open, divide and end blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A piece of the source.
#[derive(Clone, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    /// Where it starts, in bytes from the start of the source.
    pub(super) position: usize,
    pub(super) text: &'s str,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: &[char] = &[' ', '\t', '\r', '\n'];

/// Cuts a source into tokens. The last one is [`Kind::End`] or [`Kind::Error`].
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, offset: 0, parens: 0, tokens: Vec::new() };
    let last = match lexer.run() {
        Ok(()) => Kind::End,
        Err(reason) => Kind::Error(reason),
    };
    lexer.tokens.push(Token { kind: last, position: lexer.offset, text: "" });
    lexer.tokens
}

struct Lexer<'s> {
    source: &'s str,
    offset: usize,
    parens: usize,
    tokens: Vec<Token<'s>>,
}

impl<'s> Lexer<'s> {
    fn run(&mut self) -> Result<(), String> {
        let mut trims = false;
        loop {
            let rest = self.rest();
            let end = rest.find(LEFT).unwrap_or(rest.len());
            let action = &rest[end..];
            let mut text = &rest[..end];
            let mut start = self.offset;
            if trims {
                let trimmed = text.trim_start_matches(SPACES);
                start += text.len() - trimmed.len();
                text = trimmed;
            }
            if opens_with_trim(action) {
                text = text.trim_end_matches(SPACES);
            }
            if !text.is_empty() {
                self.tokens.push(Token { kind: Kind::Text, position: start, text });
            }
            self.offset += end;
            if action.is_empty() {
                return Ok(());
            }
            trims = self.action()?;
        }
    }

    /// Reads `{{ … }}`. The answer tells whether the text that follows loses its leading space.
    fn action(&mut self) -> Result<bool, String> {
        let marker = if opens_with_trim(self.rest()) { 2 } else { 0 };
        if self.rest()[LEFT.len() + marker..].starts_with("/*") {
            return self.comment(LEFT.len() + marker);
        }
        // The space of a trim marker still separates, so only the minus belongs to the delimiter.
        self.push(Kind::Open, LEFT.len() + marker.min(1));
        self.parens = 0;
        loop {
            if let Some((length, trims)) = closes(self.rest()) {
                if self.parens > 0 {
                    return Err("unclosed left paren".into());
                }
                self.push(Kind::Close, length);
                return Ok(trims);
            }
            self.token()?;
        }
    }

    fn comment(&mut self, opening: usize) -> Result<bool, String> {
        let body = &self.rest()[opening..];
        let end = body.find("*/").ok_or("unclosed comment")? + 2;
        let (length, trims) = closes(&body[end..]).ok_or("comment ends before closing delimiter")?;
        self.offset += opening + end + length;
        Ok(trims)
    }

    /// Reads one token inside an action.
    fn token(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Err("unclosed action".into());
        };
        let second = rest[first.len_utf8()..].chars().next();
        match first {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.push(Kind::Assign, 1),
            ':' if second == Some('=') => self.push(Kind::Declare, 2),
            ':' => return Err("expected :=".into()),
            '|' => self.push(Kind::Pipe, 1),
            '"' => self.quoted('"', Kind::Quoted, "unterminated quoted string")?,
            '\'' => self.quoted('\'', Kind::CharacterConstant, "unterminated character constant")?,
            '`' => self.raw_quoted()?,
            '$' => self.name(Kind::Variable)?,
            '.' if !second.is_some_and(|c| c.is_ascii_digit()) => self.name(Kind::Field)?,
            '.' | '+' | '-' | '0'..='9' => self.number()?,
            '(' => {
                self.parens += 1;
                self.push(Kind::LeftParen, 1);
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                self.push(Kind::RightParen, 1);
            }
            letter if is_word(letter) => self.word()?,
            printable if printable.is_ascii_graphic() => self.push(Kind::Character, 1),
            other => return Err(format!("unrecognized character in action: {}", code_point(other))),
        }
        Ok(())
    }

    fn space(&mut self) {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(SPACES).len();
        // The last space may belong to a closing trim marker.
        if closes(&rest[length - 1..]).is_some() {
            length -= 1;
        }
        if length > 0 {
            self.push(Kind::Space, length);
        }
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Result<(), String> {
        let mut escaped = false;
        for (at, character) in self.rest().char_indices().skip(1) {
            match character {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if character == quote => {
                    self.push(kind, at + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(unterminated.into())
    }

    fn raw_quoted(&mut self) -> Result<(), String> {
        let end = self.rest()[1..].find('`').ok_or("unterminated raw quoted string")?;
        self.push(Kind::RawQuoted, end + 2);
        Ok(())
    }

    /// Reads `.name` or `$name`; without a name these are the dot and the data itself.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        let length = 1 + word_length(&self.rest()[1..]);
        self.terminator(length)?;
        let kind = if kind == Kind::Field && length == 1 { Kind::Dot } else { kind };
        self.push(kind, length);
        Ok(())
    }

    fn word(&mut self) -> Result<(), String> {
        let length = word_length(self.rest());
        self.terminator(length)?;
        let kind = match &self.rest()[..length] {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            word => keyword(word).map_or(Kind::Identifier, Kind::Keyword),
        };
        self.push(kind, length);
        Ok(())
    }

    /// Checks that a name ends where it may: `.x.y` is two fields, `.x"y"` is a mistake.
    fn terminator(&self, length: usize) -> Result<(), String> {
        let rest = &self.rest()[length..];
        match rest.chars().next() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => Ok(()),
            Some(_) if rest.starts_with(RIGHT) => Ok(()),
            Some(bad) => Err(format!("bad character {}", code_point(bad))),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let length = number_length(rest);
        match rest[length..].chars().next() {
            Some(next) if is_word(next) => {
                Err(format!("bad number syntax: {:?}", &rest[..length + next.len_utf8()]))
            }
            _ => {
                self.push(Kind::Number, length);
                Ok(())
            }
        }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.offset..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = &self.rest()[..length];
        self.tokens.push(Token { kind, position: self.offset, text });
        self.offset += length;
    }
}

/// Tells whether an action starts with `{{- `.
fn opens_with_trim(action: &str) -> bool {
    action.strip_prefix("{{-").is_some_and(|rest| rest.starts_with(SPACES))
}

/// The length of the closing delimiter at the start of `rest`, if there is one, and whether it trims.
fn closes(rest: &str) -> Option<(usize, bool)> {
    if rest.starts_with(RIGHT) {
        return Some((RIGHT.len(), false));
    }
    let trims = rest.starts_with(SPACES) && rest[1..].starts_with("-}}");
    trims.then_some((RIGHT.len() + 2, true))
}

/// The length of the number at the start of `rest`. Whether its value makes sense is found later.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let prefix = rest.get(at..at + 2).map(str::to_ascii_lowercase);
    let (digits, exponent): (fn(u8) -> bool, &[u8]) = match prefix.as_deref() {
        Some("0x") => (|byte| byte.is_ascii_hexdigit(), b"pP"),
        Some("0o") => (|byte| matches!(byte, b'0'..=b'7'), b""),
        Some("0b") => (|byte| matches!(byte, b'0' | b'1'), b""),
        _ => (|byte| byte.is_ascii_digit(), b"eE"),
    };
    if matches!(prefix.as_deref(), Some("0x" | "0o" | "0b")) {
        at += 2;
    }
    let run = |from: usize, accept: &dyn Fn(u8) -> bool| {
        from + bytes[from..].iter().take_while(|&&byte| byte == b'_' || accept(byte)).count()
    };
    at = run(at, &digits);
    if bytes.get(at) == Some(&b'.') {
        at = run(at + 1, &digits);
    }
    if bytes.get(at).is_some_and(|byte| exponent.contains(byte)) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = run(at, &|byte| byte.is_ascii_digit());
    }
    // The mark of an imaginary number, which the parser refuses by name.
    at + usize::from(bytes.get(at) == Some(&b'i'))
}

fn keyword(word: &str) -> Option<Keyword> {
    Some(match word {
        "block" => Keyword::Block,
        "break" => Keyword::Break,
        "continue" => Keyword::Continue,
        "define" => Keyword::Define,
        "else" => Keyword::Else,
        "end" => Keyword::End,
        "if" => Keyword::If,
        "range" => Keyword::Range,
        "template" => Keyword::Template,
        "with" => Keyword::With,
        _ => return None,
    })
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn word_length(rest: &str) -> usize {
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

fn code_point(character: char) -> String {
    let number = format!("U+{:04X}", u32::from(character));
    if character.is_control() { number } else { format!("{number} '{character}'") }
}
