//! How to reach a registry: identity, TLS, headers. Commands with two targets have each flag twice, as
//! `--from-…` and `--to-…`; the one definition here serves all three spellings.

use std::{marker::PhantomData, path::PathBuf, sync::Arc};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::{Flag, exclude, exclusive, is_set};
use crate::{cli::error::Usage, credentials::Secret};

/// Which target a group of flags belongs to.
pub(crate) trait Side: Clone + Send + Sync + 'static {
    /// What every flag of the side begins with.
    const PREFIX: &'static str;
    /// What the side's argument is called in help texts.
    const WHAT: &'static str;
    /// Heading of the side's flags in help texts.
    const HEADING: &'static str;
}

/// The only target of a command.
#[derive(Debug, Clone)]
pub(crate) struct Plain;
/// The source of a copy.
#[derive(Debug, Clone)]
pub(crate) struct FromSide;
/// The destination of a copy.
#[derive(Debug, Clone)]
pub(crate) struct ToSide;

impl Side for Plain {
    const PREFIX: &'static str = "";
    const WHAT: &'static str = "The target";
    const HEADING: &'static str = "Target";
}
impl Side for FromSide {
    const PREFIX: &'static str = "from-";
    const WHAT: &'static str = "The source";
    const HEADING: &'static str = "Source";
}
impl Side for ToSide {
    const PREFIX: &'static str = "to-";
    const WHAT: &'static str = "The destination";
    const HEADING: &'static str = "Destination";
}

/// How to reach a registry.
#[derive(Debug, Clone)]
pub(crate) struct Remote<S> {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Arc<Secret>>,
    pub(crate) password_stdin: Option<Flag>,
    pub(crate) identity_token: Option<Arc<Secret>>,
    pub(crate) identity_token_stdin: Option<Flag>,
    pub(crate) insecure: Option<Flag>,
    pub(crate) plain_http: Option<Flag>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) registry_config: Vec<PathBuf>,
    pub(crate) resolve: Vec<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) azure_auth: Option<Flag>,
    pub(crate) auth_realm: Vec<String>,
    pub(crate) mirrors: Option<String>,
    side: PhantomData<S>,
}

