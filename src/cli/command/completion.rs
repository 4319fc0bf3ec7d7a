//! `oras completion`, and the hidden commands that complete words for scripts of other clients.

use clap_complete::Shell;

use crate::cli::{
    args::{self, Examples, Flag, is_set},
    context::Context,
    output::visible,
    reference,
};

const EXAMPLES: Examples = &[
    ("Complete in this shell", "source <(oras completion bash)"),
    ("Complete in every shell of zsh", "oras completion zsh > \"${fpath[1]}/_oras\""),
];

/// Print a script that completes commands and flags in a shell
#[derive(Debug, clap::Subcommand)]
#[command(subcommand_required = true, arg_required_else_help = true, after_help = args::examples(EXAMPLES))]
pub(crate) enum Completion {
    /// For bash
    Bash(Script),
    /// For fish
    Fish(Script),
    /// For PowerShell
    Powershell(Script),
    /// For zsh
    Zsh(Script),
}

/// How a script is made.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Script {
    /// Leave out what candidates are for
    #[arg(long)]
    no_descriptions: Option<Flag>,
}

impl Completion {
    /// Prints the script.
    pub(crate) fn run(&self, context: &Context) -> anyhow::Result<()> {
        let (shell, script, head) = match self {
            Self::Bash(script) => (
                Shell::Bash,
                script,
                "# bash completion V2 for oras                                 -*- shell-script -*-\n",
            ),
            Self::Fish(script) => (
                Shell::Fish,
                script,
                "# fish completion for oras                                 -*- shell-script -*-\n",
            ),
            Self::Powershell(script) => (
                Shell::PowerShell,
                script,
                "# powershell completion for oras                                 -*- shell-script -*-\n",
            ),
            Self::Zsh(script) => (Shell::Zsh, script, "#compdef oras\ncompdef _oras oras\n"),
        };
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
}

fn without_descriptions(command: clap::Command) -> clap::Command {
    command.about("").mut_args(|arg| arg.help("")).mut_subcommands(without_descriptions)
}

/// Words that are to be completed; the last may be empty.
#[derive(Debug, clap::Args)]
pub(crate) struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Prints the candidates for the last word, and whether files are candidates too.
pub(crate) fn complete(context: &Context, words: &Words, has_descriptions: bool) {
    let (last, before) =
        words.words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
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
fn candidates(command: &clap::Command, before: &[String], word: &str) -> Vec<(String, String)> {
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
