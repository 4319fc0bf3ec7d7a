//! Pulling with the flags of early versions, and what early versions wrote.

use oras::{oci::media_type, ops::pack::Form};

use super::{FORMS, prepared, prepared_today, put, without_api};

/// Artifact manifests of every generation, and the alpha's, which does not say its own type. S0-11, S3-8, E14,
/// E15, E24, E53, E59, E60.
#[test]
fn what_every_generation_wrote_is_pulled() {
    let (test, registry, image) = prepared(without_api().oras_extension_api());
    let content = registry.content("net-monitor");
    let mut nodes: Vec<_> =
        FORMS.into_iter().map(|form| put(&content, form, &image, "sbom/example")).collect();
    let (_, bytes) = content.manifest(&nodes[0].digest).unwrap();
    let alpha = String::from_utf8(bytes.to_vec()).unwrap();
    let alpha = alpha.replacen(&format!("\"mediaType\":\"{}\",", media_type::ORAS_ARTIFACT_MANIFEST), "", 1);
    assert!(alpha.starts_with("{\"artifactType\""), "{alpha}");
    nodes.push(content.insert_manifest(media_type::ORAS_ARTIFACT_MANIFEST, alpha));
    for (number, node) in nodes.iter().enumerate() {
        let (folder, name) =
            (format!("download-{number}"), format!("[REGISTRY]/net-monitor@{}", node.digest));
        let pulled = test.oras(["pull", "-a", "-o", &folder, &name]).succeeds();
        let pulled = pulled.stdout_contains("Downloaded  [SHORT] sbom.json\n");
        pulled.stderr_is("Flag --allow-all has been deprecated, all media types are pulled by default\n");
        assert_eq!(test.read_text(&format!("{folder}/sbom.json")), "{\"contents\": \"good\"}\n");
        test.oras(["pull", "-o", &format!("{folder}-again"), &name]).succeeds().says_nothing_aside();
        assert_eq!(test.files(&format!("{folder}-again")), ["sbom.json"]);
    }
    for (node, kind) in [
        (&nodes[0], "application/vnd.cncf.oras.artifact.manifest.v1+json"),
        (&nodes[1], "application/vnd.oci.artifact.manifest.v1+json"),
        (&nodes[4], "application/vnd.cncf.oras.artifact.manifest.v1+json"),
    ] {
        let (name, digest) = (format!("[REGISTRY]/net-monitor@{}", node.digest), node.digest.short());
        test.oras(["pull", "-o", &format!("last-{digest}"), &name]).succeeds().prints(&format!(
            "Downloading {digest} {kind}\n\
             Processing  {digest} {kind}\n\
             Downloading [SHORT] sbom.json\n\
             Downloaded  [SHORT] sbom.json\n\
             Downloaded  {digest} {kind}\n\
             Pulled [registry] {name}\n\
             Digest: {}\n",
            node.digest
        ));
    }
}

const TYPED: [&str; 3] = [
    "./artifact.txt:application/vnd.unknown.layer.v1+txt",
    "./readme.md:application/markdown",
    "./sbom.json:application/json",
];

