//! The command line: flags, wiring, output, and errors for people.

mod args;
mod command;
mod context;
mod error;
mod legacy;
mod output;
mod prompt;
mod subject;
mod usage;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};
use command as run;
use context::Context;

/// Push, attach, discover, pull and copy OCI artifacts
#[derive(Debug, clap::Parser)]
#[command(
    name = "oras",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Every command, on one screen.
#[derive(Debug, clap::Subcommand)]
enum Command {
    Attach(Box<run::attach::Attach>),
    Backup(Box<run::backup::Backup>),
    #[command(subcommand)]
    Blob(run::blob::Blob),
    #[command(visible_alias = "copy")]
    Cp(Box<run::cp::Cp>),
    #[command(subcommand)]
    Completion(run::completion::Completion),
    Discover(Box<run::discover::Discover>),
    Login(Box<run::login::Login>),
    Logout(run::logout::Logout),
    #[command(subcommand)]
    Manifest(run::manifest::Manifest),
    Pull(Box<run::pull::Pull>),
    Push(Box<run::push::Push>),
    #[command(subcommand, visible_alias = "repository")]
    Repo(run::repo::Repo),
    #[command(visible_alias = "digest")]
    Resolve(Box<run::resolve::Resolve>),
    Restore(Box<run::restore::Restore>),
    Tag(Box<run::tag::Tag>),
    Version(run::version::Version),
    /// Complete a word
    #[command(name = "__complete", hide = true)]
    Complete(run::completion::Words),
    /// Complete a word, without descriptions
    #[command(name = "__completeNoDesc", hide = true)]
    CompleteNames(run::completion::Words),
}

impl Command {
    fn run(&self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Attach(args) => context.block_on(run::attach::run(context, args)),
            Self::Backup(args) => context.block_on(run::backup::run(context, args)),
            Self::Blob(group) => group.run(context),
            Self::Cp(args) => context.block_on(run::cp::run(context, args)),
            Self::Completion(shell) => shell.run(context),
            Self::Complete(words) => {
                run::completion::complete(context, words, true);
                Ok(())
            }
            Self::CompleteNames(words) => {
                run::completion::complete(context, words, false);
                Ok(())
            }
            Self::Discover(args) => context.block_on(run::discover::run(context, args)),
            Self::Login(args) => context.block_on(run::login::run(context, args)),
            Self::Logout(args) => context.block_on(run::logout::run(context, args)),
            Self::Manifest(group) => group.run(context),
            Self::Pull(args) => context.block_on(run::pull::run(context, args)),
            Self::Push(args) => context.block_on(run::push::run(context, args)),
            Self::Repo(group) => group.run(context),
            Self::Resolve(args) => context.block_on(run::resolve::run(context, args)),
            Self::Restore(args) => context.block_on(run::restore::run(context, args)),
            Self::Tag(args) => context.block_on(run::tag::run(context, args)),
            Self::Version(args) => run::version::run(context, args),
        }
    }
}

/// The definition of every command and flag.
#[must_use]
pub fn definition() -> clap::Command {
    args::finish(Cli::command())
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
    let parse = |args: &[OsString]| legacy::extend(definition()).try_get_matches_from(args);
    let parsed = parse(&args).map_err(|error| usage::after_help(error, &args, parse));
    let parsed = match parsed {
        Ok(matches) => match legacy::modernize(&matches, &args) {
            Ok(modern) if modern.notices.is_empty() => Cli::from_arg_matches(&matches),
            Ok(modern) => {
                modern.notices.iter().for_each(|notice| context.printer.notice(notice));
                parse(&modern.args).and_then(|matches| Cli::from_arg_matches(&matches))
            }
            Err(contradiction) => return context.fail(&contradiction.into()),
        },
        Err(error) => Err(error),
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let words: Vec<String> =
                args.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            return usage::report(&error, &mut reference(), &words, &context.printer);
        }
    };
    let outcome = cli.command.run(&context).and_then(|()| context.printer.check());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => context.fail(&error),
    }
}
