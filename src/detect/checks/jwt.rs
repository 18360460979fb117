//! JSON Web Tokens (RFC 7519): header and claims are read, the signature is not judged.

use serde_json::Value;

use super::{Outcome, Subject, Verdict, day, fact};
use crate::detect::decode::base64;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    // GitHub's app tokens put `ghs_<id>_` in front.
    let start = memchr::memmem::find(subject.secret, b"ey").unwrap_or(0);
    let token = subject.secret.get(start..).unwrap_or_default();
    let mut parts = token.split(|b| *b == b'.');
    let json =
        |part: Option<&[u8]>| part.and_then(base64).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()).filter(Value::is_object);
    let Some(header) = json(parts.next()) else { return Verdict::refuted("the header is no JSON") };
    if header.get("alg").is_none() && header.get("typ").is_none() && header.get("enc").is_none() && header.get("kid").is_none() {
        return Verdict::refuted("the header names no algorithm");
    }
    let mut evidence = Vec::new();
    evidence.extend(header.get("alg").and_then(Value::as_str).and_then(|alg| fact("algorithm", alg)));
    if header.get("enc").is_some() {
        // JWE: the claims are encrypted.
        return Verdict { outcome: Outcome::Proven, evidence };
    }
    let Some(claims) = json(parts.next()) else { return Verdict::refuted("the claims are no JSON") };
    evidence.extend(facts(&claims));
    // <https://supabase.com/docs/guides/api/api-keys>: as public as the page that holds it.
    let says = |claim: &str, text: &str| claims.get(claim).and_then(Value::as_str) == Some(text);
    if says("iss", "supabase") && says("role", "anon") {
        return Verdict::refuted("it is Supabase's key for anonymous users, which is public");
    }
    let expiry = claims.get("exp").and_then(Value::as_f64);
    match expiry {
        Some(expiry) if subject.clock.is_past(expiry) => {
            evidence.push(format!("expired on {}", date(expiry)));
            Verdict { outcome: Outcome::Expired, evidence }
        }
        Some(expiry) => {
            evidence.push(format!("expires on {}", date(expiry)));
            Verdict { outcome: Outcome::Proven, evidence }
        }
        None => {
            evidence.push("never expires".to_owned());
            Verdict { outcome: Outcome::Proven, evidence }
        }
    }
}

/// What the claims say about who may use the token where.
fn facts(claims: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (claim, label) in [("iss", "issuer"), ("sub", "subject"), ("role", "role"), ("azp", "client"), ("client_id", "client")] {
        out.extend(claims.get(claim).and_then(Value::as_str).and_then(|text| fact(label, text)));
    }
    match claims.get("aud") {
        Some(Value::String(audience)) => out.extend(fact("audience", audience)),
        Some(Value::Array(list)) => out.extend(list.iter().filter_map(Value::as_str).take(3).filter_map(|text| fact("audience", text))),
        _ => {}
    }
    if claims.get("kubernetes.io").is_some() || claims.get("kubernetes.io/serviceaccount/namespace").is_some() {
        out.push("Kubernetes service account".to_owned());
    }
    out
}

/// The day, or the number where it is none.
fn date(seconds: f64) -> String {
    // Saturates; whatever is no time is shown as it is.
    day(seconds as i64).unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::checks::Clock;

    fn token(claims: &str) -> String {
        let coded = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.c2lnbmF0dXJl", coded(r#"{"alg":"HS256","typ":"JWT"}"#), coded(claims))
    }

    fn run(secret: &str) -> Verdict {
        check(&Subject { secret: secret.as_bytes(), around: b"", clock: &Clock::new(Some(1_700_000_000)) })
    }

    #[test]
    fn claims_become_evidence_and_the_past_expires() {
        let verdict = run(&token(r#"{"iss":"https://issuer.test","aud":["a","b"],"exp":1600000000}"#));
        assert!(verdict.outcome == Outcome::Expired);
        assert_eq!(
            verdict.evidence,
            ["algorithm HS256", "issuer https://issuer.test", "audience a", "audience b", "expired on 2020-09-13"]
        );
        assert!(run(&token(r#"{"role":"service_role"}"#)).outcome == Outcome::Proven);
        assert!(matches!(run("eyAAAA.eyAAAA.AAAA").outcome, Outcome::Refuted(_)));
    }
}
