//! Flag groups that commands flatten in, and the rules that all arguments share.

mod annotations;
mod common;
mod concurrency;
mod format;
mod packing;
mod platform;
mod remote;
mod size;
mod tag_list;
mod target;

use std::str::FromStr;

pub(crate) use annotations::{AnnotationFlags, parse as annotation_pairs};
pub(crate) use common::{Common, Verbose};
pub(crate) use concurrency::AtOnce;
pub(crate) use format::{FormatFlags, Formats};
pub(crate) use packing::{Export, FileFlags};
pub(crate) use platform::PlatformFlag;
pub(crate) use remote::{DistributionSpec, FromSide, Plain, Remote, Side, SpecMode, ToSide};
pub(crate) use size::Size;
pub(crate) use tag_list::TagList;
pub(crate) use target::{Kind, Located, Location, TargetFlags};

use super::error::Usage;

/// A flag that may be given a value with `=`, as in `--pretty=false`.
///
/// [`finish`] gives every argument of this type its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Self(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Self(false)),
            _ => Err("not one of true and false".to_owned()),
        }
    }
}

/// Is the flag given, and not as `=false`?
pub(crate) fn is_set(flag: Option<Flag>) -> bool {
    flag.is_some_and(|flag| flag.0)
}

/// Adapts a command and everything below it to the rules of all flags: the last of several wins, and
/// a [`Flag`] takes a value only behind `=`.
pub(crate) fn finish(command: clap::Command) -> clap::Command {
    command
        .args_override_self(true)
        .disable_version_flag(true)
        .mut_args(|arg| {
            if is_flag(&arg) {
                return arg.num_args(0..=1).require_equals(true).default_missing_value("true");
            }
            arg
        })
        .mut_subcommands(finish)
}

/// Adapts a command and everything below it for showing it to people: a [`Flag`] looks like the switch that it
/// is nearly always used as, and the flags of a group stand in the order of their names.
pub(crate) fn simplify(command: clap::Command) -> clap::Command {
    let mut names: Vec<String> = command.get_arguments().map(name_of).collect();
    names.sort_unstable();
    // What stands where is said by the line on usage.
    let show = |arg: clap::Arg| {
        let place = names.binary_search(&name_of(&arg)).unwrap_or_default();
        let arg = if is_flag(&arg) {
            as_switch(&arg)
        } else {
            arg.clone().hide(arg.is_hide_set() || arg.is_positional())
        };
        arg.display_order(place)
    };
    command.mut_args(show).mut_subcommands(simplify)
}

fn name_of(arg: &clap::Arg) -> String {
    arg.get_long().unwrap_or(arg.get_id().as_str()).to_owned()
}

fn is_flag(arg: &clap::Arg) -> bool {
    arg.get_value_parser().type_id() == std::any::TypeId::of::<Flag>()
}

/// The same flag without a value.
fn as_switch(arg: &clap::Arg) -> clap::Arg {
    let switch = clap::Arg::new(arg.get_id().clone())
        .action(clap::ArgAction::SetTrue)
        .long(arg.get_long().unwrap_or_default().to_owned())
        .hide(arg.is_hide_set())
        .help(arg.get_help().cloned().unwrap_or_default());
    let switch = arg
        .get_help_heading()
        .map(|heading| switch.clone().help_heading(heading.to_owned()))
        .unwrap_or(switch);
    arg.get_short().map(|letter| switch.clone().short(letter)).unwrap_or(switch)
}

/// Reads so many arguments as there are names.
pub(crate) fn exactly<'a, const N: usize>(
    arguments: &'a [String],
    command: &Synopsis,
) -> Result<[&'a str; N], Usage> {
    let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
    given.try_into().map_err(|_| command.wrong_count("exactly", N, arguments.len()))
}

/// Splits the first argument from those that may follow.
pub(crate) fn at_least_one<'a>(
    arguments: &'a [String],
    command: &Synopsis,
) -> Result<(&'a str, &'a [String]), Usage> {
    let (first, rest) = arguments.split_first().ok_or_else(|| command.wrong_count("at least", 1, 0))?;
    Ok((first, rest))
}

/// Splits a first argument at its commas into what names the target, and more tags.
pub(crate) fn split_tags(first: &str) -> (&str, Vec<&str>) {
    first.split_once(',').map_or((first, Vec::new()), |(target, tags)| (target, tags.split(',').collect()))
}

/// Reads the value of a flag that a command cannot do without.
pub(crate) fn required<'a>(value: Option<&'a str>, flag: &str) -> Result<&'a str, Usage> {
    value.ok_or_else(|| Usage::new(format!("required flag(s) {flag:?} not set")))
}

/// How a command is used, for its help and its errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synopsis {
    /// The command as it is typed, such as `oras repo ls`.
    pub(crate) path: &'static str,
    /// Its arguments, such as `[flags] <registry>`.
    pub(crate) arguments: &'static str,
    /// What to do when an argument is missing.
    pub(crate) advice: &'static str,
}

impl Synopsis {
    /// The line that follows `Usage:`.
    pub(crate) fn usage(&self) -> String {
        format!("{} {}", self.path, self.arguments)
    }

    fn wrong_count(&self, quantity: &str, wanted: usize, given: usize) -> Usage {
        Usage::new(format!("{:?} requires {quantity} {wanted} argument but got {given}", self.path))
            .usage(self.usage())
            .advice(format!("{} See `{} -h` for more options and examples", self.advice, self.path))
    }

    /// The error of a reference that names a repository where a manifest is wanted.
    pub(crate) fn no_reference(&self, raw: &str) -> Usage {
        Usage::new(format!("{raw:?}: no tag or digest specified")).usage(self.usage()).advice(
            "Please specify a reference in the form of \"<name>:<tag>\" or \"<name>@<digest>\"".to_owned(),
        )
    }
}

/// What a command can be used for, each with a command line that does it.
pub(crate) type Examples = &'static [(&'static str, &'static str)];

/// The part of a help text that shows examples.
pub(crate) fn examples(examples: Examples) -> String {
    let shown = examples.iter().map(|(what, line)| format!("  # {what}\n  {line}\n"));
    format!("Examples:\n{}", shown.collect::<Vec<_>>().join("\n").trim_end())
}

/// Reads what of a flag group may be left out, giving the names of the flags that exclude each other.
pub(crate) fn exclude(given: &[(&str, bool)], excluded: &[(&str, bool)]) -> Result<(), Usage> {
    for (name, is_given) in given {
        for (other, other_given) in excluded {
            if *is_given && *other_given {
                return Err(exclusive(&[name, other]));
            }
        }
    }
    Ok(())
}

/// The error of flags that exclude each other.
pub(crate) fn exclusive(names: &[&str]) -> Usage {
    Usage::new(format!("{} cannot be used at the same time", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_takes_the_spellings_of_a_truth_value() {
        for (text, value) in
            [("1", true), ("t", true), ("True", true), ("0", false), ("F", false), ("false", false)]
        {
            assert_eq!(text.parse(), Ok(Flag(value)), "{text}");
        }
        assert!("yes".parse::<Flag>().is_err());
    }
}
