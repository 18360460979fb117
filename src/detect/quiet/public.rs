//! Public values: identifiers, checksums, hashes.

use super::starts;

/// `8-4-4-4-12` hex digits.
pub(in crate::detect) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Values that name their own hash: `sha256:...`, `sha512-...` (subresource integrity), crypt(3) and PHC strings, public keys.
pub(in crate::detect) fn is_public(value: &[u8]) -> bool {
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
        || is_media(value)
        || is_public_point(value)
        || is_account(value)
        || is_client_side(value)
}

/// Paddle's tokens for browsers (<https://developer.paddle.com/paddlejs/client-side-tokens>).
fn is_client_side(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"live_").or_else(|| value.strip_prefix(b"test_"));
    digits.is_some_and(|digits| digits.len() == 27 && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Pictures, sounds and fonts in base64, by the signatures that files of their kind start with.
fn is_media(value: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[
        b"iVBORw0KGgo",
        b"/9j/4AAQSk",
        b"/9j/4QAA",
        b"R0lGODlh",
        b"R0lGODdh",
        b"PHN2ZyB4",
        b"UklGR",
        b"AAABAAEA",
        b"d09GRgAB",
        b"d09GMgAB",
        b"T2dnUwAC",
        b"JVBERi0x",
    ];
    value.len() >= 24 && STARTS.iter().any(|known| value.starts_with(known))
}

/// An uncompressed point of P-256 in base64url, as Web Push has it (RFC 8292, section 3.2): the public half of a pair.
fn is_public_point(value: &[u8]) -> bool {
    let digits = value.strip_suffix(b"=").unwrap_or(value);
    digits.len() == 87
        && digits.starts_with(b"B")
        && digits.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/'))
}

/// An address of Ethereum: 20 bytes in hexadecimal (<https://ethereum.org/developers/docs/accounts>).
fn is_account(value: &[u8]) -> bool {
    matches!(value, [b'0', b'x', digits @ ..] if digits.len() == 40 && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Path data of an SVG (<https://www.w3.org/TR/SVG2/paths.html#PathData>): icons are called `form-textbox-password`, too.
pub(in crate::detect) fn is_drawing(value: &[u8]) -> bool {
    value.len() >= 8
        && matches!(value, [b'M' | b'm', b'0'..=b'9' | b'.' | b'-' | b' ', ..])
        && value.iter().all(|b| b.is_ascii_digit() || b" ,.-MmLlHhVvCcSsQqTtAaZz".contains(b))
        && value.iter().any(|b| matches!(b, b' ' | b',' | b'.'))
}

/// Keys that everybody has, by how they start: the account key of Azure's storage emulator
/// (<https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>), the accounts of
/// Hardhat's and Anvil's networks (<https://hardhat.org/hardhat-network/docs/overview>).
pub(super) fn is_published(value: &[u8]) -> bool {
    const NODES: &[&[u8]] = &[
        b"ac0974bec39a17e3",
        b"59c6995e998f97a5",
        b"5de4111afa1a4b94",
        b"7c852118294e51e6",
        b"47e179ec19748859",
        b"8b3a350cf5c34c91",
        b"92db14e403b83dfe",
        b"4bbbf85ce3377467",
        b"dbda1821b80551c9",
        b"2a871d0798f97d79",
    ];
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    value.starts_with(b"Eby8vdM02xNOcqFl") || (digits.len() == 64 && NODES.iter().any(|known| digits.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_uuids() {
        assert!(is_uuid(b"123e4567-e89b-12d3-a456-426614174000"));
        assert!(!is_uuid(b"123e4567-e89b-12d3-a456-42661417400g"));
        assert!(is_public(b"sha512-abc=="));
        assert!(!is_public(b"shadow"));
        assert!(is_public(b"iVBORw0KGgoAAAANSUhEUgAAABAAAAAQ"));
        assert!(is_public(b"0x20c000000000000000000000f37de3740adec032"));
        assert!(!is_public(b"0x20c000000000000000000000f37de3740adec03212345678"));
        assert!(is_public(format!("BD{}", "x9_-Q".repeat(17)).as_bytes()));
        assert!(is_public(format!("live_{}", "7d2".repeat(9)).as_bytes()) && !is_public(format!("live_{}", "7d2".repeat(8)).as_bytes()));
        assert!(is_drawing(b"M17,7H22V17H17V19A1,1 0 0,0 18,20H20V22Z"));
        assert!(!is_drawing(b"M4ster.Passw0rd"));
        assert!(!is_drawing(b"M123456789"));
    }
}
