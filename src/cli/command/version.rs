//! `oras version`

use clap::ArgMatches;

use crate::cli::{
    args::{self, Examples},
    context::Context,
    output::visible,
};

const EXAMPLES: Examples = &[("Show the version", "oras version")];

/// The definition of the command. It is the one that is run to see whether the program is there at all, so it
/// does without a type for its arguments, and without a runtime.
pub(crate) fn define(command: clap::Command) -> clap::Command {
    command
        .about("Show the version of this client")
        .after_help(args::examples(EXAMPLES))
        .arg(clap::Arg::new("arguments").num_args(0..).hide(true))
}

pub(crate) fn run(context: &Context, given: &ArgMatches) -> anyhow::Result<()> {
    let arguments: Vec<&str> =
        given.get_many::<String>("arguments").into_iter().flatten().map(String::as_str).collect();
    if !arguments.is_empty() {
        context
            .printer
            .notice(&format!("warning: arguments are ignored: {}", visible(&arguments.join(", "))));
    }
    for (key, value) in [
        ("Version:", env!("CARGO_PKG_VERSION").to_owned()),
        ("Rust version:", env!("CARGO_PKG_RUST_VERSION").to_owned() + "+"),
        ("OS/Arch:", format!("{}/{}", operating_system(), crate::oci::own_architecture())),
    ] {
        context.printer.line(&format!("{key:<13} {value}"));
    }
    Ok(())
}

/// The operating system in Go's naming.
fn operating_system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}
