//! `oras tag`

use crate::{
    cli::{
        args::{self, Common, Examples, Plain, Synopsis, TargetFlags, Verbose},
        context::{Access, Context},
        error::Usage,
        output::{Format, Verbs},
    },
    ops,
    progress::{Event, Progress as _},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras tag",
    arguments: "[flags] <name>{:<tag>|@<digest>} <new_tag> [...]",
    advice: "Please specify what to tag, and the tags.",
};

const EXAMPLES: Examples = &[
    ("Add two tags", "oras tag localhost:5000/hello:v1 v1.0 latest"),
    ("Tag within an OCI image layout", "oras tag --oci-layout layout:v1 latest"),
];

/// Give a manifest in a registry or an OCI image layout more tags
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Tag {
    /// What to tag, then the tags
    #[arg(value_name = "NAME{:TAG|@DIGEST}> <NEW_TAG")]
    arguments: Vec<String>,
    /// Tags that are set at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        help_heading = "Transfer",
        allow_negative_numbers = true
    )]
    concurrency: i64,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Tag) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let (raw, tags) = args::at_least_one(&args.arguments, &SYNOPSIS)?;
    if matches!(raw, "list" | "ls") {
        return Err(Usage::new(format!("there is no `oras tag {raw}`"))
            .usage(SYNOPSIS.usage())
            .advice(
                "To list the tags of a repository or an OCI image layout, run `oras repo tags`".to_owned(),
            )
            .into());
    }
    let located = args.target.locate(raw).map_err(|error| match error.downcast::<Usage>() {
        Ok(usage) => usage.within(&format!("unable to add tag for '{raw}'")).into(),
        Err(error) => error,
    })?;
    let identity = context.identity(&args.target.remote)?;
    let reference = located.require_reference(&SYNOPSIS)?;
    if tags.is_empty() {
        anyhow::bail!("missing reference: no new tag is given for {raw}");
    }
    let target = context.open_existing(&located, &args.target, &args.common, identity, Access::Push).await?;
    // A registry tags by storing the manifest again, so that its bytes are wanted anyway.
    let (node, _) = target.fetch_manifest(reference).await?;
    let progress = context.progress(Verbs::PUSH, &Format::Text, &args.common.without_bars(), is_verbose);
    progress.event(Event::Tagging(&format!(
        "[{}] {}@{}",
        located.kind().as_str(),
        located.name(),
        node.digest
    )));
    let parsed = tags.iter().map(|tag| located.parse_tag(tag).map(|parsed| (tag.clone(), parsed)));
    let parsed = parsed
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Usage::new(format!("invalid reference: {error}")))?;
    let concurrency = usize::try_from(args.concurrency).unwrap_or_default();
    let names = crate::cli::output::Renamed::new(&*progress, &parsed);
    let tags: Vec<String> = parsed.iter().map(|(_, tag)| tag.clone()).collect();
    Ok(ops::tag::tag_all(&target, &node, &tags, concurrency, &names).await?)
}
