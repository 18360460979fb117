//! A pack that is in memory: every object is resolved. Format: git's `gitformat-pack` manual page, version 2 and 3.

use std::{
    collections::{HashMap, VecDeque},
    io,
    rc::Rc,
};

use flate2::{Decompress, FlushDecompress, Status};
use sha1::{Digest, Sha1};

use super::{Kind, history, short, within};
use crate::content::{meter::Meter, tar::damaged, walk::Walk};

/// Bytes of one object that is resolved in memory.
const OBJECT: usize = 8 << 20;
/// Resolved bases that are kept.
const CACHE: usize = 8 << 20;
/// Deltas upon deltas: what `git pack-objects --depth` allows at the most.
const CHAIN: usize = 4096;

pub(super) type Id = [u8; 20];

enum Base {
    None(Kind),
    Offset(u64),
    Id(Id),
}

struct Entry {
    offset: u64,
    /// Where its zlib stream begins.
    data: usize,
    base: Base,
}

/// An open pack.
pub(super) struct Pack<'b> {
    bytes: &'b [u8],
    entries: Vec<Entry>,
    ids: HashMap<Id, u32>,
    inflater: Decompress,
    cache: HashMap<u32, Rc<Vec<u8>>>,
    cached: VecDeque<u32>,
    cache_size: usize,
    meter: Rc<Meter>,
}

/// Scans all objects of a pack.
pub(super) fn scan(walk: &mut Walk<'_>, bytes: &[u8]) -> io::Result<()> {
    let mut pack = Pack {
        bytes,
        entries: Vec::new(),
        ids: HashMap::new(),
        inflater: Decompress::new(true),
        cache: HashMap::new(),
        cached: VecDeque::new(),
        cache_size: 0,
        meter: walk.meter.clone(),
    };
    // What was indexed before damage is scanned before the damage is said.
    let indexed = pack.index();
    let kinds = pack.kinds();
    let mut unresolved = 0u64;
    let mut commits = Vec::new();
    for kind in [Kind::Commit, Kind::Tag, Kind::Tree] {
        for entry in select(&kinds, Some(kind)) {
            let Some((id, content)) = pack.identified(entry, kind)? else {
                unresolved += 1;
                continue;
            };
            walk.meter.member()?;
            if kind == Kind::Commit {
                commits.extend(history::Commit::parse(id, &content));
            }
            let step = format!("git {} {}", kind.word(), short(&id));
            walk.within(&step, |walk| walk.plain("", &content, true, kind == Kind::Tree, &mut io::empty()))?;
        }
    }
    let mut room = history::PATHS;
    let origins = history::origins(&mut |id| pack.by_id(id), commits, &mut room)?;
    for kind in [Some(Kind::Blob), None] {
        for entry in select(&kinds, kind) {
            let Some((id, content)) = pack.identified(entry, kind.unwrap_or(Kind::Blob))? else {
                unresolved += 1;
                continue;
            };
            walk.meter.member()?;
            blob(walk, &id, origins.get(&id), &content);
        }
    }
    if unresolved > 0 {
        walk.gap(format!("{unresolved} objects of the pack are too large or have no base in it"), None);
    }
    indexed
}

fn blob(walk: &mut Walk<'_>, id: &Id, origin: Option<&history::Origin>, content: &[u8]) {
    let step = format!("git blob {}", short(id));
    match origin {
        Some(origin) => within(walk, origin, &step, |walk| walk.bytes(&origin.path, content)),
        None => walk.within(&step, |walk| walk.bytes("", content)),
    }
}

/// Indices of the entries of one kind.
fn select(kinds: &[Option<Kind>], wanted: Option<Kind>) -> impl Iterator<Item = u32> {
    (0u32..).zip(kinds).filter(move |(_, kind)| **kind == wanted).map(|(index, _)| index)
}

