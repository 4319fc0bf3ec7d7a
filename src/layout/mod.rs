//! An OCI image layout, in a folder or a tar, as content.
//!
//! Implements image-spec v1.1, "OCI Image Layout Specification".

mod archive;
mod draft;
mod error;
mod export;
mod folder;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod graph;
mod index_file;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use self::{
    archive::Archive,
    folder::Folder,
    graph::Referrers,
    index_file::{Edit, IndexFile},
};
use crate::{
    content::{
        self, Body, ByteStream, Result, Source, TagPages, Target,
        disk::{self, off},
    },
    oci::{Descriptor, Digest, media_type},
};

pub use draft::Draft;
pub use error::Error;

/// How long other programs are waited for when a layout is dropped with changes.
const HASTE: Duration = Duration::from_millis(200);

/// A layout. Dropping it saves what [`flush`](Target::flush) did not; then nobody hears of a failure.
pub struct Layout {
    place: Place,
    is_writable: bool,
    list: Mutex<List>,
    /// Held while the list is saved: who waits finds that it was saved along with another's changes.
    saving: tokio::sync::Mutex<()>,
    referrers: tokio::sync::Mutex<Referrers>,
}

#[derive(Clone)]
enum Place {
    Folder(Arc<Folder>),
    Archive(Arc<Archive>),
}

/// The list of manifests as this program sees it.
#[derive(Debug)]
struct List {
    index: IndexFile,
    /// Changes that are not on the disk yet.
    pending: Vec<Edit>,
    /// Entries of the list when it was read or saved last.
    saved: usize,
    /// How often the list has changed, here or by others.
    changes: u64,
}

impl Layout {
    /// Opens a layout for reading; a path that is no folder is taken for a tar.
    ///
    /// # Errors
    /// [`Error`] when there is no layout, or none of a known version.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        off(move || {
            let metadata = std::fs::metadata(&path);
            let metadata = metadata.map_err(|source| Error::NoPath { path: path.clone(), source })?;
            if metadata.is_dir() {
                let folder = Folder::open(&path)?;
                let index = folder.read_index()?;
                return Ok(Self::new(Place::Folder(Arc::new(folder)), index, false));
            }
            let (archive, index) = Archive::open(&path)?;
            Ok(Self::new(Place::Archive(Arc::new(archive)), index, false))
        })
        .await
    }

    /// Opens a layout for writing, and makes the folder one if it is not.
    ///
    /// # Errors
    /// The path is a file, the layout has an unknown version, or the operating system refuses. A layout of
    /// an unknown version is left as it is.
    pub async fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        off(move || Self::writable(Folder::create(&path)?)).await
    }

    /// Opens a layout for writing that must be there; creates nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open); a tar is refused.
    pub async fn open_writable(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        off(move || {
            let metadata = std::fs::metadata(&path);
            let metadata = metadata.map_err(|source| Error::NoPath { path: path.clone(), source })?;
            if !metadata.is_dir() {
                let path = std::path::absolute(&path).unwrap_or(path);
                return Err(content::Error::io("mkdir", path)(io::ErrorKind::NotADirectory.into()));
            }
            Self::writable(Folder::open(&path)?)
        })
        .await
    }

    /// Removes the folder in which content lies while it is written, if it is empty.
    ///
    /// # Errors
    /// The operating system refuses.
    pub async fn remove_ingest(&self) -> Result<()> {
        let folder = self.folder()?.clone();
        off(move || folder.remove_ingest()).await
    }

    fn writable(folder: Folder) -> Result<Self> {
        let index = folder.read_index()?;
        Ok(Self::new(Place::Folder(Arc::new(folder)), index, true))
    }

    fn new(place: Place, index: IndexFile, is_writable: bool) -> Self {
        let list = List { saved: index.len(), index, pending: Vec::new(), changes: 0 };
        Self {
            place,
            is_writable,
            list: Mutex::new(list),
            saving: tokio::sync::Mutex::default(),
            referrers: tokio::sync::Mutex::default(),
        }
    }

    fn folder(&self) -> Result<&Arc<Folder>> {
        match &self.place {
            Place::Folder(folder) if self.is_writable => Ok(folder),
            _ => Err(Error::ReadOnly.into()),
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().expect("no holder of this lock panics")
    }

    /// Size of content that is there. Looking takes so little time that it is done on the spot.
    fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        match &self.place {
            Place::Archive(archive) => Ok(archive.size(digest)),
            Place::Folder(folder) => folder.size(digest),
        }
    }

    /// Stores content, unless it is there whole.
    async fn store(&self, node: &Descriptor, body: Body) -> Result<()> {
        let folder = self.folder()?.clone();
        if self.size(&node.digest)? == Some(node.size) {
            return Ok(());
        }
        let (bench, leftovers) = match folder.open_ingest() {
            Some(ingest) => ingest,
            None => {
                let folder = folder.clone();
                off(move || folder.ingest()).await?
            }
        };
        let digest = node.digest.clone();
        disk::store(bench, leftovers, node, body, move |partial| folder.place(partial, &digest)).await
    }

    fn change(&self, edit: Edit) {
        let mut list = self.list();
        list.index.apply(&edit);
        list.pending.push(edit);
        list.changes += 1;
    }

    /// Saves the list with what others made of it meanwhile.
    async fn save(&self) -> Result<()> {
        let _saving = self.saving.lock().await;
        let edits = std::mem::take(&mut self.list().pending);
        if edits.is_empty() {
            return Ok(());
        }
        let folder = self.folder()?.clone();
        let (edits, updated) = off(move || {
            let updated = folder.update_index(|index| edits.iter().for_each(|edit| index.apply(edit)));
            (edits, updated)
        })
        .await;
        let mut list = self.list();
        match updated {
            Ok(mut index) => {
                list.saved = index.len();
                list.pending.iter().for_each(|edit| index.apply(edit));
                list.index = index;
                list.changes += 1;
                Ok(())
            }
            Err(error) => {
                list.pending.splice(0..0, edits);
                Err(error)
            }
        }
    }
}

