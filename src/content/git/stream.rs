//! A pack that is too large for memory: objects are read as they come. What a delta inserts stands in it as it is, so a credential
//! that a commit added or removed is nearly always seen; it is still a gap that deltas are not resolved.

use std::io::{self, Read};

use flate2::Decompress;

use super::pack;
use crate::content::{
    meter::Unpacked,
    peek::{Inflate, Peek},
    tar::damaged,
    walk::Walk,
};

/// Scans all objects.
pub(super) fn scan(walk: &mut Walk<'_>, reader: &mut dyn Read) -> io::Result<()> {
    let mut source = Peek::new(reader);
    let head = source.ahead(12)?;
    let count = head.get(8..12).and_then(|count| count.try_into().ok()).map_or(0, u32::from_be_bytes);
    source.consume(12);
    let mut deltas = 0u64;
    for _ in 0..count {
        walk.meter.member()?;
        // A header and a base take 41 bytes at the most.
        let ahead = source.ahead(64)?;
        let (kind, mut end) = pack::header(ahead, 0).ok_or_else(|| damaged("an object's header is cut or wrong"))?;
        match kind {
            6 => {
                let more = ahead.get(end..).unwrap_or_default().iter().take_while(|byte| **byte & 0x80 != 0).count();
                end += more + 1;
            }
            7 => end += 20,
            _ => {}
        }
        let delta = matches!(kind, 6 | 7);
        deltas += u64::from(delta);
        source.consume(end);
        let inflate = Inflate { source: &mut source, state: Decompress::new(true), done: false };
        let mut content = Unpacked { reader: inflate, meter: walk.meter.clone() };
        let step = match kind {
            1 => "git commit",
            2 => "git tree",
            3 => "git blob",
            4 => "git tag",
            _ => "git delta",
        };
        walk.within(step, |walk| {
            if kind == 3 {
                walk.stream("", &mut content);
                Ok(())
            } else {
                walk.raw("", &mut content)
            }
        })?;
        io::copy(&mut content, &mut io::sink())?;
    }
    if deltas > 0 {
        walk.gap(format!("the pack is too large to resolve its {deltas} deltas; only what they add was scanned"), None);
    }
    Ok(())
}
