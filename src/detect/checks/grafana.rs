//! Grafana: service account tokens, cloud tokens, legacy API keys.

use super::{Outcome, Subject, Verdict, crc::split_tail, fact};
use crate::detect::decode::base64;

pub(super) fn crc(subject: &Subject<'_>) -> Verdict {
    let Some((text, sum)) = split_tail(subject.secret, 8) else { return Verdict::doubtful("too short for its checksum") };
    let body = text.trim_end_matches('_');
    let crc = crc32fast::hash(body.as_bytes());
    match u32::from_str_radix(sum, 16) {
        Ok(found) if found == crc || found == crc.swap_bytes() => Verdict::proven("checksum valid"),
        _ => Verdict { outcome: Outcome::Fits, evidence: vec!["checksum differs from the documented formula".to_owned()] },
    }
}

pub(super) fn suffix(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.trim_end_matches('_').as_bytes()).swap_bytes())
}

pub(super) fn cloud(subject: &Subject<'_>) -> Verdict {
    let body = subject.secret.strip_prefix(b"glc_").unwrap_or(subject.secret);
    let json = base64(body).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let Some(json) = json.filter(|json| json.get("k").is_some()) else { return Verdict::doubtful("does not decode to Grafana's JSON") };
    let mut evidence = vec!["decodes to a Grafana token".to_owned()];
    evidence.extend(json.get("n").and_then(|n| n.as_str()).and_then(|n| fact("name", n)));
    evidence
        .extend(json.get("o").or_else(|| json.get("id")).map(|o| o.to_string()).and_then(|o| fact("organisation", o.trim_matches('"'))));
    Verdict { outcome: Outcome::Proven, evidence }
}
