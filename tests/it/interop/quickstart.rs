//! The steps of examples/quickstart.sh, against each real registry.

use crate::support::{
    Outcome, Test,
    server::{self, Server},
};

const HELLO: &str = "Hello, artifacts!\n";
const GUIDE: &str = "# Guide\n\nRead me first.\n";
const SBOM: &str = "{\"packages\":[\"hello\"]}\n";

/// Pushes, attaches, discovers, copies and pulls, and compares every byte.
fn run(server: &Server) {
    let test = Test::new();
    test.names(server.host(), "[REGISTRY]");
    test.write("hello.txt", HELLO);
    test.write("docs/guide.md", GUIDE);
    test.write("docs/deep/er/empty.txt", "");
    test.write("sbom.json", SBOM);
    let reference = |outcome: Outcome| outcome.succeeds().json()["reference"].as_str().unwrap().to_owned();

    test.oras([
        "push",
        "[REGISTRY]/demo:v1",
        "--artifact-type",
        "application/vnd.demo",
        "hello.txt:text/plain",
        "docs",
    ])
    .succeeds()
    .prints(
        "Preparing hello.txt\nPreparing docs\nUploading [SHORT] hello.txt\nUploading [SHORT] docs\n\
             Uploading [SHORT] application/vnd.oci.empty.v1+json\n\
             Uploaded  [SHORT] hello.txt\nUploaded  [SHORT] docs\n\
             Uploaded  [SHORT] application/vnd.oci.empty.v1+json\n\
             Uploading [SHORT] application/vnd.oci.image.manifest.v1+json\n\
             Uploaded  [SHORT] application/vnd.oci.image.manifest.v1+json\n\
             Pushed [registry] [REGISTRY]/demo:v1\nArtifactType: application/vnd.demo\nDigest: [DIGEST]\n",
    );
    let attach = |subject: &str, kind: &str, file: &str| {
        let arguments = ["attach", subject, "--artifact-type", kind, file, "--format", "json"];
        reference(test.oras(arguments))
    };
    let sbom = attach("[REGISTRY]/demo:v1", "sbom/example", "sbom.json:application/json");
    test.write("sbom.sig", format!("I vouch for {sbom}\n"));
    let signature = attach(&sbom, "signature/example", "sbom.sig");

    let tree = test.oras(["discover", "[REGISTRY]/demo:v1"]).succeeds().stdout;
    let shape: Vec<&str> =
        tree.lines().map(|line| line.trim_start_matches(['│', '├', '└', '─', ' '])).collect();
    assert!(shape[0].starts_with("[REGISTRY]/demo@sha256:"), "{tree}");
    assert_eq!(shape[1], "sbom/example", "{tree}");
    assert!(sbom.ends_with(shape[2]), "{tree}");
    assert!(shape.contains(&"signature/example"), "{tree}");
    assert!(shape.iter().any(|line| signature.ends_with(line)), "{tree}");

    test.oras(["cp", "-r", "[REGISTRY]/demo:v1", "[REGISTRY]/copy:v1"]).succeeds();
    test.oras(["pull", "[REGISTRY]/copy:v1", "-o", "pulled"]).succeeds();
    assert_eq!(test.files("pulled"), ["docs/deep/er/empty.txt", "docs/guide.md", "hello.txt"]);
    assert_eq!(test.read_text("pulled/hello.txt"), HELLO);
    assert_eq!(test.read_text("pulled/docs/guide.md"), GUIDE);
    for (original, file, text) in
        [(&sbom, "sbom.json", SBOM), (&signature, "sbom.sig", &test.read_text("sbom.sig"))]
    {
        let copied = original.replace("/demo@", "/copy@");
        test.oras(["pull", &copied, "-o", "attached"]).succeeds();
        assert_eq!(test.read_text(&format!("attached/{file}")), *text);
    }
    // None of them says `OCI-Subject`, so that the lists stand under tags also where there is the referrers API.
    let tags = test.oras(["repo", "tags", "[REGISTRY]/copy"]).succeeds().stdout;
    let tags: Vec<&str> = tags.lines().collect();
    assert_eq!(tags.len(), 3, "{tags:?}");
    assert!(tags.contains(&"v1"));
}

#[test]
fn the_quickstart_runs_on_docker_registry() {
    if let Some(server) = server::docker_registry() {
        run(&server);
    }
}

#[test]
fn the_quickstart_runs_on_distribution() {
    if let Some(server) = server::distribution() {
        run(&server);
    }
}

#[test]
fn the_quickstart_runs_on_a_registry_with_the_referrers_api() {
    if let Some(server) = server::referrers_registry() {
        run(&server);
    }
}
