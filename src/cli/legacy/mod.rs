//! Spellings that older versions had. They still work, and each says once how it is written today.
//!
//! The table below is all there is to a spelling: its flags are added to the definition of the command line,
//! hidden, and a command line that uses them is translated into today's before it is run. What has no flag of
//! today is read by its command through `flags`, as if it were one.

mod flags;

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};

pub(crate) use flags::{AttachFlags, PullFlags, PushFlags, null_device, parse_form};

use super::{
    args::{Flag, exclusive},
    error::Usage,
};
use crate::ops::pack;

/// A flag, or a value of one, that is not written any more.
struct Spelling {
    /// The commands that had it; none stands for all that have the flag of today.
    commands: &'static [&'static str],
    /// Its long name; empty when only the letter is old.
    long: &'static str,
    letter: Option<char>,
    takes: Takes,
    today: Today,
}

/// What follows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// A value.
    Value,
    /// A truth value behind `=`, or nothing.
    Switch,
    /// The form of a manifest.
    Form,
    /// The flag is one of today, but this value of it is not.
    Old(&'static str),
}

/// What is written today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Today {
    /// Another flag, with the same value.
    Flag(&'static str),
    /// Something else, which the notice says; the command does what was meant.
    Otherwise(&'static str),
}

const SPELLINGS: &[Spelling] = &[
    // 0.4 to 0.13, and the alpha of 0.2.
    value(&["push", "pull"], "manifest-config", None, Today::Flag("config")),
    value(&["push"], "manifest-annotations", None, Today::Flag("annotation-file")),
    value(&["login", "logout", "discover"], "config", Some('c'), Today::Flag("registry-config")),
    value(&[], "", Some('c'), Today::Flag("registry-config")),
    switch(&["login"], "", Some('k'), Today::Flag("insecure")),
    // 0.2 to 0.12, and the alpha of 0.2.
    switch(&["pull"], "allow-all", Some('a'), Today::Otherwise("all media types are pulled by default")),
    value(&["pull"], "media-type", Some('t'), Today::Otherwise("and will be removed in a future release.")),
    switch(&["pull"], "allow-empty-name", None, Today::Otherwise("content without a name is never pulled")),
    value(&["push"], "subject", Some('s'), Today::Otherwise("use \"oras attach\" instead")),
    // 0.15.
    switch(&["manifest delete", "blob delete"], "yes", Some('y'), Today::Flag("force")),
    // 1.0.
    old_value("v1.1-image", "use --image-spec v1.0 instead"),
    old_value("v1.1-artifact", "use --image-spec v1.1 instead"),
    Spelling {
        commands: &["attach"],
        long: "image-spec",
        letter: None,
        takes: Takes::Form,
        today: Today::Otherwise("the current form is written by default"),
    },
];

const fn value(
    commands: &'static [&'static str],
    long: &'static str,
    letter: Option<char>,
    today: Today,
) -> Spelling {
    Spelling { commands, long, letter, takes: Takes::Value, today }
}

const fn switch(
    commands: &'static [&'static str],
    long: &'static str,
    letter: Option<char>,
    today: Today,
) -> Spelling {
    Spelling { commands, long, letter, takes: Takes::Switch, today }
}

const fn old_value(value: &'static str, today: &'static str) -> Spelling {
    Spelling {
        commands: &["push"],
        long: "image-spec",
        letter: None,
        takes: Takes::Old(value),
        today: Today::Otherwise(today),
    }
}

impl Spelling {
    /// Does the command have it? `arguments` are those that the command has today.
    fn belongs_to(&self, path: &str, has: impl Fn(&str) -> bool) -> bool {
        match self.today {
            Today::Flag(today) if self.commands.is_empty() => has(today),
            _ => self.commands.contains(&path),
        }
    }

    /// What the parser knows it by.
    fn id(&self) -> String {
        match (self.takes, self.letter) {
            (Takes::Old(_), _) => self.long.replace('-', "_"),
            (_, Some(letter)) if self.long.is_empty() => format!("legacy-{letter}"),
            _ => format!("legacy-{}", self.long),
        }
    }

    fn arg(&self) -> Arg {
        let mut arg = Arg::new(self.id()).hide(true);
        if !self.long.is_empty() {
            arg = arg.long(self.long);
        }
        if let Some(letter) = self.letter {
            arg = arg.short(letter);
        }
        match self.takes {
            Takes::Value | Takes::Old(_) => {
                arg.action(ArgAction::Append).value_parser(clap::value_parser!(OsString))
            }
            Takes::Form => arg.value_parser(parse_form),
            Takes::Switch => arg
                .value_parser(clap::value_parser!(Flag))
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
        }
    }

