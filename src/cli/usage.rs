//! What the argument parser has to say, in the words of this client.

use std::{ffi::OsString, process::ExitCode};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::output::{Printer, visible};

/// Prints why a command line was not run: help that was asked for, or what is wrong with it.
pub(crate) fn report(
    error: &clap::Error,
    root: &mut clap::Command,
    args: &[String],
    printer: &Printer,
) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::MissingSubcommand => help(root, args, printer),
        ErrorKind::InvalidSubcommand if args.first().is_some_and(|word| word == "help") => {
            printer.notice(&format!("Unknown help topic {:?}", args[1..].join(" ")));
            printer.notice(&root.render_help().to_string());
            ExitCode::SUCCESS
        }
        ErrorKind::InvalidSubcommand if group(root, args).1 > 0 => help(root, args, printer),
        ErrorKind::InvalidSubcommand => {
            printer.notice(&unknown_command(error, root));
            ExitCode::FAILURE
        }
        _ => {
            printer.notice(&format!("Error: {}", sentence(error, args)));
            ExitCode::FAILURE
        }
    }
}

/// What is to be said of a command line that asks for help: a flag that is unknown is still an error, wherever
/// it stands.
pub(crate) fn after_help<T>(
    error: clap::Error,
    args: &[OsString],
    parse: impl Fn(&[OsString]) -> Result<T, clap::Error>,
) -> clap::Error {
    if error.kind() != ErrorKind::DisplayHelp {
        return error;
    }
    if args.iter().any(|word| word == "--help=false" || word == "-h=false") {
        return clap::Error::raw(ErrorKind::ArgumentConflict, "help cannot be switched off\n");
    }
    let is_help = |word: &OsString| word == "--help" || word == "-h";
    let rest: Vec<OsString> = args.iter().filter(|word| !is_help(word)).cloned().collect();
    match parse(&rest) {
        Err(wrong) if matches!(wrong.kind(), ErrorKind::UnknownArgument | ErrorKind::ValueValidation) => {
            wrong
        }
        _ => error,
    }
}

/// Prints the help of the command that was named.
fn help(root: &mut clap::Command, args: &[String], printer: &Printer) -> ExitCode {
    let (command, _) = group(root, args);
    printer.bytes(help_of(&command).as_bytes());
    ExitCode::SUCCESS
}

/// What a command is for, how it is used, its other names, its flags, its examples, and where there is more.
fn help_of(command: &clap::Command) -> String {
    // Examples are to be pasted, so their lines are not to be broken.
    let examples = command.get_after_help().map(|text| format!("\n{text}\n")).unwrap_or_default();
    let mut bare = command.clone().after_help(clap::builder::Resettable::Reset);
    let text = bare.render_help().to_string();
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    let text = match text.split_once("\nUsage: ") {
        Some((before, after)) if !aliases.is_empty() => {
            let (usage, rest) = after.split_once('\n').unwrap_or((after, ""));
            format!(
                "{before}\nUsage: {usage}\nAliases: {}, {}\n{rest}",
                command.get_name(),
                aliases.join(", ")
            )
        }
        _ => text,
    };
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let page = name.split(' ').nth(1).unwrap_or("README");
    let more = if command.has_subcommands() {
        format!("Run '{name} COMMAND --help' for more about a command.\n")
    } else {
        String::new()
    };
    format!("{text}{examples}\n{more}Manual: man {}, docs/commands/{page}.md\n", name.replace(' ', "-"))
}

/// The innermost command that is named, with how deep it is.
fn group(root: &mut clap::Command, args: &[String]) -> (clap::Command, usize) {
    root.build();
    let mut found = (root.clone(), 0);
    let is_topic = args.first().is_some_and(|word| word == "help");
    for word in args.iter().skip(usize::from(is_topic)).filter(|word| !word.starts_with('-')) {
        let Some(next) = found.0.find_subcommand(word).cloned() else { break };
        found = (next, found.1 + 1);
    }
    found
}

fn unknown_command(error: &clap::Error, root: &clap::Command) -> String {
    let typed = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let names = root.get_subcommands().map(clap::Command::get_name);
    let mut close: Vec<String> = names.filter(|name| is_close(&typed, name)).map(str::to_owned).collect();
    close.extend(text(error, ContextKind::SuggestedSubcommand));
    close.sort();
    close.dedup();
    let mut lines = vec![format!("Error: unknown command {:?} for \"oras\"", typed)];
    if !close.is_empty() {
        lines.extend([String::new(), "Did you mean this?".to_owned()]);
        lines.extend(close.iter().map(|name| format!("\t{name}")));
        lines.push(String::new());
    }
    lines.push("Run 'oras --help' for usage.".to_owned());
    lines.join("\n")
}

/// Does the name begin like the word, or differ from it by at most two letters?
fn is_close(word: &str, name: &str) -> bool {
    !word.is_empty() && (name.starts_with(word) || distance(word, name) <= 2)
}

/// The number of letters to insert, remove or replace to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn sentence(error: &clap::Error, args: &[String]) -> String {
    let flag = || {
        let named = text(error, ContextKind::InvalidArg).unwrap_or_default();
        named.split([' ', '=', '[']).next().unwrap_or_default().to_owned()
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let named = text(error, ContextKind::InvalidArg).unwrap_or_default();
            let suggestion = text(error, ContextKind::SuggestedArg);
            let suggestion = suggestion.map(|flag| format!("\nDid you mean {flag}?")).unwrap_or_default();
            match (named.strip_prefix("--"), named.strip_prefix('-')) {
                (Some(_), _) => format!("unknown flag: {named}{suggestion}"),
                (None, Some(letter)) => {
                    let group = args.iter().find(|word| {
                        word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
                    });
                    format!("unknown shorthand flag: '{letter}' in {}", group.unwrap_or(&named))
                }
                (None, None) => format!("unknown command {named:?}"),
            }
        }
        ErrorKind::InvalidValue
        | ErrorKind::NoEquals
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::TooFewValues
            if text(error, ContextKind::InvalidValue).unwrap_or_default().is_empty() =>
        {
            format!("flag needs an argument: {}", shorthand(args).unwrap_or_else(flag))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
            let reason = std::error::Error::source(error).map(ToString::to_string);
            format!(
                "invalid argument {value:?} for {:?} flag: {}",
                flag(),
                reason.unwrap_or_else(|| "invalid value".to_owned())
            )
        }
        _ => {
            let rendered = error.render().to_string();
            let first = rendered.lines().next().unwrap_or_default();
            visible(first.trim_start_matches("error: ")).into_owned()
        }
    }
}

/// The last letter of the last word, when that is a group of short flags: only there can a value be missing.
fn shorthand(args: &[String]) -> Option<String> {
    let group = args.last()?.strip_prefix('-').filter(|group| !group.starts_with('-'))?;
    Some(format!("'{}' in -{group}", group.chars().last()?))
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_close_to_what_was_meant() {
        assert!(is_close("vers", "version"));
        assert!(is_close("psuh", "push"));
        assert!(is_close("atach", "attach"));
        assert!(!is_close("foo", "push"));
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
