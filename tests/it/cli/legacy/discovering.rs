//! What is attached, on registries of all generations and in the words of all versions.

use oras::{
    oci::{Descriptor, media_type},
    ops::pack::Form,
};
use serde_json::{Value, json};

use super::{FORMS, digest_of, list_by_tag, prepared, prepared_today, put, without_api};
use crate::support::{
    Test, TestRegistry,
    registry::{Builder, Referrers},
};

const JSON_NOTICE: &str = "[DEPRECATED] --output is deprecated, try `--format json` instead\n";

/// The three filters of the documents, each on what `-o json` prints.
fn direct(document: &Value) -> Vec<String> {
    let digests = |name: &str| -> Vec<String> {
        let list = document[name].as_array().unwrap_or_else(|| panic!("no {name} in {document}"));
        list.iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
    };
    let found = digests("referrers");
    assert_eq!(digests("references"), found);
    assert_eq!(digests("manifests"), found);
    found
}

/// Check 1 of §9: the same document but for the older names, and the same bytes without them.
fn both_documents(test: &Test, words: &[&str]) -> (Value, Value) {
    let line = |flag: &'static str| ["discover", flag, "json"].into_iter().chain(words.iter().copied());
    let old = test.oras(line("-o")).succeeds().stderr_is(JSON_NOTICE);
    let new = test.oras(line("--format")).succeeds().says_nothing_aside();
    let (old_document, new_document) = (old.json(), new.json());
    let mut rest = old_document.clone();
    let members = rest.as_object_mut().unwrap();
    members.shift_remove("references").unwrap();
    members.shift_remove("manifests").unwrap();
    assert_eq!(rest, new_document);
    let shared = new.stdout.strip_suffix("\n}\n").unwrap();
    assert!(old.stdout.starts_with(&format!("{shared},\n  \"references\": [")), "{}", old.stdout);
    (old_document, new_document)
}

/// §3.7 byte by byte: S0-7, S1-8, S2-13, S3-4; E12, E20, E32, E50.
#[test]
fn one_document_serves_the_scripts_of_all_versions() {
    let (test, registry, image) = prepared_today();
    let sbom = put(&registry.content("net-monitor"), Form::Image, &image, "sbom/example");
    put(&registry.content("net-monitor"), Form::Image, &image, "readme/example");
    let line = ["discover", "-o", "json", "--artifact-type", "sbom/example", "[REGISTRY]/net-monitor:v1"];
    let (name, root, size) = ("[REGISTRY]/net-monitor", &image.digest, image.size);
    let (digest, length) = (&sbom.digest, sbom.size);
    let kind = "application/vnd.oci.image.manifest.v1+json";
    test.oras(line).succeeds().stderr_is(JSON_NOTICE).prints(&format!(
        r#"{{
  "reference": "{name}@{root}",
  "mediaType": "{kind}",
  "digest": "{root}",
  "size": {size},
  "referrers": [
    {{
      "reference": "{name}@{digest}",
      "mediaType": "{kind}",
      "digest": "{digest}",
      "size": {length},
      "annotations": {{
        "org.opencontainers.image.created": "2026-11-21T07:18:42Z"
      }},
      "artifactType": "sbom/example",
      "referrers": []
    }}
  ],
  "references": [
    {{
      "digest": "{digest}",
      "artifactType": "sbom/example"
    }}
  ],
  "manifests": [
    {{
      "reference": "{name}@{digest}",
      "mediaType": "{kind}",
      "digest": "{digest}",
      "size": {length},
      "annotations": {{
        "org.opencontainers.image.created": "2026-11-21T07:18:42Z"
      }},
      "artifactType": "sbom/example"
    }}
  ]
}}
"#
    ));
}

