//! JSON report, version 1. These structs are the contract: fields may be added, none renamed or removed.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::{Document, json};
use crate::{
    finding::{Finding, Location, Place, Skip, State},
    fix,
    report::ImageReport,
};

/// The whole report.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// 1.
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// One per image and platform.
    pub images: Vec<Image>,
    /// Over all images.
    pub summary: Summary,
    /// Targets that could not be read.
    pub failed: Vec<Failed>,
}

/// A target that could not be read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failed {
    /// As the user typed it.
    pub reference: String,
    /// What happened, why, and what to do.
    pub problem: String,
}

/// Who wrote it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tool {
    /// `imgscan`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest over the rules in use.
    pub ruleset: String,
}

/// One image.
#[derive(Debug, Serialize, Deserialize)]
pub struct Image {
    /// As the user typed it.
    pub reference: String,
    /// Digest of the manifest; null where the source has none.
    pub digest: Option<String>,
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// Sorted.
    pub findings: Vec<FindingV1>,
    /// What is not shown.
    pub suppressed: Suppressed,
    /// What was read.
    pub coverage: Coverage,
}

/// One secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindingV1 {
    /// Id of the rule.
    pub rule: String,
    /// Id of the provider.
    pub provider: String,
    /// For people.
    pub title: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// 32 hex digits.
    pub fingerprint: String,
    /// Never enough to use.
    pub redacted: String,
    /// Why we believe it.
    pub evidence: Vec<String>,
    /// `live`, `overwritten` or `deleted`.
    pub state: String,
    /// Index of the layer that overwrote or deleted it.
    pub state_layer: Option<u32>,
    /// Null for the config and the manifest, but for an instruction that made one.
    pub layer: Option<Layer>,
    /// Where.
    pub location: LocationV1,
    /// The same secret elsewhere in this image.
    pub also_at: Vec<PlaceV1>,
    /// What it opens.
    pub unlocks: String,
    /// What to do.
    pub fix: Fix,
}

/// A layer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Layer {
    /// 0-based.
    pub index: u32,
    /// Of the blob; null where the source knows none.
    pub digest: Option<String>,
    /// Of the uncompressed changeset.
    pub diff_id: Option<String>,
    /// The history line.
    pub created_by: Option<String>,
}

/// A location.
#[derive(Debug, Serialize, Deserialize)]
pub struct LocationV1 {
    /// `file`, `env`, ...
    pub kind: String,
    /// In the layer, without a leading slash.
    pub path: Option<String>,
    /// 1-based.
    pub line: Option<u32>,
    /// 1-based, in bytes.
    pub column: Option<u32>,
    /// Variable, label, key or JSON pointer.
    pub name: Option<String>,
    /// The way in from the path.
    pub inner: Vec<String>,
    /// The instruction of the history that it stands in; not there for other kinds of places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
}

/// Another place.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlaceV1 {
    /// Null for the config and the manifest, but for an instruction that made one.
    pub layer: Option<Layer>,
    /// Where in it.
    pub location: LocationV1,
    /// As for the finding.
    pub state: String,
    /// As for the finding.
    pub state_layer: Option<u32>,
}

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fix {
    /// In one sentence.
    pub summary: String,
    /// In order.
    pub steps: Vec<String>,
}

/// Numbers of findings that are not shown.
#[derive(Debug, Serialize, Deserialize)]
pub struct Suppressed {
    /// Known from the baseline.
    pub baseline: u64,
    /// By an ignore entry.
    pub ignored: u64,
    /// Public knowledge.
    pub public: u64,
    /// Disproved offline.
    pub refuted: u64,
    /// Below `--min-confidence`.
    pub low_confidence: u64,
}

/// What was read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Coverage {
    /// Read to their end.
    pub layers: u64,
    /// Regular files.
    pub files: u64,
    /// Uncompressed.
    pub bytes: u64,
    /// The gaps.
    pub skipped: Vec<Skipped>,
}

