//! One blob to a target.

use std::sync::Arc;

use super::Result;
use crate::{
    content::{Body, Target},
    oci::Descriptor,
    progress::{Event, Progress},
};

/// Moves a blob to a target, unless it is there; then the body is not read.
///
/// # Errors
/// The body is not what the descriptor says, or the target failed.
pub async fn push(
    target: &dyn Target,
    node: &Descriptor,
    body: Body,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    progress.event(Event::Planned(node));
    if target.exists(node).await? {
        progress.event(Event::Present(node));
        return Ok(());
    }
    progress.event(Event::Started(node));
    let (listener, moving) = (progress.clone(), node.clone());
    let body = body.observed(Arc::new(move |position| listener.event(Event::Advanced(&moving, position))));
    target.push(node, body).await?;
    progress.event(Event::Done(node));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::content::{ByteStream, Error, Memory, Source as _};

    #[derive(Default)]
    struct Recorder(Mutex<Vec<String>>);

    impl Progress for Recorder {
        fn event(&self, event: Event<'_>) {
            let text = match event {
                Event::Advanced(_, position) => position.to_string(),
                event => format!("{event:?}").split('(').next().unwrap().to_owned(),
            };
            self.0.lock().unwrap().push(text);
        }
    }

    #[tokio::test]
    async fn a_blob_is_moved_once() {
        let (target, node) = (Memory::new(), Descriptor::of("a/b", b"hello"));
        let progress = Arc::new(Recorder::default());
        for _ in 0..2 {
            push(&target, &node, Body::from(b"hello".to_vec()), progress.clone()).await.unwrap();
        }
        let seen = progress.0.lock().unwrap().join(" ");
        assert_eq!(seen, "Planned Started 5 Done Planned Present");
    }

    #[tokio::test]
    async fn what_the_target_has_is_not_read_and_what_is_wrong_is_not_stored() {
        let failing = || -> ByteStream {
            Box::pin(futures_util::stream::once(async { Err(Error::Unsupported("reading")) }))
        };
        let target = Memory::new();
        let node = target.insert("a/b", "hello");
        let silent: Arc<dyn Progress> = Arc::new(crate::progress::Silent);
        push(&target, &node, Body::stream(failing()), silent.clone()).await.unwrap();
        let other = Descriptor::of("a/b", b"other");
        assert!(push(&target, &other, Body::stream(failing()), silent.clone()).await.is_err());
        assert!(push(&target, &other, Body::from(b"wrong".to_vec()), silent).await.is_err());
        assert!(!target.exists(&other).await.unwrap());
    }
}
