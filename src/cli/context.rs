//! What every command is given: the printer, progress, and how to open a target.
//!
//! This is the only place that reads the environment and the clock.

use std::{
    io::{IsTerminal as _, Read as _},
    path::PathBuf,
    pin::Pin,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;

use super::{
    args::{Common, Kind, Located, Location, Remote, Side as _, SpecMode, TargetFlags},
    error::{self, TargetInfo, Targets},
    output::{Bars, Format, Lines, Log, Meter, Printer, Verbs, template},
    signals,
};
pub(crate) use crate::registry::Access;
use crate::{
    content::{self, ByteStream, Side, Source, TagPages, Target},
    credentials::{Chain, Credential, CredentialStore, Environment, Helpers, Memory, Notice, Notify, Secret},
    layout::Layout,
    oci::{Descriptor, Reference},
    progress::{Event, Progress},
    registry::{self, Registry, mirrors},
};

/// What every command is given.
pub(crate) struct Context {
    /// Where results and notices go.
    pub(crate) printer: Arc<Printer>,
    targets: Arc<Mutex<Targets>>,
    log: Arc<Mutex<Option<Arc<Log>>>>,
    referrers: registry::ReferrersMode,
    accept: Vec<String>,
    /// Is the token server that a registry names trusted, since the user is typing a credential for it?
    is_first_use: bool,
    /// Registries of this command, which may have work left when it ends.
    registries: Arc<Mutex<Vec<Registry>>>,
    /// The progress that was begun last: an error is not to be printed among rows that move.
    shown: Arc<Mutex<Option<Arc<Shown>>>>,
}

/// Who a user says to be on the command line.
#[derive(Default)]
pub(crate) struct Identity(Option<Credential>);

impl Identity {
    /// A given credential.
    pub(crate) fn of(credential: Credential) -> Self {
        Self(Some(credential))
    }

    /// The credential, if there is one.
    pub(crate) fn into_credential(self) -> Option<Credential> {
        self.0
    }
}

impl Context {
    /// The context of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            printer: Arc::new(Printer::standard(template_environment)),
            targets: Arc::default(),
            log: Arc::default(),
            referrers: registry::ReferrersMode::Auto,
            accept: Vec::new(),
            is_first_use: false,
            registries: Arc::default(),
            shown: Arc::default(),
        }
    }

    /// The same context for a target whose referrers are kept in a certain way.
    pub(crate) fn with_referrers(&self, mode: Option<SpecMode>) -> Self {
        let referrers = match mode {
            None => registry::ReferrersMode::Auto,
            Some(SpecMode::Api) => registry::ReferrersMode::Api,
            Some(SpecMode::Tag) => registry::ReferrersMode::Tag,
        };
        Self { referrers, ..self.duplicate() }
    }

    /// The same context for a registry that is asked for certain media types.
    pub(crate) fn accepting(&self, accept: Vec<String>) -> Self {
        Self { accept, ..self.duplicate() }
    }

    /// The same context for showing a credential for the first time.
    pub(crate) fn trusting_first_use(&self) -> Self {
        Self { is_first_use: true, ..self.duplicate() }
    }

    fn duplicate(&self) -> Self {
        Self {
            printer: self.printer.clone(),
            targets: self.targets.clone(),
            log: self.log.clone(),
            referrers: self.referrers,
            accept: self.accept.clone(),
            is_first_use: self.is_first_use,
            registries: self.registries.clone(),
            shown: self.shown.clone(),
        }
    }

    /// Runs a command to its end.
    pub(crate) fn block_on(
        &self,
        // Boxed, since all of this would be there once for each command otherwise.
        command: Pin<Box<dyn Future<Output = anyhow::Result<()>> + '_>>,
    ) -> anyhow::Result<()> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        let outcome = runtime.block_on(async {
            let stopped = signals::first_stop()?;
            let outcome = tokio::select! {
                outcome = command => outcome,
                Ok(status) = stopped => Err(Stopped(status).into()),
            };
            if outcome.is_err() {
                self.settle().await;
            }
            outcome
        });
        match &outcome {
            Ok(()) => runtime.shutdown_background(),
            // Threads that were writing remove what nobody will take up.
            Err(_) => runtime.shutdown_timeout(Duration::from_millis(250)),
        }
        outcome
    }

    /// Gives what a failed command left behind, such as an upload that is to be cancelled, a moment to end.
    async fn settle(&self) {
        let registries = std::mem::take(&mut *self.registries.lock().expect("no holder of this lock panics"));
        let finish = futures_util::future::join_all(registries.iter().map(Registry::finish));
        let _ = tokio::time::timeout(Duration::from_millis(600), finish).await;
    }

    /// Prints an error, and returns the status to exit with.
    pub(crate) fn fail(&self, error: &anyhow::Error) -> ExitCode {
        if let Some(shown) = &*self.shown.lock().expect("no holder of this lock panics") {
            shown.finish();
        }
        let targets = self.targets.lock().expect("no holder of this lock panics");
        self.printer.notice(&error::describe(error, &targets));
        error.downcast_ref::<Stopped>().map_or(ExitCode::FAILURE, |stopped| ExitCode::from(stopped.0))
    }

    /// The time, as annotations have it.
    pub(crate) fn now(&self) -> String {
        jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// May colours be used, as far as the terminal and the environment go?
    pub(crate) fn has_colours(&self) -> bool {
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Writes a warning to the log.
    pub(crate) fn warn(&self, text: &str) {
        self.log(&Common::default()).entry("WARNING", text);
    }

    /// How progress is shown: bars on a terminal, lines on standard output otherwise, nothing beside a result
    /// for programs.
    pub(crate) fn progress(
        &self,
        verbs: Verbs,
        format: &Format,
        common: &Common,
        is_verbose: bool,
    ) -> Arc<Shown> {
        let view = if common.allows_terminal() && is_capable_terminal() {
            View::Bars(Bars::new(self.printer.clone(), verbs, format.is_text(), self.has_colours()))
        } else if format.is_text() {
            View::Lines(Lines::new(self.printer.clone(), verbs, is_verbose))
        } else {
            View::Nothing
        };
        let shown = Arc::new(Shown { view, log: self.log(common) });
        *self.shown.lock().expect("no holder of this lock panics") = Some(shown.clone());
        shown
    }

    /// Shows how far one long step is, on a terminal; elsewhere there is nothing to be seen of it.
    pub(crate) fn meter(&self, word: &str, name: &str, common: &Common) -> Option<Meter> {
        (common.allows_terminal() && is_capable_terminal()).then(|| Meter::new(word, name))
    }

    /// Reads who the user says to be, from flags and standard input.
    pub(crate) fn identity<S: super::args::Side>(&self, remote: &Remote<S>) -> anyhow::Result<Identity> {
        if S::PREFIX.is_empty() {
            for (flag, secret) in [("password", &remote.password), ("identity-token", &remote.identity_token)]
            {
                if secret.is_some() {
                    self.printer.notice(&format!(
                        "WARNING! Using --{flag} via the CLI is insecure. Use --{flag}-stdin."
                    ));
                }
            }
        }
        let secret = match (&remote.password, &remote.identity_token) {
            (Some(secret), _) | (None, Some(secret)) => Some(secret.duplicate()),
            (None, None) if remote.reads_stdin() => Some(read_secret()?),
            (None, None) => None,
        };
        let username = remote.username.clone().unwrap_or_default();
        let credential = match secret {
            Some(secret) if !secret.is_empty() && username.is_empty() => {
                Credential::identity_token(secret.expose())
            }
            Some(secret) if !secret.is_empty() => Credential::password(username, secret.expose()),
            _ if !username.is_empty() => Credential::password(username, ""),
            _ => return Ok(Identity(None)),
        };
        Ok(Identity(Some(credential)))
    }

    /// The store of credentials that a command's flags ask for.
    pub(crate) fn credentials(&self, files: &[PathBuf], is_debug: bool) -> anyhow::Result<Chain> {
        let printer = self.printer.clone();
        let notify: Notify = Arc::new(move |notice: &Notice<'_>| {
            if is_debug || !notice.is_detail() {
                printer.notice(&notice.to_string());
            }
        });
        let environment = Environment::from_variables(|name| std::env::var_os(name));
        let helpers = Helpers::new(environment.path.clone(), notify.clone());
        Ok(Chain::open(crate::credentials::Options { files: files.to_vec(), environment, helpers, notify })?)
    }

    /// A registry by its host.
    pub(crate) fn registry<S: super::args::Side>(
        &self,
        host: &str,
        remote: &Remote<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Registry> {
        let options = self.options(host, remote, common, identity, access)?;
        Ok(self.keep(Registry::new(host, options)?))
    }

    /// Opens a target to read from it.
    pub(crate) async fn open_source<S: super::args::Side>(
        &self,
        located: &Located<S>,
        flags: &TargetFlags<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Arc<dyn Source>> {
        self.note(located, flags);
        match &located.location {
            Location::Registry(reference) => {
                self.readable(reference, &flags.remote, common, identity, access)
            }
            Location::Layout { path, .. } => Ok(Arc::new(Layout::open(path).await?)),
        }
    }

    /// A repository to read from, through mirrors if they are asked for.
    fn readable<S: super::args::Side>(
        &self,
        reference: &Reference,
        remote: &Remote<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Arc<dyn Source>> {
        let options = self.options(&reference.registry, remote, common, identity, access)?;
        let repository =
            self.keep(Registry::new(&reference.registry, options.clone())?).repository(&reference.repository);
        if !self.accept.is_empty() {
            return Ok(Arc::new(Accepting { repository: Arc::new(repository), accept: self.accept.clone() }));
        }
        let from_environment = || std::env::var("ORAS_MIRRORS").ok();
        let Some(choice) =
            remote.mirrors.clone().or_else(from_environment).filter(|choice| !choice.is_empty())
        else {
            return Ok(Arc::new(repository));
        };
        let environment = mirrors::Environment::from_variables(|name| std::env::var_os(name));
        Ok(Arc::new(mirrors::before(&repository, &mirrors::Choice::parse(&choice), &environment, &options)?))
    }

    /// Remembers a registry until the command ends.
    fn keep(&self, registry: Registry) -> Registry {
        self.registries.lock().expect("no holder of this lock panics").push(registry.clone());
        registry
    }

    /// Opens a target to write to it; a layout is created if there is none.
    pub(crate) async fn open_target<S: super::args::Side>(
        &self,
        located: &Located<S>,
        flags: &TargetFlags<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Arc<dyn Target>> {
        self.note(located, flags);
        match &located.location {
            Location::Registry(reference) => Ok(self.repository(reference, flags, common, identity, access)?),
            Location::Layout { path, .. } => Ok(Arc::new(Layout::create(path).await?)),
        }
    }

    /// Opens a target to write to it, which must be there.
    pub(crate) async fn open_existing<S: super::args::Side>(
        &self,
        located: &Located<S>,
        flags: &TargetFlags<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Arc<dyn Target>> {
        self.note(located, flags);
        match &located.location {
            Location::Registry(reference) => Ok(self.repository(reference, flags, common, identity, access)?),
            Location::Layout { path, .. } => Ok(Arc::new(Layout::open_writable(path).await?)),
        }
    }

    /// Opens a repository, for commands that work on nothing else.
    pub(crate) fn open_repository<S: super::args::Side>(
        &self,
        raw: &str,
        reference: &Reference,
        remote: &Remote<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Arc<registry::Repository>> {
        self.remember(raw, Kind::Registry, remote);
        let registry = self.registry(&reference.registry, remote, common, identity, access)?;
        Ok(Arc::new(registry.repository(&reference.repository)))
    }

    /// Opens a repository to read from it, for commands that work on nothing else.
    pub(crate) fn open_readable<S: super::args::Side>(
        &self,
        raw: &str,
        reference: &Reference,
        remote: &Remote<S>,
        common: &Common,
        identity: Identity,
    ) -> anyhow::Result<Arc<dyn Source>> {
        self.remember(raw, Kind::Registry, remote);
        self.readable(reference, remote, common, identity, Access::Pull)
    }

    /// Reads through the cache that the environment names, if it names one.
    pub(crate) async fn cached(&self, source: Arc<dyn Source>) -> anyhow::Result<Arc<dyn Source>> {
        let Some(folder) = std::env::var_os("ORAS_CACHE").filter(|folder| !folder.is_empty()) else {
            return Ok(source);
        };
        let cache = Layout::create(PathBuf::from(folder)).await?;
        Ok(Arc::new(crate::content::Cached::new(source, Arc::new(cache))))
    }

    fn repository<S: super::args::Side>(
        &self,
        reference: &Reference,
        flags: &TargetFlags<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<Arc<registry::Repository>> {
        let registry = self.registry(&reference.registry, &flags.remote, common, identity, access)?;
        Ok(Arc::new(registry.repository(&reference.repository)))
    }

    /// How a registry is reached, by flags and environment.
    pub(crate) fn options<S: super::args::Side>(
        &self,
        host: &str,
        remote: &Remote<S>,
        common: &Common,
        identity: Identity,
        access: Access,
    ) -> anyhow::Result<registry::Options> {
        let mut options = registry::Options::new(SystemTime::now);
        options.plain_http = remote.plain_http.map_or_else(|| is_localhost(host), |flag| flag.0);
        options.tls.insecure = super::args::is_set(remote.insecure);
        options.tls.ca_file.clone_from(&remote.ca_file);
        options.tls.identity = remote.cert_file.clone().zip(remote.key_file.clone());
        let home = std::env::var_os("HOME").map(PathBuf::from);
        options.tls.folders = registry::CertsD::usual(home.as_deref());
        options.tls.check()?;
        options.resolve = resolve(&remote.resolve)?;
        options.headers = remote.headers()?;
        options.referrers = self.referrers;
        options.access = access;
        options.proxies = registry::Proxies::from_variables(|name| std::env::var_os(name));
        options.lock_folder = cache_folder().map(|folder| folder.join("oras-rs"));
        options.auth.realms.first_use = self.is_first_use;
        options.auth.realms.accepted =
            remote.auth_realm.iter().map(|text| parse_realm(text)).collect::<Result<_, _>>()?;
        let wants_azure =
            std::env::var_os("ORAS_AZURE_AUTH").is_some_and(|value| value == "1" || value == "true");
        if remote.azure_auth.map_or(wants_azure, |flag| flag.0) {
            options.auth.azure = Some(registry::acr::Azure::from_variables(|name| std::env::var_os(name)));
        }
        options.trace = self.log(common);
        let given = identity.0.as_ref().map(Credential::fingerprint);
        let store: Arc<dyn CredentialStore> = match identity.0 {
            Some(credential) => Arc::new(Memory::new().with(host, credential)),
            None => Arc::new(self.credentials(&remote.registry_config, common.is_debug())?),
        };
        // Two sides with files of their own may be two users.
        options.identity = given.unwrap_or_else(|| store.fingerprint());
        options.auth.store = Some(store);
        Ok(options)
    }

    fn log(&self, common: &Common) -> Arc<Log> {
        let mut log = self.log.lock().expect("no holder of this lock panics");
        log.get_or_insert_with(|| {
            Arc::new(Log::new(self.printer.clone(), common.is_debug(), || jiff::Timestamp::now().to_string()))
        })
        .clone()
    }

    fn note<S: super::args::Side>(&self, located: &Located<S>, flags: &TargetFlags<S>) {
        self.remember(&located.raw, located.kind(), &flags.remote);
    }

    /// Remembers a target, for the words of an error.
    fn remember<S: super::args::Side>(&self, raw: &str, kind: Kind, remote: &Remote<S>) {
        let side = if S::PREFIX == super::args::FromSide::PREFIX { Side::Source } else { Side::Target };
        let credentials = match remote.registry_config.first() {
            Some(file) => Some(file.clone()),
            None => Environment::from_variables(|name| std::env::var_os(name)).default_file(),
        };
        let credentials = credentials.map(|path| path.display().to_string());
        let info = TargetInfo { side, kind, raw: raw.to_owned(), credentials };
        self.targets.lock().expect("no holder of this lock panics").0.push(info);
    }
}

/// The folder of this user for what can be made again.
fn cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
}

/// Reads the origin of a token server.
fn parse_realm(text: &str) -> anyhow::Result<registry::Origin> {
    let url = text.parse().with_context(|| format!("invalid --auth-realm {text:?}"))?;
    registry::Origin::of(&url)
        .with_context(|| format!("invalid --auth-realm {text:?}: expecting https://host[:port]"))
}

/// What templates may know of this process.
fn template_environment() -> template::Environment {
    template::Environment {
        variables: Arc::new(|name| std::env::var(name).ok()),
        now: jiff::Timestamp::now(),
        time_zone: jiff::tz::TimeZone::system(),
    }
}

/// A repository that is asked for certain media types.
struct Accepting {
    repository: Arc<registry::Repository>,
    accept: Vec<String>,
}

#[async_trait]
impl Source for Accepting {
    async fn resolve(&self, reference: &str) -> content::Result<Descriptor> {
        self.repository.resolve_accepting(reference, &self.accept).await
    }
    async fn fetch_manifest(&self, reference: &str) -> content::Result<(Descriptor, Bytes)> {
        self.repository.fetch_manifest_accepting(reference, &self.accept).await
    }
    async fn fetch_unverified(&self, node: &Descriptor, offset: u64) -> content::Result<ByteStream> {
        self.repository.fetch_unverified(node, offset).await
    }
    async fn exists(&self, node: &Descriptor) -> content::Result<bool> {
        self.repository.exists(node).await
    }
    async fn referrers(
        &self,
        subject: &Descriptor,
        artifact_type: Option<&str>,
    ) -> content::Result<Vec<Descriptor>> {
        self.repository.referrers(subject, artifact_type).await
    }
    async fn resolve_blob(&self, reference: &str) -> content::Result<Descriptor> {
        Source::resolve_blob(&*self.repository, reference).await
    }
    async fn fetch_blob(&self, reference: &str) -> content::Result<(Descriptor, ByteStream)> {
        self.repository.fetch_blob(reference).await
    }
    fn tags<'a>(&'a self, last: Option<&'a str>) -> TagPages<'a> {
        self.repository.tags(last)
    }
}

/// Progress as it is shown, until the result follows.
pub(crate) struct Shown {
    view: View,
    log: Arc<Log>,
}

enum View {
    /// Bars on standard error.
    Bars(Bars),
    /// Lines on standard output.
    Lines(Lines),
    /// Nothing.
    Nothing,
}

impl Shown {
    /// Ends what moves on a terminal, before the result is printed.
    pub(crate) fn finish(&self) {
        if let View::Bars(bars) = &self.view {
            bars.finish();
        }
    }
}

impl Progress for Shown {
    fn event(&self, event: Event<'_>) {
        if let Event::Ignored { listed, subject } = event {
            let digest = &listed.digest;
            self.log.detail(&format!(
                "{digest} is listed as a referrer of {subject}, but is not attached to it: it is ignored"
            ));
            return;
        }
        match &self.view {
            View::Bars(bars) => bars.event(event),
            View::Lines(lines) => lines.event(event),
            View::Nothing => {}
        }
    }
}

/// Is standard error a terminal that can move its cursor?
fn is_capable_terminal() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A signal ended the command.
#[derive(Debug, thiserror::Error)]
#[error("{}: the command was stopped", if *.0 == 130 { "interrupted" } else { "terminated" })]
struct Stopped(u8);

/// Is plain http the default for this host?
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.strip_prefix("localhost:").is_some()
}

/// Reads a secret from standard input: everything but a final line feed and carriage return.
fn read_secret() -> anyhow::Result<Secret> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("read the secret from standard input")?;
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    let secret = Secret::new(trimmed);
    zeroize::Zeroize::zeroize(&mut text);
    Ok(secret)
}

/// Reads `host:port:address[:port]`; addresses of IPv6 stand in brackets.
fn resolve(entries: &[String]) -> anyhow::Result<Vec<registry::Resolve>> {
    entries
        .iter()
        .map(|entry| parse_resolve(entry).with_context(|| format!("failed to parse resolve flag {entry:?}")))
        .collect()
}

fn parse_resolve(entry: &str) -> anyhow::Result<registry::Resolve> {
    let (host, rest) = split_host(entry).context("expecting host:port:address[:address_port]")?;
    let (port, rest) = rest.split_once(':').context("expecting host:port:address[:address_port]")?;
    let port: u16 = port.parse().context("expecting uint64 host port")?;
    let whole = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
    let (address, address_port) = match (whole.parse(), split_host(rest)) {
        (Ok(address), _) => (address, port),
        (Err(_), Some((address, port))) => (
            address.parse::<std::net::IpAddr>().context("expecting an IP address")?,
            port.parse().context("expecting uint64 address port")?,
        ),
        (Err(_), None) => anyhow::bail!("expecting an IP address"),
    };
    Ok(registry::Resolve { host: host.to_owned(), port, address: (address, address_port).into() })
}

/// Splits at the first colon outside brackets; brackets are removed.
fn split_host(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => text.split_once(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolve_entry_takes_both_families_of_addresses() {
        for (entry, host, address) in [
            ("reg.example:443:127.0.0.1", "reg.example", "127.0.0.1:443"),
            ("reg.example:443:127.0.0.1:5000", "reg.example", "127.0.0.1:5000"),
            ("reg.example:443:[::1]:5000", "reg.example", "[::1]:5000"),
            ("reg.example:443:[::1]", "reg.example", "[::1]:443"),
            ("[::2]:443:::1", "::2", "[::1]:443"),
        ] {
            let parsed = parse_resolve(entry).unwrap_or_else(|error| panic!("{entry}: {error:#}"));
            assert_eq!(
                (parsed.host.as_str(), parsed.address.to_string().as_str()),
                (host, address),
                "{entry}"
            );
        }
        for bad in ["", "a", "a:b", "a:b:c", "a:443:x", "a:443:127.0.0.1:x", "a:99999:127.0.0.1"] {
            assert!(parse_resolve(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_very_name_localhost_is_plain_by_default() {
        assert!(is_localhost("localhost") && is_localhost("localhost:5000"));
        assert!(
            !is_localhost("LOCALHOST:5000")
                && !is_localhost("127.0.0.1:5000")
                && !is_localhost("localhost.example")
        );
    }
}
