//! 1Password service account tokens: `ops_` and base64url JSON.

use super::{Outcome, Subject, Verdict, fact};
use crate::detect::decode::base64;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let json =
        subject.secret.strip_prefix(b"ops_").and_then(base64).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let Some(json) =
        json.filter(|json| json.get("secretKey").is_some() || json.get("muk").is_some() || json.get("signInAddress").is_some())
    else {
        return Verdict::doubtful("does not decode to a service account");
    };
    let mut evidence = vec!["decodes to a service account".to_owned()];
    evidence.extend(json.get("signInAddress").and_then(|v| v.as_str()).and_then(|host| fact("account host", host)));
    Verdict { outcome: Outcome::Proven, evidence }
}
