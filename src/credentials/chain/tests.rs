//! The search order, with every place present and taken away in turn; writing; helpers that are broken.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use base64::Engine as _;

use super::*;
use crate::credentials::{Answer, Finding};

/// A home folder in which every place can be filled with a user of its own.
struct Home {
    folder: tempfile::TempDir,
    environment: Environment,
    files: Vec<PathBuf>,
    notices: Arc<Mutex<Vec<String>>>,
}

fn auths(key: &str, user: &str) -> String {
    let auth = base64::prelude::BASE64_STANDARD.encode(format!("{user}:canary"));
    format!(r#"{{"auths":{{"{key}":{{"auth":"{auth}"}}}}}}"#)
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Some(folder.path().join(name));
        let environment = Environment {
            home: at("home"),
            xdg_runtime_dir: at("run"),
            path: at("bin").map(Into::into),
            ..Environment::default()
        };
        Self { folder, environment, files: Vec::new(), notices: Arc::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn config(&self, text: &str) -> PathBuf {
        self.write("home/.docker/config.json", text)
    }

    fn helper(&self, suffix: &str, script: &str) {
        let script = format!("#!/bin/sh\ncd '{}'\n{script}\n", self.folder.path().display());
        let path = self.write(&format!("bin/docker-credential-{suffix}"), &script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn open(&self) -> Result<Chain> {
        let notices = Arc::clone(&self.notices);
        let notify: Notify = Arc::new(move |notice| {
            if !notice.is_detail() {
                notices.lock().unwrap().push(notice.to_string());
            }
        });
        let path =
            std::env::join_paths([self.environment.path.as_deref().unwrap().as_ref(), Path::new("/bin")]);
        Chain::open(Options {
            files: self.files.clone(),
            environment: self.environment.clone(),
            helpers: Helpers::new(path.ok(), Arc::clone(&notify)),
            notify,
        })
    }

    /// The user that is found for a repository: its name, or what went wrong.
    async fn user(&self, registry: &str, repository: &str) -> String {
        match self.open().unwrap().get(registry, repository).await {
            Ok(Some(login)) => login.credential.username().to_owned(),
            Ok(None) => "nobody".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn the_first_place_with_a_secret_wins_and_each_takes_over_when_those_before_it_are_gone() {
    let mut home = Home::new();
    let named = [
        home.write("one.json", &auths("a.io", "named-1")),
        home.write("two.json", &auths("a.io", "named-2")),
    ];
    let registry_auth_file = home.write("r.json", &auths("a.io", "registry-auth-file"));
    home.environment.docker_config = Some(home.path("d"));
    home.environment.docker_auth_config = Some(Arc::new(Secret::new(auths("a.io", "docker-auth-config"))));
    home.environment.registry_auth_file = Some(registry_auth_file);
    home.files = named.to_vec();
    home.write("d/config.json", &auths("a.io", "docker-config"));
    home.config(&auths("a.io", "home"));
    home.write("run/containers/auth.json", &auths("a.io", "runtime"));
    home.write("home/.config/containers/auth.json", &auths("a.io", "config-home"));
    let legacy = auths("a.io", "legacy");
    home.write("home/.dockercfg", legacy.strip_prefix(r#"{"auths":"#).unwrap().strip_suffix('}').unwrap());

    assert_eq!(home.user("a.io", "x").await, "named-1");
    fs::remove_file(&named[0]).unwrap();
    assert_eq!(home.user("a.io", "x").await, "named-2");
    fs::remove_file(&named[1]).unwrap();
    assert_eq!(home.user("a.io", "x").await, "nobody");
    home.files.clear();
    assert_eq!(home.user("a.io", "x").await, "docker-config");
    fs::remove_file(home.path("d/config.json")).unwrap();
    assert_eq!(home.user("a.io", "x").await, "registry-auth-file");
    home.environment.docker_config = None;
    assert_eq!(home.user("a.io", "x").await, "home");
    fs::remove_file(home.path("home/.docker/config.json")).unwrap();
    assert_eq!(home.user("a.io", "x").await, "registry-auth-file");
    home.environment.registry_auth_file = None;
    assert_eq!(home.user("a.io", "x").await, "docker-auth-config");
    home.environment.docker_auth_config = None;
    assert_eq!(home.user("a.io", "x").await, "runtime");
    home.environment.xdg_runtime_dir = None;
    assert_eq!(home.user("a.io", "x").await, "config-home");
    fs::remove_file(home.path("home/.config/containers/auth.json")).unwrap();
    assert_eq!(home.user("a.io", "x").await, "legacy");
    fs::remove_file(home.path("home/.dockercfg")).unwrap();
    assert_eq!(home.user("a.io", "x").await, "nobody");
    assert!(home.notices().is_empty());
}

#[tokio::test]
async fn a_key_without_a_secret_is_no_hit() {
    let home = Home::new();
    home.config(r#"{"auths":{"a.io":{}}}"#);
    home.write("run/containers/auth.json", &auths("a.io", "runtime"));
    assert_eq!(home.user("a.io", "x").await, "runtime");
}

#[tokio::test]
async fn a_mistyped_auth_file_does_not_become_anonymous() {
    let mut home = Home::new();
    home.environment.registry_auth_file = Some(home.path("typo.json"));
    let said = home.user("a.io", "x").await;
    assert!(
        said.starts_with("REGISTRY_AUTH_FILE names ") && said.ends_with("typo.json, which does not exist"),
        "{said}"
    );
}

#[tokio::test]
async fn the_longest_namespace_wins_and_the_host_answers_for_the_rest() {
    let home = Home::new();
    let pair = |user: &str| base64::prelude::BASE64_STANDARD.encode(format!("{user}:p"));
    let entries: Vec<_> =
        [("a.io", "host"), ("a.io/team", "team"), ("a.io/team/app", "app"), ("b.io/only", "only")]
            .map(|(key, user)| format!(r#""{key}":{{"auth":"{}"}}"#, pair(user)))
            .to_vec();
    let text = format!(r#"{{"auths":{{{}}}}}"#, entries.join(","));
    home.write("run/containers/auth.json", &text);
    for (repository, user) in
        [("team/app", "app"), ("team/app/x", "app"), ("team/b", "team"), ("teams", "host")]
    {
        assert_eq!(home.user("a.io", repository).await, user, "{repository}");
    }
    assert_eq!(home.user("b.io", "other").await, "nobody");
    // Docker's own file is read as its own tools read it.
    home.config(&text);
    assert_eq!(home.user("b.io", "other").await, "only");
    assert_eq!(home.user("a.io", "team/b").await, "team");
}

#[tokio::test]
async fn a_helper_wins_over_the_entries_of_its_file() {
    let home = Home::new();
    home.helper("one", r#"echo '{"Username":"helper","Secret":"canary"}'"#);
    let entries = auths("a.io", "entry");
    home.config(&entries.replacen('{', r#"{"credsStore":"one","#, 1));
    assert_eq!(home.user("a.io", "x").await, "helper");
    home.config(&entries.replacen('{', r#"{"credHelpers":{"a.io":"one"},"#, 1));
    assert_eq!(home.user("a.io", "x").await, "helper");
    assert_eq!(home.user("b.io", "x").await, "nobody");
}

#[tokio::test]
async fn an_entry_for_a_namespace_wins_over_a_helper_for_the_host() {
    let home = Home::new();
    home.helper("one", r#"echo '{"Username":"helper","Secret":"canary"}'"#);
    home.config(&auths("a.io/team", "team").replacen('{', r#"{"credsStore":"one","#, 1));
    assert_eq!(home.user("a.io", "team/x").await, "team");
    assert_eq!(home.user("a.io", "other/x").await, "helper");
}

#[tokio::test]
async fn a_helper_that_has_nothing_falls_through_silently() {
    let home = Home::new();
    home.helper("none", "cat >> asked; echo >> asked; echo credentials not found in native keychain; exit 1");
    home.config(&auths("a.io", "entry").replacen('{', r#"{"credsStore":"none","#, 1));
    assert_eq!(home.user("a.io", "x").await, "entry");
    assert_eq!(fs::read_to_string(home.path("asked")).unwrap(), "a.io\nhttps://a.io\n");
    assert!(home.notices().is_empty());
    fs::remove_file(home.path("asked")).unwrap();
    assert_eq!(home.user("docker.io", "x").await, "nobody");
    assert_eq!(fs::read_to_string(home.path("asked")).unwrap(), "https://index.docker.io/v1/\n");
}

#[tokio::test]
async fn a_broken_helper_is_named_once_and_passed_over() {
    let home = Home::new();
    let config = home.config(r#"{"credsStore":"gone"}"#);
    home.write("run/containers/auth.json", &auths("a.io", "runtime"));
    let chain = home.open().unwrap();
    for _ in 0..2 {
        assert_eq!(chain.get("a.io", "x").await.unwrap().unwrap().credential.username(), "runtime");
    }
    let expected = format!(
        "docker-credential-gone is not installed; it is named in {} and was passed over",
        config.display()
    );
    assert_eq!(home.notices(), [expected]);
}

#[tokio::test]
async fn files_of_other_programs_are_passed_over_when_they_are_broken_and_our_own_are_not() {
    let home = Home::new();
    home.write("run/containers/auth.json", "{");
    assert_eq!(home.user("a.io", "x").await, "nobody");
    assert_eq!(home.notices().len(), 1);
    home.config("{");
    assert!(matches!(home.open(), Err(Error::Malformed { .. })));
}

#[tokio::test]
async fn a_login_is_stored_as_it_was_typed_and_docker_hub_under_its_old_name() {
    let home = Home::new();
    let chain = home.open().unwrap();
    for registry in ["Localhost:5000", "docker.io"] {
        chain.store(registry, &Credential::password("u", "p")).await.unwrap();
    }
    let text = fs::read_to_string(home.path("home/.docker/config.json")).unwrap();
    assert!(
        text.contains("\"Localhost:5000\"") && text.contains("\"https://index.docker.io/v1/\""),
        "{text}"
    );
    chain.erase("registry-1.docker.io").await.unwrap();
    chain.erase("localhost:5000").await.unwrap();
    assert_eq!(fs::read_to_string(home.path("home/.docker/config.json")).unwrap(), "{\n\t\"auths\": {}\n}");
}

#[tokio::test]
async fn only_the_first_named_file_is_written() {
    let mut home = Home::new();
    home.files = vec![home.path("one.json"), home.path("two.json")];
    let chain = home.open().unwrap();
    chain.store("a.io", &Credential::identity_token("canary")).await.unwrap();
    assert!(home.path("one.json").exists() && !home.path("two.json").exists());
    assert_eq!(chain.file(), Some(home.path("one.json")));
}

#[tokio::test]
async fn a_user_name_with_a_colon_is_not_stored_in_a_file() {
    let home = Home::new();
    let error = home.open().unwrap().store("a.io", &Credential::password("a:b", "canary")).await.unwrap_err();
    assert!(matches!(error, Error::Colon { .. }));
    assert!(!home.path("home/.docker").exists());
}

#[tokio::test]
async fn a_helper_stores_and_erases_and_the_file_forgets_old_entries() {
    let home = Home::new();
    home.helper("one", "echo $1 >> log; cat >> log; echo >> log");
    home.config(&auths("https://a.io/v1/", "entry").replacen('{', r#"{"credHelpers":{"a.io":"one"},"#, 1));
    let chain = home.open().unwrap();
    chain.store("a.io", &Credential::password("u", "p")).await.unwrap();
    chain.erase("a.io").await.unwrap();
    let log = fs::read_to_string(home.path("log")).unwrap();
    assert_eq!(log, "store\n{\"ServerURL\":\"a.io\",\"Username\":\"u\",\"Secret\":\"p\"}\nerase\na.io\n");
    let text = fs::read_to_string(home.path("home/.docker/config.json")).unwrap();
    assert_eq!(text, r#"{"credHelpers":{"a.io":"one"},"auths":{}}"#);
}

#[tokio::test]
async fn a_login_with_a_missing_helper_fails_rather_than_storing_elsewhere() {
    let home = Home::new();
    let config = home.config(r#"{"credsStore":"gone"}"#);
    let error = home.open().unwrap().store("a.io", &Credential::password("u", "p")).await.unwrap_err();
    assert_eq!(error.to_string(), "docker-credential-gone is not installed");
    assert_eq!(fs::read_to_string(config).unwrap(), r#"{"credsStore":"gone"}"#);
}

#[tokio::test]
async fn a_refused_answer_of_a_helper_is_asked_for_once_more() {
    let home = Home::new();
    home.helper("one", r#"echo x >> count; echo "{\"Username\":\"u\",\"Secret\":\"$(wc -l < count)\"}""#);
    home.config(r#"{"credHelpers":{"a.io":"one"}}"#);
    let chain = home.open().unwrap();
    let first = chain.get("a.io", "x").await.unwrap().unwrap();
    let second = chain.renew("a.io", "x", &first).await.unwrap().unwrap();
    assert_ne!(first.credential, second.credential);
    // What a file says does not change by asking again.
    home.config(&auths("a.io", "entry"));
    let entry = chain.get("a.io", "x").await.unwrap().unwrap();
    assert!(chain.renew("a.io", "x", &entry).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rotated_token_is_kept_only_where_the_old_one_still_stands() {
    let home = Home::new();
    let chain = home.open().unwrap();
    chain.store("a.io", &Credential::identity_token("old")).await.unwrap();
    let login = chain.get("a.io", "x").await.unwrap().unwrap();
    chain.rotate(&login, &Secret::new("new")).await.unwrap();
    let identity = |login: &Login| login.credential.identity().unwrap().expose().to_owned();
    assert_eq!(identity(&chain.get("a.io", "x").await.unwrap().unwrap()), "new");
    // `login` still holds "old", as if somebody else had logged in meanwhile.
    chain.rotate(&login, &Secret::new("late")).await.unwrap();
    assert_eq!(identity(&chain.get("a.io", "x").await.unwrap().unwrap()), "new");
    chain.rotate(&Login::given(Credential::identity_token("flag")), &Secret::new("x")).await.unwrap();
    assert_eq!(identity(&chain.get("a.io", "x").await.unwrap().unwrap()), "new");
}

#[tokio::test]
async fn explaining_names_the_place_that_answers_and_no_secret() {
    let mut home = Home::new();
    home.helper("none", "echo credentials not found in native keychain; exit 1");
    home.config(&auths("a.io", "entry").replacen('{', r#"{"credHelpers":{"a.io":"none","b.io":"gone"},"#, 1));
    home.environment.docker_auth_config = Some(Arc::new(Secret::new("{canary")));
    let chain = home.open().unwrap();
    let show = |findings: Vec<Finding>| {
        let text: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(!format!("{findings:?} {text:?}").contains("canary"));
        text.join("\n").replace(&*home.folder.path().to_string_lossy(), "")
    };
    let findings = chain.explain("a.io", "x").await;
    assert!(findings.iter().any(|finding| matches!(finding.answer, Answer::Has { .. })));
    assert_eq!(
        show(findings),
        "/home/.docker/config.json: docker-credential-none has nothing for this registry\n\
         /home/.docker/config.json: a password in entry \"a.io\"\n\
         DOCKER_AUTH_CONFIG: invalid config DOCKER_AUTH_CONFIG: not JSON at line 1 column 2\n\
         /run/containers/auth.json: no such file\n\
         /home/.config/containers/auth.json: no such file\n\
         /home/.dockercfg: no such file"
    );
    let other = show(chain.explain("b.io", "x").await);
    assert!(
        other.starts_with("/home/.docker/config.json: docker-credential-gone is not installed"),
        "{other}"
    );
    let nothing = show(chain.explain("c.io", "x").await);
    assert!(nothing.starts_with("/home/.docker/config.json: nothing for this registry"), "{nothing}");
}

#[tokio::test]
async fn no_debug_output_and_no_error_holds_a_secret() {
    let home = Home::new();
    home.config(&auths("a.io", "canary-user"));
    let chain = home.open().unwrap();
    let login = chain.get("a.io", "x").await.unwrap().unwrap();
    let shown = format!("{chain:?} {login:?} {:?} {}", login.origin, login.origin);
    assert!(!shown.contains("canary"), "{shown}");
}
