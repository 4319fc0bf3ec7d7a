//! Flags that many commands share: each of them does in each of those commands what it says, and what is wrong with
//! it is found before anything is sent.

use std::sync::Mutex;

use clap::Command;
use oras::oci::Digest;

use super::{
    fixture::{Demo, HI},
    reference::definition,
};
use crate::support::{
    Outcome, TestRegistry,
    registry::Builder,
    tls::{Authority, ServerTls},
};

/// Each command that asks a registry, and a command line of it that works.
const COMMANDS: &[(&str, &str)] = &[
    ("attach", "HOST/hello:art --artifact-type a/b -a k=v"),
    ("backup", "HOST/hello:art -o saved"),
    ("blob delete", "HOST/hello@BLOB --force"),
    ("blob fetch", "HOST/hello@BLOB --descriptor"),
    ("blob push", "HOST/hello hi.txt"),
    ("cp", "HOST/hello:art HOST/copied:art"),
    ("discover", "HOST/hello:art"),
    ("manifest delete", "HOST/hello:art --force"),
    ("manifest fetch", "HOST/hello:art"),
    ("manifest fetch-config", "HOST/hello:amd64"),
    ("manifest index create", "HOST/hello:new amd64"),
    ("manifest index update", "HOST/hello:multi --add art"),
    ("manifest push", "HOST/hello:new m-amd.json"),
    ("pull", "HOST/hello:art -o out"),
    ("push", "HOST/hello:new hi.txt"),
    ("repo ls", "HOST"),
    ("repo tags", "HOST/hello"),
    ("resolve", "HOST/hello:art"),
    ("restore", "HOST/restored --input backup"),
    ("tag", "HOST/hello:art more"),
];

/// A command, with how its lines are written.
struct Case {
    name: &'static str,
    line: &'static str,
    definition: Command,
}

impl Case {
    fn all() -> Vec<Self> {
        let root = definition();
        let find = |name: &str| {
            let found = name.split(' ').try_fold(&root, |command, word| command.find_subcommand(word));
            found.unwrap_or_else(|| panic!("there is no {name}")).clone()
        };
        COMMANDS.iter().map(|(name, line)| Self { name, line, definition: find(name) }).collect()
    }

    fn has(&self, flag: &str) -> bool {
        self.definition.get_arguments().any(|arg| arg.get_long() == Some(flag))
    }

    /// The words of the line that works, with flags: `--x` stands for both `--from-x` and `--to-x` where a command
    /// has two targets.
    fn words(&self, host: &str, flags: &[&str]) -> Vec<String> {
        let line = self.line.replace("HOST", host).replace("BLOB", &Digest::of(HI.as_bytes()).to_string());
        let mut words: Vec<String> = self.name.split(' ').chain(line.split(' ')).map(str::to_owned).collect();
        for flag in flags {
            let (name, value) =
                flag.split_once(' ').map_or((*flag, None), |(name, value)| (name, Some(value)));
            let long = name.trim_start_matches('-').split('=').next().unwrap_or_default();
            let has_sides = !self.has(long) && self.has(&format!("from-{long}"));
            let sides: &[&str] = if has_sides { &["from-", "to-"] } else { &[""] };
            for side in sides {
                words.push(name.replacen("--", &format!("--{side}"), 1));
                words.extend(value.map(str::to_owned));
            }
        }
        words
    }

    /// Is the flag one of the command, on both sides where it has two?
    fn takes(&self, flag: &str) -> bool {
        self.has(flag) || self.has(&format!("from-{flag}")) && self.has(&format!("to-{flag}"))
    }
}

/// A registry with what the lines speak of, and a folder with the rest.
fn stage(builder: Builder) -> Demo {
    let demo = Demo::with(builder);
    demo.repository("hello");
    demo.layout("backup");
    demo
}

