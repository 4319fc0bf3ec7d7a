//! Starting registries that other people wrote, each on a free loopback port and with a folder of its own.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    time::Duration,
};

use tempfile::TempDir;

use super::{signer::Signer, tls::Identity};

/// User and password of registries with a password file.
pub(crate) const USER: (&str, &str) = ("alice", "wonderland");
/// That user, as the password file has it.
const HTPASSWD: &str = "alice:$2b$05$oCJXvzFVfcWmg8wQJqyZ2elvTKkhSRF89TAXpc40wuxQ6QlSkiP5i\n";
/// How long a registry may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that tests can use if it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// What it is called on `PATH`.
    name: &'static str,
    /// What `tests/run.sh` calls it where it keeps what it has built; empty when it builds none.
    built: &'static str,
    /// How to get it.
    from: &'static str,
}

/// docker-registry 2.8, without the referrers API.
pub(crate) const DOCKER_REGISTRY: Program =
    Program::of_the_system("docker-registry", "apt-get install docker-registry");
/// The current registry of the CNCF, without the referrers API.
pub(crate) const DISTRIBUTION: Program =
    Program { name: "distribution", built: "distribution-v3.0.0", from: "bash tests/run.sh install" };
/// The registry of tests/registries/referrers, with the referrers API.
pub(crate) const REFERRERS_REGISTRY: Program =
    Program { name: "referrers-registry", built: "referrers-registry", from: "bash tests/run.sh install" };

impl Program {
    /// A program that comes with a package.
    pub(crate) const fn of_the_system(name: &'static str, from: &'static str) -> Self {
        Self { name, built: "", from }
    }

    /// Where it is. Without it, says that the test is skipped, or fails it with `CI=true`.
    #[track_caller]
    pub(crate) fn find(self) -> Option<PathBuf> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        // Servers of Debian's packages lie where only root looks.
        let folders = std::env::split_paths(&folders).chain(["/usr/sbin".into()]);
        let on_path = folders.map(|folder| folder.join(self.name));
        let kept =
            cache().filter(|_| !self.built.is_empty()).map(|folder| folder.join("bin").join(self.built));
        let found = kept.into_iter().chain(on_path).find(|path| path.is_file());
        if found.is_none() {
            skip(&format!("{} is missing ({})", self.name, self.from));
        }
        found
    }
}

/// Where `tests/run.sh` keeps what it has built.
fn cache() -> Option<PathBuf> {
    let own = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    Some(own.filter(|path| path.is_absolute()).or_else(home)?.join("oras-rs-tests"))
}

/// Says why a test is skipped, past the capture of its output; with `CI=true` the test fails.
#[track_caller]
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}");
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// A server that was started, and ends with the test.
pub(crate) struct Server {
    child: Child,
    /// Files it was started with, and what it stores.
    folder: TempDir,
    host: String,
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a program that says `listening on HOST:PORT` once it does.
    pub(crate) fn start(folder: TempDir, command: &mut Command) -> Self {
        let (mut server, address) = Self::launch(folder, command, "listening on ").unwrap_or_else(|log| {
            panic!("{command:?} does not listen:\n{log}");
        });
        let port = address.rsplit(':').next().unwrap_or_default();
        server.host = format!("localhost:{port}");
        server
    }

    /// Starts a program that was told where to listen, and says something once it does. The error is what
    /// it said instead.
    pub(crate) fn start_saying(
        folder: TempDir,
        command: &mut Command,
        sign: &'static str,
        host: String,
    ) -> Result<Self, String> {
        let (mut server, _) = Self::launch(folder, command, sign)?;
        server.host = host;
        Ok(server)
    }