/// Check 2 of §9, in every graph and on registries of every generation. S0-9, S0-10, S1-10, S1-13, S2-15, S2-18,
/// S3-6, S3-7; E18, E26, E27, E34, E47.
#[test]
fn the_three_lists_are_equal_on_registries_of_all_generations() {
    let generations: [(Builder, Form); 6] = [
        (without_api().oras_alpha_api(), Form::OrasArtifact),
        (without_api().oras_extension_api(), Form::OrasArtifact),
        (TestRegistry::builder().referrers(Referrers::ReleaseCandidate), Form::Artifact),
        (TestRegistry::builder().referrers(Referrers::ReleaseCandidate), Form::Image),
        (TestRegistry::builder(), Form::Image),
        (without_api(), Form::Image),
    ];
    for (number, (builder, form)) in generations.into_iter().enumerate() {
        let (test, registry, image) = prepared(builder);
        let name = "[REGISTRY]/net-monitor:v1";
        assert!(direct(&both_documents(&test, &[name]).0).is_empty(), "generation {number}");
        let content = registry.content("net-monitor");
        let kinds = ["signature/example", "readme/example", "sbom/example"];
        let nodes = kinds.map(|kind| put(&content, form, &image, kind));
        let below = put(&content, form, &nodes[2], "signature/example");
        if number == 5 {
            list_by_tag(&content, &image, &nodes.each_ref().map(|node| (node, "sbom/example")));
            list_by_tag(
                &content,
                &image,
                &[(&nodes[0], kinds[0]), (&nodes[1], kinds[1]), (&nodes[2], kinds[2])],
            );
            list_by_tag(&content, &nodes[2], &[(&below, "signature/example")]);
        }
        let digests =
            |nodes: &[Descriptor]| nodes.iter().map(|node| node.digest.to_string()).collect::<Vec<_>>();
        let (document, _) = both_documents(&test, &[name]);
        assert_eq!(direct(&document), digests(&nodes), "generation {number}");
        assert_eq!(document["referrers"][2]["referrers"][0]["digest"], below.digest.to_string());
        let (document, _) = both_documents(&test, &["--artifact-type", "sbom/example", name]);
        assert_eq!(direct(&document), digests(&nodes[2..]), "generation {number}");
        assert_eq!(
            document["references"][0],
            json!({"digest": nodes[2].digest, "artifactType": "sbom/example"})
        );
        assert_eq!(document["referrers"][0]["referrers"], json!([]), "the filter is for every level");
        let (document, _) = both_documents(&test, &["--depth", "1", name]);
        assert_eq!(direct(&document), digests(&nodes), "generation {number}");
        assert!(direct(&both_documents(&test, &["--artifact-type", "none/example", name]).0).is_empty());
        // Check 5 of §9.
        let (document, _) = both_documents(&test, &["--artifact-type", media_type::EMPTY, name]);
        assert!(direct(&document).is_empty(), "generation {number}");
        // S0-5, S1-5, S2-10, S3-2, S1-12, S2-17, E13, E43, E47: the branches of a reader's tree.
        let tree = test.oras(["discover", "-o", "tree", name]).succeeds();
        let tree = tree.stderr_is("[DEPRECATED] --output is deprecated, try `--format tree` instead\n");
        for line in [
            "├── signature/example\n",
            "├── readme/example\n",
            "└── sbom/example\n",
            "        └── signature/example\n",
        ] {
            assert!(tree.stdout.contains(line), "generation {number}: {}", tree.stdout);
        }
        for node in nodes.iter().chain([&below]) {
            assert!(tree.stdout.contains(&format!("── {}\n", node.digest)), "{}", tree.stdout);
        }
    }
}

/// §4.3: one tree for `-o tree`, `--format tree` and no flag; S0-9, E43.
#[test]
fn the_tree_is_the_same_in_all_spellings() {
    let (test, registry, image) = prepared_today();
    let sbom = put(&registry.content("net-monitor"), Form::Image, &image, "sbom/example");
    let signature = put(&registry.content("net-monitor"), Form::Artifact, &sbom, "signature/example");
    let root = &image.digest;
    let expected = format!(
        "[REGISTRY]/net-monitor@{root}\n\
         └── sbom/example\n\
         \x20   └── {}\n\
         \x20       ├── [annotations]\n\
         \x20       │   └── org.opencontainers.image.created: \"2026-11-21T07:18:42Z\"\n\
         \x20       └── signature/example\n\
         \x20           └── {}\n\
         \x20               └── [annotations]\n\
         \x20                   └── org.opencontainers.artifact.created: \"2026-11-21T07:18:42Z\"\n",
        sbom.digest, signature.digest
    );
    for flags in [&["-o", "tree"][..], &["--output=tree"], &["--format", "tree"], &[], &["-v", "-o", "tree"]]
    {
        let line = ["discover"].into_iter().chain(flags.iter().copied()).chain(["[REGISTRY]/net-monitor:v1"]);
        test.oras(line).succeeds().prints(&expected);
    }
    let plain =
        test.oras(["discover", "-o", "tree", "--verbose=false", "[REGISTRY]/net-monitor:v1"]).succeeds();
    plain.prints(&format!(
        "[REGISTRY]/net-monitor@{root}\n\
         └── sbom/example\n\
         \x20   └── {}\n\
         \x20       └── signature/example\n\
         \x20           └── {}\n",
        sbom.digest, signature.digest
    ));
}

