//! `oras login`

use anyhow::Context as _;

use crate::{
    cli::{
        args::{self, Common, Examples, Flag, Plain, Remote, Synopsis, Verbose},
        context::{Access, Context, Identity},
        prompt,
    },
    credentials::{Credential, CredentialStore as _, storage_key},
    oci, registry,
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras login",
    arguments: "[flags] <registry>",
    advice: "Please specify the registry to log in to.",
};

const EXAMPLES: Examples = &[(
    "Log in with a password from standard input",
    "echo wonderland | oras login localhost:5000 --username alice --password-stdin",
)];

/// Log in to a registry
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Login {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    arguments: Vec<String>,
    /// Show which file or helper program has a credential for the registry or repository, and log in to nothing
    #[arg(long)]
    explain: Option<Flag>,
    #[command(flatten)]
    remote: Remote<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Login) -> anyhow::Result<()> {
    args.verbose.is_verbose(&context.printer);
    let [host] = args::exactly(&args.arguments, &SYNOPSIS)?;
    args.remote.check()?;
    if args::is_set(args.explain) {
        let chain = context.credentials(&args.remote.registry_config, args.common.is_debug())?;
        // A login may be kept for a part of a registry.
        let (host, repository) = host.split_once('/').unwrap_or((host, ""));
        for finding in chain.explain(host, repository).await {
            context.printer.line(&finding.to_string());
        }
        return Ok(());
    }
    let credential = match context.identity(&args.remote)?.into_credential() {
        Some(credential) if has_secret(&credential) => credential,
        _ => ask(context, args.remote.username.as_deref()).await?,
    };
    let credential = registry::acr::recognise(credential);
    if registry::acr::is_short_lived(&credential) {
        context.printer.notice("warning: this token ends within hours; `az acr login --expose-token` gives one that can be renewed");
    }
    let store = context.credentials(&args.remote.registry_config, args.common.is_debug())?;
    oci::validate_registry(host).map_err(|error| anyhow::anyhow!("invalid reference: {error}"))?;
    let identity = Identity::of(credential.duplicate());
    let registry =
        context.trusting_first_use().registry(host, &args.remote, &args.common, identity, Access::Pull)?;
    let failed = || format!("failed to validate the credentials for {host}");
    registry.ping().await.with_context(failed)?;
    // A token server that was trusted now is trusted with this credential from here on.
    let credential = credential.with_realm(registry.first_use().map(|realm| realm.to_string()));
    let failed = || format!("failed to store the credentials for {}", storage_key(host));
    store.store(host, &credential).await.with_context(failed)?;
    context.printer.line("Login Succeeded");
    Ok(())
}

fn has_secret(credential: &Credential) -> bool {
    credential.identity().is_some() || credential.basic().is_some_and(|(_, password)| !password.is_empty())
}

/// Asks for what is missing of a credential.
async fn ask(context: &Context, username: Option<&str>) -> anyhow::Result<Credential> {
    let username = match username.filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => prompt::line(&context.printer, "Username: ").await?.trim().to_owned(),
    };
    if username.is_empty() {
        let token = prompt::secret(&context.printer, "Token: ").await?;
        anyhow::ensure!(!token.is_empty(), "token required");
        return Ok(Credential::identity_token(token));
    }
    let password = prompt::secret(&context.printer, "Password: ").await?;
    anyhow::ensure!(!password.is_empty(), "password required");
    Ok(Credential::password(username, password))
}
