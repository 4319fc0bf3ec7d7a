//! Archives read entry by entry, whoever wrote them.

use std::io::{self, BufReader, Read, Seek};

use super::{BLOCK, Kind, checksum, field};

/// Largest header of the kinds that have content of their own, in bytes; nothing larger is held in memory.
const HEADER_LIMIT: u64 = 1 << 20;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The archive ends in the middle of something.
    #[error("unexpected EOF")]
    Truncated,
    /// A block that should be a header is none.
    #[error("invalid tar header")]
    Header,
    /// A header that describes the next entry is larger than is read.
    #[error("a tar header of {0} bytes is too large")]
    TooLarge(u64),
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::Truncated => Self::new(io::ErrorKind::UnexpectedEof, error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// What an archive is read from.
pub(crate) trait Input: Read {
    /// Passes over bytes; passing over the end may go unnoticed until the next read.
    fn skip(&mut self, count: u64) -> io::Result<()>;
}

/// An input that can only be read.
pub(crate) struct Streamed<R>(pub(crate) R);

impl<R: Read> Read for Streamed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl<R: Read> Input for Streamed<R> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.0).take(count), &mut io::sink())?;
        if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// An input in which content is jumped over.
pub(crate) struct Seekable<R>(BufReader<R>);

impl<R: Read + Seek> Seekable<R> {
    /// Reads from where the input stands.
    pub(crate) fn new(input: R) -> Self {
        // Headers lie far apart, but those of small files come several with one read.
        Self(BufReader::with_capacity(16 * BLOCK, input))
    }
}

impl<R: Read> Read for Seekable<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl<R: Read + Seek> Input for Seekable<R> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        self.0.seek_relative(i64::try_from(count).map_err(|_| io::ErrorKind::InvalidData)?)
    }
}

/// What an archive says of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Name, as it is written.
    pub(crate) path: Vec<u8>,
    /// What a link points to, as it is written.
    pub(crate) link: Vec<u8>,
    /// What it is.
    pub(crate) kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// Bytes of content.
    pub(crate) size: u64,
    /// Seconds since 1970, and nanoseconds.
    pub(crate) mtime: (i64, u32),
    /// Where the content begins, counted from the beginning of the archive.
    pub(crate) position: u64,
}

/// Reads an archive. As a reader it gives the content of the entry that came last.
pub(crate) struct Reader<R> {
    input: R,
    position: u64,
    /// Content of the entry that was not read yet.
    left: u64,
    /// Zeros behind the content.
    padding: u64,
    is_over: bool,
}

/// What headers said of the entry that follows them.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<(i64, u32)>,
    is_sparse: bool,
}

impl<R: Input> Reader<R> {
    /// Reads from the beginning of an archive.
    pub(crate) fn new(input: R) -> Self {
        Self { input, position: 0, left: 0, padding: 0, is_over: false }
    }

