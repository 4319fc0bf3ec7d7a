//! Prints values as Go's `fmt` does: one value under a verb and its flags.

use super::buffer::Buffer;
use super::context::Context;
use super::error::Failure;
use super::number;
use super::quote;
use super::value::{List, Map, Text, Value};

type Printed = Result<(), Failure>;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// `-`: pad on the right.
    pub(super) left: bool,
    pub(super) plus: bool,
    /// `#`
    pub(super) sharp: bool,
    pub(super) space: bool,
    /// `0`: pad with zeros.
    pub(super) zero: bool,
    /// `%#v`: print as Go source.
    pub(super) go_syntax: bool,
}

/// Prints a value as an action does: like `%v`, and nothing at all as `<no value>`.
pub(super) fn print_value(context: &Context<'_>, out: &mut Buffer, value: &Value) -> Printed {
    if value.is_nil() {
        return out.push("<no value>");
    }
    Printer { context, out, flags: Flags::default() }.value(value, 'v', 0)
}

/// The text that `%v` gives.
pub(super) fn sprint(context: &Context<'_>, value: &Value) -> Result<Text, Failure> {
    if let Value::Text(text) = value {
        return Ok(text.clone());
    }
    let mut out = Buffer::default();
    Printer { context, out: &mut out, flags: Flags::default() }.value(value, 'v', 0)?;
    Ok(out.into_text())
}

/// Writes values under verbs.
pub(super) struct Printer<'p> {
    pub(super) context: &'p Context<'p>,
    pub(super) out: &'p mut Buffer,
    pub(super) flags: Flags,
}

