//! Azure: CASK keys (<https://github.com/microsoft/cask>) and identifiable keys of the generation before.

use memchr::memmem;

use super::{Subject, Verdict};
use crate::detect::decode::base64;

/// `JQQJ` at a fixed place; the last 4 characters but the padding hold the CRC-32 of the rest.
pub(super) fn cask(subject: &Subject<'_>) -> Verdict {
    if memmem::find(subject.secret, b"JQQJ").is_none() {
        return Verdict::refuted("no CASK signature");
    }
    let Some(bytes) = base64(subject.secret) else { return Verdict::refuted("not base64") };
    let Some((body, sum)) = bytes.split_last_chunk::<4>() else { return Verdict::refuted("too short") };
    let crc = crc32fast::hash(body);
    if *sum == crc.to_le_bytes() || *sum == crc.to_be_bytes() {
        Verdict::proven("checksum valid")
    } else {
        Verdict::fits(vec!["CASK signature".to_owned()])
    }
}

/// Signatures of services, 4 characters that start 8 to 12 characters before the end of the base64.
const SIGNATURES: &[&[u8]] =
    &[b"+ASt", b"ACDb", b"+ACR", b"AzFu", b"+ABa", b"AIoT", b"+ARm", b"+AEh", b"+AEG", b"AzSe", b"AzCa", b"APIM", b"AEG"];

pub(super) fn identifiable(subject: &Subject<'_>) -> Verdict {
    let secret = subject.secret;
    let body = secret.strip_suffix(b"==").or_else(|| secret.strip_suffix(b"=")).unwrap_or(secret);
    let tail = body.get(body.len().saturating_sub(12)..).unwrap_or_default();
    let signed = SIGNATURES.iter().any(|signature| memmem::find(tail, signature).is_some());
    match (signed, base64(secret)) {
        (true, Some(_)) => Verdict::proven("holds its service's signature"),
        (false, Some(_)) => Verdict::fits(Vec::new()),
        (_, None) => Verdict::doubtful("not base64"),
    }
}
