//! Credentials of URLs.

use super::{Subject, Verdict, fact};
use crate::detect::structured;

/// Evidence only: the URL stands around the secret.
pub(super) fn credentials(subject: &Subject<'_>) -> Verdict {
    let Some((scheme, user, host)) = parts(subject) else { return Verdict::fits(Vec::new()) };
    let mut evidence: Vec<String> = fact("scheme", &scheme).into_iter().collect();
    // The user may be the password, too, or a token.
    evidence.extend(structured::fact("user", user.as_bytes(), subject.secret));
    evidence.extend(fact("host", &host));
    Verdict::fits(evidence)
}

fn parts(subject: &Subject<'_>) -> Option<(String, String, String)> {
    let text = String::from_utf8_lossy(subject.around);
    let secret = std::str::from_utf8(subject.secret).ok()?;
    let (before, after) = if text.contains("://") && !secret.contains("://") {
        text.split_once(&format!(":{secret}@"))?
    } else {
        // The secret is the whole URL.
        let (authority, rest) = secret.split_once('@')?;
        (authority.rsplit_once(':')?.0, rest)
    };
    let (head, user) = before.rsplit_once("://")?;
    let scheme: String = head.chars().rev().take_while(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)).collect();
    let host: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
    Some((scheme.chars().rev().collect(), user.to_owned(), host))
}
