//! One manifest to a target.

use bytes::Bytes;

use super::Result;
use crate::{
    content::Target,
    oci::{Descriptor, media_type},
    progress::{Event, Progress},
};

/// Stores a manifest under a tag or digest, unless the target has it under that name already.
///
/// Whether a digest is that of the bytes is left to the target to check. A manifest with a subject becomes
/// one of the subject's referrers when it is stored.
///
/// # Errors
/// The target failed, or refuses the manifest.
pub async fn push(
    target: &dyn Target,
    node: &Descriptor,
    bytes: Bytes,
    reference: &str,
    progress: &dyn Progress,
) -> Result<()> {
    match target.resolve(reference).await {
        Ok(found) if is_same(&found, node) => {
            progress.event(Event::Present(node));
            return Ok(());
        }
        Err(error) if !error.is_not_found() => return Err(error.into()),
        _ => {}
    }
    progress.event(Event::Started(node));
    target.push_tagged(node, bytes, reference).await?;
    progress.event(Event::Done(node));
    Ok(())
}

/// Is what was found the manifest itself? A layout finds its blobs by digest, too.
fn is_same(found: &Descriptor, node: &Descriptor) -> bool {
    found.digest == node.digest && found.media_type != media_type::OCTET_STREAM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        content::{Memory, Source as _},
        progress::Silent,
    };

    #[tokio::test]
    async fn a_manifest_is_stored_under_its_name() {
        let target = Memory::new();
        let bytes = Bytes::from_static(b"{}");
        let node = Descriptor::of(media_type::IMAGE_INDEX, &bytes);
        push(&target, &node, bytes.clone(), "v1", &Silent).await.unwrap();
        assert_eq!(target.resolve("v1").await.unwrap(), node);
        let other = Bytes::from_static(b"{ }");
        let node = Descriptor::of(media_type::IMAGE_INDEX, &other);
        push(&target, &node, other, "v1", &Silent).await.unwrap();
        assert_eq!(target.resolve("v1").await.unwrap(), node);
    }

    #[tokio::test]
    async fn a_blob_of_the_same_bytes_is_no_manifest() {
        let target = Memory::new();
        let blob = target.insert(media_type::OCTET_STREAM, "{}");
        let node = Descriptor { media_type: media_type::IMAGE_INDEX.to_owned(), ..blob };
        let name = node.digest.to_string();
        push(&target, &node, Bytes::from_static(b"{}"), &name, &Silent).await.unwrap();
        assert_eq!(target.resolve(&name).await.unwrap().media_type, media_type::IMAGE_INDEX);
    }
}
