//! Local files and folders as content: described and read for a push, written below a folder by a pull.

mod argument;
mod describe;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gzip;
mod pack;
mod safe_path;
mod settle;
mod spot;
mod tree;
mod unpack;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Seek as _},
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use async_trait::async_trait;
use futures_util::{
    StreamExt as _,
    future::{Either, select},
};

use self::{
    describe::{describe, describe_copy, stat},
    safe_path::Place,
    spot::{Root, Spot},
    unpack::Archive,
};
use crate::{
    content::{
        self, Body, ByteStream, MANIFEST_LIMIT, Memory, Result, Source, TagPages, Target,
        disk::{self, Bench, EndOfGrowth, Follower, Growth, Partial, Section, off, off_while_wanted},
        verify,
    },
    oci::{Annotations, Descriptor, Digest, keys, media_type},
};

pub use argument::{FileArgument, title_of};
pub use error::{Error, UnpackError};

/// How files are written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Fail where something has the name already.
    pub keep_old_files: bool,
    /// Let titles lead out of the root.
    pub allow_path_traversal: bool,
    /// Most bytes that one packed folder may become; no limit if it is not given.
    pub unpack_limit: Option<u64>,
    /// Where folders are packed; the system's folder for temporary files if it is not given.
    pub temporary_folder: Option<PathBuf>,
}

/// Files below a root folder, and what was read from them or written to them in this run.
pub struct Files {
    root: Arc<Root>,
    options: Options,
    state: Mutex<State>,
    /// Content without a title, such as the manifests of a pull.
    untitled: Memory,
}

#[derive(Default)]
struct State {
    contents: HashMap<Digest, Content>,
    names: HashMap<String, Name>,
}

/// Who has a name.
#[derive(Clone)]
struct Name {
    digest: Digest,
    is_done: bool,
}

/// Where content is.
#[derive(Clone)]
enum Content {
    File {
        path: PathBuf,
        size: u64,
        modified: Option<SystemTime>,
    },
    /// A file without a name.
    Temporary {
        file: Arc<File>,
        path: PathBuf,
    },
}

/// The name under which the config of a push is known; no file may have it as its title.
const CONFIG: &str = "$config";

/// Bytes that are still waited for when what came before is known to be wrong.
const WAITED_FOR: u64 = 16 << 20;

impl Files {
    /// Files below a folder, which need not be there; relative paths begin there.
    ///
    /// # Errors
    /// There is no current folder that a relative root could be in.
    pub fn new(root: impl AsRef<Path>, options: Options) -> Result<Self> {
        let root = root.as_ref();
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        let absolute = std::path::absolute(root).map_err(content::Error::io("open", root))?;
        Ok(Self {
            root: Arc::new(Root::new(safe_path::shortened(&absolute))),
            options,
            state: Mutex::default(),
            untitled: Memory::new(),
        })
    }

    /// Reads a file or packs a folder, and describes it as a layer.
    ///
    /// The path is as it was typed. Its title is that of the annotations, or else made from the path; the
    /// annotations are added to those that it gets by itself.
    ///
    /// # Errors
    /// The title is empty or taken, or the file cannot be read.
    pub async fn add(
        &self,
        path: &str,
        media_type: Option<&str>,
        annotations: &Annotations,
    ) -> Result<Descriptor> {
        let title = annotations.get(keys::TITLE).cloned().unwrap_or_else(|| title_of(path));
        if title.is_empty() {
            return Err(Error::MissingName.into());
        }
        let (node, content) = self.described(path, media_type, &title).await?;
        let mut node = node;
        node.annotations.insert(keys::TITLE.to_owned(), title.clone());
        node.annotations.extend(annotations.clone());
        self.register(title, &node, content)?;
        Ok(node)
    }

    /// Reads a file and describes it as a config, which has no title.
    ///
    /// # Errors
    /// There is a config already, or the file cannot be read.
    pub async fn add_config(&self, path: &str, media_type: &str) -> Result<Descriptor> {
        let path = self.root.path().join(path);
        let (node, content) = off_while_wanted({
            let (media_type, temporary) = (media_type.to_owned(), self.options.temporary_folder.clone());
            move |wanted| file(&path, &media_type, temporary.as_deref(), &wanted)
        })
        .await?;
        self.register(CONFIG.to_owned(), &node, content)?;
        Ok(node)
    }

    /// Where content with a title is written, absolute and as short as it can be.
    #[must_use]
    pub fn path_of(&self, title: &str) -> PathBuf {
        safe_path::absolute(self.root.path(), title)
    }

