//! `oras manifest index`

mod create;
mod update;

use std::path::{Path, PathBuf};

use crate::{
    cli::{
        args::{self, Flag, Located, Plain, is_set},
        dispatch::{Entry, leaf},
        output::{Printer, print_json},
    },
    oci::{Digest, media_type},
    ops::index::Packed,
    progress::{Event, Progress, Silent},
};

/// Says what the group is for.
pub(crate) fn define(command: clap::Command) -> clap::Command {
    command.about("[Experimental] Make indexes, and change them")
}

/// The commands of the group.
pub(crate) const COMMANDS: &[Entry] = &[
    leaf!("create", ["pack"], create::Create, create::run),
    leaf!("update", [], update::Update, update::run),
];

/// Where an index is written instead of being pushed.
#[derive(Debug, Clone, Default, clap::Args)]
struct Output {
    /// File to write the index to, instead of pushing it; - is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Indent the index on standard output
    #[arg(long, help_heading = "Output")]
    pretty: Option<Flag>,
}

impl Output {
    /// Is the index written instead of being pushed?
    fn is_given(&self) -> bool {
        self.path().is_some()
    }

    fn path(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    fn is_stdout(&self) -> bool {
        self.path() == Some(Path::new("-"))
    }

    /// Shows each step, unless the index itself is what is shown.
    fn steps<'a>(&self, printer: &'a Printer) -> Box<dyn Progress + 'a> {
        if self.is_stdout() { Box::new(Silent) } else { Box::new(Steps(printer)) }
    }

    /// Writes the index.
    fn write(&self, printer: &Printer, packed: &Packed) -> anyhow::Result<()> {
        match self.path() {
            Some(_) if self.is_stdout() => print_json(printer, &packed.bytes, is_set(self.pretty)),
            Some(path) => {
                args::Export::open(path)?.write(&packed.bytes)?;
                printer.line(&format!("Digest: {}", packed.node.digest));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Shows each step as a line.
struct Steps<'a>(&'a Printer);

impl Progress for Steps<'_> {
    fn event(&self, event: Event<'_>) {
        // A name that is the digest itself is not said twice.
        let named = |digest: &Digest, name: &str| {
            if name.parse::<Digest>().is_ok() { digest.to_string() } else { format!("{digest} {name}") }
        };
        self.0.line(&match event {
            Event::LookingUp(name) => format!("Fetching  {name}"),
            Event::LookedUp(node, name) => format!("Fetched   {}", named(&node.digest, name)),
            Event::Removed(digest) => format!("Removed   {digest}"),
            Event::Added(node, name) => format!("Added     {}", named(&node.digest, name)),
            Event::Merged(node, name) => format!("Merged    {}", named(&node.digest, name)),
            Event::Tagged(tag) => format!("Tagged {tag}"),
            _ => return,
        });
    }
}

/// The type that an index is to have; the empty text is none.
fn check_artifact_type(artifact_type: Option<&str>) -> anyhow::Result<()> {
    Ok(artifact_type.filter(|kind| !kind.is_empty()).map_or(Ok(()), media_type::validate)?)
}

/// What is shown of where an index was pushed to by its digest: no digest, since the one that was typed is
/// that of another index.
fn without_digest(located: &Located<Plain>) -> String {
    match located.reference().parse::<Digest>() {
        Ok(_) => format!("[{}] {}", located.kind().as_str(), located.name()),
        Err(_) => located.labelled(),
    }
}
