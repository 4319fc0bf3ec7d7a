//! The functions of the language: Go's own and those of Sprig, a file per topic.
//!
//! A function declares the types of its parameters; the evaluator checks and converts arguments before it
//! is called, so an accessor of [`Call`] that meets another type can answer with the zero value.

use std::borrow::Cow;

use super::context::Context;
use super::error::Failure;
use super::moment::Moment;
use super::value::{List, Map, Text, Value};
use super::version::Version;

mod builtin;
mod cast;
mod compare;
mod dates;
mod decimal;
mod dicts;
mod digests;
mod encoding;
mod escape;
mod lists;
mod logic;
mod maths;
mod methods;
mod paths;
mod pattern;
mod random;
mod regular;
mod sequences;
mod strings;
mod texts;
mod types;
mod urls;
mod variables;
mod versions;
mod word_case;
mod wrapping;

pub(super) use methods::method;

/// The type of a parameter, which decides how an argument is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Go's `interface {}`: a missing value arrives as nil.
    Any,
    /// Any value just as it is, missing ones too: what Go's own functions take.
    Raw,
    Bool,
    Int,
    Float,
    Text,
    /// `map[string]interface {}`
    Map,
    Time,
    Version,
}

impl Type {
    /// The name of the Go type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any | Self::Raw => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Text => "string",
            Self::Map => "map[string]interface {}",
            Self::Time => "time.Time",
            Self::Version => "*semver.Version",
        }
    }

    /// Tells whether nil is a value of the type.
    pub(super) fn takes_nil(self) -> bool {
        matches!(self, Self::Any | Self::Raw | Self::Map)
    }
}

type Implementation = fn(&Call<'_>) -> Result<Value, Failure>;

/// A function that templates can call.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Type],
    /// The type of further arguments, if there may be any.
    pub(super) rest: Option<Type>,
    pub(super) run: Implementation,
}

impl Function {
    const fn new(name: &'static str, parameters: &'static [Type], run: Implementation) -> Self {
        Self { name, parameters, rest: None, run }
    }

    const fn variadic(
        name: &'static str,
        parameters: &'static [Type],
        rest: Type,
        run: Implementation,
    ) -> Self {
        Self { name, parameters, rest: Some(rest), run }
    }

    /// The type of the argument at `index`.
    pub(super) fn parameter(&self, index: usize) -> Option<Type> {
        self.parameters.get(index).copied().or(self.rest)
    }
}

/// What a name in a template stands for.
pub(super) enum Lookup {
    Found(&'static Function),
    /// Sprig has it and this client leaves it out, for this reason.
    NotOffered(&'static str),
    Unknown,
}

const TABLES: &[&[Function]] = &[
    builtin::FUNCTIONS,
    compare::FUNCTIONS,
    dates::FUNCTIONS,
    dicts::FUNCTIONS,
    digests::FUNCTIONS,
    encoding::FUNCTIONS,
    escape::FUNCTIONS,
    lists::FUNCTIONS,
    logic::FUNCTIONS,
    maths::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    regular::FUNCTIONS,
    sequences::FUNCTIONS,
    strings::FUNCTIONS,
    texts::FUNCTIONS,
    types::FUNCTIONS,
    urls::FUNCTIONS,
    variables::FUNCTIONS,
    versions::FUNCTIONS,
    word_case::FUNCTIONS,
    wrapping::FUNCTIONS,
];

const NO_KEYS: &str = "keys, certificates and passwords are not made or used in output templates";
const NO_NETWORK: &str = "templates do not use the network";

const NOT_OFFERED: &[(&str, &str)] = &[
    ("bcrypt", NO_KEYS),
    ("buildCustomCert", NO_KEYS),
    ("decryptAES", NO_KEYS),
    ("derivePassword", NO_KEYS),
    ("encryptAES", NO_KEYS),
    ("genCA", NO_KEYS),
    ("genCAWithKey", NO_KEYS),
    ("genPrivateKey", NO_KEYS),
    ("genSelfSignedCert", NO_KEYS),
    ("genSelfSignedCertWithKey", NO_KEYS),
    ("genSignedCert", NO_KEYS),
    ("genSignedCertWithKey", NO_KEYS),
    ("getHostByName", NO_NETWORK),
    ("htpasswd", NO_KEYS),
];

/// Finds the function of a name.
pub(super) fn lookup(name: &str) -> Lookup {
    if let Some(function) =
        TABLES.iter().flat_map(|table| table.iter()).find(|function| function.name == name)
    {
        return Lookup::Found(function);
    }
    match NOT_OFFERED.iter().find(|(left_out, _)| *left_out == name) {
        Some((_, reason)) => Lookup::NotOffered(reason),
        None => Lookup::Unknown,
    }
}

/// The arguments of one call, and what else functions need.
pub(super) struct Call<'a> {
    pub(super) arguments: &'a [Value],
    pub(super) context: &'a Context<'a>,
}

impl<'a> Call<'a> {
    /// The argument at `index`.
    fn any(&self, index: usize) -> &'a Value {
        self.arguments.get(index).unwrap_or(&Value::Nil)
    }

    /// The arguments from `index` on.
    fn rest(&self, index: usize) -> &'a [Value] {
        self.arguments.get(index..).unwrap_or_default()
    }

    /// A `Text` argument as bytes.
    fn bytes(&self, index: usize) -> &'a [u8] {
        match self.any(index) {
            Value::Text(text) => text,
            _ => b"",
        }
    }

    /// A `Text` argument as characters.
    fn text(&self, index: usize) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes(index))
    }

    fn int(&self, index: usize) -> i64 {
        match self.any(index) {
            Value::Int(number) => *number,
            _ => 0,
        }
    }

    fn bool(&self, index: usize) -> bool {
        matches!(self.any(index), Value::Bool(true))
    }

    /// A `Map` argument; nil is an empty map.
    fn map(&self, index: usize) -> Map {
        match self.any(index) {
            Value::Map(map) => map.clone(),
            _ => Map::from_iter([]),
        }
    }

    fn time(&self, index: usize) -> Result<&'a Moment, Failure> {
        match self.any(index) {
            Value::Time(moment) => Ok(moment),
            other => {
                Err(Failure(format!("wrong type for value; expected time.Time; got {}", other.type_name())))
            }
        }
    }

    fn version(&self, index: usize) -> Result<&'a Version, Failure> {
        match self.any(index) {
            Value::Version(version) => Ok(version),
            other => Err(Failure(format!(
                "wrong type for value; expected *semver.Version; got {}",
                other.type_name()
            ))),
        }
    }

    /// A list among arguments of any type. `verb` is what was to be done with it, for the error.
    fn list(&self, index: usize, verb: &str) -> Result<&'a List, Failure> {
        match self.any(index) {
            Value::List(list) => {
                self.context.spend(list.len())?;
                Ok(list)
            }
            other => Err(Failure(format!("cannot {verb} type {}", other.type_name()))),
        }
    }
}

/// Turns the result of a text function into a value.
fn text(text: impl Into<Text>) -> Result<Value, Failure> {
    Ok(Value::text(text))
}

/// A number of items or bytes as a Go `int`.
fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
