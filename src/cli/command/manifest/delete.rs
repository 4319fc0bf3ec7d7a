//! `oras manifest delete`

use anyhow::Context as _;

use crate::cli::{
    args::{self, Common, DistributionSpec, Examples, Flag, Plain, Synopsis, TargetFlags, Verbose, is_set},
    context::{Access, Context},
    output::print_descriptor,
    prompt,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras manifest delete",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify the manifest to delete.",
};

const EXAMPLES: Examples =
    &[("Delete a manifest without being asked", "oras manifest delete --force localhost:5000/hello:v1")];

/// Delete a manifest, with all of its tags, from a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Delete {
    /// What to delete
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Ask nothing, and take a manifest that is not there as deleted
    #[arg(short, long)]
    force: Option<Flag>,
    /// Show the descriptor of what was deleted; needs --force
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
    let reachable = context.with_referrers(args.spec.mode());
    let target =
        reachable.open_existing(&located, &args.target, &args.common, identity, Access::Delete).await?;
    let node = match target.resolve(reference).await {
        Ok(node) => node,
        Err(error) if error.is_not_found() && is_forced && !is_descriptor => {
            context.printer.line(&format!("Missing {raw}"));
            return Ok(());
        }
        Err(error) if error.is_not_found() => anyhow::bail!("{raw}: the specified manifest does not exist"),
        Err(error) => return Err(error.into()),
    };
    if !is_forced
        && !confirm(
            context,
            &format!(
                "Are you sure you want to delete the manifest {:?} and all tags associated with it?",
                node.digest.to_string()
            ),
        )
        .await?
    {
        return Ok(());
    }
    target.delete(&node).await.with_context(|| format!("failed to delete {raw}"))?;
    if is_descriptor {
        return print_descriptor(&context.printer, &node, is_set(args.pretty));
    }
    context.printer.line(&format!("Deleted {}", located.labelled()));
    Ok(())
}

/// Asks for a yes on standard input; anything else cancels.
pub(crate) async fn confirm(context: &Context, question: &str) -> anyhow::Result<bool> {
    let answer = prompt::line(&context.printer, &format!("{question} [y/N] ")).await?;
    let is_confirmed = matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes");
    if !is_confirmed {
        context.printer.line("Operation cancelled.");
    }
    Ok(is_confirmed)
}
