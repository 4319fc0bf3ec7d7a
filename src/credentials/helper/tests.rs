//! Helpers as shell scripts: every way to answer, and to fail to.

use std::{env, fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::*;
use crate::credentials::Secret;

/// A folder with one helper program, which is a shell script.
struct Folder {
    folder: tempfile::TempDir,
    notices: Arc<Mutex<Vec<String>>>,
    limit: Duration,
}

impl Folder {
    fn with(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker-credential-fake");
        let script = format!("#!/bin/sh\ncd '{}'\n{script}\n", folder.path().display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, notices: Arc::default(), limit: Duration::from_secs(30) }
    }

    fn impatient(mut self) -> Self {
        self.limit = Duration::from_millis(300);
        self
    }

    fn helpers(&self) -> Helpers {
        let notices = Arc::clone(&self.notices);
        let notify: Notify = Arc::new(move |notice| notices.lock().unwrap().push(notice.to_string()));
        let limits = Limits { answer: self.limit, store: self.limit };
        let path = env::join_paths([Path::new("/nowhere"), self.folder.path(), Path::new("/bin")]).unwrap();
        Helpers { inner: Arc::new(Inner { path: Some(path), limits, notify, answers: Mutex::default() }) }
    }

    async fn get(&self) -> Result<Option<Arc<Credential>>, String> {
        self.helpers().get("fake", "a.io").await.map_err(|error| error.to_string())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

fn basic(credential: &Credential) -> (&str, &str) {
    let (username, password) = credential.basic().unwrap();
    (username, password.expose())
}

#[tokio::test]
async fn a_helper_is_asked_by_key_on_stdin() {
    let folder = Folder::with(
        r#"cat > asked; echo "$@" > verb; echo '{"ServerURL":"a.io","Username":"u","Secret":"s"}'"#,
    );
    let found = folder.get().await.unwrap().unwrap();
    assert_eq!(basic(&found), ("u", "s"));
    assert_eq!((folder.read("asked"), folder.read("verb")), ("a.io".into(), "get\n".into()));
}

#[tokio::test]
async fn the_token_user_means_an_identity_token() {
    let folder = Folder::with(r#"echo '{"Username":"<token>","Secret":"id"}'"#);
    let found = folder.get().await.unwrap().unwrap();
    assert_eq!(found.identity().map(Secret::expose), Some("id"));
}

#[tokio::test]
async fn not_found_is_no_error_however_it_is_said() {
    let scripts = [
        "echo credentials not found in native keychain; exit 1",
        "echo '  credentials not found in native keychain'; exit 1",
        "echo credentials not found in native keychain >&2; exit 1",
        "echo credentials not found; exit 1",
        r#"echo '{"ServerURL":"","Username":"","Secret":""}'"#,
        "echo '{}'",
    ];
    for script in scripts {
        assert!(matches!(Folder::with(script).get().await, Ok(None)), "{script}");
    }
}

#[tokio::test]
async fn a_failure_is_told_in_the_helpers_words() {
    let cases = [
        ("echo out of order; exit 1", "docker-credential-fake get: out of order"),
        ("echo worse >&2; exit 1", "docker-credential-fake get: worse"),
        (r"printf 'a\033[31mb\nc'; exit 1", "docker-credential-fake get: a[31mb c"),
        ("exit 7", "docker-credential-fake get: exit status: 7"),
        ("echo canary", "docker-credential-fake get: the answer is not JSON"),
        ("echo '\"canary\"'", "docker-credential-fake get: the answer is not an object"),
        (r#"echo '{"Secret":["canary"]}'"#, "docker-credential-fake get: the answer is not made of texts"),
        (r#"echo '{"Secret":"canary"}'; exit 1"#, "docker-credential-fake get: exit status: 1"),
    ];
    for (script, expected) in cases {
        assert_eq!(Folder::with(script).get().await.unwrap_err(), expected, "{script}");
    }
}

#[tokio::test]
async fn a_missing_helper_and_a_path_as_name_are_errors() {
    let folder = Folder::with("");
    let helpers = folder.helpers();
    let error = |suffix| {
        let helpers = helpers.clone();
        async move { helpers.get(suffix, "a.io").await.unwrap_err().to_string() }
    };
    assert_eq!(error("nowhere").await, "docker-credential-nowhere is not installed");
    assert_eq!(error("../fake").await, r#""../fake" cannot be the name of a credential helper"#);
    assert_eq!(error("").await, r#""" cannot be the name of a credential helper"#);
}

#[tokio::test]
async fn a_helper_in_a_relative_folder_is_not_found() {
    let helpers = Helpers::new(Some(OsString::from(".:bin:")), Arc::new(|_| {}));
    assert!(matches!(*helpers.get("fake", "a.io").await.unwrap_err(), HelperError::Missing(_)));
}

#[tokio::test]
async fn a_helper_that_hangs_is_ended_with_all_it_started() {
    // The pipe is held open by a child of the script, and read to its end once that child is gone.
    let folder = Folder::with("sleep 20 > pipe & wait").impatient();
    let pipe = folder.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let begun = std::time::Instant::now();
    let reader = std::thread::spawn(move || fs::read(pipe));
    let error = folder.get().await.unwrap_err();
    assert_eq!(error, "docker-credential-fake get did not answer within 0 seconds");
    reader.join().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_helper_that_never_stops_talking_is_cut_off() {
    let error = Folder::with("exec yes").get().await.unwrap_err();
    assert_eq!(error, "docker-credential-fake get: the answer is too long");
}

#[tokio::test]
async fn a_process_that_a_helper_leaves_behind_does_not_hold_us_up() {
    let folder = Folder::with(r#"echo '{"Username":"u","Secret":"s"}'; sleep 20 & exit 0"#);
    let answer = tokio::time::timeout(Duration::from_secs(10), folder.get()).await;
    assert!(answer.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn callers_at_once_and_later_share_one_answer_until_it_is_forgotten() {
    let folder = Folder::with(r#"echo x >> count; echo '{"Username":"u","Secret":"s"}'"#);
    let helpers = folder.helpers();
    let asks = (0..10).map(|_| helpers.get("fake", "a.io"));
    for answer in futures_util::future::join_all(asks).await {
        assert!(answer.unwrap().is_some());
    }
    helpers.clone().get("fake", "a.io").await.unwrap();
    assert_eq!(folder.read("count"), "x\n");
    helpers.get("fake", "b.io").await.unwrap();
    helpers.forget("fake", "a.io");
    helpers.get("fake", "a.io").await.unwrap();
    assert_eq!(folder.read("count"), "x\nx\nx\n");
}

#[tokio::test]
async fn storing_sends_all_three_members() {
    let folder = Folder::with("echo $1 > verb; cat > stored");
    let helpers = folder.helpers();
    helpers.store("fake", "a.io", &Credential::password("u", "s")).await.unwrap();
    assert_eq!(folder.read("stored"), r#"{"ServerURL":"a.io","Username":"u","Secret":"s"}"#);
    helpers.store("fake", "a.io", &Credential::identity_token("id")).await.unwrap();
    assert_eq!(folder.read("stored"), r#"{"ServerURL":"a.io","Username":"<token>","Secret":"id"}"#);
    let failing = Folder::with("cat > /dev/null; echo locked; exit 1");
    let error =
        failing.helpers().store("fake", "a.io", &Credential::password("u", "canary")).await.unwrap_err();
    assert_eq!(error.to_string(), "docker-credential-fake store: locked");
}

#[tokio::test]
async fn erasing_what_was_never_kept_is_success() {
    let folder = Folder::with("cat > asked; echo credentials not found in native keychain; exit 1");
    folder.helpers().erase("fake", "a.io").await.unwrap();
    assert_eq!(folder.read("asked"), "a.io");
    let broken = Folder::with("exit 1");
    assert_eq!(
        broken.helpers().erase("fake", "a.io").await.unwrap_err().to_string(),
        "docker-credential-fake erase: exit status: 1"
    );
}

#[tokio::test]
async fn what_a_helper_says_on_stderr_is_passed_on_without_control_characters() {
    let folder =
        Folder::with(r#"printf 'touch \033[1mthe key\n\n' >&2; echo '{"Username":"u","Secret":"s"}'"#);
    folder.get().await.unwrap();
    assert_eq!(*folder.notices.lock().unwrap(), ["docker-credential-fake: touch [1mthe key"]);
}

#[tokio::test]
async fn a_helper_that_does_not_read_its_question_may_answer() {
    let folder = Folder::with(r#"exec <&-; echo '{"Username":"u","Secret":"s"}'"#);
    assert!(folder.get().await.unwrap().is_some());
}
