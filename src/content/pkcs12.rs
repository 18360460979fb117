//! PKCS#12 (RFC 7292), read as far as to say whether a password opens it and which keys and certificates are in it. All key
//! derivations of one file share a budget: a file may hold thousands of bags, each with a million rounds of its own.

use aes::{Aes128, Aes192, Aes256};
use des::{TdesEde2, TdesEde3};
use hmac::{Hmac, KeyInit, Mac, digest::block_api::EagerHash};
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::{
    cipher::{cbc, pbkdf2},
    detect::public::element,
};

/// Bags within bags.
const DEPTH: u8 = 4;

/// Rounds of key derivation that one file is worth, over all passwords and bags: about a second.
const ROUNDS: u64 = 3_000_000;

/// Decrypts with a key and an initialisation vector; `None` where key, length or padding do not fit.
type Open = fn(&[u8], &[u8], &[u8]) -> Option<Vec<u8>>;

/// What is left of the rounds.
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn new() -> Self {
        Self(ROUNDS)
    }

    fn spend(&mut self, rounds: u64, blocks: usize) -> Result<(), Failure> {
        let cost = rounds.checked_mul(blocks as u64).ok_or(Failure::TooMuch)?;
        self.0 = self.0.checked_sub(cost).ok_or(Failure::TooMuch)?;
        Ok(())
    }
}

/// Why a file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Not with this password; or it is damaged.
    Closed,
    /// The budget is spent.
    TooMuch,
}

