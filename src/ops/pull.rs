//! An artifact becomes files: the content that has a title.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Concurrency, GraphCopy, Result};
use crate::{
    content::{self, Source, Target, graph},
    oci::{Descriptor, Digest, Document, Platform, keys, media_type},
    progress::{Event, Progress},
};

/// How to pull.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Pull this platform's manifest of an index.
    pub platform: Option<Platform>,
    /// Pull what a manifest is attached to as well.
    pub include_subject: bool,
    /// Save a config as a file.
    pub config: Option<SaveConfig>,
    /// Pull only layers and blobs of these media types; those of any if there are none.
    pub media_types: Vec<String>,
    /// Nodes that are moved at once.
    pub concurrency: Concurrency,
}

/// Which config is saved, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveConfig {
    /// Title that the config gets.
    pub title: String,
    /// Only a config of this media type; of any if there is none.
    pub media_type: Option<String>,
}

/// What was pulled.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The manifest that was asked for.
    pub root: Descriptor,
    /// What was written: titled content, manifest by manifest.
    pub files: Vec<Descriptor>,
    /// Was there content without a title, which nobody can name a file for?
    pub has_unnamed: bool,
}

/// Moves the titled content of an artifact to `files`.
///
/// # Errors
/// Content could not be read or written.
pub async fn pull(
    source: Arc<dyn Source>,
    files: Arc<dyn Target>,
    reference: &str,
    options: Options,
    progress: Arc<dyn Progress>,
) -> Result<Outcome> {
    let (mut root, bytes) = source.fetch_manifest(reference).await?;
    let mut bytes = Some(bytes);
    if let (Some(wanted), Some(read)) = (&options.platform, &bytes) {
        let selected = graph::select_platform(&*source, &root, read, wanted).await?;
        if selected.digest != root.digest {
            (root, bytes) = (selected, None);
        }
    }
    let concurrency = options.concurrency;
    let selection = Arc::new(Selection::new(options, progress));
    let successors = selection.clone();
    GraphCopy::new(source, files, selection.clone())
        .concurrency(concurrency)
        .successors(Arc::new(move |node, bytes| successors.successors(node, bytes)))
        .run_with(root.clone(), bytes)
        .await?;
    Ok(Outcome { root, files: selection.files(), has_unnamed: selection.has_unnamed.load(Ordering::Relaxed) })
}

/// Picks what is pulled, and takes note of it.
struct Selection {
    options: Options,
    progress: Arc<dyn Progress>,
    is_config_saved: AtomicBool,
    has_unnamed: AtomicBool,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// The files of each manifest, config first.
    files: HashMap<Digest, Vec<Descriptor>>,
    /// Manifests in the order in which they were finished.
    finished: Vec<Digest>,
}

impl Selection {
    fn new(options: Options, progress: Arc<dyn Progress>) -> Self {
        let (is_config_saved, has_unnamed) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { options, progress, is_config_saved, has_unnamed, notes: Mutex::default() }
    }

    fn successors(&self, node: &Descriptor, bytes: &[u8]) -> content::Result<Vec<Descriptor>> {
        let mut document = Document::parse(&node.media_type, bytes)?;
        document.layers.retain(|layer| self.is_of_wanted_type(layer));
        document.blobs.retain(|blob| self.is_of_wanted_type(blob));
        let own_title = document.config.clone().filter(|config| !is_untitled(config));
        let config = document.config.map(|config| self.title(config));
        let lists = [document.layers, document.blobs, document.manifests];
        let subject = document.subject.filter(|_| self.options.include_subject);
        let mut successors: Vec<_> = lists.into_iter().flatten().chain(subject).collect();
        successors.extend(config.filter(|config| !(config.is_empty_json() && is_untitled(config))));
        successors.retain(|successor| self.is_wanted(successor));
        successors.retain(|successor| !media_type::is_non_distributable(&successor.media_type));
        let is_file = |successor: &&Descriptor| !is_untitled(successor);
        let written = successors
            .iter()
            .filter(is_file)
            .filter(|successor| !self.is_saved_config(successor, own_title.as_ref()));
        let mut files: Vec<_> = own_title.clone().into_iter().collect();
        files.extend(written.filter(|file| own_title.as_ref() != Some(file)).cloned());
        self.notes.lock().expect("no holder of this lock panics").files.insert(node.digest.clone(), files);
        Ok(successors)
    }

    /// Gives the config that is to be saved its title.
    fn title(&self, mut config: Descriptor) -> Descriptor {
        let Some(save) = &self.options.config else { return config };
        let is_meant = save.media_type.as_ref().is_none_or(|wanted| *wanted == config.media_type);
        if is_meant && !self.is_config_saved.swap(true, Ordering::Relaxed) {
            config.annotations.insert(keys::TITLE.to_owned(), save.title.clone());
        }
        config
    }

    /// Is this the config whose title was made up here?
    fn is_saved_config(&self, node: &Descriptor, own_title: Option<&Descriptor>) -> bool {
        let saved = self.options.config.as_ref().map(|save| save.title.as_str());
        saved.is_some() && node.title() == saved && own_title.is_none_or(|own| own.digest == node.digest)
    }

    fn is_of_wanted_type(&self, node: &Descriptor) -> bool {
        let types = &self.options.media_types;
        types.is_empty() || types.contains(&node.media_type)
    }

    fn is_wanted(&self, node: &Descriptor) -> bool {
        if !is_untitled(node) {
            return true;
        }
        if node.media_type == media_type::EMPTY && node.is_empty_json() {
            return false;
        }
        self.has_unnamed.store(true, Ordering::Relaxed);
        if !node.is_manifest() {
            self.progress.event(Event::Skipped(node));
        }
        node.is_manifest()
    }

    fn files(&self) -> Vec<Descriptor> {
        let mut notes = self.notes.lock().expect("no holder of this lock panics");
        let finished = std::mem::take(&mut notes.finished);
        finished.iter().flat_map(|digest| notes.files.remove(digest).unwrap_or_default()).collect()
    }
}

fn is_untitled(node: &Descriptor) -> bool {
    node.title().is_none_or(str::is_empty)
}

impl Progress for Selection {
    fn event(&self, event: Event<'_>) {
        if let Event::Done(node) = event
            && node.is_manifest()
        {
            self.notes.lock().expect("no holder of this lock panics").finished.push(node.digest.clone());
        }
        self.progress.event(event);
    }
}

#[cfg(test)]
mod tests;
