//! Buffers that are used again: fresh ones would have to be zeroed, which takes a good part of what reading
//! takes.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

/// Most buffers that are kept.
const KEPT: usize = 4;

/// Buffers of one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Pool {
    /// A buffer of at least this size; what is in it is left from before.
    pub(super) fn take(&self, size: usize) -> Vec<u8> {
        let mut free = self.free.lock().expect("no holder of this lock panics");
        let found = free.pop().filter(|buffer| buffer.len() >= size);
        found.unwrap_or_else(|| vec![0; size])
    }

    /// The beginning of a buffer as bytes; when nobody needs them any more it comes back.
    pub(super) fn lend(&self, buffer: Vec<u8>, filled: usize) -> Bytes {
        Bytes::from_owner(Lent { buffer, filled, pool: self.clone() })
    }
}

struct Lent {
    buffer: Vec<u8>,
    filled: usize,
    pool: Pool,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut free = self.pool.free.lock().expect("no holder of this lock panics");
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_bytes_are_gone() {
        let pool = Pool::default();
        let mut buffer = pool.take(4);
        buffer.copy_from_slice(b"abcd");
        let bytes = pool.lend(buffer, 3);
        let kept = bytes.slice(1..);
        drop(bytes);
        assert_eq!(pool.take(4), [0; 4]);
        assert_eq!(kept, "bc");
        drop(kept);
        assert_eq!(pool.take(4), b"abcd");
    }
}
