//! One file, from the outside in: what it is, and what to do with it.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Found, Limits, Sink, Uncovered, ar, compressed, cpio, der, git, hashing, keystore,
    meter::Meter,
    pdf,
    pool::Pool,
    rpm,
    sniff::{self, Kind},
    sqlite, tar, zip,
};
use crate::detect::{Engine, Match, Scratch};

/// First bytes that are read of every file: most files end within.
const FIRST: usize = 64 << 10;

/// Bytes that a container may hold in memory without asking: see [`Walk::large`].
pub(super) const SMALL: usize = 1 << 20;

/// Held by the one thread that holds a container in memory.
static LARGE: Mutex<()> = Mutex::new(());

/// Leave to hold a large container in memory, see [`Walk::large`].
pub(super) struct Large {
    held: Rc<Cell<bool>>,
    _guard: MutexGuard<'static, ()>,
}

impl Drop for Large {
    fn drop(&mut self) {
        self.held.set(false);
    }
}

/// The state of one file's scan.
pub(super) struct Walk<'a> {
    pub(super) engine: &'a Engine,
    pub(super) scratch: &'a mut Scratch,
    pub(super) pool: &'a mut Pool,
    pub(super) limits: Limits,
    pub(super) sink: &'a mut dyn Sink,
    pub(super) meter: Rc<Meter>,
    /// The way in.
    pub(super) inner: Vec<String>,
    /// Containers around the current bytes.
    pub(super) depth: u32,
    /// Where the outermost file comes from, if it is a blob of git of which that is known.
    pub(super) origin: Option<&'a git::Origin>,
    /// Path of the outermost file: only it can belong to a package.
    pub(super) path: &'a str,
    /// Its size, as far as it is known.
    pub(super) size: Option<u64>,
    /// Whether this thread has a large container in memory.
    pub(super) large: Rc<Cell<bool>>,
    /// Whether anything was found.
    pub(super) found: bool,
    /// Whether the last gap was the exhausted budget.
    pub(super) budget_reported: bool,
}

