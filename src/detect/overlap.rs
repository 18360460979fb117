//! One value, one match: the most specific rule wins.

use super::Match;
use crate::finding::{Confidence, Severity};

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
    // Kept spans, to be compared with all that follow. A haystack has few matches; a hostile one is bounded by `Engine`.
    let mut kept: Vec<(std::ops::Range<usize>, u32)> = Vec::new();
    // A format's definition makes sure of what a vaguer pattern found at the very place.
    let mut confirmed: Vec<(usize, Severity, Confidence)> = Vec::new();
    // A rule that knows a value by its form does not look at what it is assigned to; the vaguer rule that lost knows.
    let mut names: Vec<(usize, String)> = Vec::new();
    // What a token says of itself (issuer, expiry) holds under whatever rule it is reported.
    let mut proofs: Vec<(usize, Severity, Vec<String>)> = Vec::new();
    candidates.retain_mut(|candidate| {
        let (span, run) = (candidate.matched.span.clone(), candidate.run);
        let taken =
            kept.iter().position(|(other, other_run)| span.start < other.end && other.start < span.end && (run == 0 || run != *other_run));
        if let (Some(winner), Some(name)) = (taken, &candidate.matched.name) {
            names.push((winner, name.clone()));
        }
        if let Some(winner) =
            taken.filter(|winner| candidate.rank == Rank::Proven && kept.get(*winner).is_some_and(|(other, _)| *other == span))
        {
            let (lowered, evidence) = (candidate.matched.severity, std::mem::take(&mut candidate.matched.evidence));
            let lowered = if lowered < candidate.matched.rule.severity { lowered } else { Severity::Critical };
            proofs.push((winner, lowered, evidence));
        }
        match taken {
            Some(winner) if candidate.rank == Rank::Structural && kept.get(winner).is_some_and(|(other, _)| *other == span) => {
                confirmed.push((winner, candidate.matched.severity, candidate.matched.confidence));
            }
            Some(_) => {}
            None => kept.push((span.clone(), run)),
        }
        taken.is_none()
    });
    for (winner, name) in names {
        if let Some(candidate) = candidates.get_mut(winner) {
            candidate.matched.name.get_or_insert(name);
        }
    }
    for (winner, lowered, evidence) in proofs {
        let Some(matched) = candidates.get_mut(winner).map(|candidate| &mut candidate.matched) else { continue };
        if matched.refuted.is_none() && matched.rule.provider != "jwt" {
            matched.severity = matched.severity.min(lowered);
            matched.confidence = Confidence::High;
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
    candidates.sort_by(|a, b| {
        (a.matched.span.start, a.matched.span.end, &a.matched.rule.id).cmp(&(b.matched.span.start, b.matched.span.end, &b.matched.rule.id))
    });
    link(candidates);
}

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
