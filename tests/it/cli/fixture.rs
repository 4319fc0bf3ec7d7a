//! The artifacts that the documentation's examples speak of, in a registry, in files and in layouts.

use oras::oci::{Descriptor, Index, Platform, media_type};

use crate::support::{
    Outcome, Test, TestRegistry,
    registry::{Builder, Content},
};

/// Twelve bytes of text.
pub(crate) const HI: &str = "hello world\n";
/// The config of an image for linux/amd64.
pub(crate) const AMD_CONFIG: &str =
    r#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#;
/// The config of an image for linux/arm64/v8.
pub(crate) const ARM_CONFIG: &str = r#"{"architecture":"arm64","variant":"v8","os":"linux","os.version":"1.2","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#;
/// The image manifest with [`AMD_CONFIG`] and [`HI`].
pub(crate) const AMD: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:dc570f145a7f2862c9ef3c30b8d6ae2feaceb0d364e4b2e08e67ae18815427d9","size":90},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447","size":12}]}"#;
/// An artifact with an annotation that JSON has to escape.
pub(crate) const ART: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.test.art","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447","size":12}],"annotations":{"k":"v<&>","org.opencontainers.image.created":"2020-01-01T00:00:00Z"}}"#;
/// An image whose config is no JSON.
pub(crate) const NO_JSON: &str = r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "x/y", "digest": "sha256:7ccfa1fbf3940e6f0c0375d87c0f9235a50514e14cb427bdfaf5077987b26ccf", "size": 8, "annotations": {"a": "b"}}, "layers": []}"#;
/// An artifact attached to [`AMD`].
pub(crate) const REFERRER: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"sig/one","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:fb315c96e628bdca52684e9919acd882afd6bc31a1c0223edc97a0d4bffa7870","size":394},"annotations":{"n":"0"}}"#;

/// Digest of [`HI`].
pub(crate) const HI_DIGEST: &str = "sha256:a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447";
/// Digest of [`AMD`].
pub(crate) const AMD_DIGEST: &str = "sha256:fb315c96e628bdca52684e9919acd882afd6bc31a1c0223edc97a0d4bffa7870";
/// Digest of the like of [`AMD`] with [`ARM_CONFIG`].
pub(crate) const ARM_DIGEST: &str = "sha256:a94884b89f882055a07d2ddeac1dd08b52197a3b23ab6e739a905aff0050e87c";
/// Digest of [`ART`].
pub(crate) const ART_DIGEST: &str = "sha256:9982323c3fbc3e2dc398ad9692287eaf2966e5f84a9772e72913518e6728aad5";
/// Digest of the index of both images.
pub(crate) const MULTI_DIGEST: &str =
    "sha256:465925767fd25d50232dfdcbfe5665430f4cb9a7e31e247787bc2b2cb225e904";
/// Digest of the index of [`AMD`] alone.
pub(crate) const SINGLE_DIGEST: &str =
    "sha256:19778c64a530f78cc656dc40738d1ec9bb1c54bd9e5c884f1682c613202f08c8";
/// A digest that no content has.
pub(crate) const NO_DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";

/// The manifest of the image for linux/arm64/v8.
pub(crate) fn arm() -> String {
    let (amd, arm) = (Descriptor::of("", AMD_CONFIG.as_bytes()), Descriptor::of("", ARM_CONFIG.as_bytes()));
    AMD.replace(&amd.digest.to_string(), &arm.digest.to_string()).replace("\"size\":90", "\"size\":124")
}

/// A registry and a folder with the files of the examples.
pub(crate) struct Demo {
    pub(crate) test: Test,
    pub(crate) registry: TestRegistry,
}

impl Demo {
    /// With a registry that follows the specification.
    pub(crate) fn new() -> Self {
        Self::with(TestRegistry::builder())
    }

    /// With a registry that behaves otherwise.
    pub(crate) fn with(builder: Builder) -> Self {
        let (test, registry) = (Test::new(), builder.start_blocking());
        test.names(&registry.host(), "[REGISTRY]");
        for (name, text) in [
            ("hi.txt", HI),
            ("empty.json", "{}"),
            ("nj.bin", "not json"),
            ("cfg-amd.json", AMD_CONFIG),
            ("cfg-arm.json", ARM_CONFIG),
            ("m-amd.json", AMD),
            ("m-arm.json", &arm()),
            ("m-art.json", ART),
            ("m-ref0.json", REFERRER),
            ("m-nj.json", NO_JSON),
        ] {
            test.write(name, text);
        }
        Self { test, registry }
    }

    /// A repository of the registry that has all content that the manifests name, but no manifest.
    pub(crate) fn blobs(&self, name: &str) -> Content<'_> {
        let content = self.registry.content(name);
        for text in [HI, "{}", "not json", AMD_CONFIG, ARM_CONFIG] {
            content.insert_blob(media_type::OCTET_STREAM, text);
        }
        content
    }

    /// A repository of the registry with `amd64`, `arm64`, their index `multi`, `art` and `nj`.
    pub(crate) fn repository(&self, name: &str) -> Content<'_> {
        let content = self.blobs(name);
        for (tag, text) in [("amd64", AMD), ("arm64", &arm()), ("art", ART), ("nj", NO_JSON)] {
            content.tag(tag, &content.insert_manifest(media_type::IMAGE_MANIFEST, text.to_owned()));
        }
        content.tag("multi", &content.insert_manifest(media_type::IMAGE_INDEX, index()));
        content
    }

    /// A layout in the folder in which `v1` is the image for linux/amd64.
    pub(crate) fn layout(&self, name: &str) {
        let layout = self.test.layout(name);
        layout.insert(media_type::IMAGE_CONFIG, AMD_CONFIG.as_bytes());
        layout.insert(media_type::LAYER_TAR, HI.as_bytes());
        layout.tag("v1", &layout.insert(media_type::IMAGE_MANIFEST, AMD.as_bytes()));
    }

    /// Runs a command line whose words have no blanks.
    pub(crate) fn oras(&self, line: &str) -> Outcome {
        self.test.oras(line.split_whitespace())
    }

    /// As [`oras`](Self::oras), with input.
    pub(crate) fn oras_with_input(&self, line: &str, input: &str) -> Outcome {
        self.test.oras_with_input(line.split_whitespace(), input)
    }

    /// Runs a command line, and expects that nothing is printed but an error of so many lines.
    #[track_caller]
    pub(crate) fn refuses(&self, line: &str, lines: usize, start: &str) -> Outcome {
        self.oras(line).fails().prints_nothing().says(lines, start)
    }
}

/// The index of both images.
fn index() -> Vec<u8> {
    let entry = |text: &str, platform: Platform| {
        let node = Descriptor::of(media_type::IMAGE_MANIFEST, text.as_bytes());
        Descriptor { platform: Some(platform), ..node }
    };
    let amd = Platform::parse("linux/amd64").unwrap();
    let arm64 = Platform::parse("linux/arm64/v8:1.2").unwrap();
    let index = Index::of(vec![entry(AMD, amd), entry(&arm(), arm64)]).to_bytes();
    assert_eq!(Descriptor::of("", &index).digest.to_string(), MULTI_DIGEST);
    index
}
