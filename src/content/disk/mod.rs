//! Content in files of this machine: read in pieces, and written, off the threads that run tasks.

mod growth;
mod partial;
mod pool;
mod sync;

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use self::pool::Pool;
pub(crate) use self::{
    growth::{EndOfGrowth, Follower, Growth},
    partial::{Bench, Partial, is_abandoned, is_worth_resuming, own, store, verified},
    sync::{Unsynced, sync_file_system},
};

use super::{ByteStream, Error, Result, once};

/// Most bytes that are read or written in one go.
pub(crate) const PIECE: usize = 256 << 10;

/// Runs work that may block on a thread that is meant for it.
pub(crate) async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    joined(spawn_blocking(work)).await
}

/// Like [`off`], for work that takes long: it is told when nobody waits for it any more.
pub(crate) async fn off_while_wanted<T: Send + 'static>(
    work: impl FnOnce(Wanted) -> T + Send + 'static,
) -> T {
    let waiting = Waiting(Arc::new(AtomicBool::new(true)));
    let wanted = Wanted(waiting.0.clone());
    off(move || work(wanted)).await
}

/// Says whether somebody still waits for the work.
#[derive(Debug, Clone)]
pub(crate) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Somebody does, whatever happens.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn always() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Fails if nobody does.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Ok(()) } else { Err(io::Error::other("nobody waits for it")) }
    }
}

struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Waits for work. What was not begun when the program ends never comes.
async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(outcome) => outcome,
        Err(failure) if failure.is_cancelled() => std::future::pending().await,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// A run of bytes in an open file.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// The file.
    pub(crate) file: Arc<File>,
    /// What it is called in messages.
    pub(crate) path: Arc<Path>,
    /// Where the bytes begin.
    pub(crate) start: u64,
    /// How many there are.
    pub(crate) len: u64,
    /// The file ends with them. If it does not any more, one byte too many is read, which no check lets pass.
    pub(crate) is_whole: bool,
}

impl Section {
    /// The whole of a file.
    pub(crate) fn whole(file: File, path: &Path) -> Result<Self> {
        let len = file.metadata().map_err(Error::io("stat", path))?.len();
        Ok(Self { file: Arc::new(file), path: path.into(), start: 0, len, is_whole: true })
    }

    /// Reads the bytes from an offset on, one piece ahead of whoever listens. Ends early if the file does.
    ///
    /// The first piece is read at once, so this blocks.
    pub(crate) fn stream(self, offset: u64) -> Result<ByteStream> {
        let pool = Pool::default();
        let first = self.piece(offset, &pool)?;
        let position = offset + first.len() as u64;
        if position >= self.len {
            return Ok(once(first));
        }
        let reading = Reading { section: self, pool, position: offset, ahead: Some(Ahead::Read(first)) };
        Ok(Box::pin(stream::try_unfold(reading, Reading::next)))
    }

    fn piece(&self, offset: u64, pool: &Pool) -> Result<Bytes> {
        let left = self.len.saturating_sub(offset);
        let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = pool.take(size);
        let mut filled = 0;
        while filled < size {
            match read_at(&self.file, &mut piece[filled..size], self.start + offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &*self.path)(error)),
            }
        }
        let piece = pool.lend(piece, filled);
        if self.is_whole && filled as u64 == left {
            return self.with_growth(piece);
        }
        Ok(piece)
    }

    /// The last piece, with a byte more if the file has grown.
    fn with_growth(&self, piece: Bytes) -> Result<Bytes> {
        let mut more = [0];
        match read_at(&self.file, &mut more, self.start + self.len) {
            Ok(0) => Ok(piece),
            Ok(_) => Ok([&piece[..], &more].concat().into()),
            Err(error) => Err(Error::io("read", &*self.path)(error)),
        }
    }
}

struct Reading {
    section: Section,
    pool: Pool,
    position: u64,
    ahead: Option<Ahead>,
}

enum Ahead {
    Read(Bytes),
    Running(JoinHandle<Result<Bytes>>),
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        let piece = match self.ahead.take() {
            None => return Ok(None),
            Some(Ahead::Read(piece)) => piece,
            Some(Ahead::Running(task)) => joined(task).await?,
        };
        if piece.is_empty() {
            return Ok(None);
        }
        self.position += piece.len() as u64;
        if self.position < self.section.len {
            let (section, pool, position) = (self.section.clone(), self.pool.clone(), self.position);
            self.ahead = Some(Ahead::Running(spawn_blocking(move || section.piece(position, &pool))));
        }
        Ok(Some((piece, self)))
    }
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

/// What a writer is sent.
enum Message {
    Pieces(Vec<Bytes>),
    /// The stream ended as it should; without this the writer gives up what it has.
    End,
}

