//! GitLab's routable tokens: `<prefix><base64url payload>.01.<length, 2 base36><CRC-32, 7 base36>`.
//!
//! The payload is 16 random bytes, lines `k:v` (cell, group, organisation, project, user, type; base36), and a length byte.

use super::{Outcome, Subject, Verdict, crc::split_tail};
use crate::detect::decode::base64;

pub(super) fn routable(subject: &Subject<'_>) -> Verdict {
    let Ok(text) = std::str::from_utf8(subject.secret) else { return Verdict::refuted("not ASCII") };
    let Some((head, tail)) = text.rsplit_once(".01.") else {
        return Verdict::fits(Vec::new());
    };
    let Some((body, sum)) = split_tail(text.as_bytes(), 7) else { return Verdict::refuted("too short for its checksum") };
    if tail.len() != 9 || sum != base36(u64::from(crc32fast::hash(body.as_bytes())), 7) {
        return Verdict::refuted("checksum mismatch");
    }
    let mut evidence = vec!["checksum valid".to_owned()];
    evidence.extend(
        head.rsplit_once('-').map(|(_, payload)| payload).and_then(|payload| base64(payload.as_bytes())).map(routing).unwrap_or_default(),
    );
    Verdict { outcome: Outcome::Proven, evidence }
}

/// Who the token belongs to, from the payload.
fn routing(payload: Vec<u8>) -> Vec<String> {
    let lines = payload.get(16..payload.len().saturating_sub(1)).unwrap_or_default();
    let text = String::from_utf8_lossy(lines);
    text.lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            let label = match key {
                "g" => "group id",
                "o" => "organisation id",
                "p" => "project id",
                "u" => "user id",
                _ => return None,
            };
            let id = u64::from_str_radix(value, 36).ok()?;
            Some(format!("{label} {id}"))
        })
        .collect()
}

fn base36(mut number: u64, width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
    }
    digits.into_iter().map(char::from).collect()
}

pub(super) fn suffix(text: &str, random: &mut dyn FnMut(usize) -> Vec<u8>) -> String {
    let mut payload = random(16);
    payload.extend_from_slice(b"o:1\nu:7ps");
    payload.push(9);
    let coded = data_encoding::BASE64URL_NOPAD.encode(&payload);
    let start = format!("{text}{coded}.01.{}", base36(coded.len() as u64, 2));
    let sum = base36(u64::from(crc32fast::hash(start.as_bytes())), 7);
    format!("{coded}.01.{}{sum}", base36(coded.len() as u64, 2))
}