#[async_trait]
impl Source for Layout {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let not_found = || content::Error::NotFound { reference: String::new() };
        if let Some(entry) = self.list().index.tagged(reference) {
            return Ok(entry.clone());
        }
        let digest: Digest = reference.parse().map_err(|_| not_found())?;
        if let Some(entry) = self.list().index.listed(&digest) {
            return Ok(entry.plain());
        }
        let size = self.size(&digest)?.ok_or_else(not_found)?;
        Ok(Descriptor::new(media_type::OCTET_STREAM, digest, size))
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        let (place, digest) = (self.place.clone(), node.digest.clone());
        off(move || {
            let section = match place {
                Place::Folder(folder) => folder.section(&digest)?,
                Place::Archive(archive) => archive.section(&digest),
            };
            let not_found = || content::Error::NotFound { reference: digest.to_string() };
            section.ok_or_else(not_found)?.stream(offset)
        })
        .await
    }

    /// Is the content there whole, and a manifest in the list? A manifest that a killed run stored but did
    /// not list is not there: nobody would find it.
    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        let is_listed = !node.is_manifest() || self.list().index.listed(&node.digest).is_some();
        if !is_listed || self.size(&node.digest)? == Some(node.size) {
            return Ok(is_listed);
        }
        match &self.place {
            Place::Folder(folder) if folder.has_spare() && !node.is_manifest() => {
                let (folder, node) = (folder.clone(), node.clone());
                off(move || folder.take_spare(&node)).await
            }
            _ => Ok(false),
        }
    }

    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        let mut referrers = self.referrers.lock().await;
        let (changes, roots) = {
            let list = self.list();
            let is_known = referrers.changes == Some(list.changes);
            (list.changes, if is_known { Vec::new() } else { list.index.entries().cloned().collect() })
        };
        referrers.read(self, roots).await?;
        referrers.changes = Some(changes);
        Ok(referrers.of(&subject.digest, artifact_type))
    }

    /// Lists tags in the order of their bytes.
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        let is_after = |tag: &&str| last.is_none_or(|last| *tag > last);
        let mut tags: Vec<_> = self.list().index.tags().filter(is_after).map(str::to_owned).collect();
        tags.sort_unstable();
        Box::pin(futures_util::stream::iter([Ok(tags)]))
    }
}