impl Walk<'_> {
    /// Scans the outermost file.
    pub(super) fn file(&mut self, reader: &mut dyn Read) {
        let name = self.path;
        self.stream(name, reader);
        if !self.found {
            return;
        }
        let hashing = self.meter.hashing.borrow_mut().take();
        if let (Some(hashing), false) = (hashing, self.meter.failed()) {
            // A container's reader may stop before the end; the hash is of all bytes.
            let mut hashing = hashing;
            if self.drain(reader, &mut hashing).is_ok() {
                self.sink.hashes(hashing.finish());
            }
        }
    }

    fn drain(&mut self, reader: &mut dyn Read, hashing: &mut hashing::Hashing) -> io::Result<()> {
        let mut buffer = self.pool.head();
        let result = loop {
            match fill(reader, &mut buffer, 0, FIRST) {
                Ok(0) => break Ok(()),
                Ok(count) => hashing.update(buffer.get(..count).unwrap_or_default()),
                Err(error) => break Err(error),
            }
        };
        self.pool.give_head(buffer);
        result
    }

    /// Scans bytes of which nothing is known but a name. Whatever goes wrong is a gap.
    pub(super) fn stream(&mut self, name: &str, reader: &mut dyn Read) {
        let mut head = self.pool.head();
        if let Err(error) = self.sniffed(name, &mut head, reader) {
            self.failed(&error);
        }
        self.pool.give_head(head);
    }

    /// Scans bytes that are in memory.
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        let kind = sniff::sniff_far(bytes);
        let mut rest = io::empty();
        let result = match kind {
            Kind::Text | Kind::Binary => self.plain(name, bytes, true, kind == Kind::Binary, &mut rest),
            _ => self.enter(kind, name, bytes, &mut rest),
        };
        if let Err(error) = result {
            self.failed(&error);
        }
    }

    fn sniffed(&mut self, name: &str, head: &mut Vec<u8>, reader: &mut dyn Read) -> io::Result<()> {
        let count = fill(reader, head, 0, FIRST)?;
        let whole = count < FIRST;
        let head = head.get(..count).unwrap_or_default();
        let kind = sniff::sniff_far(head);
        let outermost = self.inner.is_empty() && self.depth == 0;
        match kind {
            Kind::Text | Kind::Binary => {
                let before = self.found;
                self.plain(name, head, whole, kind == Kind::Binary, reader)?;
                if outermost && whole && self.found && !before {
                    self.sink.hashes(hashing::of(head));
                }
                Ok(())
            }
            _ => {
                let packaged = outermost && hashing::packaged_path(self.path);
                if packaged && !whole {
                    let mut hashing = hashing::Hashing::new(self.size);
                    hashing.update(head);
                    *self.meter.hashing.borrow_mut() = Some(hashing);
                }
                self.enter(kind, name, head, reader)?;
                if packaged && whole && self.found {
                    self.sink.hashes(hashing::of(head));
                }
                Ok(())
            }
        }
    }

    /// Goes into a container; `head` is what was read of it already.
    pub(super) fn enter(&mut self, kind: Kind, name: &str, head: &[u8], reader: &mut dyn Read) -> io::Result<()> {
        if self.depth >= self.limits.depth {
            self.gap("is nested deeper than the limit allows".to_owned(), None);
            return self.plain(name, head, false, true, reader);
        }
        self.depth += 1;
        let mut all = head.chain(reader);
        let result = match kind {
            Kind::Text | Kind::Binary => Ok(()),
            Kind::Utf16 { big_endian } => self.utf16(name, big_endian, &mut all),
            Kind::Gzip => compressed::gzip(self, name, &mut all),
            Kind::Bzip2 => compressed::bzip2(self, name, &mut all),
            Kind::Xz => compressed::xz(self, name, &mut all),
            Kind::Lzma => compressed::lzma(self, name, &mut all),
            Kind::Zstd => compressed::zstd(self, name, &mut all),
            Kind::Zlib => compressed::zlib(self, name, head, &mut all),
            Kind::Tar => tar::tar(self, &mut all),
            Kind::Zip => zip::zip(self, name, &mut all),
            Kind::Ar => ar::ar(self, &mut all),
            Kind::Cpio => cpio::cpio(self, &mut all),
            Kind::Rpm => rpm::rpm(self, name, &mut all),
            Kind::Pack => git::pack(self, &mut all),
            Kind::Bundle => git::bundle(self, &mut all),
            Kind::Sqlite => sqlite::sqlite(self, name, &mut all),
            Kind::Pdf => pdf::pdf(self, name, &mut all),
            Kind::Pkcs12 => keystore::pkcs12(self, name, &mut all),
            Kind::Jks => keystore::java(self, name, &mut all),
            Kind::Der(label) => der::der(self, name, label, &mut all),
            Kind::Unread(format) => {
                self.gap(format!("{format} archives cannot be read"), None);
                self.raw(name, &mut all)
            }
        };
        self.depth -= 1;
        if let Err(error) = &result {
            self.failed(error);
            // What follows the damage, or was no container in the first place.
            return self.raw(name, &mut all);
        }
        Ok(())
    }

    /// To be held while more than [`SMALL`] bytes of a container are in memory: only one thread at a time does so, which
    /// bounds the process's memory whatever the number of threads. `None`: this thread does so already, further out.
    pub(super) fn large(&mut self) -> Option<Large> {
        if self.large.replace(true) {
            return None;
        }
        Some(Large { held: self.large.clone(), _guard: LARGE.lock().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Scans bytes as they are, as a binary.
    pub(super) fn raw(&mut self, name: &str, reader: &mut dyn Read) -> io::Result<()> {
        let mut head = self.pool.head();
        let result = fill(reader, &mut head, 0, FIRST)
            .and_then(|count| self.plain(name, head.get(..count).unwrap_or_default(), count < FIRST, true, reader));
        self.pool.give_head(head);
        result
    }

    /// Runs `scan` with one more step in the way in.
    pub(super) fn within<T>(&mut self, step: &str, scan: impl FnOnce(&mut Self) -> T) -> T {
        self.inner.push(step.to_owned());
        let result = scan(self);
        self.inner.pop();
        result
    }

    /// Hands on what the engine found.
    pub(super) fn report(sink: &mut dyn Sink, inner: &[String], matched: Match, line: Option<u32>, column: Option<u32>) {
        let inner = inner.iter().chain(&matched.inner).cloned().collect();
        sink.found(Found { matched, line, column, inner });
    }

    /// A gap in coverage at the current place.
    pub(super) fn gap(&mut self, reason: String, bytes: Option<u64>) {
        if !self.meter.failed() {
            self.sink.uncovered(Uncovered { inner: self.inner.clone(), reason, bytes });
        }
    }

    /// A container could not be read to its end.
    pub(super) fn failed(&mut self, error: &io::Error) {
        match self.meter.exhausted() {
            // Every container around fails of the same cause: said once.
            Some(_) if self.budget_reported => {}
            Some(reason) => {
                self.budget_reported = true;
                self.gap(reason.to_owned(), None);
            }
            None => self.gap(format!("is damaged: {error}"), None),
        }
    }
}

/// Reads into `buffer[from..to]` until it is full or the end is reached; returns the filled length. Grows the buffer as
/// bytes come, never because a header says so.
pub(super) fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, from: usize, to: usize) -> io::Result<usize> {
    let mut at = from;
    while at < to {
        if buffer.len() <= at {
            // No more than was asked for: the names of an archive's members are read like this, too.
            let grown = buffer.len().saturating_mul(2).clamp(FIRST.min(to), to.max(FIRST));
            buffer.resize(grown, 0);
        }
        let end = buffer.len().min(to);
        let Some(room) = buffer.get_mut(at..end) else { break };
        match reader.read(room) {
            Ok(0) => break,
            Ok(count) => at += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}
