//! A value that a rule claims, and what the rule's checks and the place make of it.

use std::{ops::Range, sync::Arc};

use super::{
    Match,
    checks::{Clock, Outcome, Subject, check},
    classify::{guessable, lower},
    overlap::{Candidate, Rank},
    rule::{Rule, Shape},
    surroundings::{Kind, Surroundings},
};
use crate::{
    finding::{Confidence, Severity},
    secret::Secret,
};

/// A value that a rule claims, before checks.
pub(super) struct Claim<'a> {
    pub(super) rule: u32,
    pub(super) span: Range<usize>,
    pub(super) value: &'a [u8],
    pub(super) name: Option<&'a [u8]>,
    pub(super) confidence: Confidence,
    pub(super) rank: Rank,
    pub(super) visible: usize,
    pub(super) evidence: Vec<String>,
    pub(super) around: &'a [u8],
    /// Bytes that the pattern matched.
    pub(super) whole: usize,
}

impl Claim<'_> {
    /// Runs the rule's checks.
    pub(super) fn checked(self, rule: &Arc<Rule>, place: Surroundings, clock: &Clock) -> Candidate {
        let mut rank = self.rank;
        let (mut severity, mut confidence, mut evidence, mut refuted) = (rule.severity, self.confidence, self.evidence, None);
        let subject = Subject { secret: self.value, around: self.around, clock };
        for check in rule.checks.iter().filter_map(|name| check(name)) {
            let verdict = check(&subject);
            evidence.extend(verdict.evidence);
            match verdict.outcome {
                Outcome::Proven => {
                    confidence = Confidence::High;
                    rank = rank.max(Rank::Proven);
                }
                Outcome::Fits => {}
                Outcome::Doubtful => confidence = lower(confidence),
                Outcome::Expired => severity = severity.min(Severity::Low),
                Outcome::Refuted(reason) => refuted = Some(reason.to_owned()),
            }
        }
        // Keys and tokens of no provider abound in tests and manuals; guesses were judged with their place.
        let anybodys = matches!(rule.provider.as_ref(), "private-key" | "jwt" | "generic" | "pwhash" | "keystore");
        if place.published && (anybodys || rank < Rank::Token) {
            confidence = Confidence::Low;
            evidence.push("in published documentation or a library's test".to_owned());
        } else if place.package && rule.provider == "private-key" {
            confidence = lower(confidence);
            evidence.push("in a library's folder".to_owned());
        } else if place.test || place.kind == Kind::Docs {
            if matches!(rule.provider.as_ref(), "private-key" | "jwt") {
                confidence = lower(confidence);
            }
            if anybodys {
                evidence.push("in a test or documentation path".to_owned());
            }
        }
        let name = self.name.map(|name| String::from_utf8_lossy(name.get(..name.len().min(200)).unwrap_or_default()).into_owned());
        // A password within a format (a connection string's) is as weak as a person made it.
        let format = matches!(rule.shape, Shape::Token { .. }) && self.visible > 0;
        let matched = Match {
            rule: rule.clone(),
            span: self.span,
            secret: Secret::new(self.value),
            visible: self.visible,
            guessable: !format && guessable(self.value),
            name: name.filter(|name| !name.is_empty()),
            severity,
            confidence,
            evidence,
            inner: Vec::new(),
            refuted,
        };
        Candidate { matched, rank, matched_bytes: self.whole, run: 0 }
    }
}