    async fn described(
        &self,
        path: &str,
        media_type: Option<&str>,
        title: &str,
    ) -> Result<(Descriptor, Content)> {
        let (path, title) = (self.root.path().join(path), title.to_owned());
        let (media_type, temporary) = (media_type.map(str::to_owned), self.options.temporary_folder.clone());
        off_while_wanted(move |wanted| {
            if stat(&path)?.is_dir() {
                let media_type = media_type.as_deref().unwrap_or(media_type::LAYER_TAR_GZIP);
                folder(&path, &title, media_type, temporary.as_deref(), &wanted)
            } else {
                let media_type = media_type.as_deref().unwrap_or(media_type::LAYER_TAR);
                file(&path, media_type, temporary.as_deref(), &wanted)
            }
        })
        .await
    }

    fn register(&self, title: String, node: &Descriptor, content: Content) -> Result<()> {
        let mut state = self.state();
        if state.names.contains_key(&title) {
            return Err(Error::DuplicateName { title }.into());
        }
        state.names.insert(title, Name { digest: node.digest.clone(), is_done: true });
        state.contents.entry(node.digest.clone()).or_insert(content);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// Takes a name for content that is about to be written. `false` means that it is written already.
    fn reserve(&self, key: &str, title: &str, digest: &Digest) -> Result<bool> {
        let mut state = self.state();
        match state.names.get(key) {
            Some(name) if name.digest == *digest => Ok(false),
            Some(_) => Err(Error::DuplicateName { title: title.to_owned() }.into()),
            None => {
                let name = Name { digest: digest.clone(), is_done: false };
                state.names.insert(key.to_owned(), name);
                Ok(true)
            }
        }
    }

    /// The name under which a title is known: two titles that lead to one file are one.
    fn key(&self, title: &str) -> String {
        key_of(&self.path_of(title), cfg!(any(windows, target_os = "macos")))
    }

    /// Writes titled content below the root.
    async fn write(&self, node: &Descriptor, title: &str, body: Body) -> Result<()> {
        let key = self.key(title);
        if !self.reserve(&key, title, &node.digest)? {
            return Ok(());
        }
        let written = self.write_reserved(node, title, body).await;
        let mut state = self.state();
        match written {
            Ok(content) => {
                state.names.insert(key, Name { digest: node.digest.clone(), is_done: true });
                if let Some(content) = content {
                    state.contents.entry(node.digest.clone()).or_insert(content);
                }
                Ok(())
            }
            Err(error) => {
                state.names.remove(&key);
                Err(error)
            }
        }
    }

    async fn write_reserved(
        &self,
        node: &Descriptor,
        title: &str,
        mut body: Body,
    ) -> Result<Option<Content>> {
        let place = safe_path::place(self.root.path(), title, self.options.allow_path_traversal)?;
        let (root, name, keep) = (self.root.clone(), title.to_owned(), self.options.keep_old_files);
        let open = move || Sink::open(&root, &place, &name, keep);
        let path = self.path_of(title);
        if !is_packed(node) && !disk::is_worth_resuming(node.size) {
            // Most files are small, and what takes the time is going from thread to thread.
            let stream = disk::verified(node, &mut body).await?;
            let described = node.clone();
            let open = move || open()?.start(&described);
            let is_file =
                disk::receive(stream, path.as_path().into(), open, move |sink| sink.finish(keep)).await?;
            return Ok(is_file.then_some(Content::File { path, size: node.size, modified: None }));
        }
        let (spot, leftovers) = match off(open).await? {
            Sink::Spot(spot, leftovers) => (spot, leftovers),
            sink => {
                let stream = verify::stream(node, body.open(node, 0).await?);
                disk::receive(stream, path.as_path().into(), || Ok(sink), move |sink| sink.finish(keep))
                    .await?;
                return Ok(None);
            }
        };
        if is_packed(node) {
            return self.unpack(node, title, body, spot, leftovers).await.map(Some);
        }
        disk::store(spot.bench(), leftovers, node, body, move |partial| spot.place(partial, keep)).await?;
        Ok(Some(Content::File { path, size: node.size, modified: None }))
    }

    /// Stores a packed folder as a partial file and unpacks it while it arrives. It gets its place when both
    /// are done: nothing that is not genuine is ever seen.
    async fn unpack(
        &self,
        node: &Descriptor,
        title: &str,
        body: Body,
        spot: Spot,
        leftovers: Arc<[String]>,
    ) -> Result<Content> {
        let growth = Arc::new(Growth::default());
        let end = EndOfGrowth(growth.clone());
        let bench = Bench { growth: Some(growth.clone()), ..spot.bench() };
        let folder = Folder {
            title: title.to_owned(),
            content: node.annotations.get(keys::CONTENT_DIGEST).and_then(|digest| digest.parse().ok()),
            limit: self.options.unpack_limit,
            spot,
        };
        let folder = Arc::new(folder);
        let storing = pin!(disk::store(bench, leftovers, node, body, Ok::<Partial, _>));
        let unpacking = pin!(folder.clone().unpack(Follower::new(growth.clone())));
        let (partial, unpacked) = match select(storing, unpacking).await {
            Either::Left((Ok(partial), unpacking)) => (partial, unpacking.await),
            Either::Left((Err(error), unpacking)) => {
                // It ends with what it reads, and removes what it made.
                drop(end);
                let _ = unpacking.await;
                return Err(error);
            }
            // What is wrong with an archive may be that something else arrived, and that is the better reason.
            // But nobody waits for much more of what is useless.
            Either::Right((Err(error), _)) if node.size.saturating_sub(growth.written()) > WAITED_FOR => {
                return Err(error);
            }
            Either::Right((unpacked, storing)) => (storing.await?, unpacked),
        };
        let failed = |error| content::Error::io("read", partial.path())(error);
        let file = partial.file().try_clone().map_err(failed)?;
        if growth.has_broken() {
            // What an earlier run had left was not what it was taken for, and now all of it is new.
            let mut whole = file.try_clone().map_err(failed)?;
            whole.rewind().map_err(failed)?;
            folder.clone().unpack(whole).await?;
        } else {
            unpacked?;
        }
        Ok(Content::Temporary { file: Arc::new(file), path: folder.spot.path.clone() })
    }
}

/// A folder that is about to be unpacked.
struct Folder {
    title: String,
    spot: Spot,
    content: Option<Digest>,
    limit: Option<u64>,
}

impl Folder {
    async fn unpack(self: Arc<Self>, packed: impl io::Read + Send + 'static) -> Result<()> {
        off_while_wanted(move |wanted| {
            let (content, limit) = (self.content.clone(), self.limit);
            let archive =
                Archive { title: &self.title, target: &self.spot.path, content, limit, wanted: &wanted };
            settle::unpack(&self.spot, &archive, packed)
        })
        .await
    }
}

/// What content is written to.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each file that is being written, and few at once"
)]
enum Sink {
    /// A place that nothing was written to yet, and what earlier runs left there.
    Spot(Spot, Arc<[String]>),
    /// A file that is about to get its name.
    Partial(Spot, Partial),
    /// A device or pipe.
    Device(File),
}

