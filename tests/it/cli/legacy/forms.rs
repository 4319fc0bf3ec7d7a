//! Manifests of earlier generations, written on request or where a registry takes nothing else.

use serde_json::json;

use super::{CREATED, digest_of, manifest, prepared, prepared_today, without_api};
use crate::support::{
    Fault, TestRegistry,
    registry::{Answer, Referrers},
};

/// E46 and §5.5: the OCI artifact manifest, with and without a subject.
#[test]
fn an_oci_artifact_manifest_is_written_on_request() {
    let (test, registry, image) = prepared_today();
    test.oras(["push", "[REGISTRY]/art:1", "--image-spec", "v1.1-artifact", "./artifact.txt"])
        .succeeds()
        .stdout_contains("ArtifactType: application/vnd.unknown.artifact.v1\n")
        .stderr_is("Flag --image-spec v1.1-artifact has been deprecated, use --image-spec v1.1 instead\n");
    let (media_type, _) = registry.content("art").manifest("1").unwrap();
    assert_eq!(media_type, "application/vnd.oci.artifact.manifest.v1+json");
    let written = manifest(&registry, "art", "1");
    let keys: Vec<_> = written.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["mediaType", "artifactType", "blobs", "annotations"]);
    assert!(written["annotations"]["org.opencontainers.artifact.created"].is_string());

    let line =
        ["attach", "[REGISTRY]/net-monitor:v1", "--image-spec", "v1.1-artifact", "--artifact-type", "a/b"];
    let attached = test
        .oras(line.into_iter().chain(["./sbom.json"]))
        .succeeds()
        .stderr_is("Flag --image-spec has been deprecated, the current form is written by default\n");
    let written = manifest(&registry, "net-monitor", &digest_of(&attached.stdout));
    assert_eq!(written["mediaType"], "application/vnd.oci.artifact.manifest.v1+json");
    assert_eq!(written["subject"]["digest"], image.digest.to_string());
    assert_eq!(written["blobs"][0]["annotations"]["org.opencontainers.image.title"], "sbom.json");
}

/// §5.3, and §2.5 with `--image-spec v1.0`.
#[test]
fn a_type_can_be_that_of_the_config() {
    let (test, registry, image) = prepared_today();
    let files = ["--artifact-type", "signature/example", "./signature.json:application/json", "-a", CREATED];
    let attach = ["attach", "[REGISTRY]/net-monitor:v1", "--image-spec", "v1.1-image"];
    let push = [
        "push",
        "[REGISTRY]/net-monitor:s",
        "--image-spec",
        "v1.0",
        "--subject",
        "[REGISTRY]/net-monitor:v1",
    ];
    let attached = test.oras(attach.into_iter().chain(files)).succeeds();
    let pushed = test.oras(push.into_iter().chain(files)).succeeds();
    assert_eq!(digest_of(&attached.stdout), digest_of(&pushed.stdout));
    let written = manifest(&registry, "net-monitor", "s");
    let keys: Vec<_> = written.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["schemaVersion", "mediaType", "config", "layers", "subject", "annotations"]);
    assert_eq!(written["config"]["mediaType"], "signature/example");
    assert_eq!(written["config"]["size"], 2);
    assert_eq!(written["subject"]["digest"], image.digest.to_string());
}

/// §2.2, E41: a type and a config go together today, but not in the earlier forms.
#[test]
fn an_earlier_form_cannot_hold_everything() {
    let (test, registry, _) = prepared_today();
    let both = ["--artifact-type", "a/b", "--config", "/dev/null:x/y", "./artifact.txt"];
    test.oras(["push", "[REGISTRY]/art:1"].into_iter().chain(both)).succeeds();
    registry.forget_requests();
    for (form, error) in [
        ("v1.1-artifact", "cannot build an OCI artifact with manifest config"),
        ("v1.1-image", "--artifact-type and --config cannot both be provided for 1.0 OCI image"),
        ("v1.0", "--artifact-type and --config cannot both be provided for 1.0 OCI image"),
    ] {
        for command in [["push", "[REGISTRY]/art:1"], ["attach", "[REGISTRY]/net-monitor:v1"]] {
            let line = command.into_iter().chain(["--image-spec", form]).chain(both);
            test.oras(line).fails().stderr_contains(&format!("Error: {error}\n"));
        }
    }
    assert!(registry.requests().is_empty(), "{:?}", registry.lines());
    test.oras(["push", "[REGISTRY]/art:1", "--image-spec", "v2"])
        .fails()
        .stderr_contains("Error: invalid argument \"v2\" for \"--image-spec\" flag: ")
        .stderr_contains("Available options: v1.1, v1.0\n");
}

