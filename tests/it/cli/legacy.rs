//! Command lines that were written for older versions: every flag that they had and every example of theirs
//! that concerns this client. `S4-2` and the like number the lines of the five documents, `E01` and the like
//! examples of what older versions printed; `tests/seeds` runs the documents as a whole.

mod bad_input;
mod discovering;
mod flags;
mod forms;
mod page;
mod pulling;
mod pushing;
mod spellings;

use std::{fs, path::Path};

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

/// How many numbers each of the five documents has.
const NUMBERS: [usize; 5] = [11, 18, 22, 8, 6];
/// How many examples there are of what versions printed.
const EXAMPLES: usize = 67;

/// What versions had: a command and its flags, values and other names.
const HAD: &[(&str, &str)] = &[
    ("push", "--manifest-config --manifest-annotations --subject -s -c --artifact-type --config"),
    ("push", "--export-manifest --disable-path-validation -v -a --image-spec v1.0 v1.1-image v1.1-artifact"),
    ("attach", "--artifact-type --export-manifest --disable-path-validation --image-spec -a -v"),
    ("attach", "--distribution-spec v1.1-referrers-tag v1.1-image v1.1-artifact"),
    ("pull", "-a --allow-all -t --media-type --allow-empty-name --manifest-config -c -v -o --output"),
    ("pull", "-k --keep-old-files -T --allow-path-traversal --include-subject"),
    ("discover", "-o json table tree --output -c --config -v --verbose -d --debug --artifact-type"),
    ("discover", "--distribution-spec v1.1-referrers-api v1.1-referrers-tag --depth --format"),
    ("login", "-u --username -p --password --password-stdin -c --config -k -v"),
    ("logout", "-c --config"),
    ("manifest", "delete -f --force -y --yes remove rm get show get-config"),
    ("blob", "delete -y --yes remove rm get"),
    ("repository", "show-tags list"),
    ("repo", "tags list --exclude-digest-tags"),
    ("copy", "-r"),
    ("cp", "-v"),
    ("delete", "[REGISTRY]/net-monitor:v1"),
];

/// Every S-number is a step of its document's script, in the document's order, and every S-number, example and flag
/// is named by a test here.
#[test]
fn every_number_of_the_five_documents_has_a_test() {
    let tests = tests();
    let is_named = |id: &str| {
        let names =
            |comment: &str| comment.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == id);
        tests.iter().any(|test| test.lines().any(|line| line.contains("//") && names(line)))
    };
    let mut missing: Vec<String> = Vec::new();
    for (document, count) in NUMBERS.into_iter().enumerate() {
        let numbers: Vec<_> = (1..=count).map(|number| format!("S{document}-{number}")).collect();
        let script = read(&format!("tests/seeds/s{document}.sh"));
        let steps = script.lines().filter_map(|line| line.strip_prefix("step S")).map(first_word);
        assert_eq!(steps.map(|step| format!("S{step}")).collect::<Vec<_>>(), numbers);
        missing.extend(numbers.into_iter().filter(|number| !is_named(number)));
    }
    let examples = (1..=EXAMPLES).map(|number| format!("E{number:02}"));
    missing.extend(examples.filter(|example| !is_named(example)));
    for (command, words) in HAD {
        let has = |test: &str, word: &str| {
            let mut found = test.split(|c: char| c.is_whitespace() || "\",()&".contains(c));
            found.any(|found| {
                found == word || found.strip_prefix(word).is_some_and(|rest| rest.starts_with('='))
            })
        };
        for word in words.split(' ') {
            if !tests.iter().any(|test| has(test, command) && has(test, word)) {
                missing.push(format!("{command} {word}"));
            }
        }
    }
    assert!(missing.is_empty(), "no test names {missing:?}");
}

/// The source of each test of old command lines, with the comment above it; each row of a table of command lines is
/// one of its own.
fn tests() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cli/legacy");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for item in text.split("\n}\n") {
            found.extend(item.split("pair(").filter(|_| item.contains("const PAIRS")).map(str::to_owned));
            if item.contains("#[test]") {
                found.push(item.to_owned());
            }
        }
    }
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}
