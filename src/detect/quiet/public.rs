//! Public values: identifiers, checksums, hashes.

use super::starts;

/// `8-4-4-4-12` hex digits.
pub(in crate::detect) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Values that name their own hash: `sha256:...`, `sha512-...` (subresource integrity), crypt(3) and PHC strings, public keys.
pub(in crate::detect) fn is_hash_prefixed(value: &[u8]) -> bool {
    const PREFIXES: &[&[u8]] = &[
        b"sha1:",
        b"sha256:",
        b"sha384:",
        b"sha512:",
        b"sha1-",
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"md5:",
        b"md5-",
        b"$2a$",
        b"$2b$",
        b"$2y$",
        b"$1$",
        b"$5$",
        b"$6$",
        b"$y$",
        b"$argon2",
        b"$pbkdf2",
        b"$scrypt",
        b"pbkdf2:",
        b"pbkdf2_sha",
        b"bcrypt:",
        b"scrypt:",
        b"{ssha",
        b"{sha",
        b"{crypt}",
        b"scram-sha-",
        b"ssh-rsa ",
        b"ssh-ed25519 ",
        b"ecdsa-sha2-",
        b"-----begin public",
        b"-----begin certificate",
        b"-----begin rsa public",
        b"age1",
        b"pgp:",
        b"data:",
        // `Salted__` in base64: what `openssl enc` wrote.
        b"u2fsdgvkx1",
        b"urn:",
        b"blake2",
        b"crc32:",
    ];
    PREFIXES.iter().any(|known| starts(value, known))
}

/// Path data of an SVG (<https://www.w3.org/TR/SVG2/paths.html#PathData>): icons are called `form-textbox-password`, too.
pub(in crate::detect) fn is_drawing(value: &[u8]) -> bool {
    value.len() >= 8
        && matches!(value, [b'M' | b'm', b'0'..=b'9' | b'.' | b'-' | b' ', ..])
        && value.iter().all(|b| b.is_ascii_digit() || b" ,.-MmLlHhVvCcSsQqTtAaZz".contains(b))
        && value.iter().any(|b| matches!(b, b' ' | b',' | b'.'))
}

/// Keys that everybody has, by how they start: the account key of Azure's storage emulator
/// (<https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>).
pub(super) fn is_published(value: &[u8]) -> bool {
    value.starts_with(b"Eby8vdM02xNOcqFl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_uuids() {
        assert!(is_uuid(b"123e4567-e89b-12d3-a456-426614174000"));
        assert!(!is_uuid(b"123e4567-e89b-12d3-a456-42661417400g"));
        assert!(is_hash_prefixed(b"sha512-abc=="));
        assert!(!is_hash_prefixed(b"shadow"));
        assert!(is_drawing(b"M17,7H22V17H17V19A1,1 0 0,0 18,20H20V22Z"));
        assert!(!is_drawing(b"M4ster.Passw0rd"));
        assert!(!is_drawing(b"M123456789"));
    }
}
