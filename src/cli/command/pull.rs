//! `oras pull`

use std::{
    path::{MAIN_SEPARATOR, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    cli::{
        args::{
            self, AtOnce, Common, Examples, Flag, FormatFlags, Formats, Plain, PlatformFlag, Size, Synopsis,
            TargetFlags, Verbose, is_set,
        },
        context::{Access, Context},
        error::Usage,
        legacy,
        output::{Render, Verbs, model, visible},
    },
    files::{self, FileArgument, Files},
    oci::{Descriptor, keys},
    ops::{self, pull::SaveConfig},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras pull",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify the artifact to pull.",
};

const EXAMPLES: Examples = &[
    ("Pull into this folder", "oras pull localhost:5000/hello:v1"),
    ("Pull into another folder", "oras pull localhost:5000/hello:v1 -o out"),
    ("Pull from an OCI image layout", "oras pull --oci-layout layout:v1 -o out"),
];

/// Pull the files of an artifact from a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Pull {
    /// What to pull
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Folder to write to
    #[arg(short, long, value_name = "FOLDER", default_value = ".", help_heading = "Output")]
    output: PathBuf,
    /// Fail rather than replace a file that is there
    #[arg(short, long, help_heading = "Output")]
    keep_old_files: Option<Flag>,
    /// Allow files to be written outside the output folder
    #[arg(short = 'T', long, help_heading = "Output")]
    allow_path_traversal: Option<Flag>,
    /// Most that one packed folder may become, such as 500M or 2G [default: no limit]
    #[arg(long, value_name = "SIZE", help_heading = "Output")]
    unpack_limit: Option<Size>,
    /// Also pull what the artifact is attached to
    #[arg(long, help_heading = "Content")]
    include_subject: Option<Flag>,
    /// Save the config as this file
    #[arg(long, value_name = "FILE[:TYPE]", help_heading = "Content")]
    config: Option<String>,
    /// Nodes that are fetched at once; with a + behind the number, more of those that are small
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
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
    #[command(flatten)]
    legacy: legacy::PullFlags,
}

pub(crate) async fn run(context: &Context, args: &Pull) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let platform = args.platform.platform()?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let format = args.format.parse(Formats::Text, &context.printer)?;
    let config = args.config.as_deref().filter(|config| !config.is_empty()).map(save_config).transpose()?;
    let source = context.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    let reference = located.require_reference(&SYNOPSIS)?;
    let source = context.cached(source).await?;

    let options = files::Options {
        keep_old_files: is_set(args.keep_old_files),
        allow_path_traversal: is_set(args.allow_path_traversal),
        unpack_limit: args.unpack_limit.map(|Size(bytes)| bytes),
        ..files::Options::default()
    };
    let files = Arc::new(Files::new(&args.output, options)?);
    let progress = context.progress(Verbs::PULL, &format, &args.common, is_verbose);
    let options = ops::pull::Options {
        platform,
        include_subject: is_set(args.include_subject),
        config,
        media_types: args.legacy.media_types.clone(),
        concurrency: args.concurrency.nodes(),
    };
    let outcome = ops::pull::pull(source, files.clone(), reference, options, progress.clone()).await?;
    progress.finish();
    let shown = Pulled {
        raw: &located.raw,
        labelled: located.labelled(),
        name: located.name(),
        files: &files,
        outcome: &outcome,
    };
    context.printer.show(&shown, &format)
}

fn save_config(argument: &str) -> anyhow::Result<SaveConfig> {
    let file = FileArgument::parse(argument).map_err(|error| Usage::new(error.to_string()))?;
    Ok(SaveConfig { title: file.path, media_type: file.media_type })
}

struct Pulled<'a> {
    raw: &'a str,
    labelled: String,
    name: String,
    files: &'a Files,
    outcome: &'a ops::pull::Outcome,
}

impl Pulled<'_> {
    fn path(&self, file: &Descriptor) -> String {
        let path = self.files.path_of(file.title().unwrap_or_default());
        let is_folder = file.annotations.get(keys::CONTENT_UNPACK).is_some_and(|unpack| unpack == "true");
        let separator = if is_folder { MAIN_SEPARATOR.to_string() } else { String::new() };
        format!("{}{separator}", path.display())
    }
}

impl Render for Pulled<'_> {
    fn text(&self) -> String {
        if self.outcome.has_unnamed {
            let raw = visible(self.raw);
            return format!(
                "Skipped pulling layers without file name in \"{}\"\nUse 'oras copy {raw} --to-oci-layout <layout-dir>' to pull all layers.\n",
                keys::TITLE
            );
        }
        format!("Pulled {}\nDigest: {}\n", visible(&self.labelled), self.outcome.root.digest)
    }

    fn json(&self) -> Value {
        let files = self.outcome.files.iter().map(|file| {
            let mut object = serde_json::Map::from_iter([("path".to_owned(), self.path(file).into())]);
            object.extend(model::descriptor(&self.name, file));
            Value::Object(object)
        });
        let files: Vec<Value> = files.collect();
        let files = if files.is_empty() { Value::Null } else { files.into() };
        json!({ "reference": format!("{}@{}", self.name, self.outcome.root.digest), "files": files })
    }
}
