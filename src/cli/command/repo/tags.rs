//! `oras repo tags`

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{
            self, Common, Examples, Flag, FormatFlags, Formats, Kind, Plain, Synopsis, TargetFlags, Verbose,
            is_set,
        },
        context::{Access, Context},
        output::Render,
    },
    content::Source,
    oci::{Digest, Reference},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras repo tags",
    arguments: "[flags] <name>",
    advice: "Please specify the repository whose tags to list.",
};

const EXAMPLES: Examples = &[
    ("List tags", "oras repo tags localhost:5000/hello"),
    (
        "List tags, without those that list referrers",
        "oras repo tags --exclude-digest-tags localhost:5000/hello",
    ),
];

/// List the tags of a repository or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Tags {
    /// The repository; with a tag or digest, only tags of the same manifest
    #[arg(value_name = "NAME[:TAG|@DIGEST]")]
    arguments: Vec<String>,
    /// Start behind this tag
    #[arg(long, value_name = "TAG")]
    last: Option<String>,
    /// [Preview] Leave out tags that are a digest, such as those that list referrers
    #[arg(long)]
    exclude_digest_tags: Option<Flag>,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Tags) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let format = args.format.parse(Formats::Text, &context.printer)?;
    let source = context.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    let scope = if located.kind() == Kind::Layout { scope(located.reference()) } else { None };
    let wanted = match located.reference() {
        "" => None,
        _ if scope.is_some() => None,
        reference => {
            context.warn(&format!(
                "[Experimental] listing tags of the same manifest as {:?} asks for every tag",
                located.raw
            ));
            Some(Wanted::find(&*source, reference).await?)
        }
    };
    let mut pages = source.tags(args.last.as_deref());
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        for tag in page? {
            let Some(tag) = tag.strip_prefix(scope.as_deref().unwrap_or_default()) else { continue };
            if is_set(args.exclude_digest_tags) && tag.replacen('-', ":", 1).parse::<Digest>().is_ok() {
                continue;
            }
            if let Some(wanted) = &wanted
                && !wanted.is_named(&*source, tag).await?
            {
                continue;
            }
            if format.is_text() { context.printer.line(tag) } else { listed.push(tag.to_owned()) }
        }
    }
    if format.is_text() { Ok(()) } else { context.printer.show(&Listed(listed), &format) }
}

/// What tags of a layout begin with when its reference names a repository.
fn scope(reference: &str) -> Option<String> {
    let parsed = Reference::parse(reference).ok().filter(|parsed| parsed.reference.is_empty())?;
    Some(format!("{}:", parsed.name()))
}

/// The manifest whose tags are wanted.
struct Wanted {
    reference: String,
    digest: Digest,
}

impl Wanted {
    async fn find(source: &dyn Source, reference: &str) -> anyhow::Result<Self> {
        let digest = match reference.parse() {
            Ok(digest) => digest,
            Err(_) => source.resolve(reference).await?.digest,
        };
        Ok(Self { reference: reference.to_owned(), digest })
    }

    async fn is_named(&self, source: &dyn Source, tag: &str) -> anyhow::Result<bool> {
        Ok(tag == self.reference || source.resolve(tag).await?.digest == self.digest)
    }
}

struct Listed(Vec<String>);

impl Render for Listed {
    fn text(&self) -> String {
        self.0.iter().map(|tag| format!("{tag}\n")).collect()
    }

    fn json(&self) -> Value {
        json!({ "tags": self.0 })
    }
}
