//! The binary against real registries, proxies, fronts and a real helper program: signing in, and being kept out.

use std::net::SocketAddr;

use crate::support::{
    Access, Authority, Outcome, Test, TestRegistry, nginx,
    pass::PassStore,
    proxy::{Protocol, Proxy},
    server::{self, DISTRIBUTION, DOCKER_REGISTRY, Distribution, Server, USER},
    signer::Signer,
};

fn test_for(server: &Server) -> Test {
    let test = Test::new();
    test.names(server.host(), "[REGISTRY]").write("hi.txt", "hello from the tests\n");
    test
}

fn login(test: &Test, password: &str, flags: &[&str]) -> Outcome {
    let arguments = ["login", "[REGISTRY]", "-u", USER.0, "--password-stdin"];
    test.oras_with_input(arguments.iter().chain(flags), password).never_says(USER.1)
}

/// Pushes, lists, copies and pulls.
fn round_trip(test: &Test, flags: &[&str]) {
    let run = |command: &str| {
        let sides: Vec<String> = match command.starts_with("cp") {
            false => flags.iter().map(|flag| (*flag).to_owned()).collect(),
            true => ["from", "to"]
                .iter()
                .flat_map(|side| flags.iter().map(move |flag| flag.replace("--", &format!("--{side}-"))))
                .collect(),
        };
        let arguments = command.split(' ').map(str::to_owned).chain(sides);
        test.oras(arguments.collect::<Vec<_>>()).succeeds().never_says(USER.1)
    };
    run("push [REGISTRY]/team/app:v1 hi.txt");
    run("repo tags [REGISTRY]/team/app").stdout_contains("v1");
    run("cp [REGISTRY]/team/app:v1 [REGISTRY]/team/copy:v1");
    run("pull [REGISTRY]/team/copy:v1 -o out");
    assert_eq!(test.read_text("out/hi.txt"), "hello from the tests\n");
}

#[test]
fn a_registry_with_tls_and_passwords_is_logged_in_to_and_used() {
    for program in [DOCKER_REGISTRY, DISTRIBUTION] {
        let authority = Authority::new();
        let registry = Distribution::new().with_tls(&authority.server()).with_password();
        if let Some(server) = registry.start(program) {
            log_in_and_out(&server, &authority);
        }
    }
}

fn log_in_and_out(server: &Server, authority: &Authority) {
    let test = test_for(server);
    test.write("ca.pem", authority.pem());
    let flags = ["--plain-http=false", "--ca-file", "ca.pem"];
    login(&test, USER.1, &["--plain-http=false"]).fails().stderr_contains("unknown authority");
    login(&test, "wrong", &flags).fails().stderr_contains("unauthorized");
    assert!(!test.exists(".docker"));
    login(&test, USER.1, &flags).succeeds().prints("Login Succeeded\n").says_nothing_aside();
    round_trip(&test, &flags);
    let attach = ["attach", "[REGISTRY]/team/app:v1", "--artifact-type", "sbom/example", "hi.txt"];
    test.oras(attach.iter().chain(&flags)).succeeds().never_says(USER.1);
    let discovered = test.oras(["discover", "[REGISTRY]/team/app:v1"].iter().chain(&flags)).succeeds();
    discovered.stdout_contains("sbom/example");
    // The folder of the host does what the flag does.
    test.write(&format!(".docker/certs.d/{}/ca.crt", server.host()), authority.pem());
    test.oras(["repo", "tags", "[REGISTRY]/team/app", "--plain-http=false"]).succeeds();
    test.oras(["logout", "[REGISTRY]"]).succeeds();
    let refused = test.oras(["repo", "tags", "[REGISTRY]/team/app", "--plain-http=false"]).fails();
    refused.stderr_contains("oras login [REGISTRY]");
}

#[test]
fn registries_that_verify_tokens_are_logged_in_to_and_used() {
    let signer = Signer::new("test-issuer");
    let access = Access::bearer(USER.0, USER.1).tokens_elsewhere().tokens_signed_by(&signer);
    let tokens = TestRegistry::builder().access(access).start_blocking();
    for program in [DOCKER_REGISTRY, DISTRIBUTION] {
        let registry = Distribution::new().with_tokens(&tokens.realm(), "test-registry", &signer);
        let Some(server) = registry.start(program) else { continue };
        let test = test_for(&server);
        login(&test, "wrong", &[]).fails();
        login(&test, USER.1, &[]).succeeds().prints("Login Succeeded\n").says_nothing_aside();
        tokens.forget_requests();
        test.oras(["push", "[REGISTRY]/other:v1", "hi.txt"]).succeeds();
        // One token for everything that a push needs.
        assert_eq!(tokens.requests().len(), 1, "{:?}", tokens.lines());
        round_trip(&test, &[]);
        test.oras(["logout", "[REGISTRY]"]).succeeds();
        test.oras(["push", "[REGISTRY]/other:v2", "hi.txt"]).fails().stderr_contains("oras login [REGISTRY]");
    }
}

#[test]
fn a_cache_serves_what_it_has_also_when_the_registry_is_gone() {
    let Some(origin) = server::distribution() else { return };
    let Some(cache) = Distribution::new().proxying(&format!("http://{}", origin.host())).start(DISTRIBUTION)
    else {
        return;
    };
    let test = test_for(&origin);
    let folder = origin.host().replace(':', "_");
    test.write(&format!("certs/{folder}_/hosts.toml"), format!("[host.\"http://{}\"]\n", cache.host()));
    test.set("ORAS_MIRRORS", "certs");
    // What is written goes to the registry; the cache would refuse it.
    let pushed = test.oras(["push", "[REGISTRY]/app:v1", "hi.txt", "--format", "json"]).succeeds();
    let reference = pushed.json()["reference"].as_str().unwrap().to_owned();
    let pull = |output: &str| test.oras(["pull", &reference, "-o", output]);
    pull("first").succeeds();
    assert!(cache.log().contains("/v2/app/blobs/sha256"), "{}", cache.log());
    drop(origin);
    pull("second").succeeds().stdout_contains("Pulled [registry] [REGISTRY]/app@sha256:");
    assert_eq!(test.read_text("second/hi.txt"), "hello from the tests\n");
    test.set("ORAS_MIRRORS", "");
    pull("third").fails();
}

