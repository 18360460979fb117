//! Buffers and decompressors that a thread reuses from file to file.

use flate2::Decompress;

use super::walk::SMALL;

/// What is kept between files.
#[derive(Default)]
pub(super) struct Pool {
    heads: Vec<Vec<u8>>,
    body: Vec<u8>,
    inflaters: Vec<Decompress>,
    archives: Vec<Vec<u8>>,
    /// For the path of a member behind that of the outermost file.
    pub(super) path: String,
}

impl Pool {
    /// A small buffer for a file's first bytes. Its content is of no meaning.
    pub(super) fn head(&mut self) -> Vec<u8> {
        self.heads.pop().unwrap_or_default()
    }

    pub(super) fn give_head(&mut self, buffer: Vec<u8>) {
        if self.heads.len() < 16 {
            self.heads.push(buffer);
        }
    }

    /// The one large buffer: only the innermost bytes are plain, so one is enough.
    pub(super) fn body(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.body)
    }

    pub(super) fn give_body(&mut self, buffer: Vec<u8>) {
        self.body = buffer;
    }

    /// An empty buffer for an archive, or a part of it, that is kept in memory.
    pub(super) fn archive(&mut self) -> Vec<u8> {
        self.archives.pop().unwrap_or_default()
    }

    pub(super) fn give_archive(&mut self, mut buffer: Vec<u8>) {
        // Those that few archives need are not kept.
        if self.archives.len() < 2 && (1..=SMALL).contains(&buffer.capacity()) {
            buffer.clear();
            self.archives.push(buffer);
        }
    }

    /// A raw deflate decompressor at its start.
    pub(super) fn inflater(&mut self) -> Decompress {
        match self.inflaters.pop() {
            Some(mut inflater) => {
                inflater.reset(false);
                inflater
            }
            None => Decompress::new(false),
        }
    }

    pub(super) fn give_inflater(&mut self, inflater: Decompress) {
        if self.inflaters.len() < 8 {
            self.inflaters.push(inflater);
        }
    }
}
