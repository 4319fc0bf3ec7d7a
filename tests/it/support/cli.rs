//! Running the binary in a folder of its own.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::Mutex,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
};

use super::{expect, layout::LayoutFolder, registry::TestRegistry, runtime::SERVERS};

/// A command that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Variables that are passed on to the binary; all others are not.
const KEPT: &[&str] = &["LLVM_PROFILE_FILE", "SYSTEMROOT"];

/// Folder of a test's own programs.
const PROGRAMS: &str = ".bin";

/// The binary under test: `ORAS_BIN`, or the one that was built with the tests.
pub(crate) fn binary() -> PathBuf {
    let named = std::env::var_os("ORAS_BIN").map(|path| std::path::absolute(path).unwrap());
    named.unwrap_or_else(|| env!("CARGO_BIN_EXE_oras").into())
}

/// A folder that is home and working folder of every command that is run in it.
pub(crate) struct Test {
    folder: TempDir,
    environment: Mutex<Vec<(String, String)>>,
    /// Texts that differ from run to run, and what stands for them.
    varying: Mutex<Vec<(String, String)>>,
}

impl Test {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("oras-test-").tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().to_str().unwrap().to_owned();
        let varying = vec![(path, "[TEST]".to_owned())];
        Self { folder, environment: Mutex::default(), varying: Mutex::new(varying) }
    }

    /// A folder with a layout of this name, in which `tag` is an artifact of one file, `hi.txt`.
    pub(crate) fn with_layout(name: &str, tag: &str) -> Self {
        let test = Self::new();
        let layout = test.layout(name);
        let node = layout.insert_artifact("application/vnd.example", &[("hi.txt", b"hi")]);
        layout.tag(tag, &node);
        test
    }

    /// A folder, and a registry that is `[REGISTRY]` in what is printed.
    pub(crate) fn with_registry() -> (Self, TestRegistry) {
        let (test, registry) = (Self::new(), TestRegistry::start_blocking());
        test.names(&registry.host(), "[REGISTRY]");
        (test, registry)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path within the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A layout in the folder, made if it is not there.
    pub(crate) fn layout(&self, name: &str) -> LayoutFolder {
        let path = self.path(name);
        if path.join("oci-layout").exists() { LayoutFolder::open(path) } else { LayoutFolder::create(path) }
    }

    /// Writes a file, and the folders it lies in.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Reads a file as text.
    pub(crate) fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Is there something of this name?
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// All files in a subfolder (`.` is the folder itself), as sorted paths relative to it.
    pub(crate) fn files(&self, name: &str) -> Vec<String> {
        let root = self.path(name);
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// Sets a variable for the commands that follow.
    pub(crate) fn set(&self, name: &str, value: impl Into<String>) -> &Self {
        self.environment.lock().unwrap().push((name.to_owned(), value.into()));
        self
    }

    /// Says what stands for a text that differs from run to run.
    pub(crate) fn names(&self, text: &str, placeholder: &str) -> &Self {
        self.varying.lock().unwrap().push((text.to_owned(), placeholder.to_owned()));
        self
    }

    /// Runs a command without input. `[REGISTRY]` and the like in arguments are replaced by what they
    /// stand for.
    pub(crate) fn oras<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.oras_with_input(arguments, "")
    }

    /// Runs a command with input.
    pub(crate) fn oras_with_input<S: AsRef<str>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: impl AsRef<[u8]>,
    ) -> Outcome {
        let mut running = self.start(arguments);
        running.input = input.as_ref().to_vec();
        running.wait()
    }

    /// Runs a line of shell in the folder, with the environment that the binary gets.
    pub(crate) fn shell(&self, line: &str) -> Outcome {
        let mut command = self.command("bash");
        command.args(["-c", line]);
        let _runtime = SERVERS.enter();
        let child = command.spawn().unwrap();
        let varying = self.varying.lock().unwrap().clone();
        Running { child, input: Vec::new(), arguments: vec![line.to_owned()], varying }.wait()
    }

    /// Starts a command, and does not wait for it.
    pub(crate) fn start<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        self.launch(&binary(), arguments, |_| {})
    }

    /// Starts a program, changed as wanted.
    pub(super) fn launch<S: AsRef<str>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        change: impl FnOnce(&mut Command),
    ) -> Running {
        let varying = self.varying.lock().unwrap().clone();
        let fill = |argument: S| {
            let text = argument.as_ref().to_owned();
            varying.iter().fold(text, |text, (value, name)| text.replace(name, value))
        };
        let arguments: Vec<String> = arguments.into_iter().map(fill).collect();
        let mut command = self.command(program);
        change(command.args(&arguments));
        let _runtime = SERVERS.enter();
        let child = command.spawn().unwrap();
        Running { child, input: Vec::new(), arguments, varying }
    }

    /// Puts a program where the commands that follow find it before all others.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(PROGRAMS).join(name);
        self.write(&format!("{PROGRAMS}/{name}"), text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Any program, in the folder and with the environment that the binary gets.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder())
            .env_clear()
            .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("PATH", self.search_path())
            .env("HOME", self.folder())
            .env("DOCKER_CONFIG", self.path(".docker"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(self.environment.lock().unwrap().clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn search_path(&self) -> OsString {
        let system = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.path(PROGRAMS)].into_iter().chain(std::env::split_paths(&system));
        std::env::join_paths(folders).unwrap()
    }
}

/// A command that was started.
pub(crate) struct Running {
    child: Child,
    input: Vec<u8>,
    arguments: Vec<String>,
    varying: Vec<(String, String)>,
}

impl Running {
    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let Some(id) = self.child.id() else { return };
        let sent = std::process::Command::new("kill").args([format!("-{name}"), id.to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _runtime = SERVERS.enter();
        // It may have ended by itself.
        let _ = self.child.start_kill();
    }

    /// Waits until it has ended; its output is still to be had from [`wait`](Self::wait).
    pub(crate) async fn ends(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Waits for its end.
    pub(crate) fn wait(self) -> Outcome {
        // A thread of its own, so that async tests can run commands as well.
        let arguments = self.arguments.join(" ");
        let waiting = std::thread::spawn(|| SERVERS.block_on(finish(self.child, self.input)));
        let output = waiting.join().unwrap();
        let output = output.unwrap_or_else(|| panic!("oras {arguments}: no end after {LIMIT:?}"));
        let plain = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.varying.iter().fold(text, |text, (value, name)| text.replace(value, name))
        };
        Outcome {
            stdout: plain(&output.stdout),
            stderr: plain(&output.stderr),
            raw: output.stdout,
            code: output.status.code(),
            signal: output.status.signal(),
            command: plain(format!("oras {arguments}").as_bytes()),
        }
    }
}

async fn finish(mut child: Child, input: Vec<u8>) -> Option<Output> {
    let stdin = child.stdin.take();
    let feed = tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // A command need not read what it is given.
            let _ = stdin.write_all(&input).await;
        }
    });
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await.ok()?.unwrap();
    feed.abort();
    Some(output)
}

