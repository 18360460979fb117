//! CRC-32 suffixes: GitHub, npm and Vercel (base62), Cloudflare and Zuplo (hex).
//!
//! GitHub: <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>.

use super::{Subject, Verdict};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A number in base 62, left-padded with `0` to 6 digits (enough for any CRC-32).
fn to_base62(mut number: u32) -> String {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().map(|b| char::from(*b)).collect()
}

pub(super) fn base62(subject: &Subject<'_>) -> Verdict {
    let Some((text, sum)) = split_tail(subject.secret, 6) else { return Verdict::refuted("too short for its checksum") };
    Verdict::checksum(base62_suffix(text) == sum)
}

pub(super) fn base62_suffix(text: &str) -> String {
    to_base62(crc32fast::hash(last_part(text).as_bytes()))
}

pub(super) fn cloudflare(subject: &Subject<'_>) -> Verdict {
    hex(subject)
}

pub(super) fn zuplo(subject: &Subject<'_>) -> Verdict {
    hex(subject)
}

fn hex(subject: &Subject<'_>) -> Verdict {
    let Some((text, sum)) = split_tail(subject.secret, 8) else { return Verdict::refuted("too short for its checksum") };
    Verdict::checksum(hex_suffix(text).eq_ignore_ascii_case(sum))
}

pub(super) fn hex_suffix(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(last_part(text.trim_end_matches('_')).as_bytes()))
}

fn last_part(text: &str) -> &str {
    text.rsplit('_').next().unwrap_or_default()
}

/// Text and its last `n` characters.
pub(super) fn split_tail(secret: &[u8], n: usize) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(secret).ok()?;
    text.split_at_checked(text.len().checked_sub(n)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_of_base62() {
        assert_eq!(base62_suffix("hello"), "0zNvy2");
    }
}
