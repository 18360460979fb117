//! Java's own key stores, JKS and JCEKS, as `sun.security.provider.JavaKeyStore` and `KeyProtector` of OpenJDK read and write them.

use sha1::{Digest, Sha1};

/// What a store's end is hashed with: its password, this, and all that comes before.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// Entries that are read; a real store has tens.
const ENTRIES: u32 = 10_000;

/// A store, unopened.
pub(super) struct Store<'b> {
    /// The encrypted private keys, each an EncryptedPrivateKeyInfo (RFC 5208, section 6).
    pub(super) keys: Vec<&'b [u8]>,
    /// Everything but the hash at the end.
    body: &'b [u8],
    hash: &'b [u8],
}

/// Reads the entries; what is cut or damaged ends the list.
pub(super) fn parse(bytes: &[u8]) -> Store<'_> {
    let (body, hash) = bytes.split_at(bytes.len().saturating_sub(20));
    let mut store = Store { keys: Vec::new(), body, hash };
    let mut cursor = Cursor(bytes.get(8..).unwrap_or_default());
    let count = cursor.number().unwrap_or(0).min(ENTRIES);
    for _ in 0..count {
        if cursor.entry(&mut store.keys).is_none() {
            break;
        }
    }
    store
}

impl Store<'_> {
    /// Whether this is the store's password.
    pub(super) fn opens_with(&self, password: &str) -> bool {
        let mut sha1 = Sha1::new();
        sha1.update(utf16(password));
        sha1.update(WHITENER);
        sha1.update(self.body);
        sha1.finalize().as_slice() == self.hash
    }
}

struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A text with its length in two bytes.
    fn text(&mut self) -> Option<&'b [u8]> {
        let length = self.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
        self.take(usize::from(length))
    }

    /// Bytes with their length in four.
    fn lump(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// 1: a private key and its certificates; 2: a certificate; 3 (JCEKS): a sealed object, of unknown length.
    fn entry(&mut self, keys: &mut Vec<&'b [u8]>) -> Option<()> {
        let tag = self.number()?;
        self.text()?;
        self.take(8)?;
        match tag {
            1 => {
                keys.push(self.lump()?);
                for _ in 0..self.number()?.min(ENTRIES) {
                    self.text()?;
                    self.lump()?;
                }
                Some(())
            }
            2 => {
                self.text()?;
                self.lump().map(drop)
            }
            _ => None,
        }
    }
}

fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Undoes Sun's key protection (1.3.6.1.4.1.42.2.17.1.1): salt, the key xored with a chain of SHA-1, a check at the end.
pub(super) fn decrypt(lump: &[u8], password: &str) -> Option<Vec<u8>> {
    const SUN: &[u8] = b"\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01";
    let at = memchr::memmem::find(lump.get(..64).unwrap_or(lump), SUN)?;
    // After the algorithm (with NULL as its parameters) comes the last octet string: salt, key, check.
    let after = lump.get(at + SUN.len()..)?;
    let after = after.strip_prefix(&[5, 0]).unwrap_or(after);
    let protected = match after {
        [4, 0x82, _, _, rest @ ..] | [4, 0x81, _, rest @ ..] | [4, _, rest @ ..] => rest,
        _ => return None,
    };
    let (salt, rest) = protected.split_at_checked(20)?;
    let (key, check) = rest.split_at_checked(rest.len().checked_sub(20)?)?;
    let password = utf16(password);
    let hash = |tail: &[u8]| Sha1::new().chain_update(&password).chain_update(tail).finalize();
    let mut pad = hash(salt);
    let mut plain = Vec::with_capacity(key.len());
    for chunk in key.chunks(20) {
        plain.extend(chunk.iter().zip(pad.as_slice()).map(|(a, b)| a ^ b));
        pad = hash(pad.as_slice());
    }
    (hash(&plain).as_slice() == check).then_some(plain)
}