/// A gap.
#[derive(Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Index of the layer.
    pub layer: Option<u32>,
    /// In the layer, or a name such as `config`.
    pub path: Option<String>,
    /// Why.
    pub reason: String,
    /// Not read, where known.
    pub bytes: Option<u64>,
}

/// Over all images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Summary {
    /// How many.
    pub critical: u64,
    /// How many.
    pub high: u64,
    /// How many.
    pub medium: u64,
    /// How many.
    pub low: u64,
    /// How many.
    pub info: u64,
    /// Whether anything was not covered.
    pub incomplete: bool,
}

/// Writes the report, indented, with a final line break.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    json::write(&view(document), out)
}

/// The frozen view of a report.
pub fn view(document: &Document<'_>) -> Report {
    let summary = document.report.summary();
    Report {
        schema_version: 1,
        tool: Tool { name: super::TOOL.to_owned(), version: super::VERSION.to_owned(), ruleset: document.report.ruleset.clone() },
        images: document.report.images.iter().map(image).collect(),
        summary: Summary {
            critical: summary.critical,
            high: summary.high,
            medium: summary.medium,
            low: summary.low,
            info: summary.info,
            incomplete: summary.incomplete,
        },
        failed: document
            .failed
            .iter()
            .map(|failed| Failed { reference: failed.reference.clone(), problem: failed.problem.clone() })
            .collect(),
    }
}

fn image(image: &ImageReport) -> Image {
    Image {
        reference: image.reference.clone(),
        digest: image.digest.clone(),
        platform: image.platform.clone(),
        findings: image.findings.iter().map(finding).collect(),
        suppressed: Suppressed {
            baseline: image.suppressed.baseline,
            ignored: image.suppressed.ignored,
            public: image.suppressed.public,
            refuted: image.suppressed.refuted,
            low_confidence: image.suppressed.low_confidence,
        },
        coverage: Coverage {
            layers: image.coverage.layers,
            files: image.coverage.files,
            bytes: image.coverage.bytes,
            skipped: image.coverage.skipped.iter().map(skipped).collect(),
        },
    }
}

fn finding(finding: &Finding) -> FindingV1 {
    let primary = place(finding.primary());
    let fix = fix::fix(finding);
    FindingV1 {
        rule: finding.rule.id.to_string(),
        provider: finding.rule.provider.to_string(),
        title: finding.rule.title.to_string(),
        severity: finding.severity.as_str().to_owned(),
        confidence: finding.confidence.as_str().to_owned(),
        fingerprint: finding.fingerprint.as_str().to_owned(),
        redacted: finding.redacted.clone(),
        evidence: finding.evidence.clone(),
        state: primary.state,
        state_layer: primary.state_layer,
        layer: primary.layer,
        location: primary.location,
        also_at: finding.places.iter().skip(1).map(place).collect(),
        unlocks: finding.rule.unlocks.to_string(),
        fix: Fix { summary: fix.summary, steps: fix.steps },
    }
}

fn place(place: &Place) -> PlaceV1 {
    PlaceV1 {
        layer: place.layer.as_ref().map(|layer| Layer {
            index: layer.index,
            digest: Some(layer.digest.clone()).filter(|digest| !digest.is_empty()),
            diff_id: layer.diff_id.clone(),
            created_by: layer.created_by.clone(),
        }),
        location: location(&place.location),
        state: place.state.as_str().to_owned(),
        state_layer: match place.state {
            State::Live => None,
            State::Overwritten { by } | State::Deleted { by } => Some(by),
        },
    }
}

fn location(location: &Location) -> LocationV1 {
    LocationV1 {
        kind: location.kind.as_str().to_owned(),
        path: location.path.clone(),
        line: location.line,
        column: location.column,
        name: location.name.clone(),
        inner: location.inner.clone(),
        instruction: location.instruction.as_deref().map(str::to_owned),
    }
}

fn skipped(skip: &Skip) -> Skipped {
    Skipped { layer: skip.layer, path: skip.path.clone(), reason: skip.reason.clone(), bytes: skip.bytes }
}
