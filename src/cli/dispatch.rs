//! From the words of a command line to the command that they name.
//!
//! Commands stand in tables, a row for each. To define the flags of all of them takes longer than many a command
//! does, so the words are looked at first: where they begin with the name of a command, the flags of that one are
//! defined and no others. Help, completion and what is mistyped get all of it.

use std::ffi::OsString;

use clap::{ArgMatches, Command};

use super::context::Context;

type Define = fn(Command) -> Command;
type Run = fn(&Context, &ArgMatches) -> anyhow::Result<()>;

/// A row of a table: a command, or a group of them.
pub(crate) struct Entry {
    name: &'static str,
    aliases: &'static [&'static str],
    define: Define,
    below: Below,
}

enum Below {
    Nothing(Run),
    Group(&'static [Entry]),
}

impl Entry {
    /// A command: what defines its flags, and what runs it. [`leaf!`] is shorter.
    pub(crate) const fn leaf(
        name: &'static str,
        aliases: &'static [&'static str],
        define: Define,
        run: Run,
    ) -> Self {
        Self { name, aliases, define, below: Below::Nothing(run) }
    }

    /// A group of commands: what says what it is for, and its table.
    pub(crate) const fn group(
        name: &'static str,
        aliases: &'static [&'static str],
        define: Define,
        entries: &'static [Self],
    ) -> Self {
        Self { name, aliases, define, below: Below::Group(entries) }
    }

    fn is_called(&self, word: &OsString) -> bool {
        word == self.name || self.aliases.iter().any(|alias| word == alias)
    }

    /// The definition; of a command that is not wanted, its names only.
    fn define(&self, wanted: Wanted<'_>) -> Command {
        let command = Command::new(self.name).visible_aliases(self.aliases.iter().copied());
        let below = match wanted {
            Wanted::All => Wanted::All,
            Wanted::Path([name, below @ ..]) if *name == self.name => Wanted::Path(below),
            Wanted::Path(_) => return command,
        };
        match self.below {
            Below::Nothing(_) => (self.define)(command),
            Below::Group(entries) => {
                let group = (self.define)(command).subcommand_required(true).arg_required_else_help(true);
                define(group, entries, below)
            }
        }
    }
}

/// A row for a command that may wait for the network and the disk: its name, its other names, the type of its
/// arguments, and the function that runs it.
macro_rules! leaf {
    ($name:literal, $aliases:expr, $arguments:ty, $run:path) => {
        $crate::cli::dispatch::Entry::leaf(
            $name,
            &$aliases,
            <$arguments as clap::Args>::augment_args,
            |context, given| {
                let arguments = <$arguments as clap::FromArgMatches>::from_arg_matches(given)?;
                context.block_on(Box::pin($run(context, &arguments)))
            },
        )
    };
}
pub(crate) use leaf;

/// Which commands are defined with their flags.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// All.
    All,
    /// The one with these names, outermost first.
    Path(&'a [&'static str]),
}

/// The names of the command that the words begin with, the program's name left out; `None` when they begin with
/// none, or with a flag.
pub(crate) fn path(entries: &'static [Entry], words: &[OsString]) -> Option<Vec<&'static str>> {
    let (first, rest) = words.split_first()?;
    let entry = entries.iter().find(|entry| entry.is_called(first))?;
    let mut names = vec![entry.name];
    if let Below::Group(entries) = entry.below {
        names.extend(path(entries, rest)?);
    }
    Some(names)
}

/// Adds the commands of a table to a definition.
pub(crate) fn define(command: Command, entries: &'static [Entry], wanted: Wanted<'_>) -> Command {
    entries.iter().fold(command, |command, entry| command.subcommand(entry.define(wanted)))
}

/// Runs the command that was named.
pub(crate) fn run(entries: &'static [Entry], context: &Context, given: &ArgMatches) -> anyhow::Result<()> {
    let named = given
        .subcommand()
        .and_then(|(name, below)| Some((entries.iter().find(|entry| entry.name == name)?, below)));
    let (entry, below) = named.expect("the parser takes no other names than those of the table");
    match entry.below {
        Below::Nothing(run) => run(context, below),
        Below::Group(entries) => self::run(entries, context, below),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::COMMANDS;

    fn path_of(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        path(COMMANDS, &words).map(|names| names.join(" "))
    }

    #[test]
    fn words_name_a_command_by_any_of_its_names() {
        for (line, name) in [
            ("version", "version"),
            ("push localhost:5000/a:b c", "push"),
            ("copy a b", "cp"),
            ("manifest index pack a", "manifest index create"),
            ("repository show-tags a", "repo tags"),
            ("blob rm --force a", "blob delete"),
        ] {
            assert_eq!(path_of(line).as_deref(), Some(name), "{line}");
        }
        for line in [
            "",
            "-h",
            "--debug push",
            "help push",
            "blob",
            "blob foo",
            "manifest index",
            "pus",
            "blob --help",
        ] {
            assert_eq!(path_of(line), None, "{line}");
        }
    }

    #[test]
    fn only_the_command_that_is_named_has_its_flags_defined() {
        let flags = |command: &Command| command.get_arguments().count();
        let root = define(Command::new("oras"), COMMANDS, Wanted::Path(&["manifest", "push"]));
        let manifest = root.find_subcommand("manifest").unwrap();
        assert!(flags(manifest.find_subcommand("push").unwrap()) > 10);
        assert_eq!(flags(manifest.find_subcommand("fetch").unwrap()), 0);
        assert_eq!(flags(root.find_subcommand("push").unwrap()), 0);
        assert_eq!(root.find_subcommand("blob").unwrap().get_subcommands().count(), 0);
        let all = define(Command::new("oras"), COMMANDS, Wanted::All);
        assert_eq!(root.get_subcommands().count(), all.get_subcommands().count());
        assert!(flags(all.find_subcommand("push").unwrap()) > 10);
    }

    #[test]
    fn a_command_is_parsed_alike_with_its_own_flags_and_with_those_of_all() {
        for line in [
            "push --plain-http --concurrency 2 localhost:5000/a:b c",
            "manifest rm --force=false localhost:5000/a:b",
            "blob fetch -o - localhost:5000/a@sha256:1",
            "discover --depth 2 localhost:5000/a:b",
            "push --no-such-flag",
            "pull -o",
        ] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let path = path(COMMANDS, &words).unwrap();
            let parse = |wanted| {
                let root = crate::cli::args::finish(define(Command::new("oras"), COMMANDS, wanted));
                let parsed = root.no_binary_name(true).try_get_matches_from(&words);
                parsed.map_err(|error| (error.kind(), error.to_string()))
            };
            assert_eq!(parse(Wanted::Path(&path)), parse(Wanted::All), "{line}");
        }
    }
}
