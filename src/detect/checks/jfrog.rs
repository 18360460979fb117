//! JFrog Artifactory: reference tokens and API keys.

use super::{Outcome, Subject, Verdict};
use crate::detect::decode::base64;

/// Base64 of `reftkn:01:<expiry, seconds>:<random>`; expiry 0 means never.
pub(super) fn reference(subject: &Subject<'_>) -> Verdict {
    let text = base64(subject.secret).and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(rest) = text.as_deref().and_then(|text| text.strip_prefix("reftkn:")) else {
        return Verdict::doubtful("does not decode to a reference token");
    };
    let expiry = rest.split(':').nth(1).and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds > 0);
    let mut evidence = vec!["decodes to a reference token".to_owned()];
    if expiry.is_some_and(|expiry| subject.clock.is_past(expiry as f64)) {
        evidence.push("expired".to_owned());
        return Verdict { outcome: Outcome::Expired, evidence };
    }
    Verdict { outcome: Outcome::Proven, evidence }
}

pub(super) fn api_key(subject: &Subject<'_>) -> Verdict {
    let base58 = subject.secret.iter().all(|b| b.is_ascii_alphanumeric() && !b"0OIl".contains(b));
    if base58 { Verdict::fits(Vec::new()) } else { Verdict::doubtful("not base58") }
}