#[async_trait]
impl Target for Layout {
    /// Stores content. The list of manifests is saved when it has grown by some part; [`flush`](Self::flush)
    /// saves the rest.
    async fn push(&self, node: &Descriptor, body: Body) -> Result<()> {
        self.store(node, body).await?;
        if !node.is_manifest() {
            return Ok(());
        }
        if self.list().index.listed(&node.digest).is_none() {
            self.change(Edit::List(node.clone()));
        }
        // Saving takes as long as the list is; saved at every step, long lists would take forever.
        let is_due = {
            let list = self.list();
            list.pending.len() > list.saved / 16
        };
        if is_due { self.save().await } else { Ok(()) }
    }

    /// Adds a tag, which may be any text; a digest is not one, and an empty text changes nothing.
    async fn tag(&self, node: &Descriptor, tag: &str) -> Result<()> {
        self.folder()?;
        if self.size(&node.digest)?.is_none() {
            return Err(content::Error::NotFound { reference: String::new() });
        }
        match tag.parse::<Digest>() {
            Ok(digest) if digest != node.digest => {
                return Err(Error::ForeignDigest { tag: tag.to_owned() }.into());
            }
            Ok(_) => self.change(Edit::List(node.clone())),
            Err(_) if tag.is_empty() => return Ok(()),
            Err(_) => self.change(Edit::Tag(node.clone(), tag.to_owned())),
        }
        self.save().await
    }

    async fn push_tagged(&self, node: &Descriptor, bytes: Bytes, tag: &str) -> Result<()> {
        self.store(node, Body::from(bytes)).await?;
        self.change(Edit::List(node.clone()));
        self.tag(node, tag).await
    }

    /// Removes content with its tags, then what only had a meaning with it: referrers and their referrers,
    /// and content that nothing points to any more and has no tag. What is not there need not be removed.
    async fn delete(&self, node: &Descriptor) -> Result<()> {
        let folder = self.folder()?.clone();
        let is_listed = self.list().index.listed(&node.digest).is_some();
        if !is_listed && self.size(&node.digest)?.is_none() {
            return Err(content::Error::NotFound { reference: String::new() });
        }
        let mut referrers = self.referrers.lock().await;
        let index = self.list().index.clone();
        let roots = index.entries().cloned().collect();
        let is_tagged = |digest: &Digest| index.is_tagged(digest);
        let doomed = graph::doomed(self, roots, &node.digest, is_tagged).await?;
        doomed.iter().for_each(|digest| self.change(Edit::Drop(digest.clone())));
        self.save().await?;
        *referrers = Referrers::default();
        off(move || doomed.iter().try_for_each(|digest| folder.remove(digest))).await
    }

    async fn flush(&self) -> Result<()> {
        self.save().await?;
        let folder = self.folder()?.clone();
        off(move || folder.sync()).await
    }

    fn as_source(self: Arc<Self>) -> Arc<dyn Source> {
        self
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        let edits = std::mem::take(&mut self.list().pending);
        if let (false, Place::Folder(folder)) = (edits.is_empty(), &self.place) {
            // Nobody is left to hear of a failure, and a command that was interrupted is to end; what was stored
            // but not listed is listed when it is pushed again.
            let _ =
                folder.update_index_within(HASTE, |index| edits.iter().for_each(|edit| index.apply(edit)));
        }
    }
}

#[cfg(test)]
mod tests;
