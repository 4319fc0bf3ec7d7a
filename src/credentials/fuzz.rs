//! What must hold for any bytes that are read as a config file.

use serde_json::Value;

use super::{
    Secret,
    document::{Dialect, Document},
};

/// Entries are found or refused, and a change leaves everything else as it was.
pub(crate) fn config_file(data: &[u8]) {
    for dialect in [Dialect::Docker, Dialect::Containers, Dialect::Legacy] {
        let Ok(document) = Document::parse(data, dialect) else { continue };
        for (registry, repository) in [("localhost:5000", "a/b"), ("docker.io", "library/x"), ("", "")] {
            let _ = (document.entry(registry, repository, "here"), document.helper(registry));
            if let Some(shorter) = document.without(registry) {
                assert!(Document::parse(shorter.as_bytes(), dialect).is_ok(), "{shorter:?}");
            }
        }
        if dialect == Dialect::Docker {
            let longer = document.with_entry("localhost:5000", &[("auth", Secret::new("eDp5"))]);
            let after = Document::parse(longer.as_bytes(), dialect).expect("it was written by us");
            assert!(
                after.entry("localhost:5000", "", "here").is_ok_and(|entry| entry.is_some()),
                "{longer:?}"
            );
            let others = |text: &str| {
                let mut root: Value = serde_json::from_str(text).expect("it was parsed before");
                let members = root.as_object_mut().expect("it is an object");
                members.retain(|name, _| name != "auths");
                root
            };
            assert_eq!(others(document.text()), others(&longer));
        }
    }
}
