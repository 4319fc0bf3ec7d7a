//! `oras repo tags`

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
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
    content::{self, Source},
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

/// Tags that are looked up at once.
const LOOKUPS: usize = 5;

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
            let wanted = Wanted::find(&*source, reference).await?;
            context.warn(&format!(
                "[Experimental] listing tags of the same manifest as {:?} asks for every tag",
                located.raw
            ));
            Some(wanted)
        }
    };
    let prefix = scope.unwrap_or_default();
    let last = args.last.as_ref().filter(|last| !last.is_empty()).map(|last| format!("{prefix}{last}"));
    let is_shown = |tag: &str| !is_set(args.exclude_digest_tags) || !is_digest_tag(tag);
    let (mut tags, failure) = all(&*source, last.as_deref(), &prefix).await;
    tags.retain(|tag| is_shown(tag));
    let mut tags = stream::iter(tags)
        .map(|tag| async {
            match &wanted {
                Some(wanted) => Ok(wanted.is_named(&*source, &tag).await?.then_some(tag)),
                None => Ok(Some(tag)),
            }
        })
        .buffered(LOOKUPS);
    let mut listed = Vec::new();
    while let Some(tag) = tags.next().await {
        match tag {
            Ok(Some(tag)) if format.is_text() => context.printer.line(&tag),
            Ok(tag) => listed.extend(tag),
            Err(error) => return Err(error),
        }
        if context.printer.has_failed() {
            return Ok(());
        }
    }
    match failure {
        Some(failure) => Err(failure.into()),
        None if format.is_text() => Ok(()),
        None => context.printer.show(&Listed(listed), &format),
    }
}

/// Lists all tags behind `last` that begin with a prefix, without it and in the order of their bytes, which
/// not every registry keeps to. A page that could not be read takes nothing away from those before it.
async fn all(source: &dyn Source, last: Option<&str>, prefix: &str) -> (Vec<String>, Option<content::Error>) {
    let (mut tags, mut failure) = (BTreeSet::new(), None);
    let mut pages = source.tags(last);
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => {
                tags.extend(page.iter().filter_map(|tag| tag.strip_prefix(prefix).map(str::to_owned)))
            }
            Err(error) => failure = Some(error),
        }
    }
    (tags.into_iter().collect(), failure)
}

/// Is the tag a digest whose `:` has become a `-`?
fn is_digest_tag(tag: &str) -> bool {
    tag.replacen('-', ":", 1).parse::<Digest>().is_ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{ByteStream, TagPages};

    /// Lists pages in an order of its own, then fails.
    struct Unsorted;

    #[async_trait::async_trait]
    impl Source for Unsorted {
        async fn resolve(&self, reference: &str) -> content::Result<crate::oci::Descriptor> {
            Err(content::Error::NotFound { reference: reference.to_owned() })
        }
        async fn fetch_unverified(&self, _: &crate::oci::Descriptor, _: u64) -> content::Result<ByteStream> {
            Err(content::Error::Unsupported("reading"))
        }
        async fn exists(&self, _: &crate::oci::Descriptor) -> content::Result<bool> {
            Ok(false)
        }
        async fn referrers(
            &self,
            _: &crate::oci::Descriptor,
            _: Option<&str>,
        ) -> content::Result<Vec<crate::oci::Descriptor>> {
            Ok(Vec::new())
        }
        fn tags<'a>(&'a self, _: Option<&'a str>) -> TagPages<'a> {
            let page = |tags: &[&str]| Ok(tags.iter().map(|tag| (*tag).to_owned()).collect());
            let pages =
                [page(&["v2", "v1"]), page(&["a", "v2", "b"]), Err(content::Error::Unsupported("paging"))];
            Box::pin(stream::iter(pages))
        }
    }

    #[tokio::test]
    async fn tags_are_sorted_over_all_pages_and_those_that_came_are_kept() {
        let (tags, failure) = all(&Unsorted, None, "").await;
        assert_eq!(tags, ["a", "b", "v1", "v2"]);
        assert!(failure.is_some());
        assert_eq!(all(&Unsorted, None, "v").await.0, ["1", "2"]);
    }

    #[test]
    fn only_a_whole_digest_is_a_digest_tag() {
        let digest = Digest::of(b"").to_string().replace(':', "-");
        assert!(is_digest_tag(&digest));
        for tag in ["v1", "sha256-abc", &format!("{digest}.sig"), &digest.replace('-', "_")] {
            assert!(!is_digest_tag(tag), "{tag}");
        }
    }
}
