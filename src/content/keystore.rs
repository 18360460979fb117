//! Key stores, PKCS#12 (RFC 7292) and Java's JKS and JCEKS: a private key behind an empty or well-known password is as good as
//! a private key in the open.

use std::io::{self, Read};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    jks,
    pkcs12::{self, Budget, Failure},
    walk::{SMALL, Walk, fill},
};
use crate::{
    Secret,
    detect::{
        Match,
        public::{self, Certificate},
    },
};

/// Passwords that are in manuals and tools' defaults: keytool's and Java's own, and what people type instead of thinking.
const WELL_KNOWN: [&str; 8] = ["changeit", "changeme", "password", "secret", "123456", "mypassword", "keystore", "test"];

/// A private key, or the lump that holds it.
struct Key {
    secret: Vec<u8>,
    evidence: Vec<String>,
    open: bool,
}

/// Scans a PKCS#12 file.
pub(super) fn pkcs12(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    whole(walk, name, reader, |bytes, certificates| {
        let mut budget = Budget::new();
        for password in [""].into_iter().chain(WELL_KNOWN) {
            match pkcs12::open(bytes, password, &mut budget) {
                Ok(contents) => {
                    certificates.extend(contents.certificates.iter().filter_map(|der| public::certificate(der)));
                    let subject = certificates.first().map(|certificate| format!("certificate of {}", certificate.names));
                    let evidence = || [opened(password)].into_iter().chain(subject.clone()).collect();
                    return contents.keys.iter().map(|der| Key { secret: pem(der), evidence: evidence(), open: true }).collect();
                }
                Err(Failure::Closed) => {}
                Err(Failure::TooMuch) => {
                    return vec![protected(bytes, "its password was not guessed: that would take too much time")];
                }
            }
        }
        vec![protected(bytes, "neither empty nor a well-known password; it may hold certificates only")]
    })
}

fn protected(bytes: &[u8], why: &str) -> Key {
    Key { secret: bytes.to_vec(), evidence: vec![why.to_owned()], open: false }
}

fn opened(password: &str) -> String {
    if password.is_empty() { "opens with an empty password".to_owned() } else { format!("opens with the well-known password `{password}`") }
}

/// Scans a JKS or JCEKS file.
pub(super) fn java(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    whole(walk, name, reader, |bytes, _| {
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

/// Key stores are small: one is read whole, looked into, and scanned as it is.
fn whole(
    walk: &mut Walk<'_>,
    name: &str,
    reader: &mut dyn Read,
    find: impl FnOnce(&[u8], &mut Vec<Certificate>) -> Vec<Key>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let filled = fill(reader, &mut bytes, 0, SMALL)?;
    let bytes = bytes.get(..filled).unwrap_or_default();
    if filled == SMALL {
        walk.gap("is a key store that is too large to look into".to_owned(), None);
        return walk.raw(name, &mut bytes.chain(reader));
    }
    let mut certificates = Vec::new();
    for key in find(bytes, &mut certificates) {
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
    certificates.into_iter().for_each(|certificate| walk.sink.certificate(certificate));
    walk.plain(name, bytes, true, true, &mut io::empty())
}
