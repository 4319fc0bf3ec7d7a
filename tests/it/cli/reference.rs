//! The pages about commands, in `docs/commands` and `docs/man`, are made of the definition that the program has.
//!
//! `ORAS_WRITE_DOCS=1 cargo it cli::reference` writes them again.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use clap::{Arg, Command};

/// How the pages are written again.
const AGAIN: &str = "ORAS_WRITE_DOCS=1 cargo it cli::reference";

/// The definition, as it is shown to people.
pub(super) fn definition() -> Command {
    let mut root = oras::cli::reference();
    root.build();
    root
}

/// The commands below one that people are told of, without `help`.
pub(super) fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
}

/// A command as it is typed, such as `oras blob fetch`.
pub(super) fn path_of(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// The examples of a command: what each does, and its lines.
pub(super) fn examples(command: &Command) -> Vec<(String, String)> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    assert!(matches!(lines.next(), None | Some("Examples:")), "{text}");
    let mut found: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("# "), found.last_mut()) {
            (Some(what), _) => found.push((what.to_owned(), String::new())),
            (None, Some((_, lines))) if lines.is_empty() => line.clone_into(lines),
            (None, Some((_, lines))) => lines.extend(["\n", line]),
            (None, None) => panic!("{}: nothing says what {line:?} is for", path_of(command)),
        }
    }
    found
}

#[test]
fn the_pages_about_commands_are_those_of_the_definition() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut pages = BTreeMap::new();
    collect(&definition(), &mut pages);
    let is_to_write = std::env::var_os("ORAS_WRITE_DOCS").is_some();
    let mut problems = Vec::new();
    for folder in ["commands", "man"] {
        let folder = docs.join(folder);
        if is_to_write {
            // Pages of commands that are no more go.
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
        }
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if !pages.contains_key(path.strip_prefix(&docs).unwrap().to_str().unwrap()) {
                problems.push(format!("{} is the page of no command", path.display()));
            }
        }
    }
    for (name, text) in &pages {
        if is_to_write {
            fs::write(docs.join(name), text).unwrap();
        }
        let there = fs::read_to_string(docs.join(name)).unwrap_or_default();
        if there != *text {
            let line = there.lines().zip(text.lines()).position(|(there, line)| there != line);
            let line = line.unwrap_or_else(|| there.lines().count().min(text.lines().count()));
            let expected = text.lines().nth(line).unwrap_or_default();
            problems.push(format!("docs/{name}:{}: expected {expected:?}", line + 1));
        }
    }
    assert!(problems.is_empty(), "{}\nthe pages are written again by: {AGAIN}", problems.join("\n"));
}

#[test]
fn every_command_says_what_it_is_for_and_has_examples() {
    fn check(command: &Command) {
        let path = path_of(command);
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(about.len() > 5 && !about.ends_with('.'), "{path}: {about:?}");
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 5 && !help.ends_with('.'), "{path} {}: {help:?}", arg.get_id());
            assert!(arg.get_long().is_some(), "{path} {}", arg.get_id());
        }
        for (what, line) in examples(command) {
            assert!(line.contains("oras ") && !what.is_empty(), "{path}: {what:?} {line:?}");
        }
        let is_shell = path.starts_with("oras completion ");
        assert!(
            command.has_subcommands() || is_shell || !examples(command).is_empty(),
            "{path}: no examples"
        );
        shown(command).for_each(check);
    }
    check(&definition());
}

/// The pages of a command and of those below it: their names below `docs`, and their text.
fn collect(root: &Command, pages: &mut BTreeMap<String, String>) {
    fn manuals(command: &Command, pages: &mut BTreeMap<String, String>) {
        pages.insert(format!("man/{}.1", path_of(command).replace(' ', "-")), manual(command));
        shown(command).for_each(|below| manuals(below, pages));
    }
    manuals(root, pages);
    let mut list = format!("# Commands\n\n{}\n\n| command | what it does |\n|---|---|\n", notice());
    for command in shown(root) {
        let name = command.get_name();
        writeln!(list, "| [`oras {name}`]({name}.md) | {} |", about(command)).unwrap();
        pages.insert(format!("commands/{name}.md"), page(command));
    }
    list.push_str(
        "\nThe same as manual pages lie in [docs/man](../man): `man -l docs/man/oras-push.1`. `oras help push` and\n\
         `oras push --help` say the same in a terminal.\n",
    );
    pages.insert("commands/README.md".to_owned(), list);
}

