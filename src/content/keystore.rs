//! Key stores, PKCS#12 (RFC 7292) and Java's JKS and JCEKS: a private key behind an empty or well-known password is as good as
//! a private key in the open.

use std::io::{self, Read};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p12_keystore::Pkcs12Archive;

use super::{
    jks,
    walk::{SMALL, Walk, fill},
};
use crate::{Secret, detect::Match};

/// Passwords that are in manuals and tools' defaults: keytool's and Java's own, and what people type instead of thinking.
const WELL_KNOWN: [&str; 8] = ["changeit", "changeme", "password", "secret", "123456", "mypassword", "keystore", "test"];

/// The object identifier of scrypt (RFC 7914): it can be told to take gigabytes of memory, so it is not tried.
const SCRYPT: &[u8] = b"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b";

/// Rounds of key derivation that are worth a try.
const ROUNDS: u64 = 200_000;

/// A private key, or the lump that holds it.
struct Key {
    secret: Vec<u8>,
    evidence: Vec<String>,
    open: bool,
}

/// Scans a PKCS#12 file.
pub(super) fn pkcs12(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    whole(walk, name, reader, |bytes| {
        if memchr::memmem::find(bytes, SCRYPT).is_some() || last_integer(bytes) > ROUNDS {
            return vec![protected(bytes, "its password was not guessed: that would take too much memory or time")];
        }
        for password in [""].into_iter().chain(WELL_KNOWN) {
            if let Ok(archive) = Pkcs12Archive::from_pkcs12(bytes, password) {
                return keys(&archive, password);
            }
        }
        vec![protected(bytes, "neither empty nor a well-known password; it may hold certificates only")]
    })
}

fn keys(archive: &Pkcs12Archive, password: &str) -> Vec<Key> {
    let subject = archive.certs.first().map(|certificate| format!("certificate of {}", certificate.cert.subject()));
    let key = |der: &[u8]| Key { secret: pem(der), evidence: [opened(password)].into_iter().chain(subject.clone()).collect(), open: true };
    archive.keys.iter().map(|bag| key(bag.key.as_der())).collect()
}

fn protected(bytes: &[u8], why: &str) -> Key {
    Key { secret: bytes.to_vec(), evidence: vec![why.to_owned()], open: false }
}

fn opened(password: &str) -> String {
    if password.is_empty() { "opens with an empty password".to_owned() } else { format!("opens with the well-known password `{password}`") }
}

/// Scans a JKS or JCEKS file.
pub(super) fn java(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    whole(walk, name, reader, |bytes| {
        let store = jks::parse(bytes);
        let password = [""].into_iter().chain(WELL_KNOWN).find(|password| store.opens_with(password));
        store
            .keys
            .iter()
            .map(|lump| {
                let key = password.and_then(|password| Some((password, jks::decrypt(lump, password)?)));
                match (key, password) {
                    (Some((password, der)), _) => Key { secret: pem(&der), evidence: vec![opened(password)], open: true },
                    (None, Some(password)) => Key {
                        secret: lump.to_vec(),
                        evidence: vec![format!("the store {}; the key has another password or cipher", opened(password))],
                        open: false,
                    },
                    (None, None) => protected(lump, "neither empty nor a well-known password"),
                }
            })
            .collect()
    })
}

fn pem(der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(der)).into_bytes()
}

/// The integer that a DER file ends with: the MAC's iterations (RFC 7292, section 4), where there are any.
fn last_integer(bytes: &[u8]) -> u64 {
    let tail = |length: usize| bytes.len().checked_sub(length + 2).and_then(|start| bytes.get(start..));
    let integer =
        (1..=8).filter_map(tail).find(|tail| tail.first() == Some(&2) && tail.get(1).copied() == u8::try_from(tail.len() - 2).ok());
    integer.and_then(|tail| tail.get(2..)).unwrap_or_default().iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// Key stores are small: one is read whole, looked into, and scanned as it is.
fn whole(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read, find: impl FnOnce(&[u8]) -> Vec<Key>) -> io::Result<()> {
    let mut bytes = Vec::new();
    let filled = fill(reader, &mut bytes, 0, SMALL)?;
    let bytes = bytes.get(..filled).unwrap_or_default();
    if filled == SMALL {
        walk.gap("is a key store that is too large to look into".to_owned(), None);
        return walk.raw(name, &mut bytes.chain(reader));
    }
    for key in find(bytes) {
        let id = if key.open { "keystore-private-key" } else { "keystore-protected" };
        let Some(rule) = walk.engine.rules().iter().find(|rule| rule.id == id).cloned() else { continue };
        let matched = Match {
            span: 0..filled,
            secret: Secret::new(&key.secret),
            visible: 0,
            guessable: false,
            name: None,
            severity: rule.severity,
            confidence: rule.confidence,
            evidence: key.evidence,
            inner: Vec::new(),
            refuted: None,
            rule,
        };
        walk.found = true;
        Walk::report(walk.sink, &walk.inner, matched, None, None);
    }
    walk.plain(name, bytes, true, true, &mut io::empty())
}
