//! Every command that signs in, in every way to sign in: no secret is in what it prints, logs, leaves in files, or
//! sends to somebody else.

use std::{collections::BTreeSet, fs};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::support::{
    Authority, Fault, Test, TestRegistry,
    registry::{Access as May, Origin},
};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A password in Docker's file.
    File,
    /// A password of the command line.
    Flag,
    /// A password on standard input.
    Stdin,
    /// An identity token in Docker's file.
    TokenFile,
    /// An identity token of the command line.
    TokenFlag,
    /// A helper program.
    Helper,
    /// The containers tools' file.
    Containers,
    /// A variable with the text of a file.
    Variable,
    /// A registry that wants the password itself.
    Basic,
}

/// Files that hold a secret because somebody put it there.
const SOURCES: [&str; 5] =
    [".docker/config.json", ".config/containers/auth.json", "key.pem", ".bin/docker-credential-own", "kept"];

struct World {
    test: Test,
    registry: TestRegistry,
    way: Way,
    identity_token: String,
    /// Everything that must not be seen, under the name of what it is.
    planted: Vec<(&'static str, String)>,
}

impl World {
    fn new(way: Way) -> Self {
        let access = match way {
            Way::Basic => May::basic("alice", "canary-password"),
            _ => May::bearer("alice", "canary-password").tokens_elsewhere(),
        };
        let registry = TestRegistry::builder().access(access).redirects_blobs().start_blocking();
        let test = Test::new();
        test.names(&registry.host(), "[REGISTRY]");
        let client = Authority::new().client("me");
        test.write("cert.pem", &client.certificate);
        test.write("key.pem", &client.key);
        test.write("hi.txt", "hi");
        test.write("other.txt", "other");
        test.set("HTTPS_PROXY", "http://proxy-user:canary-proxy@127.0.0.1:9");
        test.set("AZURE_CLIENT_SECRET", "canary-azure").set("ORAS_AZURE_AUTH", "1");
        let identity_token = registry.new_refresh_token("alice");
        let key_line = client.key.lines().nth(1).unwrap().to_owned();
        let pair = BASE64_STANDARD.encode("alice:canary-password");
        let planted = vec![
            ("a secret", "canary".to_owned()),
            ("the password, percent-encoded", "canary%2Dpassword".to_owned()),
            ("user and password in base64", pair),
            ("the identity token", identity_token.clone()),
            ("a token of the token server", "secret-token".to_owned()),
            ("the key of the certificate", key_line),
            ("a signed URL", "signature-".to_owned()),
        ];
        let world = Self { test, registry, way, identity_token, planted };
        world.plant();
        world
    }

