//! Values that a tool encrypts with a key which people copy into the same image: Jenkins' secrets and Ansible's vaults. They are
//! recognised by their form and opened with keys that are at hand; nothing is guessed.

#[cfg(feature = "image")]
mod open;

use std::ops::Range;

use data_encoding::BASE64;
#[cfg(feature = "image")]
pub(crate) use open::{jenkins_key, open_ansible, open_jenkins};

/// How a vault of Ansible begins.
/// <https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html#format-of-files-encrypted-with-ansible-vault>
pub(crate) const ANSIBLE: &str = "$ANSIBLE_VAULT;1.";
/// How a secret of Jenkins begins: a brace, and in base64 the version 1 and the length 16 of what follows.
pub(crate) const JENKINS: &str = "{AQAAABAAAA";

/// Bytes of a vault that are kept.
const VAULT: usize = 256 << 10;
/// Bytes of a vault's first line.
const LINE: usize = 200;
/// Bytes of one of Jenkins' secrets.
const SECRET: usize = 64 << 10;

/// A sealed value in a text: where it stands, and the value without what indents its lines. `at` is where it begins.
pub(crate) fn sealed(text: &[u8], at: usize) -> Option<(Range<usize>, Vec<u8>)> {
    let rest = text.get(at..)?;
    if rest.starts_with(ANSIBLE.as_bytes()) {
        let rest = rest.get(..rest.len().min(VAULT))?;
        let line = rest.iter().take(LINE).position(|b| matches!(b, b'\n' | b'\r'))?;
        let mut value = rest.get(..line)?.to_vec();
        value.push(b'\n');
        let body = rest.get(line..)?;
        let end = body.iter().position(|b| !(b.is_ascii_whitespace() || b.is_ascii_hexdigit())).unwrap_or(body.len());
        // Behind the last digits, the next key may begin like one.
        let blank = |b: &u8| b.is_ascii_whitespace();
        let mut length = 0;
        for digits in body.get(..end)?.split(blank) {
            let from = length;
            length += digits.len() + 1;
            let ended = body.get(from + digits.len()).is_none_or(blank);
            if !ended || !(digits.is_empty() || digits.len().is_multiple_of(2)) {
                length = from;
                break;
            }
            value.extend_from_slice(digits);
        }
        let length = body.get(..length.min(body.len()))?.trim_ascii_end().len();
        return (value.len() > line + 1).then_some((at..at + line + length, value));
    }
    let close = rest.iter().take(SECRET).position(|b| *b == b'}')? + 1;
    let value = rest.get(..close)?;
    is_jenkins(value).then(|| (at..at + close, value.to_vec()))
}

/// Whether a value is one of those forms.
pub(crate) fn is_sealed(value: &[u8]) -> bool {
    value.starts_with(ANSIBLE.as_bytes()) || is_jenkins(value)
}

fn is_jenkins(value: &[u8]) -> bool {
    value.starts_with(JENKINS.as_bytes()) && jenkins_parts(value).is_some()
}

/// Vector and ciphertext: `hudson.util.Secret#getEncryptedValue`, version 1.
/// <https://github.com/jenkinsci/jenkins/blob/master/core/src/main/java/hudson/util/Secret.java>
fn jenkins_parts(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let inner = value.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let bytes = BASE64.decode(inner).ok()?;
    let (version, rest) = bytes.split_first()?;
    let number = |at: usize| rest.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes).map(|number| number as usize);
    let (vector, data) = (number(0)?, number(4)?);
    let body = rest.get(8..)?;
    (*version == 1 && vector == 16 && data > 0 && data.is_multiple_of(16) && body.len() == vector + data)
        .then(|| Some((body.get(..16)?.to_vec(), body.get(16..)?.to_vec())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_values_in_texts() {
        let of = |text: &str, start: &str| {
            let at = text.find(start).expect("there");
            sealed(text.as_bytes(), at).map(|(span, value)| (text[span].to_owned(), String::from_utf8(value).expect("text")))
        };
        let text = "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n  63\nface: b\n";
        let (span, value) = of(text, ANSIBLE).expect("sealed");
        assert_eq!((span.as_str(), value.as_str()), ("$ANSIBLE_VAULT;1.1;AES256\n  6162\n  63", "$ANSIBLE_VAULT;1.1;AES256\n616263"));
        assert_eq!(of("$ANSIBLE_VAULT;1.2;AES256;prod\n6162", ANSIBLE).map(|(_, value)| value.len()), Some(35));
        for other in ["$ANSIBLE_VAULT;1.1;AES256", "$ANSIBLE_VAULT;1.1;AES256\nno digits\n"] {
            assert!(of(other, ANSIBLE).is_none(), "{other}");
        }
        let bytes = [&[1, 0, 0, 0, 16, 0, 0, 0, 16][..], &[7; 32]].concat();
        let value = format!("{{{}}}", BASE64.encode(&bytes));
        assert_eq!(of(&format!("<a>{value}</a>"), JENKINS), Some((value.clone(), value.clone())));
        assert!(is_sealed(value.as_bytes()));
        let cut = format!("{{{}}}", BASE64.encode(&bytes[..40]));
        assert!(!is_sealed(cut.as_bytes()) && of(&cut, JENKINS).is_none());
        assert!(of("{AQAAABAAAA", JENKINS).is_none());
    }
}
