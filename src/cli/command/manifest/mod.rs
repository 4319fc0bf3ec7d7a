//! `oras manifest`

mod delete;
mod fetch;
mod fetch_config;
mod index;
mod push;

pub(super) use delete::confirm;

use crate::cli::dispatch::{Entry, leaf};

/// Says what the group is for.
pub(crate) fn define(command: clap::Command) -> clap::Command {
    command.about("Look at manifests, and change which there are")
}

/// The commands of the group.
pub(crate) const COMMANDS: &[Entry] = &[
    leaf!("delete", ["remove", "rm"], delete::Delete, delete::run),
    leaf!("fetch", ["get", "show"], fetch::Fetch, fetch::run),
    leaf!("fetch-config", ["get-config"], fetch_config::FetchConfig, fetch_config::run),
    Entry::group("index", &[], index::define, index::COMMANDS),
    leaf!("push", [], push::Push, push::run),
];
