//! `oras backup`

use std::{collections::HashSet, sync::Arc, time::Instant};

use anyhow::Context as _;

use crate::{
    cli::{
        args::{
            self, AtOnce, Common, DistributionSpec, Examples, Flag, Plain, Remote, Synopsis, TagList, is_set,
        },
        context::Context,
        error::Usage,
        output::{Format, Verbs, units},
    },
    content::{Source, Target},
    layout::{self, Draft, Layout},
    ops::{
        self,
        backup::{Outcome, Tagged},
    },
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras backup",
    arguments: "[flags] --output <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
    advice: "Please specify the repository to back up.",
};

const EXAMPLES: Examples = &[
    (
        "Back up all tags, with what is attached, to a folder",
        "oras backup -o backup --include-referrers localhost:5000/hello",
    ),
    ("Back up some tags to a tar", "oras backup -o hello.tar localhost:5000/hello:v1,v2"),
    ("Add a tag to a backup", "oras backup -o backup localhost:5000/hello:v3"),
];

/// [Experimental] Back up tags of a repository to an OCI image layout, in a folder or a tar
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Backup {
    /// The repository, with the tags to back up; all of them unless some are given
    #[arg(value_name = "REGISTRY/REPOSITORY[:TAG[,TAG]...]")]
    arguments: Vec<String>,
    /// Folder to back up to, or tar if the name ends with `.tar`; required
    #[arg(short, long, value_name = "PATH", help_heading = "Content")]
    output: Option<String>,
    /// Also back up referrers, and referrers of referrers
    #[arg(long, help_heading = "Content")]
    include_referrers: Option<Flag>,
    /// Nodes that are copied at once; with a + behind the number, more of those that are small
    #[arg(
        long,
        value_name = "N",
        default_value = "3+",
        help_heading = "Transfer",
        allow_negative_numbers = true
    )]
    concurrency: AtOnce,
    #[command(flatten)]
    spec: DistributionSpec<Plain>,
    #[command(flatten)]
    remote: Remote<Plain>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(context: &Context, args: &Backup) -> anyhow::Result<()> {
    let begun = Instant::now();
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let output = args::required(args.output.as_deref(), "output")?;
    if output.is_empty() {
        anyhow::bail!("the output path cannot be empty");
    }
    let list = TagList::parse(raw)?;
    args.remote.check()?;
    let identity = context.identity(&args.remote)?;
    let reachable = context.with_referrers(args.spec.mode());
    let source = reachable.open_readable(raw, &list.repository, &args.remote, &args.common, identity)?;
    let place = Place::prepare(output).await?;
    let concurrency = args.concurrency.nodes();
    let found = find(&*source, &list, concurrency).await?;
    announce(context, &found, &list.name());

    let options = ops::backup::Options {
        referrers: is_set(args.include_referrers),
        skips_stale_lists: list.tags.is_empty(),
        concurrency,
    };
    let backup = ops::backup::Backup::new(source, place.layout(), options);
    let (mut saved, mut reported) = (0, HashSet::new());
    for tagged in &found {
        let progress = context.progress(Verbs::BACKUP, &Format::Text, &args.common, true);
        let outcome = backup.save(tagged, progress.clone()).await;
        progress.finish();
        let outcome = outcome.with_context(|| {
            format!("failed to back up tag {:?} from {:?} to {output:?}", tagged.tag, list.name())
        })?;
        match outcome {
            Outcome::Saved { referrers, gone } => {
                saved += 1;
                for gone in gone.into_iter().filter(|gone| reported.insert(gone.clone())) {
                    context.printer.notice(&format!("Skipped a referrer of tag {}: {gone}", tagged.tag));
                }
                context.printer.line(&format!("Pulled tag {} with {referrers} referrer(s)", tagged.tag));
            }
            Outcome::Stale { gone } => {
                context
                    .printer
                    .notice(&format!("Skipped tag {}: it lists what is not there: {gone}", tagged.tag));
                reported.insert(gone);
            }
        }
    }
    drop(backup);
    place.finish(context, output, &args.common).await?;
    let took = units::duration(begun.elapsed());
    context.printer.line(&format!(
        "Successfully backed up {saved} tag(s) from {:?} to {output:?} in {took}.",
        list.name()
    ));
    Ok(())
}

