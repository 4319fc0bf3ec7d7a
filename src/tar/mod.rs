//! The tar format: headers written as POSIX.1-2001 has them, archives read entry by entry.
//!
//! Nothing here touches a file system. What an entry may be called, and what becomes of it, is the
//! business of whoever reads it.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod name;
mod read;
mod write;

pub(crate) use name::clean;
pub(crate) use read::{Entry, Error, Reader, Seekable, Streamed};
pub(crate) use write::{END, Header, padding};

/// Size of everything in a tar, in bytes.
const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file with content.
    Regular,
    /// One more name for a file that came before.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A folder.
    Directory,
    /// A named pipe.
    Fifo,
    /// A file with holes that its header describes, in one of GNU's ways.
    Sparse,
    /// Anything else.
    Other,
}

impl Kind {
    fn of(flag: u8) -> Self {
        match flag {
            b'0' | 0 | b'7' => Self::Regular,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'3' => Self::Character,
            b'4' => Self::Block,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            b'S' => Self::Sparse,
            _ => Self::Other,
        }
    }

    fn flag(self) -> u8 {
        match self {
            Self::Regular | Self::Sparse | Self::Other => b'0',
            Self::HardLink => b'1',
            Self::Symlink => b'2',
            Self::Character => b'3',
            Self::Block => b'4',
            Self::Directory => b'5',
            Self::Fifo => b'6',
        }
    }

    /// Does the header's size count bytes that follow it?
    fn has_content(self) -> bool {
        matches!(self, Self::Regular | Self::Sparse | Self::Other)
    }
}

/// Where the fields of a header are.
mod field {
    use std::ops::Range;

    pub(super) const NAME: Range<usize> = 0..100;
    pub(super) const MODE: Range<usize> = 100..108;
    pub(super) const UID: Range<usize> = 108..116;
    pub(super) const GID: Range<usize> = 116..124;
    pub(super) const SIZE: Range<usize> = 124..136;
    pub(super) const MTIME: Range<usize> = 136..148;
    pub(super) const CHECKSUM: Range<usize> = 148..156;
    pub(super) const FLAG: usize = 156;
    pub(super) const LINK: Range<usize> = 157..257;
    pub(super) const MAGIC: Range<usize> = 257..263;
    pub(super) const VERSION: Range<usize> = 263..265;
    pub(super) const MAJOR: Range<usize> = 329..337;
    pub(super) const MINOR: Range<usize> = 337..345;
    pub(super) const PREFIX: Range<usize> = 345..500;
}

/// The sum of a header's bytes, with its own field taken as blanks.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let outside = block[..field::CHECKSUM.start].iter().chain(&block[field::CHECKSUM.end..]);
    outside.map(|byte| u32::from(*byte)).sum::<u32>() + 8 * u32::from(b' ')
}
