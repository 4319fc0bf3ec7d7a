//! `--mirrors` and `ORAS_MIRRORS`: what is read where, and what no mirror ever sees.

use crate::support::{
    Authority, Fault, Outcome, ServerTls, Test, TestRegistry,
    registry::{Access as May, Answer, Builder},
};

/// A registry, and a mirror that has the same content under two names.
struct World {
    test: Test,
    origin: TestRegistry,
    mirror: TestRegistry,
}

impl World {
    fn new() -> Self {
        Self::of(TestRegistry::builder(), TestRegistry::builder())
    }

    fn of(origin: Builder, mirror: Builder) -> Self {
        let (test, origin, mirror) = (Test::new(), origin.start_blocking(), mirror.start_blocking());
        test.names(&origin.host(), "[REGISTRY]").names(&mirror.host(), "[MIRROR]");
        for (registry, name) in [(&origin, "team/app"), (&mirror, "team/app"), (&mirror, "cache/team/app")] {
            let node =
                registry.content(name).insert_artifact("application/vnd.example", &[("hi.txt", b"hi")]);
            registry.content(name).tag("v1", &node);
        }
        test.write("hi.txt", "hi");
        Self { test, origin, mirror }
    }

    /// The folder that containerd has for the registry.
    fn folder(&self) -> String {
        format!("localhost_{}_", self.origin.address().port())
    }

    fn hosts(&self, scheme: &str, more: &str) -> String {
        format!("[host.\"{scheme}://{}\"]\n{more}\n", self.mirror.host())
    }

    /// Names the mirror in the folder `certs`, and switches it on for all commands that follow.
    fn switched_on(self, scheme: &str, more: &str) -> Self {
        self.test.write(&format!("certs/{}/hosts.toml", self.folder()), self.hosts(scheme, more));
        self.test.set("ORAS_MIRRORS", "certs");
        self
    }

    fn conf(&self) -> String {
        format!(
            "[[registry]]\nlocation = \"{}\"\n[[registry.mirror]]\nlocation = \"{}/cache\"\ninsecure = true\n",
            self.origin.host(),
            self.mirror.host()
        )
    }

    fn pull(&self, flags: &[&str]) -> Outcome {
        let arguments = ["pull", "[REGISTRY]/team/app:v1", "-o", "out"];
        self.test.oras(arguments.iter().chain(flags))
    }

    fn asked(&self) -> (usize, usize) {
        (self.origin.requests().len(), self.mirror.requests().len())
    }
}

