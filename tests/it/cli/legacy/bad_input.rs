//! Graphs that are broken, foreign, mixed, circular or very deep: each is a result or an error, and ends.

use oras::{
    oci::{Descriptor, media_type},
    ops::pack::Form,
};
use serde_json::json;

use super::{FORMS, list_by_tag, prepared, prepared_today, put, without_api};
use crate::support::{Fault, TestRegistry, registry::Referrers};

/// A subject that does not exist is found before anything is sent.
#[test]
fn nothing_is_attached_to_a_subject_that_does_not_exist() {
    for builder in [TestRegistry::builder(), without_api()] {
        let (test, registry, _) = prepared(builder);
        let absent = format!("[REGISTRY]/net-monitor@sha256:{}", "0".repeat(64));
        for subject in ["[REGISTRY]/net-monitor:none", "[REGISTRY]/none:v1", &absent] {
            test.oras(["attach", subject, "--artifact-type", "a/b", "./sbom.json"])
                .fails()
                .prints_nothing()
                .stderr_contains("Error response from registry: failed to resolve ")
                .stderr_contains(&format!("{subject}: not found\n"));
            let repository = subject.rsplit_once([':', '@']).unwrap().0.trim_end_matches("@sha256");
            test.oras(["push", repository, "--subject", subject, "./sbom.json"])
                .fails()
                .stderr_contains("Error response from registry: failed to resolve ");
            test.oras(["discover", "-o", "json", subject])
                .fails()
                .prints_nothing()
                .stderr_contains(&format!("Error response from registry: {subject}: not found\n"));
        }
        assert_eq!(registry.count("POST *") + registry.count("PUT *"), 0, "{:?}", registry.lines());
    }
}