/// Checks all commands, a few at a time, and says of all of them what is wrong.
fn each(check: impl Fn(&Case, &mut Vec<String>) + Sync) {
    let cases = Case::all();
    let (queue, problems) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().next() else { break };
                    let mut found = Vec::new();
                    check(case, &mut found);
                    problems.lock().unwrap().extend(found);
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

fn note(problems: &mut Vec<String>, is_right: bool, expected: &str, outcome: &Outcome) {
    if !is_right {
        problems.push(format!("{expected} is expected of {outcome:#?}"));
    }
}

#[test]
fn every_command_says_who_it_is_in_every_way() {
    each(|case, problems| {
        let demo = stage(TestRegistry::builder().basic("alice", "wonderland"));
        let host = demo.registry.host();
        let refused = demo.test.oras(case.words(&host, &[]));
        note(problems, refused.code == Some(1), "a refusal", &refused);

        let port = demo.registry.address().port();
        let named = format!("registry.test:{port}");
        let resolve = format!("--resolve {named}:127.0.0.1");
        demo.registry.forget_requests();
        let flags = [
            "--username alice",
            "--password wonderland",
            "--header X-Flag:on",
            "--plain-http",
            "--no-tty",
            "--debug",
            &resolve,
        ];
        let outcome = demo.test.oras(case.words(&named, &flags));
        note(problems, outcome.code == Some(0), "success", &outcome);
        note(problems, outcome.stderr.contains("--> Request"), "a log", &outcome);
        let has_warning = outcome.stderr.contains("WARNING!");
        note(problems, has_warning || case.name == "cp", "a warning about the password", &outcome);
        let is_silent = !outcome.stderr.contains("wonderland") && !outcome.stderr.contains("X-Flag\": \"on");
        note(problems, is_silent, "no secret", &outcome);
        let requests = demo.registry.requests();
        let has_header = requests.iter().all(|request| request.header("x-flag") == Some("on"));
        note(problems, has_header && !requests.is_empty(), "a header with each request", &outcome);

        let demo = stage(TestRegistry::builder().basic("alice", "wonderland"));
        let host = demo.registry.host();
        demo.test.write(
            "auth.json",
            format!("{{\"auths\":{{\"{host}\":{{\"username\":\"alice\",\"password\":\"wonderland\"}}}}}}"),
        );
        let outcome = demo.test.oras(case.words(&host, &["--registry-config auth.json"]));
        note(problems, outcome.code == Some(0), "success", &outcome);
        if case.takes("password-stdin") {
            let demo = stage(TestRegistry::builder().basic("alice", "wonderland"));
            let words = case.words(&demo.registry.host(), &["--username alice", "--password-stdin"]);
            let outcome = demo.test.oras_with_input(words, "wonderland\r\n");
            note(problems, outcome.code == Some(0) && outcome.stderr.is_empty(), "success", &outcome);
        }
        for flag in ["--identity-token", "--identity-token-stdin"] {
            let is_stdin = flag.ends_with("stdin");
            if is_stdin && !case.takes("identity-token-stdin") {
                continue;
            }
            let demo = stage(TestRegistry::builder().bearer("alice", "wonderland"));
            let token = demo.registry.new_refresh_token("alice");
            let given = if is_stdin { flag.to_owned() } else { format!("{flag} {token}") };
            let words = case.words(&demo.registry.host(), &[&given]);
            let outcome = demo.test.oras_with_input(words, if is_stdin { &token } else { "" });
            note(problems, outcome.code == Some(0), "success", &outcome);
            note(problems, !outcome.stderr.contains(&token), "no secret", &outcome);
        }
    });
}

#[test]
fn every_command_speaks_tls_as_it_is_told() {
    let authority = Authority::new();
    each(|case, problems| {
        let tls = ServerTls::new(authority.server()).for_clients_of(&authority);
        let demo = stage(TestRegistry::builder().tls(tls));
        let (host, client) = (demo.registry.host(), authority.client("me"));
        demo.test.write("ca.pem", authority.pem());
        demo.test.write("me.pem", client.certificate);
        demo.test.write("me.key", client.key);
        let flags = ["--plain-http=false", "--cert-file me.pem", "--key-file me.key"];
        let outcome = demo.test.oras(case.words(&host, &flags));
        note(problems, outcome.code == Some(1), "a failure, since nobody vouches for the server", &outcome);
        let with = |flag| [&flags[..], &[flag]].concat();
        let outcome = demo.test.oras(case.words(&host, &with("--insecure")));
        note(problems, outcome.code == Some(0), "success", &outcome);
        let demo =
            stage(TestRegistry::builder().tls(ServerTls::new(authority.server()).for_clients_of(&authority)));
        let client = authority.client("me");
        demo.test.write("ca.pem", authority.pem());
        demo.test.write("me.pem", client.certificate);
        demo.test.write("me.key", client.key);
        let outcome = demo.test.oras(case.words(&demo.registry.host(), &with("--ca-file ca.pem")));
        note(problems, outcome.code == Some(0), "success", &outcome);
    });
}

/// Flags that are wrong, the flag that a command must have for that, and how the error begins.
const WRONG: &[(&[&str], &str, &str)] = &[
    (
        &["--username a", "--identity-token b"],
        "username",
        "Error: --username, --identity-token cannot be used",
    ),
    (
        &["--password a", "--identity-token b"],
        "password",
        "Error: --password, --identity-token cannot be used",
    ),
    (
        &["--username a", "--identity-token-stdin"],
        "identity-token-stdin",
        "Error: --username, --identity-token-stdin",
    ),
    (
        &["--password a", "--password-stdin"],
        "password-stdin",
        "Error: --password, --password-stdin cannot be used",
    ),
    (
        &["--password-stdin", "--identity-token a"],
        "password-stdin",
        "Error: --password-stdin, --identity-token",
    ),
    (&["--cert-file a"], "cert-file", "Error: --cert-file must be used in conjunction with --key-file"),
    (&["--key-file a"], "key-file", "Error: --key-file must be used in conjunction with --cert-file"),
    (&["--header none"], "header", "Error: invalid header: \"none\""),
    (&["--resolve none"], "resolve", "Error: failed to parse resolve flag \"none\""),
    (&["--ca-file no/such/file"], "ca-file", "Error: "),
    (&["--auth-realm none"], "auth-realm", "Error: invalid --auth-realm \"none\""),
    (&["--plain-http=maybe"], "plain-http", "Error: invalid argument \"maybe\" for \"--plain-http\" flag: "),
    (
        &["--distribution-spec v2"],
        "distribution-spec",
        "Error: invalid argument \"v2\" for \"--distribution-spec\" flag: ",
    ),
    (
        &["--oci-layout", "--oci-layout-path a"],
        "oci-layout-path",
        "Error: --oci-layout-path, --oci-layout cannot be used",
    ),
    (&["--oci-layout", "--header a:b"], "oci-layout", "Error: custom header flags cannot be used"),
    (&["--platform nothing/at/all/of"], "platform", "Error: "),
    (&["--format yaml"], "format", "Error: invalid format type: \"yaml\""),
    (&["--format go-template"], "format", "Error: `--format go-template` specified but no template given"),
    (&["--format go-template={{.a"], "format", "Error: template"),
    (
        &["--format json", "--template x"],
        "template",
        "Error: --template must be used with --format go-template",
    ),
    (&["--concurrency many"], "concurrency", "Error: invalid argument \"many\" for \"--concurrency\" flag: "),
    (&["--no-such-flag"], "help", "Error: unknown flag: --no-such-flag"),
    (&["--debgu"], "debug", "Error: unknown flag: --debgu\nDid you mean --debug?"),
    (&["--debug=2"], "debug", "Error: invalid argument \"2\" for \"--debug\" flag: "),
];

#[test]
fn what_is_wrong_with_a_flag_is_found_before_anything_is_sent() {
    each(|case, problems| {
        let demo = stage(TestRegistry::builder());
        let host = demo.registry.host();
        for (flags, needed, error) in WRONG.iter().filter(|(_, needed, _)| case.takes(needed)) {
            let outcome = demo.test.oras(case.words(&host, flags));
            // On a command with two targets, the side is said as well, and `tag` says what it could not do.
            let said = outcome.stderr.replace("--from-", "--").replace("--to-", "--");
            let said = said.replace("unable to add tag for '[REGISTRY]/hello:art': ", "");
            let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("WARNING!")).collect();
            // Files are read before a connection is set up.
            let is_quiet = matches!(&*outcome.stdout, "" | "Preparing hi.txt\n");
            let is_right = outcome.code == Some(1) && is_quiet && said.join("\n").starts_with(error);
            note(problems, is_right, &format!("{needed}: {error:?}"), &outcome);
        }
        note(problems, demo.registry.requests().is_empty(), "no request", &demo.test.oras(["version"]));
    });
}