/// What a command did. Registries and folders are replaced by `[REGISTRY]` and `[TEST]` in its output.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The command line.
    pub(crate) command: String,
    /// Exit status; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said on the side.
    pub(crate) stderr: String,
    /// What it printed, byte by byte.
    pub(crate) raw: Vec<u8>,
}

impl Outcome {
    /// The exit status is 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits_with(0)
    }

    /// The exit status is 1.
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        self.exits_with(1)
    }

    /// The exit status is this one.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Standard output is this text: placeholders stand for what varies, status lines come in any order.
    #[track_caller]
    pub(crate) fn prints(self, expected: &str) -> Self {
        let compared = expect::compare(expected, &self.stdout);
        self.check("stdout", compared)
    }

    /// Standard output has this text in it.
    #[track_caller]
    pub(crate) fn stdout_contains(self, expected: &str) -> Self {
        let found = expect::contains(expected, &self.stdout);
        self.check("stdout", found)
    }

    /// Nothing was printed on standard output.
    #[track_caller]
    pub(crate) fn prints_nothing(self) -> Self {
        self.prints("")
    }

    /// Standard error is this text.
    #[track_caller]
    pub(crate) fn stderr_is(self, expected: &str) -> Self {
        let compared = expect::compare(expected, &self.stderr);
        self.check("stderr", compared)
    }

    /// Standard error has this text in it.
    #[track_caller]
    pub(crate) fn stderr_contains(self, expected: &str) -> Self {
        let found = expect::contains(expected, &self.stderr);
        self.check("stderr", found)
    }

    /// Standard error has so many lines, blank ones apart, and one of them begins with this text.
    #[track_caller]
    pub(crate) fn says(self, lines: usize, start: &str) -> Self {
        let said: Vec<_> = self.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        let fits = said.len() == lines && said.iter().any(|line| line.starts_with(start));
        assert!(fits, "{lines} lines with {start:?} on standard error expected: {self:#?}");
        self
    }

    /// Neither stream has this text in it: for secrets and the like.
    #[track_caller]
    pub(crate) fn never_says(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "says {text:?}: {self:#?}");
        self
    }

    /// Nothing was said on standard error.
    #[track_caller]
    pub(crate) fn says_nothing_aside(self) -> Self {
        self.stderr_is("")
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.raw).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    #[track_caller]
    fn check(self, stream: &str, result: Result<(), String>) -> Self {
        if let Err(difference) = result {
            panic!(
                "{} (status {:?}): {stream}\n{difference}\nstderr: {}",
                self.command, self.code, self.stderr
            );
        }
        self
    }
}
