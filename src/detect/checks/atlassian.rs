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
    let marked = subject.secret.strip_prefix(b"BBDC-");
    let bytes = base64(marked.unwrap_or(subject.secret)).unwrap_or_default();
    let mut parts = bytes.splitn(2, |b| *b == b':');
    let (id, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if (1..=16).contains(&id.len()) && id.iter().all(u8::is_ascii_digit) && rest.len() == 20 {
        Verdict { outcome: Outcome::Proven, evidence: vec!["token id and random part decode".to_owned()] }
    } else if marked.is_some() {
        Verdict::refuted("does not decode to an id and 20 bytes")
    } else {
        // Without the prefix, it may be a password.
        Verdict::fits(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::checks::tests::run;

    #[test]
    fn personal_tokens_decode_to_an_id_and_20_bytes() {
        let token = |plain: &[u8]| data_encoding::BASE64.encode(plain);
        let (real, short) = (token(b"123456789012:\x01\xff bytes of random!!"), token(b"123456789012:too short here.."));
        assert!(run("atlassian-pat", &real).outcome == Outcome::Proven);
        assert!(run("atlassian-pat", &format!("BBDC-{real}")).outcome == Outcome::Proven);
        assert!(matches!(run("atlassian-pat", &format!("BBDC-{short}")).outcome, Outcome::Refuted(_)));
        assert!(run("atlassian-pat", &short).outcome == Outcome::Fits);
    }
}
