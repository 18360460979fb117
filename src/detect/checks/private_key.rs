//! Private keys in PEM: PKCS#1, PKCS#8 (RFC 5958), SEC 1, OpenSSH (PROTOCOL.key).

use super::{Outcome, Subject, Verdict, fact};
use crate::detect::decode::base64;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let text = String::from_utf8_lossy(subject.secret).replace("\\n", "\n").replace("\\r", "");
    let Some((label, rest)) = text.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----")) else {
        return Verdict::doubtful("no PEM header");
    };
    let body = rest.split("-----END").next().unwrap_or_default();
    let legacy_encryption = body.contains("ENCRYPTED") || body.contains("DEK-Info");
    let packed: Vec<u8> = body
        .lines()
        .filter(|line| !line.contains(':'))
        .flat_map(str::bytes)
        .filter(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b))
        .collect();
    // Code that reads or writes the format has words and punctuation between header and footer.
    // A key starts behind its header; a manual's text may hold anything further on.
    let start = body.as_bytes().get(..800).unwrap_or(body.as_bytes());
    if packed.len() < 40 || longest_run(start) < 40 {
        return Verdict::refuted("no key between header and footer");
    }
    let bytes = base64(&packed).unwrap_or_default();
    let mut evidence: Vec<String> = fact("kind", label).into_iter().collect();
    let (parsed, encrypted) = if let Some(rest) = bytes.strip_prefix(b"openssh-key-v1\0") {
        // Then the cipher's name as a string with a 32-bit length.
        (true, rest.get(4..8).is_some_and(|name| name != b"none"))
    } else {
        (der_sequence(&bytes), legacy_encryption || label.contains("ENCRYPTED"))
    };
    evidence.push(if encrypted { "encrypted with a passphrase" } else { "not encrypted" }.to_owned());
    if encrypted {
        return Verdict { outcome: Outcome::Expired, evidence };
    }
    if parsed {
        evidence.push("key parses".to_owned());
        return Verdict { outcome: Outcome::Proven, evidence };
    }
    if matches!(bytes.as_slice(), [0x30, 0x81..=0x82, ..]) {
        // A sample in a manual: the first lines of a key only.
        evidence.push("cut off".to_owned());
        return Verdict { outcome: Outcome::Doubtful, evidence };
    }
    Verdict { outcome: Outcome::Fits, evidence }
}

/// The longest run of base64 digits, line breaks and the quotes and signs that join string literals left out. Dots are
/// not: a call is no digit.
fn longest_run(body: &[u8]) -> usize {
    let (mut longest, mut run) = (0usize, 0usize);
    for byte in body {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => run += 1,
            b'\n' | b'\r' | b'\t' | b' ' if run >= 16 => {}
            b'"' | b'\'' | b'\\' | b',' if run >= 16 => {}
            _ => run = 0,
        }
        longest = longest.max(run);
    }
    longest
}

/// A DER SEQUENCE whose length fits the bytes.
fn der_sequence(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, short, rest @ ..] if *short < 0x80 => rest.len() >= usize::from(*short),
        [0x30, 0x81, a, rest @ ..] => rest.len() >= usize::from(*a),
        [0x30, 0x82, a, b, rest @ ..] => rest.len() >= usize::from(u16::from_be_bytes([*a, *b])),
        _ => false,
    }
}
