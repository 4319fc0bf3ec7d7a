//! Semantic versions.

use std::rc::Rc;

use super::super::constraint::Constraints;
use super::super::error::Failure;
use super::super::value::Value;
use super::super::version::Version;
use super::{Call, Function, Type};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Type::Text], |call| {
        Ok(Value::Version(Rc::new(Version::parse(&call.text(0))?)))
    }),
    Function::new("semverCompare", &[Type::Text, Type::Text], compare),
];

fn compare(call: &Call<'_>) -> Result<Value, Failure> {
    let constraints = Constraints::parse(&call.text(0))?;
    let version = Version::parse(&call.text(1))?;
    Ok(Value::Bool(constraints.allow(&version)))
}
