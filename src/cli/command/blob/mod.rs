//! `oras blob`

mod delete;
mod fetch;
mod push;

use crate::cli::context::Context;

/// Look at blobs, and change which there are
#[derive(Debug, clap::Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) enum Blob {
    #[command(visible_aliases = ["remove", "rm"])]
    Delete(Box<delete::Delete>),
    #[command(visible_alias = "get")]
    Fetch(Box<fetch::Fetch>),
    Push(Box<push::Push>),
}

impl Blob {
    /// Runs the command of the group.
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Delete(args) => context.block_on(delete::run(context, args)),
            Self::Fetch(args) => context.block_on(fetch::run(context, args)),
            Self::Push(args) => context.block_on(push::run(context, args)),
        }
    }
}
