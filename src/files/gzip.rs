//! gzip on all cores: the content is cut into blocks that are compressed side by side, each with what came
//! before it as its dictionary, and put together in order. How many cores there are does not change a byte.
//!
//! Implements RFC 1952; the deflate streams of the blocks end with a flush, so that together they are one.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle, available_parallelism},
};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes that are compressed in one go.
const BLOCK: usize = 128 << 10;
/// Bytes that deflate looks back.
const WINDOW: usize = 32 << 10;
/// Most threads that compress; more of them would take more memory than they are worth.
const MOST_WORKERS: usize = 8;
/// No name, no time, no system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Compresses what is written to it. Without [`finish`](Self::finish) the output is incomplete.
pub(super) struct Gzip<W> {
    /// Bytes that no worker has yet.
    block: Vec<u8>,
    /// What came right before them.
    window: Vec<u8>,
    stage: Stage<W>,
}

enum Stage<W> {
    /// Nothing was compressed yet; what fits into one block needs no threads.
    Waiting(W),
    Running(Crew<W>),
    Broken,
}

impl<W: Write + Send + 'static> Gzip<W> {
    pub(super) fn new(output: W) -> Self {
        Self { block: Vec::with_capacity(BLOCK), window: Vec::new(), stage: Stage::Waiting(output) }
    }

    /// Compresses the rest, and hands the output back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        match std::mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Waiting(output) => {
                let mut joiner = Joiner::new(output)?;
                joiner.add(&deflate(&self.job(true))?)?;
                joiner.finish()
            }
            Stage::Running(crew) => {
                let job = self.job(true);
                match crew.send(job) {
                    Ok(()) => crew.finish(),
                    Err(Gone) => Err(crew.failure()),
                }
            }
            Stage::Broken => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Hands a full block to the workers, who start work with the first.
    fn pass_on(&mut self) -> io::Result<()> {
        if matches!(self.stage, Stage::Waiting(_))
            && let Stage::Waiting(output) = std::mem::replace(&mut self.stage, Stage::Broken)
        {
            self.stage = Stage::Running(Crew::new(output)?);
        }
        let job = self.job(false);
        let Stage::Running(crew) = &self.stage else { return Err(io::ErrorKind::BrokenPipe.into()) };
        if crew.send(job).is_ok() {
            return Ok(());
        }
        match std::mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Running(crew) => Err(crew.failure()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn job(&mut self, is_last: bool) -> Job {
        let bytes = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let next = bytes[bytes.len().saturating_sub(WINDOW)..].to_vec();
        Job { window: std::mem::replace(&mut self.window, next), bytes, is_last }
    }
}

impl<W: Write + Send + 'static> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Only when more follows is it known that a block is not the last.
        if self.block.len() == BLOCK {
            self.pass_on()?;
        }
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A block to compress.
struct Job {
    bytes: Vec<u8>,
    window: Vec<u8>,
    is_last: bool,
}

/// A compressed block, and the checksum of what it was.
struct Done {
    deflated: Vec<u8>,
    checksum: Crc,
}

/// The other side of a channel is gone; it knows why.
struct Gone;

type Answer = io::Result<Done>;

/// Threads that compress, and one that puts together what they made.
struct Crew<W> {
    jobs: SyncSender<(Job, SyncSender<Answer>)>,
    /// Answers in the order of the jobs.
    order: SyncSender<Receiver<Answer>>,
    joiner: JoinHandle<io::Result<W>>,
}

impl<W: Write + Send + 'static> Crew<W> {
    fn new(output: W) -> io::Result<Self> {
        let workers = available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        let (jobs, waiting) = sync_channel(1);
        let (order, answers) = sync_channel(2 * workers);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..workers {
            let waiting = waiting.clone();
            thread::Builder::new().name("gzip".into()).spawn(move || work(&waiting))?;
        }
        let joiner = thread::Builder::new().name("gzip".into()).spawn(move || join(output, &answers))?;
        Ok(Self { jobs, order, joiner })
    }

    fn send(&self, job: Job) -> Result<(), Gone> {
        let (reply, answer) = sync_channel(1);
        self.order.send(answer).map_err(|_| Gone)?;
        self.jobs.send((job, reply)).map_err(|_| Gone)
    }

    fn finish(self) -> io::Result<W> {
        drop((self.jobs, self.order));
        self.joiner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn failure(self) -> io::Error {
        self.finish().err().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

fn work(waiting: &Mutex<Receiver<(Job, SyncSender<Answer>)>>) {
    loop {
        let next = waiting.lock().expect("no holder of this lock panics").recv();
        let Ok((job, reply)) = next else { return };
        // If nobody wants the answer any more, nobody gives another job either.
        let _ = reply.send(deflate(&job));
    }
}

fn join<W: Write>(output: W, answers: &Receiver<Receiver<Answer>>) -> io::Result<W> {
    let mut joiner = Joiner::new(output)?;
    for answer in answers {
        joiner.add(&answer.recv().map_err(|_| io::ErrorKind::BrokenPipe)??)?;
    }
    joiner.finish()
}

/// Writes header, blocks and trailer.
struct Joiner<W> {
    output: W,
    checksum: Crc,
}

impl<W: Write> Joiner<W> {
    fn new(mut output: W) -> io::Result<Self> {
        output.write_all(&HEADER)?;
        Ok(Self { output, checksum: Crc::new() })
    }

    fn add(&mut self, done: &Done) -> io::Result<()> {
        self.checksum.combine(&done.checksum);
        self.output.write_all(&done.deflated)
    }

    fn finish(mut self) -> io::Result<W> {
        self.output.write_all(&self.checksum.sum().to_le_bytes())?;
        self.output.write_all(&self.checksum.amount().to_le_bytes())?;
        Ok(self.output)
    }
}

fn deflate(job: &Job) -> Answer {
    // A compressor that is used again finds other matches than a new one, and the same content would get
    // another digest each time.
    let mut compress = Compress::new(Compression::default(), false);
    if !job.window.is_empty() {
        compress.set_dictionary(&job.window)?;
    }
    let flush = if job.is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut deflated = Vec::with_capacity(job.bytes.len() / 2 + 1024);
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX).min(job.bytes.len());
        let status = compress.compress_vec(&job.bytes[read..], &mut deflated, flush)?;
        let is_read = compress.total_in() == job.bytes.len() as u64;
        let is_flushed = deflated.len() < deflated.capacity() || status == Status::BufError;
        if status == Status::StreamEnd || (!job.is_last && is_read && is_flushed) {
            break;
        }
        deflated.reserve(BLOCK);
    }
    let mut checksum = Crc::new();
    checksum.update(&job.bytes);
    Ok(Done { deflated, checksum })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn compressed(content: &[u8], step: usize) -> Vec<u8> {
        let mut gzip = Gzip::new(Vec::new());
        content.chunks(step).for_each(|chunk| gzip.write_all(chunk).unwrap());
        gzip.finish().unwrap()
    }

    fn unpacked(compressed: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        // A reader of one member only: there must be no second.
        let mut decoder = flate2::bufread::GzDecoder::new(compressed);
        decoder.read_to_end(&mut content).unwrap();
        assert!(decoder.into_inner().is_empty());
        content
    }

    /// Text that compresses somewhat, as long as wanted.
    fn text(length: usize) -> Vec<u8> {
        let words = (0_u64..).map(|number| format!("{} ", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40));
        words.flat_map(String::into_bytes).take(length).collect()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 77] {
            let content = text(length);
            let whole = compressed(&content, usize::MAX);
            assert!(unpacked(&whole) == content, "{length}");
            assert!(compressed(&content, 1000) == whole, "{length}");
        }
    }

    #[test]
    fn what_does_not_compress_comes_back_too() {
        let mut content = Vec::new();
        let mut state = 1_u64;
        while content.len() < 3 * BLOCK {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            content.extend_from_slice(&state.to_be_bytes()[..4]);
        }
        let packed = compressed(&content, 4096);
        assert!(packed.len() > content.len() && packed.len() < content.len() + 1024);
        assert!(unpacked(&packed) == content);
    }

    #[test]
    fn blocks_know_what_came_before_them() {
        let unique = text(WINDOW - 1000);
        let content = unique.repeat(40);
        let packed = compressed(&content, BLOCK);
        assert!(packed.len() < 2 * compressed(&unique, BLOCK).len(), "{}", packed.len());
    }

    #[test]
    fn a_failure_of_the_output_is_reported() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for room in [0, 10, 1000, BLOCK] {
            let mut gzip = Gzip::new(Full(room));
            let content = text(40 * BLOCK);
            let failure = gzip.write_all(&content).err().unwrap_or_else(|| gzip.finish().err().unwrap());
            assert_eq!(failure.kind(), io::ErrorKind::StorageFull, "{room}");
        }
    }
}
