//! `oras blob delete`

use anyhow::Context as _;

use crate::{
    cli::{
        args::{self, Common, Examples, Flag, Plain, Synopsis, TargetFlags, Verbose, is_set},
        command::manifest::confirm,
        context::{Access, Context},
        output::print_descriptor,
    },
    oci::{Descriptor, media_type},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras blob delete",
    arguments: "[flags] <name>@<digest>",
    advice: "Please specify the blob to delete.",
};

const EXAMPLES: Examples = &[(
    "Delete a blob without being asked",
    "oras blob delete --force localhost:5000/hello@sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447",
)];

/// Delete a blob from a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Delete {
    /// What to delete
    #[arg(value_name = "NAME@DIGEST")]
    arguments: Vec<String>,
    /// Ask nothing, and take a blob that is not there as deleted
    #[arg(short, long)]
    force: Option<Flag>,
    /// Show the descriptor of what was deleted; needs --force
    #[arg(long, help_heading = "Output")]
    descriptor: Option<Flag>,
    /// Indent the descriptor
    #[arg(long, help_heading = "Output")]
    pretty: Option<Flag>,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Delete) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let (is_forced, is_descriptor) = (is_set(args.force), is_set(args.descriptor));
    if is_descriptor && !is_forced {
        anyhow::bail!("must apply --force to confirm the deletion if the descriptor is outputted");
    }
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let reference = located.require_reference(&SYNOPSIS)?;
    let target =
        context.open_existing(&located, &args.target, &args.common, identity, Access::Delete).await?;
    let node = match target.resolve_blob(reference).await {
        Ok(node) => node,
        Err(error) if error.is_not_found() && is_forced && !is_descriptor => {
            context.printer.line(&format!("Missing {raw}"));
            return Ok(());
        }
        Err(error) if error.is_not_found() => anyhow::bail!("{raw}: the specified blob does not exist"),
        Err(error) => return Err(error.into()),
    };
    let question = format!("Are you sure you want to delete the blob {:?}?", node.digest.to_string());
    if !is_forced && !confirm(context, &question).await? {
        return Ok(());
    }
    // Whatever the registry says that it is, it is to be deleted as a blob.
    let blob = Descriptor { media_type: media_type::OCTET_STREAM.to_owned(), ..node.plain() };
    target.delete(&blob).await.with_context(|| format!("failed to delete {raw}"))?;
    if is_descriptor {
        return print_descriptor(&context.printer, &node, is_set(args.pretty));
    }
    context.printer.line(&format!("Deleted {}", located.labelled()));
    Ok(())
}
