//! One file's bytes to matches: recognises what the bytes are (text, archive, compressed stream, database, git object,
//! binary), goes in to a depth with budgets, and hands text to the engine. Knows nothing of images.

mod ar;
mod compressed;
mod cpio;
mod der;
mod encoded;
mod git;
mod hashing;
mod jks;
mod keystore;
mod meter;
mod names;
mod once;
mod pdf;
mod peek;
mod pkcs12;
mod plain;
mod pool;
mod rpm;
mod sniff;
mod sqlite;
mod tar;
mod utf16;
mod walk;
mod zip;

#[cfg(feature = "image")]
pub(crate) use git::{Loose, Origins, may_be as may_be_loose};
pub(crate) use sqlite::blobs as sqlite_blobs;

use std::{
    io::{self, Read},
    rc::Rc,
    sync::Arc,
};

use self::git::Origin;
use crate::detect::{Engine, Hint, Match, Scratch, public::Certificate};

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
    /// Hashes of the whole file, where something was found in it and they are known: what a package database can prove
    /// (see package provenance). Called at most once a file, after all of its findings. Callers that know no packages
    /// need none.
    fn hashes(&mut self, hashes: ContentHashes) {
        let _ = hashes;
    }
    /// A certificate: no finding, but it tells whom a private key elsewhere speaks for.
    fn certificate(&mut self, certificate: Certificate) {
        let _ = certificate;
    }
}

/// Hashes of a whole file, as package databases record them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHashes {
    /// dpkg's `md5sums`, old rpm databases.
    pub md5: [u8; 16],
    /// apk's `installed`. `None` for containers over 1 MiB.
    pub sha1: Option<[u8; 20]>,
    /// rpm databases, pip's `RECORD`. `None` for containers over 1 MiB.
    pub sha256: Option<[u8; 32]>,
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
    /// Unpacked bytes for each byte of the file itself, once [`Limits::ratio_floor`] is passed.
    pub ratio: u64,
    /// Unpacked bytes up to which the ratio is not asked for.
    pub ratio_floor: u64,
    /// Bytes of one text that are held in memory at a time; longer ones are scanned in overlapping windows.
    pub window: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 6, unpacked: 8 << 30, members: 1_000_000, ratio: 250, ratio_floor: 256 << 20, window: 1 << 20 }
    }
}

/// Scans files; one per worker thread, buffers are reused.
pub struct Scanner {
    engine: Arc<Engine>,
    scratch: Scratch,
    limits: Limits,
    pool: pool::Pool,
}

impl Scanner {
    /// With the given rules and budgets.
    pub fn new(engine: Arc<Engine>, limits: Limits) -> Self {
        Self { engine, scratch: Scratch::default(), limits, pool: pool::Pool::default() }
    }

    /// Forgets how much work came before: to be called where a layer begins, or whatever else has a report of its own that must not
    /// depend on what this scanner scanned before.
    pub fn begin(&mut self) {
        self.scratch.begin();
    }

    /// Scans one file. `path` is its path in the layer; `size` as the tar header says, a hint only.
    ///
    /// # Errors
    /// Only those of `reader` itself. Damaged containers are gaps.
    pub fn scan(&mut self, path: &str, size: Option<u64>, reader: &mut dyn Read, sink: &mut dyn Sink) -> io::Result<()> {
        self.scan_from(None, path, size, reader, sink)
    }

    /// The same of what may come from elsewhere: a loose object of git from a commit.
    pub(crate) fn scan_from(
        &mut self,
        origin: Option<&Origin>,
        path: &str,
        size: Option<u64>,
        reader: &mut dyn Read,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        let meter = meter::Meter::new(self.limits);
        let mut walk = walk::Walk {
            engine: &self.engine,
            scratch: &mut self.scratch,
            pool: &mut self.pool,
            limits: self.limits,
            sink,
            meter: meter.clone(),
            inner: Vec::new(),
            depth: 0,
            origin,
            path,
            size,
            large: Rc::default(),
            found: false,
            budget_reported: false,
        };
        walk.file(&mut meter::Source { reader, meter: meter.clone() });
        meter.take_failure().map_or(Ok(()), Err)
    }

    /// Scans a text that is not a file: a variable's value, a label, a file's name.
    pub fn scan_text(&mut self, text: &[u8], hint: &Hint<'_>, sink: &mut dyn Sink) {
        self.engine.find(text, hint, &mut self.scratch, &mut |matched| {
            let inner = matched.inner.clone();
            sink.found(Found { matched, line: None, column: None, inner });
        });
        for reason in self.scratch.gaps() {
            sink.uncovered(Uncovered { inner: Vec::new(), reason: (*reason).to_owned(), bytes: None });
        }
        self.scratch.certificates().for_each(|certificate| sink.certificate(certificate));
    }
}

#[cfg(test)]
mod tests;
