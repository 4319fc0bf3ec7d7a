//! A file that is read while it is written, so that what is made of it is ready soon after it is whole.

use std::{
    fs::File,
    io::{self, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use super::read_at;

/// How far a file has been written.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    file: Option<Arc<File>>,
    written: u64,
    /// Set once nothing more will be written: is the file whole and genuine?
    outcome: Option<bool>,
}

impl Growth {
    /// A file is about to be written; so much of it is there already. A second file ends the reading of the
    /// first: what was read of that was wrong.
    pub(super) fn begin(&self, file: &File, written: u64) -> io::Result<()> {
        let file = Arc::new(file.try_clone()?);
        self.change(|state| match state.file {
            None => *state = State { file: Some(file), written, outcome: state.outcome },
            Some(_) => state.outcome = Some(false),
        });
        Ok(())
    }

    /// So much has been written.
    pub(super) fn advance(&self, written: u64) {
        self.change(|state| state.written = state.written.max(written));
    }

    /// Nothing more will be written. What was said first counts.
    pub(crate) fn end(&self, is_whole: bool) {
        self.change(|state| state.outcome = state.outcome.or(Some(is_whole)));
    }

    /// Was a second file begun, so that the reading of the first has ended?
    pub(crate) fn has_broken(&self) -> bool {
        self.state().outcome == Some(false)
    }

    /// Bytes that have been written so far.
    pub(crate) fn written(&self) -> u64 {
        self.state().written
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// Waits until there is something behind a position; `None` at the end of a whole file.
    fn wait(&self, position: u64) -> io::Result<Option<(Arc<File>, u64)>> {
        let mut state = self.state();
        loop {
            match (&state.file, state.outcome) {
                (_, Some(false)) => return Err(io::Error::other("the content did not arrive whole")),
                (Some(file), _) if state.written > position => {
                    return Ok(Some((file.clone(), state.written)));
                }
                (_, Some(true)) => return Ok(None),
                _ => {}
            }
            state = self.changed.wait(state).expect("no holder of this lock panics");
        }
    }
}

/// Ends the growth of a file when it goes away, so that nobody waits for what never comes.
pub(crate) struct EndOfGrowth(pub(crate) Arc<Growth>);

impl Drop for EndOfGrowth {
    fn drop(&mut self) {
        self.0.end(false);
    }
}

/// Reads a growing file from its beginning. Its end is only reached when the file is whole and genuine.
pub(crate) struct Follower {
    growth: Arc<Growth>,
    position: u64,
}

impl Follower {
    pub(crate) fn new(growth: Arc<Growth>) -> Self {
        Self { growth, position: 0 }
    }
}

impl Read for Follower {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some((file, written)) = self.growth.wait(self.position)? else { return Ok(0) };
        let there = usize::try_from(written - self.position).unwrap_or(usize::MAX).min(bytes.len());
        let count = read_at(&file, &mut bytes[..there], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, thread};

    use super::*;

    fn follow(growth: &Arc<Growth>) -> thread::JoinHandle<io::Result<Vec<u8>>> {
        let mut follower = Follower::new(growth.clone());
        thread::spawn(move || {
            let mut content = Vec::new();
            follower.read_to_end(&mut content).map(|_| content)
        })
    }

    #[test]
    fn what_is_written_is_read_and_the_end_waits_for_the_verdict() {
        let growth = Arc::new(Growth::default());
        let reading = follow(&growth);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"he").unwrap();
        growth.begin(&file, 2).unwrap();
        for (index, byte) in b"llo".iter().enumerate() {
            file.write_all(&[*byte]).unwrap();
            growth.advance(3 + index as u64);
        }
        growth.end(true);
        growth.end(false);
        assert_eq!(reading.join().unwrap().unwrap(), b"hello");
    }

    #[test]
    fn a_file_that_is_given_up_or_begun_again_fails() {
        for begins_again in [false, true] {
            let growth = Arc::new(Growth::default());
            let reading = follow(&growth);
            let file = tempfile::tempfile().unwrap();
            growth.begin(&file, 0).unwrap();
            if begins_again {
                growth.begin(&file, 0).unwrap()
            } else {
                growth.end(false)
            }
            assert!(reading.join().unwrap().is_err());
        }
    }
}