/// The name of a flag on one side, for both its spelling and its identity.
pub(super) fn long<S: Side>(name: &'static str) -> &'static str {
    const SIDED: [&str; 3] = ["", "from-", "to-"];
    debug_assert!(SIDED.contains(&S::PREFIX), "a side has one of the known prefixes");
    match (S::PREFIX, NAMES.iter().find(|names| names[0] == name)) {
        ("from-", Some(names)) => names[1],
        ("to-", Some(names)) => names[2],
        _ => name,
    }
}

/// The three spellings of each flag.
const NAMES: [[&str; 3]; 17] = [
    ["username", "from-username", "to-username"],
    ["password", "from-password", "to-password"],
    ["identity-token", "from-identity-token", "to-identity-token"],
    ["insecure", "from-insecure", "to-insecure"],
    ["plain-http", "from-plain-http", "to-plain-http"],
    ["ca-file", "from-ca-file", "to-ca-file"],
    ["cert-file", "from-cert-file", "to-cert-file"],
    ["key-file", "from-key-file", "to-key-file"],
    ["registry-config", "from-registry-config", "to-registry-config"],
    ["resolve", "from-resolve", "to-resolve"],
    ["header", "from-header", "to-header"],
    ["distribution-spec", "from-distribution-spec", "to-distribution-spec"],
    ["mirrors", "from-mirrors", "to-mirrors"],
    ["azure-auth", "from-azure-auth", "to-azure-auth"],
    ["auth-realm", "from-auth-realm", "to-auth-realm"],
    ["oci-layout", "from-oci-layout", "to-oci-layout"],
    ["oci-layout-path", "from-oci-layout-path", "to-oci-layout-path"],
];

/// A flag of one side that may have a truth value behind `=`.
pub(super) fn flag<S: Side>(name: &'static str) -> Arg {
    Arg::new(long::<S>(name))
        .long(long::<S>(name))
        .value_parser(clap::value_parser!(Flag))
        .action(ArgAction::Set)
}

/// The text of a flag of one side.
pub(super) fn text<S: Side>(matches: &ArgMatches, name: &'static str) -> Option<String> {
    matches.get_one::<String>(long::<S>(name)).cloned()
}

impl<S: Side> Args for Remote<S> {
    fn augment_args(command: Command) -> Command {
        let is_plain = S::PREFIX.is_empty();
        let heading = if is_plain { "Registry" } else { S::HEADING };
        let value = |name: &'static str, value_name: &'static str, help: &'static str| {
            Arg::new(long::<S>(name))
                .long(long::<S>(name))
                .value_name(value_name)
                .help(help)
                .help_heading(heading)
        };
        let path = |name, help| value(name, "FILE", help).value_parser(clap::value_parser!(PathBuf));
        let short = |arg: Arg, letter: char| if is_plain { arg.short(letter) } else { arg };
        let secret =
            clap::builder::ValueParser::from(|text: &str| Ok::<_, String>(Arc::new(Secret::new(text))));
        let command = command.args([
            short(value("username", "NAME", "User name for the registry"), 'u'),
            short(value("password", "PASSWORD", "Password, or identity token if there is no user name"), 'p')
                .value_parser(secret.clone()),
            value("identity-token", "TOKEN", "Identity token").value_parser(secret),
            flag::<S>("insecure").help("Accept any TLS certificate of the registry").help_heading(heading),
            flag::<S>("plain-http").help("Use http, not https [default for localhost]").help_heading(heading),
            path("ca-file", "Certificates that the registry's is checked against, as PEM"),
            path("cert-file", "Client certificate, as PEM"),
            path("key-file", "Key of the client certificate, as PEM"),
            path("registry-config", "File with credentials; may be given several times")
                .action(ArgAction::Append),
            short(
                value(
                    "header",
                    "NAME:VALUE",
                    "Header that is sent to the registry; may be given several times",
                ),
                'H',
            )
            .action(ArgAction::Append),
        ]);
        let resolve = value(
            "resolve",
            "HOST:PORT:ADDRESS[:PORT]",
            "Connect to this address instead; may be given several times",
        )
        .action(ArgAction::Append);
        let trust = value(
            "auth-realm",
            "ORIGIN",
            "Token server that may be given the credential, such as https://auth.example.com; may be given several times",
        )
        .action(ArgAction::Append);
        let azure = "Log in to Azure registries with the identity of this machine or of the Azure CLI [default: ORAS_AZURE_AUTH]";
        let mirrors = "Read through mirrors: auto, a folder of hosts.toml files or a registries.conf [default: ORAS_MIRRORS]";
        let command = command.args([
            resolve,
            trust,
            flag::<S>("azure-auth").help(azure).help_heading(heading),
            value("mirrors", "auto|PATH", mirrors),
        ]);
        if !is_plain {
            return command;
        }
        command.args([
            flag::<S>("password-stdin")
                .help("Read the password or identity token from standard input")
                .help_heading(heading),
            flag::<S>("identity-token-stdin")
                .help("Read the identity token from standard input")
                .help_heading(heading),
        ])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Side> FromArgMatches for Remote<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_plain = S::PREFIX.is_empty();
        let flag = |name| matches.get_one::<Flag>(long::<S>(name)).copied();
        let stdin = |name| if is_plain { flag(name) } else { None };
        let path = |name| {
            matches.get_one::<PathBuf>(long::<S>(name)).filter(|path| !path.as_os_str().is_empty()).cloned()
        };
        let secret = |name| matches.get_one::<Arc<Secret>>(long::<S>(name)).cloned();
        let texts =
            |name| matches.get_many::<String>(long::<S>(name)).into_iter().flatten().cloned().collect();
        Ok(Self {
            username: text::<S>(matches, "username"),
            password: secret("password"),
            password_stdin: stdin("password-stdin"),
            identity_token: secret("identity-token"),
            identity_token_stdin: stdin("identity-token-stdin"),
            insecure: flag("insecure"),
            plain_http: flag("plain-http"),
            ca_file: path("ca-file"),
            cert_file: path("cert-file"),
            key_file: path("key-file"),
            registry_config: matches
                .get_many(long::<S>("registry-config"))
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            resolve: texts("resolve"),
            headers: texts("header"),
            azure_auth: flag("azure-auth"),
            auth_realm: texts("auth-realm"),
            mirrors: text::<S>(matches, "mirrors"),
            side: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<S: Side> Remote<S> {
    /// Is a header given?
    pub(crate) fn has_headers(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Is a secret to be read from standard input?
    pub(crate) fn reads_stdin(&self) -> bool {
        is_set(self.password_stdin) || is_set(self.identity_token_stdin)
    }

    /// Refuses to read both a secret and a file from standard input.
    pub(crate) fn check_stdin(&self, file: &str) -> anyhow::Result<()> {
        if file == "-" && self.reads_stdin() {
            let flag =
                if is_set(self.password_stdin) { "--password-stdin" } else { "--identity-token-stdin" };
            anyhow::bail!(
                "`-` read file from input and `{flag}` read password from input cannot be both used"
            );
        }
        Ok(())
    }

    /// Checks which flags go together, and their syntax.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let name = |name| format!("--{}", long::<S>(name));
        let username = [(&*name("username"), self.username.is_some())];
        let password = [(&*name("password"), self.password.is_some())];
        let token = [(&*name("identity-token"), self.identity_token.is_some())];
        let token_stdin = [("--identity-token-stdin", self.identity_token_stdin.is_some())];
        let password_stdin = [("--password-stdin", self.password_stdin.is_some())];
        exclude(&username, &token)?;
        exclude(&username, &token_stdin)?;
        exclude(&password, &password_stdin)?;
        exclude(&password, &token)?;
        exclude(&password, &token_stdin)?;
        exclude(&password_stdin, &token)?;
        exclude(&password_stdin, &token_stdin)?;
        if self.identity_token.is_some() && self.identity_token_stdin.is_some() {
            return Err(exclusive(&["--identity-token", "--identity-token-stdin"]).into());
        }
        self.headers()?;
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => {
                anyhow::bail!("{} must be used in conjunction with {}", name("cert-file"), name("key-file"))
            }
            (None, Some(_)) => {
                anyhow::bail!("{} must be used in conjunction with {}", name("key-file"), name("cert-file"))
            }
            _ => Ok(()),
        }
    }

    /// The headers, split at their first colon.
    pub(crate) fn headers(&self) -> Result<Vec<(String, String)>, Usage> {
        let split = |raw: &String| {
            let (name, value) = raw.split_once(':').filter(|(name, _)| !name.trim().is_empty())?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        self.headers
            .iter()
            .map(|raw| split(raw).ok_or_else(|| Usage::new(format!("invalid header: {raw:?}"))))
            .collect()
    }
}

/// Which way referrers are listed and recorded.
#[derive(Debug, Clone)]
pub(crate) struct DistributionSpec<S> {
    mode: Option<SpecMode>,
    side: PhantomData<S>,
}

/// A value of `--distribution-spec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpecMode {
    /// The referrers API only.
    Api,
    /// The tag schema only.
    Tag,
}

impl<S: Side> DistributionSpec<S> {
    /// What is asked for; `None` means: find out.
    pub(crate) fn mode(&self) -> Option<SpecMode> {
        self.mode
    }
}

impl<S: Side> Args for DistributionSpec<S> {
    fn augment_args(command: Command) -> Command {
        let name = long::<S>("distribution-spec");
        let parse = |text: &str| match text {
            "v1.1-referrers-api" => Ok(SpecMode::Api),
            "v1.1-referrers-tag" => Ok(SpecMode::Tag),
            _ => Err(
                "unknown distribution specification\nAvailable options: v1.1-referrers-tag, v1.1-referrers-api",
            ),
        };
        let heading = if S::PREFIX.is_empty() { "Registry" } else { S::HEADING };
        let arg = Arg::new(name).long(name).value_name("SPEC").value_parser(parse).help_heading(heading);
        command.arg(arg.help(
            "[Preview] How referrers are kept: v1.1-referrers-api or v1.1-referrers-tag [default: find out]",
        ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Side> FromArgMatches for DistributionSpec<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { mode: matches.get_one(long::<S>("distribution-spec")).copied(), side: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
