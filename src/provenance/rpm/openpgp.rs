//! As much of OpenPGP (RFC 4880) as verifies a package's signature: RSA keys and signatures of versions 3 and 4.

use num_bigint::BigUint;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Keys of one file.
const KEYS: usize = 200;

const SIGNATURE: u8 = 2;
const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;
/// RSA, for signing or for both.
const RSA: [u8; 2] = [1, 3];
/// A signature of a binary document.
const BINARY: u8 = 0;

/// What a signature with PKCS#1 version 1.5 begins with before the hash (RFC 8017, section 9.2, note 1).
const SHA256_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA384_INFO: &[u8] = b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30";
const SHA512_INFO: &[u8] = b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

/// An RSA key.
pub(super) struct PublicKey {
    /// Of version 4: SHA-1 over the key's packet (section 12.2).
    pub(super) fingerprint: [u8; 20],
    modulus: BigUint,
    exponent: BigUint,
    /// Bytes of the modulus.
    length: usize,
}

impl PublicKey {
    /// The last eight bytes of the fingerprint.
    pub(super) fn id(&self) -> [u8; 8] {
        self.fingerprint.last_chunk().copied().unwrap_or_default()
    }

    /// Whether the signature is this key's (RFC 8017, section 8.2.2): by encoding what must be signed, not by decoding what was.
    pub(super) fn verifies(&self, signature: &Signature) -> bool {
        let Some(padding) = self.length.checked_sub(signature.hash.len() + 3).filter(|padding| *padding >= 8) else { return false };
        let expected = [&[0, 1], vec![0xff; padding].as_slice(), &[0], &signature.hash].concat();
        let value = BigUint::from_bytes_be(&signature.value);
        value < self.modulus && value.modpow(&self.exponent, &self.modulus) == BigUint::from_bytes_be(&expected)
    }
}

/// A signature, and the hash of what it is over.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Signature {
    pub(super) issuer: [u8; 8],
    pub(super) value: Vec<u8>,
    /// With the algorithm's identifier in front.
    hash: Vec<u8>,
}

impl Signature {
    /// Reads a signature packet over `document`. `None` for other kinds and algorithms.
    pub(super) fn of(packet: &[u8], document: &[u8]) -> Option<Self> {
        let (SIGNATURE, body) = Packets(packet).next()? else { return None };
        let (issuer, algorithm, trailer, value) = match body {
            [3, 5, rest @ ..] => {
                let (hashed, rest) = rest.split_at_checked(5)?;
                let (issuer, rest) = rest.split_first_chunk::<8>()?;
                let [public, algorithm, _, _, value @ ..] = rest else { return None };
                if hashed.first() != Some(&BINARY) || !RSA.contains(public) {
                    return None;
                }
                (*issuer, *algorithm, hashed.to_vec(), value)
            }
            [4, BINARY, public, algorithm, rest @ ..] if RSA.contains(public) => {
                let (hashed, rest) = lump(rest)?;
                let (unhashed, rest) = lump(rest)?;
                let over = body.get(..6 + hashed.len())?;
                let length = u32::try_from(over.len()).ok()?;
                let issuer = issuer(hashed).or_else(|| issuer(unhashed))?;
                (issuer, *algorithm, [over, &[4, 0xff], &length.to_be_bytes()].concat(), rest.get(2..)?)
            }
            _ => return None,
        };
        let hash = match algorithm {
            8 => [SHA256_INFO, &Sha256::new().chain_update(document).chain_update(&trailer).finalize()].concat(),
            9 => [SHA384_INFO, &Sha384::new().chain_update(document).chain_update(&trailer).finalize()].concat(),
            10 => [SHA512_INFO, &Sha512::new().chain_update(document).chain_update(&trailer).finalize()].concat(),
            _ => return None,
        };
        Some(Self { issuer, value: integer(value)?.0.to_vec(), hash })
    }
}