/// What a file holds, each in DER.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) keys: Vec<Zeroizing<Vec<u8>>>,
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Opens a file with a password.
pub(super) fn open(bytes: &[u8], password: &str, budget: &mut Budget) -> Result<Contents, Failure> {
    let (pfx, _) = element(bytes, SEQUENCE).ok_or(Failure::Closed)?;
    let (_, rest) = element(pfx, INTEGER).ok_or(Failure::Closed)?;
    let (info, mac) = element(rest, SEQUENCE).ok_or(Failure::Closed)?;
    let safe = data(info).ok_or(Failure::Closed)?;
    // An empty password is two zero bytes to most programs, and none to some.
    let bmp: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let candidates = if password.is_empty() { vec![bmp.as_slice(), &[]] } else { vec![bmp.as_slice()] };
    let mut last = Failure::Closed;
    for bmp in candidates {
        let mut opening = Opening { password: password.as_bytes(), bmp, budget, contents: Contents::default() };
        match opening.authenticated(safe, mac) {
            Ok(()) => return Ok(opening.contents),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

struct Opening<'o> {
    password: &'o [u8],
    /// The password in UTF-16 with its end, as the key derivation of PKCS#12 takes it.
    bmp: &'o [u8],
    budget: &'o mut Budget,
    contents: Contents,
}

impl Opening<'_> {
    fn authenticated(&mut self, safe: &[u8], mac: &[u8]) -> Result<(), Failure> {
        if let Some((mac, _)) = element(mac, SEQUENCE)
            && !self.mac(mac, safe)?
        {
            return Err(Failure::Closed);
        }
        let (mut infos, _) = element(safe, SEQUENCE).ok_or(Failure::Closed)?;
        while let Some((info, rest)) = element(infos, SEQUENCE) {
            infos = rest;
            if let Some(bags) = data(info) {
                self.bags(bags, 0)?;
            } else if let Some((algorithm, sealed)) = encrypted(info) {
                let plain = self.decrypt(algorithm, sealed)?;
                self.bags(&plain, 0)?;
            }
        }
        Ok(())
    }

    /// Section 4: the MAC over the content, with a key of its own.
    fn mac(&mut self, mac: &[u8], safe: &[u8]) -> Result<bool, Failure> {
        let fields = (|| {
            let (info, rest) = element(mac, SEQUENCE)?;
            let (algorithm, value) = element(info, SEQUENCE)?;
            let (algorithm, _) = element(algorithm, OBJECT)?;
            let (value, _) = element(value, OCTETS)?;
            let (salt, rest) = element(rest, OCTETS)?;
            Some((algorithm, value, salt, element(rest, INTEGER).map_or(Some(1), |(rounds, _)| number(rounds))?))
        })();
        let Some((algorithm, value, salt, rounds)) = fields else { return Ok(false) };
        match algorithm {
            SHA1 => self.verified::<Sha1>(value, salt, rounds, safe),
            SHA256 => self.verified::<Sha256>(value, salt, rounds, safe),
            SHA384 => self.verified::<Sha384>(value, salt, rounds, safe),
            SHA512 => self.verified::<Sha512>(value, salt, rounds, safe),
            _ => Ok(false),
        }
    }

    fn verified<D: EagerHash + Digest>(&mut self, value: &[u8], salt: &[u8], rounds: u64, safe: &[u8]) -> Result<bool, Failure> {
        let key = self.derive::<D>(3, salt, rounds, <D as Digest>::output_size())?;
        let Ok(mut mac) = Hmac::<D>::new_from_slice(&key) else { return Ok(false) };
        mac.update(safe);
        Ok(mac.verify_slice(value).is_ok())
    }

    /// The bags of one SafeContents.
    fn bags(&mut self, safe: &[u8], depth: u8) -> Result<(), Failure> {
        let Some((mut bags, _)) = element(safe, SEQUENCE) else { return Err(Failure::Closed) };
        while let Some((bag, rest)) = element(bags, SEQUENCE) {
            bags = rest;
            let Some((kind, value)) = element(bag, OBJECT) else { continue };
            let Some((value, _)) = element(value, CONTEXT_0) else { continue };
            match kind.strip_prefix(BAG) {
                Some([1]) => self.contents.keys.push(Zeroizing::new(value.to_vec())),
                Some([2]) => {
                    let sealed = (|| {
                        let (info, _) = element(value, SEQUENCE)?;
                        let (algorithm, sealed) = element(info, SEQUENCE)?;
                        Some((algorithm, element(sealed, OCTETS)?.0))
                    })();
                    let (algorithm, sealed) = sealed.ok_or(Failure::Closed)?;
                    let key = self.decrypt(algorithm, sealed)?;
                    element(&key, SEQUENCE).ok_or(Failure::Closed)?;
                    self.contents.keys.push(key);
                }
                Some([3]) => {
                    let certificate = element(value, SEQUENCE)
                        .and_then(|(bag, _)| element(element(bag, OBJECT)?.1, CONTEXT_0))
                        .and_then(|(value, _)| element(value, OCTETS));
                    self.contents.certificates.extend(certificate.map(|(der, _)| der.to_vec()));
                }
                Some([6]) if depth < DEPTH => self.bags(value, depth + 1)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// PBES2 (RFC 8018) and the schemes of PKCS#12, appendix C.
    fn decrypt(&mut self, algorithm: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (scheme, parameters) = element(algorithm, OBJECT).ok_or(Failure::Closed)?;
        let (parameters, _) = element(parameters, SEQUENCE).ok_or(Failure::Closed)?;
        let plain = if scheme == PBES2 { self.pbes2(parameters, sealed)? } else { self.pbes1(scheme, parameters, sealed)? };
        plain.map(Zeroizing::new).ok_or(Failure::Closed)
    }

    fn pbes1(&mut self, scheme: &[u8], parameters: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let (salt, rounds) = element(parameters, OCTETS).ok_or(Failure::Closed)?;
        let rounds = element(rounds, INTEGER).and_then(|(rounds, _)| number(rounds)).ok_or(Failure::Closed)?;
        let (length, open): (usize, Open) = match scheme.strip_prefix(PBES1) {
            Some([3]) => (24, cbc::<TdesEde3>),
            Some([4]) => (16, cbc::<TdesEde2>),
            Some([5]) => (16, cbc::<Rc2>),
            Some([6]) => (5, cbc::<Rc2>),
            _ => return Ok(None),
        };
        let key = self.derive::<Sha1>(1, salt, rounds, length)?;
        let iv = self.derive::<Sha1>(2, salt, rounds, 8)?;
        Ok(open(&key, &iv, sealed))
    }

    fn pbes2(&mut self, parameters: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let fields = (|| {
            let (derivation, cipher) = element(parameters, SEQUENCE)?;
            let (function, derivation) = element(derivation, OBJECT)?;
            let (derivation, _) = element(derivation, SEQUENCE)?;
            let (salt, rest) = element(derivation, OCTETS)?;
            let (rounds, rest) = element(rest, INTEGER)?;
            // The key's length is that of the cipher.
            let rest = element(rest, INTEGER).map_or(rest, |(_, rest)| rest);
            let random = element(rest, SEQUENCE).and_then(|(algorithm, _)| element(algorithm, OBJECT)).map_or(HMAC_SHA1, |(id, _)| id);
            let (cipher, iv) = element(element(cipher, SEQUENCE)?.0, OBJECT)?;
            (function == PBKDF2).then_some((salt, number(rounds)?, random, cipher, element(iv, OCTETS)?.0))
        })();
        let Some((salt, rounds, random, cipher, iv)) = fields else { return Ok(None) };
        let (length, open): (usize, Open) = match cipher {
            AES128 => (16, cbc::<Aes128>),
            AES192 => (24, cbc::<Aes192>),
            AES256 => (32, cbc::<Aes256>),
            TRIPLE_DES => (24, cbc::<TdesEde3>),
            _ => return Ok(None),
        };
        let key = match random {
            HMAC_SHA1 => self.pbkdf2::<Sha1>(salt, rounds, length)?,
            HMAC_SHA256 => self.pbkdf2::<Sha256>(salt, rounds, length)?,
            HMAC_SHA384 => self.pbkdf2::<Sha384>(salt, rounds, length)?,
            HMAC_SHA512 => self.pbkdf2::<Sha512>(salt, rounds, length)?,
            _ => return Ok(None),
        };
        Ok(open(&key, iv, sealed))
    }

    /// RFC 8018, section 5.2.
    fn pbkdf2<D: EagerHash + Digest>(&mut self, salt: &[u8], rounds: u64, length: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let blocks = length.div_ceil(<D as Digest>::output_size());
        self.budget.spend(rounds, 2 * blocks)?;
        pbkdf2::<D>(self.password, salt, rounds, length).ok_or(Failure::Closed)
    }

    /// RFC 7292, appendix B.2; `purpose` 1 for a key, 2 for a vector, 3 for a MAC.
    fn derive<D: EagerHash + Digest>(
        &mut self,
        purpose: u8,
        salt: &[u8],
        rounds: u64,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let output = <D as Digest>::output_size();
        self.budget.spend(rounds, length.div_ceil(output))?;
        let block = if output > 32 { 128 } else { 64 };
        let filled = |bytes: &[u8]| bytes.iter().copied().cycle().take(bytes.len().div_ceil(block) * block).collect::<Vec<u8>>();
        let mut input = Zeroizing::new([filled(salt), filled(self.bmp)].concat());
        let mut key = Zeroizing::new(Vec::new());
        while key.len() < length {
            let mut hash = D::new().chain_update(vec![purpose; block]).chain_update(&*input).finalize();
            for _ in 1..rounds {
                hash = D::digest(&hash);
            }
            key.extend_from_slice(&hash);
            for part in input.chunks_mut(block) {
                let mut carry = 1u16;
                for (byte, added) in part.iter_mut().rev().zip(hash.iter().cycle().take(block).collect::<Vec<_>>().into_iter().rev()) {
                    carry += u16::from(*byte) + u16::from(*added);
                    *byte = carry.to_le_bytes()[0];
                    carry >>= 8;
                }
            }
        }
        key.truncate(length);
        Ok(key)
    }
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const OBJECT: u8 = 6;
const CONTEXT_0: u8 = 0xa0;
const IMPLICIT_0: u8 = 0x80;

const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const ENCRYPTED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01";
const PBES1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
const HMAC_SHA1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x07";
const HMAC_SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x09";
const HMAC_SHA384: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x0a";
const HMAC_SHA512: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x0b";
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
const SHA512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
const AES128: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x02";
const AES192: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x16";
const AES256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
const TRIPLE_DES: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x03\x07";

/// The content of a ContentInfo of type data.
fn data(info: &[u8]) -> Option<&[u8]> {
    let (DATA, content) = element(info, OBJECT)? else { return None };
    Some(element(element(content, CONTEXT_0)?.0, OCTETS)?.0)
}

/// Algorithm and content of a ContentInfo of type encryptedData (RFC 5652, section 8).
fn encrypted(info: &[u8]) -> Option<(&[u8], &[u8])> {
    let (ENCRYPTED_DATA, content) = element(info, OBJECT)? else { return None };
    let (content, _) = element(element(content, CONTEXT_0)?.0, SEQUENCE)?;
    let (_, content) = element(content, INTEGER)?;
    let (content, _) = element(content, SEQUENCE)?;
    let (_, content) = element(content, OBJECT)?;
    let (algorithm, content) = element(content, SEQUENCE)?;
    Some((algorithm, element(content, IMPLICIT_0)?.0))
}

/// A positive integer.
fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8 && bytes.first().is_some_and(|first| *first < 0x80))
        .then(|| bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}
