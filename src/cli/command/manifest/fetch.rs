//! `oras manifest fetch`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;

use crate::{
    cli::{
        args::{
            self, Common, Examples, Flag, FormatFlags, Formats, Plain, PlatformFlag, Synopsis, TargetFlags,
            Verbose, is_set,
        },
        context::{Access, Context},
        output::{Format, Render, model, print_descriptor, print_json},
    },
    content::{Source, graph},
    oci::{Descriptor, Platform},
    ops,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras manifest fetch",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify the manifest to fetch.",
};

const EXAMPLES: Examples = &[
    ("Show a manifest", "oras manifest fetch --pretty localhost:5000/hello:v1"),
    ("Show its descriptor", "oras manifest fetch --descriptor localhost:5000/hello:v1"),
];

/// Fetch a manifest from a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Fetch {
    /// What to fetch
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Show the descriptor instead of the manifest
    #[arg(long, help_heading = "Output")]
    descriptor: Option<Flag>,
    /// File to write the manifest to; - is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Indent what is shown
    #[arg(long, help_heading = "Output")]
    pretty: Option<Flag>,
    #[command(flatten)]
    format: FormatFlags,
    /// Media types to ask the registry for; several are separated by commas
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    media_type: Vec<String>,
    #[command(flatten)]
    platform: PlatformFlag,
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
    if is_stdout && is_descriptor {
        return Err(args::exclusive(&["--output -", "--descriptor"]).into());
    }
    if is_stdout && args.format.is_not_text() {
        return Err(args::exclusive(&["--output -", "--format"]).into());
    }
    args::exclude(
        &[("--format", args.format.is_given())],
        &[("--pretty", args.pretty.is_some()), ("--descriptor", args.descriptor.is_some())],
    )?;
    let platform = args.platform.platform()?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let format = args.format.parse(Formats::Text, &context.printer)?;
    let reference = located.require_reference(&SYNOPSIS)?;
    if !args.media_type.is_empty() && args.target.is_layout() {
        anyhow::bail!("--media-type cannot be used with an OCI image layout");
    }
    let accepting = context.accepting(args.media_type.clone());
    let source = accepting.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    if is_descriptor && output.is_none() {
        let found = ops::resolve(&*source, reference, platform.as_ref()).await;
        let node = found.with_context(|| format!("failed to find {raw:?}"))?;
        return print_descriptor(&context.printer, &node, is_pretty);
    }
    let export = match output.filter(|_| !is_stdout) {
        Some(path) => args::Export::open(path)?,
        None => args::Export::default(),
    };
    let source = context.cached(source).await?;
    let fetched = fetch(&*source, reference, platform.as_ref()).await;
    let (node, bytes) = fetched.with_context(|| format!("failed to fetch the content of {raw:?}"))?;
    let is_file = output.is_some() && !is_stdout;
    if is_file {
        export.write(&bytes)?;
    }
    match &format {
        _ if is_descriptor => print_descriptor(&context.printer, &node, is_pretty),
        Format::Text if is_file => Ok(()),
        Format::Text => print_json(&context.printer, &bytes, is_pretty),
        format => context.printer.show(&Fetched { name: located.name(), node, bytes }, format),
    }
}

/// Fetches a manifest, or of an index the one for a platform.
pub(crate) async fn fetch(
    source: &dyn Source,
    reference: &str,
    platform: Option<&Platform>,
) -> crate::content::Result<(Descriptor, Bytes)> {
    let (node, bytes) = source.fetch_manifest(reference).await?;
    let Some(wanted) = platform else { return Ok((node, bytes)) };
    let selected = graph::select_platform(source, &node, &bytes, wanted).await?;
    if selected.digest == node.digest {
        return Ok((node, bytes));
    }
    let bytes = source.fetch_bytes(&selected).await?;
    Ok((selected, bytes))
}

struct Fetched {
    name: String,
    node: Descriptor,
    bytes: Bytes,
}

impl Render for Fetched {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn json(&self) -> Value {
        let mut object = model::descriptor(&self.name, &self.node);
        object.insert("content".into(), model::content(&self.bytes));
        object.into()
    }
}
