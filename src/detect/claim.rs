//! A value that a rule claims, and what the rule's checks and the place make of it.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

use super::{
    Match,
    checks::{Clock, Outcome, Subject, check},
    classify::{guessable, lower},
    model::Meaning,
    names::Name,
    overlap::{Candidate, Rank},
    rule::{Rule, Shape},
    surroundings::{Kind, Surroundings},
};
use crate::{
    finding::{Confidence, Severity},
    secret::Secret,
};

/// Values of one name in one text from which on they are entries of a table rather than credentials.
const ENTRIES: usize = 20;
/// The same in tests and manuals, whose long files are looked at in parts.
const ENTRIES_THERE: usize = 6;

/// Lowers what only the generic model found where its name has many values: keys of entries in a database, test vectors. Lists
/// of tokens and passwords exist too, so a name that says so is doubted in tests and manuals only.
pub(super) fn doubt_entries(candidates: &mut [Candidate], quiet_place: bool) {
    let least = if quiet_place { ENTRIES_THERE } else { ENTRIES };
    if candidates.len() < least {
        return;
    }
    let mut by_name: HashMap<String, Vec<&mut Match>> = HashMap::new();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.rank == Rank::Generic) {
        if let Some(name) = candidate.matched.name.clone() {
            by_name.entry(name).or_default().push(&mut candidate.matched);
        }
    }
    for (name, matches) in by_name {
        let doubtful = quiet_place || Meaning::of(&Name::new(name.as_bytes())).is_some_and(|meaning| meaning.bare_key);
        // The same value is often claimed twice, and manuals repeat theirs.
        let places: BTreeSet<usize> = matches.iter().map(|matched| matched.span.start).collect();
        let values = || matches.iter().map(|matched| matched.secret.expose()).collect::<BTreeSet<&[u8]>>().len();
        if doubtful && (places.len() >= ENTRIES || (places.len() >= least && values() >= least)) {
            for matched in matches {
                matched.confidence = Confidence::Low;
                matched.evidence.push("one of many values of this name".to_owned());
            }
        }
    }
}

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
        // A password within a format (a connection string's) is as weak as a person made it.
        let format = matches!(rule.shape, Shape::Token { .. }) && self.visible > 0;
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
            // What a person made up is an example there, most likely.
            if place.test && rank < Rank::Proven && confidence == Confidence::High && !format && guessable(self.value) {
                confidence = Confidence::Medium;
            }
            if anybodys {
                evidence.push("in a test or documentation path".to_owned());
            }
        }
        let name = self.name.map(|name| String::from_utf8_lossy(name.get(..name.len().min(200)).unwrap_or_default()).into_owned());
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

#[cfg(test)]
mod tests {
    use crate::detect::{Engine, Hint, Scratch, samples};
    use crate::finding::{Confidence, LocationKind};

    fn sure(path: &str, name: &str, entries: u64) -> usize {
        let values: Vec<String> =
            (0..entries).map(|seed| format!("{{\"id\": {seed}, \"{name}\": \"{}\"}}", samples::fill("{hex:64}", seed))).collect();
        let text = format!("[{}]\n", values.join(",\n"));
        let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
        let mut count = 0;
        Engine::new(Vec::new()).find(text.as_bytes(), &hint, &mut Scratch::default(), &mut |matched| {
            count += usize::from(matched.confidence >= Confidence::Medium);
        });
        count
    }

    #[test]
    fn many_values_of_one_name_are_entries() {
        assert_eq!(sure("srv/testdata/vectors.json", "shared_secret", 30), 0);
        assert_eq!(sure("srv/testdata/vectors.json", "shared_secret", 3), 3);
        assert_eq!(sure("srv/accounts.json", "api_token", 30), 30, "a list of tokens");
    }
}