/// Writes a stream: opens the writer, feeds it, and finishes it, all off the threads that run tasks.
///
/// If the stream fails the writer is dropped where it stands. What fits into one piece takes one hop only,
/// since most files are small.
pub(crate) async fn receive<W: io::Write, T: Send + 'static>(
    mut stream: ByteStream,
    path: Arc<Path>,
    open: impl FnOnce() -> Result<W> + Send + 'static,
    finish: impl FnOnce(W) -> Result<T> + Send + 'static,
) -> Result<T> {
    let write = move |writer: &mut W, pieces: Vec<Bytes>| {
        pieces.iter().try_for_each(|piece| writer.write_all(piece)).map_err(Error::io("write", &*path))
    };
    let (first, ended) = gather(&mut stream).await?;
    if ended {
        return off(move || {
            let mut writer = open()?;
            write(&mut writer, first)?;
            finish(writer)
        })
        .await;
    }
    let (sender, mut receiver) = mpsc::channel(1);
    let writing = spawn_blocking(move || {
        let mut writer = open()?;
        write(&mut writer, first)?;
        loop {
            match receiver.blocking_recv() {
                Some(Message::Pieces(pieces)) => write(&mut writer, pieces)?,
                Some(Message::End) => return finish(writer).map(Some),
                None => return Ok(None),
            }
        }
    });
    let failure = feed(&mut stream, sender).await.err();
    match (failure, joined(writing).await) {
        (Some(failure), _) | (None, Err(failure)) => Err(failure),
        (None, Ok(finished)) => Ok(finished.expect("a stream that does not fail is written to its end")),
    }
}

async fn feed(stream: &mut ByteStream, sender: mpsc::Sender<Message>) -> Result<()> {
    loop {
        let (pieces, ended) = gather(stream).await?;
        // A writer that failed does not listen any more; its own error says why.
        if sender.send(Message::Pieces(pieces)).await.is_err() {
            return Ok(());
        }
        if ended {
            let _ = sender.send(Message::End).await;
            return Ok(());
        }
    }
}

/// Takes pieces until there is enough for a write, or the stream ends.
async fn gather(stream: &mut ByteStream) -> Result<(Vec<Bytes>, bool)> {
    let (mut pieces, mut size) = (Vec::new(), 0);
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        size += piece.len();
        pieces.push(piece);
        if size >= PIECE {
            return Ok((pieces, false));
        }
    }
    Ok((pieces, true))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    async fn collect(mut stream: ByteStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        bytes
    }

    #[tokio::test]
    async fn a_section_is_read_from_any_offset_to_its_end() {
        let content: Vec<u8> = (0..=250).cycle().take(3 * PIECE + 5).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let section = Section {
            file: Arc::new(file),
            path: Path::new("x").into(),
            start: 1,
            len: 3 * PIECE as u64,
            is_whole: false,
        };
        for offset in [0, 1, PIECE, 2 * PIECE + 7, 3 * PIECE, 3 * PIECE + 9] {
            let stream = section.clone().stream(offset as u64).unwrap();
            let expected = &content[(1 + offset).min(1 + 3 * PIECE)..1 + 3 * PIECE];
            assert!(collect(stream).await == expected, "{offset}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_cut_short_ends_the_stream() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello").unwrap();
        let section =
            Section { file: Arc::new(file), path: Path::new("x").into(), start: 0, len: 9, is_whole: true };
        assert_eq!(collect(section.stream(0).unwrap()).await, b"hello");
    }

    #[tokio::test]
    async fn a_file_that_has_grown_is_read_a_byte_too_far() {
        for size in [0, 5, PIECE, PIECE + 5] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&vec![7; size]).unwrap();
            let section = Section::whole(file.reopen().unwrap(), file.path()).unwrap();
            let whole = collect(section.clone().stream(0).unwrap()).await;
            assert_eq!(whole.len(), size);
            file.write_all(b"more").unwrap();
            assert_eq!(collect(section.stream(0).unwrap()).await.len(), size + 1);
        }
    }

    #[tokio::test]
    async fn a_stream_is_written_in_order_and_finished_once_it_ended() {
        for pieces in [0, 1, 3, 40] {
            let piece = Bytes::from(vec![7; PIECE / 4]);
            let stream = stream::iter((0..pieces).map(move |_| Ok(piece.clone())));
            let path: Arc<Path> = Path::new("x").into();
            let written = receive(Box::pin(stream), path, || Ok(Vec::new()), Ok).await.unwrap();
            assert_eq!(written.len(), pieces * PIECE / 4);
        }
    }

    #[tokio::test]
    async fn a_stream_that_fails_is_not_finished() {
        for pieces in [0, 9] {
            let failure = Error::Unsupported("reading on");
            let good = (0..pieces).map(|_| Ok(Bytes::from(vec![7; PIECE / 2])));
            let stream = stream::iter(good.chain([Err(failure)]).collect::<Vec<_>>());
            let path: Arc<Path> = Path::new("x").into();
            let finish = |_: Vec<u8>| -> Result<()> { panic!("it was finished") };
            let outcome = receive(Box::pin(stream), path, || Ok(Vec::new()), finish).await;
            assert!(matches!(outcome, Err(Error::Unsupported("reading on"))));
        }
    }
}