fn notice() -> String {
    format!("<!-- Made of the program's own definition; `{AGAIN}` writes it again. -->")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// A page in Markdown about a command or a group of them.
fn page(command: &Command) -> String {
    let mut text = format!("# {}\n\n{}\n", path_of(command), notice());
    describe(command, &mut text);
    text
}

fn describe(command: &Command, text: &mut String) {
    let path = path_of(command);
    let mut add = |part: String| write!(text, "\n{part}\n").unwrap();
    add(about(command));
    let usage = command.get_overridden_usage().map(ToString::to_string);
    let usage = usage.unwrap_or_else(|| {
        if command.has_subcommands() { format!("{path} COMMAND") } else { path.to_owned() }
    });
    add(format!("```text\n{usage}\n```"));
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    if !aliases.is_empty() {
        add(format!("Other names: {}", aliases.join(", ")));
    }
    let examples = examples(command);
    if !examples.is_empty() {
        let lines: Vec<String> = examples.iter().map(|(what, line)| format!("# {what}\n{line}")).collect();
        add(format!("```sh\n{}\n```", lines.join("\n\n")));
    }
    for (heading, flags) in flags(command) {
        let rows: Vec<String> = flags.into_iter().map(row).collect();
        add(format!("| {heading} | what it does | default |\n|---|---|---|\n{}", rows.join("\n")));
    }
    for below in shown(command) {
        write!(text, "\n## {}\n", path_of(below)).unwrap();
        describe(below, text);
    }
}

/// The flags of a command under their headings, in the order of the help text.
fn flags(command: &Command) -> Vec<(&str, Vec<&Arg>)> {
    let mut found: Vec<(&str, Vec<&Arg>)> = Vec::new();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_long() != Some("help"));
    for arg in shown {
        let heading = arg.get_help_heading().unwrap_or("Options");
        match found.iter_mut().find(|(name, _)| *name == heading) {
            Some((_, flags)) => flags.push(arg),
            None => found.push((heading, vec![arg])),
        }
    }
    for (_, flags) in &mut found {
        flags.sort_by_key(|arg| arg.get_long());
    }
    found.sort_by_key(|(heading, _)| *heading != "Options");
    found
}

fn row(arg: &Arg) -> String {
    let short = arg.get_short().map(|letter| format!("-{letter}, ")).unwrap_or_default();
    let values = arg.get_value_names().unwrap_or_default();
    let takes_value = arg.get_num_args().is_some_and(|count| count.takes_values());
    let value =
        if takes_value { values.iter().map(|name| format!(" <{name}>")).collect() } else { String::new() };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // A default that depends on something else is said in words.
    let (help, said) = match help.rsplit_once(" [default") {
        Some((help, default)) => {
            let default = default.trim_start_matches(':').trim().trim_end_matches(']');
            (help.to_owned(), Some(default.to_owned()))
        }
        None => (help, None),
    };
    let default = arg.get_default_values().first().map(|value| format!("`{}`", value.to_string_lossy()));
    let default = default.filter(|_| takes_value).or(said).unwrap_or_default();
    let flag = format!("{short}--{}{value}", arg.get_long().unwrap_or_default());
    format!("| `{}` | {} | {} |", flag.replace('|', "\\|"), help.replace('|', "\\|"), default)
}

/// A manual page. Examples are set by hand, since their lines must not be filled.
fn manual(command: &Command) -> String {
    let name = path_of(command).replace(' ', "-");
    let manual = clap_mangen::Man::new(command.clone().display_name(name.clone()))
        .title(name.to_uppercase())
        .date("")
        .source("oras")
        .manual("Commands of oras");
    let mut bytes = Vec::new();
    manual.render_title(&mut bytes).unwrap();
    manual.render_name_section(&mut bytes).unwrap();
    manual.render_synopsis_section(&mut bytes).unwrap();
    manual.render_options_section(&mut bytes).unwrap();
    let mut text = String::from_utf8(bytes).unwrap();
    let escape = |line: &str| line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        write!(text, ".SH \"OTHER NAMES\"\n{}\n", escape(&aliases.join(", "))).unwrap();
    }
    if command.has_subcommands() {
        text.push_str(".SH COMMANDS\n");
        for below in shown(command) {
            let name = escape(&path_of(below).replace(' ', "-"));
            write!(text, ".TP\n\\fB{name}\\fR(1)\n{}\n", escape(&about(below))).unwrap();
        }
    }
    let examples = examples(command);
    if !examples.is_empty() {
        text.push_str(".SH EXAMPLES\n");
        for (what, line) in examples {
            write!(text, ".PP\n{}\n.PP\n.nf\n.RS 4\n{}\n.RE\n.fi\n", escape(&what), escape(&line)).unwrap();
        }
    }
    text
}
