//! Output templates: Go's `text/template` language with the functions of Sprig, for `--format go-template`.
//!
//! What can be known without data is refused when a template is parsed, with line and column: syntax, unknown
//! functions and variables. What depends on the data fails while rendering, where Go's rules about types apply:
//! numbers of the data are `float64`, keys that are missing print `<no value>`, and so do their fields.
//!
//! ```text
//! source → lexer → parser (expression) → ast → exec (eval, functions) → print
//! ```
//!
//! A template cannot read the environment or the clock by itself: it sees the [`Environment`] it was given. It
//! cannot use the network. Texts, lists, nesting and work are bounded, so that no template exhausts memory or
//! the stack.

mod ast;
mod buffer;
mod constraint;
mod context;
mod duration;
mod error;
mod eval;
mod exec;
mod expression;
mod functions;
mod json;
mod layout;
mod lexer;
mod literal;
mod moment;
mod number;
mod parser;
mod print;
mod printf;
mod quote;
mod stack;
mod time_parser;
mod value;
mod version;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

pub(crate) use context::Environment;
pub(crate) use error::Error;

/// A template that has been understood.
pub(crate) struct Template {
    source: String,
    templates: ast::Templates,
    environment: Environment,
}

impl Template {
    /// Understands a source. The template sees an empty [`Environment`] until it is
    /// [given one](Self::with_environment).
    ///
    /// # Errors
    /// Fails where the source is not a template, or names a function or variable that does not exist.
    pub(crate) fn parse(source: &str) -> Result<Self, Error> {
        Ok(Self {
            source: source.to_owned(),
            templates: stack::with(parser::STACK_BYTES, || parser::parse(source))?,
            environment: Environment::default(),
        })
    }

    /// Gives the template what `env`, `expandenv`, `now` and the local time zone refer to.
    #[must_use]
    pub(crate) fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        // A system that does not say where it is, such as most containers, is on UTC.
        if self.environment.time_zone.is_unknown() {
            self.environment.time_zone = TimeZone::UTC;
        }
        self
    }

    /// Applies the template to data. Bytes of the output that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// Fails where the data does not fit the template, where the template itself calls `fail`, and where a limit
    /// is reached. Then there is no output at all.
    pub(crate) fn render(&self, data: &serde_json::Value) -> Result<String, Error> {
        stack::with(exec::STACK_BYTES, || self.render_here(data))
    }

    fn render_here(&self, data: &serde_json::Value) -> Result<String, Error> {
        let data = json::to_value(data).map_err(|failure| Error::Data { reason: failure.0 })?;
        let output = exec::render(&self.source, &self.templates, &data, &self.environment)?;
        Ok(String::from_utf8(output)
            .unwrap_or_else(|problem| String::from_utf8_lossy(problem.as_bytes()).into_owned()))
    }
}