    /// Puts the secret where the way to sign in looks for it.
    fn plant(&self) {
        let host = self.registry.host();
        let auth = BASE64_STANDARD.encode("alice:canary-password");
        let password = format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#);
        match self.way {
            Way::File | Way::Basic => self.test.write(".docker/config.json", password),
            Way::Containers => self.test.write(".config/containers/auth.json", password),
            Way::Variable => drop(self.test.set("DOCKER_AUTH_CONFIG", password)),
            Way::TokenFile => {
                let entry =
                    format!(r#"{{"auths":{{"{host}":{{"identitytoken":"{}"}}}}}}"#, self.identity_token);
                self.test.write(".docker/config.json", entry);
            }
            Way::Helper => {
                let answer = r#"{"ServerURL":"x","Username":"alice","Secret":"canary-password"}"#;
                let script = format!(
                    "#!/bin/sh\ncat >> \"$HOME/kept\"\ncase $1 in get) echo 'please touch your key' >&2\n\
                     echo '{answer}' ;; esac\n"
                );
                self.test.program("docker-credential-own", &script);
                self.test.write(".docker/config.json", r#"{"credsStore":"own"}"#);
            }
            Way::Flag | Way::Stdin | Way::TokenFlag => {}
        }
    }

    /// The flags and the input that sign in; a copy has two sides.
    fn signs_in(&self, prefix: &str) -> (Vec<String>, &'static str) {
        let flag = |name: &str| format!("--{prefix}{name}");
        let user = || vec![flag("username"), "alice".to_owned()];
        match self.way {
            Way::Stdin if prefix.is_empty() => {
                ([user(), vec![flag("password-stdin")]].concat(), "canary-password\n")
            }
            Way::Flag | Way::Stdin => {
                ([user(), vec![flag("password"), "canary-password".into()]].concat(), "")
            }
            Way::TokenFlag => (vec![flag("identity-token"), self.identity_token.clone()], ""),
            _ => (Vec::new(), ""),
        }
    }

    /// Runs a command with all that is secret, and searches what it says.
    fn run(&self, command: &str, succeeds: bool) {
        let sides: &[&str] = if command.starts_with("cp ") { &["from-", "to-"] } else { &[""] };
        let mut arguments: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let mut input = "";
        for prefix in sides {
            let (flags, own) = self.signs_in(prefix);
            arguments.extend(flags);
            input = own;
            arguments.extend(
                ["header", "cert-file", "key-file"]
                    .into_iter()
                    .zip(["X-Key: canary-header", "cert.pem", "key.pem"])
                    .flat_map(|(name, value)| [format!("--{prefix}{name}"), value.to_owned()]),
            );
        }
        arguments.push("--debug".to_owned());
        let outcome = self.test.oras_with_input(&arguments, input);
        if succeeds {
            assert_eq!(outcome.code, Some(0), "{:?}: {outcome:#?}", self.way);
        }
        assert!(outcome.stderr.contains("Request #"), "{command} logs nothing: {outcome:#?}");
        for (name, secret) in &self.planted {
            for (stream, text) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
                assert!(!text.contains(secret), "{:?}: {command}: {stream} shows {name}:\n{text}", self.way);
            }
        }
    }

    /// No file has a secret but those into which somebody put it.
    fn check_files(&self) {
        let allowed: BTreeSet<_> = SOURCES.into_iter().collect();
        for name in self.test.files(".").into_iter().filter(|name| !allowed.contains(name.as_str())) {
            let bytes = fs::read(self.test.path(&name)).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for (what, secret) in &self.planted {
                assert!(!text.contains(secret), "{:?}: {name} holds {what}", self.way);
            }
        }
    }

    /// Nobody got what is not for him.
    fn check_parties(&self) {
        for request in self.registry.requests() {
            let is_own = |secret: &str| match request.origin {
                Origin::Registry => match self.way {
                    Way::Basic => matches!(secret, "canary-password" | "canary-header"),
                    _ => matches!(secret, "canary-header" | "secret-token"),
                },
                Origin::Tokens => secret == "canary-password" || secret == self.identity_token,
                Origin::Storage => false,
            };
            let all = ["canary-password", "canary-header", "canary-proxy", "canary-azure", "secret-token"];
            for secret in
                all.into_iter().chain([self.identity_token.as_str()]).filter(|secret| !is_own(secret))
            {
                assert!(!request.contains(secret), "{:?}: {secret} was sent: {request:?}", self.way);
            }
        }
        let storage =
            self.registry.requests().iter().filter(|request| request.origin == Origin::Storage).count();
        assert!(storage > 0, "no blob was redirected");
    }
}

/// Every command that signs in, in an order in which each finds what it needs.
const COMMANDS: &[&str] = &[
    "push [REGISTRY]/app:v1 hi.txt --verbose",
    "attach [REGISTRY]/app:v1 --artifact-type a/b hi.txt",
    "discover [REGISTRY]/app:v1 --verbose",
    "pull [REGISTRY]/app:v1 -o out --verbose",
    "tag [REGISTRY]/app:v1 v2",
    "resolve [REGISTRY]/app:v1",
    "repo ls [REGISTRY]",
    "repo tags [REGISTRY]/app",
    "manifest fetch [REGISTRY]/app:v1 -o manifest.json",
    "manifest fetch-config [REGISTRY]/app:v1 -o config.json",
    "manifest push [REGISTRY]/app:v3 manifest.json",
    "manifest index create [REGISTRY]/app:index v1",
    "manifest index update [REGISTRY]/app:index --add v2 --tag index2",
    "blob push [REGISTRY]/app other.txt",
    "blob fetch [REGISTRY]/app@OTHER -o blob",
    "blob delete -f [REGISTRY]/app@OTHER",
    "cp -r [REGISTRY]/app:v1 [REGISTRY]/copy:v1",
    "backup -o backup --include-referrers [REGISTRY]/app:v1",
    "restore --input backup [REGISTRY]/restored",
    "manifest delete -f [REGISTRY]/app:v3",
];

fn all_commands(way: Way) {
    let world = World::new(way);
    let other = oras::oci::Digest::of(b"other").to_string();
    for command in COMMANDS {
        world.run(&command.replace("OTHER", &other), true);
    }
    world.check_files();
    world.check_parties();
    // The same, refused: by the token server and by the registry, which repeat what they were sent.
    let repeat = Fault::edit(|request, answer| {
        let sent =
            format!("{:?} {:?} {}", request.headers, request.query, String::from_utf8_lossy(&request.body));
        let body = serde_json::json!({"errors": [{"code": "DENIED", "message": sent, "detail": sent}]});
        answer.status = 403.try_into().unwrap();
        answer.body = body.to_string().into();
        answer.set_header("content-type", "application/json");
        answer.set_header("content-length", answer.body.len().to_string());
    });
    for path in ["/token", "/v2/*"] {
        if way == Way::Basic && path == "/token" {
            continue;
        }
        world.registry.heal();
        let rule = world.registry.on("*", path).always();
        rule.when(move |request| request.headers.contains_key("authorization") || path == "/token")
            .then(repeat.clone());
        for command in [
            "push [REGISTRY]/app:v1 hi.txt",
            "pull [REGISTRY]/app:v1 -o out",
            "cp [REGISTRY]/app:v1 [REGISTRY]/b:v1",
        ] {
            world.run(command, false);
        }
    }
}

#[test]
fn no_secret_is_seen_that_stands_in_a_file() {
    all_commands(Way::File);
}

#[test]
fn no_secret_is_seen_that_is_given_by_a_flag() {
    all_commands(Way::Flag);
}

#[test]
fn no_secret_is_seen_that_is_given_on_standard_input() {
    all_commands(Way::Stdin);
}

#[test]
fn no_identity_token_is_seen_that_stands_in_a_file() {
    all_commands(Way::TokenFile);
}

#[test]
fn no_identity_token_is_seen_that_is_given_by_a_flag() {
    all_commands(Way::TokenFlag);
}

#[test]
fn no_secret_is_seen_that_a_helper_has() {
    all_commands(Way::Helper);
}

#[test]
fn no_secret_is_seen_that_stands_in_the_containers_file() {
    all_commands(Way::Containers);
}

#[test]
fn no_secret_is_seen_that_a_variable_holds() {
    all_commands(Way::Variable);
}

#[test]
fn no_secret_is_seen_that_the_registry_wants_itself() {
    all_commands(Way::Basic);
}

#[test]
fn a_login_shows_no_secret_and_keeps_it_in_one_file_of_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    for way in [Way::Stdin, Way::Flag, Way::TokenFlag, Way::Helper] {
        let world = World::new(way);
        let (mut flags, mut input) = world.signs_in("");
        if way == Way::Helper {
            flags = ["--username", "alice", "--password-stdin"].map(str::to_owned).to_vec();
            input = "canary-password";
        }
        let login = ["login", "[REGISTRY]", "--debug"].map(str::to_owned).into_iter().chain(flags);
        let outcome = world.test.oras_with_input(login.collect::<Vec<_>>(), input).succeeds();
        let explained = world.test.oras(["login", "--explain", "[REGISTRY]"]).succeeds();
        let gone = world.test.oras(["logout", "[REGISTRY]", "--debug"]);
        for (name, secret) in &world.planted {
            for outcome in [&outcome, &explained, &gone] {
                let said = format!("{}{}", outcome.stdout, outcome.stderr);
                assert!(!said.contains(secret), "{way:?} shows {name}: {said}");
            }
        }
        world.check_files();
        let config = world.test.path(".docker/config.json");
        // Docker's own file, in which nothing is kept, stays as it was.
        let mode = fs::metadata(&config).unwrap().permissions().mode();
        assert!(mode & 0o077 == 0 || way == Way::Helper, "{mode:o}");
        let kept = world.test.read_text(".docker/config.json");
        assert!(!kept.contains("identitytoken") && !kept.contains("\"auth\""), "{way:?}: {kept}");
    }
}
