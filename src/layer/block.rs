//! Blocks of 512 bytes: headers found and checked, content handed out, damage skipped.

use std::io::{self, Read};

const BLOCK: usize = 512;

/// What stands at the current position.
pub(super) enum Header {
    /// A header whose checksum is right.
    Entry(Box<tar::Header>),
    /// The end-of-archive marker, or the end of the bytes.
    End,
    /// Blocks that are no header were passed over; what follows them comes next.
    Damaged {
        /// Their bytes.
        skipped: u64,
    },
    /// The bytes end within a block.
    Cut,
    /// The budget is spent.
    OverLimit,
}

/// Reads blocks and knows the position.
pub(super) struct Blocks<'r> {
    reader: &'r mut dyn Read,
    position: u64,
    limit: u64,
    /// A valid header that ended a damaged stretch.
    pending: Option<Box<tar::Header>>,
}

impl<'r> Blocks<'r> {
    pub(super) fn new(reader: &'r mut dyn Read, limit: u64) -> Self {
        Self { reader, position: 0, limit, pending: None }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Reads one block; returns how many bytes there were.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// The next header.
    pub(super) fn header(&mut self) -> io::Result<Header> {
        if let Some(header) = self.pending.take() {
            return Ok(Header::Entry(header));
        }
        let mut zero_blocks = 0;
        let mut damaged = 0;
        loop {
            if self.position > self.limit {
                return Ok(Header::OverLimit);
            }
            let mut header = Box::new(tar::Header::new_old());
            let read = self.block(header.as_mut_bytes())?;
            if read < BLOCK {
                // Archives may end without the marker, but not within a block.
                return Ok(match (read, damaged) {
                    (0, 0) => Header::End,
                    (0, skipped) => Header::Damaged { skipped },
                    _ => Header::Cut,
                });
            }
            if header.as_bytes().iter().all(|b| *b == 0) {
                zero_blocks += 1;
                if zero_blocks == 2 {
                    // Damage before the marker is told first; the marker's second half then reads as the end.
                    return Ok(if damaged == 0 { Header::End } else { Header::Damaged { skipped: damaged } });
                }
            } else if checksum_holds(&header) {
                if damaged == 0 {
                    return Ok(Header::Entry(header));
                }
                self.pending = Some(header);
                return Ok(Header::Damaged { skipped: damaged });
            } else {
                damaged += BLOCK as u64;
                zero_blocks = 0;
            }
        }
    }

    /// Reads the whole content of a small entry. The caller has checked the size.
    pub(super) fn small(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut content = self.content(size);
        (&mut content).take(size).read_to_end(&mut bytes)?;
        content.finish()?;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, size: u64) -> io::Result<()> {
        self.content(size).finish().map(drop)
    }

    /// Old GNU sparse files: more maps follow the header while a flag says so. The holes are zeros, so the stored bytes are
    /// all there is to scan.
    pub(super) fn skip_sparse_maps(&mut self, header: &tar::Header) -> io::Result<()> {
        let mut more = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while more {
            let mut map = [0; BLOCK];
            if self.block(&mut map)? < BLOCK || self.position > self.limit {
                break;
            }
            // 21 maps of 24 bytes, then the flag.
            more = map.get(504).is_some_and(|flag| *flag != 0);
        }
        Ok(())
    }

    /// The content of an entry; must be finished before the next header.
    pub(super) fn content<'b>(&'b mut self, size: u64) -> Content<'b, 'r> {
        Content { blocks: self, left: size, padding: (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64 }
    }

    /// Reads to the end of the bytes, so that whoever verifies them sees them all. Returns how many bytes were not zero padding.
    pub(super) fn drain(&mut self) -> io::Result<u64> {
        let mut buffer = [0; 16 * 1024];
        let mut trailing = 0;
        let mut seen = 0;
        loop {
            let count = match self.reader.read(&mut buffer) {
                Ok(0) => return Ok(trailing),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            seen += count as u64;
            self.position += count as u64;
            if buffer.iter().take(count).any(|b| *b != 0) {
                trailing = seen;
            }
            if self.position > self.limit {
                // A bomb behind the end.
                return Ok(trailing.max(1));
            }
        }
    }
}

/// The stored sum, unsigned as POSIX says or signed as old tars wrote it.
fn checksum_holds(header: &tar::Header) -> bool {
    let Ok(stored) = header.cksum() else { return false };
    let bytes = header.as_bytes();
    let counted = |index: usize, byte: u8| if (148..156).contains(&index) { b' ' } else { byte };
    let unsigned: u32 = bytes.iter().enumerate().map(|(index, byte)| u32::from(counted(index, *byte))).sum();
    if stored == unsigned {
        return true;
    }
    let signed: i32 = bytes.iter().enumerate().map(|(index, byte)| i32::from(counted(index, *byte).cast_signed())).sum();
    i64::from(stored) == i64::from(signed)
}

/// The stored bytes of one entry.
pub(super) struct Content<'b, 'r> {
    blocks: &'b mut Blocks<'r>,
    left: u64,
    padding: u64,
}

impl Content<'_, '_> {
    /// Passes over what was not read. Returns whether the bytes ended too early.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        let padding = self.padding;
        self.left = self.left.saturating_add(padding);
        let mut buffer = [0; 16 * 1024];
        while self.left > 0 {
            // The last entry's padding is missing in some archives.
            let padding_only = self.left <= padding;
            match self.read(&mut buffer) {
                Ok(0) if self.blocks.position > self.blocks.limit => return Ok(false), // the next header says so
                Ok(0) => return Ok(!padding_only),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if want == 0 || self.blocks.position > self.blocks.limit {
            return Ok(0);
        }
        let count = self.blocks.reader.read(buffer.get_mut(..want).unwrap_or_default())?;
        self.left -= count as u64;
        self.blocks.position += count as u64;
        Ok(count)
    }
}
