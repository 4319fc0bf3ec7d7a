//! `oras manifest index update`

use super::Output;
use crate::{
    cli::{
        args::{self, Common, Examples, Plain, Synopsis, TargetFlags},
        command::push::tag_extra,
        context::{Access, Context},
        error::Usage,
    },
    oci::Digest,
    ops::{
        self,
        index::{Changes, Store},
    },
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras manifest index update",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify the index to update.",
};

const EXAMPLES: Examples = &[
    ("Add a manifest", "oras manifest index update localhost:5000/image:v1 --add linux-arm64"),
    (
        "Replace a manifest, and give the index one more tag",
        "oras manifest index update localhost:5000/image:v1 --remove sha256:fb315c96e628bdca52684e9919acd882afd6bc31a1c0223edc97a0d4bffa7870 --add linux-arm64 --tag v1.1",
    ),
    ("Add all manifests of another index", "oras manifest index update localhost:5000/image:v1 --merge v2"),
];

/// [Experimental] Change an index in a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Update {
    /// The index
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Manifest to add behind those of the index; may be given several times
    #[arg(long, value_name = "{TAG|DIGEST}", help_heading = "Content")]
    add: Vec<String>,
    /// Index whose manifests to add behind those of --add; may be given several times
    #[arg(long, value_name = "{TAG|DIGEST}", help_heading = "Content")]
    merge: Vec<String>,
    /// Manifest to remove before any is added; may be given several times
    #[arg(long, value_name = "DIGEST", help_heading = "Content")]
    remove: Vec<String>,
    /// Type of the index; the empty text removes it
    #[arg(long, value_name = "TYPE", help_heading = "Content")]
    artifact_type: Option<String>,
    /// One more tag for the changed index; may be given several times
    #[arg(long = "tag", value_name = "TAG", help_heading = "Content")]
    tags: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(context: &Context, args: &Update) -> anyhow::Result<()> {
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    args::exclude(&[("--tag", !args.tags.is_empty())], &[("--output", args.output.is_given())])?;
    let changes = changes(args)?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    if changes.is_empty() {
        context.printer.line("Nothing to update as no change is requested");
        return Ok(());
    }
    let reference = located.require_reference(&SYNOPSIS)?;
    super::check_artifact_type(args.artifact_type.as_deref())?;
    let target = context.open_existing(&located, &args.target, &args.common, identity, Access::Push).await?;

    let steps = args.output.steps(&context.printer);
    let source = target.clone().as_source();
    let store = Store { source: &*source, read_name: &|name| located.parse_tag(name), progress: &*steps };
    let packed = ops::index::update(store, reference, &changes).await?;
    let node = &packed.node;
    if !args.output.is_stdout() {
        context.printer.line(&format!("Updated   {}", node.digest));
    }
    if args.output.is_given() {
        return args.output.write(&context.printer, &packed);
    }
    let digest = node.digest.to_string();
    let name = if reference.parse::<Digest>().is_ok() { &digest } else { reference };
    target.push_tagged(node, packed.bytes.clone(), name).await?;
    context.printer.line(&format!("Pushed    {}", super::without_digest(&located)));
    let tags: Vec<&str> = args.tags.iter().map(String::as_str).collect();
    tag_extra(&located, &target, node, &tags, ops::tag::DEFAULT_CONCURRENCY, &*steps).await?;
    context.printer.line(&format!("Digest: {digest}"));
    Ok(())
}

fn changes(args: &Update) -> Result<Changes, Usage> {
    let digest = |text: &String| {
        text.parse::<Digest>().map_err(|error| Usage::new(format!("--remove takes digests only: {error}")))
    };
    Ok(Changes {
        remove: args.remove.iter().map(digest).collect::<Result<_, _>>()?,
        add: args.add.clone(),
        merge: args.merge.clone(),
        artifact_type: args.artifact_type.clone(),
    })
}
