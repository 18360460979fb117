//! What a blob is compressed with. The first bytes decide; the media type is a hint that is often wrong.

use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::limits;

/// Bytes that [`sniff`] wants to see: a whole tar header.
pub const SNIFF: usize = 512;

/// How a blob is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// A tar as it is.
    Plain,
    /// [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952), possibly with several members (eStargz, pigz).
    Gzip,
    /// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878), possibly with several and with skippable frames (zstd:chunked).
    Zstd,
    /// In no image that a registry should hold, but `docker load` and `podman load` unpack it.
    Bzip2,
    /// The same.
    Xz,
}

/// Tells the compression by the first bytes, or `None` where they are neither of these nor a tar.
pub fn sniff(head: &[u8]) -> Option<Compression> {
    if head.starts_with(&[0x1f, 0x8b]) {
        return Some(Compression::Gzip);
    }
    // A zstd frame, or a skippable frame (0x184D2A50 to 0x184D2A5F, little endian).
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) {
        return Some(Compression::Zstd);
    }
    if matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]) {
        return Some(Compression::Bzip2);
    }
    if head.starts_with(b"\xfd7zXZ\0") {
        return Some(Compression::Xz);
    }
    is_tar(head).then_some(Compression::Plain)
}

/// Whether the bytes start with a tar header whose checksum is right, or with the zero block that ends a tar.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..SNIFF) else { return head.is_empty() };
    if header.iter().all(|byte| *byte == 0) {
        return true;
    }
    let Some(expected) = header.get(148..156).and_then(super::members::octal) else { return false };
    super::members::checksum(header) == expected
}

/// Reads a blob's uncompressed bytes.
pub struct Decompressed<'a> {
    /// What the first bytes said.
    pub compression: Compression,
    reader: Box<dyn Read + Send + 'a>,
}

impl Read for Decompressed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Looks at the first bytes and puts the right decoder around the reader. All gzip members and all zstd frames are read.
///
/// Bytes that are neither are passed through as they are: whoever reads the tar says what is wrong with them.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn decompress<'a>(mut blob: impl Read + Send + 'a) -> io::Result<Decompressed<'a>> {
    let head = peek(&mut blob)?;
    let compression = sniff(&head).unwrap_or(Compression::Plain);
    let whole = Cursor::new(head).chain(blob);
    let reader: Box<dyn Read + Send + 'a> = match compression {
        Compression::Plain => Box::new(whole),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 << 10, whole))),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(whole)?;
            decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(BufReader::with_capacity(64 << 10, whole))),
        Compression::Xz => {
            Box::new(lzma_rust2::XzReader::new_mem_limit(BufReader::with_capacity(64 << 10, whole), true, limits::XZ_MEMORY))
        }
    };
    Ok(Decompressed { compression, reader })
}

/// The first [`SNIFF`] bytes, fewer at the end of the input.
pub(crate) fn peek(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(SNIFF);
    reader.by_ref().take(SNIFF as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn all(bytes: &[u8]) -> (Compression, Vec<u8>) {
        let mut reader = decompress(bytes).expect("readable");
        let mut out = Vec::new();
        reader.read_to_end(&mut out).expect("whole");
        (reader.compression, out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn every_gzip_member_and_zstd_frame_is_read() {
        let two = [gzip(b"first "), gzip(b"second")].concat();
        assert_eq!(all(&two), (Compression::Gzip, b"first second".to_vec()));

        let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("memory");
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3].to_vec();
        let three = [skippable, frame(b"first "), frame(b"second")].concat();
        assert_eq!(all(&three), (Compression::Zstd, b"first second".to_vec()));
    }

    #[test]
    fn what_only_engines_load_is_read_too() {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        encoder.write_all(b"first").expect("memory");
        assert_eq!(all(&encoder.finish().expect("memory")), (Compression::Bzip2, b"first".to_vec()));
        let mut out = Vec::new();
        let damaged = decompress(&b"\xfd7zXZ\0no more"[..]).expect("readable");
        assert_eq!(damaged.compression, Compression::Xz);
        assert!({ damaged }.read_to_end(&mut out).is_err());
    }

    #[test]
    fn a_tar_is_known_by_its_checksum() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_old();
        header.set_path("{a").expect("short");
        header.set_size(0);
        header.set_cksum();
        tar.append(&header, io::empty()).expect("memory");
        let mut bytes = tar.into_inner().expect("memory");
        assert_eq!(sniff(&bytes), Some(Compression::Plain), "even when it starts like JSON");
        bytes[0] ^= 1;
        assert_eq!(sniff(&bytes), None);
        assert_eq!(sniff(&[0; 1024]), Some(Compression::Plain), "the empty tar");
        assert_eq!(sniff(b"{\"schemaVersion\": 2}"), None);
    }

    #[test]
    fn a_huge_zstd_window_is_an_error() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("memory");
        encoder.window_log(30).expect("valid");
        encoder.write_all(b"x").expect("memory");
        // Not `finish` at once: a known small size would shrink the window.
        encoder.flush().expect("memory");
        let bytes = encoder.finish().expect("memory");
        let mut out = Vec::new();
        assert!(decompress(&bytes[..]).expect("readable").read_to_end(&mut out).is_err());
    }
}
