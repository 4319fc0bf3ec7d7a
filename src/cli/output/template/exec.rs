//! Walks a parsed template and writes its output.

use super::ast::{Command, Control, ControlKind, Node, Operand, Pipeline, TemplateCall, Templates};
use super::buffer::Buffer;
use super::context::{Context, Environment};
use super::error::{Error, Failure, NAME, Position};
use super::print;
use super::value::Value;

/// How deeply blocks, parentheses and template calls may be nested while rendering. Each level takes up to
/// [`LEVEL_BYTES`] of stack.
const MAX_DEPTH: usize = 10_000;
/// What one level takes of the stack at most, measured without optimisation and rounded up.
const LEVEL_BYTES: usize = 12 << 10;
/// The stack that rendering is given.
pub(super) const STACK_BYTES: usize = MAX_DEPTH * LEVEL_BYTES;

/// Renders the template of a source.
pub(super) fn render(
    source: &str,
    templates: &Templates,
    data: &Value,
    environment: &Environment,
) -> Result<Vec<u8>, Error> {
    let mut run = Run {
        source,
        templates,
        context: Context::new(environment),
        template: NAME,
        variables: vec![("$", data.clone())],
        output: Buffer::default(),
        at: At::Nothing,
        depth: 0,
    };
    if let Some(nodes) = templates.get(NAME) {
        run.nodes(nodes, data)?;
    }
    Ok(run.output.into_bytes())
}

