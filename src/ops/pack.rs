//! Descriptors become a manifest. *(pure)*

use super::{Error, Result};
use crate::oci::{
    Annotations, ArtifactManifest, Descriptor, EMPTY_JSON, ImageManifest, Platform, json, keys, media_type,
};

/// The form of the manifest that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// An image manifest with `artifactType`, of the image specification 1.1.
    #[default]
    Image,
    /// An image manifest of the image specification 1.0: the type is the config's media type.
    ImageV1_0,
    /// The artifact manifest of a release candidate of the image specification 1.1.
    Artifact,
    /// The artifact manifest of the CNCF ORAS project.
    OrasArtifact,
}

impl Form {
    /// The annotation that says when an artifact of this form was made.
    #[must_use]
    pub fn created_key(self) -> &'static str {
        match self {
            Self::Image | Self::ImageV1_0 => keys::CREATED,
            Self::Artifact => keys::ARTIFACT_CREATED,
            Self::OrasArtifact => keys::ORAS_ARTIFACT_CREATED,
        }
    }
}

/// What goes into a manifest.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form to write.
    pub form: Form,
    /// What kind of artifact it is; `None` for the form's default.
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Config,
    /// Annotations of a config that is made here.
    pub config_annotations: Annotations,
    /// The layers, in order.
    pub layers: Vec<Descriptor>,
    /// What it is attached to; an attached artifact must have a type.
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest.
    pub annotations: Annotations,
    /// When it was made, unless the annotations say so, as RFC 3339.
    pub created: String,
}

/// Where the config comes from.
#[derive(Debug, Clone, Default)]
pub enum Config {
    /// There is none: the form's own.
    #[default]
    None,
    /// Content of the caller's.
    Given(Descriptor),
    /// A config that says nothing but a platform.
    Platform(Platform),
}

/// A manifest, and the blobs that were made for it.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Describes the manifest, with the annotations and artifact type of its own.
    pub manifest: Descriptor,
    /// The manifest.
    pub bytes: Vec<u8>,
    /// What people are told its type is: `artifactType`, or the config's media type in the form 1.0.
    pub artifact_type: String,
    /// Blobs that the manifest names and that the caller does not have.
    pub blobs: Vec<(Descriptor, Vec<u8>)>,
}

/// Packs a manifest.
///
/// Implements image-spec v1.1, "Guidelines for Artifact Usage".
///
/// # Errors
/// A type is missing or malformed, or the time is no RFC 3339 time.
pub fn pack(mut options: Options) -> Result<Packed> {
    check_types(&options)?;
    let key = options.form.created_key().to_owned();
    let created = options.annotations.entry(key).or_insert(std::mem::take(&mut options.created));
    check_created(created)?;
    match options.form {
        Form::Image | Form::ImageV1_0 => Ok(pack_image(options)),
        Form::Artifact => Ok(pack_artifact(options, media_type::ARTIFACT_MANIFEST)),
        Form::OrasArtifact => Ok(pack_artifact(options, media_type::ORAS_ARTIFACT_MANIFEST)),
    }
}

fn check_types(options: &Options) -> Result<()> {
    match options.artifact_type.as_deref() {
        Some("") => return Err(Error::MissingArtifactType),
        None if options.subject.is_some() => return Err(Error::MissingArtifactType),
        Some(kind) => media_type::validate(kind).map_err(Error::ArtifactType)?,
        None => {}
    }
    match &options.config {
        Config::Given(config) => media_type::validate(&config.media_type).map_err(Error::ConfigType),
        _ => Ok(()),
    }
}

fn check_created(text: &str) -> Result<()> {
    let refuse = |reason: String| Error::Created { text: text.to_owned(), reason };
    // The parser also takes forms of ISO 8601 that RFC 3339 does not know.
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    if text.len() < 20 || !text.bytes().take(19).enumerate().all(shape) || text.contains('[') {
        return Err(refuse("not a time as RFC 3339 writes it, such as 2006-01-02T15:04:05Z".into()));
    }
    text.parse::<jiff::Timestamp>().map(drop).map_err(|error| refuse(error.to_string()))
}

