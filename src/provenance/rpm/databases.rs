//! The three forms of rpm's database, each read as far as to hand out the headers: SQLite, `ndb`, and Berkeley DB's hash.

use std::collections::HashSet;

use crate::content::sqlite_blobs;

/// Bytes handed out for each byte of the database: a chain of pages may be named any number of times.
const TIMES: usize = 4;

/// Hands out every header of a database, whichever form it has.
pub(super) fn blobs(bytes: &[u8], emit: &mut dyn FnMut(&[u8])) {
    if bytes.starts_with(b"SQLite format 3\0") {
        sqlite_blobs(bytes, "Packages", emit);
    } else if bytes.starts_with(b"RpmP") {
        ndb(bytes, emit);
    } else if little(bytes, 12) == Some(HASH_MAGIC) {
        berkeley(bytes, emit);
    }
}

/// `lib/backend/ndb/rpmpkg.c`: slots of 16 bytes in the first pages, each naming a blob by its 16-byte block.
fn ndb(bytes: &[u8], emit: &mut dyn FnMut(&[u8])) {
    let pages = little(bytes, 12).unwrap_or(0) as usize;
    let slots = bytes.get(..pages.saturating_mul(4096)).unwrap_or(bytes);
    let mut budget = bytes.len().saturating_mul(TIMES);
    for slot in slots.chunks_exact(16).skip(2).filter(|slot| slot.starts_with(b"Slot")) {
        let blob = little(slot, 8).and_then(|block| bytes.get((block as usize).checked_mul(16)?..));
        let blob = blob.filter(|blob| blob.starts_with(b"BlbS")).and_then(|blob| blob.get(16..)?.get(..little(blob, 12)? as usize));
        let Some(blob) = blob else { continue };
        let Some(left) = budget.checked_sub(blob.len()) else { return };
        budget = left;
        emit(blob);
    }
}

const HASH_MAGIC: u32 = 0x0006_1561;
/// Kinds of pages and items of `dbinc/db_page.h`.
const HASH_PAGES: [u8; 2] = [2, 13];
const OFF_PAGE: u8 = 3;
const OVERFLOW: u8 = 7;
const PAGE_HEADER: usize = 26;

/// Berkeley DB 5: pages of keys and values in turn. A header never fits into a page, so it lies on a chain of its own.
fn berkeley(bytes: &[u8], emit: &mut dyn FnMut(&[u8])) {
    let size = little(bytes, 20).unwrap_or(0) as usize;
    if !(512..=65536).contains(&size) || !size.is_power_of_two() {
        return;
    }
    let page = |number: u32| (number as usize).checked_mul(size).and_then(|start| bytes.get(start..)?.get(..size));
    let mut budget = bytes.len().saturating_mul(TIMES);
    let mut seen = HashSet::new();
    for keys in bytes.chunks_exact(size).filter(|page| page.get(25).is_some_and(|kind| HASH_PAGES.contains(kind))) {
        let entries = short(keys, 20).unwrap_or(0);
        for value in (1..entries).step_by(2) {
            let item = short(keys, PAGE_HEADER + 2 * usize::from(value)).and_then(|at| keys.get(usize::from(at)..)?.get(..12));
            let Some(item) = item.filter(|item| item.first() == Some(&OFF_PAGE)) else { continue };
            let (Some(mut next), Some(length)) = (little(item, 4), little(item, 8)) else { continue };
            let length = length as usize;
            if length > bytes.len() || length > budget || !seen.insert(next) {
                continue;
            }
            let mut blob = Vec::new();
            while let Some(part) = page(next).filter(|page| page.get(25) == Some(&OVERFLOW) && blob.len() < length) {
                let Some(data) = short(part, 22).and_then(|held| part.get(PAGE_HEADER..)?.get(..usize::from(held))) else { break };
                if data.is_empty() {
                    break;
                }
                blob.extend_from_slice(data);
                next = little(part, 16).unwrap_or(0);
            }
            budget -= length;
            emit(blob.get(..length).unwrap_or(&blob));
        }
    }
}

fn little(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}
