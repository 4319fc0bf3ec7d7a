//! `oras manifest index create`

use super::Output;
use crate::{
    cli::{
        args::{self, Common, Examples, Plain, Synopsis, TargetFlags, annotation_pairs},
        command::push::tag_extra,
        context::{Access, Context},
    },
    oci::Digest,
    ops::{self, index::Store},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras manifest index create",
    arguments: "[flags] <name>[:<tag>[,<tag>][...]] [{<tag>|<digest>}...]",
    advice: "Please specify where to push the index, then its manifests.",
};

const EXAMPLES: Examples = &[
    (
        "Make an index of two manifests of the same repository",
        "oras manifest index create localhost:5000/image:v1 linux-amd64 linux-arm64",
    ),
    (
        "Make an index with several tags, a type and an annotation",
        "oras manifest index create localhost:5000/image:v1,latest --artifact-type application/vnd.example -a author=me linux-amd64",
    ),
    (
        "Look at an index without pushing it",
        "oras manifest index create localhost:5000/image linux-amd64 --output - --pretty",
    ),
];

/// [Experimental] Make an index of manifests that are in a repository or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Create {
    /// Where to push the index, then the manifests that it lists
    #[arg(value_name = "NAME[:TAG[,TAG]...]> <{TAG|DIGEST}")]
    arguments: Vec<String>,
    /// Annotation of the index; may be given several times
    #[arg(short, long = "annotation", value_name = "KEY=VALUE", help_heading = "Content")]
    annotations: Vec<String>,
    /// Type of the index
    #[arg(long, value_name = "TYPE", help_heading = "Content")]
    artifact_type: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(context: &Context, args: &Create) -> anyhow::Result<()> {
    let (first, sources) = args::at_least_one(&args.arguments, &SYNOPSIS)?;
    let (raw, extra) = args::split_tags(first);
    let annotations = annotation_pairs(&args.annotations)?;
    let located = args.target.locate(raw)?;
    super::check_artifact_type(args.artifact_type.as_deref())?;
    let identity = context.identity(&args.target.remote)?;
    let target = context.open_target(&located, &args.target, &args.common, identity, Access::Push).await?;

    let steps = args.output.steps(&context.printer);
    let source = target.clone().as_source();
    let store = Store { source: &*source, read_name: &|name| located.parse_tag(name), progress: &*steps };
    let options = ops::index::Options { artifact_type: args.artifact_type.clone(), annotations };
    let packed = ops::index::create(store, sources, &options).await?;
    let node = &packed.node;
    if !args.output.is_stdout() {
        context.printer.line(&format!("Packed    {} {}", node.digest.short(), node.media_type));
    }
    if args.output.is_given() {
        return args.output.write(&context.printer, &packed);
    }
    let digest = node.digest.to_string();
    let given = located.reference();
    if given.parse::<Digest>().is_ok_and(|given| given != node.digest) {
        anyhow::bail!(
            "the digest of the index is {digest}, and not {given}: give it a tag, or no name at all"
        );
    }
    if given.is_empty() && args.target.is_layout() && target.exists(node).await? {
        anyhow::bail!("{digest}: the index already exists, and was given no tag");
    }
    let reference = if given.is_empty() { &digest } else { given };
    target.push_tagged(node, packed.bytes.clone(), reference).await?;
    context.printer.line(&format!("Pushed    {}", located.labelled()));
    tag_extra(&located, &target, node, &extra, ops::tag::DEFAULT_CONCURRENCY, &*steps).await?;
    context.printer.line(&format!("Digest: {digest}"));
    Ok(())
}
