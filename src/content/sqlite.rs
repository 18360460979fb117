//! SQLite databases, "Database File Format" (sqlite.org/fileformat2.html): each text cell as a text of its own, put together where
//! it lies on several pages, and under the name of its column where that asks for a credential; cells that are containers or compressed
//! are gone into; then all pages as they are, since deleted rows stay in free space.

mod table;

use std::{
    collections::{HashMap, HashSet},
    io::{self, Read},
    rc::Rc,
};

use self::table::Table;
use super::{
    sniff::{self, Kind},
    walk::{SMALL, Walk, fill},
};

/// Bytes of a database that are held in memory, so that its cells can be read.
const DATABASE: usize = 24 << 20;
/// Bytes of one row.
const ROW: usize = 8 << 20;
/// Bytes of a table's name that are shown: it is copied for every page and every value.
const NAME: usize = 128;
/// Shorter texts hold no credential.
const SHORTEST: usize = 8;

/// The table of tables.
const SCHEMA: &str = "sqlite_schema";
const INTERIOR_TABLE: u8 = 5;
const LEAF_INDEX: u8 = 10;
const LEAF_TABLE: u8 = 13;

/// Scans a database.
pub(super) fn sqlite(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut filled = fill(reader, &mut bytes, 0, SMALL)?;
    let _large = (filled == SMALL).then(|| walk.large());
    filled = if filled == SMALL { fill(reader, &mut bytes, filled, DATABASE)? } else { filled };
    let bytes = bytes.get(..filled).unwrap_or_default();
    if filled == DATABASE {
        let reason = "is a database too large for memory: rows of several pages and compressed cells were not put together";
        walk.gap(reason.to_owned(), None);
        return walk.raw(name, &mut bytes.chain(reader));
    }
    let Some(database) = Database::open(bytes) else { return walk.raw(name, &mut bytes.chain(reader)) };
    walk.once(|walk| database.cells(walk), |walk| walk.plain(name, bytes, true, true, &mut io::empty()))
}

/// Hands out the blobs of a table, for whoever knows what they are. Bounded: rows may share their pages, so no more than four
/// times the database's bytes are handed out.
pub(crate) fn blobs(bytes: &[u8], table: &str, emit: &mut dyn FnMut(&[u8])) {
    let Some(database) = Database::open(bytes) else { return };
    let mut pages: Vec<usize> = database.tables().into_iter().filter(|(_, known)| known.name == table).map(|(number, _)| number).collect();
    pages.sort_unstable();
    let mut budget = bytes.len().saturating_mul(4);
    for (page, header) in pages.into_iter().filter_map(|number| Some((database.page(number)?, if number == 1 { 100 } else { 0 }))) {
        let count = short(page, header + 3).map_or(0, usize::from).min(database.page / 4);
        for cell in (0..count).filter_map(|cell| short(page, header + 8 + 2 * cell)) {
            let Some((_, payload)) = database.payload(page, usize::from(cell), LEAF_TABLE) else { continue };
            let Some(left) = budget.checked_sub(payload.len()) else { return };
            budget = left;
            values(&payload, &mut |value, text| {
                if !text {
                    emit(value);
                }
            });
        }
    }
}

struct Database<'b> {
    bytes: &'b [u8],
    page: usize,
    usable: usize,
}

impl<'b> Database<'b> {
    fn open(bytes: &'b [u8]) -> Option<Self> {
        let page = match short(bytes, 16)? {
            1 => 65536,
            size if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return None,
        };
        let usable = page - usize::from(*bytes.get(20)?);
        (usable >= 480).then_some(Self { bytes, page, usable })
    }

