//! Files become an artifact of a target; with a subject they are attached to it.

use std::sync::Arc;

use super::{Concurrency, GraphCopy, Result, pack};
use crate::{
    content::{Memory, Overlay, Source, Target, graph},
    oci::Descriptor,
    progress::Progress,
};

/// How to push.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What goes into the manifest.
    pub pack: pack::Options,
    /// The tag of the manifest; it has none otherwise.
    pub tag: Option<String>,
    /// Nodes that are moved at once.
    pub concurrency: Concurrency,
    /// Write the manifest even if the target has it.
    pub force: bool,
}

/// Packs a manifest and moves it to the target, with the content that it names.
///
/// `files` holds the layers and a given config. The subject is not looked at again.
///
/// # Errors
/// The manifest cannot be packed, or content could not be read or written.
pub async fn push(
    files: Arc<dyn Source>,
    target: Arc<dyn Target>,
    options: Options,
    progress: Arc<dyn Progress>,
) -> Result<pack::Packed> {
    let packed = pack::pack(options.pack)?;
    send(files, target, &packed, options.tag, options.concurrency, options.force, progress).await?;
    Ok(packed)
}

/// Moves a packed manifest to the target, with the content that it names.
///
/// # Errors
/// Content could not be read or written.
pub async fn send(
    files: Arc<dyn Source>,
    target: Arc<dyn Target>,
    packed: &pack::Packed,
    tag: Option<String>,
    concurrency: Concurrency,
    force: bool,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let memory = Memory::new();
    for (node, bytes) in &packed.blobs {
        memory.insert(node.media_type.clone(), bytes.clone());
    }
    let source = Arc::new(Overlay::new(memory, files));
    GraphCopy::new(source, target, progress)
        .concurrency(concurrency)
        .force(force)
        .tag(tag)
        .successors(Arc::new(without_subject))
        .run_with(packed.manifest.clone(), Some(packed.bytes.clone().into()))
        .await?;
    Ok(())
}

/// The successors of a manifest that is attached to something at the target.
fn without_subject(node: &Descriptor, bytes: &[u8]) -> crate::content::Result<Vec<Descriptor>> {
    let mut successors = graph::successors(node, bytes)?;
    let subject = crate::oci::Document::parse(&node.media_type, bytes)?.subject;
    if subject.is_some() {
        successors.remove(0);
    }
    Ok(successors)
}
