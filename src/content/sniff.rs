//! What bytes are, by their first ones. Never by a file's name.

/// How to read a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text in an encoding that holds ASCII as it is.
    Text,
    /// Anything else: a program, an object file.
    Binary,
    /// UTF-16, with or without a byte order mark.
    Utf16 {
        /// Byte order.
        big_endian: bool,
    },
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// The .xz file format.
    Xz,
    /// The .lzma file format, which was before it.
    Lzma,
    /// RFC 8878.
    Zstd,
    /// RFC 1950: also a loose object of git.
    Zlib,
    /// ustar, PAX, GNU, v7.
    Tar,
    /// APPNOTE.TXT.
    Zip,
    /// ar(5): static libraries, Debian packages.
    Ar,
    /// cpio "newc" and "odc".
    Cpio,
    /// An RPM package.
    Rpm,
    /// A git pack file.
    Pack,
    /// A git bundle: a pack with a header of text.
    Bundle,
    /// An SQLite database, format 3.
    Sqlite,
    /// A PDF document.
    Pdf,
    /// PKCS#12 (RFC 7292).
    Pkcs12,
    /// A Java key store, JKS or JCEKS.
    Jks,
    /// A private key or a certificate in DER; the label that it has in PEM.
    Der(&'static str),
    /// A container that nothing here can read.
    Unread(&'static str),
}

/// Bytes that are enough for every test below.
pub(super) const HEAD: usize = 512;

/// Where the descriptors of an ISO 9660 image begin: behind the 32 KiB that are left to whoever boots it (ECMA-119, section 6.2.1).
const ISO: usize = 32 << 10;

/// Judges by the first bytes, of which `head` may hold any number: [`sniff`], and what says further in what it is.
pub(super) fn sniff_far(head: &[u8]) -> Kind {
    let kind = sniff(head.get(..HEAD).unwrap_or(head));
    let plain = matches!(kind, Kind::Text | Kind::Binary);
    if plain && head.get(ISO + 1..ISO + 6) == Some(b"CD001") { Kind::Unread("ISO 9660") } else { kind }
}

/// Judges by the first bytes; `head` is the whole file where the file is shorter than [`HEAD`].
pub(super) fn sniff(head: &[u8]) -> Kind {
    let Some(&first) = head.first() else { return Kind::Text };
    // One look at the first byte keeps the common case, a text, out of the list below.
    let container = match first {
        // A swap file of vim holds lines, with zeros between.
        b'b' if head.starts_with(b"b0VIM ") => Some(Kind::Text),
        0x1f if head.starts_with(&[0x1f, 0x8b, 8]) => Some(Kind::Gzip),
        0x1f if head.starts_with(&[0x1f, 0x9d]) => Some(Kind::Unread("compress (.Z)")),
        b'B' if is_bzip2(head) => Some(Kind::Bzip2),
        0xfd if head.starts_with(b"\xfd7zXZ\0") => Some(Kind::Xz),
        b'L' if head.starts_with(b"LZIP\x01") => Some(Kind::Unread("lzip")),
        0x28 if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Some(Kind::Zstd),
        0x50..=0x5f if head.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) => Some(Kind::Zstd),
        b'P' if is_zip(head) => Some(Kind::Zip),
        b'P' if head.starts_with(b"PACK\0\0\0\x02") || head.starts_with(b"PACK\0\0\0\x03") => Some(Kind::Pack),
        b'!' if head.starts_with(b"!<arch>\n") => Some(Kind::Ar),
        b'0' if is_cpio(head) => Some(Kind::Cpio),
        0xed if head.starts_with(&[0xed, 0xab, 0xee, 0xdb]) => Some(Kind::Rpm),
        b'S' if head.starts_with(b"SQLite format 3\0") => Some(Kind::Sqlite),
        b'%' if head.starts_with(b"%PDF-") => Some(Kind::Pdf),
        0x30 if is_pkcs12(head) => Some(Kind::Pkcs12),
        0x30 => super::der::label(head).map(Kind::Der),
        0x94..=0x96 | 0xc5 => super::der::openpgp(head).map(Kind::Der),
        0xfe if head.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) => Some(Kind::Jks),
        0xce if head.starts_with(&[0xce, 0xce, 0xce, 0xce]) => Some(Kind::Jks),
        b'7' if head.starts_with(b"7z\xbc\xaf\x27\x1c") => Some(Kind::Unread("7z")),
        b'R' if head.starts_with(b"Rar!\x1a\x07") => Some(Kind::Unread("rar")),
        b'h' | b's' if is_squashfs(head) => Some(Kind::Unread("squashfs")),
        0x89 if head.starts_with(b"\x89LZO\0\r\n\x1a\n") => Some(Kind::Unread("lzop")),
        0x5d if is_lzma(head) => Some(Kind::Lzma),
        b'#' if head.starts_with(b"# v2 git bundle\n") || head.starts_with(b"# v3 git bundle\n") => Some(Kind::Bundle),
        b'M' if head.starts_with(b"MSCF\0\0\0\0") => Some(Kind::Unread("cabinet")),
        0x04 if head.starts_with(&[0x04, 0x22, 0x4d, 0x18]) => Some(Kind::Unread("lz4")),
        0xff if head.starts_with(&[0xff, 0xfe]) => Some(Kind::Utf16 { big_endian: false }),
        0xfe if head.starts_with(&[0xfe, 0xff]) => Some(Kind::Utf16 { big_endian: true }),
        0x78 if is_zlib(head) => Some(Kind::Zlib),
        _ => None,
    };
    if let Some(kind) = container {
        return kind;
    }
    if is_tar(head) {
        return Kind::Tar;
    }
    match memchr::memchr(0, head) {
        None => Kind::Text,
        Some(_) => utf16_without_mark(head).unwrap_or(Kind::Binary),
    }
}

