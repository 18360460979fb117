//! Sentry organisation tokens: `sntrys_`, base64 JSON, `_`, secret.

use super::{Outcome, Subject, Verdict, fact};
use crate::detect::decode::base64;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let body = subject.secret.strip_prefix(b"sntrys_").unwrap_or_default();
    let coded = body.split(|b| *b == b'_').next().unwrap_or_default();
    let json = base64(coded).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let Some(json) = json.filter(serde_json::Value::is_object) else { return Verdict::doubtful("does not decode to Sentry's JSON") };
    let mut evidence = vec!["decodes to an organisation token".to_owned()];
    evidence.extend(json.get("org").and_then(|v| v.as_str()).and_then(|org| fact("organisation", org)));
    evidence.extend(json.get("url").and_then(|v| v.as_str()).and_then(|url| fact("server", url)));
    Verdict { outcome: Outcome::Proven, evidence }
}
