//! Helper programs, which keep credentials in a place of their own: `docker-credential-…`.
//!
//! A helper is started without a shell, in a process group of its own and under a time limit, so that one
//! that hangs is ended with everything it started. What it prints is taken for secret.

mod process;

use std::{
    collections::HashMap,
    ffi::OsString,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(crate) use process::Program;
use process::{Call, Output, clean};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::{Credential, Notify};

/// Why a helper program gave no answer. Holds nothing of a credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelperError {
    /// The name cannot be part of a program's name.
    #[error("{0:?} cannot be the name of a credential helper")]
    Name(String),
    /// There is no such program on the path.
    #[error("{0} is not installed")]
    Missing(String),
    /// It could not be started or spoken to.
    #[error("{program} cannot be run")]
    Run {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("{program} {action} did not answer within {seconds} seconds")]
    Timeout {
        /// The program.
        program: String,
        /// What it was to do.
        action: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// It says itself that it failed.
    #[error("{program} {action}: {message}")]
    Failed {
        /// The program.
        program: String,
        /// What it was to do.
        action: &'static str,
        /// What it said, without control characters.
        message: String,
    },
    /// Its answer is not what the protocol wants.
    #[error("{program} {action}: the answer is {reason}")]
    Answer {
        /// The program.
        program: String,
        /// What it was to do.
        action: &'static str,
        /// What is wrong with the answer.
        reason: &'static str,
    },
}

type Asked = Result<Option<Arc<Credential>>, Arc<HelperError>>;

/// Answers by program and key.
type Answers = HashMap<(String, String), Arc<OnceCell<Asked>>>;

/// Starts helper programs, and remembers what they said: each is asked once for a key. Clones share this.
#[derive(Clone)]
pub struct Helpers {
    inner: Arc<Inner>,
}

struct Inner {
    path: Option<OsString>,
    limits: Limits,
    notify: Notify,
    answers: Mutex<Answers>,
}

/// How long a helper may take. Storing takes longer, since a key chain may have to be unlocked.
#[derive(Debug, Clone, Copy)]
struct Limits {
    answer: Duration,
    store: Duration,
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helpers").finish_non_exhaustive()
    }
}

impl Helpers {
    /// Helpers are looked up in these folders, written as in `PATH`. What they say on stderr goes to `notify`.
    #[must_use]
    pub fn new(path: Option<OsString>, notify: Notify) -> Self {
        let limits = Limits { answer: Duration::from_secs(30), store: Duration::from_secs(60) };
        Self { inner: Arc::new(Inner { path, limits, notify, answers: Mutex::default() }) }
    }

    /// Asks for a credential; `None` when the helper has none.
    ///
    /// # Errors
    /// The helper is missing, hangs, fails or answers nonsense. The same error is given each time.
    pub async fn get(&self, suffix: &str, key: &str) -> Result<Option<Arc<Credential>>, Arc<HelperError>> {
        let cell = Arc::clone(self.answers().entry((suffix.to_owned(), key.to_owned())).or_default());
        cell.get_or_init(|| async { self.ask(suffix, key).await.map_err(Arc::new) }).await.clone()
    }

    /// Forgets what a helper said, so that it is asked again.
    pub fn forget(&self, suffix: &str, key: &str) {
        self.answers().remove(&(suffix.to_owned(), key.to_owned()));
    }

    /// Has a credential kept.
    ///
    /// # Errors
    /// The helper is missing, hangs or fails.
    pub async fn store(&self, suffix: &str, key: &str, credential: &Credential) -> Result<(), HelperError> {
        self.forget(suffix, key);
        let (username, secret) = match (credential.identity(), credential.basic()) {
            (Some(token), _) => (Credential::TOKEN_USER, token.expose()),
            (None, Some((username, password))) => (username, password.expose()),
            (None, None) => ("", ""),
        };
        let request = json!({"ServerURL": key, "Username": username, "Secret": secret});
        let request = Zeroizing::new(request.to_string());
        let output = self.run(suffix, "store", &request, self.inner.limits.store).await?;
        if output.success { Ok(()) } else { Err(output.failure(suffix, "store")) }
    }

    /// Has a credential forgotten. One that was never kept is success.
    ///
    /// # Errors
    /// The helper is missing, hangs or fails.
    pub async fn erase(&self, suffix: &str, key: &str) -> Result<(), HelperError> {
        self.forget(suffix, key);
        let output = self.run(suffix, "erase", key, self.inner.limits.answer).await?;
        if output.success || output.says_not_found() { Ok(()) } else { Err(output.failure(suffix, "erase")) }
    }

    async fn ask(&self, suffix: &str, key: &str) -> Result<Option<Arc<Credential>>, HelperError> {
        let output = self.run(suffix, "get", key, self.inner.limits.answer).await?;
        match output.success {
            true => parse_answer(&output.stdout)
                .map(|found| found.map(Arc::new))
                .map_err(|reason| HelperError::Answer { program: program(suffix), action: "get", reason }),
            false if output.says_not_found() => Ok(None),
            false => Err(output.failure(suffix, "get")),
        }
    }

    async fn run(
        &self,
        suffix: &str,
        action: &'static str,
        input: &str,
        limit: Duration,
    ) -> Result<Output, HelperError> {
        let program = program(suffix);
        if !is_name(suffix) {
            return Err(HelperError::Name(suffix.to_owned()));
        }
        let path = process::find(self.inner.path.as_deref(), &program)
            .ok_or_else(|| HelperError::Missing(program.clone()))?;
        let call = Call { program: &program, action, arguments: &[action], input, limit };
        process::run(&path, &call, &self.inner.notify).await
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.inner.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    /// By the protocol the message is on stdout; some helpers put it on stderr.
    fn says_not_found(&self) -> bool {
        let stdout = String::from_utf8_lossy(&self.stdout);
        [stdout.trim(), self.stderr.trim()].iter().any(|said| said.starts_with("credentials not found"))
    }

    fn failure(&self, suffix: &str, action: &'static str) -> HelperError {
        let stdout = clean(&String::from_utf8_lossy(&self.stdout));
        let said = [stdout.as_str(), &self.stderr].into_iter().map(str::trim).find(|said| !said.is_empty());
        // An answer beside a failure may hold the very secret.
        let message = match said {
            Some(said) if !said.contains("Secret") => said.chars().take(500).collect(),
            _ => self.status.clone(),
        };
        HelperError::Failed { program: program(suffix), action, message }
    }
}

/// Reads the answer of `get` (pure). Some helpers answer with empty texts instead of "not found".
fn parse_answer(stdout: &[u8]) -> Result<Option<Credential>, &'static str> {
    let answer: Value = serde_json::from_slice(stdout).map_err(|_| "not JSON")?;
    let answer = answer.as_object().ok_or("not an object")?;
    let text = |name: &str| match answer.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err("not made of texts"),
    };
    let credential = Credential::password(text("Username")?, text("Secret")?);
    Ok((!credential.is_empty()).then_some(credential))
}

fn program(suffix: &str) -> String {
    format!("docker-credential-{suffix}")
}

fn is_name(suffix: &str) -> bool {
    !suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