impl Sink {
    fn open(root: &Root, place: &Place, title: &str, keep: bool) -> Result<Self> {
        let spot = Spot::open(root, place, title)?;
        if keep && spot.existing()?.is_some() {
            return Err(Error::Overwrite { path: spot.path.clone() }.into());
        }
        if let Some(device) = spot.device()? {
            return Ok(Self::Device(device));
        }
        let leftovers = root.leftovers(&spot)?;
        Ok(Self::Spot(spot, leftovers))
    }

    fn start(self, node: &Descriptor) -> Result<Self> {
        match self {
            Self::Spot(spot, _) => {
                let partial = Partial::create(&spot.bench(), node)?;
                Ok(Self::Partial(spot, partial))
            }
            started => Ok(started),
        }
    }

    /// Returns whether there is a file now.
    fn finish(self, keep: bool) -> Result<bool> {
        match self {
            Self::Partial(spot, mut partial) => {
                partial.check()?;
                spot.place(partial, keep).map(|()| true)
            }
            Self::Spot(..) | Self::Device(_) => Ok(false),
        }
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Spot(..) => Err(io::ErrorKind::NotConnected.into()),
            Self::Partial(_, partial) => partial.write(bytes),
            Self::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name under which a path is known. Where a file system does not tell them apart, names that differ in case
/// only are one.
fn key_of(path: &Path, is_blind_to_case: bool) -> String {
    let key = path.to_string_lossy().into_owned();
    if is_blind_to_case { key.to_lowercase() } else { key }
}

/// Is the content a folder that is to be unpacked?
fn is_packed(node: &Descriptor) -> bool {
    node.annotations.get(keys::CONTENT_UNPACK).is_some_and(|unpack| unpack == "true")
}

fn title(node: &Descriptor) -> Option<&str> {
    node.title().filter(|title| !title.is_empty())
}

/// Describes a file. What can be read only once is copied.
fn file(
    path: &Path,
    media_type: &str,
    temporary: Option<&Path>,
    wanted: &disk::Wanted,
) -> Result<(Descriptor, Content)> {
    let described = |described: &describe::Described| {
        Descriptor::new(media_type, described.digest.clone(), described.size)
    };
    if stat(path)?.is_file() {
        let found = describe(path, wanted)?;
        let content = Content::File { path: path.to_owned(), size: found.size, modified: found.modified };
        return Ok((described(&found), content));
    }
    let copy = temporary_file(temporary)?;
    let found = describe_copy(path, &copy, wanted)?;
    Ok((described(&found), Content::Temporary { file: Arc::new(copy), path: path.to_owned() }))
}

/// Packs a folder and describes what came of it.
fn folder(
    path: &Path,
    title: &str,
    media_type: &str,
    temporary: Option<&Path>,
    wanted: &disk::Wanted,
) -> Result<(Descriptor, Content)> {
    let file = temporary_file(temporary)?;
    let packed = pack::pack(path, title, &file, wanted)?;
    let mut node = Descriptor::new(media_type, packed.digest, packed.size);
    node.annotations.insert(keys::CONTENT_DIGEST.to_owned(), packed.content.to_string());
    node.annotations.insert(keys::CONTENT_UNPACK.to_owned(), "true".to_owned());
    Ok((node, Content::Temporary { file: Arc::new(file), path: path.to_owned() }))
}

/// A file without a name, which is gone with the program however that ends.
fn temporary_file(folder: Option<&Path>) -> Result<File> {
    let created = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
    created.map_err(content::Error::io("create a temporary file in", folder.unwrap_or(Path::new("."))))
}

impl Content {
    /// Opens the content. A file that has another size than before has changed; so has one with another time,
    /// where nobody will compare its digest.
    fn section(&self, is_checked: bool) -> Result<Section> {
        match self {
            Self::Temporary { file, path } => {
                let len = file.metadata().map_err(content::Error::io("stat", path))?.len();
                Ok(Section { file: file.clone(), path: path.as_path().into(), start: 0, len, is_whole: true })
            }
            Self::File { path, size, modified } => {
                let file = File::open(path).map_err(content::Error::io("open", path))?;
                let metadata = file.metadata().map_err(content::Error::io("stat", path))?;
                let is_touched = modified.is_some() && metadata.modified().ok() != *modified;
                if metadata.len() != *size || (is_touched && !is_checked) {
                    return Err(Error::Changed { path: path.clone() }.into());
                }
                Section::whole(file, path)
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::File { path, .. } | Self::Temporary { path, .. } => path,
        }
    }
}

impl Files {
    fn content(&self, node: &Descriptor) -> Option<Content> {
        self.state().contents.get(&node.digest).cloned()
    }
}

#[async_trait]
impl Source for Files {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.untitled.resolve(reference).await
    }

    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> Result<ByteStream> {
        match self.content(node) {
            None => self.untitled.fetch_unverified(node, offset).await,
            Some(content) => off(move || content.section(false)?.stream(offset)).await,
        }
    }

    async fn exists(&self, node: &Descriptor) -> Result<bool> {
        let Some(title) = title(node) else {
            return Ok(self.content(node).is_some() || self.untitled.exists(node).await?);
        };
        let key = self.key(title);
        Ok(self.state().names.get(&key).is_some_and(|name| name.is_done && name.digest == node.digest))
    }

    async fn referrers(&self, subject: &Descriptor, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        self.untitled.referrers(subject, artifact_type).await
    }

    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.untitled.tags(last)
    }

    /// Opens content; a file that is not what it was fails as changed.
    async fn fetch(&self, node: &Descriptor) -> Result<ByteStream> {
        let Some(content) = self.content(node) else { return self.untitled.fetch(node).await };
        let path = content.path().to_owned();
        let stream = off(move || content.section(true)?.stream(0)).await?;
        let changed = move |error| match error {
            content::Error::DigestMismatch { .. } | content::Error::SizeMismatch { .. } => {
                Error::Changed { path: path.clone() }.into()
            }
            error => error,
        };
        Ok(Box::pin(verify::stream(node, stream).map(move |piece| piece.map_err(&changed))))
    }
}

#[async_trait]
impl Target for Files {
    /// Writes content with a title to its file, and keeps the rest in memory.
    async fn push(&self, node: &Descriptor, body: Body) -> Result<()> {
        if let Some(title) = title(node) {
            return self.write(node, title, body).await;
        }
        if node.size > MANIFEST_LIMIT {
            let (digest, size) = (node.digest.clone(), node.size);
            return Err(content::Error::TooLarge { digest, size, limit: MANIFEST_LIMIT });
        }
        self.untitled.push(node, body).await
    }

    async fn tag(&self, node: &Descriptor, tag: &str) -> Result<()> {
        self.untitled.tag(node, tag).await
    }

    async fn restore(&self, node: &Descriptor) -> Result<bool> {
        let (Some(title), Some(content)) = (title(node), self.content(node)) else { return Ok(false) };
        let stream = off(move || content.section(true)?.stream(0)).await?;
        self.write(node, title, Body::stream(stream)).await?;
        Ok(true)
    }

    async fn delete(&self, _: &Descriptor) -> Result<()> {
        Err(content::Error::Unsupported("removing files"))
    }

    async fn flush(&self) -> Result<()> {
        let root = self.root.clone();
        off(move || root.unsynced.sync().map_err(content::Error::io("sync", root.path()))).await
    }

    fn as_source(self: Arc<Self>) -> Arc<dyn Source> {
        self
    }
}

#[cfg(test)]
mod tests;
