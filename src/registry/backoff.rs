//! Waiting before an operation of several requests goes on.

use std::time::Duration;

use super::{
    Error, Result, Retries,
    client::Client,
    retry::{self, Attempt, Decision, Failure, Repeat},
    transport::random,
};

/// Counts the failures of one operation.
pub(crate) struct Backoff {
    retries: Retries,
    repeated: u32,
    waited: Duration,
}

impl Backoff {
    pub(crate) fn new(client: &Client) -> Self {
        Self { retries: client.options().retries, repeated: 0, waited: Duration::ZERO }
    }

    /// Something went right in between, so that the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        (self.repeated, self.waited) = (0, Duration::ZERO);
    }

    /// Waits before the operation goes on after a failure.
    ///
    /// # Errors
    /// The failure itself, when it makes no sense to go on.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<()> {
        let (failure, retry_after) = match &error {
            Error::Response(response) => (Failure::Status(response.status.as_u16()), response.retry_after),
            Error::Exchange { .. } => (Failure::Broken, None),
            _ => (Failure::Final, None),
        };
        let attempt = Attempt { repeated: self.repeated, waited: self.waited, retry_after, jitter: random() };
        match retry::decide(&self.retries, Repeat::Always, failure, attempt) {
            Decision::GiveUp => Err(error),
            Decision::TooLong(wait) => {
                let host = error.response().map_or_else(String::new, |response| response.host.clone());
                Err(Error::Throttled { host, wait, source: Box::new(error) })
            }
            Decision::Again(wait) => {
                self.repeated += 1;
                self.waited += wait;
                tokio::time::sleep(wait).await;
                Ok(())
            }
        }
    }
}
