//! The part of the parser that reads pipelines: what stands inside `{{ }}`.

use super::ast::{Command, Operand, Pipeline, Term};
use super::error::Error;
use super::functions::{self, Lookup};
use super::lexer::{Kind, Token};
use super::literal::Number;
use super::parser::Parser;

impl Parser<'_> {
    /// Reads a pipeline and the token that ends it. `context` is what it is part of, for errors.
    pub(super) fn pipeline(&mut self, context: &str, end: &Kind) -> Result<Pipeline, Error> {
        let position = self.peek_solid().position;
        let (variables, assigns) = self.declarations(context)?;
        let mut pipeline = Pipeline { position, variables, assigns, commands: Vec::new() };
        loop {
            let token = self.peek_solid();
            if token.kind == *end {
                self.take_solid();
                self.check(&pipeline, context, &token)?;
                self.declare(&pipeline)?;
                return Ok(pipeline);
            }
            if !starts_operand(&token.kind) {
                return Err(self.unexpected(&token, context));
            }
            pipeline.commands.push(self.command()?);
        }
    }

    /// Reads `$x :=`, `$x =` or, in a range, `$i, $x :=`. Without a sign the variable is an operand.
    fn declarations(&mut self, context: &str) -> Result<(Vec<String>, bool), Error> {
        let mut variables: Vec<String> = Vec::new();
        loop {
            let mark = self.mark();
            let variable = self.peek_solid();
            if variable.kind != Kind::Variable {
                return Ok((variables, false));
            }
            self.take_solid();
            let next = self.peek_solid();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    self.take_solid();
                    let assigns = next.kind == Kind::Assign;
                    variables.push(variable.text.to_owned());
                    return Ok((variables, assigns));
                }
                Kind::Character if next.text == "," => {
                    self.take_solid();
                    variables.push(variable.text.to_owned());
                    if context != "range" || variables.len() > 1 {
                        return Err(self.error(next.position, format!("too many declarations in {context}")));
                    }
                    let follows = self.peek_solid();
                    if follows.kind != Kind::Variable {
                        return Err(self.error(follows.position, "range can only initialize variables"));
                    }
                }
                _ if variables.is_empty() => {
                    self.rewind(mark);
                    return Ok((variables, false));
                }
                _ => return Err(self.unexpected(&next, context)),
            }
        }
    }

    /// Brings the variables of a pipeline into scope, or checks that they are.
    fn declare(&mut self, pipeline: &Pipeline) -> Result<(), Error> {
        for name in &pipeline.variables {
            if !pipeline.assigns {
                self.variables.push(name.clone());
            } else if !self.variables.contains(name) {
                return Err(self.error(pipeline.position, format!("undefined variable {name:?}")));
            }
        }
        Ok(())
    }

    fn check(&self, pipeline: &Pipeline, context: &str, end: &Token<'_>) -> Result<(), Error> {
        if pipeline.commands.is_empty() {
            return Err(self.error(end.position, format!("missing value for {context}")));
        }
        for (index, command) in pipeline.commands.iter().enumerate().skip(1) {
            let first = &command.operands[0];
            if matches!(
                first.term,
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. }
            ) {
                let reason = format!("non executable command in pipeline stage {}", index + 1);
                return Err(self.error(first.position, reason));
            }
        }
        Ok(())
    }

    /// Reads operands up to a bar or the end of the pipeline, which stays unless it is a bar.
    fn command(&mut self) -> Result<Command, Error> {
        let position = self.peek_solid().position;
        let mut operands = Vec::new();
        loop {
            let token = self.peek_solid();
            if starts_operand(&token.kind) {
                operands.push(self.operand()?);
            }
            let separator = self.peek();
            match separator.kind {
                Kind::Space => {
                    self.take();
                }
                Kind::Close | Kind::RightParen => break,
                // As in Go, nothing has to follow the last bar.
                Kind::Pipe => {
                    self.take();
                    break;
                }
                _ => return Err(self.unexpected(&separator, "operand")),
            }
        }
        if operands.is_empty() {
            return Err(self.error(position, "empty command"));
        }
        Ok(Command { position, operands })
    }

    /// Reads a term and the fields right behind it.
    fn operand(&mut self) -> Result<Operand, Error> {
        let operand = self.term()?;
        let chain_position = self.peek().position;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.take().text[1..].to_owned());
        }
        if fields.is_empty() {
            return Ok(operand);
        }
        let term = match operand.term {
            Term::Field(mut own) => {
                own.append(&mut fields);
                Term::Field(own)
            }
            Term::Variable(name, _) => Term::Variable(name, fields),
            Term::Bool(_) | Term::Text { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                return Err(self.error(chain_position, format!("unexpected . after term {operand}")));
            }
            Term::Function(_) | Term::Pipeline(_) | Term::Chain(..) => Term::Chain(Box::new(operand), fields),
        };
        Ok(Operand { position: chain_position, term })
    }

    fn term(&mut self) -> Result<Operand, Error> {
        let token = self.take_solid();
        let number = |number: Result<Number, String>| {
            number.map(Term::Number).map_err(|reason| self.error(token.position, reason))
        };
        let term = match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::Number => number(Number::parse(token.text))?,
            Kind::CharacterConstant => number(Number::character(token.text))?,
            Kind::Quoted | Kind::RawQuoted => {
                Term::Text { source: token.text.to_owned(), value: self.unquote(&token)? }
            }
            Kind::Field => Term::Field(vec![token.text[1..].to_owned()]),
            Kind::Variable => self.variable(&token)?,
            Kind::Identifier => self.function(&token)?,
            Kind::LeftParen => Term::Pipeline(Box::new(self.parenthesized()?)),
            _ => return Err(self.unexpected(&token, "command")),
        };
        Ok(Operand { position: token.position, term })
    }

    fn variable(&self, token: &Token<'_>) -> Result<Term, Error> {
        if !self.variables.iter().any(|name| name == token.text) {
            return Err(self.error(token.position, format!("undefined variable {:?}", token.text)));
        }
        Ok(Term::Variable(token.text.to_owned(), Vec::new()))
    }

    fn function(&self, token: &Token<'_>) -> Result<Term, Error> {
        let position = self.position(token.position);
        match functions::lookup(token.text) {
            Lookup::Found(_) => Ok(Term::Function(token.text.to_owned())),
            Lookup::NotOffered(reason) => {
                Err(Error::NotOffered { position, name: token.text.to_owned(), reason })
            }
            Lookup::Unknown => Err(Error::UnknownFunction { position, name: token.text.to_owned() }),
        }
    }
}

fn starts_operand(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharacterConstant
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::LeftParen
            | Kind::Nil
            | Kind::Number
            | Kind::Quoted
            | Kind::RawQuoted
            | Kind::Variable
    )
}