/// Subpackets (section 5.2.3.1): the issuer's id, or its fingerprint (RFC 9580, section 5.2.3.35).
fn issuer(mut subpackets: &[u8]) -> Option<[u8; 8]> {
    while let [first, rest @ ..] = subpackets {
        let (length, rest) = match (first, rest) {
            (0..=191, rest) => (usize::from(*first), rest),
            (192..=254, [second, rest @ ..]) => (((usize::from(*first) - 192) << 8) + usize::from(*second) + 192, rest),
            _ => return None,
        };
        let (subpacket, after) = rest.split_at_checked(length)?;
        match subpacket {
            [16, id @ ..] => return id.try_into().ok(),
            [33, 4, fingerprint @ ..] => return fingerprint.last_chunk().copied(),
            _ => subpackets = after,
        }
    }
    None
}

/// Bytes with their length in two.
fn lump(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// A multiprecision integer (section 3.2), and what follows.
fn integer(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bits, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*bits)).div_ceil(8)).filter(|(value, _)| value.len() <= 1024)
}

/// The RSA keys of a file, armoured (several blocks, perhaps) or not.
pub(super) fn public_keys(bytes: &[u8]) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    let begin: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
    if memchr::memmem::find(rest, begin).is_none() {
        keys.extend(Packets(bytes).filter_map(public_key).take(KEYS));
    }
    while let Some(at) = memchr::memmem::find(rest, begin).filter(|_| keys.len() < KEYS) {
        rest = rest.get(at + begin.len()..).unwrap_or_default();
        keys.extend(Packets(&armoured(rest).unwrap_or_default()).filter_map(public_key).take(KEYS));
    }
    keys
}

/// The bytes of an armoured block (section 6.2) whose first line was taken off: headers, an empty line, base64, a checksum.
fn armoured(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.get(..memchr::memmem::find(text, b"-----END")?)?;
    let mut digits = Vec::with_capacity(text.len());
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.starts_with(b"=") {
            break;
        }
        if !line.contains(&b':') {
            digits.extend_from_slice(line);
        }
    }
    data_encoding::BASE64.decode(&digits).ok()
}

fn public_key((tag, body): (u8, &[u8])) -> Option<PublicKey> {
    if !matches!(tag, PUBLIC_KEY | PUBLIC_SUBKEY) {
        return None;
    }
    let [4, _, _, _, _, algorithm, rest @ ..] = body else { return None };
    let (modulus, rest) = integer(rest)?;
    let (exponent, _) = integer(rest)?;
    let length = u16::try_from(body.len()).ok()?;
    let fingerprint = Sha1::new_with_prefix([0x99]).chain_update(length.to_be_bytes()).chain_update(body).finalize().into();
    let sound = RSA.contains(algorithm) && modulus.len() >= 256 && exponent.len() <= 4;
    sound.then(|| PublicKey {
        fingerprint,
        length: modulus.len(),
        modulus: BigUint::from_bytes_be(modulus),
        exponent: BigUint::from_bytes_be(exponent),
    })
}

/// Packets (section 4.2) of known length: tag and body.
struct Packets<'b>(&'b [u8]);

impl<'b> Iterator for Packets<'b> {
    type Item = (u8, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (first, rest) = self.0.split_first()?;
        let (tag, length, rest) = match (first >> 6, first & 3, rest) {
            (2, 0, [length, rest @ ..]) => (first >> 2 & 15, usize::from(*length), rest),
            (2, 1, [a, b, rest @ ..]) => (first >> 2 & 15, usize::from(u16::from_be_bytes([*a, *b])), rest),
            (2, 2, [a, b, c, d, rest @ ..]) => (first >> 2 & 15, u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest),
            (3, _, [length @ 0..=191, rest @ ..]) => (first & 63, usize::from(*length), rest),
            (3, _, [a @ 192..=223, b, rest @ ..]) => (first & 63, ((usize::from(*a) - 192) << 8) + usize::from(*b) + 192, rest),
            (3, _, [255, a, b, c, d, rest @ ..]) => (first & 63, u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest),
            _ => return None,
        };
        let (body, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, body))
    }
}
