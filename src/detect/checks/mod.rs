//! Offline proofs: what a credential's own bytes tell, without any network. Rules name them in `checks = [...]`.
//!
//! | name | what it proves | a failure |
//! |---|---|---|
//! | `crc32-base62` | last 6 characters are the CRC-32 of what stands between the last `_` and them (GitHub classic, npm, Vercel) | refutes |
//! | `gitlab-routable` | CRC and length of GitLab's routable tokens; tokens of the older form pass without proof | refutes |
//! | `atlassian-crc` | last 8 hex digits are the CRC-32 of everything before (`ATATT3…=XXXXXXXX`, `ATCTT`, `ATBB`) | refutes |
//! | `cloudflare-crc` | last 8 hex digits are the CRC-32 of the 40 characters after the last `_` (`cfk_`, `cfat_`, `cfut_`) | refutes |
//! | `zuplo-crc` | last 8 hex digits are the CRC-32 of the part between the `_` (`zpka_…_…`) | refutes |
//! | `grafana-crc` | the same with the prefix included (`glsa_…_…`), either byte order | lowers confidence |
//! | `azure-identifiable` | Marvin32 of an Azure key with its service's seed: the kind of key | lowers confidence where all seeds are published |
//! | `entra-checksum` | last 3 characters of `xxx8Q~…` are the first digits of its Marvin32 | lowers confidence |
//! | `aws-key-id` | AWS key id: tells the account | refutes what is no base32 |
//! | `bech32` | Bech32 checksum (`AGE-SECRET-KEY-1…`) | refutes |
//! | `pgp-crc24` | CRC-24 line of PGP armor | lowers confidence |
//! | `jwt` | header and claims are JSON: issuer, audience, subject, expiry | refutes |
//! | `pypi-macaroon` | macaroon of `pypi.org` or `test.pypi.org` | lowers confidence |
//! | `onepassword-ops` | JSON of a 1Password service account: account host | lowers confidence |
//! | `sentry-token` | JSON of a Sentry organisation token: organisation, region | lowers confidence |
//! | `grafana-glc` | JSON of a Grafana Cloud token (`glc_eyJ…`) or legacy key (`eyJrIjoi…`): organisation, name | lowers confidence |
//! | `discord-bot` | first part is the base64 of a snowflake: bot id | refutes |
//! | `jfrog-reference` | base64 of `reftkn:…`: expiry | lowers confidence |
//! | `jfrog-api-key` | `AKCp…` is base58 | lowers confidence |
//! | `atlassian-pat` | base64 of `digits:20 bytes` (Bitbucket, Jira and Confluence Data Center) | refutes `BBDC-…` |
//! | `slack` | parts of a Slack token: workspace id | nothing |
//! | `telegram-bot` | bot id of a Telegram token | nothing |
//! | `openai` | infix `T3BlbkFJ` of OpenAI keys | nothing |
//! | `anthropic` | suffix `AA` of Anthropic keys | lowers confidence |
//! | `private-key` | PEM or SSH private key: kind, encrypted or not | lowers confidence |
//! | `sealed` | Jenkins' secret or Ansible's vault: encrypted | refutes, unless the same image holds the key |
//! | `url-credentials` | user, host and scheme of `scheme://user:password@host`; local hosts lower confidence | nothing |

mod atlassian;
mod aws;
mod azure;
mod bech32;
mod crc;
mod discord;
mod gitlab;
mod grafana;
mod jfrog;
mod jwt;
mod onepassword;
mod pgp;
mod prefixes;
mod private_key;
mod pypi;
mod sealed;
mod sentry;
mod url;

use std::sync::atomic::{AtomicI64, Ordering};

/// What a check looks at.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The credential.
    pub secret: &'a [u8],
    /// The text around it, bounded.
    pub around: &'a [u8],
    /// For expiries.
    pub clock: &'a Clock,
}

/// The time by which expiries are judged, and how long those judgements hold.
pub struct Clock {
    now: Option<i64>,
    holds: AtomicI64,
}

impl Clock {
    /// At so many seconds since the epoch; `None` judges no expiry.
    pub fn new(now: Option<i64>) -> Self {
        Self { now, holds: AtomicI64::new(i64::MAX) }
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> Option<i64> {
        self.now
    }

    /// Whether that time (in seconds since the epoch) is past.
    pub fn is_past(&self, expiry: f64) -> bool {
        let Some(now) = self.now else { return false };
        let past = expiry < now as f64;
        if !past {
            // Saturates.
            self.holds.fetch_min(expiry as i64, Ordering::Relaxed);
        }
        past
    }

    /// Until when (seconds since the epoch) everything that was asked so far has the same answer; `i64::MAX` where no answer changes.
    pub fn holds_until(&self) -> i64 {
        self.holds.load(Ordering::Relaxed)
    }
}

/// What a check says.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The value proves itself: confidence becomes high.
    Proven,
    /// It fits, which proves nothing.
    Fits,
    /// It does not look right, but nothing is disproved: confidence goes down.
    Doubtful,
    /// Genuine but past its expiry: severity goes down.
    Expired,
    /// It cannot be a credential of this kind.
    Refuted(&'static str),
}

/// Outcome and facts for people; never a part of the secret.
pub struct Verdict {
    /// What it comes to.
    pub outcome: Outcome,
    /// Facts: `checksum valid`, `account 123456789012`.
    pub evidence: Vec<String>,
}

impl Verdict {
    fn proven(evidence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Proven, evidence: vec![evidence.into()] }
    }

    fn fits(evidence: Vec<String>) -> Self {
        Self { outcome: Outcome::Fits, evidence }
    }