/// What was being evaluated last: errors name it.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Nothing,
    Call(&'t TemplateCall),
    Pipeline(&'t Pipeline),
    Command(&'t Command),
    Operand(&'t Operand),
}

/// Whether to go on with the next node.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The state of one rendering.
pub(super) struct Run<'t> {
    source: &'t str,
    templates: &'t Templates,
    pub(super) context: Context<'t>,
    /// The name of the template that is being applied.
    template: &'t str,
    pub(super) variables: Vec<(&'t str, Value)>,
    output: Buffer,
    pub(super) at: At<'t>,
    depth: usize,
}

impl<'t> Run<'t> {
    fn nodes(&mut self, nodes: &'t [Node], dot: &Value) -> Result<Flow, Error> {
        for node in nodes {
            self.spend()?;
            match node {
                Node::Text(text) => self.write(text.as_bytes())?,
                Node::Action(pipeline) => self.action(pipeline, dot)?,
                Node::Control(control) => {
                    let flow = self.control(control, dot)?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Call(call) => self.call_template(call, dot)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, pipeline: &'t Pipeline, dot: &Value) -> Result<(), Error> {
        let value = self.pipeline(pipeline, dot)?;
        if pipeline.variables.is_empty() {
            let printed = print::print_value(&self.context, &mut self.output, &value);
            return printed.map_err(|failure| self.fail(failure));
        }
        Ok(())
    }

    fn control(&mut self, control: &'t Control, dot: &Value) -> Result<Flow, Error> {
        self.enter()?;
        let scope = self.variables.len();
        let value = self.pipeline(&control.pipeline, dot)?;
        let flow = match control.kind {
            ControlKind::Range => self.range(control, &value, dot)?,
            ControlKind::If if value.truth() => self.nodes(&control.body, dot)?,
            ControlKind::With if value.truth() => self.nodes(&control.body, &value)?,
            _ => self.nodes(&control.otherwise, dot)?,
        };
        self.variables.truncate(scope);
        self.depth -= 1;
        Ok(flow)
    }

    fn range(&mut self, control: &'t Control, over: &Value, dot: &Value) -> Result<Flow, Error> {
        match over {
            Value::Missing | Value::Nil => {}
            Value::List(list) if !list.is_empty() => {
                let list = list.clone();
                let items = list.iter().zip(0..).map(|(item, index)| (Value::Int(index), item.clone()));
                return self.iterate(control, items);
            }
            Value::Map(map) if map.len() > 0 => {
                let entries = map.entries().into_iter().map(|(key, value)| (Value::Text(key), value));
                return self.iterate(control, entries);
            }
            Value::List(_) | Value::Map(_) => {}
            _ => {
                let Some((end, wrap)) = countable(over) else {
                    return Err(
                        self.error(format!("range can't iterate over a value of type {}", over.type_name()))
                    );
                };
                if control.pipeline.variables.len() > 1 {
                    return Err(self.error(format!("can't use {end} to iterate over more than one variable")));
                }
                if end > 0 {
                    return self.iterate(control, (0..end).map(|number| (Value::Nil, wrap(number))));
                }
            }
        }
        self.nodes(&control.otherwise, dot)
    }

    /// Applies the body of a range to each pair of index and element.
    fn iterate(
        &mut self,
        control: &'t Control,
        items: impl Iterator<Item = (Value, Value)>,
    ) -> Result<Flow, Error> {
        let scope = self.variables.len();
        for (index, element) in items {
            self.spend()?;
            match control.pipeline.variables.as_slice() {
                [only] => self.set_loop_variable(only, control.pipeline.assigns, 1, element.clone()),
                [first, second] => {
                    self.set_loop_variable(first, control.pipeline.assigns, 2, index);
                    self.set_loop_variable(second, control.pipeline.assigns, 1, element.clone());
                }
                _ => {}
            }
            let flow = self.nodes(&control.body, &element)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// Sets a variable of a range. One that the range declares is the `from_top`-th of the newest variables.
    fn set_loop_variable(&mut self, name: &str, assigns: bool, from_top: usize, value: Value) {
        if assigns {
            self.assign(name, value);
        } else if let Some(at) = self.variables.len().checked_sub(from_top) {
            self.variables[at].1 = value;
        }
    }

    /// Gives a new value to the newest variable of a name. The parser has seen that there is one.
    pub(super) fn assign(&mut self, name: &str, value: Value) {
        if let Some((_, old)) = self.variables.iter_mut().rev().find(|(variable, _)| *variable == name) {
            *old = value;
        }
    }

    fn call_template(&mut self, call: &'t TemplateCall, dot: &Value) -> Result<(), Error> {
        self.at = At::Call(call);
        let Some((name, nodes)) = self.templates.get_key_value(&call.name) else {
            return Err(self.error(format!("template {:?} not defined", call.name)));
        };
        self.enter()?;
        let dot = match &call.pipeline {
            Some(pipeline) => self.pipeline(pipeline, dot)?,
            None => Value::Missing,
        };
        let outer_name = std::mem::replace(&mut self.template, name);
        let outer_variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        self.nodes(nodes, &dot)?;
        self.variables = outer_variables;
        self.template = outer_name;
        self.depth -= 1;
        Ok(())
    }

    /// Goes one level deeper. Who leaves the level without error counts back.
    pub(super) fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("exceeded maximum template depth ({MAX_DEPTH})")));
        }
        Ok(())
    }

    /// Comes back from [`enter`](Self::enter).
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn spend(&self) -> Result<(), Error> {
        self.context.spend(1).map_err(|failure| self.fail(failure))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.output.push(bytes);
        written.map_err(|failure| self.fail(failure))
    }

    pub(super) fn fail(&self, failure: Failure) -> Error {
        self.error(failure.0)
    }

    /// An error at the place that was evaluated last.
    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        let (offset, node) = match self.at {
            At::Nothing => (0, String::new()),
            At::Call(call) => (call.position, call.to_string()),
            At::Pipeline(pipeline) => (pipeline.position, pipeline.to_string()),
            At::Command(command) => (command.position, command.to_string()),
            At::Operand(operand) => (operand.position, operand.to_string()),
        };
        Error::Execution {
            position: Position::of(self.source, offset),
            template: self.template.to_owned(),
            node,
            reason: reason.into(),
        }
    }
}

/// The end of a range over a number, and a function that gives its elements their type.
fn countable(value: &Value) -> Option<(i64, Wrap)> {
    match value {
        Value::Int(end) => Some((*end, Value::Int)),
        Value::Int64(end) => Some((*end, Value::Int64)),
        Value::Uint64(end) => Some((i64::try_from(*end).unwrap_or(i64::MAX), Value::Int64)),
        Value::Byte(end) => Some((i64::from(*end), Value::Int)),
        _ => None,
    }
}

type Wrap = fn(i64) -> Value;