/// A superblock of either byte order. Every version has binary numbers behind the magic, so a text is none.
fn is_squashfs(head: &[u8]) -> bool {
    (head.starts_with(b"hsqs") || head.starts_with(b"sqsh")) && head.len() >= 96 && !head.is_ascii()
}

/// The header of the .lzma format, as strictly as xz takes it: the usual parameters, a dictionary of 2^n or 2^n + 2^(n-1) bytes, an
/// unknown size or one below 256 GiB; then the first byte of a range coder, which is always zero.
fn is_lzma(head: &[u8]) -> bool {
    let fields = (|| Some((head.get(1..5)?.try_into().ok()?, head.get(5..13)?.try_into().ok()?, *head.get(13)?)))();
    let Some((dictionary, size, first)) = fields else { return false };
    let (dictionary, size) = (u32::from_le_bytes(dictionary), u64::from_le_bytes(size));
    let steps =
        dictionary.count_ones() == 1 || dictionary.count_ones() == 2 && dictionary.trailing_zeros() + 2 == 32 - dictionary.leading_zeros();
    first == 0 && dictionary >= 4096 && steps && (size == u64::MAX || size < 1 << 38)
}

fn is_bzip2(head: &[u8]) -> bool {
    head.starts_with(b"BZh")
        && head.get(3).is_some_and(|level| (b'1'..=b'9').contains(level))
        && matches!(head.get(4..10), Some(b"1AY&SY" | b"\x17\x72\x45\x38\x50\x90"))
}

/// A local header, an empty archive, or a spanning mark.
fn is_zip(head: &[u8]) -> bool {
    matches!(head.get(..4), Some(b"PK\x03\x04" | b"PK\x05\x06" | b"PK\x07\x08"))
}

fn is_cpio(head: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>, hex: bool| {
        head.get(range).is_some_and(|d| d.iter().all(|b| if hex { b.is_ascii_hexdigit() } else { (b'0'..=b'7').contains(b) }))
    };
    match head.get(..6) {
        Some(b"070701" | b"070702") => digits(6..110, true),
        Some(b"070707") => digits(6..76, false),
        _ => false,
    }
}

/// `SEQUENCE { INTEGER 3, SEQUENCE`: the PFX of RFC 7292, section 4.
fn is_pkcs12(head: &[u8]) -> bool {
    let body = match head.get(1) {
        Some(0x80) => 2,
        Some(0x81) => 3,
        Some(0x82) => 4,
        Some(0x83) => 5,
        _ => return false,
    };
    head.get(body..).is_some_and(|rest| rest.starts_with(&[2, 1, 3, 0x30]))
}

/// RFC 1950, section 2.2: deflate with a window of 32 KiB, and the check bits. `x^` is also how a formula begins, but 64
/// compressed bytes are never all ASCII.
fn is_zlib(head: &[u8]) -> bool {
    matches!(head.get(1), Some(0x01 | 0x5e | 0x9c | 0xda)) && head.len() > 8 && !head.get(..64).unwrap_or(head).is_ascii()
}

/// A ustar magic, or the header checksum of a v7 archive (POSIX pax, "ustar Interchange Format").
pub(super) fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else { return false };
    // Cheap first: eight bytes of octal digits, blanks and NULs.
    let Some(sum) = header.get(148..156).and_then(super::tar::octal) else { return false };
    let magic = header.get(257..262) == Some(b"ustar");
    let found: u64 = header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    let signed: i64 =
        header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { i64::from(byte.cast_signed()) }).sum();
    (found == sum || i64::try_from(sum) == Ok(signed)) && (magic || header.first() != Some(&0))
}

/// ASCII in 16-bit units: nearly every other byte is NUL and the ones between are not.
fn utf16_without_mark(head: &[u8]) -> Option<Kind> {
    let pairs = head.len() / 2;
    if pairs < 8 {
        return None;
    }
    let is_ascii = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let (mut even, mut odd) = (0usize, 0usize);
    for (seen, pair) in head.chunks_exact(2).enumerate() {
        let [a, b] = pair else { continue };
        even += usize::from(*a == 0 && is_ascii(*b));
        odd += usize::from(*b == 0 && is_ascii(*a));
        // Nearly every program ends here, after a few bytes.
        if (seen + 1 - even.max(odd)) * 10 > pairs {
            return None;
        }
    }
    Some(Kind::Utf16 { big_endian: even > odd })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        for text in ["", "hello", "070701 is a number", "BZh, a name", "Packages\n", "%PDF", "x: 1\n", "RaReader", "x^2 + y^2 = z^2\n"] {
            assert_eq!(sniff(text.as_bytes()), Kind::Text, "{text}");
        }
    }

    #[test]
    fn utf16_is_seen_without_a_mark() {
        let little: Vec<u8> = "TOKEN=abcdefgh\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "TOKEN=abcdefgh\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(sniff(&little), Kind::Utf16 { big_endian: false });
        assert_eq!(sniff(&big), Kind::Utf16 { big_endian: true });
        assert_eq!(sniff(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"), Kind::Binary);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(head in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            sniff(&head);
        }
    }
}
