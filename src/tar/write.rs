//! Headers of a tar, byte for byte as reproducible archives need them *(pure)*.

use std::ops::Range;

use super::{BLOCK, Kind, checksum, clean, field};

/// What ends an archive.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Zeros that follow content of this size, in bytes.
pub(crate) fn padding(size: u64) -> &'static [u8] {
    let excess = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    if excess == 0 { &[] } else { &END[..BLOCK - excess] }
}

/// What is said of an entry ahead of its content.
#[derive(Debug, Clone)]
pub(crate) struct Header<'a> {
    /// Name with `/` between its parts.
    pub(crate) path: &'a [u8],
    /// What a link points to; empty otherwise.
    pub(crate) link: &'a [u8],
    /// What it is.
    pub(crate) kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// Bytes of content that follow.
    pub(crate) size: u64,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    /// Owner and group.
    pub(crate) owner: (u64, u64),
    /// Major and minor number of a device.
    pub(crate) device: (u32, u32),
}

impl Header<'_> {
    /// The header in blocks of 512 bytes. It is an extended one only where the plain one cannot say it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let split = split(self.path);
        let is_long = |text: &[u8], field: &Range<usize>| !text.is_ascii() || text.len() > field.len();
        let long_path = is_long(self.path, &field::NAME);
        let long_link = is_long(self.link, &field::LINK);
        let mtime = u64::try_from(self.mtime).ok().filter(|mtime| fits(&field::MTIME, *mtime));
        let fits_plain = fits(&field::GID, self.owner.1)
            && fits(&field::SIZE, self.size)
            && fits(&field::UID, self.owner.0)
            && mtime.is_some()
            && !long_link
            && (!long_path || split.is_some());
        if fits_plain {
            let (prefix, name) = split.unwrap_or((&[], self.path));
            return self.block(name, prefix).to_vec();
        }
        let mut records = Vec::new();
        let mut record = |is_needed: bool, key: &str, value: &[u8]| {
            if is_needed {
                records.extend_from_slice(&extended_record(key, value));
            }
        };
        record(!fits(&field::GID, self.owner.1), "gid", self.owner.1.to_string().as_bytes());
        record(long_link, "linkpath", self.link);
        record(mtime.is_none(), "mtime", self.mtime.to_string().as_bytes());
        record(long_path, "path", self.path);
        record(!fits(&field::SIZE, self.size), "size", self.size.to_string().as_bytes());
        record(!fits(&field::UID, self.owner.0), "uid", self.owner.0.to_string().as_bytes());
        let mut blocks = extended_block(self.path, records.len() as u64).to_vec();
        blocks.extend_from_slice(&records);
        blocks.extend_from_slice(padding(records.len() as u64));
        blocks.extend_from_slice(&self.block(self.path, &[]));
        blocks
    }

    fn block(&self, name: &[u8], prefix: &[u8]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        text(&mut block[field::NAME], name);
        octal(&mut block[field::MODE], u64::from(self.mode));
        octal(&mut block[field::UID], self.owner.0);
        octal(&mut block[field::GID], self.owner.1);
        octal(&mut block[field::SIZE], self.size);
        octal(&mut block[field::MTIME], u64::try_from(self.mtime).unwrap_or_default());
        block[field::FLAG] = self.kind.flag();
        text(&mut block[field::LINK], self.link);
        octal(&mut block[field::MAJOR], u64::from(self.device.0));
        octal(&mut block[field::MINOR], u64::from(self.device.1));
        text(&mut block[field::PREFIX], prefix);
        seal(block)
    }
}

/// Divides a name that is too long for its field between the two fields that there are.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= field::NAME.len() || !path.is_ascii() {
        return None;
    }
    let longest = path.len().min(field::PREFIX.len() + 1);
    let at = path[..longest].iter().rposition(|byte| *byte == b'/')?;
    let (prefix, name) = (&path[..at], &path[at + 1..]);
    let fits = !prefix.is_empty() && (1..=field::NAME.len()).contains(&name.len());
    fits.then_some((prefix, name))
}

/// Is there room for a number, in octal with a zero byte behind it?
fn fits(field: &Range<usize>, number: u64) -> bool {
    number >> (3 * (field.len() - 1)) == 0
}

