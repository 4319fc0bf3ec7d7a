//! `oras resolve`

use anyhow::Context as _;

use crate::{
    cli::{
        args::{self, Common, Examples, Flag, Plain, PlatformFlag, Synopsis, TargetFlags, Verbose, is_set},
        context::{Access, Context},
    },
    ops,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras resolve",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify the manifest to resolve.",
};

const EXAMPLES: Examples = &[
    ("Show the digest of a tag", "oras resolve localhost:5000/hello:v1"),
    ("Show a reference that never moves", "oras resolve -l localhost:5000/hello:v1"),
];

/// [Preview] Show the digest of a manifest in a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Resolve {
    /// What to resolve
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Show the full reference, with the digest
    #[arg(short = 'l', long, help_heading = "Output")]
    full_reference: Option<Flag>,
    #[command(flatten)]
    platform: PlatformFlag,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Resolve) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let platform = args.platform.platform()?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let reference = located.require_reference(&SYNOPSIS)?;
    let source = context.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    let node =
        ops::resolve(&*source, reference, platform.as_ref()).await.context("failed to resolve digest")?;
    let name = if is_set(args.full_reference) { format!("{}@", located.name()) } else { String::new() };
    context.printer.line(&format!("{name}{}", node.digest));
    Ok(())
}
