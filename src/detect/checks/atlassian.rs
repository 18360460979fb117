//! Atlassian: API tokens with a CRC-32, and Data Center's personal access tokens.

use super::{Outcome, Subject, Verdict, crc::split_tail};
use crate::detect::decode::base64;

pub(super) fn crc(subject: &Subject<'_>) -> Verdict {
    // The `=` before the checksum is often escaped by the file it stands in.
    let Ok(text) = std::str::from_utf8(subject.secret) else { return Verdict::refuted("not ASCII") };
    let text = text.replace("%3D", "=").replace("%3d", "=").replace("\\u003d", "=").replace("\\u003D", "=").replace("\\=", "=");
    let Some((body, sum)) = split_tail(text.as_bytes(), 8) else { return Verdict::refuted("too short for its checksum") };
    let valid = u32::from_str_radix(sum, 16).is_ok_and(|sum| sum == crc32fast::hash(body.as_bytes()));
    Verdict::checksum(valid)
}

pub(super) fn personal_token(subject: &Subject<'_>) -> Verdict {
    let body = subject.secret.strip_prefix(b"BBDC-").unwrap_or(subject.secret);
    let Some(bytes) = base64(body) else { return Verdict::refuted("not base64") };
    let mut parts = bytes.splitn(2, |b| *b == b':');
    let (id, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let digits = (1..=16).contains(&id.len()) && id.iter().all(u8::is_ascii_digit);
    if digits && rest.len() == 20 {
        Verdict { outcome: Outcome::Proven, evidence: vec!["token id and random part decode".to_owned()] }
    } else {
        Verdict::refuted("does not decode to an id and 20 bytes")
    }
}