    fn doubtful(evidence: impl Into<String>) -> Self {
        Self { outcome: Outcome::Doubtful, evidence: vec![evidence.into()] }
    }

    fn refuted(reason: &'static str) -> Self {
        Self { outcome: Outcome::Refuted(reason), evidence: Vec::new() }
    }

    /// `checksum valid`, or refuted.
    fn checksum(valid: bool) -> Self {
        if valid { Self::proven("checksum valid") } else { Self::refuted("checksum mismatch") }
    }
}

/// One offline check.
pub type Check = fn(&Subject<'_>) -> Verdict;

/// Every check by name, sorted.
pub static CHECKS: &[(&str, Check)] = &[
    ("anthropic", prefixes::anthropic),
    ("atlassian-crc", atlassian::crc),
    ("atlassian-pat", atlassian::personal_token),
    ("aws-key-id", aws::key_id),
    ("azure-identifiable", azure::identifiable),
    ("bech32", bech32::check),
    ("cloudflare-crc", crc::cloudflare),
    ("crc32-base62", crc::base62),
    ("discord-bot", discord::check),
    ("entra-checksum", azure::entra),
    ("gitlab-routable", gitlab::routable),
    ("grafana-crc", grafana::crc),
    ("grafana-glc", grafana::cloud),
    ("jfrog-api-key", jfrog::api_key),
    ("jfrog-reference", jfrog::reference),
    ("jwt", jwt::check),
    ("onepassword-ops", onepassword::check),
    ("openai", prefixes::openai),
    ("pgp-crc24", pgp::check),
    ("private-key", private_key::check),
    ("pypi-macaroon", pypi::check),
    ("sealed", sealed::check),
    ("sentry-token", sentry::check),
    ("slack", prefixes::slack),
    ("telegram-bot", prefixes::telegram),
    ("url-credentials", url::credentials),
    ("zuplo-crc", crc::zuplo),
];

/// The check of that name.
pub fn check(name: &str) -> Option<Check> {
    CHECKS.binary_search_by(|(known, _)| (*known).cmp(name)).ok().and_then(|at| CHECKS.get(at)).map(|(_, check)| *check)
}

/// The text that makes `text` pass the check of that name when appended: for samples. `None` where there is no such text.
pub(super) fn complete(name: &str, text: &str, random: &mut dyn FnMut(usize) -> Vec<u8>) -> Option<String> {
    match name {
        "crc32-base62" => Some(crc::base62_suffix(text)),
        "cloudflare-crc" | "zuplo-crc" => Some(crc::hex_suffix(text)),
        "atlassian-crc" => Some(format!("{:08X}", crc32fast::hash(text.as_bytes()))),
        "grafana-crc" => Some(grafana::suffix(text)),
        "gitlab-routable" => Some(gitlab::suffix(text, random)),
        "bech32" => Some(bech32::suffix(text)),
        "azure-identifiable" => azure::suffix(text),
        "entra-checksum" => azure::entra_suffix(text),
        _ => None,
    }
}

/// The day (`2024-12-31`, in UTC) of a time in seconds since the epoch; `None` where that is no time.
pub(crate) fn day(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string().chars().take(10).collect())
}

/// A short, printable fact out of a decoded value: at most 80 characters, nothing that could break a line.
fn fact(label: &str, value: &str) -> Option<String> {
    super::public::printable(value).map(|clean| format!("{label} {clean}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn run(name: &str, secret: &str) -> Verdict {
        let check = check(name).expect("a known check");
        check(&Subject { secret: secret.as_bytes(), around: secret.as_bytes(), clock: &Clock::new(Some(1_700_000_000)) })
    }

    #[test]
    fn every_check_is_named_by_a_rule() {
        let rules = crate::detect::rule::built_in();
        for (name, _) in CHECKS {
            assert!(rules.iter().any(|rule| rule.checks.iter().any(|check| check == name)), "{name}");
        }
    }

    #[test]
    fn names_are_sorted_and_no_check_panics_on_garbage() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, _) in CHECKS {
            for garbage in ["", "_", "a.b", "....", "ey.ey.ey", "\u{0}", "-----BEGIN", "a:b@c://", "%3D", "=", "ops_eyJ", "glc_eyJ"] {
                let _ = run(name, garbage);
            }
        }
        assert!(check("no-such-check").is_none());
    }

    #[test]
    fn what_complete_appends_passes() {
        let mut random = |n: usize| (0..n).map(|i| (i * 37 % 251) as u8).collect::<Vec<u8>>();
        for (name, start) in [
            ("crc32-base62", "ghp_0123456789abcdefghijklmnopqrst"),
            ("cloudflare-crc", "cfat_0123456789abcdefghijklmnopqrst0123456789"),
            ("zuplo-crc", "zpka_0123456789abcdef0123456789abcdef_"),
            ("grafana-crc", "glsa_0123456789abcdef0123456789abcdef_"),
            ("atlassian-crc", "ATATT3xFfGF0abcdefghijklmnop="),
            ("gitlab-routable", "glpat-"),
            ("azure-identifiable", "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd+ASt"),
            ("entra-checksum", "abc8Q~abcdefghijklmnopqrstuvwxyz01234"),
            ("bech32", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"),
        ] {
            let end = complete(name, start, &mut random).expect("has a suffix");
            assert!(run(name, &format!("{start}{end}")).outcome == Outcome::Proven, "{name}");
            let wrong = format!("{}{end}", start.replace('a', "b").replace("glpat-", "glpat-A").replace("KEY-1QQ", "KEY-1QP"));
            assert!(run(name, &wrong).outcome != Outcome::Proven, "{name}");
        }
    }
}
