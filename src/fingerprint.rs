//! Fingerprints: the same credential has the same id in an image report, a manifest report, a baseline and at the webhook.
//!
//! 32 lower-case hex digits of an HMAC-SHA-256 over the canonical value. With the user's key every credential has one.
//! Without, a built-in key serves values that nobody can guess; a weaker value gets an id of its location alone, since a
//! public hash of a weak password gives it away.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{finding::Location, secret::Secret};

/// Domain separation: an id of a report can never be looked up in a cluster's index, and the other way round.
const REPORT: &[u8] = b"imgscan report fingerprint v1";
const CLUSTER: &[u8] = b"imgscan cluster index v1";
const PLACE: &[u8] = b"imgscan place id v1";
/// Not a secret: it only keeps ids apart from other uses of HMAC-SHA-256.
const BUILT_IN: &[u8] = b"imgscan built-in constant key, v1; not a secret";

/// 32 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads one from a baseline or an ignore entry; `None` unless it is 32 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes fingerprints with one key.
#[derive(Clone)]
pub struct Fingerprinter {
    report: Hmac<Sha256>,
    cluster: Hmac<Sha256>,
    place: Hmac<Sha256>,
    keyed: bool,
}

/// The key's file holds too few bytes to be a key.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint key needs 32 bytes or more, this one has {found}; make one with: head -c 32 /dev/urandom > FILE")]
pub struct ShortKey {
    /// Bytes found.
    pub found: usize,
}

impl Fingerprinter {
    /// With the built-in key: for values that nobody can guess.
    pub fn built_in() -> Self {
        Self::derive(BUILT_IN, false)
    }

    /// With the user's key.
    ///
    /// # Errors
    /// [`ShortKey`] below 32 bytes.
    pub fn with_key(key: &[u8]) -> Result<Self, ShortKey> {
        if key.len() < 32 {
            return Err(ShortKey { found: key.len() });
        }
        Ok(Self::derive(key, true))
    }

    fn derive(key: &[u8], keyed: bool) -> Self {
        let sub = |domain: &[u8]| {
            let subkey = mac(&new_mac(key), &[domain]);
            new_mac(&subkey)
        };
        Self { report: sub(REPORT), cluster: sub(CLUSTER), place: sub(PLACE), keyed }
    }

    /// Whether every credential gets a fingerprint of its value.
    pub fn is_keyed(&self) -> bool {
        self.keyed
    }

    /// The fingerprint of a value for reports. `guessable` says that the value has neither a provider's format nor
    /// about 64 bits for someone who knows what people choose: then, without a key, there is none.
    pub fn of_value(&self, secret: &Secret, guessable: bool) -> Option<Fingerprint> {
        if guessable && !self.keyed {
            return None;
        }
        Some(hex(&mac(&self.report, &[&canonical(secret.expose())])))
    }

    /// The id of a place, for a value that must not be hashed. Lines and columns are left out, so that it survives edits above.
    pub fn of_place(&self, rule: &str, location: &Location) -> Fingerprint {
        let path = location.path.as_deref().unwrap_or_default();
        let name = location.name.as_deref().unwrap_or_default();
        let inner = location.inner.join("\u{0}");
        hex(&mac(&self.place, &[rule.as_bytes(), location.kind.as_str().as_bytes(), path.as_bytes(), name.as_bytes(), inner.as_bytes()]))
    }

    /// The full 32 bytes for a cluster's index, under a subkey of its own.
    pub fn of_cluster_value(&self, secret: &Secret) -> [u8; 32] {
        mac(&self.cluster, &[&canonical(secret.expose())])
    }
}

fn new_mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// HMAC over length-prefixed parts, so that no two lists of parts collide.
fn mac(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8; 32]) -> Fingerprint {
    Fingerprint(data_encoding::HEXLOWER.encode(&bytes[..16]))
}

/// The canonical form: white space trimmed, PEM and SSH keys by their key bytes, the password of a URL.
///
/// ```
/// # use imgscan::fingerprint::canonical;
/// assert_eq!(*canonical(b"  abc\n"), *b"abc");
/// assert_eq!(*canonical(b"postgres://app:pa%40ss@db:5432/x"), *b"pa@ss");
/// ```
pub fn canonical(value: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    let trimmed = value.trim_ascii();
    let canonical = pem_body(trimmed).or_else(|| url_password(trimmed)).unwrap_or_else(|| trimmed.to_vec());
    zeroize::Zeroizing::new(canonical)
}

/// The decoded bytes of the first PEM block, whatever its line breaks (also `\n` spelled out, as in JSON and env files).
fn pem_body(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body = body.replace("\\n", "\n").replace("\\r", "");
    // Headers such as `Proc-Type: 4,ENCRYPTED` belong to legacy PEM, not to the key.
    let packed: String = body.lines().filter(|line| !line.contains(':')).flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    let packed = packed.split("=").next().unwrap_or_default().to_owned();
    data_encoding::BASE64_NOPAD.decode(packed.as_bytes()).ok().filter(|bytes| bytes.len() >= 16)
}

/// The password of `scheme://user:password@host`, percent-decoded.
fn url_password(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, rest) = text.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let (_, password) = user_info.split_once(':')?;
    (!password.is_empty()).then(|| percent_decode(password.as_bytes()))
}

/// Undoes `%41`; anything else stays as it is.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|two| {
            let text = std::str::from_utf8(two).ok()?;
            u8::from_str_radix(text, 16).ok()
        });
        match decoded {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::LocationKind;

    #[test]
    fn the_same_credential_has_the_same_id_in_every_wrapping() {
        let prints = Fingerprinter::built_in();
        let of = |value: &[u8]| prints.of_value(&Secret::new(value), false).expect("strong values have one");
        assert_eq!(of(b"token-1234567890"), of(b"\ttoken-1234567890\r\n"));
        assert_eq!(of(b"mysql://root:s3cret%21@db/x"), of(b"s3cret!"));
        assert_ne!(of(b"token-1234567890"), of(b"token-1234567891"));
        let body = "MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n", &body[..32], &body[32..]);
        assert_eq!(of(pem.as_bytes()), of(pem.replace('\n', "\\n").as_bytes()), "line breaks spelled out");
        assert_eq!(of(pem.as_bytes()), of(pem.replace('\n', "\r\n").as_bytes()), "Windows line breaks");
    }

    #[test]
    fn a_guessable_value_is_never_hashed_without_a_key() {
        let secret = Secret::new(b"hunter2");
        assert!(Fingerprinter::built_in().of_value(&secret, true).is_none());
        let keyed = Fingerprinter::with_key(&[7; 32]).expect("long enough");
        assert!(keyed.of_value(&secret, true).is_some());
        assert!(Fingerprinter::with_key(&[7; 31]).is_err());
        assert_eq!(keyed.of_place("r", &Location::new(LocationKind::Env)).as_str().len(), 32);
    }

    #[test]
    fn report_and_cluster_ids_are_under_different_subkeys() {
        let prints = Fingerprinter::with_key(&[7; 32]).expect("long enough");
        let secret = Secret::new(b"token-1234567890");
        let report = prints.of_value(&secret, false).expect("keyed");
        assert_ne!(report.as_str(), data_encoding::HEXLOWER.encode(&prints.of_cluster_value(&secret)[..16]));
    }
}
