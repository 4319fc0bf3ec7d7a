//! What must hold for any text that is read as a noun of the specifications.

use super::{
    AnnotationFile, Descriptor, Digest, Document, Index, Platform, Reference, is_tag, json, media_type,
};

/// References and their parts: what is accepted comes back as it was written, and is safe in paths and URLs.
pub(crate) fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = Reference::parse(text) {
        let written = reference.to_string();
        assert_eq!(Reference::parse(&written).ok().as_ref(), Some(&reference), "{written}");
        assert!(written.is_ascii() && !written.contains(|c: char| c.is_control() || " ?#%\\".contains(c)));
        assert!(reference.repository.split('/').all(|part| !matches!(part, "" | "." | "..")));
        let _ = reference.parse_within(text);
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
        assert!(!text.contains(['/', '\\', '.']));
    }
    if is_tag(text) {
        assert!(!text.contains(['/', '@', ':']) && !text.starts_with('.'));
    }
    if let Ok(platform) = Platform::parse(text) {
        assert!(!platform.os.is_empty() && !platform.architecture.is_empty());
    }
}

/// Manifests of every media type, and indexes.
pub(crate) fn manifest(data: &[u8]) {
    for media_type in [
        media_type::IMAGE_MANIFEST,
        media_type::DOCKER_MANIFEST,
        media_type::IMAGE_INDEX,
        media_type::DOCKER_MANIFEST_LIST,
        media_type::ARTIFACT_MANIFEST,
        media_type::ORAS_ARTIFACT_MANIFEST,
        "application/json",
    ] {
        let Ok(document) = Document::parse(media_type, data) else { continue };
        for node in document.successors() {
            assert!(i64::try_from(node.size).is_ok());
            if let Some(content) = node.inline_content() {
                assert_eq!(content.len() as u64, node.size);
            }
            let again: Descriptor =
                serde_json::from_slice(&json::to_vec(&node)).expect("it was written by us");
            assert_eq!(again, node);
        }
        let _ = document.artifact_type();
    }
    if let Ok(index) = serde_json::from_slice::<Index>(data) {
        let again: Index = serde_json::from_slice(&index.to_bytes()).expect("it was written by us");
        assert_eq!(again, index);
    }
}

/// Annotation files.
pub(crate) fn annotations(data: &[u8]) {
    if let Ok(file) = AnnotationFile::parse(data) {
        let _ = (file.manifest(), file.config(), file.file("hi.txt"));
    }
}

/// Documents that are indented again: they say the same, and do not grow without measure.
pub(crate) fn json(data: &[u8]) {
    let Ok(indented) = json::reindent(data) else { return };
    assert!(indented.len() <= data.len().saturating_mul(300) + 1);
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    assert_eq!(read(data), read(&indented));
}
