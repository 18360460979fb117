//! Zip archives (jar, war, whl, nupkg, docx, apk of Android), read front to back by their local headers, so that no byte is
//! left out and nothing is held in memory; what the central directory says is compared at the end. Programs believe the one or
//! the other: members that differ are read as the directory describes them, too, where the archive is small enough to be kept.
//!
//! PKWARE APPNOTE.TXT 6.3.10: sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.3.12 (central directory),
//! 4.3.16 (end record), 4.5.3 (zip64 extra field).

use std::{
    cell::RefCell,
    io::{self, Read},
};

use super::{
    meter::Unpacked,
    peek::{Inflate, Peek, Until},
    tar::damaged,
    walk::{SMALL, Walk, fill},
};

pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
/// Bytes of the central directory that are held in memory to be compared.
const DIRECTORY: usize = 8 << 20;
/// Members that are remembered to be compared.
const REMEMBERED: usize = 100_000;

/// What a local header says.
struct Header {
    flags: u16,
    method: u16,
    packed: u64,
    name: String,
}

impl Header {
    fn encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The sizes follow the data.
    fn streamed(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// Scans every member and everything between them.
pub(super) fn zip(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let kept = RefCell::new(Kept { bytes: walk.pool.archive(), whole: true });
    let result = members(walk, name, reader, &kept);
    walk.pool.give_archive(kept.into_inner().bytes);
    result
}

fn members(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read, kept: &RefCell<Kept>) -> io::Result<()> {
    let mut keeping = Keeping { reader, kept };
    let mut source = Peek::new(&mut keeping);
    let mut seen = Vec::new();
    loop {
        let offset = source.offset();
        let ahead = source.ahead(30)?;
        match ahead.get(..4) {
            None if ahead.is_empty() => return Ok(()),
            Some(LOCAL) => {
                let header = local_header(&mut source)?;
                if seen.len() < REMEMBERED {
                    seen.push((offset, header.method));
                }
                walk.meter.member()?;
                if !header.name.ends_with('/') || header.packed > 0 {
                    let step = header.name.clone();
                    walk.within(&step, |walk| member(walk, &mut source, &header))?;
                }
            }
            Some(CENTRAL | END) => {
                let start = source.offset();
                let mut tail = walk.pool.archive();
                let result = fill(&mut source, &mut tail, 0, DIRECTORY).and_then(|filled| {
                    let tail = tail.get(..filled).unwrap_or_default();
                    let archive = kept.take();
                    compare(walk, &differing(tail, start, &seen), &archive);
                    walk.pool.give_archive(archive.bytes);
                    // Names, comments, extra fields, and what follows the archive. A second archive may follow, too.
                    walk.raw(name, &mut tail.chain(&mut source))
                });
                walk.pool.give_archive(tail);
                return result;
            }
            _ => {
                let mut between = Until { source: &mut source, stop: |ahead: &[u8], _| begins(ahead), count: 0 };
                walk.raw(name, &mut between)?;
                io::copy(&mut between, &mut io::sink())?;
            }
        }
    }
}

/// Reads the members that the directory describes in another way than the body does, where the archive is in memory.
fn compare(walk: &mut Walk<'_>, differing: &Option<Vec<Listed>>, kept: &Kept) {
    let read = differing.as_ref().is_some_and(|differing| {
        differing.is_empty() || (kept.whole && differing.iter().all(|member| by_directory(walk, member, &kept.bytes)))
    });
    if !read {
        walk.gap("the archive's directory names members that differ from those in its body".to_owned(), None);
    }
}

/// Whether a member or the directory begins here.
fn begins(ahead: &[u8]) -> bool {
    plausible_local(ahead) || ahead.starts_with(CENTRAL) || ahead.starts_with(END)
}

/// A local header whose fields make sense: a version up to 6.3, a known method, a name.
fn plausible_local(ahead: &[u8]) -> bool {
    ahead.starts_with(LOCAL)
        && short(ahead, 4).is_some_and(|version| version & 0xff <= 63)
        && short(ahead, 8).is_some_and(|method| matches!(method, 0 | 8 | 9 | 12 | 14 | 93 | 95 | 98 | 99))
        && short(ahead, 26).is_some_and(|length| (1..4096).contains(&length))
}

/// A local header in bytes that are no archive so far: all that can be checked is right, so that a program that knows the format
/// is not taken for an archive.
pub(super) fn certain_local(ahead: &[u8]) -> bool {
    let name = short(ahead, 26).and_then(|length| ahead.get(30..30 + usize::from(length)));
    plausible_local(ahead)
        && short(ahead, 4).is_some_and(|version| (10..=63).contains(&version))
        && short(ahead, 6).is_some_and(|flags| flags & !0x080f == 0)
        && name.and_then(|name| std::str::from_utf8(name).ok()).is_some_and(|name| !name.chars().any(char::is_control))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes).map(u64::from)
}

fn long_long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

fn local_header(source: &mut Peek<'_>) -> io::Result<Header> {
    let fixed = source.ahead(30)?;
    let fields =
        (|| Some((short(fixed, 6)?, short(fixed, 8)?, long(fixed, 18)?, long(fixed, 22)?, short(fixed, 26)?, short(fixed, 28)?)))();
    let (flags, method, mut packed, size, name, extra) = fields.ok_or_else(|| damaged("the archive ends within a header"))?;
    source.consume(30);
    let mut text = Vec::new();
    let filled = fill(source, &mut text, 0, usize::from(name))?;
    let name = String::from_utf8_lossy(text.get(..filled).unwrap_or_default()).into_owned();
    let mut fields = Vec::new();
    let filled = fill(source, &mut fields, 0, usize::from(extra))?;
    if packed == 0xffff_ffff {
        packed = zip64_packed(fields.get(..filled).unwrap_or_default(), size == 0xffff_ffff).unwrap_or(packed);
    }
    Ok(Header { flags, method, packed, name })
}

/// The packed size of a zip64 extra field: the second number where the size is there, too.
fn zip64_packed(mut extra: &[u8], with_size: bool) -> Option<u64> {
    while let (Some(id), Some(length)) = (short(extra, 0), short(extra, 2)) {
        let body = extra.get(4..4 + usize::from(length))?;
        if id == 1 {
            return long_long(body, if with_size { 8 } else { 0 });
        }
        extra = extra.get(4 + usize::from(length)..)?;
    }
    None
}

/// Scans one member; the source stands behind it afterwards, unless the archive is damaged.
fn member(walk: &mut Walk<'_>, source: &mut Peek<'_>, header: &Header) -> io::Result<()> {
    let unknown = header.streamed() && header.packed == 0;
    if header.encrypted() || !matches!(header.method, 0 | 8 | 12 | 93 | 95) {
        let reason = if header.encrypted() { "is encrypted" } else { "is compressed by a method that cannot be read" };
        walk.gap(reason.to_owned(), (!unknown).then_some(header.packed));
        return if unknown { Ok(()) } else { ended(source.skip(header.packed)?) };
    }
    if header.method == 8 {
        return deflated(walk, source, header);
    }
    if unknown {
        let stop = |ahead: &[u8], count: u64| {
            ahead.starts_with(DESCRIPTOR) && (long(ahead, 8) == Some(count) || long_long(ahead, 8) == Some(count))
        };
        let mut content = Until { source, stop, count: 0 };
        walk.stream(&header.name, &mut content);
        io::copy(&mut content, &mut io::sink())?;
        return descriptor(source);
    }
    let mut content = source.take(header.packed);
    // The other methods announce themselves by their magic bytes, so they need no word here.
    walk.stream(&header.name, &mut content);
    io::copy(&mut content, &mut io::sink())?;
    let missing = content.limit();
    if header.streamed() {
        descriptor(source)?;
    }
    ended(missing)
}

fn ended(missing: u64) -> io::Result<()> {
    if missing > 0 { Err(damaged("the archive ends within a member")) } else { Ok(()) }
}

/// The stream itself says where it ends: a lying size hides nothing.
fn deflated(walk: &mut Walk<'_>, source: &mut Peek<'_>, header: &Header) -> io::Result<()> {
    let start = source.offset();
    let state = walk.pool.inflater();
    let inflate = Inflate { source, state, done: false };
    let mut content = Unpacked { reader: inflate, meter: walk.meter.clone() };
    walk.stream(&header.name, &mut content);
    let drained = io::copy(&mut content, &mut io::sink());
    let Inflate { source, state, .. } = content.reader;
    walk.pool.give_inflater(state);
    let read = source.offset() - start;
    if drained.is_err() && walk.meter.exhausted().is_none() && header.packed >= read && !(header.streamed() && header.packed == 0) {
        // Only this member is broken (said by whoever read it): go on behind it.
        return ended(source.skip(header.packed - read)?);
    }
    drained?;
    if header.streamed() { descriptor(source) } else { ended(source.skip(header.packed.saturating_sub(read))?) }
}

/// Skips a data descriptor of any of its four shapes.
fn descriptor(source: &mut Peek<'_>) -> io::Result<()> {
    let ahead = source.ahead(28)?;
    let signed = ahead.starts_with(DESCRIPTOR);
    let lengths = if signed { [16, 24] } else { [12, 20] };
    let next = |length: &usize| ahead.get(*length..).is_some_and(|rest| rest.starts_with(b"PK"));
    let length = lengths.iter().find(|length| next(length)).copied().unwrap_or(if signed { 16 } else { 0 });
    source.consume(length);
    Ok(())
}

/// An archive's bytes so far.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Whether these are all; otherwise there are none.
    whole: bool,
}

