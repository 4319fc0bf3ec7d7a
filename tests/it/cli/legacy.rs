//! Command lines that were written for older versions: every flag that they had and every example of theirs
//! that concerns this client. `S4-2` and the like number the lines of the five documents, `E01` and the like
//! examples of what older versions printed; `tests/seeds` runs the documents as a whole.

mod discovering;
mod forms;
mod pulling;
mod pushing;
mod spellings;

use oras::{
    oci::{Annotations, Descriptor, keys, media_type},
    ops::pack::{self, Form},
};
use serde_json::{Value, json};

use crate::support::{
    Test, TestRegistry,
    registry::{Builder, Content, Referrers},
};

const CREATED: &str = "org.opencontainers.image.created=2026-11-21T07:19:42Z";
const FORMS: [Form; 4] = [Form::OrasArtifact, Form::Artifact, Form::ImageV1_0, Form::Image];

/// The files of the documents.
const FILES: [(&str, &str); 7] = [
    ("readme.md", "Readme Content\n"),
    ("details/readme-details.md", "Detailed Content\n"),
    ("details/readme-more-details.md", "More detailed Content\n"),
    ("artifact.txt", "Here is an artifact\n"),
    ("hello-world.dockerfile", "FROM hello-world\n"),
    ("signature.json", "{\"signature\": \"signed\"}\n"),
    ("sbom.json", "{\"contents\": \"good\"}\n"),
];

/// A folder with the files of the documents, and a registry with the image `net-monitor:v1`.
fn prepared(builder: Builder) -> (Test, TestRegistry, Descriptor) {
    let (test, registry) = (Test::new(), builder.start_blocking());
    test.names(&registry.host(), "[REGISTRY]");
    for (name, content) in FILES {
        test.write(name, content);
    }
    let content = registry.content("net-monitor");
    let image = content.insert_artifact("application/vnd.example.image", &[("app", b"app")]);
    content.tag("v1", &image);
    (test, registry, image)
}

/// As [`prepared`], on a registry that follows the specification.
fn prepared_today() -> (Test, TestRegistry, Descriptor) {
    prepared(TestRegistry::builder())
}

/// Puts an artifact of one file, `sbom.json`, into a registry in the form of a generation.
fn put(content: &Content<'_>, form: Form, subject: &Descriptor, kind: &str) -> Descriptor {
    let file = b"{\"contents\": \"good\"}\n";
    let mut layer = content.insert_blob("application/json", file.to_vec());
    layer.annotations = Annotations::from([(keys::TITLE.to_owned(), "sbom.json".to_owned())]);
    let packed = pack::pack(pack::Options {
        form,
        artifact_type: Some(kind.to_owned()),
        subject: Some(subject.plain()),
        layers: vec![layer],
        created: "2026-11-21T07:18:42Z".to_owned(),
        ..Default::default()
    })
    .unwrap();
    for (node, bytes) in packed.blobs {
        content.insert_blob(&node.media_type, bytes);
    }
    content.insert_manifest(&packed.manifest.media_type, packed.bytes)
}

/// Lists referrers under the tag of their subject.
fn list_by_tag(content: &Content<'_>, subject: &Descriptor, entries: &[(&Descriptor, &str)]) {
    let entries: Vec<Value> = entries
        .iter()
        .map(|(node, kind)| {
            json!({"mediaType": node.media_type, "digest": node.digest, "size": node.size, "artifactType": kind})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": media_type::IMAGE_INDEX, "manifests": entries});
    let index = content.insert_manifest(media_type::IMAGE_INDEX, index.to_string());
    content.tag(&subject.digest.referrers_tag(), &index);
}

/// A manifest in a registry as JSON.
fn manifest(registry: &TestRegistry, repository: &str, reference: &str) -> Value {
    let (_, bytes) =
        registry.content(repository).manifest(reference).unwrap_or_else(|| panic!("no {reference}"));
    serde_json::from_slice(&bytes).unwrap()
}

/// The digest that a command printed at its end.
fn digest_of(stdout: &str) -> String {
    let line = stdout.lines().find_map(|line| line.strip_prefix("Digest: "));
    line.unwrap_or_else(|| panic!("no digest in {stdout}")).to_owned()
}

fn without_api() -> Builder {
    TestRegistry::builder().referrers(Referrers::Off)
}
