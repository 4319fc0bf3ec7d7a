//! How a registry is reached: other addresses, certificates, proxies and headers.

use std::fs;

use crate::support::{
    Authority, Identity, Outcome, ServerTls, Test, TestRegistry,
    proxy::{Protocol, Proxy},
    registry::{Access as May, Origin},
    server::skip,
    tunnel::Tunnel,
};

/// A registry with an artifact, and a folder.
fn start(
    change: impl FnOnce(crate::support::registry::Builder) -> crate::support::registry::Builder,
) -> (Test, TestRegistry) {
    let (test, registry) = (Test::new(), change(TestRegistry::builder()).start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    let node = registry.content("app").insert_artifact("a/b", &[("hi.txt", b"hi")]);
    registry.content("app").tag("v1", &node);
    (test, registry)
}

fn tags(test: &Test, host: &str, flags: &[&str]) -> Outcome {
    let reference = format!("{host}/app");
    test.oras(["repo", "tags", &reference].iter().chain(flags))
}

// ---- addresses ----------------------------------------------------------------------------------------

#[test]
fn a_name_leads_to_an_address_of_either_family() {
    let (test, registry) = start(|builder| builder);
    let port = registry.address().port();
    let resolve = format!("--resolve=registry.test:80:127.0.0.1:{port}");
    tags(&test, "registry.test", &["--plain-http", &resolve]).succeeds().prints("v1\n");
    assert_eq!(registry.requests()[0].header("host"), Some("registry.test"));

    let Some(tunnel) = Tunnel::over_ipv6(&registry.host()) else {
        return skip("this machine has no address of IPv6");
    };
    let port = tunnel.address().port();
    for (host, resolve) in [
        ("registry.test", format!("registry.test:80:[::1]:{port}")),
        ("registry.test:5000", format!("registry.test:5000:[::1]:{port}")),
    ] {
        registry.forget_requests();
        tags(&test, host, &["--plain-http", "--resolve", &resolve]).succeeds().prints("v1\n");
        assert_eq!(registry.requests()[0].header("host"), Some(host));
    }
    let same_port = format!("registry.test:{port}:::1");
    tags(&test, &format!("registry.test:{port}"), &["--plain-http", "--resolve", &same_port]).succeeds();
}

#[test]
fn behind_another_address_the_certificate_is_still_that_of_the_name() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server_called(&["registry.test"]));
    let (test, registry) = start(|builder| builder.tls(tls));
    test.write("ca.pem", authority.pem());
    let port = registry.address().port();
    let to = |name: &str| format!("--resolve={name}:443:127.0.0.1:{port}");
    tags(&test, "registry.test", &["--ca-file", "ca.pem", &to("registry.test")]).succeeds().prints("v1\n");
    registry.forget_requests();
    let refused = tags(&test, "another.test", &["--ca-file", "ca.pem", &to("another.test")]).fails();
    refused.stderr_contains("another.test").stderr_contains("registry.test");
    assert!(registry.requests().is_empty());
}

#[test]
fn an_address_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let (test, registry) = start(|builder| builder);
    for bad in [
        "registry.test",
        "registry.test:80",
        "registry.test:x:127.0.0.1",
        "registry.test:80:host",
        "a:80:[::1",
    ] {
        tags(&test, &registry.host(), &["--resolve", bad]).fails().stderr_contains(bad);
    }
    assert!(registry.requests().is_empty());
}

// ---- certificates -------------------------------------------------------------------------------------

#[test]
fn the_registry_is_trusted_by_flag_by_folder_or_not_at_all() {
    let authority = Authority::new();
    let (test, registry) = start(|builder| builder.tls(ServerTls::new(authority.server())));
    let https = "--plain-http=false";
    let refused = tags(&test, "[REGISTRY]", &[https]).fails();
    refused.stderr_contains("certificate signed by unknown authority").stderr_contains("--ca-file");
    assert!(registry.requests().is_empty());

    test.write("ca.pem", authority.pem());
    test.write("other.pem", Authority::new().pem());
    tags(&test, "[REGISTRY]", &[https, "--ca-file", "ca.pem"]).succeeds().prints("v1\n").says_nothing_aside();
    tags(&test, "[REGISTRY]", &[https, "--ca-file", "other.pem"]).fails();
    tags(&test, "[REGISTRY]", &[https, "--insecure"]).succeeds().prints("v1\n").says_nothing_aside();
    for folder in [".docker/certs.d", ".config/containers/certs.d"] {
        let name = format!("{folder}/{}/any.crt", registry.host());
        test.write(&name, authority.pem());
        tags(&test, "[REGISTRY]", &[https]).succeeds().prints("v1\n").says_nothing_aside();
        fs::remove_file(test.path(&name)).unwrap();
        tags(&test, "[REGISTRY]", &[https]).fails();
    }
    test.set("SSL_CERT_FILE", test.path("ca.pem").to_str().unwrap());
    tags(&test, "[REGISTRY]", &[https]).succeeds().prints("v1\n");
}

