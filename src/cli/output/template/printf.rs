//! `printf`: format strings, as Go reads them.

use super::buffer::Buffer;
use super::context::Context;
use super::error::Failure;
use super::print::{Flags, Printer};
use super::value::{Text, Value};

/// Numbers in a format that grow beyond this are not read further.
const MAX_NUMBER: usize = 1_000_000;

/// Formats arguments. Mistakes show in the result, such as `%!d(string=x)` and `%!s(MISSING)`.
pub(super) fn format(context: &Context<'_>, format: &Text, arguments: &[Value]) -> Result<Text, Failure> {
    let text = format.to_str();
    let mut formatter = Formatter {
        context,
        arguments,
        rest: &text,
        out: Buffer::default(),
        flags: Flags::default(),
        next: 0,
        reordered: false,
        good_index: true,
    };
    formatter.run()?;
    Ok(formatter.out.into_text())
}

struct Formatter<'f> {
    context: &'f Context<'f>,
    arguments: &'f [Value],
    rest: &'f str,
    out: Buffer,
    flags: Flags,
    /// The argument that the next verb takes.
    next: usize,
    /// Whether a verb named its argument, as in `%[2]d`: then arguments may be left over.
    reordered: bool,
    good_index: bool,
}

impl Formatter<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        while let Some(percent) = self.rest.find('%') {
            self.context.spend(1)?;
            self.out.push(&self.rest[..percent])?;
            self.rest = &self.rest[percent + 1..];
            self.directive()?;
        }
        self.out.push(self.rest)?;
        if !self.reordered && self.next < self.arguments.len() {
            self.extra()?;
        }
        Ok(())
    }

    /// Reads and executes what follows a percent sign.
    fn directive(&mut self) -> Result<(), Failure> {
        self.flags = Flags::default();
        self.good_index = true;
        self.read_flags();
        let mut after_index = self.index();
        if self.eat('*') {
            self.star_width()?;
            after_index = false;
        } else {
            self.flags.width = self.number();
            if after_index && self.flags.width.is_some() {
                self.good_index = false;
            }
        }
        if self.eat('.') {
            if after_index {
                self.good_index = false;
            }
            after_index = self.index();
            if self.eat('*') {
                self.star_precision()?;
                after_index = false;
            } else {
                self.flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        self.verb()
    }

    fn read_flags(&mut self) {
        while let Some(flag) = self.rest.chars().next() {
            match flag {
                '#' => self.flags.sharp = true,
                '0' => self.flags.zero = true,
                '+' => self.flags.plus = true,
                '-' => self.flags.left = true,
                ' ' => self.flags.space = true,
                _ => return,
            }
            self.rest = &self.rest[1..];
        }
    }

    fn star_width(&mut self) -> Result<(), Failure> {
        match self.star() {
            Some(width) => {
                self.flags.left |= width < 0;
                self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                Ok(())
            }
            None => self.out.push("%!(BADWIDTH)"),
        }
    }

    fn star_precision(&mut self) -> Result<(), Failure> {
        self.flags.precision = self.star().and_then(|precision| usize::try_from(precision).ok());
        if self.flags.precision.is_none() {
            self.out.push("%!(BADPREC)")?;
        }
        Ok(())
    }

    /// Takes an argument as width or precision.
    fn star(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        let number = match argument {
            Value::Int(number) | Value::Int64(number) => *number,
            Value::Byte(number) => i64::from(*number),
            Value::Uint64(number) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        let limit = i64::try_from(MAX_NUMBER).unwrap_or(i64::MAX);
        (-limit..=limit).contains(&number).then_some(number)
    }

    /// Reads the number of an argument in brackets. Tells whether there was one.
    fn index(&mut self) -> bool {
        if !self.rest.starts_with('[') {
            return false;
        }
        self.reordered = true;
        let Some(close) = self.rest.find(']') else {
            self.good_index = false;
            self.rest = &self.rest[1..];
            return false;
        };
        let digits = &self.rest[1..close];
        let is_number = (1..8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let index = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        self.rest = &self.rest[close + 1..];
        match index.filter(|index| is_number && *index < self.arguments.len()) {
            Some(index) => self.next = index,
            None => self.good_index = false,
        }
        is_number
    }

    /// Reads a decimal number. One that is far too large ends the reading and counts as none.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(10)) {
            let before = number.unwrap_or(0);
            if before > MAX_NUMBER {
                self.rest = "";
                return None;
            }
            number = Some(before * 10 + usize::try_from(digit).unwrap_or(0));
            self.rest = &self.rest[1..];
        }
        number
    }

    fn verb(&mut self) -> Result<(), Failure> {
        let Some(verb) = self.rest.chars().next() else {
            return self.out.push("%!(NOVERB)");
        };
        self.rest = &self.rest[verb.len_utf8()..];
        if verb == '%' {
            return self.out.push("%");
        }
        if !self.good_index {
            return self.mistake(verb, "(BADINDEX)");
        }
        let Some(argument) = self.arguments.get(self.next) else {
            return self.mistake(verb, "(MISSING)");
        };
        self.next += 1;
        if verb == 'v' && self.flags.sharp {
            self.flags.sharp = false;
            self.flags.go_syntax = true;
        }
        if verb == 'v' && self.flags.plus {
            // Asks for the names of fields, of which no value here has any.
            self.flags.plus = false;
        }
        Printer { context: self.context, out: &mut self.out, flags: self.flags }.value(argument, verb, 0)
    }

    fn mistake(&mut self, verb: char, problem: &str) -> Result<(), Failure> {
        self.out.push("%!")?;
        self.out.push_char(verb)?;
        self.out.push(problem)
    }

    /// Lists the arguments that no verb took.
    fn extra(&mut self) -> Result<(), Failure> {
        self.out.push("%!(EXTRA ")?;
        for (index, argument) in self.arguments[self.next..].iter().enumerate() {
            if index > 0 {
                self.out.push(", ")?;
            }
            if argument.is_nil() {
                self.out.push("<nil>")?;
                continue;
            }
            self.out.push(argument.type_name())?;
            self.out.push("=")?;
            let flags = Flags::default();
            Printer { context: self.context, out: &mut self.out, flags }.value(argument, 'v', 0)?;
        }
        self.out.push(")")
    }

    fn eat(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
