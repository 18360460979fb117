//! Opening of sealed values with keys that are at hand.

use aes::{Aes128, Aes256};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::jenkins_parts;
use crate::cipher::{cbc, ctr, ecb, pbkdf2};

/// Rounds of key derivation, fixed by Ansible's format.
const ROUNDS: u64 = 10_000;
/// What Jenkins appends to its keys before it encrypts them.
const MAGIC: &[u8] = b"::::MAGIC::::";

/// The key of one Jenkins: `secrets/hudson.util.Secret`, opened with `secrets/master.key`.
/// <https://github.com/jenkinsci/jenkins/blob/master/core/src/main/java/jenkins/security/DefaultConfidentialStore.java>
pub(crate) fn jenkins_key(master: &[u8], stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = Zeroizing::new(Sha256::digest(master.trim_ascii()).to_vec());
    let plain = Zeroizing::new(ecb::<Aes128>(key.get(..16)?, stored)?);
    plain.strip_suffix(MAGIC)?.get(..16).map(|key| Zeroizing::new(key.to_vec()))
}

/// Opens one of Jenkins' secrets; `None` where it is of another Jenkins.
pub(crate) fn open_jenkins(key: &[u8], value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (vector, data) = jenkins_parts(value)?;
    // The padding alone would let one key in 256 pass.
    cbc::<Aes128>(key, &vector, &data).map(Zeroizing::new).filter(|plain| !plain.is_empty() && std::str::from_utf8(plain).is_ok())
}

/// Opens a vault of Ansible; `None` where the password is another's.
pub(crate) fn open_ansible(password: &[u8], value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let line = memchr::memchr(b'\n', value)?;
    let inner = HEXLOWER.decode(value.get(line + 1..)?).ok()?;
    let mut parts = inner.split(|b| *b == b'\n').map(|part| HEXLOWER.decode(part).ok());
    let (salt, mac, data) = (parts.next()??, parts.next()??, parts.next()??);
    let keys = pbkdf2::<Sha256>(password, &salt, ROUNDS, 80)?;
    let mut proof = Hmac::<Sha256>::new_from_slice(keys.get(32..64)?).ok()?;
    proof.update(&data);
    proof.verify_slice(&mac).ok()?;
    let mut plain = Zeroizing::new(ctr::<Aes256>(keys.get(..32)?, keys.get(64..80)?, &data)?);
    let padding = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(padding).filter(|_| (1..=16).contains(&padding))?;
    plain.truncate(length);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_opens_with_garbage() {
        for value in ["", "$ANSIBLE_VAULT;1.1;AES256\n", "$ANSIBLE_VAULT;1.1;AES256\n610a610a61", "{}", "{AQAAABAAAAAQ}"] {
            assert!(open_ansible(b"x", value.as_bytes()).is_none() && open_jenkins(&[0; 16], value.as_bytes()).is_none(), "{value}");
        }
        assert!(jenkins_key(b"", b"").is_none() && jenkins_key(b"a", &[0; 32]).is_none());
    }
}
