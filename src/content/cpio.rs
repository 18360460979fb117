//! cpio archives, "newc" and "odc" (cpio(5)): payloads of RPM packages, initial RAM disks.

use std::io::{self, Read};

use super::{
    names::Names,
    tar::{damaged, skip},
    walk::{Walk, fill},
};

/// Bytes of a member's name that are held in memory.
const NAME: u64 = 64 << 10;

struct Member {
    name: u64,
    size: u64,
    /// Headers with names, and contents, end at a multiple of this.
    align: u64,
    header: u64,
    regular: bool,
}

/// Scans every member, also of archives that follow (initial RAM disks are put together), compressed ones included.
pub(super) fn cpio(walk: &mut Walk<'_>, reader: &mut dyn Read) -> io::Result<()> {
    let mut names = Names::default();
    let result = members(walk, reader, &mut names);
    names.finish(walk)?;
    result
}

fn members(walk: &mut Walk<'_>, reader: &mut dyn Read, names: &mut Names) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let filled = fill(reader, &mut buffer, 0, 6)?;
        let magic = buffer.get(..filled).unwrap_or_default();
        let length = match magic {
            [] => return Ok(()),
            b"070701" | b"070702" => 110,
            b"070707" => 76,
            [0, 0, 0, 0, 0, 0] => {
                // Padding, after which another archive may come: to a multiple of four.
                io::copy(&mut reader.take(2), &mut io::sink())?;
                continue;
            }
            other => {
                let other = other.to_vec();
                let start = other.iter().position(|byte| *byte != 0).unwrap_or(other.len());
                let mut rest = other.get(start..).unwrap_or_default().chain(reader);
                walk.within("rest", |walk| walk.stream("", &mut rest));
                return Ok(());
            }
        };
        if fill(reader, &mut buffer, 6, length)? < length {
            return Err(damaged("the archive ends within a header"));
        }
        let member = buffer.get(..length).and_then(parse).ok_or_else(|| damaged("a cpio header holds no numbers"))?;
        if member.name > NAME {
            return Err(damaged("a cpio member's name is too long"));
        }
        let filled = fill(reader, &mut buffer, 0, member.name as usize)?;
        let name = String::from_utf8_lossy(buffer.get(..filled).unwrap_or_default()).trim_end_matches('\0').to_owned();
        pad(reader, member.header + member.name, member.align)?;
        if name == "TRAILER!!!" {
            continue;
        }
        walk.meter.member()?;
        names.add(walk, name.as_bytes())?;
        let mut content = reader.take(member.size);
        if member.regular {
            walk.within(&name, |walk| walk.stream(&name, &mut content));
        }
        if skip(&mut content)? > 0 {
            return Err(damaged("the archive ends within a member"));
        }
        pad(reader, member.size, member.align)?;
    }
}

fn parse(header: &[u8]) -> Option<Member> {
    let number = |from: usize, to: usize, radix| u64::from_str_radix(std::str::from_utf8(header.get(from..to)?).ok()?, radix).ok();
    let regular = |mode: u64| mode & 0o170_000 == 0o100_000;
    if header.starts_with(b"070707") {
        let (mode, name, size) = (number(18, 24, 8)?, number(59, 65, 8)?, number(65, 76, 8)?);
        return Some(Member { name, size, align: 1, header: 76, regular: regular(mode) });
    }
    let (mode, size, name) = (number(14, 22, 16)?, number(54, 62, 16)?, number(94, 102, 16)?);
    Some(Member { name, size, align: 4, header: 110, regular: regular(mode) })
}

fn pad(reader: &mut dyn Read, length: u64, align: u64) -> io::Result<()> {
    io::copy(&mut reader.take((align - length % align) % align), &mut io::sink())?;
    Ok(())
}