impl Printer<'_> {
    /// Prints a value. `depth` says how many lists and maps it is in.
    pub(super) fn value(&mut self, value: &Value, verb: char, depth: usize) -> Printed {
        self.context.descend(depth)?;
        match (value, verb) {
            (Value::Missing | Value::Nil, _) if depth > 0 && self.flags.go_syntax => {
                self.out.push("interface {}(nil)")
            }
            (Value::Missing | Value::Nil, _) if depth > 0 => self.out.push("<nil>"),
            (Value::Missing | Value::Nil, 'v' | 'T') => self.padded("<nil>"),
            (Value::Missing | Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') if depth == 0 => self.padded_bytes(self.truncated(value.type_name().as_bytes())),
            (Value::Bool(flag), 'v' | 't') => self.padded(if *flag { "true" } else { "false" }),
            (Value::Int(number) | Value::Int64(number), _) => {
                self.integer(value, number.unsigned_abs(), *number < 0, verb)
            }
            (Value::Byte(number), _) => self.integer(value, u64::from(*number), false, verb),
            (Value::Uint64(number), _) => self.integer(value, *number, false, verb),
            (Value::Float(number), _) => self.float(value, *number, verb),
            (Value::Text(text), _) => self.text(value, text, verb),
            (Value::List(list), _) if verb != 'p' => self.list(list, verb, depth),
            (Value::Map(map), _) if verb != 'p' => self.map(map, verb, depth),
            (Value::Time(moment), 'v' | 's' | 'x' | 'X' | 'q') => {
                self.text(value, &Text::from(moment.to_string()), if verb == 'v' { 's' } else { verb })
            }
            (Value::Version(version), 'v' | 's' | 'x' | 'X' | 'q') => {
                self.text(value, &Text::from(version.to_string()), if verb == 'v' { 's' } else { verb })
            }
            _ => self.bad_verb(value, verb),
        }
    }

    /// Says that a verb is not one for this value: `%!d(string=x)`.
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Printed {
        self.out.push("%!")?;
        self.out.push_char(verb)?;
        self.out.push("(")?;
        if value.is_nil() {
            self.out.push("<nil>")?;
        } else {
            self.out.push(value.type_name())?;
            self.out.push("=")?;
            self.value(value, 'v', 0)?;
        }
        self.out.push(")")
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) -> Printed {
        if self.flags.go_syntax && verb == 'v' {
            self.out.push(Value::List(list.clone()).type_name())?;
            if list.is_nil {
                return self.out.push("(nil)");
            }
        }
        let (open, separator, close) = self.brackets("[", "]", verb);
        self.out.push(open)?;
        for (index, item) in list.iter().enumerate() {
            if index > 0 {
                self.out.push(separator)?;
            }
            self.value(item, verb, depth + 1)?;
        }
        self.out.push(close)
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) -> Printed {
        if self.flags.go_syntax && verb == 'v' {
            self.out.push(Value::Map(map.clone()).type_name())?;
        }
        let (open, separator, close) = self.brackets("map[", "]", verb);
        self.out.push(open)?;
        for (index, (key, value)) in map.entries().into_iter().enumerate() {
            if index > 0 {
                self.out.push(separator)?;
            }
            self.value(&Value::Text(key), verb, depth + 1)?;
            self.out.push(":")?;
            self.value(&value, verb, depth + 1)?;
        }
        self.out.push(close)
    }

    fn brackets(
        &self,
        open: &'static str,
        close: &'static str,
        verb: char,
    ) -> (&'static str, &'static str, &'static str) {
        if self.flags.go_syntax && verb == 'v' { ("{", ", ", "}") } else { (open, " ", close) }
    }

    fn integer(&mut self, value: &Value, magnitude: u64, negative: bool, verb: char) -> Printed {
        let is_unsigned = matches!(value, Value::Byte(_) | Value::Uint64(_));
        match verb {
            'v' if self.flags.go_syntax && is_unsigned => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(magnitude, negative, 'x')?;
                self.flags.sharp = sharp;
                Ok(())
            }
            'v' | 'd' => self.digits(magnitude, negative, 'd'),
            'b' | 'o' | 'O' | 'x' | 'X' => self.digits(magnitude, negative, verb),
            'c' => self.padded(code_point(magnitude, negative).encode_utf8(&mut [0; 4])),
            'q' => {
                let quoted = quote::quote_char(code_point(magnitude, negative), self.flags.plus);
                self.padded(&quoted)
            }
            'U' => self.unicode(magnitude, negative),
            _ => self.bad_verb(value, verb),
        }
    }

    /// Prints an integer in the base of the verb.
    fn digits(&mut self, magnitude: u64, negative: bool, verb: char) -> Printed {
        let mut digits = match verb {
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            _ => magnitude.to_string(),
        };
        let sign = match (negative, self.flags.plus, self.flags.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let Flags { width, precision, zero, left, .. } = self.flags;
        let least = match (precision, width) {
            // With a precision of zero, zero has no digits.
            (Some(0), _) if magnitude == 0 => return self.out.fill(b' ', width.unwrap_or(0)),
            (Some(precision), _) => precision,
            (None, Some(width)) if zero && !left => width.saturating_sub(sign.len()),
            _ => 0,
        };
        if digits.len() < least {
            let mut zeros = Buffer::default();
            zeros.fill(b'0', least - digits.len())?;
            digits.insert_str(0, &String::from_utf8_lossy(zeros.as_bytes()));
        }
        let prefix = match verb {
            'O' if self.flags.sharp && !digits.starts_with('0') => "0o0",
            'O' => "0o",
            'b' if self.flags.sharp => "0b",
            'o' if self.flags.sharp && !digits.starts_with('0') => "0",
            'x' if self.flags.sharp => "0x",
            'X' if self.flags.sharp => "0X",
            _ => "",
        };
        // Zeros have been put behind the sign already.
        self.padded_with_spaces(&format!("{sign}{prefix}{digits}"))
    }

    /// Prints `U+0041`, and with `#` the character too.
    fn unicode(&mut self, magnitude: u64, negative: bool) -> Printed {
        let code = if negative { magnitude.wrapping_neg() } else { magnitude };
        let digits = format!("{code:04X}");
        let zeros = "0".repeat(self.flags.precision.unwrap_or(0).saturating_sub(digits.len()));
        let mut text = format!("U+{zeros}{digits}");
        let character = u32::try_from(code).ok().and_then(char::from_u32).filter(|c| quote::is_printable(*c));
        if let Some(character) = character.filter(|_| self.flags.sharp) {
            text.push_str(&format!(" '{character}'"));
        }
        self.padded_with_spaces(&text)
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) -> Printed {
        let (form, default) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'e' | 'E' | 'f' | 'F' => (verb, Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(default);
        let mut text = number::signed(number, form, precision);
        if self.flags.sharp && verb != 'b' && number.is_finite() {
            text = with_point(&text, form, precision);
        }
        if self.flags.space && !self.flags.plus && text.starts_with('+') {
            text.replace_range(..1, " ");
        }
        // Infinity shows its sign where it could be taken for a word.
        let has_sign = self.flags.plus || !text.starts_with('+');
        if !has_sign && !number.is_infinite() {
            text.remove(0);
        }
        let flags = self.flags;
        self.flags.zero = flags.zero && number.is_finite();
        match flags.width {
            Some(width) if self.flags.zero && !flags.left && has_sign && width > text.len() => {
                // The sign stands before the zeros.
                self.out.push(&text[..1])?;
                self.out.fill(b'0', width - text.len())?;
                self.out.push(&text[1..])?;
            }
            _ => self.padded(&text)?,
        }
        self.flags = flags;
        Ok(())
    }

    fn text(&mut self, value: &Value, text: &Text, verb: char) -> Printed {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'v' | 's' => {
                let shown = self.truncated(text);
                self.padded_bytes(shown)
            }
            'q' => self.quoted(text),
            'x' | 'X' => self.hexadecimal(text, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn quoted(&mut self, text: &Text) -> Printed {
        let shown = Text::from(self.truncated(text));
        if self.flags.sharp && quote::can_backquote(&shown) {
            return self.padded(&format!("`{}`", shown.to_str()));
        }
        let quoted = quote::quote(&shown, self.flags.plus);
        self.padded(&quoted)
    }

    /// The start of a text that the precision allows, in characters.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let end = characters(text).take(precision).sum();
        &text[..end]
    }

    /// Prints bytes as hexadecimal digits; with a space in between if the flags say so.
    fn hexadecimal(&mut self, text: &[u8], verb: char) -> Printed {
        let text = &text[..text.len().min(self.flags.precision.unwrap_or(usize::MAX))];
        let prefix = match (self.flags.sharp, verb) {
            (false, _) => "",
            (true, 'x') => "0x",
            (true, _) => "0X",
        };
        let mut digits = Buffer::default();
        for (index, byte) in text.iter().enumerate() {
            if self.flags.space && index > 0 {
                digits.push(" ")?;
            }
            if index == 0 || self.flags.space {
                digits.push(prefix)?;
            }
            digits.push(if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") })?;
        }
        self.padded_bytes(&digits.into_bytes())
    }

    /// Pads without regard to the flag that asks for zeros.
    fn padded_with_spaces(&mut self, text: &str) -> Printed {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.padded(text)?;
        self.flags.zero = zero;
        Ok(())
    }

    fn padded(&mut self, text: &str) -> Printed {
        self.padded_bytes(text.as_bytes())
    }

    /// Writes a text that is as wide as the flags say at least, in characters.
    fn padded_bytes(&mut self, text: &[u8]) -> Printed {
        let Some(width) = self.flags.width else {
            return self.out.push(text);
        };
        let missing = width.saturating_sub(characters(text).count());
        if self.flags.left {
            self.out.push(text)?;
            return self.out.fill(b' ', missing);
        }
        self.out.fill(if self.flags.zero { b'0' } else { b' ' }, missing)?;
        self.out.push(text)
    }
}

/// The lengths of the characters of a text. A byte that belongs to none counts as one.
pub(super) fn characters(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        chunk.valid().chars().map(char::len_utf8).chain(std::iter::repeat_n(1, chunk.invalid().len()))
    })
}

fn code_point(magnitude: u64, negative: bool) -> char {
    let code = u32::try_from(magnitude).ok().filter(|_| !negative);
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Adds what `#` asks for: a decimal point always, and for `%g` the zeros at the end.
fn with_point(text: &str, form: char, precision: Option<usize>) -> String {
    let is_hexadecimal = matches!(form, 'x' | 'X');
    let exponent_marks: &[char] = if is_hexadecimal { &['p', 'P'] } else { &['e', 'E'] };
    let (number, exponent) = text.split_at(text.find(exponent_marks).unwrap_or(text.len()));
    let has_point = number.contains('.');
    let mut wanted = match form {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    // Leading zeros are not significant, and the x of a prefix is counted like a digit.
    let significant = number[1..].trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
    wanted = wanted.saturating_sub(significant);
    if !has_point && &number[1..] == "0" {
        wanted = wanted.saturating_sub(1);
    }
    let point = if has_point { "" } else { "." };
    format!("{number}{point}{}{exponent}", "0".repeat(wanted))
}
