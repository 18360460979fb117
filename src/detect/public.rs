//! Public halves of key pairs: what a certificate says, and which public key belongs to a private one, so that a key's
//! finding can name the hosts that it speaks for.
//!
//! Keys are compared by a hash of their public numbers: RSA modulus and exponent (RFC 8017), the point of an elliptic curve
//! (SEC 1, uncompressed), the 32 bytes of Ed25519 (RFC 8032). An EC key that was stored without its point cannot be compared.

use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::FromDer,
    public_key::PublicKey,
    x509::{SubjectPublicKeyInfo, X509Name},
};

use super::decode;

/// Names of a certificate that are kept.
const NAMES: usize = 3;
/// Characters of one of them.
const NAME: usize = 80;
/// Bytes of a certificate in PEM; real ones have two thousand.
const LONGEST: usize = 32 << 10;

/// The object identifier of Ed25519 (RFC 8410).
const ED25519: &[u8] = b"\x2b\x65\x70";

/// Which public key, as the first half of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    fn of(kind: &[u8], parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new_with_prefix(kind);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut id = [0; 16];
        id.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        Self(id)
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let (modulus, exponent) = (unsigned(modulus), unsigned(exponent));
        (modulus.len() >= 32).then(|| Self::of(b"rsa", &[modulus, exponent]))
    }

    /// An uncompressed point: compressed ones are not written by anybody.
    fn point(point: &[u8]) -> Option<Self> {
        (point.first() == Some(&4) && point.len() >= 49).then(|| Self::of(b"ec", &[point]))
    }

    fn ed25519(public: &[u8]) -> Option<Self> {
        (public.len() == 32).then(|| Self::of(b"ed25519", &[public]))
    }
}

/// An integer without the zero that keeps it positive.
fn unsigned(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

/// What is kept of a certificate: nothing secret, and little.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Certificate {
    /// End of its validity, in seconds since the epoch. First, so that the longest valid one sorts last.
    pub not_after: i64,
    /// The key that it certifies.
    pub key: KeyId,
    /// Host names of its subject's alternative names (RFC 5280, section 4.2.1.6), or its subject.
    pub names: String,
    /// Whether it may sign others.
    pub authority: bool,
}

/// Reads a certificate in DER; `None` where it is none, or its key is of a kind that is not compared.
pub fn certificate(der: &[u8]) -> Option<Certificate> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    Some(Certificate {
        not_after: parsed.validity().not_after.timestamp(),
        key: of_spki(parsed.public_key())?,
        names: names(&parsed),
        authority: parsed.is_ca(),
    })
}

/// The certificate whose PEM header (`-----BEGIN CERTIFICATE-----`) ends where `text` starts.
pub(super) fn certificate_after(text: &[u8]) -> Option<Certificate> {
    let text = text.get(..text.len().min(LONGEST)).unwrap_or(text);
    let body = text.get(..memchr::memmem::find(text, b"-----END")?)?;
    certificate(&decode::base64(&without_escapes(body))?)
}

/// Line breaks that JSON, properties and environment files spell out.
fn without_escapes(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => drop(rest.next()),
            _ => out.push(*byte),
        }
    }
    out
}

fn of_spki(spki: &SubjectPublicKeyInfo<'_>) -> Option<KeyId> {
    match spki.parsed().ok()? {
        PublicKey::RSA(rsa) => KeyId::rsa(rsa.modulus, rsa.exponent),
        PublicKey::EC(point) => KeyId::point(point.data()),
        _ if spki.algorithm.algorithm.as_bytes() == ED25519 => KeyId::ed25519(&spki.subject_public_key.data),
        _ => None,
    }
}

fn names(certificate: &X509Certificate<'_>) -> String {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let all: Vec<String> = alternative.iter().flat_map(|names| &names.value.general_names).filter_map(general).collect();
    let shown = all.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match all.len() {
        0 => subject(certificate.subject()),
        more if more > NAMES => format!("{shown} and {} more", more - NAMES),
        _ => shown,
    }
}

fn general(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => printable(text),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string());
            v4.or_else(|| <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()))
        }
        _ => None,
    }
}

fn subject(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|name| name.as_str().ok()).and_then(printable);
    common.or_else(|| printable(&name.to_string())).unwrap_or_else(|| "an unnamed subject".to_owned())
}

/// The text's first characters without those that could break a line; `None` where nothing is left.
pub(super) fn printable(text: &str) -> Option<String> {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(NAME).collect();
    (!clean.is_empty()).then_some(clean)
}

/// The public key that belongs to a private one in PEM: PKCS#1 (RFC 8017), PKCS#8 (RFC 5958), SEC 1 (RFC 5915), OpenSSH
/// (PROTOCOL.key, where the public half is in the open even if the private one is encrypted). `None` for anything else.
pub fn of_private(pem: &[u8]) -> Option<KeyId> {
    let start = memchr::memmem::find(pem, b"PRIVATE KEY-----")? + 16;
    let body = pem.get(start..)?;
    let body = body.get(..memchr::memmem::find(body, b"-----END").unwrap_or(body.len()))?;
    let der = zeroize::Zeroizing::new(decode::base64(&zeroize::Zeroizing::new(without_escapes(body)))?);
    if let Some(openssh) = der.strip_prefix(b"openssh-key-v1\0") {
        return of_openssh(openssh);
    }
    let (0x30, body, _) = tlv(&der)? else { return None };
    let (2, version, rest) = tlv(body)? else { return None };
    match tlv(rest)? {
        (2, modulus, rest) if unsigned(version).len() <= 1 => KeyId::rsa(modulus, element(rest, 2)?.0),
        (4, _, rest) => of_sec1(rest),
        (0x30, algorithm, rest) => of_pkcs8(algorithm, rest),
        _ => None,
    }
}

