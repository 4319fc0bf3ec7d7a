//! Packed folders.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _};

use flate2::{Compression, write::GzEncoder};
use oras::oci::{Descriptor, keys, media_type};

use super::{Test, artifact_of, nothing_happened, pull, scene};

/// An archive in the making, whose names may be anything.
#[derive(Clone, Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn entry(mut self, kind: u8, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        let fields = header.as_gnu_mut().unwrap();
        fields.name[..path.len()].copy_from_slice(path.as_bytes());
        fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn folder(self, path: &str) -> Self {
        self.entry(b'5', path, "", 0o755, b"")
    }

    fn file(self, path: &str) -> Self {
        self.entry(b'0', path, "", 0o644, b"overwritten")
    }

    fn link(self, path: &str, text: &str) -> Self {
        self.entry(b'2', path, text, 0o777, b"")
    }

    fn hard_link(self, path: &str, original: &str) -> Self {
        self.entry(b'1', path, original, 0o644, b"")
    }

    /// The layer that unpacks to the folder `d`.
    fn layer(&self) -> (Descriptor, Vec<u8>) {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.0).unwrap();
        gzip.write_all(&[0; 1024]).unwrap();
        let packed = gzip.finish().unwrap();
        let mut node = Descriptor::of(media_type::LAYER_TAR_GZIP, &packed);
        node.annotations.insert(keys::TITLE.to_owned(), "d".to_owned());
        node.annotations.insert(keys::CONTENT_UNPACK.to_owned(), "true".to_owned());
        (node, packed)
    }
}

fn base() -> Archive {
    Archive::default().folder("d").folder("d/s")
}

#[test]
fn a_packed_folder_that_leads_out_writes_nothing_anywhere() {
    let (test, registry) = scene();
    let victim = test.path("victim").to_str().unwrap().to_owned();
    // Times and modes of what lies outside are nobody's to set either.
    let outside = || {
        let (file, folder) = (test.path("victim").metadata().unwrap(), test.folder().metadata().unwrap());
        (file.permissions().mode(), file.modified().unwrap(), folder.permissions().mode())
    };
    fs::create_dir(test.path("out")).unwrap();
    let before = outside();
    let cases = [
        ("parent", base().file("d/../../victim")),
        ("beside", base().file("victim")),
        ("absolute", base().file(&victim)),
        ("link up", base().link("d/l", "../../victim")),
        ("absolute link", base().link("d/l", &victim)),
        ("written through", base().link("d/l", ".").file("d/l/x")),
        ("link to link", base().link("d/s/up", "..").link("d/q", "s/up/../..").file("d/q/victim")),
        ("chain", base().link("d/s/a", "..").link("d/b", "s/a/../victim")),
        (
            "folder over a link that leads up",
            base().link("d/s/up", "..").link("d/l", "s/up/..").folder("d/l"),
        ),
        ("hard link from the working folder", base().hard_link("d/h", "victim")),
        ("hard link up", base().hard_link("d/h", "../../victim")),
        ("absolute hard link", base().hard_link("d/h", &victim)),
        ("hard link to link", base().link("d/l", "s").hard_link("d/h", "d/l")),
        ("folder over link", base().link("d/l", "s").folder("d/l").file("d/l/x")),
    ];
    for (name, archive) in cases {
        artifact_of(&registry, vec![archive.layer()]);
        let outcome = pull(&test).fails();
        assert!(outcome.stderr.contains("failed to extract tar to"), "{name}: {outcome:#?}");
        nothing_happened(&test);
        assert_eq!(outside(), before, "{name}");
    }
}

#[test]
fn devices_and_rights_do_not_come_out_of_an_archive() {
    let (test, registry) = scene();
    let archive = base()
        .entry(b'3', "d/null", "", 0o666, b"")
        .entry(b'4', "d/disk", "", 0o666, b"")
        .entry(b'6', "d/pipe", "", 0o666, b"")
        .entry(b'0', "d/run", "", 0o6755, b"x")
        .entry(b'5', "d/shared", "", 0o2777, b"");
    artifact_of(&registry, vec![archive.layer()]);
    pull(&test).succeeds();
    assert_eq!(test.files("out/d"), ["run"]);
    for path in ["out/d/run", "out/d/shared"] {
        let mode = fs::metadata(test.path(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o6000, 0, "{path}: {mode:o}");
    }
}

#[test]
fn a_folder_that_grows_beyond_what_is_allowed_is_given_up() {
    let (test, registry) = scene();
    let zeros = vec![0; 8 << 20];
    let (node, bytes) = base().entry(b'0', "d/zeros", "", 0o644, &zeros).layer();
    assert!(bytes.len() < 100_000);
    artifact_of(&registry, vec![(node, bytes)]);
    let limited = |test: &Test, limit: &str| {
        test.oras(["pull", "[REGISTRY]/app:v1", "--plain-http", "-o", "out", "--unpack-limit", limit])
    };
    limited(&test, "1M").fails().stderr_contains("content exceeds the limit of 1048576 bytes");
    nothing_happened(&test);
    limited(&test, "much").fails().stderr_contains("--unpack-limit");
    limited(&test, "9M").succeeds();
    assert_eq!(test.read("out/d/zeros").len(), zeros.len());
}