fn pack_image(options: Options) -> Packed {
    let has_type = options.form == Form::Image;
    let mut blobs = Vec::new();
    let mut add = |node: Descriptor, bytes: &[u8]| {
        blobs.push((node.clone(), bytes.to_vec()));
        node
    };
    let config = match options.config {
        Config::Given(config) => config,
        Config::Platform(platform) => {
            let bytes = json::to_vec(&platform);
            let node = Descriptor::of(media_type::IMAGE_CONFIG, &bytes);
            add(Descriptor { annotations: options.config_annotations, ..node }, &bytes)
        }
        Config::None if has_type => {
            add(Descriptor { annotations: options.config_annotations, ..Descriptor::empty() }, EMPTY_JSON)
        }
        Config::None => {
            let kind = options.artifact_type.clone().unwrap_or_else(|| media_type::UNKNOWN_CONFIG.to_owned());
            let node = Descriptor::of(kind, EMPTY_JSON);
            add(Descriptor { annotations: options.config_annotations, ..node }, EMPTY_JSON)
        }
    };
    let mut layers = options.layers;
    if layers.is_empty() && has_type {
        layers.push(add(Descriptor::empty(), EMPTY_JSON));
    }
    let artifact_type =
        has_type.then(|| options.artifact_type.unwrap_or_else(|| media_type::UNKNOWN_ARTIFACT.to_owned()));
    let shown = artifact_type.clone().unwrap_or_else(|| config.media_type.clone());
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: media_type::IMAGE_MANIFEST.to_owned(),
        artifact_type,
        config,
        layers,
        subject: options.subject,
        annotations: options.annotations,
    };
    Packed::new(media_type::IMAGE_MANIFEST, manifest.to_bytes(), shown, manifest.annotations, blobs)
}

fn pack_artifact(options: Options, media_type: &str) -> Packed {
    let artifact_type = options.artifact_type.unwrap_or_else(|| media_type::UNKNOWN_ARTIFACT.to_owned());
    let manifest = ArtifactManifest {
        media_type: media_type.to_owned(),
        artifact_type: artifact_type.clone(),
        blobs: options.layers,
        subject: options.subject,
        annotations: options.annotations,
    };
    Packed::new(media_type, manifest.to_bytes(), artifact_type, manifest.annotations, Vec::new())
}

