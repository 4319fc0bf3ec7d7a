//! `oras completion`, and the hidden commands that complete words for scripts of other clients.

use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches as _};
use clap_complete::Shell;

use crate::cli::{
    args::{self, Examples, Flag, is_set},
    context::Context,
    dispatch::Entry,
    output::visible,
    reference,
};

const EXAMPLES: Examples = &[
    ("Complete in this shell", "source <(oras completion bash)"),
    ("Complete in every shell of zsh", "oras completion zsh > \"${fpath[1]}/_oras\""),
];

/// Says what the group is for.
pub(crate) fn define(command: Command) -> Command {
    command
        .about("Print a script that completes commands and flags in a shell")
        .after_help(args::examples(EXAMPLES))
}

/// The shells that there is a script for.
pub(crate) const SHELLS: &[Entry] = &[
    Entry::leaf(
        "bash",
        &[],
        |command| define_script(command, "For bash"),
        |context, given| {
            const HEAD: &str =
                "# bash completion V2 for oras                                 -*- shell-script -*-\n";
            print(context, given, Shell::Bash, HEAD)
        },
    ),
    Entry::leaf(
        "fish",
        &[],
        |command| define_script(command, "For fish"),
        |context, given| {
            const HEAD: &str =
                "# fish completion for oras                                 -*- shell-script -*-\n";
            print(context, given, Shell::Fish, HEAD)
        },
    ),
    Entry::leaf(
        "powershell",
        &[],
        |command| define_script(command, "For PowerShell"),
        |context, given| {
            const HEAD: &str =
                "# powershell completion for oras                                 -*- shell-script -*-\n";
            print(context, given, Shell::PowerShell, HEAD)
        },
    ),
    Entry::leaf(
        "zsh",
        &[],
        |command| define_script(command, "For zsh"),
        |context, given| print(context, given, Shell::Zsh, "#compdef oras\ncompdef _oras oras\n"),
    ),
];

/// How a script is made.
#[derive(Debug, clap::Args)]
struct Script {
    /// Leave out what candidates are for
    #[arg(long)]
    no_descriptions: Option<Flag>,
}

fn define_script(command: Command, about: &'static str) -> Command {
    Script::augment_args(command).about(about)
}

/// Prints the script of a shell, which begins with these lines.
fn print(context: &Context, given: &ArgMatches, shell: Shell, head: &str) -> anyhow::Result<()> {
    let script = Script::from_arg_matches(given)?;
    let mut command = reference();
    if is_set(script.no_descriptions) {
        command = without_descriptions(command);
    }
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "oras", &mut text);
    context.printer.bytes(head.as_bytes());
    context.printer.bytes(text.strip_prefix(b"#compdef oras\n").unwrap_or(&text));
    Ok(())
}

fn without_descriptions(command: Command) -> Command {
    command.about("").mut_args(|arg| arg.help("")).mut_subcommands(without_descriptions)
}

/// The definition of the hidden commands that complete words; the last word may be empty.
pub(crate) fn define_words(command: Command) -> Command {
    let words = Arg::new("words").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
    command.about("Complete a word").hide(true).arg(words)
}

/// Completes a word, and says what the candidates are for.
pub(crate) fn with_descriptions(context: &Context, given: &ArgMatches) -> anyhow::Result<()> {
    complete(context, &words(given), true);
    Ok(())
}

/// Completes a word.
pub(crate) fn names_only(context: &Context, given: &ArgMatches) -> anyhow::Result<()> {
    complete(context, &words(given), false);
    Ok(())
}

fn words(given: &ArgMatches) -> Vec<String> {
    given.get_many("words").into_iter().flatten().cloned().collect()
}

/// Prints the candidates for the last word, and whether files are candidates too.
fn complete(context: &Context, words: &[String], has_descriptions: bool) {
    let (last, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut command = reference();
    command.build();
    for word in before.iter().filter(|word| !word.starts_with('-')) {
        let Some(next) = command.find_subcommand(word).cloned() else { break };
        command = next;
    }
    let found = candidates(&command, before, last);
    for (name, about) in &found {
        let about = visible(about.lines().next().unwrap_or_default());
        context.printer.line(&if has_descriptions && !about.is_empty() {
            format!("{name}\t{about}")
        } else {
            name.clone()
        });
    }
    let takes_files = found.is_empty() && !last.starts_with('-') && !command.has_subcommands();
    let (directive, name) =
        if takes_files { (0, "ShellCompDirectiveDefault") } else { (4, "ShellCompDirectiveNoFileComp") };
    context.printer.line(&format!(":{directive}"));
    context.printer.notice(&format!("Completion ended with directive: {name}"));
}

/// Names that begin like the word, with what they are for.
fn candidates(command: &Command, before: &[String], word: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = if word.starts_with('-') {
        let flags: Vec<_> = command.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
        let described = |arg: &clap::Arg| arg.get_help().map(ToString::to_string).unwrap_or_default();
        let long = flags.iter().filter_map(|arg| Some((format!("--{}", arg.get_long()?), described(arg))));
        let short = flags.iter().filter_map(|arg| Some((format!("-{}", arg.get_short()?), described(arg))));
        long.chain(short.filter(|_| word == "-")).filter(|(name, _)| !before.contains(name)).collect()
    } else {
        let is_root = command.get_name() == "oras";
        let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
        let commands = commands.filter(|command| is_root || command.get_name() != "help");
        commands
            .map(|command| {
                (
                    command.get_name().to_owned(),
                    command.get_about().map(ToString::to_string).unwrap_or_default(),
                )
            })
            .collect()
    };
    found.retain(|(name, _)| name.starts_with(word));
    found.sort();
    found
}
