//! `--platform`.

use crate::oci::{self, Platform};

/// The manifest of an index that is meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PlatformFlag {
    /// Use the manifest for this platform, as `os[/arch][/variant][:os_version]`
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

impl PlatformFlag {
    /// The platform that is asked for; an empty one is none.
    pub(crate) fn platform(&self) -> Result<Option<Platform>, oci::Error> {
        self.platform.as_deref().filter(|text| !text.is_empty()).map(Platform::parse).transpose()
    }
}
