//! `oras push`

use std::sync::Arc;

use crate::{
    cli::{
        args::{
            self, Common, Examples, FileFlags, Flag, FormatFlags, Formats, Located, Plain, Synopsis,
            TargetFlags, Verbose, is_set,
        },
        context::{Access, Context},
        error::Usage,
        legacy,
        output::{Render, Verbs, model},
        subject,
    },
    content::Target,
    oci::{Descriptor, Platform, media_type},
    ops::{self, pack},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras push",
    arguments: "[flags] <name>[:<tag>[,<tag>][...]] <file>[:<type>] [...]",
    advice: "Please specify the destination for pushing.",
};

const EXAMPLES: Examples = &[
    ("Push a file", "oras push localhost:5000/hello:v1 hi.txt"),
    (
        "Push a file and a folder, with a type of their own",
        "oras push localhost:5000/hello:v1 --artifact-type application/vnd.example hi.txt:text/plain docs",
    ),
    ("Push under several tags", "oras push localhost:5000/hello:v1,v1.0,latest hi.txt"),
    (
        "Push with a config and annotations",
        "oras push localhost:5000/hello:v2 --config config.json:application/vnd.example.config -a author=me hi.txt",
    ),
    ("Push to an OCI image layout, no registry needed", "oras push --oci-layout layout:v1 hi.txt"),
];

/// Push files and folders to a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Push {
    /// Where to push to, then the files
    #[arg(value_name = "NAME[:TAG[,TAG]...]> <FILE[:TYPE]")]
    arguments: Vec<String>,
    #[command(flatten)]
    content: FileFlags,
    /// Type of the artifact
    #[arg(long, value_name = "TYPE", help_heading = "Content")]
    artifact_type: Option<String>,
    /// [Experimental] Make a config that says this platform
    #[arg(long, value_name = "PLATFORM", help_heading = "Content")]
    artifact_platform: Option<String>,
    /// [Preview] Version of the image specification to follow: v1.1 or v1.0
    #[arg(long, value_name = "VERSION", help_heading = "Content", value_parser = legacy::parse_form)]
    image_spec: Option<pack::Form>,
    /// Send everything again, even if it is there
    #[arg(long, help_heading = "Transfer")]
    force: Option<Flag>,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
    #[command(flatten)]
    legacy: legacy::PushFlags,
}

pub(crate) async fn run(context: &Context, args: &Push) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let (first, paths) = args::at_least_one(&args.arguments, &SYNOPSIS)?;
    let (raw, extra) = first.split_once(',').unwrap_or((first, ""));
    let extra: Vec<&str> = if first.contains(',') { extra.split(',').collect() } else { Vec::new() };
    args.content.check_paths(paths)?;
    let annotations = args.content.annotations()?;
    if args.artifact_platform.as_ref().is_some_and(|text| !text.is_empty()) && args.content.has_config() {
        return Err(args::exclusive(&["--config", "--artifact-platform"]).into());
    }
    let platform =
        args.artifact_platform.as_deref().filter(|text| !text.is_empty()).map(Platform::parse).transpose()?;
    let located = args.target.locate(raw)?;
    let subject =
        args.legacy.subject.as_deref().map(|raw| locate_subject(args, &located, raw)).transpose()?;
    let identity = context.identity(&args.target.remote)?;
    let format = args.format.parse(Formats::Text, &context.printer)?;
    let form = choose_form(args, platform.is_some())?;
    let export = args.content.export(&context.printer)?;

    let progress = context.progress(Verbs::PUSH, &format, &args.common, is_verbose);
    let loaded = args.content.load(paths, &annotations, &context.printer, &*progress).await?;
    let target = context.open_target(&located, &args.target, &args.common, identity, Access::Push).await?;
    let subject = match &subject {
        Some(subject) => Some(resolve_subject(&target, subject).await?),
        None => None,
    };
    let artifact_type = args.artifact_type.clone();
    let artifact_type =
        artifact_type.or_else(|| subject.as_ref().map(|_| media_type::UNKNOWN_ARTIFACT.to_owned()));
    let options = ops::push::Options {
        pack: pack::Options {
            form,
            artifact_type,
            config: platform.map_or(loaded.config, pack::Config::Platform),
            config_annotations: annotations.config(),
            layers: loaded.layers,
            subject,
            annotations: annotations.manifest(),
            created: context.now(),
        },
        tag: Some(located.reference().to_owned()),
        concurrency: args.content.concurrency().nodes(),
        force: is_set(args.force),
    };
    let packed = subject::push(context, loaded.files, target.clone(), options, progress.clone()).await?;
    progress.finish();
    if format.is_text() {
        context.printer.line(&format!("Pushed {}", located.labelled()));
    }
    tag_extra(
        &located,
        &target,
        &packed.manifest.plain(),
        &extra,
        args.content.concurrency().tags(),
        &*progress,
    )
    .await?;
    let outcome = Pushed {
        name: located.name(),
        reference: located.reference().to_owned(),
        extra: &extra,
        packed: &packed,
    };
    context.printer.show(&outcome, &format)?;
    export.write(&packed.bytes)
}

