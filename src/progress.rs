//! What happens while content moves, told to whoever listens.

use crate::oci::{Descriptor, Digest};

/// Something that a person may want to see.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A file or folder is being read and described, before anything is sent.
    Preparing {
        /// Its title.
        name: &'a str,
    },
    /// There are no files: the artifact will have no content of its own.
    Empty,
    /// A node has been found that has to be looked at.
    Planned(&'a Descriptor),
    /// A manifest is about to be read from the source.
    Fetching(&'a Descriptor),
    /// A node is about to be moved.
    Started(&'a Descriptor),
    /// So many bytes of a node have been moved, counted from its beginning.
    Advanced(&'a Descriptor, u64),
    /// A manifest has been read, and its successors are next.
    Processing(&'a Descriptor),
    /// A node has been moved whole.
    Done(&'a Descriptor),
    /// A node was at the target already.
    Present(&'a Descriptor),
    /// A node was taken over from another repository of the target's registry.
    Mounted(&'a Descriptor),
    /// A node is left out, or was moved under another name.
    Skipped(&'a Descriptor),
    /// A node got one more name from content that was moved under another.
    Restored(&'a Descriptor),
    /// A store lists a manifest as a referrer of a subject that the manifest does not name; it is left out.
    Ignored {
        /// The manifest.
        listed: &'a Descriptor,
        /// What it is said to be attached to.
        subject: &'a Digest,
    },
    /// A manifest is about to get names; the text is what it is shown as.
    Tagging(&'a str),
    /// A manifest got one more tag.
    Tagged(&'a str),
    /// A manifest is about to be looked up under this name, for an index or to change one.
    LookingUp(&'a str),
    /// It has been read, and is what it should be.
    LookedUp(&'a Descriptor, &'a str),
    /// All entries of this digest were taken out of an index.
    Removed(&'a Digest),
    /// The manifest with this name is now an entry of an index.
    Added(&'a Descriptor, &'a str),
    /// The entries of the index with this name are now entries of another one.
    Merged(&'a Descriptor, &'a str),
}

/// Listens to what happens. Called from several tasks at once.
pub trait Progress: Send + Sync {
    /// Takes note of an event; must not block for long.
    fn event(&self, event: Event<'_>);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
