//! Evaluates pipelines: fields, variables, calls and literals.

use super::ast::{Command, Operand, Pipeline, Term};
use super::error::Error;
use super::exec::{At, Run};
use super::functions::{self, Call, Function, Lookup, Type};
use super::literal::Number;
use super::value::{Text, Value};

impl<'t> Run<'t> {
    /// Evaluates a pipeline and sets its variables. The value is never [`Value::Nil`]: Go makes no
    /// difference between nil and nothing here.
    pub(super) fn pipeline(&mut self, pipeline: &'t Pipeline, dot: &Value) -> Result<Value, Error> {
        self.at = At::Pipeline(pipeline);
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(match self.command(command, dot, value)? {
                Value::Nil => Value::Missing,
                other => other,
            });
        }
        let value = value.unwrap_or(Value::Missing);
        for variable in &pipeline.variables {
            if pipeline.assigns {
                self.assign(variable, value.clone());
            } else {
                self.variables.push((variable, value.clone()));
            }
        }
        Ok(value)
    }

    /// Evaluates a command. `last` is the value of the command before it, its last argument.
    fn command(&mut self, command: &'t Command, dot: &Value, last: Option<Value>) -> Result<Value, Error> {
        let [first, arguments @ ..] = command.operands.as_slice() else {
            return Ok(Value::Missing);
        };
        match &first.term {
            Term::Field(fields) => {
                self.at = At::Operand(first);
                return self.fields(dot.clone(), fields, dot, arguments, last);
            }
            Term::Chain(..) => return self.chain(first, dot, arguments, last),
            Term::Function(name) => {
                self.at = At::Operand(first);
                return self.function(name, At::Command(command), dot, arguments, last);
            }
            Term::Variable(name, fields) => return self.variable(first, name, fields, dot, arguments, last),
            _ => {}
        }
        if !matches!(first.term, Term::Pipeline(_)) {
            self.at = At::Operand(first);
        }
        if !arguments.is_empty() || last.is_some() {
            return Err(self.error(format!("can't give argument to non-function {first}")));
        }
        match &first.term {
            Term::Pipeline(inner) => self.inner(inner, dot),
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Err(self.error("nil is not a command")),
            literal => Ok(constant(literal)),
        }
    }

    fn inner(&mut self, pipeline: &'t Pipeline, dot: &Value) -> Result<Value, Error> {
        self.enter()?;
        let value = self.pipeline(pipeline, dot)?;
        self.leave();
        Ok(value)
    }

    fn chain(
        &mut self,
        operand: &'t Operand,
        dot: &Value,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let Term::Chain(start, fields) = &operand.term else {
            return Ok(Value::Missing);
        };
        self.at = At::Operand(operand);
        let receiver = self.argument(start, Type::Raw, dot)?;
        self.fields(receiver, fields, dot, arguments, last)
    }

    fn variable(
        &mut self,
        operand: &'t Operand,
        name: &str,
        fields: &'t [String],
        dot: &Value,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        self.at = At::Operand(operand);
        let found = self.variables.iter().rev().find(|(variable, _)| *variable == name);
        let Some((_, value)) = found else {
            return Err(self.error(format!("undefined variable: {name}")));
        };
        let value = value.clone();
        if fields.is_empty() && (!arguments.is_empty() || last.is_some()) {
            return Err(self.error(format!("can't give argument to non-function {name}")));
        }
        self.fields(value, fields, dot, arguments, last)
    }

    /// Follows fields from a value. Only the last one is given the arguments.
    fn fields(
        &mut self,
        mut value: Value,
        fields: &'t [String],
        dot: &Value,
        arguments: &'t [Operand],
        mut last: Option<Value>,
    ) -> Result<Value, Error> {
        for (index, field) in fields.iter().enumerate() {
            let is_last = index + 1 == fields.len();
            let arguments = if is_last { arguments } else { &[] };
            let last = if is_last { last.take() } else { None };
            value = self.field(&value, field, dot, arguments, last)?;
        }
        Ok(value)
    }

    fn field(
        &mut self,
        receiver: &Value,
        name: &'t str,
        dot: &Value,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        if let Some(method) = functions::method(receiver, name) {
            let at = self.at;
            return self.call(method, at, Some(receiver.clone()), dot, arguments, last);
        }
        match receiver {
            Value::Missing => Ok(Value::Missing),
            Value::Nil => Err(self.error(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Map(_) if !arguments.is_empty() || last.is_some() => {
                Err(self.error(format!("{name} is not a method but has arguments")))
            }
            Value::Map(map) => Ok(map.get(name.as_bytes()).unwrap_or(Value::Missing)),
            other => Err(self.error(format!("can't evaluate field {name} in type {}", other.type_name()))),
        }
    }

    fn function(
        &mut self,
        name: &'t str,
        at: At<'t>,
        dot: &Value,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let Lookup::Found(function) = functions::lookup(name) else {
            return Err(self.error(format!("{name:?} is not a defined function")));
        };
        if matches!(name, "and" | "or") {
            self.check_count(function, arguments.len() + usize::from(last.is_some()))?;
            return self.decide(name == "or", dot, arguments, last);
        }
        self.call(function, at, None, dot, arguments, last)
    }

    /// `and` and `or`: the first argument that decides, or the last. Arguments after it are not evaluated.
    fn decide(
        &mut self,
        decisive: bool,
        dot: &Value,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let mut value = Value::Missing;
        for argument in arguments {
            value = self.argument(argument, Type::Raw, dot)?;
            if value.truth() == decisive {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn check_count(&self, function: &Function, count: usize) -> Result<(), Error> {
        let wanted = function.parameters.len();
        let name = function.name;
        match function.rest {
            Some(_) if count < wanted => {
                Err(self
                    .error(format!("wrong number of args for {name}: want at least {wanted} got {count}")))
            }
            None if count != wanted => {
                Err(self.error(format!("wrong number of args for {name}: want {wanted} got {count}")))
            }
            _ => Ok(()),
        }
    }

    /// Calls a function with the arguments that stand behind it and the value piped into it.
    fn call(
        &mut self,
        function: &'static Function,
        at: At<'t>,
        receiver: Option<Value>,
        dot: &Value,
        operands: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        self.spend()?;
        self.check_count(function, operands.len() + usize::from(last.is_some()))?;
        let mut arguments: Vec<Value> = receiver.into_iter().collect();
        for (index, operand) in operands.iter().enumerate() {
            let wanted = function.parameter(index).unwrap_or(Type::Any);
            arguments.push(self.argument(operand, wanted, dot)?);
        }
        if let Some(last) = last {
            let wanted = function.parameter(operands.len()).unwrap_or(Type::Any);
            arguments.push(self.convert(last, wanted)?);
        }
        let result = (function.run)(&Call { arguments: &arguments, context: &self.context });
        let result = result.and_then(|value| {
            if let Value::Text(text) = &value {
                self.context.spend_on_text(text.len())?;
            }
            Ok(value)
        });
        result.map_err(|failure| {
            self.at = at;
            self.error(format!("error calling {}: {}", function.name, failure.0))
        })
    }

    /// Evaluates an argument where a type is wanted.
    fn argument(&mut self, operand: &'t Operand, wanted: Type, dot: &Value) -> Result<Value, Error> {
        self.at = At::Operand(operand);
        let value = match &operand.term {
            Term::Dot => dot.clone(),
            Term::Nil if wanted.takes_nil() => {
                return Ok(if wanted == Type::Raw { Value::Missing } else { Value::Nil });
            }
            Term::Nil => return Err(self.error(format!("cannot assign nil to {}", wanted.name()))),
            Term::Field(fields) => self.fields(dot.clone(), fields, dot, &[], None)?,
            Term::Variable(name, fields) => self.variable(operand, name, fields, dot, &[], None)?,
            Term::Pipeline(pipeline) => self.inner(pipeline, dot)?,
            Term::Function(name) => self.function(name, At::Operand(operand), dot, &[], None)?,
            Term::Chain(..) => self.chain(operand, dot, &[], None)?,
            literal => return self.literal(literal, operand, wanted),
        };
        self.convert(value, wanted)
    }

    /// Reads a literal as the type that is wanted: `3.0` may stand for an `int`, `"3"` may not.
    fn literal(&self, term: &Term, operand: &Operand, wanted: Type) -> Result<Value, Error> {
        let expected = match (wanted, term) {
            (Type::Any | Type::Raw, _) => return Ok(constant(term)),
            (Type::Bool, Term::Bool(_)) | (Type::Text, Term::Text { .. }) => return Ok(constant(term)),
            (Type::Int, Term::Number(Number { int: Some(int), .. })) => return Ok(Value::Int(*int)),
            (Type::Float, Term::Number(number)) => return Ok(Value::Float(number.float)),
            (Type::Bool, _) => "bool",
            (Type::Text, _) => "string",
            (Type::Int, _) => "integer",
            (Type::Float, _) => "float",
            (Type::Map | Type::Time | Type::Version, _) => {
                return Err(self.error(format!("can't handle {operand} for arg of type {}", wanted.name())));
            }
        };
        Err(self.error(format!("expected {expected}; found {operand}")))
    }

    /// Checks that a value has the type that is wanted. Go converts no numbers here.
    fn convert(&self, value: Value, wanted: Type) -> Result<Value, Error> {
        let fits = match (&value, wanted) {
            (_, Type::Raw) => true,
            (Value::Missing, Type::Any | Type::Map) => return Ok(Value::Nil),
            (Value::Missing, _) => {
                return Err(self.error(format!("invalid value; expected {}", wanted.name())));
            }
            (_, Type::Any) => true,
            (Value::Map(_), Type::Map) => value.type_name() == Type::Map.name(),
            (Value::Bool(_), Type::Bool)
            | (Value::Int(_), Type::Int)
            | (Value::Float(_), Type::Float)
            | (Value::Text(_), Type::Text)
            | (Value::Time(_), Type::Time)
            | (Value::Version(_), Type::Version) => true,
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        let got = if value.is_nil() { "interface {}" } else { value.type_name() };
        Err(self.error(format!("wrong type for value; expected {}; got {got}", wanted.name())))
    }
}

/// A literal where any type will do.
fn constant(term: &Term) -> Value {
    match term {
        Term::Bool(value) => Value::Bool(*value),
        Term::Text { value, .. } => Value::Text(Text::from(value.as_slice())),
        Term::Number(Number { int: Some(int), is_float: false, .. }) => Value::Int(*int),
        Term::Number(number) => Value::Float(number.float),
        _ => Value::Missing,
    }
}
