//! `oras logout`

use std::path::PathBuf;

use anyhow::Context as _;

use crate::{
    cli::{
        args::{self, Examples, Flag, Synopsis},
        context::Context,
    },
    credentials::{CredentialStore as _, storage_key},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras logout",
    arguments: "[flags] <registry>",
    advice: "Please specify the registry to forget the login of.",
};

const EXAMPLES: Examples = &[("Forget a login", "oras logout localhost:5000")];

/// Forget the login of a registry
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Logout {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    arguments: Vec<String>,
    /// Log what is done to standard error
    #[arg(short, long)]
    debug: Option<Flag>,
    /// File with credentials; the first of several is changed
    #[arg(long, value_name = "FILE")]
    registry_config: Vec<PathBuf>,
}

pub(crate) async fn run(context: &Context, args: &Logout) -> anyhow::Result<()> {
    let [registry] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let store = context.credentials(&args.registry_config, args::is_set(args.debug))?;
    let key = storage_key(registry);
    store.erase(registry).await.with_context(|| format!("failed to delete the credential for {key}"))
}
