//! A reader that can be looked into before it is read, and what ends within it.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

const BUFFER: usize = 32 << 10;

/// Buffers `reader`. Its own [`Read`] drains the buffer first.
pub(super) struct Peek<'r> {
    reader: &'r mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
}

impl<'r> Peek<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        Self { reader, buffer: vec![0; BUFFER], start: 0, end: 0, offset: 0, ended: false }
    }

    /// Bytes consumed so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What comes next: at least `count` bytes (at most 16 KiB), fewer only at the end.
    pub(super) fn ahead(&mut self, count: usize) -> io::Result<&[u8]> {
        let count = count.min(BUFFER / 2);
        if self.end - self.start < count && !self.ended {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < count && !self.ended {
                let Some(room) = self.buffer.get_mut(self.end..) else { break };
                match self.reader.read(room) {
                    Ok(0) => self.ended = true,
                    Ok(read) => self.end += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    /// Moves on; at most over what was looked at.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Moves on by any number of bytes; returns how many never came.
    pub(super) fn skip(&mut self, mut count: u64) -> io::Result<u64> {
        while count > 0 {
            let ready = self.ahead(1)?.len() as u64;
            if ready == 0 {
                break;
            }
            let step = ready.min(count);
            self.consume(step as usize);
            count -= step;
        }
        Ok(count)
    }
}

impl Read for Peek<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.start == self.end && buffer.len() >= BUFFER && !self.ended {
            let count = self.reader.read(buffer)?;
            self.offset += count as u64;
            count
        } else {
            let ready = self.ahead(1)?;
            let count = ready.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
                to.copy_from_slice(from);
            }
            self.consume(count);
            count
        };
        Ok(count)
    }
}

/// One deflate stream within a [`Peek`], which stands right behind it at the end.
pub(super) struct Inflate<'p, 'r> {
    pub(super) source: &'p mut Peek<'r>,
    pub(super) state: Decompress,
    pub(super) done: bool,
}

impl Read for Inflate<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buffer.is_empty() {
            let input = self.source.ahead(1)?;
            let at_end = input.is_empty();
            let (read, made) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(input, buffer, FlushDecompress::None).map_err(io::Error::from)?;
            let (read, made) = (self.state.total_in() - read, self.state.total_out() - made);
            self.source.consume(read as usize);
            self.done = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made as usize);
            }
            if !self.done && at_end {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a compressed stream ends too early"));
            }
            if !self.done && read == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a compressed stream makes no progress"));
            }
        }
        Ok(0)
    }
}

/// Bytes up to the next place where `stop` says so; it is asked at each `P`, with up to 32 bytes from there and the number of
/// bytes before it.
pub(super) struct Until<'p, 'r, F> {
    pub(super) source: &'p mut Peek<'r>,
    pub(super) stop: F,
    pub(super) count: u64,
}

impl<F: FnMut(&[u8], u64) -> bool> Read for Until<'_, '_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const LOOK: usize = 32;
        let ready = self.source.ahead(LOOK)?;
        let all = ready.len() < LOOK;
        let mut count = ready.len();
        for at in memchr::memchr_iter(b'P', ready) {
            if at + LOOK > ready.len() && !all {
                count = at;
                break;
            }
            let seen = ready.get(at..ready.len().min(at + LOOK)).unwrap_or_default();
            if (self.stop)(seen, self.count + at as u64) {
                count = at;
                break;
            }
        }
        let count = count.min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.source.consume(count);
        self.count += count as u64;
        Ok(count)
    }
}
