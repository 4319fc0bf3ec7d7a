//! `oras cp`

use crate::{
    cli::{
        args::{
            self, AtOnce, Common, DistributionSpec, Examples, Flag, FromSide, PlatformFlag, Synopsis,
            TargetFlags, ToSide, Verbose, is_set,
        },
        context::{Access, Context},
        error::Usage,
        output::{Format, Verbs},
    },
    oci::Digest,
    ops,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras cp",
    arguments: "[flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]",
    advice: "Please specify the source and the destination for copying.",
};

const EXAMPLES: Examples = &[
    ("Copy between repositories", "oras cp localhost:5000/hello:v1 localhost:5000/copy:v1"),
    ("Copy with everything that is attached", "oras cp -r localhost:5000/hello:v1 localhost:5000/copy:v1"),
    (
        "Copy to an OCI image layout, and back",
        "oras cp -r localhost:5000/hello:v1 --to-oci-layout backup:v1\n  oras cp -r --from-oci-layout backup:v1 localhost:5000/restored:v1",
    ),
];

/// Copy an artifact, and what is attached to it, between registries and OCI image layouts
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Cp {
    /// What to copy, and where to
    #[arg(value_name = "FROM{:TAG|@DIGEST}> <TO[:TAG[,TAG]...]")]
    arguments: Vec<String>,
    /// [Preview] Also copy referrers, and referrers of referrers
    #[arg(short, long, help_heading = "Content")]
    recursive: Option<Flag>,
    /// Send manifests again, even if they are there
    #[arg(long, help_heading = "Transfer")]
    force: Option<Flag>,
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
    platform: PlatformFlag,
    /// Connect to this address instead, on both sides; may be given several times
    #[arg(long, value_name = "HOST:PORT:ADDRESS[:PORT]", help_heading = "Transfer")]
    resolve: Vec<String>,
    #[command(flatten)]
    from: TargetFlags<FromSide>,
    #[command(flatten)]
    from_spec: DistributionSpec<FromSide>,
    #[command(flatten)]
    to: TargetFlags<ToSide>,
    #[command(flatten)]
    to_spec: DistributionSpec<ToSide>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Cp) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let [raw_from, raw_to] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let (raw_to, extra) =
        raw_to.split_once(',').map_or((raw_to, Vec::new()), |(to, extra)| (to, extra.split(',').collect()));
    let platform = args.platform.platform()?;
    let (mut from_flags, mut to_flags) = (args.from.clone(), args.to.clone());
    from_flags.remote.resolve.splice(0..0, args.resolve.iter().cloned());
    to_flags.remote.resolve.splice(0..0, args.resolve.iter().cloned());
    let from = from_flags.locate(raw_from)?;
    let reference = from.require_reference(&SYNOPSIS)?;
    let to = to_flags.locate(raw_to)?;
    let (from_identity, to_identity) =
        (context.identity(&from_flags.remote)?, context.identity(&to_flags.remote)?);
    let from_context = context.with_referrers(args.from_spec.mode());
    let source =
        from_context.open_source(&from, &from_flags, &args.common, from_identity, Access::Pull).await?;
    let to_context = context.with_referrers(args.to_spec.mode());
    let target = to_context.open_target(&to, &to_flags, &args.common, to_identity, Access::Push).await?;

    let progress = context.progress(Verbs::COPY, &Format::Text, &args.common, is_verbose);
    let concurrency = args.concurrency.nodes();
    let options = ops::copy::Options {
        platform,
        recursive: is_set(args.recursive),
        force: is_set(args.force),
        concurrency,
        tag: Some(to.reference().to_owned()),
    };
    let root = ops::copy::copy(source, target.clone(), reference, options, progress.clone()).await?;
    progress.finish();
    let digest = root.digest.to_string();
    let is_other = from.reference().parse::<Digest>().is_ok_and(|named| named != root.digest);
    let shown = if is_other { format!("{}@{digest}", from.name()) } else { from.raw.clone() };
    context.printer.line(&format!("Copied [{}] {shown} => {}", from.kind().as_str(), to.labelled()));
    if !extra.is_empty() && to.reference().is_empty() {
        anyhow::bail!("invalid reference: additional tags need a tag or digest before the first comma");
    }
    let tags = extra.iter().map(|tag| to.parse_tag(tag)).collect::<Result<Vec<_>, _>>();
    let tags = tags.map_err(|error| Usage::new(format!("invalid reference: {error}")))?;
    ops::tag::tag_all(&target, &root, &tags, args.concurrency.tags(), &*progress).await?;
    context.printer.line(&format!("Digest: {digest}"));
    Ok(())
}
