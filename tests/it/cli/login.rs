//! `oras login` and `oras logout`: what is stored, what is trusted, and what a refusal says.

use crate::support::{
    Fault, Test, TestRegistry,
    registry::Access as May,
    tls::{Authority, ServerTls},
};

/// Every test searches all output for these.
const SECRETS: [&str; 3] = ["canary", "YWxpY2U6Y2FuYXJ5", "identity-of-alice"];

fn registry(access: May) -> (Test, TestRegistry) {
    let (test, registry) = (Test::new(), TestRegistry::builder().access(access).start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    (test, registry)
}

fn quiet(outcome: crate::support::cli::Outcome) -> crate::support::cli::Outcome {
    SECRETS.iter().fold(outcome, |outcome, secret| outcome.never_says(secret))
}

fn login(test: &Test, password: &str) -> crate::support::cli::Outcome {
    let arguments = ["login", "[REGISTRY]", "-u", "alice", "--password-stdin"];
    quiet(test.oras_with_input(arguments, password))
}

#[test]
fn a_login_is_stored_after_it_was_checked_and_not_otherwise() {
    for access in [May::basic("alice", "canary"), May::bearer("alice", "canary")] {
        let (test, _registry) = registry(access);
        login(&test, "canary-wrong").fails().stderr_contains("unauthorized");
        assert!(!test.exists(".docker"));
        login(&test, "canary").succeeds().prints("Login Succeeded\n").says_nothing_aside();
        let stored = test.read_text(".docker/config.json");
        login(&test, "canary-wrong").fails();
        assert_eq!(test.read_text(".docker/config.json"), stored);
    }
}

#[test]
fn a_secret_on_the_command_line_is_warned_about_and_an_empty_one_on_standard_input_refused() {
    let (test, _registry) = registry(May::basic("alice", "canary"));
    quiet(test.oras(["login", "[REGISTRY]", "-u", "alice", "-p", "canary"]))
        .succeeds()
        .stderr_contains("WARNING!");
    quiet(test.oras_with_input(["login", "[REGISTRY]", "-u", "alice", "--password-stdin"], "\n")).fails();
}

#[test]
fn a_token_server_that_was_trusted_at_login_stays_trusted_and_no_other_is() {
    let authority = Authority::new();
    let names = ["registry.one.test", "auth.two.test", "auth.three.test"];
    let tls = ServerTls::new(authority.server_called(&names));
    let registry = TestRegistry::builder().bearer("alice", "canary").tls(tls).start_blocking();
    let port = registry.address().port();
    let sends_to = move |host: &'static str| {
        let challenge = format!("Bearer realm=\"https://{host}:{port}/token\",service=\"{host}\"");
        Fault::edit(move |_, answer| {
            if answer.status == 401 {
                answer.set_header("www-authenticate", &challenge);
            }
        })
    };
    let test = Test::new();
    test.write("ca.pem", authority.pem());
    test.set("SSL_CERT_FILE", test.path("ca.pem").to_str().unwrap());
    let run = |command: &[&str], input: &str| {
        let resolve = names.map(|name| format!("--resolve={name}:{port}:127.0.0.1"));
        quiet(test.oras_with_input(command.iter().copied().chain(resolve.iter().map(String::as_str)), input))
    };
    let host = format!("registry.one.test:{port}");
    let repository = format!("{host}/app");
    registry.content("app").insert_artifact("a/b", &[]);

    registry.on("*", "/v2/*").always().then(sends_to("auth.two.test"));
    run(&["login", &host, "-u", "alice", "--password-stdin"], "canary").succeeds().says_nothing_aside();
    let stored = test.read_text(".docker/config.json");
    assert!(stored.contains(&format!("\"realm\": \"https://auth.two.test:{port}\"")), "{stored}");
    run(&["repo", "tags", &repository], "").succeeds();

    registry.heal();
    registry.on("*", "/v2/*").always().then(sends_to("auth.three.test"));
    registry.forget_requests();
    let refused = run(&["repo", "tags", &repository], "").fails();
    refused.stderr_contains("auth.three.test").stderr_contains("--auth-realm");
    assert!(
        registry.requests_like("*/token*").iter().all(|request| request.header("authorization").is_none())
    );
    let realm = format!("--auth-realm=https://auth.three.test:{port}");
    run(&["repo", "tags", &repository, &realm], "").succeeds();
}

