//! A parsed template. Everything knows its place in the source, and prints as it was written, since errors
//! while rendering name both.

use std::collections::BTreeMap;
use std::fmt;

use super::literal::Number;

/// Every template of a source by name: those it defines, and itself.
pub(super) type Templates = BTreeMap<String, Vec<Node>>;

/// A part of a template.
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    /// `if`, `with` or `range`
    Control(Control),
    Call(TemplateCall),
    Break,
    Continue,
}

/// `{{if}}`, `{{with}}` and `{{range}}`.
pub(super) struct Control {
    pub(super) kind: ControlKind,
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    /// What stands after `{{else}}`.
    pub(super) otherwise: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ControlKind {
    If,
    With,
    Range,
}

impl ControlKind {
    /// The word in the source.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }
}

/// `{{template "name" pipeline}}`
pub(super) struct TemplateCall {
    /// Where the name stands.
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) pipeline: Option<Pipeline>,
}

/// Commands of which each is given the value of the one before, and the variables that get the last value.
pub(super) struct Pipeline {
    pub(super) position: usize,
    /// With their dollar signs.
    pub(super) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// A function, field or value, and its arguments. There is always one operand at least.
pub(super) struct Command {
    pub(super) position: usize,
    pub(super) operands: Vec<Operand>,
}

/// One word of a command.
pub(super) struct Operand {
    pub(super) position: usize,
    pub(super) term: Term,
}

pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text {
        source: String,
        value: Vec<u8>,
    },
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`: the name with its dollar sign, then fields.
    Variable(String, Vec<String>),
    Function(String),
    /// A pipeline in parentheses.
    Pipeline(Box<Pipeline>),
    /// Fields of anything else, such as `(f x).a`.
    Chain(Box<Operand>, Vec<String>),
}

impl fmt::Display for TemplateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pipeline {
            Some(pipeline) => write!(f, "{{{{template {:?} {pipeline}}}}}", self.name),
            None => write!(f, "{{{{template {:?}}}}}", self.name),
        }
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        write_all(f, &self.commands, " | ")
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, &self.operands, " ")
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Bool(value) => write!(f, "{value}"),
            Term::Number(number) => f.write_str(&number.source),
            Term::Text { source, .. } => f.write_str(source),
            Term::Field(fields) => write_fields(f, fields),
            Term::Variable(name, fields) => {
                f.write_str(name)?;
                write_fields(f, fields)
            }
            Term::Function(name) => f.write_str(name),
            Term::Pipeline(pipeline) => write!(f, "({pipeline})"),
            Term::Chain(operand, fields) => {
                write!(f, "{operand}")?;
                write_fields(f, fields)
            }
        }
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[String]) -> fmt::Result {
    fields.iter().try_for_each(|field| write!(f, ".{field}"))
}

fn write_all<T: fmt::Display>(f: &mut fmt::Formatter<'_>, parts: &[T], separator: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{part}")?;
    }
    Ok(())
}