#[test]
fn mirrors_are_found_where_a_flag_or_a_variable_says() {
    let folder = |name: &str, world: &World| format!("{name}/{}/hosts.toml", world.folder());
    type Case = (&'static str, bool, &'static [&'static str], &'static [(&'static str, &'static str)]);
    let cases: [Case; 9] = [
        ("certs", true, &["--mirrors", "certs"], &[]),
        ("certs", true, &[], &[("ORAS_MIRRORS", "certs")]),
        ("certs", true, &["--mirrors=certs"], &[("ORAS_MIRRORS", "elsewhere")]),
        (".config/containerd/certs.d", true, &["--mirrors", "auto"], &[]),
        (".config/containerd/certs.d", true, &[], &[("ORAS_MIRRORS", "auto")]),
        ("xdg/containerd/certs.d", true, &["--mirrors", "auto"], &[("XDG_CONFIG_HOME", "xdg")]),
        ("own.conf", false, &["--mirrors", "own.conf"], &[]),
        ("own.conf", false, &["--mirrors", "auto"], &[("CONTAINERS_REGISTRIES_CONF", "own.conf")]),
        (".config/containers/registries.conf", false, &[], &[("ORAS_MIRRORS", "auto")]),
    ];
    for (place, is_folder, flags, variables) in cases {
        let world = World::new();
        match is_folder {
            true => world.test.write(&folder(place, &world), world.hosts("http", "")),
            false => world.test.write(place, world.conf()),
        }
        // Nobody asked for them yet.
        world.pull(&[]).succeeds();
        assert_eq!(world.asked().1, 0, "{place}");
        world.origin.forget_requests();
        for (name, value) in variables {
            world.test.set(name, *value);
        }
        // Whatever was read, it is the registry's.
        let outcome = world.pull(flags).succeeds();
        outcome.stdout_contains("Pulled [registry] [REGISTRY]/team/app:v1").says_nothing_aside();
        assert_eq!(world.test.read_text("out/hi.txt"), "hi");
        let (origin, mirror) = world.asked();
        assert!(origin == 0 && mirror > 0, "{place}: {:?}", world.origin.lines());
    }
}

#[test]
fn every_command_that_reads_content_reads_it_from_the_mirror() {
    let world = World::new().switched_on("http", "");
    let digest = world.origin.content("team/app").tagged("v1").unwrap();
    let blob = oras::oci::Digest::of(b"hi").to_string();
    let by_digest = format!("[REGISTRY]/team/app@{digest}");
    let the_blob = format!("[REGISTRY]/team/app@{blob}");
    for command in [
        vec!["pull", "[REGISTRY]/team/app:v1", "-o", "out"],
        vec!["pull", &by_digest, "-o", "out"],
        vec!["resolve", "[REGISTRY]/team/app:v1"],
        vec!["manifest", "fetch", "[REGISTRY]/team/app:v1"],
        vec!["manifest", "fetch-config", &by_digest],
        vec!["blob", "fetch", &the_blob, "-o", "blob"],
        vec!["cp", "[REGISTRY]/team/app:v1", "--from-mirrors", "certs", "--to-oci-layout", "layout:v1"],
        vec!["backup", "-o", "backup", "[REGISTRY]/team/app:v1"],
    ] {
        world.mirror.forget_requests();
        world.origin.forget_requests();
        world.test.oras(&command).succeeds();
        let mirrored = world.mirror.requests();
        assert!(!mirrored.is_empty(), "{command:?}: {:?}", world.origin.lines());
        // What the registry is still asked for is no content.
        for request in world.origin.requests() {
            let is_list = request.target.contains("/tags/") || request.target.contains("/referrers/");
            assert!(request.method == "HEAD" || is_list, "{command:?}: {request:?}");
        }
        // The mirror knows for whom it is asked.
        let named = format!("ns=localhost%3A{}", world.origin.address().port());
        assert!(mirrored.iter().all(|request| request.target.contains(&named)), "{mirrored:?}");
    }
    assert!(world.origin.requests().iter().all(|request| !request.target.contains("ns=")));
}

#[test]
fn lists_and_writes_go_to_the_registry() {
    let world = World::new().switched_on("http", "");
    for command in [
        "push [REGISTRY]/team/new:v1 hi.txt",
        "repo tags [REGISTRY]/team/app",
        "repo ls [REGISTRY]",
        "tag [REGISTRY]/team/app:v1 v2",
        "attach [REGISTRY]/team/app:v1 --artifact-type a/b hi.txt",
        "blob push [REGISTRY]/team/app hi.txt",
        "discover [REGISTRY]/team/app:v2",
        "manifest delete -f [REGISTRY]/team/new:v1",
    ] {
        world.origin.forget_requests();
        world.test.oras(command.split(' ')).succeeds();
        assert!(!world.origin.requests().is_empty(), "{command}");
    }
    for request in world.mirror.requests() {
        let reads = request.method == "GET" || request.method == "HEAD";
        let is_content = request.target.contains("/manifests/") || request.target.contains("/blobs/");
        assert!(reads && is_content && !request.target.contains("/team/new/"), "{request:?}");
    }
    assert_eq!(world.origin.content("team/app").tags(), ["v1", "v2"]);
}

#[test]
fn a_mirror_that_may_not_resolve_is_asked_for_digests_only() {
    let world = World::new().switched_on("http", "capabilities = [\"pull\"]");
    world.pull(&[]).succeeds();
    assert_eq!(world.mirror.count("* /v2/team/app/manifests/v1?*"), 0, "{:?}", world.mirror.lines());
    assert!(world.mirror.count("GET /v2/team/app/blobs/*") > 0, "{:?}", world.mirror.lines());
    assert!(world.origin.count("* /v2/team/app/manifests/v1 200") > 0);
    assert_eq!(world.origin.count("GET /v2/team/app/blobs/*"), 0);
}

#[test]
fn whatever_goes_wrong_at_a_mirror_the_registry_makes_up_for() {
    let foreign = "Bearer realm=\"https://auth.evil.test/token\",service=\"x\"";
    let faults: Vec<(&str, Fault)> = vec![
        ("not found", Fault::status(404)),
        ("dislikes ns", Fault::status(400)),
        ("forbidden", Fault::status(403)),
        ("asks who we are, elsewhere", Fault::status(401).and_header("www-authenticate", foreign)),
        ("too many", Fault::status(429)),
        ("broken", Fault::status(500)),
        ("closed", Fault::close()),
        ("other bytes", Fault::wrong_bytes()),
        ("cut", Fault::close_after(1)),
        ("a web page", Fault::answer(Answer::new(200).header("content-type", "text/html").body("<html>"))),
        ("leads away", Fault::redirect(307, "http://169.254.169.254/latest")),
        ("leads in a circle", Fault::redirect(307, "/v2/team/app/manifests/v1")),
        ("no HTTP", Fault::raw("SSH-2.0-x\r\n")),
    ];
    for (name, fault) in faults {
        let world = World::new().switched_on("http", "");
        world.mirror.on("*", "*").always().then(fault);
        let outcome = world.pull(&[]);
        assert_eq!(outcome.code, Some(0), "{name}: {outcome:?}");
        assert!(
            world.test.exists("out/hi.txt"),
            "{name}: {outcome:#?} {:#?} {:#?}",
            world.mirror.lines(),
            world.origin.lines()
        );
        assert_eq!(world.test.read_text("out/hi.txt"), "hi", "{name}");
        assert!(world.asked().1 > 0 && world.asked().0 > 0, "{name}");
    }
    // Nobody listens there any more.
    let mut world = World::new().switched_on("http", "");
    world.mirror = TestRegistry::start_blocking();
    world.pull(&[]).succeeds();
}

#[test]
fn a_mirror_that_sends_other_content_is_named() {
    let world = World::new().switched_on("http", "");
    world.mirror.on("GET", "/v2/team/app/blobs/*").always().then(Fault::wrong_bytes());
    world
        .pull(&[])
        .succeeds()
        .stderr_contains("the mirror localhost sent content that is not what was asked for");
}

#[test]
fn each_party_sees_its_own_login_and_no_other() {
    let world = World::of(
        TestRegistry::builder().basic("alice", "canary-origin"),
        TestRegistry::builder().access(May::bearer("bob", "canary-mirror").tokens_elsewhere()),
    );
    let world = world.switched_on("http", "header = { X-Team = \"canary-team\" }");
    for (host, secret) in [("[REGISTRY]", "alice:canary-origin"), ("[MIRROR]", "bob:canary-mirror")] {
        let (user, password) = secret.split_once(':').unwrap();
        world.test.oras_with_input(["login", host, "-u", user, "--password-stdin"], password).succeeds();
    }
    // One blob is only at the registry.
    world.mirror.content("team/app").remove_blob(&oras::oci::Digest::of(b"hi"));
    let outcome = world.pull(&["-H", "X-Own: canary-own", "--debug"]).succeeds();
    for secret in ["canary", "Y2FuYXJ5", "secret-token"] {
        assert!(
            !outcome.stderr.contains(secret) && !outcome.stdout.contains(secret),
            "{secret}: {outcome:?}"
        );
    }
    world.mirror.never_saw("canary-origin");
    world.mirror.never_saw("canary-own");
    world.origin.never_saw("canary-mirror");
    world.origin.never_saw("canary-team");
    world.origin.never_saw("secret-token");
    let used = |registry: &TestRegistry, secret: &str| {
        registry.requests().iter().any(|request| request.contains(secret))
    };
    assert!(used(&world.mirror, "canary-mirror") && used(&world.mirror, "canary-team"));
    assert!(used(&world.origin, "canary-origin") && used(&world.origin, "canary-own"));
}

#[test]
fn a_login_of_the_command_line_is_for_the_registry_only() {
    let world = World::of(
        TestRegistry::builder().basic("alice", "canary"),
        TestRegistry::builder().basic("alice", "canary"),
    );
    let world = world.switched_on("http", "");
    let arguments = ["pull", "[REGISTRY]/team/app:v1", "-o", "out", "-u", "alice", "--password-stdin"];
    world.test.oras_with_input(arguments, "canary").succeeds().never_says("canary");
    world.mirror.never_saw("canary");
    assert!(world.asked().1 > 0);
}

#[test]
fn a_mirror_has_certificates_of_its_own() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let tls = ServerTls::new(servers.server()).for_clients_of(&clients);
    let world = World::of(TestRegistry::builder(), TestRegistry::builder().tls(tls));
    let more = "ca = \"ca.pem\"\nclient = [[\"me.pem\", \"me.key\"]]";
    let world = world.switched_on("https", more);
    let client = clients.client("me");
    for (name, text) in [("ca.pem", servers.pem()), ("me.pem", &client.certificate), ("me.key", &client.key)]
    {
        world.test.write(&format!("certs/{}/{name}", world.folder()), text);
    }
    world.pull(&[]).succeeds().says_nothing_aside();
    assert_eq!(world.asked().0, 0, "{:?}", world.origin.lines());
    // Those of the registry's flags are not the mirror's.
    world.test.write(&format!("certs/{}/hosts.toml", world.folder()), world.hosts("https", ""));
    world.test.write("ca.pem", servers.pem());
    world.mirror.forget_requests();
    world.pull(&["--ca-file", "ca.pem"]).succeeds();
    assert_eq!(world.asked().1, 0, "{:?}", world.mirror.lines());
}

