//! What a template may know of the world outside its data, and how much work it may do.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::error::Failure;

/// How many steps a template may take. Nodes walked and values visited take one, what takes more says so.
const MAX_STEPS: u64 = 20_000_000;
/// How many bytes of text a function may make in a step.
const BYTES_PER_STEP: usize = 64;
/// How deeply values may be nested where they are printed, compared or copied.
pub(super) const MAX_VALUE_DEPTH: usize = 1000;
/// The longest list that a function makes out of numbers alone.
pub(super) const MAX_ITEMS: u64 = 1_000_000;

/// Finds the value of an environment variable.
pub(crate) type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What `env`, `expandenv`, `now` and the local time zone answer.
///
/// The default knows no variables, and its clock stands at the start of 1970 in UTC: the caller decides
/// what a template gets to see.
#[derive(Clone)]
pub(crate) struct Environment {
    /// Looks up an environment variable.
    pub(crate) variables: Arc<Variables>,
    /// The time that `now` gives.
    pub(crate) now: Timestamp,
    /// The zone in which times are shown that do not carry one.
    pub(crate) time_zone: TimeZone,
}

impl Default for Environment {
    fn default() -> Self {
        Self { variables: Arc::new(|_| None), now: Timestamp::UNIX_EPOCH, time_zone: TimeZone::UTC }
    }
}

/// What every function is given besides its arguments.
pub(super) struct Context<'e> {
    pub(super) environment: &'e Environment,
    steps: Cell<u64>,
}

impl<'e> Context<'e> {
    /// A context with the whole budget left.
    pub(super) fn new(environment: &'e Environment) -> Self {
        Self { environment, steps: Cell::new(MAX_STEPS) }
    }

    /// Takes steps from the budget.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Failure> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let left = self.steps.get().checked_sub(steps);
        self.steps
            .set(left.ok_or_else(|| Failure(format!("the template takes more than {MAX_STEPS} steps")))?);
        Ok(())
    }

    /// Takes the steps for a text that a function has made.
    pub(super) fn spend_on_text(&self, bytes: usize) -> Result<(), Failure> {
        self.spend(bytes / BYTES_PER_STEP)
    }

    /// Takes one step at `depth` levels inside a value.
    pub(super) fn descend(&self, depth: usize) -> Result<(), Failure> {
        if depth > MAX_VALUE_DEPTH {
            return Err(Failure(format!("the value is nested more than {MAX_VALUE_DEPTH} levels deep")));
        }
        self.spend(1)
    }
}
