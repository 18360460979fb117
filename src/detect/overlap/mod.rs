//! One value, one match: the most specific rule wins.

mod taken;

use std::sync::Arc;

use zeroize::Zeroizing;

use self::taken::{Holder, Taken};
use super::{Match, Rule};
use crate::{
    finding::{Confidence, Severity},
    secret::Secret,
};

/// How specific a rule is, by how it recognised the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// By the generic model.
    Generic,
    /// By a format's definition.
    Structural,
    /// By name and value.
    Assigned,
    /// By the value itself.
    Token,
    /// By the value, and it proves itself.
    Proven,
}

/// A match before overlaps are resolved.
pub(super) struct Candidate {
    pub(super) matched: Match,
    pub(super) rank: Rank,
    /// Bytes that the rule's pattern matched, the credential's surroundings included: more is more specific.
    pub(super) matched_bytes: usize,
    /// Which decoded run it comes from; 0: none. Matches of one run share its span without being the same value.
    pub(super) run: u32,
}

/// The rank among others. Some forms say little about whose a value is: a JSON Web Token, a password hash. Such a rule gives way
/// to the provider that the name tells; what was read from the value stays (see [`resolve`]).
fn order(candidate: &Candidate) -> Rank {
    let vague = candidate.matched.rule.provider == "jwt" || candidate.matched.rule.confidence == Confidence::Low;
    if vague && candidate.matched.refuted.is_none() { candidate.rank.min(Rank::Structural) } else { candidate.rank }
}

/// Leaves one candidate for each value, in the order of their spans.
pub(super) fn resolve(candidates: &mut Vec<Candidate>) {
    if candidates.len() < 2 {
        return;
    }
    candidates.sort_by(|a, b| {
        let key = |c: &Candidate| {
            (
                c.matched.refuted.is_none() || c.rank > Rank::Generic,
                order(c),
                c.matched.confidence,
                c.matched.refuted.is_none(),
                c.matched_bytes,
                c.matched.visible,
                c.matched.span.len(),
            )
        };
        key(b)
            .cmp(&key(a))
            .then_with(|| a.matched.span.start.cmp(&b.matched.span.start))
            .then_with(|| a.matched.rule.id.cmp(&b.matched.rule.id))
    });
    let mut taken = Taken::new(candidates);
    let mut kept: Vec<std::ops::Range<usize>> = Vec::new();
    // A format's definition makes sure of what a vaguer pattern found at the very place.
    let mut confirmed: Vec<(usize, Severity, Confidence)> = Vec::new();
    // The same of name and value, where a provider's name is all that made the rule surer.
    let mut guessed: Vec<(usize, Confidence)> = Vec::new();
    // A rule that knows a value by its form does not look at what it is assigned to; the vaguer rule that lost knows.
    let mut names: Vec<(usize, String)> = Vec::new();
    // What a token says of itself (issuer, expiry) holds under whatever rule it is reported.
    let mut proofs: Vec<(usize, Severity, Confidence, Vec<String>)> = Vec::new();
    // What a format says is encoded, a pattern for any text finds as it stands.
    let mut decoded: Vec<(usize, Arc<Rule>, Secret, bool)> = Vec::new();
    candidates.retain_mut(|candidate| {
        let span = &candidate.matched.span;
        let Some(winner) = taken.by(span, candidate.run) else {
            taken.take(span, Holder { kept: kept.len(), run: candidate.run });
            kept.push(span.clone());
            return true;
        };
        if let Some(name) = &candidate.matched.name {
            names.push((winner, name.clone()));
        }
        if kept.get(winner).is_some_and(|other| other == span) {
            match candidate.rank {
                Rank::Proven if candidate.matched.rule.provider == "jwt" => {
                    let (lowered, evidence) = (candidate.matched.severity, std::mem::take(&mut candidate.matched.evidence));
                    let lowered = if lowered < candidate.matched.rule.severity { lowered } else { Severity::Critical };
                    proofs.push((winner, lowered, candidate.matched.confidence, evidence));
                }
                Rank::Structural => {
                    let matched = &candidate.matched;
                    confirmed.push((winner, matched.severity, matched.confidence));
                    decoded.push((winner, Arc::clone(&matched.rule), Secret::new(matched.secret.expose()), matched.guessable));
                }
                // A provider's format makes nothing less of what name and value say.
                Rank::Generic => guessed.push((winner, candidate.matched.confidence)),
                Rank::Assigned | Rank::Token | Rank::Proven => {}
            }
        }
        false
    });
    for (winner, rule, secret, guessable) in decoded {
        if let Some(matched) =
            candidates.get_mut(winner).map(|candidate| &mut candidate.matched).filter(|matched| matched.rule.id == rule.id)
        {
            (matched.secret, matched.guessable, matched.visible) = (secret, guessable, 0);
        }
    }
    for (winner, name) in names {
        if let Some(candidate) = candidates.get_mut(winner) {
            candidate.matched.name.get_or_insert(name);
        }
    }
    for (winner, lowered, confidence, evidence) in proofs {
        let Some(matched) = candidates.get_mut(winner).map(|candidate| &mut candidate.matched) else { continue };
        if matched.refuted.is_none() && matched.rule.provider != "jwt" {
            matched.severity = matched.severity.min(lowered);
            matched.confidence = matched.confidence.max(confidence);
            matched.evidence.extend(evidence.into_iter().filter(|fact| !matched.evidence.contains(fact)).collect::<Vec<_>>());
        }
    }
    for (winner, severity, confidence) in confirmed {
        if let Some(matched) =
            candidates.get_mut(winner).map(|candidate| &mut candidate.matched).filter(|matched| matched.refuted.is_none())
        {
            // What a check lowered (expired) stays lowered.
            if matched.severity == matched.rule.severity {
                matched.severity = matched.severity.max(severity);
            }
            matched.confidence = matched.confidence.max(confidence);
        }
    }
    for (winner, confidence) in guessed {
        if let Some(candidate) = candidates.get_mut(winner).filter(|candidate| candidate.rank == Rank::Assigned) {
            candidate.matched.confidence = candidate.matched.confidence.max(confidence);
        }
    }
    candidates.sort_by(|a, b| {
        (a.matched.span.start, a.matched.span.end, &a.matched.rule.id).cmp(&(b.matched.span.start, b.matched.span.end, &b.matched.rule.id))
    });
    undo_encoding(candidates);
    link(candidates);
}