    /// The next entry; what was not read of the one before is passed over. `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Error> {
        let mut extension = Extension::default();
        loop {
            self.pass_over()?;
            let Some(block) = self.header()? else { return Ok(None) };
            let flag = block[field::FLAG];
            let size = number(&block[field::SIZE])?;
            match flag {
                b'x' => extension.read(&self.content(size)?)?,
                b'L' => extension.path = Some(terminated(&self.content(size)?).to_vec()),
                b'K' => extension.link = Some(terminated(&self.content(size)?).to_vec()),
                // What is said of all entries that follow is for tools that wrote it.
                b'g' => drop(self.content(size)?),
                _ => return self.entry(&block, extension).map(Some),
            }
        }
    }

    fn entry(&mut self, block: &[u8; BLOCK], extension: Extension) -> Result<Entry, Error> {
        let path = extension.path.unwrap_or_else(|| path(block));
        let mut kind = Kind::of(block[field::FLAG]);
        if block[field::FLAG] == 0 && path.ends_with(b"/") {
            kind = Kind::Directory;
        }
        if extension.is_sparse {
            kind = Kind::Sparse;
        }
        // The extended header is right where both give a size, or one reader would see entries that
        // another takes for content.
        let size = match extension.size {
            _ if !kind.has_content() => 0,
            Some(size) => size,
            None => number(&block[field::SIZE])?,
        };
        self.expect(size)?;
        let mode = number(&block[field::MODE]).unwrap_or_default() & 0o7777;
        Ok(Entry {
            path,
            link: extension.link.unwrap_or_else(|| terminated(&block[field::LINK]).to_vec()),
            kind,
            mode: u32::try_from(mode).unwrap_or_default(),
            size,
            mtime: extension.mtime.unwrap_or_else(|| (signed(&block[field::MTIME]).unwrap_or_default(), 0)),
            position: self.position,
        })
    }

    /// The next block that is a header; `None` at the end of the archive.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let Some(block) = self.block()? else { return Ok(None) };
        if block == [0; BLOCK] {
            self.is_over = true;
            return match self.block()? {
                Some(second) if second != [0; BLOCK] => Err(Error::Header),
                _ => Ok(None),
            };
        }
        let said = number(&block[field::CHECKSUM])?;
        // Some old writers summed the bytes as signed ones.
        let negative = block.iter().filter(|byte| **byte >= 128).count() as u64;
        let sum = u64::from(checksum(&block));
        let signed_sum = sum.wrapping_sub(256 * negative);
        if said == sum || said == signed_sum { Ok(Some(block)) } else { Err(Error::Header) }
    }

    /// Reads a block; `None` if there is nothing more.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.input.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(Error::Truncated),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position += BLOCK as u64;
        Ok(Some(block))
    }

    /// The content of a header that has some.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        if size > HEADER_LIMIT {
            return Err(Error::TooLarge(size));
        }
        self.expect(size)?;
        let mut content = Vec::new();
        self.read_to_end(&mut content)?;
        Ok(content)
    }

    /// Takes note of the content that follows.
    fn expect(&mut self, size: u64) -> Result<(), Error> {
        let end = size.checked_add(self.position).filter(|end| i64::try_from(*end).is_ok());
        end.ok_or(Error::Header)?;
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        Ok(())
    }

    fn pass_over(&mut self) -> Result<(), Error> {
        let rest = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        if rest == 0 {
            return Ok(());
        }
        self.position += rest;
        self.input.skip(rest).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated,
            _ => error.into(),
        })
    }
}

impl<R: Input> Read for Reader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.input.read(&mut bytes[..most])?;
        if count == 0 {
            return Err(Error::Truncated.into());
        }
        self.left -= count as u64;
        self.position += count as u64;
        Ok(count)
    }
}