#[test]
fn a_repository_that_is_blocked_is_not_asked_for() {
    let world = World::new();
    world.test.write(
        "registries.conf",
        format!("[[registry]]\nprefix = \"{}/team\"\nblocked = true\n", world.origin.host()),
    );
    world
        .pull(&["--mirrors", "registries.conf"])
        .fails()
        .stderr_contains("[REGISTRY]/team/app is blocked by registries.conf");
    assert_eq!(world.asked(), (0, 0));
}

#[test]
fn a_configuration_of_mirrors_that_is_malformed_is_named_and_nothing_is_sent() {
    let hosts = [
        ("server = ", ""),
        ("server = 1", "server is not a text"),
        ("host = 1", "host is not a table"),
        ("[host.\"ftp://b.io\"]", "neither http nor https"),
        ("[host.\"https://me:canary@b.io\"]", "names a user"),
        ("[host.\"https://b.io\"]\ncapabilities = 1", "capabilities"),
        ("[host.\"https://b.io\"]\nskip_verify = \"canary\"", "skip_verify"),
        ("[host.\"https://b.io\"]\ndial_timeout = \"soon\"", "dial_timeout"),
        ("[host.\"https://b.io\"]\nclient = 1", "client"),
        ("[host.\"https://b.io\".header]\nx = [\"canary\", 1]", "header \"x\""),
        ("[host.\"https://b.io\"]\nca = \"missing.pem\"", "missing.pem"),
        ("[host.\"https://b.io\"]\nclient = \"missing.pem\"", "missing.pem"),
        ("[host.\"https://b.io\"]\nproxy = \"http://me:canary@:x\"", ""),
        ("[host.\"https://b.io\".header]\n\"a b\" = \"canary\"", ""),
        ("\u{0}", ""),
    ];
    for (text, expected) in hosts {
        let world = World::new();
        world.test.write(&format!("certs/{}/hosts.toml", world.folder()), text);
        let outcome = world.pull(&["--mirrors", "certs"]).never_says("canary");
        if text.contains("https://b.io") && outcome.code == Some(0) {
            // It is only known to be of no use when the mirror is asked, which is then passed over.
            assert!(text.contains("missing") || text.contains("proxy") || text.contains("a b"), "{text}");
            continue;
        }
        outcome.fails().stderr_contains("hosts.toml").stderr_contains(expected);
        assert_eq!(world.asked(), (0, 0), "{text}");
    }
    let confs = [
        ("[[registry]", ""),
        ("[registries.search]\nregistries = []", "version 1"),
        ("registry = 1", "registry is not a list"),
        ("[[registry]]\nblocked = true", "neither prefix nor location"),
        ("[[registry]]\nlocation = \"a\"\n[[registry.mirror]]\ninsecure = true", "no location"),
        (
            "[[registry]]\nlocation = \"REGISTRY\"\n[[registry.mirror]]\nlocation = \"me:canary@b.io\"",
            "is no host",
        ),
    ];
    for (text, expected) in confs {
        let world = World::new();
        world.test.write("registries.conf", text.replace("REGISTRY", &world.origin.host()));
        let outcome = world.pull(&["--mirrors", "registries.conf"]).never_says("canary").fails();
        outcome.stderr_contains("registries.conf").stderr_contains(expected);
        assert_eq!(world.asked(), (0, 0), "{text}");
    }
}
