//! What push and attach pack: files, a config, annotations, and where the manifest is exported to.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

use super::{AnnotationFlags, AtOnce, Flag, is_set};
use crate::{
    cli::{legacy, output::Printer},
    files::{self, FileArgument, Files},
    oci::{AnnotationFile, Descriptor, keys, media_type},
    ops::pack,
    progress::{Event, Progress},
};

/// The flags that push and attach share.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FileFlags {
    #[command(flatten)]
    annotations: AnnotationFlags,
    /// Nodes that are sent at once; with a + behind the number, more of those that are small
    #[arg(
        long,
        value_name = "N",
        default_value = "5+",
        help_heading = "Transfer",
        allow_negative_numbers = true
    )]
    concurrency: AtOnce,
    /// Config of the manifest, from a file
    #[arg(long, value_name = "FILE[:TYPE]", help_heading = "Content")]
    config: Option<String>,
    /// Allow files to be given by an absolute path
    #[arg(long, help_heading = "Content")]
    disable_path_validation: Option<Flag>,
    /// Write the manifest to this file as well
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    export_manifest: Option<PathBuf>,
}

/// Files that have been read and described.
pub(crate) struct Loaded {
    /// The store of their content.
    pub(crate) files: Arc<Files>,
    /// What they are, in order.
    pub(crate) layers: Vec<Descriptor>,
    /// The config.
    pub(crate) config: pack::Config,
}

impl FileFlags {
    /// Nodes that are sent at once.
    pub(crate) fn concurrency(&self) -> AtOnce {
        self.concurrency
    }

    /// Is a config given?
    pub(crate) fn has_config(&self) -> bool {
        self.config.as_ref().is_some_and(|config| !config.is_empty())
    }

    /// Refuses absolute paths unless they are allowed.
    pub(crate) fn check_paths(&self, paths: &[String]) -> anyhow::Result<()> {
        if is_set(self.disable_path_validation) {
            return Ok(());
        }
        let parsed = paths.iter().filter_map(|path| FileArgument::parse(path).ok());
        let absolute: Vec<_> =
            parsed.filter(|file| Path::new(&file.path).is_absolute()).map(|file| file.path).collect();
        if absolute.is_empty() {
            return Ok(());
        }
        anyhow::bail!(
            "absolute file path detected. If it's intentional, use --disable-path-validation flag to skip this check: {}",
            absolute.join(", ")
        )
    }

    /// Reads the annotations.
    pub(crate) fn annotations(&self) -> anyhow::Result<AnnotationFile> {
        self.annotations.load()
    }

    /// Reads and describes the config and the files.
    pub(crate) async fn load(
        &self,
        paths: &[String],
        annotations: &AnnotationFile,
        printer: &Printer,
        progress: &dyn Progress,
    ) -> anyhow::Result<Loaded> {
        let files = Arc::new(Files::new("", files::Options::default())?);
        let config = match self.config.as_deref().filter(|config| !config.is_empty()) {
            Some(config) => {
                let described = load_config(&files, config, printer).await?;
                pack::Config::Given(Descriptor { annotations: annotations.config(), ..described })
            }
            None => pack::Config::None,
        };
        let mut layers = Vec::with_capacity(paths.len());
        for path in paths {
            let file = FileArgument::parse(path)?;
            let section = annotations.file(&file.path);
            let title = section.get(keys::TITLE).cloned().unwrap_or_else(|| files::title_of(&file.path));
            progress.event(Event::Preparing { name: &title });
            layers.push(files.add(&file.path, file.media_type.as_deref(), &section).await?);
        }
        if paths.is_empty() {
            progress.event(Event::Empty);
        }
        Ok(Loaded { files, layers, config })
    }

    /// Opens the file that the manifest is exported to, so that a failure is found before anything is sent.
    pub(crate) fn export(&self, printer: &Printer) -> anyhow::Result<Export> {
        let Some(path) = self.export_manifest.as_ref().filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(Export::default());
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.exists()) {
            // Scripts may make the folder meanwhile, so this alone stops nothing.
            printer.notice(&format!(
                "warning: {} is not there, so the manifest cannot be exported",
                folder.display()
            ));
            return Ok(Export(Some(Opened { file: None, path: path.clone(), is_new: true })));
        }
        Export::open(path)
    }
}

async fn load_config(files: &Files, argument: &str, printer: &Printer) -> anyhow::Result<Descriptor> {
    let file = FileArgument::parse(argument)?;
    // A trailing colon means "no type", and so that of a layer.
    let default = if argument.ends_with(':') { media_type::LAYER_TAR } else { media_type::UNKNOWN_CONFIG };
    let media_type = file.media_type.as_deref().unwrap_or(default);
    let (path, notice) = legacy::null_device(&file.path).unwrap_or((&file.path, None));
    if let Some(notice) = notice {
        printer.notice(notice);
    }
    Ok(files.add_config(path, media_type).await?)
}

/// A file that is written when everything else went well.
#[derive(Default)]
pub(crate) struct Export(Option<Opened>);

struct Opened {
    /// Nothing while the folder is not there.
    file: Option<File>,
    path: PathBuf,
    is_new: bool,
}

impl Opened {
    fn open(&mut self) -> std::io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(File::options().write(true).create(true).truncate(false).open(&self.path)?);
        }
        Ok(self.file.as_mut().expect("it was opened just now"))
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let file = self.open()?;
        if file.metadata()?.is_file() {
            file.set_len(0)?;
            file.rewind()?;
        }
        file.write_all(bytes)
    }
}

impl Export {
    /// Opens or creates a file without changing its content yet.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let mut opened = Opened { file: None, path: path.to_owned(), is_new: !path.exists() };
        opened.open().with_context(|| format!("open {}", path.display()))?;
        Ok(Self(Some(opened)))
    }

    /// Writes the content.
    pub(crate) fn write(mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(mut opened) = self.0.take() else { return Ok(()) };
        opened.write(bytes).with_context(|| format!("write {}", opened.path.display()))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Some(opened) = self.0.take().filter(|opened| opened.is_new && opened.file.is_some()) {
            // Nothing was written, so nothing of the user's is lost.
            let _ = std::fs::remove_file(opened.path);
        }
    }
}
