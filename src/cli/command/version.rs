//! `oras version`

use crate::cli::{
    args::{self, Examples},
    context::Context,
    output::visible,
};

const EXAMPLES: Examples = &[("Show the version", "oras version")];

/// Show the version of this client
#[derive(Debug, clap::Args)]
#[command(after_help = args::examples(EXAMPLES))]
pub(crate) struct Version {
    #[arg(hide = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(context: &Context, args: &Version) -> anyhow::Result<()> {
    if !args.arguments.is_empty() {
        context
            .printer
            .notice(&format!("warning: arguments are ignored: {}", visible(&args.arguments.join(", "))));
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
