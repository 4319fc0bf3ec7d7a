//! `oras repo ls`

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    cli::{
        args::{self, Common, Examples, FormatFlags, Formats, Plain, Remote, Synopsis, Verbose},
        context::{Access, Context},
        error::Usage,
        output::Render,
    },
    oci::{self, Reference},
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras repo ls",
    arguments: "[flags] <registry>",
    advice: "Please specify the registry, with a namespace if you like.",
};

const EXAMPLES: Examples = &[
    ("List all repositories", "oras repo ls localhost:5000"),
    ("List those of a namespace", "oras repo ls localhost:5000/team"),
];

/// List the repositories of a registry
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Ls {
    /// Registry, with a namespace if only that is wanted
    #[arg(value_name = "REGISTRY[/NAMESPACE]")]
    arguments: Vec<String>,
    /// Start behind this repository
    #[arg(long, value_name = "REPOSITORY")]
    last: Option<String>,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    remote: Remote<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Ls) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    args.remote.check()?;
    let identity = context.identity(&args.remote)?;
    let format = args.format.parse(Formats::Text, &context.printer)?;
    let (host, namespace) = parse(raw)?;
    let registry = context.registry(&host, &args.remote, &args.common, identity, Access::Pull)?;
    let mut pages = std::pin::pin!(registry.catalog(args.last.as_deref()));
    let mut repositories = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| list_error(error, &host, &namespace))?;
        let names = page.into_iter().filter(|name| name.starts_with(&namespace));
        if format.is_text() {
            names.for_each(|name| context.printer.line(&name[namespace.len()..]));
            if context.printer.has_failed() {
                return Ok(());
            }
        } else {
            repositories.extend(names);
        }
    }
    if format.is_text() {
        Ok(())
    } else {
        context.printer.show(&Repositories { registry: host, repositories }, &format)
    }
}

fn list_error(error: crate::registry::Error, host: &str, namespace: &str) -> anyhow::Error {
    if error.response().is_some() {
        return error.into();
    }
    let prefix = if namespace.is_empty() { String::new() } else { format!(" with prefix {namespace:?}") };
    let cause = anyhow::Error::new(error);
    Usage::new(format!("could not list repositories for {host:?}{prefix}"))
        .advice(Usage::from(cause).to_string())
        .into()
}

/// Splits a registry from the namespace whose repositories are wanted; that ends with `/` or is empty.
fn parse(raw: &str) -> anyhow::Result<(String, String)> {
    let trimmed = raw.strip_suffix('/').unwrap_or(raw);
    if !trimmed.contains('/') {
        oci::validate_registry(trimmed).map_err(|error| anyhow::anyhow!("invalid reference: {error}"))?;
        return Ok((trimmed.to_owned(), String::new()));
    }
    let reference = Reference::parse(trimmed)
        .map_err(|error| anyhow::anyhow!("could not parse repository path: {error}"))?;
    if !reference.reference.is_empty() {
        anyhow::bail!(
            "could not parse repository path: tag or digest is not allowed: {:?}",
            reference.reference
        );
    }
    Ok((reference.registry, reference.repository + "/"))
}

struct Repositories {
    registry: String,
    repositories: Vec<String>,
}

impl Render for Repositories {
    fn text(&self) -> String {
        self.repositories.iter().map(|name| format!("{name}\n")).collect()
    }

    fn json(&self) -> Value {
        json!({ "registry": self.registry, "repositories": self.repositories })
    }
}