/// A subject that is not given, because a script's variable is empty, is not taken for none.
#[test]
fn an_empty_subject_is_an_error() {
    let (test, registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/net-monitor", "--subject", "", "./sbom.json"])
        .fails()
        .prints_nothing()
        .stderr_contains("Flag --subject has been deprecated, use \"oras attach\" instead\nError: \"\": invalid reference: ");
    assert!(registry.requests().is_empty(), "{:?}", registry.lines());
}

/// A manifest whose subject is gone, or lies in another repository, is whole in itself: it can be pulled, shown and
/// deleted. A copy takes the subject along, and so says what is missing.
#[test]
fn a_manifest_whose_subject_lies_elsewhere_can_be_used_but_not_copied() {
    for form in FORMS {
        let (test, registry, image) = prepared(without_api());
        let elsewhere = registry.content("elsewhere");
        let sbom = put(&elsewhere, form, &image, "sbom/example");
        let signature = put(&elsewhere, form, &sbom, "signature/example");
        list_by_tag(&elsewhere, &sbom, &[(&signature, "signature/example")]);
        let name = format!("[REGISTRY]/elsewhere@{}", sbom.digest);
        test.oras(["pull", "-o", "out", &name]).succeeds().says_nothing_aside();
        assert_eq!(test.files("out"), ["sbom.json"]);
        let found = test.oras(["discover", "--format", "json", &name]).succeeds().json();
        assert_eq!(found["referrers"][0]["digest"], signature.digest.to_string());
        for flags in [&[][..], &["-r"]] {
            let line = ["cp", &name, "[REGISTRY]/copy:v1"].into_iter().chain(flags.iter().copied());
            test.oras(line).fails().stderr_contains(&format!(
                "Error from source registry for \"{name}\": [REGISTRY]/elsewhere@{}: not found\n",
                image.digest
            ));
            assert!(registry.content("copy").tags().is_empty());
        }
        test.oras(["manifest", "delete", "-f", &name]).succeeds();
        assert!(elsewhere.manifest(&sbom.digest).is_none(), "{form:?}");
        assert!(elsewhere.manifest(&signature.digest).is_some(), "{form:?}: what is attached stays");
    }
}

/// A referrers answer that lists something whose subject is another digest: ignored as soon as the manifest is read,
/// and said in debug.
#[test]
fn what_is_attached_to_another_digest_is_not_shown() {
    let (test, registry, image) = prepared(TestRegistry::builder().referrers(Referrers::ReleaseCandidate));
    let content = registry.content("net-monitor");
    let other = content.insert_artifact("other/example", &[("other", b"other")]);
    let sbom = put(&content, Form::Image, &image, "sbom/example");
    let foreign = put(&content, Form::Image, &other, "sbom/example");
    let entry = |node: &Descriptor| json!({"mediaType": node.media_type, "digest": node.digest, "size": node.size, "artifactType": media_type::EMPTY});
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": [entry(&foreign), entry(&sbom)]});
    let path = format!("/v2/net-monitor/referrers/{}*", image.digest);
    registry.on("GET", &path).always().then(Fault::body(index.to_string()));
    let line = ["discover", "--format", "json", "[REGISTRY]/net-monitor:v1"];
    let found = test.oras(line).succeeds().says_nothing_aside().json();
    assert_eq!(found["referrers"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["referrers"][0]["digest"], sbom.digest.to_string());
    test.oras(line.into_iter().chain(["--debug"])).succeeds().stderr_contains(&format!(
        "{} is listed as a referrer of {}, but is not attached to it: it is ignored",
        foreign.digest, image.digest
    ));
}

/// Mixed generations in one repository: what an older API knows and what a tag lists are shown, copied and deleted
/// together.
#[test]
fn generations_may_be_mixed_in_one_repository() {
    for builder in [without_api().oras_extension_api(), without_api().oras_alpha_api()] {
        let (test, registry, image) = prepared(builder);
        let content = registry.content("net-monitor");
        let nodes = FORMS.map(|form| put(&content, form, &image, "sbom/example"));
        // The first is known to the older API only, one is in both lists.
        let both = put(&content, Form::OrasArtifact, &image, "both/example");
        let entries: Vec<_> = nodes[1..].iter().map(|node| (node, "sbom/example")).collect();
        list_by_tag(&content, &image, &[&entries[..], &[(&both, "both/example")]].concat());
        let listed = |name: &str| -> Vec<String> {
            let found = test.oras(["discover", "--format", "json", name]).succeeds().json();
            let found = found["referrers"].as_array().unwrap().iter();
            let mut digests: Vec<_> =
                found.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect();
            digests.sort();
            digests
        };
        let mut expected: Vec<_> = nodes.iter().chain([&both]).map(|node| node.digest.to_string()).collect();
        expected.sort();
        assert_eq!(listed("[REGISTRY]/net-monitor:v1"), expected);

        let target = TestRegistry::builder().start_blocking();
        test.names(&target.host(), "[TARGET]");
        test.oras(["cp", "-r", "[REGISTRY]/net-monitor:v1", "[TARGET]/copy:v1"]).succeeds();
        assert_eq!(listed("[TARGET]/copy:v1"), expected);
        test.oras(["cp", "-r", "[TARGET]/copy:v1", "--to-oci-layout", "layout:v1"]).succeeds();
        for node in nodes.iter().chain([&both]) {
            let (name, folder) = (format!("layout@{}", node.digest), format!("out-{}", node.digest.short()));
            test.oras(["pull", "--oci-layout", &name, "-o", &folder]).succeeds();
            assert_eq!(test.files(&folder), ["sbom.json"]);
            let name = format!("[REGISTRY]/net-monitor@{}", node.digest);
            test.oras(["manifest", "delete", "-f", &name]).succeeds();
        }
        assert!(listed("[REGISTRY]/net-monitor:v1").is_empty());
        assert_eq!(content.tagged("v1"), Some(image.digest.to_string()));
    }
}

/// A cycle: each of two manifests is listed as a referrer of the other, which cannot be true of both.
#[test]
fn a_circle_of_lists_ends() {
    let (test, registry, image) = prepared(without_api());
    let content = registry.content("net-monitor");
    let sbom = put(&content, Form::Image, &image, "sbom/example");
    list_by_tag(&content, &image, &[(&sbom, "sbom/example"), (&image, "circle/example")]);
    list_by_tag(&content, &sbom, &[(&image, "circle/example"), (&sbom, "circle/example")]);
    for format in ["json", "tree"] {
        let shown = test.oras(["discover", "-o", format, "[REGISTRY]/net-monitor:v1"]).succeeds().stdout;
        assert!(shown.matches(&sbom.digest.to_string()).count() < 20, "{shown}");
    }
    test.oras(["cp", "-r", "[REGISTRY]/net-monitor:v1", "[REGISTRY]/copy:v1"]).succeeds();
    test.oras(["cp", "-r", "[REGISTRY]/net-monitor:v1", "--to-oci-layout", "layout:v1"]).succeeds();
    let name = format!("[REGISTRY]/copy@{}", sbom.digest);
    test.oras(["pull", "--include-subject", "-o", "out", &name]).succeeds();
    assert_eq!(registry.content("copy").manifests().len(), 3, "the two manifests and the list of one");
}

/// A depth of 1,000: no stack is used up by a chain of referrers, or of subjects.
#[test]
fn a_depth_of_a_thousand_is_copied_and_pulled() {
    let (test, registry, image) = prepared(without_api());
    let content = registry.content("net-monitor");
    let mut last = image;
    for number in 0..1000 {
        let next = put(&content, FORMS[number % FORMS.len()], &last, "link/example");
        list_by_tag(&content, &last, &[(&next, "link/example")]);
        last = next;
    }
    test.oras(["cp", "-r", "[REGISTRY]/net-monitor:v1", "--to-oci-layout", "copy:v1"]).succeeds();
    let name = format!("copy@{}", last.digest);
    let pulled = test.oras(["pull", "--include-subject", "-o", "out", "--oci-layout", &name]).succeeds();
    assert_eq!(pulled.stdout.matches("Processing").count(), 1001);
}