/// §2.7, E23, E30: the table, and one artifact that is one.
#[test]
fn the_table_is_that_of_all_versions() {
    let (test, registry, image) = prepared(without_api().oras_extension_api());
    let line = ["discover", "-o", "table", "--verbose=false", "[REGISTRY]/net-monitor:v1"];
    let notices = "Flag --verbose has been deprecated, and will be removed in a future release.\n\
                   Format \"table\" is deprecated and will be removed in a future release.\n\
                   [DEPRECATED] --output is deprecated, try `--format table` instead\n";
    let head = |text: &str| {
        format!("Discovered {text} referencing [REGISTRY]/net-monitor:v1\nDigest: {}\n", image.digest)
    };
    test.oras(line).succeeds().stderr_is(notices).prints(&head("0 artifacts"));
    let signature = put(&registry.content("net-monitor"), Form::OrasArtifact, &image, "signature/example");
    test.oras(line).succeeds().prints(&format!(
        "{}\nArtifact Type       Digest\nsignature/example   {}\n",
        head("1 artifact"),
        signature.digest
    ));
    let sbom = put(&registry.content("net-monitor"), Form::OrasArtifact, &image, "sbom/example");
    test.oras(line).succeeds().prints(&format!(
        "{}\nArtifact Type       Digest\nsignature/example   {}\nsbom/example        {}\n",
        head("2 artifacts"),
        signature.digest,
        sbom.digest
    ));
}

/// E35, E66, E67.
#[test]
fn unknown_and_contradicting_outputs_are_refused() {
    let (test, registry, _) = prepared_today();
    test.oras(["discover", "-o", "json", "--format", "json", "[REGISTRY]/net-monitor:v1"])
        .fails()
        .stderr_is("Error: --format, --output cannot be used at the same time\n");
    test.oras(["discover", "-o", "yaml", "[REGISTRY]/net-monitor:v1"])
        .fails()
        .stderr_is("Error: invalid format type: \"yaml\"\nsupported types: table, json, go-template, tree\n");
    test.oras(["discover", "-o", "go-template={{.digest}}", "[REGISTRY]/net-monitor:v1"])
        .fails()
        .stderr_is("Error: output type can only be tree, table or json\n");
    assert!(registry.requests().is_empty());
}

/// S1-11, S2-16; E25, E33, E48: the whole graph, from every generation, to a registry that knows tags only.
#[test]
fn a_recursive_copy_takes_everything_along() {
    for (builder, form) in [
        (without_api().oras_alpha_api(), Form::OrasArtifact),
        (TestRegistry::builder().referrers(Referrers::ReleaseCandidate), Form::Artifact),
        (TestRegistry::builder(), Form::Image),
    ] {
        let (test, registry, image) = prepared(builder);
        let content = registry.content("net-monitor");
        let sbom = put(&content, form, &image, "sbom/example");
        let signature = put(&content, form, &sbom, "signature/example");
        let target = without_api().start_blocking();
        test.names(&target.host(), "[TARGET]");
        let copied = test
            .oras(["copy", "-r", "[REGISTRY]/net-monitor:v1", "[TARGET]/sample-staging/net-monitor:v1"])
            .succeeds()
            .says_nothing_aside();
        copied
            .stdout_contains("Copied  [SHORT] sbom.json\n")
            .stdout_contains(&format!(
                "Copied [registry] [REGISTRY]/net-monitor:v1 => [registry] [TARGET]/sample-staging/net-monitor:v1\nDigest: {}\n",
                image.digest
            ));
        let staged = target.content("sample-staging/net-monitor");
        for node in [&image, &sbom, &signature] {
            assert_eq!(staged.manifest(&node.digest), content.manifest(&node.digest), "{form:?}");
        }
        let (document, _) = both_documents(&test, &["[TARGET]/sample-staging/net-monitor:v1"]);
        assert_eq!(direct(&document), [sbom.digest.to_string()]);
        assert_eq!(document["referrers"][0]["referrers"][0]["digest"], signature.digest.to_string());
        // S1-14 and its like: what was copied can be pulled.
        let name = format!("[TARGET]/sample-staging/net-monitor@{}", sbom.digest);
        test.oras(["pull", "-o", "download", &name]).succeeds();
        assert_eq!(test.files("download"), ["sbom.json"]);
    }
}

