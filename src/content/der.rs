//! Private keys and certificates in DER (X.690), and OpenPGP's secret keys (RFC 9580), without the armour that a rule could see: they are put into it.

use std::io::{self, Read};

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::walk::{Walk, fill};

/// Bytes of the longest key or certificate that is looked at.
const LONGEST: usize = 64 << 10;

/// The object identifiers of password-based encryption begin so: PKCS#5 (RFC 8018) and PKCS#12 (RFC 7292).
const ENCRYPTION: [&[u8]; 2] = [b"\x2a\x86\x48\x86\xf7\x0d\x01\x05", b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c"];

/// The PEM label (RFC 7468, RFC 5915, PKCS#1) of what a file's first bytes begin.
pub(super) fn label(head: &[u8]) -> Option<&'static str> {
    match sequence(head)? {
        // A certificate's own sequence, its version: v3 or v2.
        [0x30, 0x82, _, _, 0xa0, 3, 2, 1, 1 | 2, ..] => Some("CERTIFICATE"),
        [2, 1, 0, 2, 0x81 | 0x82 | 0x40..=0x42, ..] => Some("RSA PRIVATE KEY"),
        [2, 1, 0 | 1, 0x30, 5..=0x30, 6, 3..=9, ..] => Some("PRIVATE KEY"),
        [2, 1, 1, 4, 0x1c..=0x42, ..] => Some("EC PRIVATE KEY"),
        [0x30, _, 6, 9 | 10, identifier @ ..] if ENCRYPTION.iter().any(|known| identifier.starts_with(known)) => {
            Some("ENCRYPTED PRIVATE KEY")
        }
        _ => None,
    }
}

/// The label (RFC 9580, section 6.2.1) of a file that begins with a secret key's packet.
pub(super) fn openpgp(head: &[u8]) -> Option<&'static str> {
    let body = match head {
        // Old format with a length of one, two or four bytes; new format.
        [0x94, _, body @ ..] | [0x95, _, _, body @ ..] | [0x96, _, _, _, _, body @ ..] => body,
        [0xc5, 192..=223, _, body @ ..] | [0xc5, 255, _, _, _, _, body @ ..] | [0xc5, 0..=191, body @ ..] => body,
        _ => return None,
    };
    // Version, time of creation, and an algorithm of section 9.1.
    let algorithm = match body {
        [4..=6, _, _, _, _, algorithm, ..] => *algorithm,
        _ => return None,
    };
    matches!(algorithm, 1..=3 | 16..=19 | 22 | 25..=28).then_some("PGP PRIVATE KEY BLOCK")
}

/// What is inside a SEQUENCE.
fn sequence(head: &[u8]) -> Option<&[u8]> {
    match head {
        [0x30, 0x81, _, body @ ..] | [0x30, 0x82, _, _, body @ ..] => Some(body),
        [0x30, length, body @ ..] if *length < 0x80 => Some(body),
        _ => None,
    }
}

/// Scans a file of that label.
pub(super) fn der(walk: &mut Walk<'_>, name: &str, label: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut bytes = Zeroizing::new(Vec::new());
    let filled = fill(reader, &mut bytes, 0, LONGEST)?;
    let bytes = bytes.get(..filled).unwrap_or_default();
    if filled < LONGEST {
        let (way, headers) = if label.starts_with("PGP ") { ("openpgp", "\n") } else { ("der", "") };
        let pem = Zeroizing::new(format!("-----BEGIN {label}-----\n{headers}{}\n-----END {label}-----\n", BASE64.encode(bytes)));
        walk.within(way, |walk| walk.bytes(name, pem.as_bytes()));
    }
    let mut all = bytes.chain(reader);
    walk.raw(name, &mut all)
}
