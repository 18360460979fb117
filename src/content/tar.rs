//! tar archives inside of files. (Layers are read elsewhere: this reader is for containers within, so it prefers to go on
//! over being strict.)
//!
//! POSIX pax "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

use std::io::{self, Read};

use super::{
    names::Names,
    walk::{Walk, fill},
};

const BLOCK: usize = 512;
/// Bytes of a long name or of pax records that are held in memory.
const META: u64 = 1 << 20;

/// Scans every member, also after the archive's end mark: archives that were put together have several.
pub(super) fn tar(walk: &mut Walk<'_>, reader: &mut dyn Read) -> io::Result<()> {
    let mut names = Names::default();
    let result = members(walk, reader, &mut names);
    names.finish(walk)?;
    result
}

fn members(walk: &mut Walk<'_>, reader: &mut dyn Read, names: &mut Names) -> io::Result<()> {
    let mut header = Vec::new();
    let (mut long_name, mut pax_size) = (None::<String>, None::<u64>);
    loop {
        if fill(reader, &mut header, 0, BLOCK)? < BLOCK {
            return Ok(());
        }
        let block = header.get(..BLOCK).unwrap_or_default();
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        if !super::sniff::is_tar(block) {
            // Not a header: bytes after the archive.
            let mut rest = block.chain(reader);
            return walk.raw("", &mut rest);
        }
        let flag = block.get(156).copied().unwrap_or(0);
        let declared = block.get(124..136).and_then(octal).ok_or_else(|| damaged("a tar member's size is no number"))?;
        match flag {
            b'L' | b'x' | b'g' | b'K' => {
                let text = metadata(walk, reader, declared)?;
                match flag {
                    b'L' => long_name = Some(until_nul(&text)),
                    b'x' => (long_name, pax_size) = pax(&text, long_name, pax_size),
                    _ => {}
                }
                continue;
            }
            _ => {}
        }
        walk.meter.member()?;
        let name = long_name.take().unwrap_or_else(|| name(block));
        let size = pax_size.take().unwrap_or(declared);
        names.add(walk, name.as_bytes())?;
        // Link's target, owner and group.
        let field = |range| block.get(range).map(before_nul).unwrap_or_default();
        names.add_others(walk, &[field(157..257), field(265..297), field(297..329)])?;
        // Links and devices have no content, whatever their size field says.
        if matches!(flag, b'1'..=b'6') {
            continue;
        }
        let mut content = reader.take(size);
        walk.within(&name, |walk| walk.stream(&name, &mut content));
        let missing = skip(&mut content)?;
        if missing > 0 {
            return Err(damaged("the archive ends within a member"));
        }
        pad(reader, size)?;
    }
}

/// A member's extra header: it is text, so it is scanned (extended attributes hold credentials, too) and kept.
fn metadata(walk: &mut Walk<'_>, reader: &mut dyn Read, size: u64) -> io::Result<Vec<u8>> {
    if size > META {
        return Err(damaged("a tar header is too long"));
    }
    let mut text = Vec::new();
    let filled = fill(reader, &mut text, 0, size as usize)?;
    text.truncate(filled);
    walk.plain("", &text, true, true, &mut io::empty())?;
    pad(reader, size)?;
    Ok(text)
}

/// `LENGTH KEY=VALUE\n` records: path and size are what matters here.
fn pax(text: &[u8], mut name: Option<String>, mut size: Option<u64>) -> (Option<String>, Option<u64>) {
    let mut rest = text;
    while let Some(blank) = memchr::memchr(b' ', rest.get(..24.min(rest.len())).unwrap_or_default()) {
        let digits = rest.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(length) = digits.and_then(|digits| digits.parse::<usize>().ok()) else { break };
        let Some(record) = rest.get(blank + 1..length) else { break };
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(path) = record.strip_prefix(b"path=") {
            name = Some(String::from_utf8_lossy(path).into_owned());
        } else if let Some(digits) = record.strip_prefix(b"size=") {
            size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).or(size);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    (name, size)
}

fn name(block: &[u8]) -> String {
    let field = |range| until_nul(block.get(range).unwrap_or_default());
    let (name, prefix) = (field(0..100), field(345..500));
    if block.get(257..263) == Some(b"ustar\0") && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

fn before_nul(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

fn until_nul(bytes: &[u8]) -> String {
    String::from_utf8_lossy(before_nul(bytes)).into_owned()
}

/// A numeric field: octal digits, or base 256 where the first bit is set (GNU).
pub(super) fn octal(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && *first == 0x80
    {
        return rest.iter().try_fold(0u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let text = field.trim_ascii_start();
    let end = text.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(text.len());
    let digits = text.get(..end).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// Reads what is left of a member; returns how many of its bytes never came.
pub(super) fn skip<R: Read>(content: &mut io::Take<R>) -> io::Result<u64> {
    io::copy(content, &mut io::sink())?;
    Ok(content.limit())
}

fn pad(reader: &mut dyn Read, size: u64) -> io::Result<()> {
    let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    io::copy(&mut reader.take(padding), &mut io::sink())?;
    Ok(())
}

pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
