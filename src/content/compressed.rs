//! Compressed streams: one in, one out. What comes out is looked at from the top again.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::{GzDecoder, ZlibDecoder};

use super::{
    git,
    meter::Unpacked,
    walk::{Walk, fill},
};

const BUFFER: usize = 32 << 10;
/// Bytes that a bare zlib stream must unpack to, as far as its beginning goes, to be taken for one.
const PROBE: u64 = 256 << 10;
/// Memory that an xz stream may ask for (its dictionary), in KiB. `xz -9` asks for 64 MiB to unpack; Debian's and RPM's
/// packages for 8 to 32.
const LZMA_MEMORY: u32 = 66 << 10;
/// Largest window of a zstd frame, as a power of two. 27 is what `zstd --long` makes and `zstd -d` accepts by itself.
const ZSTD_WINDOW_LOG: u32 = 27;

/// All members of a gzip file; what follows the last one is scanned as it is.
pub(super) fn gzip(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut members = Members { decoder: Some(GzDecoder::new(BufReader::with_capacity(BUFFER, reader))), rest: None };
    unpack(walk, "gzip", stem(name, &[".gz", ".tgz", ".apk", ".svgz"]), &mut members)?;
    match members.rest {
        Some(mut rest) => walk.raw(name, &mut rest),
        None => Ok(()),
    }
}

/// RFC 1952, section 2.2: members follow each other without anything between. Padding with zeros is common.
struct Members<R> {
    decoder: Option<GzDecoder<R>>,
    /// What follows and is no member.
    rest: Option<R>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut reader) = self.decoder.take().map(GzDecoder::into_inner) else { return Ok(0) };
            match reader.fill_buf()? {
                [] => return Ok(0),
                // A lone 0x1f at the buffer's end is a member whose next bytes have not come yet.
                [0x1f] | [0x1f, 0x8b, ..] => self.decoder = Some(GzDecoder::new(reader)),
                _ => {
                    self.rest = Some(reader);
                    return Ok(0);
                }
            }
        }
    }
}

/// A bzip2 file, all its streams.
pub(super) fn bzip2(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut decoder = bzip2::bufread::MultiBzDecoder::new(BufReader::with_capacity(BUFFER, reader));
    unpack(walk, "bzip2", stem(name, &[".bz2", ".tbz2", ".tbz"]), &mut decoder)
}

/// An .xz file, all its streams.
pub(super) fn xz(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut decoder = lzma_rust2::XzReader::new_mem_limit(BufReader::with_capacity(BUFFER, reader), true, LZMA_MEMORY);
    unpack(walk, "xz", stem(name, &[".xz", ".txz"]), &mut decoder)
}

/// A .lzma file: one stream, and nothing that says whether it came through whole.
pub(super) fn lzma(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut decoder = lzma_rust2::LzmaReader::new_mem_limit(BufReader::with_capacity(BUFFER, reader), LZMA_MEMORY, None)?;
    unpack(walk, "lzma", stem(name, &[".lzma", ".tlz"]), &mut decoder)
}

/// A zstd file, all its frames.
pub(super) fn zstd(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(BUFFER, reader))?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    unpack(walk, "zstd", stem(name, &[".zst", ".tzst"]), &mut decoder)
}

/// A bare zlib stream, if it is one: its magic is only two bytes, so all that was read of it must unpack. A loose object of git is named
/// by its kind.
pub(super) fn zlib(walk: &mut Walk<'_>, name: &str, head: &[u8], reader: &mut dyn Read) -> io::Result<()> {
    let mut probe = [0; 64];
    let mut decoder = ZlibDecoder::new(head);
    let made = decoder.read(&mut probe).unwrap_or(0);
    // A large output of a small head is no reason to read on: a stream that began well is one.
    let rest = io::copy(&mut decoder.take(PROBE), &mut io::sink());
    if made == 0 || rest.is_err_and(|error| error.kind() != io::ErrorKind::UnexpectedEof) {
        return walk.raw(name, reader);
    }
    let mut decoder = ZlibDecoder::new(BufReader::with_capacity(BUFFER, reader));
    let mut unpacked = Unpacked { reader: &mut decoder, meter: walk.meter.clone() };
    match git::loose(walk, name, probe.get(..made).unwrap_or_default(), &mut unpacked) {
        Some(result) => result?,
        None => walk.within("zlib", |walk| walk.stream(name, &mut unpacked)),
    }
    walk.raw(name, &mut decoder.into_inner())
}

/// Scans what `decoder` yields, counted.
fn unpack(walk: &mut Walk<'_>, step: &str, name: &str, decoder: &mut dyn Read) -> io::Result<()> {
    let mut unpacked = Unpacked { reader: decoder, meter: walk.meter.clone() };
    walk.within(step, |walk| walk.stream(name, &mut unpacked));
    Ok(())
}

/// The name without the first of the suffixes that fits; short forms of tar archives become what they are.
fn stem<'n>(name: &'n str, suffixes: &[&str]) -> &'n str {
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

impl Walk<'_> {
    /// Scans UTF-16 as UTF-8; lines and columns are those of the transcoded text.
    pub(super) fn utf16(&mut self, name: &str, big_endian: bool, reader: &mut dyn Read) -> io::Result<()> {
        let mut text = super::utf16::Transcoder::new(reader, big_endian);
        let mut head = self.pool.head();
        let result = fill(&mut text, &mut head, 0, BUFFER)
            .and_then(|n| self.plain(name, head.get(..n).unwrap_or_default(), n < BUFFER, false, &mut text));
        self.pool.give_head(head);
        result
    }
}
