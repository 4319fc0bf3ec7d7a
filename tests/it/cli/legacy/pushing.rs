//! Pushing and attaching as the documents do it, and `push --subject`.

use serde_json::json;

use super::{CREATED, digest_of, manifest, prepared, prepared_today, without_api};

const EMPTY_DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// S4-2, E01, E54, E56 and §2.4: the config has no bytes at all.
#[test]
fn a_null_device_is_an_empty_config() {
    let (test, registry, _) = prepared_today();
    test.oras([
        "push",
        "[REGISTRY]/samples/artifact:1.0",
        "--manifest-config",
        "/dev/null:application/vnd.unknown.config.v1+json",
        "./artifact.txt:application/vnd.unknown.layer.v1+txt",
    ])
    .succeeds()
    .prints(
        "Preparing artifact.txt\n\
         Uploading e3b0c44298fc application/vnd.unknown.config.v1+json\n\
         Uploading 33998979890f artifact.txt\n\
         Uploaded  e3b0c44298fc application/vnd.unknown.config.v1+json\n\
         Uploaded  33998979890f artifact.txt\n\
         Uploading [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Uploaded  [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Pushed [registry] [REGISTRY]/samples/artifact:1.0\n\
         ArtifactType: application/vnd.unknown.config.v1+json\n\
         Digest: [DIGEST]\n",
    )
    .stderr_is("Flag --manifest-config has been deprecated, use --config instead\n");
    let manifest = manifest(&registry, "samples/artifact", "1.0");
    let config =
        json!({"mediaType": "application/vnd.unknown.config.v1+json", "digest": EMPTY_DIGEST, "size": 0});
    assert_eq!(manifest["config"], config);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.unknown.layer.v1+txt");
    assert_eq!(manifest.get("artifactType"), None);
    assert_eq!(registry.content("samples/artifact").blob(EMPTY_DIGEST).unwrap(), "");
}

/// S4-3, E08 and §2.4: NUL is the null device of Windows, unless there is a file of that name.
#[test]
fn nul_is_an_empty_config_where_there_is_no_such_file() {
    let (test, registry, _) = prepared_today();
    let line = [
        "push",
        "[REGISTRY]/samples/artifact:1.0",
        "--manifest-config",
        "NUL:application/vnd.unknown.config.v1+json",
        "./artifact.txt:application/vnd.unknown.layer.v1+txt",
    ];
    test.oras(line).succeeds().stderr_is(
        "Flag --manifest-config has been deprecated, use --config instead\n\
         NUL is the Windows null device; using an empty config\n",
    );
    assert_eq!(manifest(&registry, "samples/artifact", "1.0")["config"]["digest"], EMPTY_DIGEST);
    test.write("NUL", "not empty");
    test.oras(line)
        .succeeds()
        .stderr_is("Flag --manifest-config has been deprecated, use --config instead\n");
    assert_eq!(manifest(&registry, "samples/artifact", "1.0")["config"]["size"], 9);
}

