//! A report as it is kept. The internal types are not serialised: these structs are the format.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    detect::Rule,
    finding::{Confidence, Finding, LayerId, Location, LocationKind, Place, Severity, Skip, State},
    fingerprint::Fingerprint,
    report::{Coverage, ImageReport, Suppressed},
};

/// One report.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    /// Until when (seconds since the epoch) the report would come out the same.
    pub(super) holds_until: i64,
    digest: Option<String>,
    platform: Option<String>,
    layers: Vec<LayerEntry>,
    findings: Vec<FindingEntry>,
    /// Baseline and ignore entries are applied later, so there are only these: public, refuted, low confidence.
    suppressed: (u64, u64, u64),
    /// Layers, files, bytes.
    covered: (u64, u64, u64),
    skipped: Vec<SkipEntry>,
}

#[derive(Serialize, Deserialize)]
struct SkipEntry {
    layer: Option<u32>,
    path: Option<String>,
    reason: String,
    bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct LayerEntry {
    index: u32,
    digest: String,
    diff_id: Option<String>,
    created_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FindingEntry {
    rule: String,
    severity: String,
    confidence: String,
    fingerprint: String,
    redacted: String,
    evidence: Vec<String>,
    places: Vec<PlaceEntry>,
}

#[derive(Serialize, Deserialize)]
struct PlaceEntry {
    /// Position in [`Entry::layers`].
    layer: Option<usize>,
    kind: String,
    path: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    name: Option<String>,
    inner: Vec<String>,
    instruction: Option<String>,
    overwritten_by: Option<u32>,
    deleted_by: Option<u32>,
}

impl Entry {
    pub(super) fn of(report: &ImageReport, holds_until: i64) -> Self {
        let ImageReport { reference: _, digest, platform, findings, suppressed, coverage } = report;
        let mut layers = Layers::default();
        Self {
            holds_until,
            digest: digest.clone(),
            platform: platform.clone(),
            findings: findings.iter().map(|finding| layers.finding(finding)).collect(),
            layers: layers.entries,
            suppressed: (suppressed.public, suppressed.refuted, suppressed.low_confidence),
            covered: (coverage.layers, coverage.files, coverage.bytes),
            skipped: coverage
                .skipped
                .iter()
                .cloned()
                .map(|Skip { layer, path, reason, bytes }| SkipEntry { layer, path, reason, bytes })
                .collect(),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers")
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The report again; `None` where the entry is of another version of the rules.
    pub(super) fn report(self, reference: &str, rules: &[Arc<Rule>]) -> Option<ImageReport> {
        let rules: HashMap<&str, &Arc<Rule>> = rules.iter().map(|rule| (&*rule.id, rule)).collect();
        let layers: Vec<Arc<LayerId>> = self
            .layers
            .into_iter()
            .map(|LayerEntry { index, digest, diff_id, created_by }| Arc::new(LayerId { index, digest, diff_id, created_by }))
            .collect();
        let finding = |entry: FindingEntry| {
            Some(Finding {
                rule: Arc::clone(rules.get(entry.rule.as_str())?),
                severity: Severity::parse(&entry.severity)?,
                confidence: Confidence::parse(&entry.confidence)?,
                fingerprint: Fingerprint::parse(&entry.fingerprint)?,
                redacted: entry.redacted,
                evidence: entry.evidence,
                places: entry
                    .places
                    .into_iter()
                    .map(|entry| place(entry, &layers))
                    .collect::<Option<Vec<_>>>()
                    .filter(|p| !p.is_empty())?,
            })
        };
        let findings = self.findings.into_iter().map(finding).collect::<Option<Vec<_>>>()?;
        let (public, refuted, low_confidence) = self.suppressed;
        let (layers, files, bytes) = self.covered;
        let skip = |SkipEntry { layer, path, reason, bytes }| Skip { layer, path, reason, bytes };
        Some(ImageReport {
            reference: reference.to_owned(),
            digest: self.digest,
            platform: self.platform,
            findings,
            suppressed: Suppressed { public, refuted, low_confidence, ..Suppressed::default() },
            coverage: Coverage { layers, files, bytes, skipped: self.skipped.into_iter().map(skip).collect() },
        })
    }
}

/// The layers that findings name, each once.
#[derive(Default)]
struct Layers {
    entries: Vec<LayerEntry>,
    known: HashMap<(u32, Option<String>), usize>,
}

impl Layers {
    fn finding(&mut self, finding: &Finding) -> FindingEntry {
        let Finding { rule, severity, confidence, fingerprint, redacted, evidence, places } = finding;
        FindingEntry {
            rule: rule.id.to_string(),
            severity: severity.as_str().to_owned(),
            confidence: confidence.as_str().to_owned(),
            fingerprint: fingerprint.as_str().to_owned(),
            redacted: redacted.clone(),
            evidence: evidence.clone(),
            places: places.iter().map(|place| self.place(place)).collect(),
        }
    }

    fn place(&mut self, place: &Place) -> PlaceEntry {
        let Place { layer, location: Location { kind, path, line, column, name, inner, instruction }, state } = place;
        PlaceEntry {
            layer: layer.as_ref().map(|layer| self.layer(layer)),
            kind: kind.as_str().to_owned(),
            path: path.clone(),
            line: *line,
            column: *column,
            name: name.clone(),
            inner: inner.clone(),
            instruction: instruction.as_deref().map(str::to_owned),
            overwritten_by: if let State::Overwritten { by } = state { Some(*by) } else { None },
            deleted_by: if let State::Deleted { by } = state { Some(*by) } else { None },
        }
    }

    fn layer(&mut self, layer: &LayerId) -> usize {
        *self.known.entry((layer.index, layer.created_by.clone())).or_insert_with(|| {
            let LayerId { index, digest, diff_id, created_by } = layer.clone();
            self.entries.push(LayerEntry { index, digest, diff_id, created_by });
            self.entries.len() - 1
        })
    }
}

fn place(entry: PlaceEntry, layers: &[Arc<LayerId>]) -> Option<Place> {
    let layer = match entry.layer {
        Some(index) => Some(Arc::clone(layers.get(index)?)),
        None => None,
    };
    let PlaceEntry { path, line, column, name, inner, instruction, .. } = entry;
    let state = match (entry.overwritten_by, entry.deleted_by) {
        (Some(by), _) => State::Overwritten { by },
        (None, Some(by)) => State::Deleted { by },
        (None, None) => State::Live,
    };
    let kind = LocationKind::parse(&entry.kind)?;
    Some(Place { layer, location: Location { kind, path, line, column, name, inner, instruction: instruction.map(Arc::from) }, state })
}
