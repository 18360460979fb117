//! Decompression on a thread of its own, a few buffers ahead of the walk: an image of one large layer uses two cores.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

const BUFFER: usize = 128 << 10;
/// Buffers on their way; with the two in use this bounds the memory.
const AHEAD: usize = 4;

/// Runs `work` on a reader that is filled by another thread. What `work` leaves unread is not read.
pub fn read_ahead<T>(reader: impl Read + Send, work: impl FnOnce(&mut dyn Read) -> T) -> T {
    let (full, filled) = sync_channel(AHEAD);
    let (used, empty) = sync_channel(AHEAD + 2);
    thread::scope(|scope| {
        scope.spawn(move || fill(reader, &full, &empty));
        work(&mut Ahead { filled, used, current: Vec::new(), position: 0, ended: false })
    })
}

fn fill(mut reader: impl Read, full: &SyncSender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut buffer = empty.try_recv().unwrap_or_default();
        buffer.resize(BUFFER, 0);
        let mut length = 0;
        // A full buffer before it is handed on: a channel costs the same for one byte.
        let ended = loop {
            match reader.read(buffer.get_mut(length..).unwrap_or_default()) {
                Ok(0) => break length < BUFFER,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    buffer.truncate(length);
                    let _ = full.send(Ok(buffer)).and_then(|()| full.send(Err(error)));
                    return;
                }
            }
            if length == BUFFER {
                break false;
            }
        };
        buffer.truncate(length);
        // The receiver is gone when the walk has stopped.
        if full.send(Ok(buffer)).is_err() || ended {
            return;
        }
    }
}

struct Ahead {
    filled: Receiver<io::Result<Vec<u8>>>,
    used: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
    ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position >= self.current.len() && !self.ended {
            match self.filled.recv() {
                Ok(next) => {
                    let _ = self.used.try_send(std::mem::replace(&mut self.current, next?));
                    self.position = 0;
                }
                Err(_) => self.ended = true,
            }
        }
        let rest = self.current.get(self.position..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_errors_and_early_ends_pass_through() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut out = Vec::new();
        read_ahead(bytes.as_slice(), |reader| reader.read_to_end(&mut out)).expect("a slice does not fail");
        assert_eq!(out, bytes);

        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("broken off"))?;
                Ok(buffer.len().min(1000))
            }
        }
        let mut out = Vec::new();
        let error = read_ahead(Broken(3), |reader| reader.read_to_end(&mut out)).expect_err("it breaks");
        assert_eq!((error.to_string().as_str(), out.len()), ("broken off", 3000));

        let first = read_ahead(io::repeat(7), |reader| {
            let mut one = [0];
            reader.read_exact(&mut one).map(|()| one)
        });
        assert_eq!(first.expect("endless"), [7], "an endless reader ends with the work");
    }
}
