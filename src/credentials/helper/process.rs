//! Starting a helper program, speaking to it, and ending it.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, Command},
};
use zeroize::Zeroizing;

use super::HelperError;
use crate::credentials::{Notice, Notify};

/// Longest answer that is read, in bytes.
const ANSWER_LIMIT: u64 = 1 << 20;

/// How much a helper may say on stderr, in bytes; what follows is dropped.
const STDERR_LIMIT: usize = 16 << 10;

/// How long the answer of a program that has ended is waited for: it may have left a process behind that
/// keeps the pipe open.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// What a program left behind.
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) status: String,
    pub(super) stdout: Zeroizing<Vec<u8>>,
    pub(super) stderr: String,
}

/// Another program that knows who we are.
pub(crate) struct Program {
    name: &'static str,
    path: PathBuf,
}

impl Program {
    /// Looks a program up, as helpers are.
    pub(crate) fn find(path: Option<&OsStr>, name: &'static str) -> Option<Self> {
        find(path, name).map(|path| Self { name, path })
    }

    /// Runs it, and gives what it printed. What it says besides is dropped.
    ///
    /// # Errors
    /// It cannot be run, takes too long or fails.
    pub(crate) async fn run(
        &self,
        arguments: &[&str],
        limit: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, HelperError> {
        let action = "get-access-token";
        let call = Call { program: self.name, action, arguments, input: "", limit };
        let silent: Notify = std::sync::Arc::new(|_| {});
        let output = run(&self.path, &call, &silent).await?;
        if output.success {
            return Ok(output.stdout);
        }
        let message = output.stderr.trim().chars().take(200).collect();
        Err(HelperError::Failed { program: self.name.to_owned(), action, message })
    }
}

/// What a program is called for.
pub(super) struct Call<'a> {
    pub(super) program: &'a str,
    /// The name of what it is to do, for messages.
    pub(super) action: &'static str,
    pub(super) arguments: &'a [&'a str],
    pub(super) input: &'a str,
    pub(super) limit: Duration,
}

/// Runs a program to its end, or to the end of its time.
pub(super) async fn run(path: &Path, call: &Call<'_>, notify: &Notify) -> Result<Output, HelperError> {
    let (program, action) = (call.program.to_owned(), call.action);
    let failed = |source| HelperError::Run { program: program.clone(), source };
    let mut child = start(path, call.arguments).await.map_err(failed)?;
    let mut group = Group::of(&child);
    let talk = talk(&mut child, call, notify);
    let Ok(result) = tokio::time::timeout(call.limit, talk).await else {
        return Err(HelperError::Timeout { program, action, seconds: call.limit.as_secs() });
    };
    let output = result.map_err(failed)?;
    if output.stdout.len() as u64 > ANSWER_LIMIT {
        return Err(HelperError::Answer { program, action, reason: "too long" });
    }
    group.spare();
    Ok(output)
}

/// Looks a program up in absolute folders only: what lies in the current folder was put there by others.
pub(super) fn find(path: Option<&OsStr>, program: &str) -> Option<PathBuf> {
    let extensions: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat"] } else { &[""] };
    env::split_paths(path?).filter(|folder| folder.is_absolute()).find_map(|folder| {
        let mut candidates = extensions.iter().map(|extension| folder.join(format!("{program}{extension}")));
        candidates.find(|candidate| is_executable(candidate))
    })
}

async fn start(path: &Path, arguments: &[&str]) -> io::Result<Child> {
    let mut command = Command::new(path);
    command.args(arguments).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    for _ in 0..50 {
        match command.spawn() {
            // Its file is just being replaced; that takes a moment.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            result => return result,
        }
    }
    command.spawn()
}

/// Writes the request and reads answer and messages at once, so that neither side waits for the other.
async fn talk(child: &mut Child, call: &Call<'_>, notify: &Notify) -> io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut answer, mut messages) = (Zeroizing::new(Vec::new()), String::new());
    let status = {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A helper that does not read what it is asked may still answer.
                let _ = stdin.write_all(call.input.as_bytes()).await;
                let _ = stdin.shutdown().await;
            }
        };
        let read = async {
            match stdout {
                Some(stdout) => stdout.take(ANSWER_LIMIT + 1).read_to_end(&mut answer).await.map(drop),
                None => Ok(()),
            }
        };
        let listen = async {
            if let Some(stderr) = stderr {
                forward(stderr, &mut messages, call.program, notify).await;
            }
        };
        let mut both = std::pin::pin!(async { tokio::join!(write, read, listen).1 });
        tokio::select! {
            result = &mut both => {
                result?;
                child.wait().await?
            }
            status = child.wait() => {
                let _ = tokio::time::timeout(DRAIN_LIMIT, &mut both).await;
                status?
            }
        }
    };
    Ok(Output { success: status.success(), status: status.to_string(), stdout: answer, stderr: messages })
}

/// Passes on what a helper says while it runs, such as the wish to touch a key.
async fn forward(stderr: ChildStderr, messages: &mut String, program: &str, notify: &Notify) {
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut lines).take(STDERR_LIMIT as u64).read_until(b'\n', &mut line).await {
        let text = clean(&String::from_utf8_lossy(&line));
        if messages.len() < STDERR_LIMIT && !text.is_empty() {
            notify(&Notice::HelperSays { program, text: &text });
            messages.push_str(&text);
            messages.push('\n');
        }
        line.clear();
    }
}

/// Drops what could steer a terminal.
pub(super) fn clean(text: &str) -> String {
    let visible = |c: char| if c == '\n' || c == '\t' { ' ' } else { c };
    text.trim().chars().map(visible).filter(|c| !c.is_control()).collect()
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let allowed = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let allowed = true;
    metadata.is_file() && allowed
}

/// The process group of a helper. Dropping it ends them all, unless they were spared.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(unix)]
    fn spare(&mut self) {
        self.leader = None;
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    fn spare(&mut self) {}
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
