//! Recursion with a known depth: how much stack the caller has left is anyone's guess.

use super::error::Error;

/// Runs a function on a stack of its own.
pub(super) fn with<T: Send>(bytes: usize, run: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("template".into()).stack_size(bytes);
        let running = thread.spawn_scoped(scope, run);
        let running = running.map_err(|problem| Error::Resources { reason: problem.to_string() })?;
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
