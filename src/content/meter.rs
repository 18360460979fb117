//! Budgets of one file: shared by everything that is unpacked from it.

use std::{
    cell::{Cell, RefCell},
    io::{self, Read},
    rc::Rc,
};

use super::{Limits, hashing::Hashing};

/// What one file's containers may still do, and what became of its reader.
pub(super) struct Meter {
    limits: Limits,
    read: Cell<u64>,
    unpacked: Cell<u64>,
    members: Cell<u64>,
    exhausted: Cell<Option<&'static str>>,
    failure: RefCell<Option<io::Error>>,
    /// Hashes of the outermost bytes, while somebody wants them.
    pub(super) hashing: RefCell<Option<Hashing>>,
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Rc<Self> {
        Rc::new(Self {
            limits,
            read: Cell::new(0),
            unpacked: Cell::new(0),
            members: Cell::new(0),
            exhausted: Cell::new(None),
            failure: RefCell::new(None),
            hashing: RefCell::new(None),
        })
    }

    /// Counts one member of a container.
    pub(super) fn member(&self) -> io::Result<()> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > self.limits.members {
            return Err(self.exhaust("has more archive members than the budget of one file allows"));
        }
        Ok(())
    }

    /// Counts unpacked bytes.
    pub(super) fn unpacked(&self, count: usize) -> io::Result<()> {
        if self.exhausted.get().is_some() {
            return Err(stop());
        }
        let sum = self.unpacked.get().saturating_add(count as u64);
        self.unpacked.set(sum);
        if sum > self.limits.unpacked {
            return Err(self.exhaust("unpacks to more bytes than the budget of one file allows"));
        }
        let ratio = self.read.get().saturating_mul(self.limits.ratio);
        if sum > self.limits.ratio_floor && sum > ratio {
            return Err(self.exhaust("unpacks to many times its size, like a decompression bomb"));
        }
        Ok(())
    }

    fn exhaust(&self, reason: &'static str) -> io::Error {
        if self.exhausted.get().is_none() {
            self.exhausted.set(Some(reason));
        }
        stop()
    }

    /// The budget that ran out.
    pub(super) fn exhausted(&self) -> Option<&'static str> {
        self.exhausted.get()
    }

    /// Whether the file's own reader failed: then nothing else is worth a word.
    pub(super) fn failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// The failure of the file's own reader.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.failure.borrow_mut().take()
    }
}

fn stop() -> io::Error {
    io::Error::other("budget exhausted")
}

/// The file's own reader: counts, hashes where asked to, and keeps its error apart from those of damaged containers.
pub(super) struct Source<'r> {
    pub(super) reader: &'r mut dyn Read,
    pub(super) meter: Rc<Meter>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.meter.failed() {
            return Err(stop());
        }
        match self.reader.read(buffer) {
            Ok(count) => {
                self.meter.read.set(self.meter.read.get() + count as u64);
                if let Some(hashing) = self.meter.hashing.borrow_mut().as_mut() {
                    hashing.update(buffer.get(..count).unwrap_or_default());
                }
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                *self.meter.failure.borrow_mut() = Some(error);
                Err(stop())
            }
        }
    }
}

/// A decompressor's output, counted.
pub(super) struct Unpacked<R> {
    pub(super) reader: R,
    pub(super) meter: Rc<Meter>,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.meter.unpacked(count)?;
        Ok(count)
    }
}