/// Keeps what passes, up to [`SMALL`] bytes; more is not kept at all.
struct Keeping<'r> {
    reader: &'r mut dyn Read,
    kept: &'r RefCell<Kept>,
}

impl Read for Keeping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let mut kept = self.kept.borrow_mut();
        if kept.bytes.len() + count > SMALL {
            kept.whole = false;
            kept.bytes.clear();
        }
        if kept.whole {
            kept.bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

/// A member as the central directory describes it.
struct Listed {
    offset: u64,
    flags: u16,
    method: u16,
    packed: u64,
    name: String,
}

/// The members of the central directory whose local header was not met, or was met with another method. `None` where the directory
/// is damaged.
fn differing(directory: &[u8], start: u64, seen: &[(u64, u16)]) -> Option<Vec<Listed>> {
    let Some(end) = memchr::memmem::rfind(directory, END) else { return Some(Vec::new()) };
    let declared = directory.get(end..).and_then(|record| long(record, 16)).unwrap_or(0xffff_ffff);
    let as_it_stands = || listed(directory, 0, seen);
    if declared == 0xffff_ffff {
        return as_it_stands();
    }
    // Data in front of the archive moves all offsets: back where they count from the archive's start and the file is larger, and
    // forth where they count from the file's start (`python -m zipapp`) and only the archive is read here.
    let moved = listed(directory, start.wrapping_sub(declared), seen);
    match moved {
        Some(differing) if declared > start && !differing.is_empty() => as_it_stands(),
        moved => moved,
    }
}

/// The same for offsets that are moved by `shift`, which may be below zero.
fn listed(directory: &[u8], shift: u64, seen: &[(u64, u16)]) -> Option<Vec<Listed>> {
    let mut differing = Vec::new();
    let mut rest = directory;
    while rest.starts_with(CENTRAL) {
        let (flags, method, packed) = (short(rest, 8)?, short(rest, 10)?, long(rest, 20)?);
        let (name, extra, comment) = (usize::from(short(rest, 28)?), usize::from(short(rest, 30)?), usize::from(short(rest, 32)?));
        let offset = long(rest, 42)?;
        if offset != 0xffff_ffff && seen.len() < REMEMBERED {
            let offset = offset.wrapping_add(shift);
            let at = seen.binary_search_by_key(&offset, |entry| entry.0);
            if at.ok().and_then(|at| seen.get(at)).is_none_or(|entry| entry.1 != method) {
                let name = String::from_utf8_lossy(rest.get(46..46 + name).unwrap_or_default()).into_owned();
                differing.push(Listed { offset, flags, method, packed, name });
            }
        }
        rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
    }
    Some(differing)
}

/// Reads a member of an archive that is in memory as its directory describes it; whether it could be read.
fn by_directory(walk: &mut Walk<'_>, member: &Listed, archive: &[u8]) -> bool {
    let content = (|| {
        let local = archive.get(usize::try_from(member.offset).ok()?..).filter(|local| local.starts_with(LOCAL))?;
        let content = local.get(30 + usize::from(short(local, 26)?) + usize::from(short(local, 28)?)..)?;
        content.get(..usize::try_from(member.packed).ok()?)
    })();
    let Some(content) = content.filter(|_| member.flags & 1 == 0 && walk.meter.member().is_ok()) else { return false };
    let meter = walk.meter.clone();
    match member.method {
        // Counted like unpacked bytes: any number of members may share theirs.
        0 => walk.within(&member.name, |walk| walk.stream(&member.name, &mut Unpacked { reader: content, meter })),
        8 => {
            let mut content = Unpacked { reader: flate2::bufread::DeflateDecoder::new(content), meter };
            walk.within(&member.name, |walk| walk.stream(&member.name, &mut content));
        }
        _ => return false,
    }
    true
}