/// A guess that is base64 of what was found beside it is the same credential: the copy of a Secret that `kubectl apply` keeps in an
/// annotation.
fn undo_encoding(candidates: &mut [Candidate]) {
    let plain = |candidate: &Candidate| {
        let guess = candidate.rank == Rank::Generic && candidate.run == 0;
        guess.then(|| super::decode::base64(candidate.matched.secret.expose())).flatten().map(Zeroizing::new)
    };
    for at in 0..candidates.len() {
        let Some(plain) = candidates.get(at).and_then(plain) else { continue };
        let near = at.saturating_sub(COPIES)..candidates.len().min(at + COPIES);
        let Some(other) = candidates.get(near).unwrap_or_default().iter().find(|other| other.matched.secret.expose() == plain.as_slice())
        else {
            continue;
        };
        let guessable = other.matched.guessable;
        if let Some(candidate) = candidates.get_mut(at) {
            (candidate.matched.secret, candidate.matched.guessable) = (Secret::new(&plain), guessable);
        }
    }
}

/// Matches before and behind a guess that may be the same credential, decoded.
const COPIES: usize = 64;
/// Bytes between the parts of one credential.
const NEARBY: usize = 400;

/// A key id and its secret stand next to each other: each is evidence for the other.
fn link(candidates: &mut [Candidate]) {
    for at in 1..candidates.len() {
        let Some([first, second]) = candidates.get_mut(at - 1..=at) else { continue };
        let (a, b) = (&mut first.matched, &mut second.matched);
        let related = a.rule.provider == b.rule.provider
            && a.rule.id != b.rule.id
            && !matches!(a.rule.provider.as_ref(), "generic" | "jwt" | "private-key");
        if related && a.refuted.is_none() && b.refuted.is_none() && b.span.start.saturating_sub(a.span.end) <= NEARBY {
            a.evidence.push(format!("stands next to: {}", b.rule.title));
            b.evidence.push(format!("stands next to: {}", a.rule.title));
            for side in [a, b] {
                side.confidence = side.confidence.max(Confidence::Medium);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ops::Range, sync::Arc};

    use super::*;
    use crate::{Secret, detect::rule};

    fn candidate(rule: &Arc<rule::Rule>, span: Range<usize>, matched_bytes: usize, run: u32) -> Candidate {
        let matched = Match {
            rule: Arc::clone(rule),
            span,
            secret: Secret::new(b"value"),
            visible: 0,
            guessable: false,
            name: None,
            severity: Severity::High,
            confidence: Confidence::High,
            evidence: Vec::new(),
            inner: Vec::new(),
            refuted: None,
        };
        Candidate { matched, rank: Rank::Token, matched_bytes, run }
    }

    /// By comparing each with each.
    fn plainly(spans: &[(Range<usize>, usize, u32)]) -> Vec<(Range<usize>, u32)> {
        let mut sorted = spans.to_vec();
        sorted.sort_by(|a, b| (b.1, b.0.len()).cmp(&(a.1, a.0.len())).then_with(|| a.0.start.cmp(&b.0.start)));
        let mut kept: Vec<(Range<usize>, u32)> = Vec::new();
        for (span, _, run) in sorted {
            let overlaps = |(other, other_run): &(Range<usize>, u32)| {
                span.start < other.end && other.start < span.end && (run == 0 || run != *other_run)
            };
            if !kept.iter().any(overlaps) {
                kept.push((span, run));
            }
        }
        kept.sort_by_key(|(span, run)| (span.start, span.end, *run));
        kept
    }

    #[test]
    fn as_if_each_were_compared_with_each() {
        let rule = rule::built_in().remove(0);
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for round in 0..300 {
            let spans: Vec<_> = (0..1 + random(40))
                .map(|_| {
                    let start = random(60);
                    // Matches of one run share its span.
                    match random(3) {
                        0 => (10..30, random(50), 1),
                        1 => (25..45, random(50), 2),
                        _ => (start..start + 1 + random(20), random(50), 0),
                    }
                })
                .collect();
            let mut candidates: Vec<_> = spans.iter().map(|(span, bytes, run)| candidate(&rule, span.clone(), *bytes, *run)).collect();
            resolve(&mut candidates);
            let mut found: Vec<_> = candidates.iter().map(|c| (c.matched.span.clone(), c.run)).collect();
            found.sort_by_key(|(span, run)| (span.start, span.end, *run));
            assert_eq!(found, plainly(&spans), "round {round}: {spans:?}");
        }
    }

    #[test]
    fn a_provider_makes_no_guess_less_sure() {
        let rule = rule::built_in().remove(0);
        let of = |rank, confidence, end| {
            let mut candidate = candidate(&rule, 0..end, 0, 0);
            (candidate.rank, candidate.matched.confidence) = (rank, confidence);
            candidate
        };
        for (guess, end, expected) in [
            (Confidence::Medium, 20, Confidence::Medium),
            (Confidence::Low, 20, Confidence::Low),
            (Confidence::Medium, 19, Confidence::Low),
        ] {
            let mut candidates = vec![of(Rank::Generic, guess, end), of(Rank::Assigned, Confidence::Low, 20)];
            resolve(&mut candidates);
            assert_eq!(candidates.len(), 1);
            assert_eq!((candidates[0].rank, candidates[0].matched.confidence), (Rank::Assigned, expected));
        }
        // What the value itself says is not overruled.
        let mut candidates = vec![of(Rank::Generic, Confidence::Medium, 20), of(Rank::Token, Confidence::Low, 20)];
        resolve(&mut candidates);
        assert_eq!((candidates[0].rank, candidates[0].matched.confidence), (Rank::Token, Confidence::Low));
    }

    #[test]
    fn thousands_across_thousands_take_no_product_of_both() {
        let rule = rule::built_in().remove(0);
        let start = std::time::Instant::now();
        for _ in 0..10 {
            let small = (0..10_000).map(|n| candidate(&rule, n * 10..n * 10 + 5, 100, 0));
            let wide = (0..10_000).map(|n| candidate(&rule, n..100_000 - n, 50, 0));
            let mut candidates: Vec<_> = small.chain(wide).collect();
            resolve(&mut candidates);
            assert_eq!(candidates.len(), 10_000);
        }
        assert!(start.elapsed().as_secs() < 20, "a billion comparisons take longer");
    }
}