#[test]
fn a_credential_over_a_connection_that_is_not_checked_is_one_line() {
    let tls = ServerTls::new(Identity::self_signed());
    let (test, _registry) = start(|builder| builder.tls(tls).bearer("alice", "canary"));
    let flags = ["--plain-http=false", "--insecure", "-u", "alice", "--password-stdin"];
    let arguments = ["repo", "tags", "[REGISTRY]/app"];
    let outcome = test.oras_with_input(arguments.iter().chain(&flags), "canary").succeeds();
    outcome.never_says("canary").says(1, "the certificate of [REGISTRY] is not checked");
    // It is not remembered.
    tags(&test, "[REGISTRY]", &["--plain-http=false"]).fails().stderr_contains("certificate");
}

#[test]
fn our_certificate_is_shown_by_flag_and_by_folder() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let tls = ServerTls::new(servers.server()).for_clients_of(&clients);
    let (test, registry) = start(|builder| builder.tls(tls));
    let me = clients.client("me");
    for (name, text) in [("ca.pem", servers.pem()), ("me.pem", &me.certificate), ("me.key", &me.key)] {
        test.write(name, text);
    }
    let basic = ["--plain-http=false", "--ca-file", "ca.pem"];
    let shown =
        ["--plain-http=false", "--ca-file", "ca.pem", "--cert-file", "me.pem", "--key-file", "me.key"];
    let refused = tags(&test, "[REGISTRY]", &basic).fails();
    refused.stderr_contains("client certificate").stderr_contains("--cert-file");
    tags(&test, "[REGISTRY]", &shown).succeeds().prints("v1\n").says_nothing_aside();
    let folder = format!(".docker/certs.d/{}", registry.host());
    for (name, text) in [("own.crt", servers.pem()), ("x.cert", &me.certificate), ("x.key", &me.key)] {
        test.write(&format!("{folder}/{name}"), text);
    }
    tags(&test, "[REGISTRY]", &["--plain-http=false"]).succeeds().prints("v1\n");
    // A certificate is of no use without its key, nor is a flag without the other.
    fs::remove_file(test.path(&format!("{folder}/x.key"))).unwrap();
    let alone = tags(&test, "[REGISTRY]", &["--plain-http=false"]).fails();
    alone.stderr_contains("x.cert").stderr_contains("x.key");
    tags(&test, "[REGISTRY]", &["--cert-file", "me.pem"]).fails().stderr_contains("--key-file");
}

// ---- proxies ------------------------------------------------------------------------------------------

/// Lets the binary find a proxy for everything.
fn through(test: &Test, url: &str) {
    test.set("HTTP_PROXY", url).set("HTTPS_PROXY", url);
}

