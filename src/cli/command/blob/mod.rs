//! `oras blob`

mod delete;
mod fetch;
mod push;

use crate::cli::dispatch::{Entry, leaf};

/// Says what the group is for.
pub(crate) fn define(command: clap::Command) -> clap::Command {
    command.about("Look at blobs, and change which there are")
}

/// The commands of the group.
pub(crate) const COMMANDS: &[Entry] = &[
    leaf!("delete", ["remove", "rm"], delete::Delete, delete::run),
    leaf!("fetch", ["get"], fetch::Fetch, fetch::run),
    leaf!("push", [], push::Push, push::run),
];