impl Packed {
    fn new(
        media_type: &str,
        bytes: Vec<u8>,
        artifact_type: String,
        annotations: Annotations,
        blobs: Vec<(Descriptor, Vec<u8>)>,
    ) -> Self {
        let described = Descriptor::of(media_type, &bytes);
        let manifest = Descriptor { annotations, artifact_type: Some(artifact_type.clone()), ..described };
        Self { manifest, bytes, artifact_type, blobs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: &str = "2025-01-01T00:00:00Z";

    fn layer(name: &str, media_type: &str, content: &[u8]) -> Descriptor {
        let annotations = Annotations::from([(keys::TITLE.to_owned(), name.to_owned())]);
        Descriptor { annotations, ..Descriptor::of(media_type, content) }
    }

    fn hi() -> Options {
        Options { layers: vec![layer("hi.txt", media_type::LAYER_TAR, b"hello\n")], ..none() }
    }

    fn none() -> Options {
        Options { created: CREATED.to_owned(), ..Options::default() }
    }

    fn cfg(kind: &str) -> Config {
        Config::Given(Descriptor::of(kind, b"{\"k\":1}\n"))
    }

    fn digest(options: Options) -> (String, u64) {
        let packed = pack(options).unwrap();
        (packed.manifest.digest.to_string(), packed.manifest.size)
    }

    /// Digests that other clients get for the same artifacts.
    #[test]
    fn manifests_have_the_digests_that_are_known_for_them() {
        let of = |artifact_type: &str, options: Options| Options {
            artifact_type: Some(artifact_type.into()),
            ..options
        };
        let v1_0 = |options: Options| Options { form: Form::ImageV1_0, ..options };
        let with = |config: Config, options: Options| Options { config, ..options };
        let platform = |text: &str| Config::Platform(Platform::parse(text).unwrap());
        let cases = [
            ("hi", hi(), "d8636a8d6653201edfa0b98b3a0854a9ecdb21a570e94c3a480fb6e0d383d89c", 584),
            ("nothing", none(), "5734f9b76f7267861140938a0dc3177df2092d0ceef0a4b7eab059d6d1a02552", 535),
            ("hi 1.0", v1_0(hi()), "c6a6cfaad36709dfea4bfb4e0f4bb4d1393c7bacc533eb418cd3a2241ef444d8", 522),
            (
                "nothing 1.0",
                v1_0(none()),
                "0b117488a41c6973fd1d31c6b0f6c6846813a30c46e1c0464914c0dd54f3f62b",
                318,
            ),
            (
                "type",
                of("a/b", hi()),
                "ffe3e55723561896af0e4ad65fb0634ea9a532501164e32d876325f8e2a754f9",
                552,
            ),
            (
                "type 1.0",
                v1_0(of("a/b", hi())),
                "7578d200c70f38f7fe14cb9605b70794d9f0aa31739906a1b3e95a9b49c48734",
                487,
            ),
            (
                "config",
                v1_0(with(cfg(media_type::UNKNOWN_CONFIG), hi())),
                "dc5ae30e476670609f73017fdb755e4e47aada9680f762ca3e382e2320030a2e",
                522,
            ),
            (
                "config type",
                v1_0(with(cfg("application/vnd.me"), hi())),
                "20482cfb950f86517f8edc4b1888fcc9cd1590cd2c9c6ab081ddc1637cd150ab",
                502,
            ),
            (
                "both types",
                with(cfg("application/vnd.me"), of("a/b", hi())),
                "0c4593a34fae63c970f3f9ecb33f7d0846ff63bb1faf60b33d082c442e96781c",
                523,
            ),
            (
                "config only",
                with(cfg("application/vnd.me"), of("a/b", none())),
                "5af22481b8f066c7a5376d4dc62e0c7dd0e8c38eb8abcd743e24922b30380e91",
                474,
            ),
            (
                "platform",
                with(platform("linux/arm/v5:1.2"), hi()),
                "148fc20c8f876d188f244d0deef0a20ab1303786fb7a7bdc33815075637c80bf",
                578,
            ),
            (
                "platform 1.0",
                v1_0(with(platform("linux/amd64"), hi())),
                "53aa4235ec823e4fe67544ef2853daa312117e7b3713cebc0ae079950aef05bd",
                525,
            ),
        ];
        for (name, options, expected, size) in cases {
            assert_eq!(digest(options), (format!("sha256:{expected}"), size), "{name}");
        }
    }

    #[test]
    fn an_attached_artifact_names_its_subject() {
        let subject: Descriptor = serde_json::from_str(
            r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:d8636a8d6653201edfa0b98b3a0854a9ecdb21a570e94c3a480fb6e0d383d89c","size":584}"#,
        )
        .unwrap();
        let options = Options {
            subject: Some(subject),
            config: cfg("a/cfg"),
            artifact_type: Some("t/1".into()),
            ..none()
        };
        assert_eq!(
            digest(options).0,
            "sha256:af99e7928c16d9cc571e63738c994dff7bb9560b7f01e93ad60b16a050a7a471"
        );
    }

    /// Digests of manifests that older clients wrote for the same artifacts.
    #[test]
    fn the_manifests_of_all_generations_have_the_digests_that_are_known_for_them() {
        let subject = Descriptor::new(
            media_type::IMAGE_MANIFEST,
            "sha256:204a9cbed29a82e92c2f46ac8a64c0f1be79ac63a61fe24e7e84219b9fa6b03c".parse().unwrap(),
            394,
        );
        let file = |name: &str, media_type: &str, digest: &str, size| Descriptor {
            annotations: Annotations::from([(keys::TITLE.to_owned(), name.to_owned())]),
            ..Descriptor::new(media_type, format!("sha256:{digest}").parse().unwrap(), size)
        };
        let sbom = file(
            "sbom.json",
            "application/json",
            "e3defeb6d911aef571f0cd5a89c34bef1c5b359d7d9a9e3023ada576bdfbe0e9",
            83,
        );
        let signature = file(
            "signature.json",
            "application/json",
            "8ffc90d5a5963a7cdce74bf870a29d61a4d0e22e6faaaad5f87d45e927bf82d8",
            72,
        );
        let readme = file(
            "readme.md",
            "application/markdown",
            "2fdeac43552b71eb9db534137714c7bad86b53a93c56ca96d4850c9b41b777fc",
            15,
        );
        let details = Descriptor {
            annotations: [
                (keys::TITLE, "details"),
                (keys::CONTENT_UNPACK, "true"),
                (
                    keys::CONTENT_DIGEST,
                    "sha256:66c5fc73697ad28fd87fada57eefc77625d95d12560b2e4126f0abe5b1556738",
                ),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
            ..file(
                "details",
                media_type::LAYER_TAR_GZIP,
                "16ebf324e2024d3305d44a681b156e3b6e5b2af4a110313c76334f38ae0b562d",
                186,
            )
        };
        let attached = |form: Form, kind: &str, layers: Vec<Descriptor>, created: &str| Options {
            form,
            artifact_type: Some(kind.to_owned()),
            layers,
            subject: Some(subject.clone()),
            created: created.to_owned(),
            ..Options::default()
        };
        let with_key = |options: Options| Options {
            annotations: Annotations::from([("key".to_owned(), "val".to_owned())]),
            ..options
        };
        let cases = [
            (
                attached(Form::OrasArtifact, "readme/example", vec![readme, details], "2026-11-21T07:18:42Z"),
                "6496529eb41bac698ba06436028beae81faf168549355f5029c2880d8b4f8d0a",
                888,
            ),
            (
                with_key(attached(Form::Artifact, "sbom/example", vec![sbom], "2026-11-21T07:19:40Z")),
                "7d14cafa2ba552f2b440bc83b0f3b535f10ef168688d20f90669a0db060ece55",
                540,
            ),
            (
                attached(
                    Form::ImageV1_0,
                    "signature/example",
                    vec![signature.clone()],
                    "2026-11-21T07:19:41Z",
                ),
                "291cad26f76b293e416474db86c12998924e69a43177864a47dd03dc8c84f15d",
                651,
            ),
            (
                attached(Form::Image, "signature/example", vec![signature], "2026-11-21T07:19:42Z"),
                "5ad9f0c6a2dcd3fa5912b8370d07d00ea10bee3f9016ddcbbf87faa5e7fab09e",
                716,
            ),
        ];
        for (options, expected, size) in cases {
            let form = options.form;
            assert_eq!(digest(options), (format!("sha256:{expected}"), size), "{form:?}");
        }
    }

    #[test]
    fn types_and_times_are_checked() {
        let of = |artifact_type: &str| Options { artifact_type: Some(artifact_type.into()), ..none() };
        assert!(matches!(pack(of("")), Err(Error::MissingArtifactType)));
        assert!(matches!(pack(of("nonsense")), Err(Error::ArtifactType(_))));
        assert!(matches!(pack(Options { config: cfg("nonsense"), ..none() }), Err(Error::ConfigType(_))));
        assert!(matches!(
            pack(Options { subject: Some(Descriptor::empty()), ..none() }),
            Err(Error::MissingArtifactType)
        ));
        for (time, good) in [
            ("2020-01-01T00:00:00Z", true),
            ("2020-01-01T00:00:00.123456789+02:00", true),
            ("2020-01-01 00:00:00Z", false),
            ("2020-01-01", false),
            ("yesterday", false),
            ("2020-13-01T00:00:00Z", false),
            ("2020-01-01T00:00:00", false),
            ("", false),
        ] {
            assert_eq!(pack(Options { created: time.into(), ..none() }).is_ok(), good, "{time}");
        }
    }
}
