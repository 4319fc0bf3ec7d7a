//! `docker-credential-pass`, a credential helper as people use it, with a store of the test's own.

use std::{fs, process::Command};

use super::{cli::Test, server::Program};

const HELPER: Program = Program::of_the_system(
    "docker-credential-pass",
    "apt-get install golang-docker-credential-helpers pass gnupg",
);
const PASS: Program = Program::of_the_system("pass", "apt-get install pass");

/// A password store in a test's home. Its key has no passphrase, and its agent ends with it.
pub(crate) struct PassStore<'a> {
    test: &'a Test,
}

impl<'a> PassStore<'a> {
    /// Makes one; `None` when a program is missing.
    #[track_caller]
    pub(crate) fn create(test: &'a Test) -> Option<Self> {
        HELPER.find().and(PASS.find())?;
        let store = PassStore { test };
        let home = test.path(".gnupg");
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let user = "test@example.com";
        store.run(&[
            "gpg",
            "--batch",
            "--passphrase",
            "",
            "--quick-generate-key",
            user,
            "default",
            "default",
        ]);
        store.run(&["pass", "init", user]);
        Some(store)
    }

    /// Asks the helper for the credential of a server: what it answers, and whether it says yes.
    pub(crate) fn get(&self, server: &str) -> (bool, String) {
        let output =
            self.command(&["sh", "-c", "printf %s \"$1\" | docker-credential-pass get", "-", server]);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    /// Gives the helper a credential to keep.
    pub(crate) fn store(&self, server: &str, user: &str, secret: &str) {
        let credential = serde_json::json!({"ServerURL": server, "Username": user, "Secret": secret});
        let script = "printf %s \"$1\" | docker-credential-pass store";
        self.run(&["sh", "-c", script, "-", &credential.to_string()]);
    }

    fn run(&self, line: &[&str]) {
        let output = self.command(line);
        assert!(output.status.success(), "{line:?}: {output:?}");
    }

    fn command(&self, line: &[&str]) -> std::process::Output {
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).current_dir(self.test.folder()).env("HOME", self.test.folder());
        command.env_remove("GNUPGHOME").env_remove("PASSWORD_STORE_DIR");
        command.stdin(std::process::Stdio::null()).output().unwrap()
    }
}

impl Drop for PassStore<'_> {
    fn drop(&mut self) {
        self.command(&["gpgconf", "--kill", "all"]);
    }
}
