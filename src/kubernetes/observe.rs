//! The engine over every literal of an object.

use std::{collections::HashMap, sync::Arc, time::Instant};

use serde_json::Value;

use super::{
    delta::Legacy,
    literals::{Field, Literal, walk},
    sharing::strength,
    workload::Subject,
};
use crate::{
    detect::{Engine, Hint, Match, Rule, Scratch},
    finding::{Confidence, Location, LocationKind, Severity},
    fingerprint::{Fingerprint, Fingerprinter},
    secret::Secret,
};

/// A credential that an object holds literally. Holds the value, so it has no `Debug`.
pub struct Observation {
    /// The rule that names it.
    pub rule: Arc<Rule>,
    /// After evidence.
    pub severity: Severity,
    /// After evidence.
    pub confidence: Confidence,
    /// The value.
    pub secret: Secret,
    /// Leading bytes that the format fixes.
    pub visible: usize,
    /// The bits that guessing the value takes: comparing weaker ones would tell them.
    pub strength: u32,
    /// The id of reports.
    pub fingerprint: Fingerprint,
    /// The id of the cluster's index.
    pub cluster: [u8; 32],
    /// Why we believe it.
    pub evidence: Vec<String>,
    /// Encodings that were undone.
    pub inner: Vec<String>,
    /// JSON pointer of the literal.
    pub pointer: String,
    /// The field for people: `env DB_PASSWORD`.
    pub label: String,
    /// What kind of field.
    pub field: Field,
    /// Name of the container.
    pub container: Option<String>,
    /// The variable, where the field is one.
    pub variable: Option<String>,
    /// JSON pointers of the same credential elsewhere in the object.
    pub also: Vec<String>,
}

/// What an object holds.
#[derive(Default)]
pub struct Observed {
    /// The credentials, in document order.
    pub found: Vec<Observation>,
    /// Disproved by an offline check.
    pub refuted: u64,
    /// Places that were not read, and why.
    pub gaps: Vec<String>,
    /// Whether the time budget ran out before everything was read.
    pub exhausted: bool,
}

/// The two families of ids.
#[derive(Clone, Copy)]
pub struct Prints<'a> {
    /// For reports and denials: the same as the command line's.
    pub report: &'a Fingerprinter,
    /// For the index: with the cluster's key.
    pub cluster: &'a Fingerprinter,
}

/// How long an observation may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    /// Looked at between literals and within them.
    pub deadline: Option<Instant>,
}

impl Budget {
    /// Whether it is over.
    pub fn is_spent(self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Finds the credentials of an object. With `old` (an update), only those that `old` did not hold yet.
pub fn observe(
    object: &Value,
    old: Option<&Value>,
    engine: &Engine,
    prints: Prints<'_>,
    budget: Budget,
    scratch: &mut Scratch,
) -> Observed {
    let legacy = old.map(Legacy::of);
    scratch.set_deadline(budget.deadline);
    let mut observed = observe_all(object, legacy.as_ref(), engine, prints, budget, scratch);
    if let (Some(old), false) = (old, observed.found.is_empty()) {
        // The value may have stood elsewhere before: moving it within the object leaks nothing new.
        let before = observe_all(old, None, engine, prints, budget, scratch);
        // Where it now weighs more (`NOTE` became `PASSWORD`), it is new.
        observed.found.retain(|new| {
            let same = |known: &&Observation| known.cluster == new.cluster;
            !before.found.iter().find(same).is_some_and(|known| known.severity >= new.severity && known.confidence >= new.confidence)
        });
    }
    // Whoever gave up on the way did so for the same clock. A text that costs more than any real one is as good as one that takes too
    // long.
    observed.exhausted = budget.is_spent() || scratch.gave_up();
    scratch.set_deadline(None);
    observed
}

fn observe_all(
    object: &Value,
    legacy: Option<&Legacy>,
    engine: &Engine,
    prints: Prints<'_>,
    budget: Budget,
    scratch: &mut Scratch,
) -> Observed {
    let mut observed = Observed::default();
    let mut known: HashMap<[u8; 32], usize> = HashMap::new();
    // As in the cluster, where no object is without one, so that an id in a manifest is the id at the door.
    let namespace = Some(Subject::of(object).namespace).filter(|name| !name.is_empty()).unwrap_or("default").to_owned();
    let mut limits: Vec<&'static str> = Vec::new();
    let gaps = walk(object, &mut |literal| {
        if legacy.is_some_and(|legacy| legacy.holds(literal)) {
            return true;
        }
        if budget.is_spent() {
            return false;
        }
        let hint = Hint { kind: LocationKind::Manifest, path: literal.file, name: literal.name, binary: false };
        engine.find(literal.value, &hint, scratch, &mut |matched| {
            let Some(literal) = literal.at(&matched.span) else { return };
            if matched.refuted.is_some() {
                observed.refuted += 1;
                return;
            }
            let cluster = prints.cluster.of_cluster_value(&matched.secret);
            match known.get(&cluster).and_then(|index| observed.found.get_mut(*index)) {
                Some(earlier) => {
                    let pointer = literal.pointer();
                    if earlier.pointer != pointer && !earlier.also.contains(&pointer) {
                        earlier.also.push(pointer);
                    }
                    earlier.severity = earlier.severity.max(matched.severity);
                    earlier.confidence = earlier.confidence.max(matched.confidence);
                }
                None => {
                    known.insert(cluster, observed.found.len());
                    observed.found.push(observation(matched, &literal, cluster, &namespace, prints.report));
                }
            }
        });
        for gap in scratch.gaps() {
            if !limits.contains(gap) {
                limits.push(*gap);
            }
        }
        true
    });
    observed.gaps = gaps;
    observed.gaps.extend(limits.into_iter().map(str::to_owned));
    observed
}

fn observation(matched: Match, literal: &Literal<'_, '_>, cluster: [u8; 32], namespace: &str, fingerprints: &Fingerprinter) -> Observation {
    let label = literal.label();
    let fingerprint = fingerprints.of_value(&matched.secret, matched.guessable).unwrap_or_else(|| {
        // Neither the file nor the object's name: the same in a manifest, in its Deployment and in its pods.
        let mut place = Location::new(LocationKind::Manifest);
        place.path = Some(namespace.to_owned());
        place.name = Some(format!("{}/{label}", literal.container.unwrap_or_default()));
        fingerprints.of_place(&matched.rule.id, &place)
    });
    let strength = strength(&matched);
    Observation {
        rule: matched.rule,
        severity: matched.severity,
        confidence: matched.confidence,
        strength,
        secret: matched.secret,
        visible: matched.visible,
        fingerprint,
        cluster,
        evidence: matched.evidence,
        inner: matched.inner,
        pointer: literal.pointer(),
        label,
        field: literal.field,
        container: literal.container.map(str::to_owned),
        variable: literal.name.filter(|_| literal.field == Field::Env).map(str::to_owned),
        also: Vec::new(),
    }
}
