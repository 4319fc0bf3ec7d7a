//! The command line: flags, wiring, output, and errors for people.

mod args;
mod command;
mod context;
mod dispatch;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod legacy;
mod output;
mod prompt;
mod signals;
mod subject;
mod usage;

use std::{ffi::OsString, process::ExitCode};

use command as run;
use context::Context;
use dispatch::{Entry, Wanted, leaf};

/// Every command, on one screen: its name, its other names, its arguments, and what runs it.
const COMMANDS: &[Entry] = &[
    leaf!("attach", [], run::attach::Attach, run::attach::run),
    leaf!("backup", [], run::backup::Backup, run::backup::run),
    Entry::group("blob", &[], run::blob::define, run::blob::COMMANDS),
    Entry::group("completion", &[], run::completion::define, run::completion::SHELLS),
    leaf!("cp", ["copy"], run::cp::Cp, run::cp::run),
    leaf!("discover", [], run::discover::Discover, run::discover::run),
    leaf!("login", [], run::login::Login, run::login::run),
    leaf!("logout", [], run::logout::Logout, run::logout::run),
    Entry::group("manifest", &[], run::manifest::define, run::manifest::COMMANDS),
    leaf!("pull", [], run::pull::Pull, run::pull::run),
    leaf!("push", [], run::push::Push, run::push::run),
    Entry::group("repo", &["repository"], run::repo::define, run::repo::COMMANDS),
    leaf!("resolve", ["digest"], run::resolve::Resolve, run::resolve::run),
    leaf!("restore", [], run::restore::Restore, run::restore::run),
    leaf!("tag", [], run::tag::Tag, run::tag::run),
    Entry::leaf("version", &[], run::version::define, run::version::run),
    // Scripts of other clients complete words with these.
    Entry::leaf("__complete", &[], run::completion::define_words, run::completion::with_descriptions),
    Entry::leaf("__completeNoDesc", &[], run::completion::define_words, run::completion::names_only),
];

fn define(wanted: Wanted<'_>) -> clap::Command {
    let root = clap::Command::new("oras")
        .about("Push, attach, discover, pull and copy OCI artifacts")
        .subcommand_required(true)
        .arg_required_else_help(true);
    args::finish(dispatch::define(root, COMMANDS, wanted))
}

/// The definition of every command and flag.
#[must_use]
pub fn definition() -> clap::Command {
    define(Wanted::All)
}

/// The definition of every command and flag as it is shown to people, in help, manuals and completions.
#[must_use]
pub fn reference() -> clap::Command {
    args::simplify(definition())
}

/// Runs a command line, the program's name first, and returns the status to exit with.
#[must_use]
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let context = Context::of_process();
    let path = dispatch::path(COMMANDS, args.get(1..).unwrap_or_default());
    let wanted = path.as_deref().map_or(Wanted::All, Wanted::Path);
    let parse = |args: &[OsString]| legacy::extend(define(wanted)).try_get_matches_from(args);
    let parsed = parse(&args).map_err(|error| usage::after_help(error, &args, parse));
    let parsed = match parsed {
        Ok(matches) => match legacy::modernize(&matches, &args) {
            Ok(modern) if modern.notices.is_empty() => Ok(matches),
            Ok(modern) => {
                modern.notices.iter().for_each(|notice| context.printer.notice(notice));
                parse(&modern.args)
            }
            Err(contradiction) => return context.fail(&contradiction.into()),
        },
        Err(error) => Err(error),
    };
    let given = match parsed {
        Ok(given) => given,
        Err(error) => {
            let words: Vec<String> =
                args.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            return usage::report(&error, &mut reference(), &words, &context.printer);
        }
    };
    let outcome = dispatch::run(COMMANDS, &context, &given).and_then(|()| context.printer.check());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => context.fail(&error),
    }
}