    fn page(&self, number: usize) -> Option<&'b [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page)?;
        self.bytes.get(start..start.checked_add(self.page)?)
    }

    /// Scans all cells of all leaves, whether a tree leads to them or not.
    fn cells(&self, walk: &mut Walk<'_>) -> io::Result<()> {
        let tables = self.tables();
        for number in 1..=self.bytes.len() / self.page {
            let Some(page) = self.page(number) else { break };
            let header = if number == 1 { 100 } else { 0 };
            let kind = page.get(header).copied().unwrap_or(0);
            if kind != LEAF_TABLE && kind != LEAF_INDEX {
                continue;
            }
            let count = short(page, header + 3).map_or(0, usize::from).min(self.page / 4);
            for cell in 0..count {
                let Some(at) = short(page, header + 8 + 2 * cell).map(usize::from) else { break };
                let Some((row, payload)) = self.payload(page, at, kind) else { continue };
                if payload.len() > page.len() {
                    walk.meter.unpacked(payload.len())?;
                }
                // Only the rows of a table have its columns; an index has others.
                let table = tables.get(&number);
                let cell = |at: usize| columns(&payload).nth(at).map(|(value, _)| value);
                for (column, (value, serial)) in columns(&payload).enumerate().filter(|(_, (_, serial))| *serial >= 12) {
                    let asked = table.filter(|_| kind == LEAF_TABLE).and_then(|table| table.asks(column, cell));
                    let place = (table.map_or("unknown", |table| table.name.as_str()), row);
                    self.value(walk, place, value, serial % 2 == 1, asked.as_deref());
                }
            }
        }
        Ok(())
    }

    /// Scans a value of a table and row; `asked` is its name, if that asks for a credential.
    fn value(&self, walk: &mut Walk<'_>, (table, row): (&str, Option<i64>), value: &[u8], text: bool, asked: Option<&str>) {
        let container = || !matches!(sniff::sniff(value.get(..sniff::HEAD).unwrap_or(value)), Kind::Text | Kind::Binary);
        let opened = asked.filter(|_| !text).and_then(|_| table::chromes(value));
        let named = asked.filter(|_| opened.is_some() || (text && !container()));
        if named.is_none() && (value.len() < SHORTEST || !(text || container())) {
            return;
        }
        let scan = |walk: &mut Walk<'_>| match (named, &opened) {
            (Some(name), Some(opened)) => walk.within("Chrome's published key", |walk| walk.named(name, opened)),
            (Some(name), None) => walk.named(name, value),
            (None, _) => walk.bytes("", value),
        };
        walk.within(&format!("table {table}"), |walk| match row {
            Some(row) => walk.within(&format!("row {row}"), scan),
            None => scan(walk),
        });
    }

    /// The payload of a cell, put together from its overflow pages; the row's id for a table.
    fn payload(&self, page: &'b [u8], at: usize, kind: u8) -> Option<(Option<i64>, std::borrow::Cow<'b, [u8]>)> {
        let (length, mut at) = varint(page, at)?;
        let mut row = None;
        if kind == LEAF_TABLE {
            let (id, after) = varint(page, at)?;
            (row, at) = (Some(id.cast_signed()), after);
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= ROW)?;
        let usable = self.usable;
        let most = if kind == LEAF_TABLE { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
        if length <= most {
            return Some((row, page.get(at..at + length)?.into()));
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (usable - 4);
        let local = if fitting <= most { fitting } else { least };
        let mut payload = page.get(at..at + local)?.to_vec();
        let mut next = long(page, at + local)? as usize;
        // Each page adds bytes, so a cycle of pages ends with the length.
        while payload.len() < length {
            let Some(overflow) = self.page(next) else { break };
            let count = (usable - 4).min(length - payload.len());
            payload.extend_from_slice(overflow.get(4..4 + count)?);
            next = long(overflow, 0)? as usize;
        }
        Some((row, payload.into()))
    }

    /// Names of the tables that leaf pages belong to.
    fn tables(&self) -> HashMap<usize, Rc<Table>> {
        let mut tables = HashMap::new();
        // Each page is put on the list once, however often it is named.
        let mut seen = HashSet::from([1]);
        let mut trees = vec![(1, Rc::new(Table::new(SCHEMA.to_owned(), b"")))];
        while let Some((number, table)) = trees.pop() {
            let Some(page) = self.page(number) else { continue };
            let header = if number == 1 { 100 } else { 0 };
            let count = short(page, header + 3).map_or(0, usize::from).min(self.page / 4);
            match page.get(header) {
                Some(&INTERIOR_TABLE) => {
                    let children = (0..count).filter_map(|cell| long(page, usize::from(short(page, header + 12 + 2 * cell)?)));
                    let children = children.chain(long(page, header + 8)).map(|child| child as usize);
                    trees.extend(children.filter(|child| seen.insert(*child)).map(|child| (child, table.clone())));
                }
                Some(&LEAF_TABLE) => {
                    for cell in (0..count).filter(|_| table.name == SCHEMA) {
                        let payload = short(page, header + 8 + 2 * cell).and_then(|at| self.payload(page, usize::from(at), LEAF_TABLE));
                        let root = payload.and_then(|(_, payload)| Root::of(&payload));
                        // A statement is read once for each page at the most.
                        let new = root.filter(|root| self.page(root.number).is_some() && seen.insert(root.number));
                        trees.extend(new.map(|root| (root.number, Rc::new(Table::new(root.name, &root.statement)))));
                    }
                    tables.insert(number, table);
                }
                _ => {}
            }
        }
        tables
    }
}

/// A row of the schema: type, name, table, root page, SQL.
struct Root {
    number: usize,
    name: String,
    statement: Vec<u8>,
}

impl Root {
    fn of(payload: &[u8]) -> Option<Self> {
        let mut row = columns(payload).skip(1);
        let (name, _) = row.next()?;
        let (page, _) = row.nth(1).filter(|(_, serial)| *serial < 7)?;
        let statement = row.next().map(|(statement, _)| statement).unwrap_or_default();
        Some(Self {
            number: page.iter().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte)),
            name: String::from_utf8_lossy(name.get(..NAME).unwrap_or(name)).into_owned(),
            statement: statement.get(..table::STATEMENT).unwrap_or(statement).to_vec(),
        })
    }
}

/// Hands out the texts and blobs of a record.
fn values(payload: &[u8], emit: &mut dyn FnMut(&[u8], bool)) {
    for (value, serial) in columns(payload).filter(|(_, serial)| *serial >= 12) {
        emit(value, serial % 2 == 1);
    }
}

/// The columns of a record ("Record Format"), with their serial types; a cut one ends it.
fn columns(payload: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    let (header, mut at) = varint(payload, 0).unwrap_or((0, 0));
    let header = usize::try_from(header).unwrap_or(usize::MAX).min(payload.len());
    let mut body = header;
    std::iter::from_fn(move || {
        if at >= header {
            return None;
        }
        let (serial, after) = varint(payload, at)?;
        at = after;
        let length = match serial {
            0 | 8 | 9 => 0,
            1..=4 => serial,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (serial - 12) / 2,
        };
        let end = body.checked_add(usize::try_from(length).ok()?)?;
        let value = payload.get(body..end)?;
        body = end;
        Some((value, serial))
    })
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// One to nine bytes, seven bits each, the ninth with eight.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for index in 0..9 {
        let byte = *bytes.get(at + index)?;
        if index == 8 {
            return Some((value << 8 | u64::from(byte), at + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}