impl Extension {
    /// Reads the records of an extended header.
    fn read(&mut self, mut records: &[u8]) -> Result<(), Error> {
        while !records.is_empty() {
            let (key, value);
            (key, value, records) = record(records).ok_or(Error::Header)?;
            let text = || std::str::from_utf8(value).map_err(|_| Error::Header);
            match key {
                b"path" if !value.is_empty() => self.path = Some(whole(value)?),
                b"linkpath" if !value.is_empty() => self.link = Some(whole(value)?),
                b"size" if !value.is_empty() => {
                    self.size = Some(text()?.parse().map_err(|_| Error::Header)?);
                }
                b"mtime" if !value.is_empty() => self.mtime = Some(time(text()?).ok_or(Error::Header)?),
                _ if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Splits the first of `<length> <key>=<value>\n` off.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let digits = std::str::from_utf8(&records[..space]).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length: usize = digits.parse().ok()?;
    let rest = records.get(length..)?;
    let pair = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=').filter(|equals| *equals > 0)?;
    Some((&pair[..equals], &pair[equals + 1..], rest))
}

/// A name without a zero byte in it.
fn whole(name: &[u8]) -> Result<Vec<u8>, Error> {
    if name.contains(&0) { Err(Error::Header) } else { Ok(name.to_vec()) }
}

/// Seconds with an optional fraction.
fn time(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanoseconds: u32 = digits.parse().ok()?;
    if whole.starts_with('-') && nanoseconds > 0 {
        return Some((seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds));
    }
    Some((seconds, nanoseconds))
}

/// What is in front of the first zero byte.
fn terminated(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The name of a plain header, put together from its two fields if the format has two.
fn path(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = terminated(&block[field::NAME]);
    let prefix = terminated(&block[field::PREFIX]);
    if block[field::MAGIC] != *b"ustar\0" || prefix.is_empty() {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

/// A number that must not be negative.
fn number(field: &[u8]) -> Result<u64, Error> {
    signed(field).and_then(|number| u64::try_from(number).ok()).ok_or(Error::Header)
}

/// A number in octal, or in GNU's binary form; `None` when it is neither, or has no room in 64 bits.
fn signed(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        // Two's complement of the length of the field, of which the topmost bit is the marker.
        let start = if first & 0x40 == 0 { i128::from(first & 0x3f) } else { i128::from(first | 0x80) - 256 };
        let all = field[1..].iter().try_fold(start, |number, byte| {
            let next = (number << 8) | i128::from(*byte);
            i64::try_from(next).is_ok().then_some(next)
        })?;
        return i64::try_from(all).ok();
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    digits[..end].iter().try_fold(0_i64, |number, byte| match byte {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{
        super::{END, Header, padding},
        *,
    };

    fn header(path: &[u8], kind: Kind, size: u64) -> Vec<u8> {
        let header = Header {
            path,
            link: b"target",
            kind,
            mode: 0o644,
            size,
            mtime: 1_700_000_000,
            owner: (0, 0),
            device: (0, 0),
        };
        header.encode()
    }

    fn file(path: &[u8], content: &[u8]) -> Vec<u8> {
        [&header(path, Kind::Regular, content.len() as u64), content, padding(content.len() as u64)].concat()
    }

    /// A header whose type is not one that is written here.
    fn special(flag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = file(b"special", content);
        bytes[field::FLAG] = flag;
        seal(&mut bytes);
        bytes
    }

    fn seal(header: &mut [u8]) {
        let sum = checksum(header[..BLOCK].first_chunk().unwrap());
        header[field::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    /// Path and content of each entry, read as a stream; the same must come of jumping over content.
    fn entries(archive: &[u8]) -> Result<Vec<(String, String)>, Error> {
        let mut reader = Reader::new(Streamed(archive));
        let mut jumping = Reader::new(Seekable::new(Cursor::new(archive)));
        let mut found = Vec::new();
        while let Some(entry) = reader.next()? {
            assert_eq!(jumping.next()?.as_ref(), Some(&entry));
            let mut content = String::new();
            reader.read_to_string(&mut content)?;
            let start = usize::try_from(entry.position).unwrap();
            assert_eq!(archive[start..][..content.len()], *content.as_bytes());
            found.push((String::from_utf8(entry.path).unwrap(), content));
        }
        Ok(found)
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let (long, accent) = ("b/".repeat(60) + &"c".repeat(90), "ü".repeat(60));
        let archive =
            [file(b"a", b"hello"), file(long.as_bytes(), b"x"), file(accent.as_bytes(), b"y"), END.to_vec()];
        let expected = pairs(&[("a", "hello"), (&long, "x"), (&accent, "y")]);
        assert_eq!(entries(&archive.concat()).unwrap(), expected);
        // Some writers leave the end out.
        assert_eq!(entries(&archive[..3].concat()).unwrap(), expected);
        assert_eq!(entries(b"").unwrap(), []);
    }

    #[test]
    fn names_of_gnu_are_read() {
        let long = "n".repeat(300);
        let named = special(b'L', format!("{long}\0").as_bytes());
        assert_eq!(entries(&[named, file(b"short", b"x")].concat()).unwrap(), pairs(&[(&long, "x")]));
    }

    /// Where two sizes disagree, every reader must take the same, or one sees entries that another does not.
    #[test]
    fn the_size_of_the_extended_header_wins() {
        let inner = file(b"hidden", b"x");
        let size = inner.len().to_string();
        let record = format!("{} size={size}\n", 9 + size.len());
        let mut outer = header(b"outer", Kind::Regular, 0);
        outer.extend_from_slice(&inner);
        let archive = [special(b'x', record.as_bytes()), outer, file(b"last", b"y")].concat();
        let found = entries(&archive).unwrap();
        assert_eq!(found.iter().map(|(path, _)| &**path).collect::<Vec<_>>(), ["outer", "last"]);
    }

    #[test]
    fn a_global_header_describes_nobody() {
        let global = special(b'g', b"12 size=900\n");
        assert_eq!(entries(&[global, file(b"a", b"x")].concat()).unwrap(), pairs(&[("a", "x")]));
    }

    #[test]
    fn folders_and_links_have_no_content_whatever_their_size_says() {
        for kind in [Kind::Directory, Kind::Symlink, Kind::HardLink, Kind::Fifo, Kind::Character] {
            let archive = [header(b"d", kind, 512), file(b"a", b"x")].concat();
            assert_eq!(entries(&archive).unwrap(), pairs(&[("d", ""), ("a", "x")]));
        }
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        let with = |change: &dyn Fn(&mut [u8])| {
            let mut archive = file(b"a", b"hello");
            change(&mut archive);
            seal(&mut archive);
            entries(&[archive, END.to_vec()].concat())
        };
        assert!(with(&|_| {}).is_ok());
        assert!(matches!(with(&|header| header[field::SIZE].fill(0xff)), Err(Error::Header)));
        assert!(matches!(with(&|header| header[field::SIZE].fill(b'9')), Err(Error::Header)));
        let huge = |header: &mut [u8]| {
            header[field::SIZE].fill(0xff);
            header[field::SIZE.start] = 0x80;
        };
        assert!(matches!(with(&huge), Err(Error::Header)));
        let record = b"28 size=9223372036854775807\n";
        let archive = [special(b'x', record), file(b"a", b"x")].concat();
        assert!(matches!(entries(&archive), Err(Error::Header)));
    }

    #[test]
    fn a_header_that_is_too_large_is_not_read() {
        for flag in [b'x', b'L', b'K', b'g'] {
            let mut archive = special(flag, b"");
            archive[field::SIZE].copy_from_slice(b"00010000000\0");
            seal(&mut archive);
            assert!(matches!(entries(&archive), Err(Error::TooLarge(_))));
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(matches!(entries(b"hello"), Err(Error::Truncated)));
        assert!(matches!(entries(&[b'x'; 1024]), Err(Error::Header)));
        let archive = file(b"a", b"hello");
        assert!(entries(&archive[..515]).is_err());
        assert!(matches!(entries(&[&END[..BLOCK], &archive].concat()), Err(Error::Header)));
    }

    #[test]
    fn records_that_are_broken_are_refused() {
        for records in [
            &b"x"[..],
            b"5 a=b\n",
            b"6 a=b\n",
            b"99 a=b\n",
            b"6 a=bc",
            b"6 =bc\n",
            b"+6 a=b\n",
            b"13 size=1x\n",
        ] {
            let archive = [special(b'x', records), file(b"a", b"")].concat();
            let fine = records == b"6 a=b\n";
            assert_eq!(entries(&archive).is_ok(), fine, "{}", String::from_utf8_lossy(records));
        }
        let archive = [special(b'x', b"12 path=a\0b\n"), file(b"a", b"")].concat();
        assert!(entries(&archive).is_err());
    }

    #[test]
    fn times_have_fractions_and_may_lie_before_1970() {
        for (text, expected) in [
            ("5", Some((5, 0))),
            ("5.25", Some((5, 250_000_000))),
            ("-5.25", Some((-6, 750_000_000))),
            ("-0.5", Some((-1, 500_000_000))),
            ("5.0000000019", Some((5, 1))),
            ("x", None),
            ("5.x", None),
            ("", None),
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(0_u8.., 0..2000)) {
            let mut reader = Reader::new(Streamed(&bytes[..]));
            while let Ok(Some(_)) = reader.next() {}
        }

        /// A genuine header with some bytes changed, and its checksum made right.
        #[test]
        fn any_header_is_read_or_refused(changes in proptest::collection::vec((0..BLOCK, 0_u8..), 0..20)) {
            let mut archive = file(b"a", b"hello");
            for (place, byte) in changes {
                archive[place] = byte;
            }
            seal(&mut archive);
            let mut reader = Reader::new(Streamed(&archive[..]));
            while let Ok(Some(_)) = reader.next() {}
        }

        #[test]
        fn any_name_comes_back(name in "[a-zü/]{1,300}", size in 0..3_u64) {
            let content = vec![b'x'; usize::try_from(size).unwrap()];
            let found = entries(&file(name.as_bytes(), &content)).unwrap();
            proptest::prop_assert_eq!(&found[0].0, &name);
        }
    }
}
