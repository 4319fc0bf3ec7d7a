//! `oras restore`

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;

use super::backup::{announce, resolve};
use crate::{
    cli::{
        args::{
            self, AtOnce, Common, DistributionSpec, Examples, Flag, Plain, Remote, Synopsis, TagList, is_set,
        },
        context::{Access, Context},
        error::Usage,
        output::{Format, Verbs, units},
    },
    content::{self, Side, Source},
    layout::{self, Layout},
    oci::is_tag,
    ops::{self, backup::Tagged},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras restore",
    arguments: "[flags] --input <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
    advice: "Please specify the repository to restore to.",
};

const EXAMPLES: Examples = &[
    ("See what would be restored", "oras restore --input backup localhost:5000/hello --dry-run"),
    ("Restore all tags, with what is attached", "oras restore --input backup localhost:5000/hello"),
    ("Restore some tags from a tar", "oras restore --input hello.tar localhost:5000/hello:v1,v2"),
];

/// [Experimental] Restore tags from an OCI image layout, in a folder or a tar, to a repository
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Restore {
    /// The repository, with the tags to restore; all of the backup unless some are given
    #[arg(value_name = "REGISTRY/REPOSITORY[:TAG[,TAG]...]")]
    arguments: Vec<String>,
    /// Folder or tar to restore from; required
    #[arg(long, value_name = "PATH", help_heading = "Content")]
    input: Option<String>,
    /// Leave referrers out
    #[arg(long, help_heading = "Content")]
    exclude_referrers: Option<Flag>,
    /// Say what would be restored, and send nothing
    #[arg(long, help_heading = "Transfer")]
    dry_run: Option<Flag>,
    /// Nodes that are copied at once; with a + behind the number, more of those that are small
    #[arg(
        long,
        value_name = "N",
        default_value = "5+",
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

pub(crate) async fn run(context: &Context, args: &Restore) -> anyhow::Result<()> {
    let begun = Instant::now();
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let input = args::required(args.input.as_deref(), "input")?;
    if input.is_empty() {
        anyhow::bail!("the input path cannot be empty");
    }
    let list = TagList::parse(raw)?;
    args.remote.check()?;
    let identity = context.identity(&args.remote)?;
    let reachable = context.with_referrers(args.spec.mode());
    let target = reachable.open_repository(
        raw,
        &list.repository,
        &args.remote,
        &args.common,
        identity,
        Access::Push,
    )?;
    let options = ops::restore::Options {
        referrers: !is_set(args.exclude_referrers),
        concurrency: args.concurrency.nodes(),
    };
    let archive = archive_size(input)?;
    let source: Arc<dyn Source> = Arc::new(open(input).await?);
    if let Some(size) = archive {
        context.printer.line(&format!("Loaded backup archive: {input} ({})", units::size(size)));
    }
    let found = find(&*source, &list, input, options.concurrency).await?;
    announce(context, &found, "the backup");

    let (name, is_dry) = (list.name(), is_set(args.dry_run));
    for tagged in &found {
        let failed = |error| {
            failed(error, format!("failed to restore tag {:?} from {input:?} to {name:?}", tagged.tag))
        };
        let referrers = ops::restore::count(&*source, tagged, &options).await.map_err(failed)?;
        let what = format!("tag {} with {referrers} referrer(s)", tagged.tag);
        if is_dry {
            context.printer.line(&format!("Dry run: would push {what}"));
            continue;
        }
        let progress = context.progress(Verbs::RESTORE, &Format::Text, &args.common, true);
        let restored =
            ops::restore::restore(source.clone(), target.clone(), tagged, &options, progress.clone()).await;
        progress.finish();
        restored.map_err(failed)?;
        context.printer.line(&format!("Pushed {what}"));
    }
    let count = found.len();
    context.printer.line(&if is_dry {
        format!("Dry run complete: {count} tag(s) would be restored to {name:?} (no data pushed)")
    } else {
        format!("Successfully restored {count} tag(s) to {name:?} in {}", units::duration(begun.elapsed()))
    });
    Ok(())
}

/// The size of a tar in bytes, `None` for a folder; anything else is refused.
fn archive_size(input: &str) -> anyhow::Result<Option<u64>> {
    let metadata = fs::metadata(input).with_context(|| format!("failed to access input path {input:?}"))?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        anyhow::bail!("input path {input:?} must be a directory or a tar archive");
    }
    let is_archive = input.to_ascii_lowercase().ends_with(".tar")
        || has_magic(input).with_context(|| format!("failed to access input path {input:?}"))?;
    if !is_archive {
        anyhow::bail!("input path {input:?} is not a tar archive");
    }
    Ok(Some(metadata.len()))
}

/// Does the file begin with a header of a tar?
fn has_magic(path: &str) -> std::io::Result<bool> {
    const MAGIC: &[u8] = b"ustar";
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(257))?;
    let mut read = Vec::with_capacity(MAGIC.len());
    file.take(MAGIC.len() as u64).read_to_end(&mut read)?;
    Ok(read == MAGIC)
}

/// Opens the backup. A folder without a layout is one without tags; it stays as it is.
async fn open(input: &str) -> anyhow::Result<Layout> {
    Layout::open(input).await.map_err(|error| match error.store_error() {
        Some(layout::Error::NoLayoutFile(cause)) if cause.kind() == std::io::ErrorKind::NotFound => {
            no_tags(input).into()
        }
        _ => error.into(),
    })
}

fn no_tags(input: &str) -> Usage {
    Usage::new(format!("no tags found in OCI layout {input:?}"))
        .advice(format!("Run `oras repo tags --oci-layout {input}` to see which tags there are"))
}

/// Finds what the tags name, or all of them in the order of their names.
async fn find(
    source: &dyn Source,
    list: &TagList,
    input: &str,
    concurrency: ops::Concurrency,
) -> anyhow::Result<Vec<Tagged>> {
    if !list.tags.is_empty() {
        return resolve(source, &list.tags, concurrency).await;
    }
    let mut tags = ops::backup::all_tags(source).await?;
    tags.sort_unstable();
    if tags.is_empty() {
        return Err(no_tags(input).into());
    }
    if let Some(tag) = tags.iter().find(|tag| !is_tag(tag)) {
        return Err(Usage::new(format!("invalid tag {tag:?} in OCI layout {input:?}: no registry takes it"))
            .advice(format!("Name the tags to restore, as in {}:<tag>[,<tag>...]", list.name()))
            .into());
    }
    resolve(source, &tags, concurrency).await
}

/// Words an error. What the backup lacks is no answer of the registry.
fn failed(error: ops::Error, action: String) -> anyhow::Error {
    let is_local = matches!(error, ops::Error::Content(content::Error::Copy { side: Side::Source, .. }));
    let error = anyhow::Error::new(error).context(action);
    if is_local { Usage::from(error).into() } else { error }
}
