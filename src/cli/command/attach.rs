//! `oras attach`

use crate::{
    cli::{
        args::{
            self, Common, DistributionSpec, Examples, FileFlags, FormatFlags, Formats, Plain, PlatformFlag,
            Synopsis, TargetFlags, Verbose,
        },
        context::{Access, Context},
        error::Usage,
        legacy,
        output::{Render, Verbs, model},
        subject,
    },
    oci::Descriptor,
    ops::{self, pack},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras attach",
    arguments: "[flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]",
    advice: "Please specify what to attach to.",
};

const EXAMPLES: Examples = &[
    ("Attach an SBOM", "oras attach localhost:5000/hello:v1 --artifact-type application/spdx+json sbom.json"),
    (
        "Attach an annotation and no file",
        "oras attach localhost:5000/hello:v1 --artifact-type application/vnd.example.note -a checked=yes",
    ),
    (
        "Attach within an OCI image layout",
        "oras attach --oci-layout layout:v1 --artifact-type application/spdx+json sbom.json",
    ),
];

/// Attach files to a manifest in a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Attach {
    /// What to attach to, then the files
    #[arg(value_name = "NAME{:TAG|@DIGEST}> <FILE[:TYPE]")]
    arguments: Vec<String>,
    #[command(flatten)]
    content: FileFlags,
    /// Type of the artifact; required
    #[arg(long, value_name = "TYPE", help_heading = "Content")]
    artifact_type: Option<String>,
    #[command(flatten)]
    platform: PlatformFlag,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    spec: DistributionSpec<Plain>,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
    #[command(flatten)]
    legacy: legacy::AttachFlags,
}

pub(crate) async fn run(context: &Context, args: &Attach) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let (raw, paths) = args::at_least_one(&args.arguments, &SYNOPSIS)?;
    args.content.check_paths(paths)?;
    let annotations = args.content.annotations()?;
    let asked = |usage: Usage| {
        if paths.is_empty() {
            usage.ask("Are you missing an artifact reference to attach to?")
        } else {
            usage
        }
    };
    let located = match args.target.locate(raw) {
        Ok(located) => located,
        Err(error) => {
            return Err(error.downcast::<Usage>().map_or_else(|error| error, |usage| asked(usage).into()));
        }
    };
    let identity = context.identity(&args.target.remote)?;
    let format = args.format.parse(Formats::Text, &context.printer)?;
    let platform = args.platform.platform()?;
    if platform.is_some() && args.content.has_config() {
        return Err(args::exclusive(&["--config", "--platform"]).into());
    }
    let reference = located.require_reference(&SYNOPSIS).map_err(asked)?;
    let Some(artifact_type) = args.artifact_type.clone() else {
        anyhow::bail!("required flag(s) \"artifact-type\" not set")
    };
    if paths.is_empty() && annotations.manifest().is_empty() {
        return Err(Usage::new("neither file nor annotation provided in the command")
            .usage(SYNOPSIS.usage())
            .advice("To attach to an existing artifact, please provide files via argument or annotations via flag \"--annotation\". Run \"oras attach -h\" for more options and examples".to_owned())
            .into());
    }
    let form = args.legacy.form.unwrap_or_default();
    subject::check_form(form, args.content.has_config(), true)?;
    let export = args.content.export(&context.printer)?;

    let target = context
        .with_referrers(args.spec.mode())
        .open_target(&located, &args.target, &args.common, identity, Access::Push)
        .await?;
    let source = target.clone().as_source();
    let subject = ops::resolve(&*source, reference, platform.as_ref()).await;
    let subject =
        subject.map_err(|source| ops::Error::Resolve { reference: reference.to_owned(), source })?;
    let progress = context.progress(Verbs::PUSH, &format, &args.common, is_verbose);
    let loaded = args.content.load(paths, &annotations, &context.printer, &*progress).await?;
    let options = ops::push::Options {
        pack: pack::Options {
            form,
            artifact_type: Some(artifact_type),
            config: loaded.config,
            config_annotations: annotations.config(),
            layers: loaded.layers,
            subject: Some(subject.clone()),
            annotations: annotations.manifest(),
            created: context.now(),
        },
        tag: None,
        concurrency: args.content.concurrency().nodes(),
        force: false,
    };
    let packed = subject::push(context, loaded.files, target, options, progress.clone()).await?;
    progress.finish();
    let shown = if located.raw.ends_with(&subject.digest.to_string()) {
        located.raw.clone()
    } else {
        format!("{}@{}", located.name(), subject.digest)
    };
    let attached = format!("Attached to [{}] {shown}", located.kind().as_str());
    context
        .printer
        .show(&Attached { name: located.name(), attached, manifest: &packed.manifest }, &format)?;
    export.write(&packed.bytes)
}

struct Attached<'a> {
    name: String,
    attached: String,
    manifest: &'a Descriptor,
}

impl Render for Attached<'_> {
    fn text(&self) -> String {
        format!("{}\nDigest: {}\n", crate::cli::output::visible(&self.attached), self.manifest.digest)
    }

    fn json(&self) -> serde_json::Value {
        model::descriptor(&self.name, self.manifest).into()
    }
}
