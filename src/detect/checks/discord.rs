//! Discord bot tokens: base64 of the bot's id (a snowflake), time, HMAC.

use super::{Outcome, Subject, Verdict};
use crate::detect::decode::base64;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let first = subject.secret.split(|b| *b == b'.').next().unwrap_or_default();
    let id = base64(first).and_then(|bytes| String::from_utf8(bytes).ok());
    match id.as_deref().map(str::parse::<u64>) {
        // The first snowflakes are of 2015, far above this.
        Some(Ok(id)) if id >= 1000 => Verdict { outcome: Outcome::Proven, evidence: vec![format!("bot id {id}")] },
        _ => Verdict::refuted("the first part is no id"),
    }
}