#[test]
fn a_front_that_wants_a_certificate_is_shown_one() {
    let Some(registry) = server::distribution() else { return };
    let (servers, clients) = (Authority::new(), Authority::new());
    let identity = servers.server();
    let front = nginx::start(|files, [port, _]| {
        let certificate = files.write("server.pem", &identity.certificate);
        let key = files.write("server.key", &identity.key);
        let authority = files.write("clients.pem", clients.pem());
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};\n\
             ssl_client_certificate {authority}; ssl_verify_client on;\n\
             location / {{ proxy_pass http://{}; proxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-Proto https; }} }}\n",
            registry.host().replace("localhost", "127.0.0.1")
        )
    });
    let Some(front) = front else { return };
    let test = test_for(&front);
    let me = clients.client("alice");
    for (name, text) in [("ca.pem", servers.pem()), ("me.pem", &me.certificate), ("me.key", &me.key)] {
        test.write(name, text);
    }
    let basic = ["--plain-http=false", "--ca-file", "ca.pem"];
    let refused = test.oras(["repo", "tags", "[REGISTRY]/team/app"].iter().chain(&basic)).fails();
    refused.stderr_contains("No required SSL certificate was sent");
    round_trip(&test, &[&basic[..], &["--cert-file", "me.pem", "--key-file", "me.key"]].concat());
    let stranger = Authority::new().client("alice");
    test.write("me.pem", &stranger.certificate);
    test.write("me.key", &stranger.key);
    let flags = [&basic[..], &["--cert-file", "me.pem", "--key-file", "me.key"]].concat();
    test.oras(["repo", "tags", "[REGISTRY]/team/app"].iter().chain(&flags)).fails();
}

#[test]
fn a_front_that_sends_blobs_from_elsewhere_is_followed_without_the_password() {
    let Some(registry) = Distribution::new().with_password().start(DISTRIBUTION) else { return };
    let Some(front) = nginx::redirecting_blobs(&registry) else { return };
    let test = test_for(&front);
    login(&test, USER.1, &[]).succeeds();
    round_trip(&test, &[]);
    let outcome = test.oras(["pull", "[REGISTRY]/team/app:v1", "-o", "again", "--debug"]).succeeds();
    outcome.never_says(USER.1).never_says("sig=secret");
    nginx::has_logged(&front, &[" 307 ", "?sig=secret HTTP/1.1\" 200 "]);
}

#[test]
fn a_registry_is_reached_through_http_and_socks_proxies() {
    let authority = Authority::new();
    let identity = authority.server_called(&["registry.test"]);
    let Some(server) = Distribution::new().with_tls(&identity).with_password().start(DISTRIBUTION) else {
        return;
    };
    let address: SocketAddr = server.host().replace("localhost", "127.0.0.1").parse().unwrap();
    for protocol in [Protocol::Http, Protocol::Socks] {
        let proxy = Proxy::with_password(protocol, "proxy-user", "proxy-password");
        proxy.leads("registry.test:443", address);
        let test = Test::new();
        test.names("registry.test", "[REGISTRY]").write("hi.txt", "hello from the tests\n");
        test.write("ca.pem", authority.pem());
        test.set("HTTPS_PROXY", proxy.url_as("proxy-user", "proxy-password"));
        login(&test, USER.1, &["--ca-file", "ca.pem"]).succeeds();
        round_trip(&test, &["--ca-file", "ca.pem"]);
        assert!(proxy.seen().iter().all(|line| line == "CONNECT registry.test:443"), "{:?}", proxy.seen());
        test.set("HTTPS_PROXY", proxy.url_as("proxy-user", "wrong-password"));
        let refused = test.oras(["repo", "tags", "[REGISTRY]/team/app", "--ca-file", "ca.pem"]).fails();
        refused.stderr_contains("proxy").never_says("wrong-password");
    }
}

#[test]
fn a_real_helper_keeps_the_login() {
    let Some(server) = Distribution::new().with_password().start(DISTRIBUTION) else { return };
    let test = test_for(&server);
    let Some(store) = PassStore::create(&test) else { return };
    test.write(".docker/config.json", r#"{"credsStore":"pass"}"#);
    // It has nothing yet, which it says in its own way.
    test.oras(["repo", "tags", "[REGISTRY]/team/app"]).fails().stderr_contains("oras login [REGISTRY]");
    login(&test, USER.1, &[]).succeeds().prints("Login Succeeded\n");
    let (found, answer) = store.get(server.host());
    assert!(found && answer.contains(USER.1), "{answer}");
    assert!(!test.read_text(".docker/config.json").contains("\"auth\""));
    test.oras(["push", "[REGISTRY]/team/app:v1", "hi.txt"]).succeeds().never_says(USER.1);
    let explained = test.oras(["login", "--explain", "[REGISTRY]"]).succeeds().never_says(USER.1);
    explained.stdout_contains("a password from docker-credential-pass");
    test.oras(["logout", "[REGISTRY]"]).succeeds();
    assert!(!store.get(server.host()).1.contains(USER.1));
    test.oras(["repo", "tags", "[REGISTRY]/team/app"]).fails();
}
