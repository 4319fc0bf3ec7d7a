//! An upload that a registry has begun for us.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use url::Url;

use super::{
    Result, client::Client, http::Method, knowledge::LARGEST_MINIMUM, location::Purpose, response::Response,
    scope::Scopes, transport::Request,
};

/// How long a registry is given to forget an upload.
const PATIENCE: Duration = Duration::from_secs(2);

/// An upload that a registry has begun for us. It is cancelled when it is dropped before its end, since
/// some registries keep what they got for days.
pub(crate) struct Session {
    client: Arc<Client>,
    scopes: Scopes,
    /// Where the next bytes go. It may hold a secret.
    pub(crate) location: Url,
    /// Smallest chunk but for the last, in bytes; 0 when the registry did not say.
    pub(crate) minimum_chunk: u64,
    /// There is something to cancel as long as this is here.
    open: Option<Errand>,
}

impl Session {
    /// Reads the answer that begins an upload.
    ///
    /// # Errors
    /// It does not say where to go on, or leads where we do not go.
    pub(crate) fn begun(client: &Arc<Client>, scopes: &Scopes, response: &Response) -> Result<Self> {
        let Some(location) = client.resolve_location(response, Purpose::Upload)? else {
            return Err(response.protocol("the registry returned no upload location"));
        };
        let minimum = response.header("oci-chunk-min-length").and_then(|value| value.trim().parse().ok());
        if minimum > Some(LARGEST_MINIMUM) {
            return Err(response.protocol("the smallest chunk that the registry takes is too large"));
        }
        let (client, scopes, open) = (client.clone(), scopes.clone(), Some(client.errands.start()));
        Ok(Self { client, scopes, location, minimum_chunk: minimum.unwrap_or_default(), open })
    }

    /// Takes note of where an answer says that it goes on.
    ///
    /// # Errors
    /// It leads where we do not go.
    pub(crate) fn follow(&mut self, response: &Response) -> Result<()> {
        if let Some(location) = self.client.resolve_location(response, Purpose::Upload)? {
            self.location = location;
        }
        Ok(())
    }

    /// It has ended: there is nothing to cancel.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Some(running) = self.open.take() else { return };
        let (client, scopes, location) = (self.client.clone(), self.scopes.clone(), self.location.clone());
        runtime.spawn(async move {
            let cancel = client.send(Request::new(Method::DELETE, location).once(), &scopes);
            // Whatever comes of it: the upload is none of our business any more.
            if let Ok(Ok(response)) = tokio::time::timeout(PATIENCE, cancel).await {
                response.discard().await;
            }
            drop(running);
        });
    }
}

/// Uploads that are open, and the requests that cancel them, for which nobody waits.
#[derive(Default)]
pub(crate) struct Errands(Arc<Count>);

#[derive(Default)]
struct Count {
    running: AtomicUsize,
    ended: Notify,
}

/// One of them; it ends when this is dropped. An upload whose task is being stopped counts before its
/// cancelling has begun.
struct Errand(Arc<Count>);

impl Errands {
    fn start(&self) -> Errand {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        Errand(self.0.clone())
    }

    /// Waits until all have ended, but not for long.
    pub(crate) async fn end(&self) {
        let all = async {
            loop {
                let ended = self.0.ended.notified();
                if self.0.running.load(Ordering::SeqCst) == 0 {
                    return;
                }
                ended.await;
            }
        };
        // Each has a limit of its own; this one is for all of them together.
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.notify_waiters();
    }
}
