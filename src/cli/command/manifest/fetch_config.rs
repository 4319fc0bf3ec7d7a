//! `oras manifest fetch-config`

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::fetch::fetch;
use crate::{
    cli::{
        args::{self, Common, Examples, Flag, Plain, PlatformFlag, Synopsis, TargetFlags, Verbose, is_set},
        context::{Access, Context},
        output::{print_descriptor, print_json},
    },
    content::{Source, read_all},
    oci::{Descriptor, Document, media_type},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras manifest fetch-config",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify the manifest whose config to fetch.",
};

const EXAMPLES: Examples = &[
    ("Show the config of an image", "oras manifest fetch-config --pretty localhost:5000/image:linux-amd64"),
    (
        "Save the config of the image for one platform",
        "oras manifest fetch-config --platform linux/arm64 --output config.json localhost:5000/image:v1",
    ),
    (
        "Show the descriptor of the config",
        "oras manifest fetch-config --descriptor localhost:5000/image:linux-amd64",
    ),
];

/// Fetch the config of an image from a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct FetchConfig {
    /// Manifest whose config to fetch
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Show the descriptor instead of the config
    #[arg(long, help_heading = "Output")]
    descriptor: Option<Flag>,
    /// File to write the config to; - is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Indent what is shown
    #[arg(long, help_heading = "Output")]
    pretty: Option<Flag>,
    #[command(flatten)]
    platform: PlatformFlag,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &FetchConfig) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let (is_descriptor, is_pretty) = (is_set(args.descriptor), is_set(args.pretty));
    let output = args.output.as_deref().filter(|path| !path.as_os_str().is_empty());
    let file = output.filter(|path| *path != Path::new("-"));
    if is_descriptor && output.is_some() && file.is_none() {
        return Err(args::exclusive(&["--output -", "--descriptor"]).into());
    }
    let platform = args.platform.platform()?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let reference = located.require_reference(&SYNOPSIS)?;
    let source = context.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    if is_descriptor && file.is_none() {
        let (node, bytes) = fetch(&*source, reference, platform.as_ref()).await?;
        return print_descriptor(&context.printer, &config_of(&node, &bytes)?, is_pretty);
    }
    let export = file.map_or_else(|| Ok(args::Export::default()), args::Export::open)?;
    let source = context.cached(source).await?;
    let (node, bytes) = fetch(&*source, reference, platform.as_ref()).await?;
    let config = config_of(&node, &bytes)?;
    let content = read(&*source, &config).await?;
    if file.is_none() {
        return print_json(&context.printer, &content, is_pretty);
    }
    export.write(&content)?;
    if is_descriptor { print_descriptor(&context.printer, &config, is_pretty) } else { Ok(()) }
}

/// The config of an image manifest.
fn config_of(node: &Descriptor, bytes: &[u8]) -> anyhow::Result<Descriptor> {
    let config = match media_type::is_image_manifest(&node.media_type) {
        true => Document::parse(&node.media_type, bytes)?.config,
        false => None,
    };
    config.ok_or_else(|| {
        let hint = if media_type::is_index(&node.media_type) {
            "; choose one of its manifests with --platform"
        } else {
            ""
        };
        anyhow::anyhow!("{} is not an image manifest but a {}{hint}", node.digest, node.media_type)
    })
}

/// Reads a config, which may be of any size.
async fn read(source: &dyn Source, config: &Descriptor) -> crate::content::Result<Bytes> {
    match config.inline_content() {
        Some(content) => Ok(content.into()),
        None => read_all(config, source.fetch(config).await?, u64::MAX).await,
    }
}
