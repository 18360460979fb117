//! Private keys and certificates in DER (X.690), without the armour that a rule could see: they are put into it.

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
        let pem = Zeroizing::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(bytes)));
        walk.within("der", |walk| walk.bytes(name, pem.as_bytes()));
    }
    let mut all = bytes.chain(reader);
    walk.raw(name, &mut all)
}