/// §2.4: without a type, that of 0.12 and later.
#[test]
fn a_config_without_a_type_has_an_unknown_one() {
    let (test, registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/art:1", "--manifest-config", "sbom.json", "artifact.txt"]).succeeds();
    let config = &manifest(&registry, "art", "1")["config"];
    assert_eq!(config["mediaType"], "application/vnd.unknown.config.v1+json");
}

/// S4-5, E06; E07 is the same without a file.
#[test]
fn a_push_needs_no_types_and_no_files() {
    let (test, registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/dockerfile:1.0", "hello-world.dockerfile"])
        .succeeds()
        .says_nothing_aside();
    let pushed = manifest(&registry, "dockerfile", "1.0");
    assert_eq!(
        pushed["layers"][0]["annotations"]["org.opencontainers.image.title"],
        "hello-world.dockerfile"
    );
    assert_eq!(pushed["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar");
    test.oras(["push", "[REGISTRY]/dockerfile:empty"])
        .succeeds()
        .stdout_contains("Uploading empty artifact\n");
}

/// S2-2 (S2-3 on Windows), S2-4 (S2-5 on Windows) as it was meant, E38, E44, S2-6.
#[test]
fn files_and_folders_are_pushed_with_a_type_and_under_several_tags() {
    let (test, registry, _) = prepared_today();
    let line = ["push", "[REGISTRY]/samples/artifact:readme,m2,m3", "--artifact-type", "readme/example"];
    let files = ["./readme.md:application/markdown", "./details", "--export-manifest", "manifest.json"];
    test.oras(line.into_iter().chain(files)).succeeds().prints(
        "Preparing readme.md\n\
         Preparing details\n\
         Uploading 2fdeac43552b readme.md\n\
         Uploaded  2fdeac43552b readme.md\n\
         Uploading [SHORT] details\n\
         Uploaded  [SHORT] details\n\
         Uploading 44136fa355b3 application/vnd.oci.empty.v1+json\n\
         Uploaded  44136fa355b3 application/vnd.oci.empty.v1+json\n\
         Uploading [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Uploaded  [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Pushed [registry] [REGISTRY]/samples/artifact:readme\n\
         Tagged m2\n\
         Tagged m3\n\
         ArtifactType: readme/example\n\
         Digest: [DIGEST]\n",
    );
    let content = registry.content("samples/artifact");
    assert_eq!(content.tags(), ["m2", "m3", "readme"]);
    assert_eq!(test.read("manifest.json"), content.manifest("readme").unwrap().1);
    let shown = test.oras(["manifest", "fetch", "--pretty", "[REGISTRY]/samples/artifact:readme"]).succeeds();
    assert_eq!(shown.json(), manifest(&registry, "samples/artifact", "readme"));
    assert!(shown.stdout.starts_with("{\n  \"schemaVersion\": 2,\n"));
}

/// S2-4 as it is printed, E45, E58: without its blanks it is a type that is none.
#[test]
fn a_type_that_is_none_is_refused() {
    let (test, registry, _) = prepared_today();
    let kind = "readme/example./readme.md:application/markdown./details";
    test.oras(["push", "[REGISTRY]/typo:readme", "--artifact-type", kind])
        .fails()
        .prints("Uploading empty artifact\n")
        .stderr_is(&format!("Error: invalid artifactType format: {kind}: invalid media type\n"));
    assert!(!registry.repositories().contains(&"typo".to_owned()));
}

/// S0-3, S0-4, S0-6, S1-2, S1-3 (S1-4 on Windows), S1-6 (S1-7 on Windows), S2-9, S2-11 (S2-12 on Windows): the
/// flag behind, between and before what is attached. E19, E28, E31, E36: what is written is of today.
#[test]
fn flags_and_files_of_attach_may_come_in_any_order() {
    for words in [
        "attach [REGISTRY]/net-monitor:v1 ./sbom.json:application/json --artifact-type sbom/example",
        "attach [REGISTRY]/net-monitor:v1 --artifact-type sbom/example ./sbom.json:application/json",
        "attach --artifact-type=sbom/example [REGISTRY]/net-monitor:v1 ./sbom.json:application/json",
    ] {
        let (test, registry, image) = prepared(without_api());
        let attached = test.oras(words.split(' ')).succeeds().says_nothing_aside();
        let expected = format!(
            "Preparing sbom.json\n\
             Uploading [SHORT] sbom.json\n\
             Uploaded  [SHORT] sbom.json\n\
             Exists    44136fa355b3 application/vnd.oci.empty.v1+json\n\
             Uploading [SHORT] application/vnd.oci.image.manifest.v1+json\n\
             Uploaded  [SHORT] application/vnd.oci.image.manifest.v1+json\n\
             Attached to [registry] [REGISTRY]/net-monitor@{}\n\
             Digest: [DIGEST]\n",
            image.digest
        );
        let attached = attached.prints(&expected);
        let written = manifest(&registry, "net-monitor", &digest_of(&attached.stdout));
        assert_eq!(written["artifactType"], "sbom/example");
        assert_eq!(written["subject"]["digest"], image.digest.to_string());
        // S1-15, S2-20, E37: the tag that lists referrers is a tag like any other.
        let tag = image.digest.referrers_tag();
        test.oras(["repo", "tags", "[REGISTRY]/net-monitor"]).succeeds().prints(&format!("{tag}\nv1\n"));
        test.oras(["repo", "tags", "--exclude-digest-tags", "[REGISTRY]/net-monitor"])
            .succeeds()
            .prints("v1\n");
    }
}

/// S0-8, S1-9, S2-14, E21: the digest wins over the tag. E22: without a file there is nothing to attach. E61:
/// what a script makes of a filter that found nothing.
#[test]
fn a_tag_before_a_digest_is_ignored() {
    let (test, registry, image) = prepared_today();
    let name = format!("[REGISTRY]/net-monitor:v1@{}", image.digest);
    let line = ["attach", &name, "--artifact-type", "signature/example"];
    let outcome = test.oras(line.into_iter().chain(["./signature.json:application/json"])).succeeds();
    let outcome = outcome.stdout_contains(&format!("Attached to [registry] {name}\n"));
    let attached = manifest(&registry, "net-monitor", &digest_of(&outcome.stdout));
    assert_eq!(attached["subject"]["digest"], image.digest.to_string());
    test.oras(line).fails().stderr_contains("Error: neither file nor annotation provided in the command\n");
    test.oras(["attach", "[REGISTRY]/net-monitor:v1@null", "--artifact-type", "a/b", "./signature.json"])
        .fails()
        .stderr_contains("Error: \"[REGISTRY]/net-monitor:v1@null\": invalid reference: ")
        .stderr_contains("invalid checksum digest format");
}

/// S3-1, S3-3, S3-5; E10, E11, E52 and §2.5.
#[test]
fn an_artifact_can_be_pushed_with_a_subject() {
    for builder in [crate::support::TestRegistry::builder(), without_api()] {
        let (test, registry, image) = prepared(builder);
        let pushed = test
            .oras([
                "push",
                "[REGISTRY]/net-monitor",
                "--artifact-type",
                "sbom/example",
                "--subject",
                "[REGISTRY]/net-monitor:v1",
                "./sbom.json:application/json",
            ])
            .succeeds()
            .stderr_is("Flag --subject has been deprecated, use \"oras attach\" instead\n")
            .stdout_contains(
                "Pushed [registry] [REGISTRY]/net-monitor\nArtifactType: sbom/example\nDigest: ",
            );
        let digest = digest_of(&pushed.stdout);
        let written = manifest(&registry, "net-monitor", &digest);
        assert_eq!(written["subject"], json!(image.plain()));
        assert_eq!(written["artifactType"], "sbom/example");
        let tags = registry.content("net-monitor").tags();
        assert!(tags.iter().all(|tag| tag == "v1" || tag.starts_with("sha256-")), "{tags:?}");
        let subject = format!("[REGISTRY]/net-monitor@{digest}");
        test.oras(["push", "[REGISTRY]/net-monitor", "--artifact-type", "signature/example", "-s", &subject])
            .succeeds()
            .stdout_contains("Uploading empty artifact\n")
            .stderr_is("Flag --subject has been deprecated, use \"oras attach\" instead\n");
        let found =
            test.oras(["discover", "--format", "json", "[REGISTRY]/net-monitor:v1"]).succeeds().json();
        assert_eq!(found["referrers"][0]["digest"], digest);
        assert_eq!(found["referrers"][0]["referrers"][0]["artifactType"], "signature/example");
    }
}

/// E16, E17: with tags, without a file, and without the one or the other flag.
#[test]
fn a_subject_goes_with_tags_and_without_a_type() {
    let (test, registry, image) = prepared_today();
    let subject = ["--subject", "[REGISTRY]/net-monitor:v1"];
    test.oras(["push", "[REGISTRY]/net-monitor:t1,t2"].into_iter().chain(subject)).succeeds();
    let content = registry.content("net-monitor");
    assert_eq!(content.tagged("t1"), content.tagged("t2"));
    let written = manifest(&registry, "net-monitor", "t1");
    assert_eq!(written["artifactType"], "application/vnd.unknown.artifact.v1");
    assert_eq!(written["subject"]["digest"], image.digest.to_string());
    test.oras(["push", "[REGISTRY]/net-monitor:t3", "--artifact-type", "x/y", "./readme.md"]).succeeds();
    assert_eq!(manifest(&registry, "net-monitor", "t3").get("subject"), None);
}

#[test]
fn a_subject_that_is_missing_or_lies_elsewhere_is_an_error() {
    let (test, registry, _) = prepared_today();
    let before = registry.content("net-monitor").manifests();
    test.oras(["push", "[REGISTRY]/other", "--subject", "[REGISTRY]/net-monitor:v1", "./sbom.json"])
        .fails()
        .stderr_contains("Error: subject must be in the same repository as the pushed artifact\n");
    test.oras(["push", "[REGISTRY]/net-monitor", "--subject", "[REGISTRY]/net-monitor:none", "./sbom.json"])
        .fails()
        .stderr_contains("Error response from registry: failed to resolve none: ");
    test.oras(["push", "[REGISTRY]/net-monitor", "--subject", "[REGISTRY]/net-monitor", "./sbom.json"])
        .fails()
        .stderr_contains("no tag or digest specified");
    assert_eq!(registry.content("net-monitor").manifests(), before);
    assert_eq!(registry.repositories(), ["net-monitor"]);
}

/// §2.5 in a layout, which the alpha had none of.
#[test]
fn a_subject_may_be_in_a_layout() {
    let (test, _registry, _) = prepared_today();
    test.oras(["cp", "[REGISTRY]/net-monitor:v1", "--to-oci-layout", "lay:v1"]).succeeds();
    for (number, subject) in
        ["lay:v1", "./lay:v1", "[TEST]/lay:v1", "[TEST]/../[NAME]/lay:v1"].into_iter().enumerate()
    {
        let name = test.folder().file_name().unwrap().to_str().unwrap().to_owned();
        let (subject, kind) = (subject.replace("[NAME]", &name), format!("a/{number}"));
        let line = ["push", "--oci-layout", "lay", "--subject", &subject, "--artifact-type", &kind];
        test.oras(line.into_iter().chain(["./sbom.json"])).succeeds();
        let found = test.oras(["discover", "--oci-layout", "lay:v1", "--format", "json"]).succeeds().json();
        assert_eq!(found["referrers"][number]["artifactType"], kind);
    }
    test.oras(["push", "--oci-layout", "other", "--subject", "lay:v1", "./sbom.json"])
        .fails()
        .stderr_contains("Error: subject must be in the same repository as the pushed artifact\n");
    assert!(!test.exists("other"));
}

/// §2.11: exact bytes, and an older file stays when a push fails.
#[test]
fn a_manifest_is_exported_only_when_it_was_pushed() {
    let (test, registry, _) = prepared_today();
    test.write("manifest.json", "old");
    test.oras(["push", "[REGISTRY]/art:1", "--export-manifest", "manifest.json", "./none.txt"]).fails();
    assert_eq!(test.read_text("manifest.json"), "old");
    let line =
        ["push", "[REGISTRY]/art:1", "--export-manifest", "manifest.json", "./readme.md", "-a", CREATED];
    test.oras(line).succeeds();
    assert_eq!(test.read("manifest.json"), registry.content("art").manifest("1").unwrap().1);
}
