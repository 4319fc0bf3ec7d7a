//! `oras blob push`

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream;

use crate::{
    cli::{
        args::{self, Common, Examples, Flag, Plain, Synopsis, TargetFlags, Verbose, is_set},
        context::{Access, Context},
        output::{Format, Verbs, print_descriptor},
    },
    content::{self, Body, ByteStream, disk},
    oci::{self, Algorithm, Descriptor, Digest, media_type},
    ops,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras blob push",
    arguments: "[flags] <name>[@<digest>] <file>",
    advice: "Please specify where to push to, and the file.",
};

const EXAMPLES: Examples = &[
    ("Push a file as a blob", "oras blob push localhost:5000/hello hi.txt"),
    (
        "Push what another program writes",
        "cat hi.txt | oras blob push localhost:5000/hello@sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447 --size 12 -",
    ),
    (
        "Push to an OCI image layout, and show the descriptor",
        "oras blob push --oci-layout --descriptor --media-type text/plain layout hi.txt",
    ),
];

/// Push a file as a blob to a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Push {
    /// Where to push to, then the file; - is standard input, which needs a digest and --size
    #[arg(value_name = "NAME[@DIGEST]> <FILE")]
    arguments: Vec<String>,
    /// Size of the content, in bytes
    #[arg(long, value_name = "BYTES", help_heading = "Content", allow_negative_numbers = true)]
    size: Option<i64>,
    /// Media type that is shown of the blob
    #[arg(long, value_name = "TYPE", default_value = media_type::LAYER_TAR, help_heading = "Content")]
    media_type: String,
    /// Show only the descriptor of the blob
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

pub(crate) async fn run(context: &Context, args: &Push) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let [raw, file] = args::exactly(&args.arguments, &SYNOPSIS)?;
    args.target.remote.check_stdin(file)?;
    let size = args.size.and_then(|size| u64::try_from(size).ok());
    if file == "-" && size.is_none() {
        anyhow::bail!("`--size` must be provided if the blob is read from standard input");
    }
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let digest = read_digest(located.reference())?;
    let (node, body) = match (file, size) {
        ("-", Some(size)) => {
            let digest =
                digest.context("a blob that is read from standard input must be named: <name>@<digest>")?;
            (Descriptor::new(args.media_type.clone(), digest, size), Body::stream(standard_input()))
        }
        _ => (describe(file, args.media_type.clone(), digest, size).await?, Body::file(file)),
    };

    let is_descriptor = is_set(args.descriptor);
    let format = if is_descriptor { Format::Json } else { Format::Text };
    let common = if is_descriptor { args.common.without_bars() } else { args.common.clone() };
    let target = context.open_target(&located, &args.target, &args.common, identity, Access::Push).await?;
    let progress = context.progress(Verbs::PUSH, &format, &common, is_verbose);
    ops::blob::push(&*target, &node, body, progress.clone()).await?;
    progress.finish();
    if is_descriptor {
        return print_descriptor(&context.printer, &node, is_set(args.pretty));
    }
    context.printer.line(&format!("Pushed: {}", located.labelled()));
    context.printer.line(&format!("Digest: {}", node.digest));
    Ok(())
}

/// The digest that the blob is said to have; a tag is none.
fn read_digest(reference: &str) -> oci::Result<Option<Digest>> {
    if reference.is_empty() { Ok(None) } else { reference.parse().map(Some) }
}

/// Describes a file. A digest that is given is not checked here: who stores the content does so.
async fn describe(
    file: &str,
    media_type: String,
    digest: Option<Digest>,
    size: Option<u64>,
) -> anyhow::Result<Descriptor> {
    let path = file.to_owned();
    let (digest, length) = disk::off(move || hash(Path::new(&path), digest)).await?;
    if let Some(size) = size.filter(|size| *size != length) {
        anyhow::bail!("{file} has {length} bytes, and not {size} as --size says");
    }
    Ok(Descriptor::new(media_type, digest, length))
}

/// The digest and the size of a file; a digest that is known is not computed.
fn hash(path: &Path, digest: Option<Digest>) -> anyhow::Result<(Digest, u64)> {
    let named = |action: &str| format!("{action} {}", path.display());
    let mut file = File::open(path).with_context(|| named("open"))?;
    let metadata = file.metadata().with_context(|| named("stat"))?;
    anyhow::ensure!(metadata.is_file(), "{} is no file; standard input is named -", path.display());
    if let Some(digest) = digest {
        return Ok((digest, metadata.len()));
    }
    let mut hasher = Algorithm::Sha256.hasher();
    let (mut piece, mut length) = (vec![0; disk::PIECE], 0);
    loop {
        match file.read(&mut piece).with_context(|| named("read"))? {
            0 => return Ok((hasher.finish(), length)),
            read => {
                hasher.update(&piece[..read]);
                length += read as u64;
            }
        }
    }
}

/// Standard input as it comes. Who stores it finds out whether it is what it should be.
fn standard_input() -> ByteStream {
    let next = |()| async {
        let piece = disk::off(read_piece).await.map_err(content::Error::io("read", "standard input"))?;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), ())))
    };
    Box::pin(stream::try_unfold((), next))
}

/// Whatever is there of standard input, but at least one byte; nothing at its end.
fn read_piece() -> io::Result<Vec<u8>> {
    let mut piece = vec![0; disk::PIECE];
    let read = loop {
        match io::stdin().lock().read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    piece.truncate(read);
    Ok(piece)
}