/// Bad input: what a list says is attached, but is not, does not come along, and `--debug` says so.
#[test]
fn what_is_attached_elsewhere_is_left_out_of_a_copy() {
    let (test, registry, image) = prepared(without_api());
    let content = registry.content("net-monitor");
    let other = content.insert_artifact("other/example", &[("other", b"other")]);
    let (sbom, foreign) = (
        put(&content, Form::Image, &image, "sbom/example"),
        put(&content, Form::Artifact, &other, "sbom/example"),
    );
    list_by_tag(&content, &image, &[(&sbom, "sbom/example"), (&foreign, "sbom/example")]);
    let line = ["cp", "-r", "[REGISTRY]/net-monitor:v1", "[REGISTRY]/copy:v1"];
    test.oras(line).succeeds().says_nothing_aside();
    let copy = registry.content("copy");
    assert!(copy.manifest(&sbom.digest).is_some() && copy.manifest(&foreign.digest).is_none());
    test.oras(line.into_iter().chain(["--debug"])).succeeds().stderr_contains(&format!(
        "{} is listed as a referrer of {}, but is not attached to it: it is ignored",
        foreign.digest, image.digest
    ));
}

/// §6.5, last paragraph: what is attached today where only an earlier API is there is listed by tag, beside what
/// that API lists.
#[test]
fn what_is_attached_today_is_listed_beside_what_was_there() {
    for builder in [without_api().oras_alpha_api(), without_api().oras_extension_api()] {
        let (test, registry, image) = prepared(builder);
        let content = registry.content("net-monitor");
        let old = put(&content, Form::OrasArtifact, &image, "sbom/example");
        let line = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "sbom/example", "./sbom.json"];
        let new = digest_of(&test.oras(line).succeeds().says_nothing_aside().stdout);
        assert_eq!(content.referrers_by_tag(&image), std::slice::from_ref(&new));
        let found = ["--artifact-type", "sbom/example", "[REGISTRY]/net-monitor:v1"];
        assert_eq!(direct(&both_documents(&test, &found).0), [old.digest.to_string(), new.clone()]);
        // What was there can be signed today.
        let name = format!("[REGISTRY]/net-monitor@{}", old.digest);
        let line = ["attach", &name, "--artifact-type", "signature/example", "./signature.json"];
        let signature = digest_of(&test.oras(line).succeeds().stdout);
        assert_eq!(direct(&both_documents(&test, &[&name]).0), [signature]);
    }
}

/// Generations of all times come back from a backup as they were.
#[test]
fn a_backup_keeps_what_every_generation_wrote() {
    let (test, registry, image) = prepared(without_api().oras_extension_api());
    let content = registry.content("net-monitor");
    let nodes = FORMS.map(|form| put(&content, form, &image, "sbom/example"));
    let below = put(&content, Form::OrasArtifact, &nodes[1], "signature/example");
    let entries: Vec<_> = nodes[1..].iter().map(|node| (node, "sbom/example")).collect();
    list_by_tag(&content, &image, &entries);
    let target = TestRegistry::start_blocking();
    test.names(&target.host(), "[TARGET]");
    for output in ["kept", "kept.tar"] {
        test.oras(["backup", "--include-referrers", "-o", output, "[REGISTRY]/net-monitor:v1"]).succeeds();
        let name = format!("[TARGET]/{output}:v1");
        test.oras(["restore", "--input", output, &name]).succeeds();
        for node in nodes.iter().chain([&image, &below]) {
            let back = target.content(output);
            assert_eq!(back.manifest(&node.digest), content.manifest(&node.digest), "{output}");
        }
        let mut found = direct(&both_documents(&test, &[&name]).0);
        let mut expected: Vec<_> = nodes.iter().map(|node| node.digest.to_string()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

/// A chain as deep as §7 asks for, drawn and printed.
#[test]
fn a_thousand_levels_are_shown() {
    let (test, registry, image) = prepared(without_api());
    let content = registry.content("net-monitor");
    let mut last = image;
    for number in 0..1000 {
        let next = put(&content, FORMS[number % FORMS.len()], &last, "link/example");
        list_by_tag(&content, &last, &[(&next, "link/example")]);
        last = next;
    }
    let json = test.oras(["discover", "-o", "json", "[REGISTRY]/net-monitor:v1"]).succeeds();
    assert!(json.stdout.contains(&last.digest.to_string()));
    assert_eq!(json.stdout.matches("\"referrers\": [").count(), 1001);
    let tree = test.oras(["discover", "-o", "tree", "[REGISTRY]/net-monitor:v1"]).succeeds();
    assert_eq!(tree.stdout.matches("link/example").count(), 1000);
}
