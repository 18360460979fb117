//! ar(5) archives: static libraries and Debian packages (deb(5)).

use std::io::{self, Read};

use super::{
    tar::{damaged, skip},
    walk::{Walk, fill},
};

const HEADER: usize = 60;

/// Scans every member.
pub(super) fn ar(walk: &mut Walk<'_>, reader: &mut dyn Read) -> io::Result<()> {
    let mut header = Vec::new();
    fill(reader, &mut header, 0, 8)?;
    loop {
        let filled = fill(reader, &mut header, 0, HEADER)?;
        if filled == 0 || (filled < HEADER && header.get(..filled).is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace))) {
            return Ok(());
        }
        let Some((name, size)) = header.get(..filled).and_then(member) else {
            let mut rest = header.get(..filled).unwrap_or_default().chain(reader);
            return walk.raw("", &mut rest);
        };
        walk.meter.member()?;
        let mut content = reader.take(size);
        walk.within(&name, |walk| walk.stream(&name, &mut content));
        if skip(&mut content)? > 0 {
            return Err(damaged("the archive ends within a member"));
        }
        // Members begin at even offsets.
        io::copy(&mut reader.take(size % 2), &mut io::sink())?;
    }
}

fn member(header: &[u8]) -> Option<(String, u64)> {
    if header.get(58..60)? != b"`\n" {
        return None;
    }
    let size = std::str::from_utf8(header.get(48..58)?).ok()?.trim().parse().ok()?;
    let name = String::from_utf8_lossy(header.get(..16)?);
    Some((name.trim().trim_end_matches('/').to_owned(), size))
}