#[test]
fn a_refusal_says_which_credential_was_used() {
    let access = May::bearer("alice", "canary").who_may("pull", "app");
    let (test, registry) = registry(access);
    registry.content("app").insert_artifact("a/b", &[]);
    login(&test, "canary").succeeds();
    test.write("hi.txt", "hi");
    let refused = quiet(test.oras(["push", "[REGISTRY]/other:v1", "hi.txt"])).fails();
    refused
        .stderr_contains("the password is from entry \"[REGISTRY]\" in [TEST]/.docker/config.json")
        .stderr_contains("asked for repository:other:pull,push");
    let anonymous =
        test.oras(["push", "[REGISTRY]/other:v1", "hi.txt", "--registry-config", "none.json"]).fails();
    anonymous.stderr_contains("there is no login for [REGISTRY]");
}

#[test]
fn a_helper_that_is_broken_is_named_and_passed_over() {
    let (test, registry) = registry(May::bearer("alice", "canary").anybody_may("pull", "*"));
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    test.write(".docker/config.json", r#"{"credsStore":"gone"}"#);
    test.oras(["repo", "tags", "[REGISTRY]/app"])
        .succeeds()
        .prints("v1\n")
        .stderr_contains("docker-credential-gone is not installed")
        .stderr_contains("[TEST]/.docker/config.json");
}

#[test]
fn a_helper_is_not_started_where_nobody_asks_who_we_are() {
    let (test, registry) = registry(May::basic("alice", "canary").anybody_may("pull", "*"));
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    test.program("docker-credential-known", "#!/bin/sh\ntouch \"$HOME/started\"\n");
    test.write(".docker/config.json", r#"{"credsStore":"known"}"#);
    test.oras(["repo", "tags", "[REGISTRY]/app"]).succeeds().prints("v1\n").says_nothing_aside();
    assert!(!test.exists("started"));
}

#[test]
fn a_helper_may_print_what_it_likes_and_no_secret_is_passed_on() {
    let (test, _registry) = registry(May::basic("alice", "canary"));
    test.write(".docker/config.json", r#"{"credsStore":"odd"}"#);
    for answer in [
        r#"echo '{"Username":"alice","Secret":"canary-wrong"}'"#,
        r#"echo '{"Username":"alice","Secret":"canary"'"#,
        r#"echo '{"Username":"alice","Secret":"canary"}'; exit 3"#,
        "echo canary",
    ] {
        test.program("docker-credential-odd", &format!("#!/bin/sh\ncat > /dev/null\n{answer}\n"));
        quiet(test.oras(["repo", "tags", "[REGISTRY]/app", "--debug"])).fails();
    }
}

#[test]
fn what_answers_for_a_registry_is_shown_without_its_secret() {
    let (test, _registry) = registry(May::basic("alice", "canary"));
    login(&test, "canary").succeeds();
    let shown = quiet(test.oras(["login", "--explain", "[REGISTRY]"])).succeeds();
    shown.stdout_contains("[TEST]/.docker/config.json: a password in entry \"[REGISTRY]\"");
}

#[test]
fn a_config_file_that_cannot_be_written_is_named() {
    let (test, _registry) = registry(May::basic("alice", "canary"));
    test.write("file", "");
    let refused = quiet(test.oras_with_input(
        ["login", "[REGISTRY]", "-u", "alice", "--password-stdin", "--registry-config", "file/config.json"],
        "canary",
    ));
    refused
        .fails()
        .stderr_contains("failed to store the credentials for [REGISTRY]")
        .stderr_contains("file/config.json");
}