    /// The flag as people know it.
    fn name(&self) -> String {
        match (self.takes, self.letter) {
            (Takes::Old(value), _) => format!("--{} {value}", self.long),
            (_, Some(letter)) if self.long.is_empty() => format!("-{letter}"),
            _ => format!("--{}", self.long),
        }
    }

    fn notice(&self) -> String {
        let today = match self.today {
            Today::Flag(flag) => format!("use --{flag} instead"),
            Today::Otherwise(text) => text.to_owned(),
        };
        format!("Flag {} has been deprecated, {today}", self.name())
    }

    /// Is it on the command line?
    fn is_given(&self, matches: &ArgMatches) -> bool {
        let given = given(matches, &self.id());
        match self.takes {
            Takes::Old(value) => given.last().is_some_and(|last| last == value),
            _ => !given.is_empty(),
        }
    }
}

/// Adds the old spellings to a definition of the command line, which is the only one that has them: they are
/// in no help, manual or completion.
pub(crate) fn extend(root: Command) -> Command {
    extend_at(root, &mut Vec::new())
}

fn extend_at(mut command: Command, path: &mut Vec<String>) -> Command {
    let joined = path.join(" ");
    let has = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let own = SPELLINGS.iter().filter(|spelling| !matches!(spelling.takes, Takes::Old(_)));
    let own: Vec<_> = own.filter(|spelling| spelling.belongs_to(&joined, has)).collect();
    for spelling in own {
        // A letter that a later row gives to all commands may be taken by an earlier row for one.
        let is_taken = |letter: char| command.get_arguments().any(|arg| arg.get_short() == Some(letter));
        if !(spelling.long.is_empty() && spelling.letter.is_some_and(is_taken)) {
            command = command.arg(spelling.arg());
        }
    }
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names {
        path.push(name.clone());
        command = command.mut_subcommand(name, |below| extend_at(below, path));
        path.pop();
    }
    command
}

/// A command line in today's spelling.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Modern {
    /// The words, the program's name first.
    pub(crate) args: Vec<OsString>,
    /// What is to be said of the old spellings, a line for each.
    pub(crate) notices: Vec<String>,
}

/// Translates a command line that was parsed with the definition that [`extend`] makes.
///
/// # Errors
/// An old and a new spelling contradict each other.
pub(crate) fn modernize(matches: &ArgMatches, args: &[OsString]) -> Result<Modern, Usage> {
    let (mut path, mut leaf) = (Vec::new(), matches);
    while let Some((name, below)) = leaf.subcommand() {
        path.push(name);
        leaf = below;
    }
    let (joined, depth) = (path.join(" "), path.len());
    let mut modern = Modern::default();
    let mut added: Vec<OsString> = Vec::new();
    let has = |name: &str| {
        leaf.try_contains_id(&name.replace('-', "_")).is_ok() || leaf.try_contains_id(name).is_ok()
    };
    for spelling in SPELLINGS.iter().filter(|spelling| spelling.belongs_to(&joined, has)) {
        if !spelling.is_given(leaf) {
            continue;
        }
        modern.notices.push(spelling.notice());
        let Today::Flag(today) = spelling.today else { continue };
        let old = given(leaf, &spelling.id());
        let new = [given(leaf, today), given(leaf, &today.replace('-', "_"))].concat();
        if new.is_empty() {
            added.extend(old.iter().map(|value| {
                let mut word = OsString::from(format!("--{today}="));
                word.push(value);
                word
            }));
        } else if new.last() != old.last() {
            return Err(exclusive(&[&spelling.name(), &format!("--{today}")]));
        }
    }
    // The words that name the command come first, since only commands have flags.
    let (head, tail) = args.split_at((1 + depth).min(args.len()));
    modern.args = head.iter().chain(&added).chain(tail).cloned().collect();
    Ok(modern)
}

/// The values of an argument that stand on the command line.
fn given(matches: &ArgMatches, id: &str) -> Vec<OsString> {
    if !matches!(matches.try_contains_id(id), Ok(true))
        || matches.value_source(id) != Some(ValueSource::CommandLine)
    {
        return Vec::new();
    }
    matches.get_raw(id).into_iter().flatten().map(ToOwned::to_owned).collect()
}

/// The forms of manifests by the names that versions of the image specification have and had.
const FORMS: [(&str, pack::Form); 4] = [
    ("v1.1", pack::Form::Image),
    ("v1.0", pack::Form::ImageV1_0),
    ("v1.1-image", pack::Form::ImageV1_0),
    ("v1.1-artifact", pack::Form::Artifact),
];

#[cfg(test)]
mod tests;
