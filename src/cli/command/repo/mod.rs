//! `oras repo`

mod ls;
mod tags;

use crate::cli::context::Context;

/// Look at repositories and their tags
#[derive(Debug, clap::Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) enum Repo {
    #[command(visible_alias = "list")]
    Ls(Box<ls::Ls>),
    #[command(visible_alias = "show-tags")]
    Tags(Box<tags::Tags>),
}

impl Repo {
    /// Runs the command of the group.
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Ls(args) => context.block_on(ls::run(context, args)),
            Self::Tags(args) => context.block_on(tags::run(context, args)),
        }
    }
}