/// Writes a number, or zero where it has no room and the extended header says it.
fn octal(field: &mut [u8], number: u64) {
    let digits = field.len() - 1;
    let number = if fits(&(0..field.len()), number) { number } else { 0 };
    field[..digits].copy_from_slice(format!("{number:0digits$o}").as_bytes());
}

/// Writes what fits of the ASCII characters of a text. A slash is not left at the end of what was cut off,
/// or some readers would take a file for a folder.
fn text(field: &mut [u8], text: &[u8]) {
    let ascii: Vec<u8> = text.iter().copied().filter(|byte| byte.is_ascii() && *byte != 0).collect();
    let mut cut = &ascii[..ascii.len().min(field.len())];
    if ascii.len() > field.len() {
        while let Some(shorter) = cut.strip_suffix(b"/") {
            cut = shorter;
        }
    }
    field[..cut.len()].copy_from_slice(cut);
}

/// Adds what every header has: the format's name, and the checksum.
fn seal(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[field::MAGIC].copy_from_slice(b"ustar\0");
    block[field::VERSION].copy_from_slice(b"00");
    let sum = checksum(&block);
    block[field::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The header of an extended header, which is an entry of its own.
fn extended_block(path: &[u8], size: u64) -> [u8; BLOCK] {
    let base = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let name = clean(&[&path[..base], b"/PaxHeaders.0/", &path[base..]].concat());
    let name = if path.starts_with(b"/") { &name[..] } else { name.strip_prefix(b"/").unwrap_or(&name) };
    let mut block = [0; BLOCK];
    text(&mut block[field::NAME], name);
    for field in [field::MODE, field::UID, field::GID, field::MTIME] {
        octal(&mut block[field], 0);
    }
    octal(&mut block[field::SIZE], size);
    block[field::FLAG] = b'x';
    seal(block)
}

/// `<length> <key>=<value>\n`, where the length counts its own digits too.
fn extended_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Digest;

    #[test]
    fn an_archive_has_the_bytes_that_go_writes() {
        let (long, accents) = ("a".repeat(120), "é/".repeat(80));
        let nested = format!("{}/{}", "b".repeat(60), "c".repeat(60));
        let both = format!("{}/éééé", "a".repeat(98));
        let (at, regular) = (1_700_000_000, Kind::Regular);
        let entries = [
            ("d", "", Kind::Directory, 0o755, at, &b""[..]),
            ("d/hi.txt", "", regular, 0o644, at, b"hello\n"),
            ("d/ünicode", "", regular, 0o4755, at + 1, b"x"),
            (&*format!("d/{long}"), "", regular, 0o600, -5, b""),
            (&format!("d/{nested}"), "", regular, 0o600, at, b""),
            ("d/link", "hi.txt", Kind::Symlink, 0o777, at, b""),
            ("d/longlink", &accents, Kind::Symlink, 0o777, at, b""),
            ("d/fifo", "", Kind::Fifo, 0o644, at, b""),
            ("d/null", "", Kind::Character, 0o666, at, b""),
            (&format!("d/{both}"), "", regular, 0o600, 1 << 33, b"12345"),
        ];
        let mut archive = Vec::new();
        for (path, link, kind, mode, mtime, content) in entries {
            let header = Header {
                path: path.as_bytes(),
                link: link.as_bytes(),
                kind,
                mode,
                size: content.len() as u64,
                mtime,
                owner: (0, 0),
                device: if kind == Kind::Character { (1, 3) } else { (0, 0) },
            };
            archive.extend_from_slice(&header.encode());
            archive.extend_from_slice(content);
            archive.extend_from_slice(padding(content.len() as u64));
        }
        archive.extend_from_slice(&END);
        assert_eq!(archive.len(), 11776);
        // Written by the archive/tar package of Go 1.26 from the same entries.
        assert_eq!(
            Digest::of(&archive).encoded(),
            "08bc1b6a8d0b199d1c6c1fc8d63b53d32bd40597a23d34d67cb2e874db42fdf5"
        );
    }

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(extended_record("path", b"ab"), b"11 path=ab\n");
        for length in 80..120 {
            let record = extended_record("path", &vec![b'x'; length]);
            let said: usize =
                std::str::from_utf8(&record).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, record.len());
        }
    }
}