/// Finds what the tags name, or all of them.
async fn find(
    source: &dyn Source,
    list: &TagList,
    concurrency: ops::Concurrency,
) -> anyhow::Result<Vec<Tagged>> {
    let all = match list.tags.is_empty() {
        true => ops::backup::all_tags(source).await?,
        false => Vec::new(),
    };
    let tags = if list.tags.is_empty() { &all } else { &list.tags };
    if tags.is_empty() {
        return Err(Usage::new(format!("no tags found in repository {:?}", list.name()))
            .advice(format!("Run `oras repo tags {}` to see which tags there are", list.name()))
            .into());
    }
    resolve(source, tags, concurrency).await
}

/// Looks tags up. A tag that is not there is a mistake on this side, not an answer of the registry.
pub(super) async fn resolve(
    source: &dyn Source,
    tags: &[String],
    concurrency: ops::Concurrency,
) -> anyhow::Result<Vec<Tagged>> {
    ops::backup::resolve(source, tags, concurrency).await.map_err(|error| match &error {
        ops::Error::ResolveTag { source, .. } if source.is_not_found() => {
            Usage::from(anyhow::Error::new(error)).into()
        }
        _ => error.into(),
    })
}

/// Says which tags were found: up to five on one line, more on a line each.
pub(super) fn announce(context: &Context, found: &[Tagged], place: &str) {
    let tags: Vec<&str> = found.iter().map(|tagged| tagged.tag.as_str()).collect();
    let head = format!("Found {} tag(s) in {place}:", tags.len());
    if tags.len() <= 5 {
        context.printer.line(&format!("{head} {}", tags.join(", ")));
    } else {
        context.printer.line(&head);
        tags.iter().for_each(|tag| context.printer.line(tag));
    }
}

/// Where the backup goes.
enum Place {
    Folder(Arc<Layout>),
    Archive(Draft),
}

impl Place {
    /// Makes sure that something can be written there, before anything is asked for.
    async fn prepare(output: &str) -> anyhow::Result<Self> {
        if !output.to_ascii_lowercase().ends_with(".tar") {
            let layout = Layout::create(output).await.context("failed to prepare OCI store for backup")?;
            return Ok(Self::Folder(Arc::new(layout)));
        }
        Draft::begin(output).await.map(Self::Archive).map_err(|error| match error.store_error() {
            Some(layout::Error::NoFile { is_folder: true, .. }) => {
                Usage::new(format!("the output path {output:?} already exists and is a directory"))
                    .advice(
                        "Name a tar that is not there yet, or leave `.tar` out to back up to a folder"
                            .to_owned(),
                    )
                    .into()
            }
            _ => anyhow::Error::new(error).context(format!("unable to create output file {output}")),
        })
    }

    fn layout(&self) -> Arc<dyn Target> {
        match self {
            Self::Folder(layout) => layout.clone(),
            Self::Archive(draft) => draft.layout(),
        }
    }

    async fn finish(self, context: &Context, output: &str, common: &Common) -> anyhow::Result<()> {
        let draft = match self {
            Self::Folder(layout) => return Ok(layout.remove_ingest().await?),
            Self::Archive(draft) => draft,
        };
        context.printer.line(&format!("Exporting to {output}"));
        let meter = context.meter("Exporting", output, common);
        let report = move |written, total| {
            if let Some(meter) = &meter {
                meter.set(written, total);
            }
        };
        let size = draft
            .finish_reporting(report)
            .await
            .with_context(|| format!("failed to create tar archive at {output}"))?;
        context.printer.line(&format!("Exported to {output} ({})", units::size(size)));
        Ok(())
    }
}
