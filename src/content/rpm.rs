//! RPM packages: lead, signature header, header, compressed cpio payload.
//!
//! Format: <https://rpm-software-management.github.io/rpm/manual/format_v4.html>.

use std::io::{self, Read};

use super::{
    tar::damaged,
    walk::{Walk, fill},
};

/// Scans the headers as they are and goes into the payload, whatever compressed it.
pub(super) fn rpm(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    io::copy(&mut reader.take(96), &mut io::sink())?;
    for signature in [true, false] {
        let mut intro = Vec::new();
        fill(reader, &mut intro, 0, 16)?;
        let number = |at: usize| intro.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes).map(u64::from);
        let (Some(b"\x8e\xad\xe8"), Some(entries), Some(data)) = (intro.get(..3), number(8), number(12)) else {
            return Err(damaged("an RPM header is missing"));
        };
        let length = entries * 16 + data;
        let mut header = reader.take(length);
        walk.within("header", |walk| walk.raw(name, &mut header))?;
        io::copy(&mut header, &mut io::sink())?;
        if signature {
            io::copy(&mut reader.take((8 - length % 8) % 8), &mut io::sink())?;
        }
    }
    walk.within("payload", |walk| walk.stream("", reader));
    Ok(())
}