impl Pack<'_> {
    /// Finds where each object begins: only unpacking tells where one ends.
    fn index(&mut self) -> io::Result<()> {
        let declared = self.bytes.get(8..12).and_then(|count| count.try_into().ok()).map_or(0, u32::from_be_bytes);
        let mut at = 12;
        for _ in 0..declared {
            let (kind, data) = header(self.bytes, at).ok_or_else(|| damaged("an object's header is cut or wrong"))?;
            let base = match kind {
                1 => Base::None(Kind::Commit),
                2 => Base::None(Kind::Tree),
                3 => Base::None(Kind::Blob),
                4 => Base::None(Kind::Tag),
                6 | 7 => delta_base(self.bytes, at, data, kind).ok_or_else(|| damaged("a delta's base is cut or wrong"))?.0,
                _ => return Err(damaged("an object is of an unknown kind")),
            };
            let data = match kind {
                6 | 7 => delta_base(self.bytes, at, data, kind).map_or(data, |(_, data)| data),
                _ => data,
            };
            let input = self.bytes.get(data..).unwrap_or_default();
            self.inflater.reset(true);
            let length = measure(&mut self.inflater, input, &self.meter)?;
            self.entries.push(Entry { offset: at as u64, data, base });
            at = data + length;
        }
        Ok(())
    }

    /// The kind of each object; `None` where a base is named by its id.
    fn kinds(&self) -> Vec<Option<Kind>> {
        let mut kinds: Vec<Option<Kind>> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            // A base by offset stands before its delta.
            let kind = match entry.base {
                Base::None(kind) => Some(kind),
                Base::Offset(offset) => self.at(offset).and_then(|index| kinds.get(index as usize).copied().flatten()),
                Base::Id(_) => None,
            };
            kinds.push(kind);
        }
        kinds
    }

    fn at(&self, offset: u64) -> Option<u32> {
        self.entries.binary_search_by_key(&offset, |entry| entry.offset).ok().and_then(|index| u32::try_from(index).ok())
    }

    /// An object with its id; `None` where it cannot be resolved.
    fn identified(&mut self, index: u32, kind: Kind) -> io::Result<Option<(Id, Rc<Vec<u8>>)>> {
        let Some(content) = self.resolve(index)? else { return Ok(None) };
        let mut sha1 = Sha1::new();
        sha1.update(format!("{} {}\0", kind.word(), content.len()));
        sha1.update(content.as_slice());
        let id: Id = sha1.finalize().into();
        self.ids.insert(id, index);
        Ok(Some((id, content)))
    }

    /// An object by its id, if it was identified before.
    pub(super) fn by_id(&mut self, id: &Id) -> io::Result<Option<Rc<Vec<u8>>>> {
        match self.ids.get(id) {
            Some(index) => self.resolve(*index),
            None => Ok(None),
        }
    }

    /// Undoes the chain of deltas. Fails only when the budget is exhausted.
    fn resolve(&mut self, index: u32) -> io::Result<Option<Rc<Vec<u8>>>> {
        let mut chain = vec![index];
        let mut content = loop {
            let Some(last) = chain.last().copied() else { return Ok(None) };
            if let Some(known) = self.cache.get(&last) {
                chain.pop();
                break known.clone();
            }
            let Some(entry) = self.entries.get(last as usize) else { return Ok(None) };
            let base = match entry.base {
                Base::None(_) => {
                    chain.pop();
                    let Some(content) = self.inflate(last)? else { return Ok(None) };
                    let content = Rc::new(content);
                    self.remember(last, &content);
                    break content;
                }
                Base::Offset(offset) => self.at(offset).filter(|base| *base < last),
                Base::Id(id) => self.ids.get(&id).copied(),
            };
            // A cycle of ids is cut by the chain's limit.
            match base {
                Some(base) if chain.len() < CHAIN => chain.push(base),
                _ => return Ok(None),
            }
        };
        while let Some(next) = chain.pop() {
            let Some(delta) = self.inflate(next)? else { return Ok(None) };
            let Some(made) = apply(&content, &delta) else { return Ok(None) };
            self.meter.unpacked(made.len())?;
            content = Rc::new(made);
            self.remember(next, &content);
        }
        Ok(Some(content))
    }

    fn remember(&mut self, index: u32, content: &Rc<Vec<u8>>) {
        if content.len() > CACHE / 4 {
            return;
        }
        self.cache_size += content.len();
        self.cache.insert(index, content.clone());
        self.cached.push_back(index);
        while self.cache_size > CACHE
            && let Some(oldest) = self.cached.pop_front()
        {
            self.cache_size -= self.cache.remove(&oldest).map_or(0, |content| content.len());
        }
    }

    fn inflate(&mut self, index: u32) -> io::Result<Option<Vec<u8>>> {
        let Some(entry) = self.entries.get(index as usize) else { return Ok(None) };
        let mut input = self.bytes.get(entry.data..).unwrap_or_default();
        self.inflater.reset(true);
        let mut out = Vec::new();
        loop {
            out.reserve(16 << 10);
            let (read, made) = (self.inflater.total_in(), out.len());
            let status = self.inflater.decompress_vec(input, &mut out, FlushDecompress::None);
            input = input.get((self.inflater.total_in() - read) as usize..).unwrap_or_default();
            self.meter.unpacked(out.len() - made)?;
            match status {
                Ok(Status::StreamEnd) => return Ok(Some(out)),
                Ok(_) if out.len() <= OBJECT && (out.len() > made || self.inflater.total_in() > read) => {}
                _ => return Ok(None),
            }
        }
    }
}

