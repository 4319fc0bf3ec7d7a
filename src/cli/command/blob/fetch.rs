//! `oras blob fetch`

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::StreamExt as _;

use crate::{
    cli::{
        args::{self, Common, Examples, Flag, Plain, Synopsis, TargetFlags, Verbose, is_set},
        context::{Access, Context, Shown},
        output::{Format, Printer, Verbs, print_descriptor},
    },
    content::{self, ByteStream, Error, disk},
    oci::Descriptor,
    progress::{Event, Progress as _},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras blob fetch",
    arguments: "[flags] {--output <file> | --descriptor} <name>@<digest>",
    advice: "Please specify the blob to fetch.",
};

const EXAMPLES: Examples = &[
    (
        "Save a blob as a file",
        "oras blob fetch --output hi.txt localhost:5000/hello@sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
    ),
    (
        "Show a blob",
        "oras blob fetch --output - localhost:5000/hello@sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
    ),
    (
        "Show the descriptor of a blob",
        "oras blob fetch --descriptor localhost:5000/hello@sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
    ),
];

/// Fetch a blob from a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Fetch {
    /// What to fetch
    #[arg(value_name = "NAME@DIGEST")]
    arguments: Vec<String>,
    /// File to write the blob to; - is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Show the descriptor of the blob
    #[arg(long, help_heading = "Output")]
    descriptor: Option<Flag>,
    /// Indent the descriptor
    #[arg(long, help_heading = "Output")]
    pretty: Option<Flag>,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Fetch) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let (is_descriptor, is_pretty) = (is_set(args.descriptor), is_set(args.pretty));
    let output = args.output.as_deref().filter(|path| !path.as_os_str().is_empty());
    let is_stdout = output == Some(Path::new("-"));
    if output.is_none() && !is_descriptor {
        anyhow::bail!("either `--output` or `--descriptor` must be provided");
    }
    if is_stdout && is_descriptor {
        return Err(args::exclusive(&["--output -", "--descriptor"]).into());
    }
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let reference = located.require_reference(&SYNOPSIS)?;
    let source = context.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    let Some(output) = output else {
        let node = source.resolve_blob(reference).await?;
        return print_descriptor(&context.printer, &node, is_pretty);
    };
    let source = context.cached(source).await?;
    let (node, stream) = source.fetch_blob(reference).await?;
    let shows_bars = !is_stdout || args.common.insists_on_bars();
    let common = if shows_bars { args.common.clone() } else { args.common.without_bars() };
    let progress = context.progress(Verbs::PULL, &Format::Json, &common, false);
    let stream = observed(stream, &node, progress.clone());
    if is_stdout {
        print(&context.printer, stream).await?;
    } else {
        write(output, stream).await?;
    }
    progress.event(Event::Done(&node));
    progress.finish();
    if is_descriptor { print_descriptor(&context.printer, &node, is_pretty) } else { Ok(()) }
}

/// Tells a listener how far a blob is.
fn observed(stream: ByteStream, node: &Descriptor, progress: Arc<Shown>) -> ByteStream {
    progress.event(Event::Planned(node));
    progress.event(Event::Started(node));
    let (node, mut position) = (node.clone(), 0);
    Box::pin(stream.inspect(move |piece| {
        if let Ok(piece) = piece {
            position += piece.len() as u64;
            progress.event(Event::Advanced(&node, position));
        }
    }))
}

async fn print(printer: &Printer, mut stream: ByteStream) -> anyhow::Result<()> {
    while let Some(piece) = stream.next().await {
        printer.bytes(&piece?);
        if printer.has_failed() {
            break;
        }
    }
    printer.check()
}

/// Writes a blob to a file. The file is opened when the first bytes are there, so that none is made or
/// emptied for a blob that is not there.
async fn write(path: &Path, stream: ByteStream) -> content::Result<()> {
    let opened = path.to_owned();
    disk::receive(stream, path.into(), move || Destination::open(opened), Destination::finish).await
}

/// A file that is being written. If it was made for this and is not finished, it is removed again.
struct Destination {
    file: File,
    path: PathBuf,
    is_new: bool,
}

impl Destination {
    fn open(path: PathBuf) -> content::Result<Self> {
        let is_new = !path.exists();
        let file = File::create(&path).map_err(Error::io("open", &path))?;
        Ok(Self { file, path, is_new })
    }

    fn finish(mut self) -> content::Result<()> {
        self.is_new = false;
        Ok(())
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if self.is_new {
            // The error that ended the writing is what people are told.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    fn failing() -> ByteStream {
        let good = (0..9).map(|_| Ok(Bytes::from(vec![7; disk::PIECE])));
        Box::pin(stream::iter(good.chain([Err(Error::Unsupported("reading on"))]).collect::<Vec<_>>()))
    }

    #[tokio::test]
    async fn a_file_that_was_made_for_a_blob_does_not_outlive_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        std::fs::write(&old, "before").unwrap();
        assert!(write(&new, failing()).await.is_err());
        assert!(!new.exists());
        assert!(write(&old, failing()).await.is_err());
        assert!(old.exists());
        write(&new, content::once(Bytes::from_static(b"hello"))).await.unwrap();
        assert_eq!(std::fs::read(&new).unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_blob_that_fails_at_once_leaves_a_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        std::fs::write(&path, "before").unwrap();
        let failing = stream::iter([Err(Error::Unsupported("reading"))]);
        assert!(write(&path, Box::pin(failing)).await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
    }
}
