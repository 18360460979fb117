//! git's object store: loose objects and pack files. A credential that was "removed in the next commit" is in there.

mod history;
#[cfg(feature = "image")]
mod loose;
mod pack;
mod stream;

pub(crate) use self::history::Origin;
#[cfg(feature = "image")]
pub(crate) use self::loose::{Loose, Origins, may_be};

use std::io::{self, Read};

use super::{
    peek::{Peek, Until},
    walk::{Walk, fill},
};

/// Bytes of a pack that are held in memory, so that deltas can be resolved.
const PACK: usize = 24 << 20;
/// Objects of a pack that is held in memory.
const OBJECTS: usize = 250_000;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

/// Twelve digits are enough for `git cat-file`.
fn short(id: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(id.get(..6).unwrap_or(id))
}

/// Scans a pack file. A small one is read with all its history; of a larger one, deltas are read only as the fragments that they
/// add, which is a gap.
pub(super) fn pack(walk: &mut Walk<'_>, reader: &mut dyn Read) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut filled = fill(reader, &mut bytes, 0, super::walk::SMALL)?;
    let _large = (filled == super::walk::SMALL).then(|| walk.large());
    filled = if filled == super::walk::SMALL { fill(reader, &mut bytes, filled, PACK)? } else { filled };
    let head = bytes.get(..filled).unwrap_or_default();
    let count = head.get(8..12).and_then(|count| count.try_into().ok()).map_or(0, u32::from_be_bytes);
    if filled < PACK && (count as usize) < OBJECTS {
        return pack::scan(walk, head);
    }
    stream::scan(walk, &mut head.chain(reader))
}

/// Scans a bundle (git's `gitformat-bundle` manual page): lines of references, then a pack. What the pack's deltas have as a base outside
/// it, in a commit that the bundle requires, is a gap as it is in a pack.
pub(super) fn bundle(walk: &mut Walk<'_>, reader: &mut dyn Read) -> io::Result<()> {
    let mut source = Peek::new(reader);
    let mut header = Until { source: &mut source, stop: |ahead: &[u8], _| ahead.starts_with(b"PACK\0\0\0"), count: 0 };
    walk.raw("", &mut header)?;
    io::copy(&mut header, &mut io::sink())?;
    pack(walk, &mut source)
}

/// Scans what a zlib stream holds, if it is a loose object: `KIND SIZE\0CONTENT`. Its id is its path.
pub(super) fn loose(walk: &mut Walk<'_>, name: &str, probe: &[u8], unpacked: &mut dyn Read) -> Option<io::Result<()>> {
    let kind = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag]
        .into_iter()
        .find(|kind| probe.strip_prefix(kind.word().as_bytes()).is_some_and(|rest| rest.starts_with(b" ")))?;
    let header = memchr::memchr(0, probe)?;
    let digits = probe.get(kind.word().len() + 1..header)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(contents(walk, kind, name, header + 1, unpacked))
}

/// Runs `scan` with the commit, the object and its path as the way in.
fn within(walk: &mut Walk<'_>, origin: &Origin, step: &str, scan: impl FnOnce(&mut Walk<'_>)) {
    walk.within(&format!("git commit {}", short(&origin.commit)), |walk| walk.within(step, |walk| walk.within(&origin.path, scan)));
}

fn contents(walk: &mut Walk<'_>, kind: Kind, name: &str, header: usize, unpacked: &mut dyn Read) -> io::Result<()> {
    io::copy(&mut unpacked.take(header as u64), &mut io::sink())?;
    let mut parts = name.rsplit('/');
    let (rest, first) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let step = format!("git {} {first}{}", kind.word(), rest.get(..10).unwrap_or(rest));
    match walk.origin.filter(|_| kind == Kind::Blob) {
        Some(origin) => within(walk, origin, &step, |walk| walk.stream(&origin.path, unpacked)),
        None => walk.within(&step, |walk| walk.stream("", unpacked)),
    }
    Ok(())
}