/// How many bytes a zlib stream takes.
fn measure(inflater: &mut Decompress, input: &[u8], meter: &Meter) -> io::Result<usize> {
    let mut out = [0; 16 << 10];
    loop {
        let (read, made) = (inflater.total_in(), inflater.total_out());
        let rest = input.get(read as usize..).unwrap_or_default();
        let status = inflater.decompress(rest, &mut out, FlushDecompress::None).map_err(io::Error::from)?;
        meter.unpacked((inflater.total_out() - made) as usize)?;
        if status == Status::StreamEnd {
            return Ok(inflater.total_in() as usize);
        }
        if inflater.total_in() == read && inflater.total_out() == made {
            return Err(damaged("an object ends too early"));
        }
    }
}

/// Kind, and where what follows the header begins. The size is of no use: the zlib stream knows.
pub(super) fn header(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let first = *bytes.get(at)?;
    let mut end = at + 1;
    let mut byte = first;
    while byte & 0x80 != 0 {
        byte = *bytes.get(end)?;
        end += 1;
        if end - at > 10 {
            return None;
        }
    }
    Some(((first >> 4) & 7, end))
}

/// The base of a delta, and where its data begins.
fn delta_base(bytes: &[u8], at: usize, mut end: usize, kind: u8) -> Option<(Base, usize)> {
    if kind == 7 {
        return Some((Base::Id(bytes.get(end..end + 20)?.try_into().ok()?), end + 20));
    }
    let mut byte = *bytes.get(end)?;
    let mut back = u64::from(byte & 0x7f);
    end += 1;
    while byte & 0x80 != 0 {
        byte = *bytes.get(end)?;
        end += 1;
        back = back.checked_add(1)?.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
    }
    Some((Base::Offset((at as u64).checked_sub(back)?), end))
}

/// Applies a delta: copies from the base and inserts of its own.
fn apply(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let (_, at) = size(delta, 0)?;
    let (_, at) = size(delta, at)?;
    let mut rest = delta.get(at..)?;
    let mut made = Vec::new();
    while let Some((&command, after)) = rest.split_first() {
        rest = after;
        if command & 0x80 == 0 {
            // 0 is reserved.
            let insert = rest.get(..usize::from(command)).filter(|insert| !insert.is_empty())?;
            made.extend_from_slice(insert);
            rest = rest.get(usize::from(command)..)?;
        } else {
            let mut fields = [0u8; 7];
            for (bit, field) in fields.iter_mut().enumerate() {
                if command & (1 << bit) != 0 {
                    let (&byte, after) = rest.split_first()?;
                    *field = byte;
                    rest = after;
                }
            }
            let [a, b, c, d, e, f, g] = fields;
            let offset = u32::from_le_bytes([a, b, c, d]) as usize;
            let length = match u32::from_le_bytes([e, f, g, 0]) as usize {
                0 => 0x10000,
                length => length,
            };
            made.extend_from_slice(base.get(offset..offset.checked_add(length)?)?);
        }
        if made.len() > OBJECT {
            return None;
        }
    }
    Some(made)
}

/// A little-endian number in groups of seven bits.
fn size(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let (mut value, mut shift) = (0u64, 0u32);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
        shift += 7;
    }
}
