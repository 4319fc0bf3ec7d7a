//! What servers, files and programs say that they should not: an error that names who said it, no secret in any
//! output, and nothing sent to those who are not entitled to it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::support::{
    Authority, Fault, Outcome, ServerTls, Test, TestRegistry,
    registry::{Access as May, Answer},
};

/// A registry with an artifact, at a name of the outside, and a login for it. `[HOST]` is its name.
struct World {
    test: Test,
    registry: TestRegistry,
    resolve: String,
}

const PASSWORD: &str = "canary-password";

impl World {
    fn new(access: May) -> Self {
        let (test, registry) = (Test::new(), TestRegistry::builder().access(access).start_blocking());
        let port = registry.address().port();
        let host = format!("registry.test:{port}");
        test.names(&host, "[HOST]");
        let node = registry.content("app").insert_artifact("a/b", &[("hi.txt", b"hi")]);
        registry.content("app").tag("v1", &node);
        test.write("hi.txt", "hello");
        let auth = BASE64_STANDARD.encode(format!("alice:{PASSWORD}"));
        test.write(".docker/config.json", format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#));
        Self { test, registry, resolve: format!("--resolve={host}:127.0.0.1:{port}") }
    }

    /// One that asks for a token.
    fn bearer() -> Self {
        Self::new(May::bearer("alice", PASSWORD).realm("/token"))
    }

    fn run(&self, command: &str) -> Outcome {
        let flags = ["--plain-http", &self.resolve, "--debug"];
        let outcome = self.test.oras(command.split(' ').chain(flags));
        let pair = BASE64_STANDARD.encode(format!("alice:{PASSWORD}"));
        outcome.never_says("canary").never_says(&pair).never_says("secret-token")
    }

    fn tags(&self) -> Outcome {
        self.run("repo tags [HOST]/app")
    }
}

/// What is said apart from the log: an entry of the log begins with its time and ends with a blank line.
fn error_of(outcome: &Outcome) -> String {
    let mut is_log = false;
    let is_said = |line: &&str| {
        is_log = (is_log || line.starts_with("[2")) && !line.is_empty();
        !is_log && !line.is_empty()
    };
    outcome.stderr.lines().filter(is_said).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn says(outcome: &Outcome, parts: &[&str], case: &str) {
    assert_eq!(outcome.code, Some(1), "{case}: {outcome:#?}");
    let error = error_of(outcome);
    for part in parts {
        assert!(error.contains(part), "{case}: no {part:?} in\n{error}\n{outcome:#?}");
    }
}

// ---- challenges and tokens ----------------------------------------------------------------------------

#[test]
fn a_malformed_challenge_is_an_error_that_names_the_registry_and_gets_no_password() {
    let long = "a".repeat(20_000);
    let cases: [(&str, &[&str]); 16] = [
        ("", &["[HOST] does not say how to log in"]),
        (",,,", &["[HOST] does not say how to log in"]),
        ("\"", &["[HOST]"]),
        (&long, &["[HOST]"]),
        ("Bearer", &["[HOST]", "names no place for tokens"]),
        ("Bearer realm=", &["[HOST]", "names no place for tokens"]),
        ("Bearer realm=\"\",service=\"x\"", &["[HOST]", "names no place for tokens"]),
        ("Bearer service=\"x\"", &["[HOST]", "names no place for tokens"]),
        (
            "Bearer realm=\"ftp://registry.test/t\"",
            &["[HOST]", "ftp://registry.test/t", "neither http nor https"],
        ),
        ("Bearer realm=\"http://me:canary@registry.test/t\"", &["[HOST]", "it names a user"]),
        ("Bearer realm=\"http://registry.test/t#x\"", &["[HOST]", "it has a fragment"]),
        ("Bearer realm=\"http://169.254.169.254/t\"", &["[HOST]", "169.254.169.254", "internal network"]),
        ("Bearer realm=\"http://[::1]:1/t\"", &["[HOST]", "internal network"]),
        ("Bearer realm=\"https://a, b/token\"", &["[HOST]", "not a URL"]),
        ("Negotiate", &["[HOST] asks for an unsupported scheme: negotiate"]),
        ("Digest realm=\"x\", nonce=\"y\"", &["[HOST] asks for an unsupported scheme: digest"]),
    ];
    for (challenge, expected) in cases {
        let world = World::bearer();
        let refusal = Answer::error(401, "UNAUTHORIZED", "authentication required");
        let refusal =
            if challenge.is_empty() { refusal } else { refusal.header("www-authenticate", challenge) };
        world.registry.on("*", "/v2/*").always().then(Fault::answer(refusal));
        says(&world.tags(), expected, &challenge[..challenge.len().min(80)]);
        world.registry.never_saw(PASSWORD);
    }
}

#[test]
fn a_challenge_behind_a_malformed_one_is_answered() {
    for first in ["Bearer", "Negotiate", "Bearer realm=", ", ,", "Digest realm=\"x, nonce=y"] {
        let world = World::new(May::basic("alice", PASSWORD));
        let first = first.to_owned();
        world.registry.on("*", "/v2/*").always().then(Fault::edit(move |_, answer| {
            if answer.status == 401 {
                answer.set_header("www-authenticate", &first);
                answer.add_header("www-authenticate", "Basic realm=\"x\"");
            }
        }));
        let outcome = world.tags();
        // Over plain http a password never takes the place of a token whose server is of no use.
        let is_bearer = world.registry.requests().len() == 1;
        assert_eq!(outcome.code, Some(i32::from(is_bearer)), "{outcome:#?}");
    }
}

#[test]
fn an_answer_that_is_no_token_is_named_with_the_place_that_sent_it() {
    let json = |text: &str| Answer::new(200).header("content-type", "application/json").body(text.to_owned());
    let long = format!(r#"{{"token":"{}"}}"#, "canary".repeat(50_000));
    let cases = [
        ("nothing", Fault::answer(json(""))),
        ("an empty object", Fault::answer(json("{}"))),
        ("a list", Fault::answer(json("[\"canary\"]"))),
        ("an empty token", Fault::answer(json(r#"{"token":""}"#))),
        ("a number", Fault::answer(json(r#"{"token":1,"x":"canary"}"#))),
        ("two lines", Fault::answer(json(r#"{"token":"canary\nX: y"}"#))),
        ("half an answer", Fault::answer(json(r#"{"token":"canary"#))),
        ("too much", Fault::answer(json(&long))),
        ("a page", Fault::answer(Answer::new(200).header("content-type", "text/html").body("<html>canary"))),
        ("no HTTP", Fault::raw("canary")),
        ("a refusal in text", Fault::answer(Answer::new(401).body("bad \u{1b}[31mlogin"))),
        ("an OAuth error", Fault::answer(Answer::json(400, &serde_json::json!({"error": "invalid_scope"})))),
        ("a strange status", Fault::status(501)),
        ("leads away", Fault::redirect(307, "http://evil.test/token?x=canary")),
    ];
    for (name, fault) in cases {
        let world = World::bearer();
        world.registry.on("*", "/token").always().then(fault);
        let outcome = world.tags();
        assert!(!outcome.stderr.contains('\u{1b}'), "{name}");
        says(&outcome, &["/token"], name);
        assert_eq!(world.registry.count("GET /v2/app/* 200"), 0);
    }
    let world = World::bearer();
    world.registry.on("*", "/token").always().then(Fault::error(403, "DENIED", "not you"));
    says(&world.tags(), &["denied: not you", "the password is from entry \"[HOST]\""], "a refusal in JSON");
}

#[test]
fn a_token_that_the_registry_does_not_take_is_asked_for_no_more_than_twice() {
    let world = World::bearer();
    world
        .registry
        .on("GET", "/token")
        .always()
        .then(Fault::answer(Answer::json(200, &serde_json::json!({"token": "other"}))));
    says(&world.tags(), &["the password is from entry", "config.json"], "unknown token");
    assert!(world.registry.count("GET /token*") <= 2, "{:?}", world.registry.lines());
}

// ---- files and programs -------------------------------------------------------------------------------

#[test]
fn a_malformed_config_file_is_named_and_never_shown_or_overwritten() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let cases: [(&str, &str); 14] = [
        ("{\"canary\"", "line 1"),
        ("{\n  \"auths\": {\n    canary\n  }\n}", "line 3"),
        ("[\"canary\"]", "not an object"),
        ("\"canary\"", "not an object"),
        ("{\"auths\":[\"canary\"]}", "auths is not an object"),
        ("{\"credsStore\":1}", "credsStore is not"),
        ("{\"credHelpers\":[\"canary\"]}", "credHelpers is not"),
        ("{\"credHelpers\":{\"a\":1}}", "credHelpers"),
        (&deep, "not JSON"),
        ("{\"auths\":{\"[HOST]\":\"canary\"}}", "[HOST]"),
        ("{\"auths\":{\"[HOST]\":{\"auth\":1}}}", "[HOST]"),
        ("{\"auths\":{\"[HOST]\":{\"auth\":\"%%canary%%\"}}}", "[HOST]"),
        ("{\"auths\":{\"[HOST]\":{\"auth\":\"Y2FuYXJ5\"}}}", "[HOST]"),
        ("{\"auths\":{\"[HOST]\":{\"identitytoken\":[\"canary\"]}}}", "[HOST]"),
    ];
    for (text, expected) in cases {
        let world = World::bearer();
        let host = format!("registry.test:{}", world.registry.address().port());
        let text = text.replace("[HOST]", &host);
        world.test.write(".docker/config.json", &text);
        says(&world.tags(), &[".docker/config.json", expected], &text[..text.len().min(80)]);
        assert!(world.registry.requests().iter().all(|request| request.header("authorization").is_none()));
        if expected != "[HOST]" {
            assert!(world.registry.requests().is_empty());
            let login =
                ["login", "[HOST]", "-u", "alice", "--password-stdin", "--plain-http", &world.resolve];
            world.test.oras_with_input(login, PASSWORD).fails().never_says("canary");
            assert_eq!(world.test.read_text(".docker/config.json"), text);
        }
    }
    let world = World::bearer();
    world.test.write(".docker/config.json", b"{\"auths\":{\"\xff\":{}}}");
    says(&world.tags(), &[".docker/config.json", "UTF-8"], "not UTF-8");
}

#[test]
fn an_entry_that_cannot_be_read_concerns_its_own_registry() {
    let world = World::new(May::bearer("alice", PASSWORD).realm("/token").anybody_may("pull", "*"));
    world.test.write(".docker/config.json", r#"{"auths":{"other.test":{"auth":"%%canary%%"}}}"#);
    world.tags().succeeds().prints("v1\n");
}

#[test]
fn files_that_other_places_name_are_named_when_they_are_missing_or_broken() {
    let world = World::bearer();
    world.test.write(".docker/config.json", "{}");
    world.test.set("REGISTRY_AUTH_FILE", "nowhere.json");
    says(&world.tags(), &["REGISTRY_AUTH_FILE", "nowhere.json"], "missing");
    world.test.set("REGISTRY_AUTH_FILE", "").set("DOCKER_AUTH_CONFIG", "{\"auths\": canary}");
    says(&world.tags(), &["DOCKER_AUTH_CONFIG"], "variable");
    world.test.set("DOCKER_AUTH_CONFIG", "");
    world.test.write("own.json", "{canary");
    says(&world.run("repo tags [HOST]/app --registry-config own.json"), &["own.json", "line 1"], "own");
    // What belongs to other programs is passed over with a line.
    world.test.write(".config/containers/auth.json", "{canary");
    let outcome = world.tags();
    assert!(outcome.stderr.contains("containers/auth.json"), "{outcome:#?}");
}

#[test]
fn a_helper_that_answers_nonsense_is_named_with_its_file() {
    let cases = [
        ("echo canary", "docker-credential-odd get: the answer is not JSON"),
        ("echo '[\"canary\"]'", "not an object"),
        ("echo '{\"Username\":1,\"Secret\":\"canary\"}'", "not made of texts"),
        ("echo '{\"Username\":\"alice\",\"Secret\":\"canary\"'", "not JSON"),
        ("yes canary | head -c 3000000", "too long"),
        ("echo 'the key chain is locked'; exit 1", "the key chain is locked"),
        ("echo 'the key chain is locked' >&2; exit 1", "the key chain is locked"),
        ("echo '{\"Secret\":\"canary\"}'; exit 1", "exit status: 1"),
        ("printf '\\033[31mred'; exit 1", "[31mred"),
        ("exit 7", "exit status: 7"),
        ("kill -9 $$", "signal: 9"),
    ];
    for (script, expected) in cases {
        let world = World::bearer();
        world.test.write(".docker/config.json", r#"{"credsStore":"odd"}"#);
        world.test.program("docker-credential-odd", &format!("#!/bin/sh\ncat > /dev/null\n{script}\n"));
        let outcome = world.tags().fails().stderr_contains("docker-credential-odd").stderr_contains(expected);
        let outcome = outcome
            .stderr_contains("[TEST]/.docker/config.json")
            .stderr_contains("there is no login for [HOST]");
        assert!(!outcome.stderr.contains('\u{1b}'), "{script}");
    }
    // These say that they have nothing, which is no fault.
    for script in [
        "echo 'credentials not found in native keychain'; exit 1",
        "echo '{\"Username\":\"\",\"Secret\":\"\"}'",
    ] {
        let world = World::bearer();
        world.test.write(".docker/config.json", r#"{"credsStore":"odd"}"#);
        world.test.program("docker-credential-odd", &format!("#!/bin/sh\ncat > /dev/null\n{script}\n"));
        let outcome = world.tags().fails();
        assert!(!outcome.stderr.contains("docker-credential-odd"), "{outcome:#?}");
    }
    for name in ["../odd", "odd name", "odd/x"] {
        let world = World::bearer();
        world.test.write(".docker/config.json", format!("{{\"credsStore\":\"{name}\"}}"));
        world.tags().fails().stderr_contains(name).stderr_contains("[TEST]/.docker/config.json");
    }
}

#[test]
fn files_of_certificates_that_are_of_no_use_are_named_before_anything_is_sent() {
    let authority = Authority::new();
    let (one, two) = (authority.client("one"), authority.client("two"));
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5Y2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let garbled = one.certificate.replace("MII", "###");
    let files = [
        ("ca.pem", authority.pem()),
        ("one.pem", &one.certificate),
        ("one.key", &one.key),
        ("two.key", &two.key),
        ("empty.pem", ""),
        ("text.pem", "canary"),
        ("encrypted.key", encrypted),
        ("garbled.pem", &garbled),
        ("folder/x", ""),
    ];
    let cases = [
        ("--ca-file missing.pem", "missing.pem"),
        ("--ca-file folder", "folder"),
        ("--ca-file empty.pem", "empty.pem"),
        ("--ca-file text.pem", "text.pem"),
        ("--ca-file garbled.pem", "garbled.pem"),
        ("--ca-file one.key", "one.key"),
        ("--cert-file missing.pem --key-file one.key", "missing.pem"),
        ("--cert-file one.pem --key-file missing.key", "missing.key"),
        ("--cert-file one.pem --key-file empty.pem", "empty.pem"),
        ("--cert-file one.pem --key-file one.pem", "one.pem"),
        ("--cert-file one.key --key-file one.key", "one.key"),
        ("--cert-file one.pem --key-file two.key", "two.key"),
        ("--cert-file one.pem --key-file encrypted.key", "encrypted.key"),
        ("--cert-file one.pem", "--key-file"),
        ("--key-file one.key", "--cert-file"),
    ];
    let world = World::bearer();
    for (name, text) in files {
        world.test.write(name, text);
    }
    let key_line = one.key.lines().nth(1).unwrap();
    for (flags, expected) in cases {
        let outcome = world.run(&format!("repo tags [HOST]/app {flags}")).never_says(key_line);
        says(&outcome.never_says("Y2FuYXJ5"), &[expected], flags);
    }
    assert!(world.registry.requests().is_empty());
}

#[test]
fn a_certificate_of_a_server_that_is_no_good_is_told_with_the_host_and_what_to_do() {
    let authority = Authority::new();
    let cases = [
        (
            authority.server_called(&["registry.test"]),
            "other.pem",
            "certificate signed by unknown authority",
            "--ca-file",
        ),
        (authority.expired_server(), "ca.pem", "expired", "clock"),
        (authority.server_called(&["elsewhere.test"]), "ca.pem", "elsewhere.test", "alternative names"),
        (authority.server_with_common_name_only(), "ca.pem", "alternative names", "common name"),
        (authority.client("registry.test"), "ca.pem", "not meant for servers", "server authentication"),
    ];
    for (identity, file, reason, advice) in cases {
        let access = May::basic("alice", PASSWORD);
        let registry = TestRegistry::builder().tls(ServerTls::new(identity)).access(access).start_blocking();
        let test = Test::new();
        test.write("ca.pem", authority.pem());
        test.write("other.pem", Authority::new().pem());
        let port = registry.address().port();
        let resolve = format!("--resolve=registry.test:{port}:127.0.0.1:{port}");
        let reference = format!("registry.test:{port}/app");
        let arguments =
            ["repo", "tags", &reference, "--ca-file", file, &resolve, "-u", "alice", "--password-stdin"];
        let outcome = test.oras_with_input(arguments, PASSWORD).never_says("canary");
        says(&outcome, &[&format!("registry.test:{port}"), reason, advice], reason);
        // It was found out before anything was said.
        assert!(registry.requests().is_empty());
    }
}

// ---- places to go to ----------------------------------------------------------------------------------

/// What a server may name, and what is wrong with it. `[INSIDE]` is a server of our own network.
const PLACES: [(&str, &str); 8] = [
    ("ftp://registry.test/x", "neither http nor https"),
    ("file:///etc/passwd", "neither http nor https"),
    ("http://me:canary@registry.test/x", "it names a user"),
    ("http://[INSIDE]/x", "internal network"),
    ("//[INSIDE]/x", "internal network"),
    ("http://169.254.169.254/latest/meta-data", "internal network"),
    ("http://10.0.0.1/x?sig=canary", "internal network"),
    ("http://[::ffff:127.0.0.1]/x", "internal network"),
];

#[test]
fn an_upload_goes_to_no_place_where_it_must_not() {
    let inside = TestRegistry::start_blocking();
    for (place, reason) in PLACES {
        let world = World::bearer();
        let place = place.replace("[INSIDE]", &inside.address().to_string());
        world.registry.on("POST", "*").always().then(Fault::header("location", &place));
        says(&world.run("push [HOST]/app:v2 hi.txt"), &["[HOST]", reason], &place);
        assert_eq!(world.registry.count("PUT *"), 0);
    }
    let world = World::bearer();
    world.registry.on("POST", "*").always().then(Fault::without_header("location"));
    world.test.write("hi.txt", "something new");
    says(&world.run("push [HOST]/app:v2 hi.txt"), &["[HOST]", "location"], "none");
    assert!(inside.requests().is_empty());
}

#[test]
fn a_redirect_leads_to_no_place_where_it_must_not() {
    let inside = TestRegistry::start_blocking();
    for (place, reason) in PLACES {
        for target in ["/v2/app/manifests/v1", "/v2/app/blobs/*", "/v2/app/tags/list"] {
            let world = World::bearer();
            let place = place.replace("[INSIDE]", &inside.address().to_string());
            let rule = world.registry.on("*", target).always();
            rule.when(|request| request.headers.contains_key("authorization"))
                .then(Fault::redirect(307, &place));
            let command =
                if target.contains("tags") { "repo tags [HOST]/app" } else { "pull [HOST]/app:v1 -o out" };
            says(&world.run(command), &["[HOST]", reason], &format!("{target} to {place}"));
        }
    }
    assert!(inside.requests().is_empty());
}

#[test]
fn a_link_leads_to_no_other_host() {
    let inside = TestRegistry::start_blocking();
    for place in [
        "http://[INSIDE]/v2/app/tags/list",
        "//evil.test/x",
        "ftp://registry.test/x",
        "http://me:canary@[HOST]/x",
    ] {
        let world = World::bearer();
        let host = format!("registry.test:{}", world.registry.address().port());
        let place = place.replace("[INSIDE]", &inside.address().to_string()).replace("[HOST]", &host);
        let link = Fault::header("link", &format!("<{place}>; rel=\"next\""));
        world
            .registry
            .on("GET", "/v2/app/tags/list*")
            .when(|request| request.headers.contains_key("authorization"))
            .then(link);
        says(&world.tags(), &["[HOST]"], &place);
    }
    assert!(inside.requests().is_empty());
}