/// After the octet string of RFC 5915: `[0]` parameters, `[1]` the public key.
fn of_sec1(mut rest: &[u8]) -> Option<KeyId> {
    while let Some((tag, value, after)) = tlv(rest) {
        if tag == 0xa1 {
            let (3, bits, _) = tlv(value)? else { return None };
            return KeyId::point(bits.get(1..)?);
        }
        rest = after;
    }
    None
}

fn of_pkcs8(algorithm: &[u8], rest: &[u8]) -> Option<KeyId> {
    let (6, identifier, _) = tlv(algorithm)? else { return None };
    let (4, key, _) = tlv(rest)? else { return None };
    if identifier == ED25519 {
        let (4, seed, _) = tlv(key)? else { return None };
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        return KeyId::ed25519(pair.public_key().as_ref());
    }
    let (0x30, inner, _) = tlv(key)? else { return None };
    let (2, _, inner) = tlv(inner)? else { return None };
    match tlv(inner)? {
        (2, modulus, rest) => KeyId::rsa(modulus, element(rest, 2)?.0),
        (4, _, rest) => of_sec1(rest),
        _ => None,
    }
}

/// Cipher, its derivation and options, the number of keys, then the first public one.
fn of_openssh(body: &[u8]) -> Option<KeyId> {
    let mut rest = body;
    for _ in 0..3 {
        string(&mut rest)?;
    }
    rest = rest.get(4..)?;
    of_ssh_blob(string(&mut rest)?)
}

/// A public key as SSH sends it (RFC 4253, section 6.6; RFC 5656; RFC 8709).
fn of_ssh_blob(mut blob: &[u8]) -> Option<KeyId> {
    match string(&mut blob)? {
        b"ssh-rsa" => {
            let exponent = string(&mut blob)?;
            KeyId::rsa(string(&mut blob)?, exponent)
        }
        b"ssh-ed25519" => KeyId::ed25519(string(&mut blob)?),
        kind if kind.starts_with(b"ecdsa-sha2-") => {
            string(&mut blob)?;
            KeyId::point(string(&mut blob)?)
        }
        _ => None,
    }
}

/// Bytes with their length in four.
fn string<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (value, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(value)
}

/// Tag, value and what follows of a DER element (X.690).
fn tlv(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, length, body) = match der {
        [tag, length, body @ ..] if *length < 0x80 => (*tag, usize::from(*length), body),
        [tag, octets @ 0x81..=0x84, rest @ ..] => {
            let (length, body) = rest.split_at_checked(usize::from(octets & 0x7f))?;
            (*tag, length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), body)
        }
        _ => return None,
    };
    let (value, rest) = body.split_at_checked(length)?;
    Some((tag, value, rest))
}

/// The value of a DER element with that tag, and what follows it.
pub(crate) fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    tlv(der).filter(|(found, ..)| *found == tag).map(|(_, value, rest)| (value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair as Pair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    #[test]
    fn a_key_and_its_certificate_have_the_same_id() {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            let pair = Pair::generate_for(algorithm).expect("generates");
            let params = CertificateParams::new(vec!["shop.example.com".to_owned(), "192.0.2.1".to_owned()]).expect("names");
            let signed = params.self_signed(&pair).expect("signs");
            let read = certificate(signed.der()).expect("reads");
            assert_eq!(read.names, "shop.example.com, 192.0.2.1");
            assert!(!read.authority);
            assert_eq!(of_private(pair.serialize_pem().as_bytes()), Some(read.key));
            let pem = signed.pem();
            let (_, after) = pem.split_once("-----BEGIN CERTIFICATE-----").expect("PEM");
            assert_eq!(certificate_after(after.as_bytes()), Some(read.clone()));
            assert_eq!(certificate_after(after.replace('\n', "\\n").as_bytes()), Some(read.clone()), "line breaks spelled out");
            let other = Pair::generate_for(algorithm).expect("generates");
            assert_ne!(of_private(other.serialize_pem().as_bytes()), Some(read.key));
        }
    }

    #[test]
    fn hostile_bytes_are_no_keys() {
        for text in
            ["", "PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END", "-----BEGIN PRIVATE KEY-----\nMIL//w==\n-----END"]
        {
            assert!(of_private(text.as_bytes()).is_none());
        }
        let mut cut = b"openssh-key-v1\0".to_vec();
        cut.extend_from_slice(&[0xff; 40]);
        assert!(of_private(format!("PRIVATE KEY-----{}", data_encoding::BASE64.encode(&cut)).as_bytes()).is_none());
        assert!(certificate(&[0x30, 0x82, 0xff, 0xff]).is_none());
    }
}
