//! Who we are, command by command: two identities in one copy, and where each comes from.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::support::{Test, TestRegistry, registry::Access as May};

/// A registry on which alice reads one repository and bob writes another.
fn two_users() -> (Test, TestRegistry) {
    let access = May::bearer("alice", "canary-alice")
        .who_may("pull", "from")
        .user("bob", "canary-bob")
        .who_may("pull,push", "into");
    let (test, registry) = (Test::new(), TestRegistry::builder().access(access).start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    let node = registry.content("from").insert_artifact("a/b", &[("hi.txt", b"hi")]);
    registry.content("from").tag("v1", &node);
    registry.content("from").insert_referrer(&node, "signature/example", &[("sig", b"sig")]);
    (test, registry)
}

fn config(host: &str, user: &str, password: &str) -> String {
    let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#)
}

#[test]
fn a_copy_within_one_registry_may_have_two_identities() {
    let ways: [&[&str]; 3] = [
        &[
            "--from-username",
            "alice",
            "--from-password",
            "canary-alice", //
            "--to-username",
            "bob",
            "--to-password",
            "canary-bob",
        ],
        &["--from-registry-config", "alice.json", "--to-registry-config", "bob.json"],
        &["--from-registry-config", "alice.json", "--to-username", "bob", "--to-password", "canary-bob"],
    ];
    for way in ways {
        let (test, registry) = two_users();
        test.write("alice.json", config(&registry.host(), "alice", "canary-alice"));
        test.write("bob.json", config(&registry.host(), "bob", "canary-bob"));
        let copy = ["cp", "-r", "[REGISTRY]/from:v1", "[REGISTRY]/into:v1", "--debug"];
        test.oras(copy.iter().chain(way)).succeeds().never_says("canary").never_says("secret-token");
        assert!(registry.content("into").tagged("v1").is_some());
        assert_eq!(registry.content("into").manifests().len(), 2);
        // Each asked for its own repository, and nothing was mounted on the other's behalf.
        for request in registry.requests_like("*/token*") {
            let (alice, bob) = (request.contains("canary-alice"), request.contains("canary-bob"));
            assert_eq!(alice, request.contains("repository:from:"), "{request:?}");
            assert_eq!(bob, request.contains("repository:into:"), "{request:?}");
        }
        assert_eq!(registry.count("POST *from=from*"), 0, "{:?}", registry.lines());
    }
}

#[test]
fn the_side_that_is_refused_is_named() {
    let (test, registry) = two_users();
    let copy = |from: &str, to: &str| {
        let secret = |user: &str| format!("canary-{user}");
        let arguments = [
            "cp",
            "[REGISTRY]/from:v1",
            "[REGISTRY]/into:v1", //
            "--from-username",
            from,
            "--from-password",
            &secret(from), //
            "--to-username",
            to,
            "--to-password",
            &secret(to),
        ];
        test.oras(arguments).fails().never_says("canary")
    };
    copy("bob", "bob").stderr_contains("Error from source registry for \"[REGISTRY]/from:v1\"");
    copy("alice", "alice").stderr_contains("Error from destination registry for \"[REGISTRY]/into:v1\"");
    assert!(registry.content("into").manifests().is_empty());
}

#[test]
fn an_identity_token_may_be_used_on_each_side() {
    let (test, registry) = two_users();
    let (alice, bob) = (registry.new_refresh_token("alice"), registry.new_refresh_token("bob"));
    let copy = [
        "cp",
        "[REGISTRY]/from:v1",
        "[REGISTRY]/into:v1", //
        "--from-identity-token",
        &alice,
        "--to-identity-token",
        &bob,
        "--debug",
    ];
    test.oras(copy).succeeds().never_says(&alice).never_says(&bob);
    for request in registry.requests_like("* /token*") {
        assert_eq!(request.contains(&alice), request.contains("repository:from:"), "{request:?}");
        assert_eq!(request.method, "POST");
    }
}

/// Every place that can have a login, with a user of its own, in the order in which they are asked.
#[test]
fn the_first_place_with_a_login_is_used_and_named() {
    let places = ["flag", "file", "docker", "variable", "text", "runtime", "home", "old"];
    let access = places[1..]
        .iter()
        .fold(May::basic("flag", "canary-flag"), |access, user| access.user(user, &format!("canary-{user}")));
    let (test, registry) = (Test::new(), TestRegistry::builder().access(access).start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    let node = registry.content("app").insert_artifact("a/b", &[]);
    registry.content("app").tag("v1", &node);
    let host = registry.host();
    let text = |user: &str| config(&host, user, &format!("canary-{user}"));
    test.write("file.json", text("file"));
    test.write(".docker/config.json", text("docker"));
    test.write("variable.json", text("variable"));
    test.write("run/containers/auth.json", text("runtime"));
    test.write(".config/containers/auth.json", text("home"));
    let old: serde_json::Value = serde_json::from_str(&text("old")).unwrap();
    test.write(".dockercfg", old["auths"].to_string());
    let run = test.path("run").to_str().unwrap().to_owned();
    let variable = test.path("variable.json").to_str().unwrap().to_owned();
    test.set("REGISTRY_AUTH_FILE", variable)
        .set("DOCKER_AUTH_CONFIG", text("text"))
        .set("XDG_RUNTIME_DIR", run);

    let user = |flags: &[&str]| {
        registry.forget_requests();
        let arguments = ["repo", "tags", "[REGISTRY]/app"];
        test.oras(arguments.iter().chain(flags)).succeeds().prints("v1\n").never_says("canary");
        let requests = registry.requests();
        let used: Vec<_> = places
            .iter()
            .filter(|user| requests.iter().any(|request| request.contains(&format!("canary-{user}"))))
            .collect();
        assert_eq!(used.len(), 1, "{used:?}");
        *used[0]
    };
    assert_eq!(user(&["-u", "flag", "-p", "canary-flag"]), "flag");
    assert_eq!(user(&["--registry-config", "file.json"]), "file");
    assert_eq!(user(&[]), "docker");
    // What `--explain` names first is what is used; then each place goes.
    let explain = |expected: &str| {
        let shown = test.oras(["login", "--explain", "[REGISTRY]"]).succeeds().never_says("canary");
        let first = shown.stdout.lines().find(|line| line.contains(": a password")).unwrap_or_default();
        assert!(first.contains(expected), "{expected}: {}", shown.stdout);
    };
    explain(".docker/config.json");
    test.write(".docker/config.json", "{}");
    assert_eq!(user(&[]), "variable");
    explain("variable.json");
    test.set("REGISTRY_AUTH_FILE", "");
    assert_eq!(user(&[]), "text");
    explain("DOCKER_AUTH_CONFIG");
    test.set("DOCKER_AUTH_CONFIG", "");
    assert_eq!(user(&[]), "runtime");
    explain("run/containers/auth.json");
    test.write("run/containers/auth.json", "{}");
    assert_eq!(user(&[]), "home");
    explain(".config/containers/auth.json");
    test.write(".config/containers/auth.json", "{}");
    assert_eq!(user(&[]), "old");
    explain(".dockercfg");
    test.write(".dockercfg", "{}");
    test.oras(["repo", "tags", "[REGISTRY]/app"]).fails().stderr_contains("oras login [REGISTRY]");
}

#[test]
fn an_entry_for_a_part_of_a_registry_is_for_that_part() {
    let access = May::basic("all", "canary-all")
        .who_may("pull", "*")
        .user("team", "canary-team")
        .who_may("pull,push", "team/*");
    let (test, registry) = (Test::new(), TestRegistry::builder().access(access).start_blocking());
    let host = registry.host();
    test.names(&host, "[REGISTRY]").write("hi.txt", "hi");
    let auth = |text: &str| BASE64_STANDARD.encode(text);
    let entries = format!(
        r#"{{"auths":{{"{host}":{{"auth":"{}"}},"{host}/team":{{"auth":"{}"}}}}}}"#,
        auth("all:canary-all"),
        auth("team:canary-team")
    );
    test.write(".config/containers/auth.json", entries);
    test.oras(["push", "[REGISTRY]/team/app:v1", "hi.txt"]).succeeds();
    assert!(registry.requests().iter().all(|request| !request.contains("canary-all")));
    let refused = test.oras(["push", "[REGISTRY]/other:v1", "hi.txt"]).fails().never_says("canary");
    refused.stderr_contains("denied");
    // A part can be asked about as well.
    let explained = test.oras(["login", "--explain", "[REGISTRY]/team/app"]).succeeds().never_says("canary");
    explained.stdout_contains("entry \"[REGISTRY]/team\"");
}

#[test]
fn a_copy_with_one_login_for_both_sides_needs_no_flags() {
    let (test, registry) = (Test::new(), TestRegistry::builder().bearer("alice", "canary").start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    let node = registry.content("from").insert_artifact("a/b", &[("hi.txt", b"hi")]);
    registry.content("from").tag("v1", &node);
    test.write(".docker/config.json", config(&registry.host(), "alice", "canary"));
    test.oras(["cp", "[REGISTRY]/from:v1", "[REGISTRY]/into:v1"]).succeeds().never_says("canary");
    // One party: what is there already is mounted.
    assert!(registry.count("POST *mount=*from=from* 201") > 0, "{:?}", registry.lines());
}
