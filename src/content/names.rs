//! Names of an archive's members: credentials stand there, too. They are collected and scanned many at a time, since a call of the
//! engine for each short name would cost more than its bytes do.

use std::io;

use super::walk::Walk;

/// Bytes of names that are scanned together.
const BATCH: usize = 64 << 10;

/// Names that were not scanned yet, one a line.
#[derive(Default)]
pub(super) struct Names {
    text: Vec<u8>,
    /// What the last member's other names were: the owners of all members are the same, most of the time.
    others: Vec<u8>,
}

impl Names {
    /// The name of a member.
    pub(super) fn add(&mut self, walk: &mut Walk<'_>, name: &[u8]) -> io::Result<()> {
        if !name.is_empty() {
            self.text.extend_from_slice(name);
            self.text.push(b'\n');
        }
        if self.text.len() >= BATCH { self.finish(walk) } else { Ok(()) }
    }

    /// A link's target, a member's owner and group.
    pub(super) fn add_others(&mut self, walk: &mut Walk<'_>, others: &[&[u8]]) -> io::Result<()> {
        let joined = others.join(&b'\n');
        if joined == self.others {
            return Ok(());
        }
        self.add(walk, &joined)?;
        self.others = joined;
        Ok(())
    }

    /// Scans what is left.
    pub(super) fn finish(&mut self, walk: &mut Walk<'_>) -> io::Result<()> {
        // As in a binary, only a value's own format counts: a path such as `secret=x/token` is no assignment.
        let text = std::mem::take(&mut self.text);
        if text.is_empty() { Ok(()) } else { walk.within("file name", |walk| walk.plain("", &text, true, true, &mut io::empty())) }
    }
}
