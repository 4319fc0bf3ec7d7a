//! Indexes: made of manifests that a store has, and changed.

mod draft;

use bytes::Bytes;

use super::{Error, Result};
use crate::{
    content::{Source, graph},
    oci::{self, Annotations, Descriptor, Digest, Document, media_type},
    progress::{Event, Progress},
};
use draft::Draft;

/// Reads a name as it was given, and returns the tag or digest that it means in the store.
pub type ReadName<'a> = &'a (dyn Fn(&str) -> oci::Result<String> + Sync);

/// The store whose manifests go into an index.
#[derive(Clone, Copy)]
pub struct Store<'a> {
    /// Where the manifests are.
    pub source: &'a dyn Source,
    /// What names mean there.
    pub read_name: ReadName<'a>,
    /// Is told of every step.
    pub progress: &'a dyn Progress,
}

/// An index that is ready to be stored.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Describes the index.
    pub node: Descriptor,
    /// The index.
    pub bytes: Bytes,
}

/// What a new index says besides its manifests.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What kind of artifact it is.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: Annotations,
}

/// What is to become of an index. Removing comes first, then adding, then merging.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Digests whose entries go.
    pub remove: Vec<Digest>,
    /// Names of manifests that are added.
    pub add: Vec<String>,
    /// Names of indexes whose entries are added.
    pub merge: Vec<String>,
    /// What kind of artifact it is from now on; the empty text means none.
    pub artifact_type: Option<String>,
}

impl Changes {
    /// Is anything to be done?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty() && self.merge.is_empty() && self.artifact_type.is_none()
    }
}

/// Packs an index of manifests, in the order of their names.
///
/// # Errors
/// A name means nothing, or no manifest.
pub async fn create(store: Store<'_>, names: &[String], options: &Options) -> Result<Packed> {
    let mut draft = Draft::empty(options.artifact_type.as_deref(), &options.annotations);
    for name in names {
        draft.add(&store.entry(name).await?);
    }
    Ok(Packed::new(&draft))
}

/// Changes an index that the store has; the changed one is returned, and nothing is stored.
///
/// # Errors
/// A name means nothing, or something else than it should; what is to go is not there.
pub async fn update(store: Store<'_>, reference: &str, changes: &Changes) -> Result<Packed> {
    let as_given = |name: &str| Ok(name.to_owned());
    let own = Store { read_name: &as_given, ..store };
    let (_, mut draft) = own.index(reference).await?;
    if let Some(digest) = changes.remove.iter().find(|digest| !draft.lists(digest)) {
        return Err(Error::NotListed { digest: digest.clone(), index: reference.to_owned() });
    }
    for digest in &changes.remove {
        draft.remove(digest);
        store.progress.event(Event::Removed(digest));
    }
    for name in &changes.add {
        let entry = store.entry(name).await?;
        draft.add(&entry);
        store.progress.event(Event::Added(&entry, name));
    }
    for name in &changes.merge {
        let (node, other) = store.index(name).await?;
        draft.merge(other);
        store.progress.event(Event::Merged(&node, name));
    }
    if let Some(artifact_type) = &changes.artifact_type {
        draft.set_artifact_type(artifact_type);
    }
    Ok(Packed::new(&draft))
}

impl Packed {
    fn new(draft: &Draft) -> Self {
        let bytes = Bytes::from(draft.to_bytes());
        Self { node: Descriptor::of(draft.media_type(), &bytes), bytes }
    }
}

impl Store<'_> {
    /// The entry for a manifest or an index.
    async fn entry(&self, name: &str) -> Result<Descriptor> {
        let (node, bytes) = self.fetch("manifest", name).await?;
        let is_image = media_type::is_image_manifest(&node.media_type);
        if !is_image && !media_type::is_index(&node.media_type) {
            return Err(Error::WrongKind { name: name.to_owned(), what: "a manifest" });
        }
        self.progress.event(Event::LookedUp(&node, name));
        let document = Document::parse(&node.media_type, &bytes)?;
        let artifact_type = document.own_artifact_type().map(str::to_owned);
        let platform = match &document.config {
            Some(config) => graph::platform_of_config(&self.source.fetch_bytes(config).await?),
            None => None,
        };
        Ok(Descriptor { artifact_type, platform, ..node.plain() })
    }

    /// An index, with what it is.
    async fn index(&self, name: &str) -> Result<(Descriptor, Draft)> {
        let (node, bytes) = self.fetch("index", name).await?;
        if !media_type::is_index(&node.media_type) {
            return Err(Error::WrongKind { name: name.to_owned(), what: "an index" });
        }
        let draft = Draft::parse(&node.media_type, &bytes)?;
        self.progress.event(Event::LookedUp(&node, name));
        Ok((node, draft))
    }

    async fn fetch(&self, what: &'static str, name: &str) -> Result<(Descriptor, Bytes)> {
        self.progress.event(Event::LookingUp(name));
        let reference = (self.read_name)(name).map_err(Error::Reference)?;
        let fetched = self.source.fetch_manifest(&reference).await;
        fetched.map_err(|source| Error::Find { what, name: name.to_owned(), source })
    }
}

#[cfg(test)]
mod tests;