/// A registry of the time of 0.16: it looks for the subject of an image manifest among its blobs.
fn of_the_time_of_0_16() -> (crate::support::Test, TestRegistry, oras::oci::Descriptor) {
    let builder = TestRegistry::builder().referrers(Referrers::ReleaseCandidate);
    prepared(builder.takes_subjects_for_blobs())
}

const FALLBACK: &str =
    "registry rejected an image manifest with a subject; attached as an OCI artifact manifest\n";

/// E62 and §5.5.
#[test]
fn where_an_image_manifest_with_a_subject_is_refused_an_artifact_manifest_is_attached() {
    let (test, registry, image) = of_the_time_of_0_16();
    let line = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "sbom/example", "./sbom.json"];
    let attached = test.oras(line).succeeds().stderr_is(FALLBACK);
    let digest = digest_of(&attached.stdout);
    let written = manifest(&registry, "net-monitor", &digest);
    assert_eq!(written["mediaType"], "application/vnd.oci.artifact.manifest.v1+json");
    assert_eq!(written["subject"]["digest"], image.digest.to_string());
    // A refusal may have come too early, so that the image manifest is sent twice.
    assert!(registry.count("PUT /v2/net-monitor/manifests/sha256:* 400") <= 2);
    let found = test.oras(["discover", "--format", "json", "[REGISTRY]/net-monitor:v1"]).succeeds().json();
    assert_eq!(found["referrers"][0]["digest"], digest);

    let pushed = test
        .oras([
            "push",
            "[REGISTRY]/net-monitor:s",
            "--subject",
            "[REGISTRY]/net-monitor:v1",
            "./signature.json",
        ])
        .succeeds();
    pushed.stderr_is(&format!("Flag --subject has been deprecated, use \"oras attach\" instead\n{FALLBACK}"));
    assert_eq!(manifest(&registry, "net-monitor", "s")["mediaType"], written["mediaType"]);
}

/// What cannot be said otherwise, or was asked for, is not changed.
#[test]
fn there_is_no_fallback_from_what_was_asked_for() {
    for flags in [&["--config", "/dev/null:x/y"][..], &["--image-spec", "v1.1-image"]] {
        let (test, registry, _) = of_the_time_of_0_16();
        let line = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "sbom/example", "./sbom.json"];
        test.oras(line.into_iter().chain(flags.iter().copied())).fails().stderr_contains(
            "Error response from registry: manifest blob unknown: blob unknown to registry: ",
        );
        assert_eq!(registry.content("net-monitor").manifests().len(), 1);
    }
}

/// E28, E42: every other refusal is the end.
#[test]
fn other_refusals_are_final() {
    for (status, code) in [
        (400, "MANIFEST_INVALID"),
        (400, "UNSUPPORTED"),
        (401, "UNAUTHORIZED"),
        (403, "DENIED"),
        (404, "NAME_UNKNOWN"),
        (413, "SIZE_INVALID"),
        (415, "MANIFEST_INVALID"),
    ] {
        for form in ["v1.1", "v1.1-artifact"] {
            let (test, registry, image) = prepared(without_api());
            let detail = json!({"digest": image.digest});
            let refusal = Answer::error_with(status, code, "refused", &detail);
            registry.on("PUT", "/v2/net-monitor/manifests/*").always().then(Fault::answer(refusal));
            let line = ["attach", "[REGISTRY]/net-monitor:v1", "--artifact-type", "a/b", "./sbom.json"];
            let outcome = test.oras(line.into_iter().chain(["--image-spec", form])).fails();
            assert!(outcome.stderr.contains("Error"), "{outcome:#?}");
            let is_about_type = form == "v1.1-artifact" && matches!(code, "MANIFEST_INVALID" | "UNSUPPORTED");
            let advice = "\nmany registries refuse manifests of the type application/vnd.oci.artifact.manifest.v1+json: ";
            assert_eq!(outcome.stderr.contains(advice), is_about_type, "{status} {code}: {outcome:#?}");
            outcome.never_says("registry rejected an image manifest");
            assert_eq!(registry.content("net-monitor").manifests().len(), 1, "{status} {code}");
        }
    }
}