/// S4-4; E02, E09, E55 and §2.6. E03, E04, E57: without a flag, all files are pulled.
#[test]
fn only_files_of_the_media_types_that_are_asked_for_are_pulled() {
    let notice = "Flag --media-type has been deprecated, and will be removed in a future release.\n";
    let (test, _registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/art:1.0", "--config", "/dev/null:a/config"].into_iter().chain(TYPED))
        .succeeds();
    for (number, (flags, files)) in [
        (&["--media-type", "application/vnd.unknown.layer.v1+txt"][..], &["artifact.txt"][..]),
        (&["-t", "application/markdown", "-t", "application/json"], &["readme.md", "sbom.json"]),
        (&["-t=application/none"], &[]),
        (&["-t", "application"], &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = format!("out-{number}");
        let line = ["pull", "[REGISTRY]/art:1.0", "-o", &folder];
        let pulled = test.oras(line.into_iter().chain(flags.iter().copied())).succeeds().stderr_is(notice);
        // The config has no name, which is why there is no digest here.
        pulled.stdout_contains(
            "Skipped pulling layers without file name in \"org.opencontainers.image.title\"\n",
        );
        let found = if test.exists(&folder) { test.files(&folder) } else { Vec::new() };
        assert_eq!(found, files, "{flags:?}");
    }
    test.oras(["pull", "[REGISTRY]/art:1.0", "-o", "all"]).succeeds().says_nothing_aside();
    assert_eq!(test.files("all"), ["artifact.txt", "readme.md", "sbom.json"]);
}

/// E57: without a flag, and with a config that has no name, in the words of 1.3.
#[test]
fn an_artifact_with_an_empty_config_is_pulled_and_the_config_is_told_of() {
    let (test, _registry, _) = prepared_today();
    let config = "/dev/null:application/vnd.unknown.config.v1+json";
    test.oras(["push", "[REGISTRY]/art:1.0", "--config", config, TYPED[0]]).succeeds();
    test.oras(["pull", "[REGISTRY]/art:1.0", "-o", "download"]).succeeds().says_nothing_aside().prints(
        "Downloading [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Processing  [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Skipped     e3b0c44298fc application/vnd.unknown.config.v1+json\n\
         Downloading 33998979890f artifact.txt\n\
         Downloaded  33998979890f artifact.txt\n\
         Downloaded  [SHORT] application/vnd.oci.image.manifest.v1+json\n\
         Skipped pulling layers without file name in \"org.opencontainers.image.title\"\n\
         Use 'oras copy [REGISTRY]/art:1.0 --to-oci-layout <layout-dir>' to pull all layers.\n",
    );
    assert_eq!(test.read_text("download/artifact.txt"), "Here is an artifact\n");
}

#[test]
fn all_media_types_win_over_some() {
    let (test, _registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/art:1.0"].into_iter().chain(TYPED)).succeeds();
    test.oras(["pull", "[REGISTRY]/art:1.0", "-o", "all", "-t", "application/json", "-a"])
        .succeeds()
        .stderr_is(
            "Flag --allow-all has been deprecated, all media types are pulled by default\n\
         Flag --media-type has been deprecated, and will be removed in a future release.\n",
        );
    assert_eq!(test.files("all"), ["artifact.txt", "readme.md", "sbom.json"]);
}

#[test]
fn media_types_select_blobs_of_artifact_manifests_too() {
    let (test, registry, image) = prepared_today();
    let node = put(&registry.content("net-monitor"), Form::Artifact, &image, "sbom/example");
    let name = format!("[REGISTRY]/net-monitor@{}", node.digest);
    test.oras(["pull", &name, "-o", "some", "-t", "application/json"]).succeeds();
    assert_eq!(test.files("some"), ["sbom.json"]);
    test.oras(["pull", &name, "-o", "none", "-t", "text/plain"]).succeeds();
    assert!(!test.exists("none/sbom.json"));
}

/// E05, §2.12.
#[test]
fn old_files_are_kept_if_asked_for() {
    let (test, _registry, _) = prepared_today();
    test.oras(["push", "[REGISTRY]/art:1.0", "artifact.txt"]).succeeds();
    test.oras(["pull", "[REGISTRY]/art:1.0", "-k", "-a"])
        .fails()
        .stderr_contains("Flag --allow-all has been deprecated, all media types are pulled by default\nError")
        .stderr_contains("overwrite disallowed");
}

/// S1-14, S2-7, S2-19: a file and a folder, by digest and by tag.
#[test]
fn a_file_and_a_folder_are_restored() {
    let (test, _registry, _) = prepared_today();
    let line = ["push", "[REGISTRY]/samples/artifact:readme", "--artifact-type", "readme/example"];
    let pushed =
        test.oras(line.into_iter().chain(["./readme.md:application/markdown", "./details"])).succeeds();
    let digest = super::digest_of(&pushed.stdout);
    for (folder, name) in [
        ("by-tag", "[REGISTRY]/samples/artifact:readme".to_owned()),
        ("by-digest", format!("[REGISTRY]/samples/artifact@{digest}")),
    ] {
        test.oras(["pull", "-o", folder, &name]).succeeds();
        assert_eq!(
            test.files(folder),
            ["details/readme-details.md", "details/readme-more-details.md", "readme.md"],
        );
        assert_eq!(test.read_text(&format!("{folder}/details/readme-details.md")), "Detailed Content\n");
    }
}
