//! What is known of registries by their host, before one has answered (pure).
//!
//! It only seeds a choice: what a registry answers wins.

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

/// How blobs are best sent to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Habits {
    /// Largest blob that is sent in one piece, in bytes.
    pub(crate) whole: u64,
    /// Largest chunk, in bytes.
    pub(crate) largest_chunk: u64,
    /// Smallest chunk but for the last, in bytes.
    pub(crate) smallest_chunk: u64,
    /// Are chunks taken at all?
    pub(crate) takes_chunks: bool,
    /// May a blob be asked for that another repository may have, without saying which?
    pub(crate) mounts_unasked: bool,
}

const USUAL: Habits = Habits {
    whole: u64::MAX,
    largest_chunk: u64::MAX,
    smallest_chunk: 0,
    takes_chunks: true,
    mounts_unasked: true,
};

/// What is known of a host without its port.
pub(crate) fn habits(host: &str) -> Habits {
    let below =
        |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|name| name.ends_with('.'));
    match () {
        // Larger bodies are reset, or refused with 413; its own tools send chunks.
        () if ["azurecr.io", "azurecr.cn", "azurecr.us"].into_iter().any(below) => {
            Habits { whole: 16 * MIB, ..USUAL }
        }
        () if host == "ghcr.io" => Habits { largest_chunk: 4 * MIB, ..USUAL },
        () if host.contains(".dkr.ecr.") || host == "public.ecr.aws" => {
            Habits { smallest_chunk: 5 * MIB, mounts_unasked: false, ..USUAL }
        }
        () if ["pkg.dev", "gcr.io"].into_iter().any(below) => Habits { takes_chunks: false, ..USUAL },
        // A mount without a source fails the whole request.
        () if below("quay.io") => Habits { mounts_unasked: false, ..USUAL },
        () => USUAL,
    }
}

/// Is it known that a host lists its repositories to nobody?
pub(crate) fn has_no_catalog(host: &str) -> bool {
    matches!(host, "registry-1.docker.io" | "ghcr.io" | "quay.io" | "public.ecr.aws")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hosts_are_treated_as_they_need_it() {
        assert_eq!(habits("a.azurecr.io").whole, 16 * MIB);
        assert_eq!(habits("a.westeurope.geo.azurecr.io").whole, 16 * MIB);
        assert_eq!(habits("ghcr.io").largest_chunk, 4 * MIB);
        assert_eq!(habits("1.dkr.ecr.eu-west-1.amazonaws.com").smallest_chunk, 5 * MIB);
        assert!(!habits("europe-docker.pkg.dev").takes_chunks);
        assert!(!habits("gcr.io").takes_chunks);
        assert!(!habits("quay.io").mounts_unasked);
        for usual in ["localhost", "example.com", "notgcr.io", "azurecr.io.example.com"] {
            assert_eq!(habits(usual), USUAL, "{usual}");
        }
    }
}