#[test]
fn every_command_has_help_counts_its_arguments_and_tells_what_is_deprecated() {
    each(|case, problems| {
        let demo = stage(TestRegistry::builder());
        let name: Vec<&str> = case.name.split(' ').collect();
        let help = demo.test.oras([&name[..], &["--help"]].concat());
        let usage = format!("\nUsage: oras {} ", case.name);
        note(
            problems,
            help.code == Some(0) && help.stdout.contains(&usage) && help.stderr.is_empty(),
            &usage,
            &help,
        );
        for words in [[&["help"], &name[..]].concat(), [&name[..], &["a", "b", "c", "-h"]].concat()] {
            let same = demo.test.oras(words);
            note(problems, same.code == Some(0) && same.stdout == help.stdout, "the same help", &same);
        }
        let none = demo.test.oras(&name);
        let lines: Vec<&str> = none.stderr.lines().collect();
        let is_right = none.code == Some(1)
            && lines.len() == 3
            && lines[0].starts_with(&format!("Error: \"oras {}\" requires ", case.name))
            && lines[1].starts_with(usage.trim())
            && lines[2].contains(" -h");
        note(problems, is_right, "three lines on the arguments", &none);
        if case.takes("verbose") {
            let outcome = demo.test.oras(case.words(&demo.registry.host(), &["--verbose"]));
            let is_right =
                outcome.code == Some(0) && outcome.stderr.starts_with("Flag --verbose has been deprecated");
            note(problems, is_right, "a notice", &outcome);
        }
    });
}
