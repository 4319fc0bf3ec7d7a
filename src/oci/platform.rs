//! The platform that an image was built for.

use serde::{Deserialize, Serialize};

use super::error::Error;

/// An operating system with an architecture, as an index lists it and an image config says it.
///
/// Implements image-spec v1.1, "Image Index", `platform`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// Architecture in Go's naming, such as `amd64`.
    pub architecture: String,
    /// Operating system in Go's naming, such as `linux`.
    pub os: String,
    /// Version of the operating system; empty when it does not matter.
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// Features that the operating system must have.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// Variant of the architecture, such as `v8`; empty when it does not matter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

impl Platform {
    /// Parses `os[/arch[/variant]][:os_version]`. Without an architecture it is that of this program.
    ///
    /// # Errors
    /// A part is empty, or there are more than three.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, os_version) = text.split_once(':').unwrap_or((text, ""));
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 3 {
            return Err(Error::InvalidPlatform(text.to_owned()));
        }
        let platform = Self {
            os: parts[0].to_owned(),
            architecture: parts.get(1).copied().unwrap_or_else(|| own_architecture()).to_owned(),
            variant: parts.get(2).copied().unwrap_or_default().to_owned(),
            os_version: os_version.to_owned(),
            os_features: Vec::new(),
        };
        if platform.os.is_empty() {
            return Err(Error::PlatformWithoutOs);
        }
        if platform.architecture.is_empty() {
            return Err(Error::PlatformWithoutArchitecture);
        }
        Ok(platform)
    }

    /// Does `other` answer what this platform asks for? Variant and version count only when asked for.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let asked = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        self.os == other.os
            && self.architecture == other.architecture
            && asked(&self.variant, &other.variant)
            && asked(&self.os_version, &other.os_version)
            && self.os_features.iter().all(|feature| other.os_features.contains(feature))
    }
}

/// The architecture of this program, in Go's naming.
#[must_use]
pub fn own_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        "loongarch64" => "loong64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_read_from_its_parts() {
        let platform = Platform::parse("linux/arm/v5:1.2").unwrap();
        assert_eq!(
            serde_json::to_string(&platform).unwrap(),
            r#"{"architecture":"arm","os":"linux","os.version":"1.2","variant":"v5"}"#
        );
        assert_eq!(Platform::parse("linux").unwrap().architecture, own_architecture());
        for bad in ["", "/amd64", "linux/", "a/b/c/d"] {
            assert!(Platform::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_is_asked_for_must_match() {
        let arm64: Platform = serde_json::from_str(
            r#"{"architecture":"arm64","os":"linux","variant":"v8","os.version":"1.2"}"#,
        )
        .unwrap();
        for (asked, matches) in [
            ("linux/arm64", true),
            ("linux/arm64/v8", true),
            ("linux/arm64/v8:1.2", true),
            ("linux/arm64/v7", false),
            ("linux/arm64:1.3", false),
            ("linux/amd64", false),
            ("Linux/arm64", false),
        ] {
            assert_eq!(Platform::parse(asked).unwrap().matches(&arm64), matches, "{asked}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_a_platform_that_matches_itself_or_none(text in "[a-z0-9/:.]{0,20}") {
            if let Ok(platform) = Platform::parse(&text) {
                proptest::prop_assert!(platform.matches(&platform));
            }
        }
    }
}