/// Where the subject is that an early flag names: a referrer is only found in the repository of its subject.
fn locate_subject(args: &Push, target: &Located<Plain>, raw: &str) -> anyhow::Result<Located<Plain>> {
    let subject = args.target.locate(raw)?;
    if !subject.is_beside(target) {
        anyhow::bail!("subject must be in the same repository as the pushed artifact");
    }
    subject.require_reference(&SYNOPSIS)?;
    Ok(subject)
}

async fn resolve_subject(target: &Arc<dyn Target>, subject: &Located<Plain>) -> anyhow::Result<Descriptor> {
    let reference = subject.reference();
    let resolved = target.resolve(reference).await;
    let failed = |source| ops::Error::Resolve { reference: reference.to_owned(), source };
    Ok(resolved.map_err(failed)?.plain())
}

/// Sets the tags behind the first comma, after everything else is there.
pub(crate) async fn tag_extra(
    located: &Located<Plain>,
    target: &Arc<dyn Target>,
    node: &Descriptor,
    extra: &[&str],
    concurrency: usize,
    progress: &dyn crate::progress::Progress,
) -> anyhow::Result<()> {
    let mut tags = Vec::with_capacity(extra.len());
    for tag in extra {
        let parsed = located.parse_tag(tag);
        tags.push(
            parsed.map_err(|error| Usage::new(format!("failed to tag {tag}: invalid reference: {error}")))?,
        );
    }
    Ok(ops::tag::tag_all(target, node, &tags, concurrency, progress).await?)
}

/// Which form of manifest the flags ask for.
fn choose_form(args: &Push, has_platform: bool) -> Result<pack::Form, Usage> {
    let has_config = args.content.has_config();
    let has_type = args.artifact_type.as_ref().is_some_and(|kind| !kind.is_empty());
    if let Some(form) = args.image_spec {
        subject::check_form(form, has_config || has_platform && form == pack::Form::Artifact, has_type)?;
    }
    match args.image_spec {
        Some(pack::Form::Image) if has_config && !has_type => {
            Err(Usage::new("missing artifact type for OCI image-spec v1.1 artifacts")
                .advice("set an artifact type via `--artifact-type` or consider image spec v1.0".to_owned()))
        }
        Some(pack::Form::ImageV1_0) if has_platform && has_type => Err(Usage::new(
            "artifact type cannot be set along with artifact platform for OCI image-spec v1.0",
        )
        .advice("use image spec v1.1, or leave --artifact-type out".to_owned())),
        Some(form) => Ok(form),
        None if has_config && !has_type => Ok(pack::Form::ImageV1_0),
        None => Ok(pack::Form::Image),
    }
}

struct Pushed<'a> {
    name: String,
    reference: String,
    extra: &'a [&'a str],
    packed: &'a pack::Packed,
}

impl Pushed<'_> {
    /// The full names of all tags; `None` when the manifest was pushed by its digest.
    fn tags(&self) -> Option<Vec<String>> {
        if self.name.is_empty()
            || self.reference.contains(':') && self.reference.parse::<crate::oci::Digest>().is_ok()
        {
            return None;
        }
        let tags = std::iter::once(&*self.reference).chain(self.extra.iter().copied());
        let mut tags: Vec<_> = tags.map(|tag| format!("{}:{tag}", self.name)).collect();
        tags.sort();
        Some(tags)
    }
}

impl Render for Pushed<'_> {
    fn text(&self) -> String {
        let kind = crate::cli::output::visible(&self.packed.artifact_type);
        format!("ArtifactType: {kind}\nDigest: {}\n", self.packed.manifest.digest)
    }

    fn json(&self) -> serde_json::Value {
        let mut object = model::descriptor(&self.name, &self.packed.manifest);
        object.insert("referenceAsTags".into(), self.tags().into());
        object.into()
    }
}
