//! `oras manifest push`

use std::io::Read as _;

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;

use crate::{
    cli::{
        args::{
            self, Common, DistributionSpec, Examples, Flag, Plain, Synopsis, TargetFlags, Verbose, is_set,
        },
        command::push::tag_extra,
        context::{Access, Context},
        error::Usage,
        output::{Format, Verbs, print_descriptor},
    },
    content::disk::off,
    oci::{Algorithm, Descriptor, Digest},
    ops,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras manifest push",
    arguments: "[flags] <name>[:<tag>[,<tag>][...]|@<digest>] <file>",
    advice: "Please specify where to push to, and the file of the manifest.",
};

const EXAMPLES: Examples = &[
    ("Push a manifest under a tag", "oras manifest push localhost:5000/hello:v1 manifest.json"),
    (
        "Push a manifest by its digest, and show its descriptor",
        "oras manifest push --descriptor --pretty localhost:5000/hello manifest.json",
    ),
    ("Push under several tags", "oras manifest push localhost:5000/hello:v1,v1.0,latest manifest.json"),
    ("Push what another program writes", "cat manifest.json | oras manifest push localhost:5000/hello:v2 -"),
];

/// Push a manifest to a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Push {
    /// Where to push to, then the file of the manifest; - is standard input
    #[arg(value_name = "NAME[:TAG[,TAG]...|@DIGEST]> <FILE")]
    arguments: Vec<String>,
    /// Media type of the manifest [default: what the manifest says]
    #[arg(long, value_name = "TYPE", help_heading = "Content")]
    media_type: Option<String>,
    /// Tags behind the first that are set at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        help_heading = "Transfer",
        allow_negative_numbers = true
    )]
    concurrency: i64,
    /// Show only the descriptor of the manifest
    #[arg(long, help_heading = "Output")]
    descriptor: Option<Flag>,
    /// Indent the descriptor
    #[arg(long, help_heading = "Output")]
    pretty: Option<Flag>,
    #[command(flatten)]
    spec: DistributionSpec<Plain>,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Push) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let [first, file] = args::exactly(&args.arguments, &SYNOPSIS)?;
    args.target.remote.check_stdin(file)?;
    let (raw, extra) = args::split_tags(first);
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let bytes = read(file.to_owned()).await?;
    let media_type = match args.media_type.clone().filter(|kind| !kind.is_empty()) {
        Some(kind) => kind,
        None => own_media_type(file, &bytes)?,
    };
    let given: Option<Digest> = located.reference().parse().ok();
    let algorithm = given.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let digest = Digest::of_with(algorithm, &bytes);
    if let Some(given) = given.filter(|given| *given != digest && args.target.is_layout()) {
        anyhow::bail!("invalid digest {:?}: the digest of {file} is {digest}", given.to_string());
    }
    let reference =
        if located.reference().is_empty() { digest.to_string() } else { located.reference().to_owned() };
    let node = Descriptor::new(media_type, digest, bytes.len() as u64);

    let is_descriptor = is_set(args.descriptor);
    let format = if is_descriptor { Format::Json } else { Format::Text };
    let progress = context.progress(Verbs::PUSH, &format, &args.common.without_bars(), is_verbose);
    let reachable = context.with_referrers(args.spec.mode());
    let target = reachable.open_target(&located, &args.target, &args.common, identity, Access::Push).await?;
    ops::manifest::push(&*target, &node, bytes, &reference, &*progress).await?;
    if !is_descriptor {
        context.printer.line(&format!("Pushed: {}", located.labelled()));
    }
    let concurrency = usize::try_from(args.concurrency).unwrap_or_default();
    tag_extra(&located, &target, &node, &extra, concurrency, &*progress).await?;
    if is_descriptor {
        return print_descriptor(&context.printer, &node, is_set(args.pretty));
    }
    context.printer.line(&format!("Digest: {}", node.digest));
    Ok(())
}

/// Reads a whole file, or standard input.
async fn read(file: String) -> anyhow::Result<Bytes> {
    let bytes = off(move || -> anyhow::Result<Vec<u8>> {
        if file == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).context("read standard input")?;
            return Ok(bytes);
        }
        std::fs::read(&file).with_context(|| format!("failed to read the manifest: open {file}"))
    });
    Ok(bytes.await?.into())
}

/// The media type that a manifest gives itself.
fn own_media_type(file: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let Ok(Value::Object(members)) = serde_json::from_slice(bytes) else {
        anyhow::bail!("{file} is not a valid json file: it is no manifest without --media-type");
    };
    match members.get("mediaType") {
        Some(Value::String(kind)) if !kind.is_empty() => Ok(kind.clone()),
        None | Some(Value::Null | Value::String(_)) => {
            Err(Usage::new(format!("{file}: the manifest does not say its media type"))
                .usage(SYNOPSIS.usage())
                .advice("Please add a media type to the manifest, or give it with --media-type".to_owned())
                .into())
        }
        Some(_) => anyhow::bail!("{file} is not a valid json file of a manifest: its media type is no text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_its_own_media_type_or_is_refused() {
        assert_eq!(own_media_type("m", br#"{"mediaType":"a/b"}"#).unwrap(), "a/b");
        for (document, has_usage) in [
            ("{}", true),
            (r#"{"mediaType":""}"#, true),
            (r#"{"mediaType":null}"#, true),
            (r#"{"mediaType":1}"#, false),
            ("[]", false),
            ("nonsense", false),
            ("", false),
        ] {
            let error = own_media_type("m", document.as_bytes()).unwrap_err();
            assert_eq!(error.downcast_ref::<Usage>().is_some(), has_usage, "{document}: {error}");
        }
    }
}
