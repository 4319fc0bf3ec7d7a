//! `oras repo`

mod ls;
mod tags;

use crate::cli::dispatch::{Entry, leaf};

/// Says what the group is for.
pub(crate) fn define(command: clap::Command) -> clap::Command {
    command.about("Look at repositories and their tags")
}

/// The commands of the group.
pub(crate) const COMMANDS: &[Entry] =
    &[leaf!("ls", ["list"], ls::Ls, ls::run), leaf!("tags", ["show-tags"], tags::Tags, tags::run)];