    fn launch(folder: TempDir, command: &mut Command, sign: &'static str) -> Result<(Self, String), String> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (ready, heard) = mpsc::channel();
        let said = Arc::new(Mutex::new(String::new()));
        let (stderr, log) = (child.stderr.take(), said.clone());
        std::thread::spawn(move || {
            if let Some(stderr) = stderr {
                listen(BufReader::new(stderr), sign, &log, &ready);
            }
        });
        let server = Self { child, folder, host: String::new(), said };
        match heard.recv_timeout(PATIENCE) {
            Ok(rest) => Ok((server, rest)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(server.log()),
        }
    }

    /// `localhost:PORT`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// `localhost:PORT/NAME`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    /// What it has written on standard error.
    pub(crate) fn log(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps what a server says, and passes on what follows its sign that it is ready.
fn listen(lines: impl BufRead, sign: &str, log: &Mutex<String>, ready: &Sender<String>) {
    for line in lines.lines().map_while(Result::ok) {
        if let Some((_, rest)) = line.split_once(sign) {
            let end = rest.find(|c: char| c != ':' && c != '.' && !c.is_ascii_alphanumeric());
            let _ = ready.send(rest[..end.unwrap_or(rest.len())].to_owned());
        }
        let _ = writeln!(log.lock().unwrap(), "{line}");
    }
}

/// A registry of the distribution project, of either generation, before it is started.
pub(crate) struct Distribution {
    folder: TempDir,
    http: String,
    sections: String,
}

impl Distribution {
    /// Open to everybody, with deletes.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("oras-registry-").tempdir().unwrap();
        Self { folder, http: String::new(), sections: String::new() }
    }

    /// Only for [`USER`].
    pub(crate) fn with_password(mut self) -> Self {
        let path = self.write("htpasswd", HTPASSWD);
        write!(self.sections, "auth:\n  htpasswd:\n    realm: test\n    path: {path}\n").unwrap();
        self
    }

    /// With TLS.
    pub(crate) fn with_tls(mut self, identity: &Identity) -> Self {
        let certificate = self.write("server.pem", &identity.certificate);
        let key = self.write("server.key", &identity.key);
        write!(self.http, "  tls:\n    certificate: {certificate}\n    key: {key}\n").unwrap();
        self
    }

    /// Only for those with a token of this token server, which signs them so.
    pub(crate) fn with_tokens(mut self, realm: &str, service: &str, signer: &Signer) -> Self {
        let (bundle, issuer) = (self.write("tokens.pem", signer.certificate()), signer.issuer());
        write!(
            self.sections,
            "auth:\n  token:\n    realm: {realm}\n    service: {service}\n    issuer: {issuer}\n    \
             rootcertbundle: {bundle}\n"
        )
        .unwrap();
        self
    }

    /// As a cache of another registry, given by its URL.
    pub(crate) fn proxying(mut self, url: &str) -> Self {
        write!(self.sections, "proxy:\n  remoteurl: {url}\n").unwrap();
        self
    }

    /// Starts it; `None` when the program is missing.
    #[track_caller]
    pub(crate) fn start(self, program: Program) -> Option<Server> {
        let binary = program.find()?;
        let storage = self.folder.path().join("storage");
        let configuration = format!(
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    \
             enabled: true\nhttp:\n  addr: 127.0.0.1:0\n{}{}",
            storage.display(),
            self.http,
            self.sections
        );
        let path = self.write("registry.yml", &configuration);
        // Neither traces nor their exporter: nobody listens to them here.
        let mut command = Command::new(binary);
        command.args(["serve", &path]).env("OTEL_TRACES_EXPORTER", "none");
        Some(Server::start(self.folder, &mut command))
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Starts docker-registry 2.8, open to everybody.
#[track_caller]
pub(crate) fn docker_registry() -> Option<Server> {
    Distribution::new().start(DOCKER_REGISTRY)
}

/// Starts the current registry of the CNCF, open to everybody.
#[track_caller]
pub(crate) fn distribution() -> Option<Server> {
    Distribution::new().start(DISTRIBUTION)
}

/// Starts the registry that has the referrers API.
#[track_caller]
pub(crate) fn referrers_registry() -> Option<Server> {
    let mut command = Command::new(REFERRERS_REGISTRY.find()?);
    Some(Server::start(tempfile::tempdir().unwrap(), &mut command))
}