#[test]
fn a_registry_is_reached_through_a_proxy_of_each_kind() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.server_called(&["registry.test"]));
    for protocol in [Protocol::Http, Protocol::Socks] {
        let (test, plain) = start(|builder| builder.bearer("alice", "canary"));
        let (_, secure) = start(|builder| builder.tls(tls.clone()));
        let proxy = Proxy::with_password(protocol, "proxy-user", "canary-proxy");
        proxy.leads("plain.test:80", plain.address());
        proxy.leads("registry.test:443", secure.address());
        test.write("ca.pem", authority.pem());
        through(&test, &proxy.url_as("proxy-user", "canary-proxy"));
        let realm = format!("http://localhost:{}", plain.address().port());
        let flags = ["--plain-http", "-u", "alice", "-p", "canary", "--debug", "--auth-realm", &realm];
        let outcome = tags(&test, "plain.test", &flags).succeeds().prints("v1\n");
        outcome.never_says("canary").never_says("Y2FuYXJ5");
        let outcome = tags(&test, "registry.test", &["--ca-file", "ca.pem", "--debug"]).succeeds();
        outcome.prints("v1\n").never_says("canary");
        assert!(proxy.seen().iter().any(|line| line.contains("plain.test")), "{:?}", proxy.seen());
        assert!(proxy.seen().contains(&"CONNECT registry.test:443".to_owned()), "{:?}", proxy.seen());
        for registry in [&plain, &secure] {
            registry.never_saw("canary-proxy");
            assert!(
                registry.requests().iter().all(|request| request.header("proxy-authorization").is_none())
            );
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_named_and_its_password_is_not() {
    for protocol in [Protocol::Http, Protocol::Socks] {
        let authority = Authority::new();
        let tls = ServerTls::new(authority.server_called(&["registry.test"]));
        let (test, registry) = start(|builder| builder.tls(tls));
        test.write("ca.pem", authority.pem());
        let proxy = Proxy::with_password(protocol, "proxy-user", "canary-proxy");
        proxy.leads("registry.test:443", registry.address());
        through(&test, &proxy.url_as("proxy-user", "canary-wrong"));
        let refused = tags(&test, "registry.test", &["--ca-file", "ca.pem", "--debug"]).fails();
        refused.stderr_contains("proxy").never_says("canary");
        assert!(registry.requests().is_empty());
    }
}

#[test]
fn a_proxy_that_is_no_proxy_is_an_error_without_its_password() {
    let (test, registry) = start(|builder| builder);
    for url in
        ["http://me:canary@127.0.0.1:1", "http://me:canary@[bad", "ftp://me:canary@h", "http://me:canary@:x"]
    {
        let test = &test;
        test.set("HTTP_PROXY", url);
        tags(test, "registry.test", &["--plain-http", "--debug"]).fails().never_says("canary");
        // This machine is never reached through a proxy.
        tags(test, "[REGISTRY]", &[]).succeeds().prints("v1\n");
    }
    assert!(!registry.requests().is_empty());
}

#[test]
fn what_is_excepted_and_this_machine_are_reached_without_a_proxy() {
    let (test, registry) = start(|builder| builder);
    let proxy = Proxy::start(Protocol::Http);
    proxy.leads("registry.test:80", registry.address());
    through(&test, &proxy.url());
    let resolve = format!("--resolve=registry.test:80:127.0.0.1:{}", registry.address().port());
    tags(&test, "[REGISTRY]", &[]).succeeds();
    assert!(proxy.seen().is_empty());
    tags(&test, "registry.test", &["--plain-http"]).succeeds();
    assert_eq!(proxy.seen().len(), registry.requests().len() / 2);
    for none in ["registry.test", ".test", "*", "10.0.0.0/8,registry.test:80"] {
        let before = proxy.seen().len();
        test.set("NO_PROXY", none);
        tags(&test, "registry.test", &["--plain-http", &resolve]).succeeds();
        assert_eq!(proxy.seen().len(), before, "{none}");
    }
    // A web server's programs are told the header `Proxy` of a request in this variable.
    test.set("NO_PROXY", "").set("REQUEST_METHOD", "GET");
    let before = proxy.seen().len();
    tags(&test, "registry.test", &["--plain-http", &resolve]).succeeds();
    assert_eq!(proxy.seen().len(), before);
}

// ---- headers ------------------------------------------------------------------------------------------

#[test]
fn headers_of_the_user_go_to_the_registry_and_to_nobody_else() {
    let access = May::bearer("alice", "canary-password").tokens_elsewhere();
    let (test, registry) = start(|builder| builder.access(access).redirects_blobs());
    let flags =
        ["-u", "alice", "-p", "canary-password", "-H", "X-Own: canary-own", "-H", "x-own:second", "--debug"];
    let pull = ["pull", "[REGISTRY]/app:v1", "-o", "out"];
    test.oras(pull.iter().chain(&flags)).succeeds().never_says("canary");
    let requests = registry.requests();
    for request in &requests {
        let values: Vec<_> = request.headers.get_all("x-own").iter().collect();
        let expected: &[&str] =
            if request.origin == Origin::Registry { &["canary-own", "second"] } else { &[] };
        assert_eq!(values, expected, "{request:?}");
    }
    for origin in [Origin::Tokens, Origin::Storage] {
        assert!(requests.iter().any(|request| request.origin == origin), "{requests:?}");
    }
    // Storage gets nothing that is ours.
    for request in requests.iter().filter(|request| request.origin == Origin::Storage) {
        assert!(!request.contains("canary") && !request.contains("secret-token"), "{request:?}");
    }
}

#[test]
fn the_headers_of_one_side_stay_on_that_side() {
    let ((test, source), (_, target)) = (start(|builder| builder), start(|builder| builder));
    test.names(&target.host(), "[TARGET]");
    let copy = ["cp", "[REGISTRY]/app:v1", "[TARGET]/copy:v1"];
    let flags = ["--from-header", "X-From: canary-from", "--to-header", "X-To: canary-to", "--debug"];
    test.oras(copy.iter().chain(&flags)).succeeds().never_says("canary");
    source.never_saw("canary-to");
    target.never_saw("canary-from");
    assert!(source.requests().iter().all(|request| request.header("x-from") == Some("canary-from")));
    assert!(target.requests().iter().all(|request| request.header("x-to") == Some("canary-to")));
}
