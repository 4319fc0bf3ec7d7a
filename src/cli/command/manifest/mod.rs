//! `oras manifest`

mod delete;
mod fetch;
mod fetch_config;
mod index;
mod push;

pub(super) use delete::confirm;

use crate::cli::context::Context;

/// Look at manifests, and change which there are
#[derive(Debug, clap::Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) enum Manifest {
    #[command(visible_aliases = ["remove", "rm"])]
    Delete(Box<delete::Delete>),
    #[command(visible_aliases = ["get", "show"])]
    Fetch(Box<fetch::Fetch>),
    #[command(visible_alias = "get-config")]
    FetchConfig(Box<fetch_config::FetchConfig>),
    #[command(subcommand)]
    Index(index::Index),
    Push(Box<push::Push>),
}

impl Manifest {
    /// Runs the command of the group.
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Delete(args) => context.block_on(delete::run(context, args)),
            Self::Fetch(args) => context.block_on(fetch::run(context, args)),
            Self::FetchConfig(args) => context.block_on(fetch_config::run(context, args)),
            Self::Index(group) => group.run(context),
            Self::Push(args) => context.block_on(push::run(context, args)),
        }
    }
}
