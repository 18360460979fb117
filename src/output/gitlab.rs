//! GitLab's secret detection report, schema 15 (`artifacts: reports: secret_detection`).
//!
//! The schema demands start and end times. They are fixed, so that the report of an image stays the same, byte for byte;
//! GitLab shows the pipeline's own times. It also demands a commit, which an image does not have: zeros, as for a scan without git.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use super::{Document, json, text};
use crate::{
    finding::{Finding, LocationKind, Severity},
    fix,
    report::ImageReport,
};

const SCHEMA_VERSION: &str = "15.0.7";
const NO_TIME: &str = "1970-01-01T00:00:00";
const NO_COMMIT: &str = "0000000";

/// Writes the report, indented, with a final line break.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let vulnerabilities =
        document.report.images.iter().flat_map(|image| image.findings.iter().map(move |finding| vulnerability(image, finding))).collect();
    let report = Report {
        version: SCHEMA_VERSION,
        scan: Scan {
            analyzer: Scanner::this(),
            scanner: Scanner::this(),
            kind: "secret_detection",
            start_time: NO_TIME,
            end_time: NO_TIME,
            status: if document.failed.is_empty() { "success" } else { "failure" },
            messages: messages(document),
        },
        vulnerabilities,
    };
    json::write(&report, out)
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    scan: Scan,
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
struct Scan {
    analyzer: Scanner,
    scanner: Scanner,
    #[serde(rename = "type")]
    kind: &'static str,
    start_time: &'static str,
    end_time: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Scanner {
    id: &'static str,
    name: &'static str,
    url: &'static str,
    version: &'static str,
    vendor: Vendor,
}

#[derive(Serialize)]
struct Vendor {
    name: &'static str,
}

impl Scanner {
    fn this() -> Self {
        Self { id: super::TOOL, name: super::TOOL, url: super::HOME, version: super::VERSION, vendor: Vendor { name: super::TOOL } }
    }
}

#[derive(Serialize)]
struct Vulnerability {
    id: String,
    category: &'static str,
    name: String,
    description: String,
    severity: &'static str,
    solution: String,
    scanner: ScannerId,
    location: Location,
    identifiers: Vec<Identifier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    details: BTreeMap<&'static str, Detail>,
}

#[derive(Serialize)]
struct ScannerId {
    id: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
struct Location {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    commit: Commit,
}

#[derive(Serialize)]
struct Commit {
    sha: &'static str,
}

#[derive(Serialize)]
struct Identifier {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

#[derive(Serialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    value: String,
}

fn messages(document: &Document<'_>) -> Vec<Message> {
    let failed = document
        .failed
        .iter()
        .map(|failed| Message { level: "fatal", value: text::plain(&format!("{}: {}", failed.reference, failed.problem)).into_owned() });
    let gaps = document.report.images.iter().filter(|image| !image.coverage.skipped.is_empty()).map(|image| Message {
        level: "warn",
        value: text::plain(&format!(
            "{}: {} not covered",
            image.reference,
            text::count(image.coverage.skipped.len() as u64, "thing", "things")
        ))
        .into_owned(),
    });
    failed.chain(gaps).collect()
}

fn vulnerability(image: &ImageReport, finding: &Finding) -> Vulnerability {
    let place = finding.primary();
    let rule = &finding.rule;
    let fix = fix::fix(finding);
    let detail = |name, value: String| Detail { kind: "text", name, value: text::plain(&value).into_owned() };
    let mut details = BTreeMap::from([
        ("image", detail("Image", image.reference.clone())),
        ("state", detail("State", text::state(place))),
        ("value", detail("Redacted value", finding.redacted.clone())),
        ("confidence", detail("Confidence", finding.confidence.as_str().to_owned())),
    ]);
    if let Some(layer) = &place.layer {
        details.insert("layer", detail("Layer", format!("{} {}", u64::from(layer.index) + 1, layer.digest)));
    }
    if let Some(instruction) = place.instruction() {
        details.insert("instruction", detail("Instruction", text::instruction(instruction)));
    }
    if !finding.evidence.is_empty() {
        details.insert("evidence", detail("Evidence", finding.evidence.join(", ")));
    }
    if finding.places.len() > 1 {
        let with_state = |place| format!("{} ({})", text::place(place), place.state.as_str());
        let places: Vec<String> = finding.places.iter().skip(1).map(with_state).collect();
        details.insert("also_at", detail("Also at", places.join("; ")));
    }
    Vulnerability {
        // Two images may hold the same credential; ids are unique within a report.
        id: format!(
            "{}:{}",
            finding.fingerprint,
            text::plain(&format!("{}:{}", image.reference, image.platform.as_deref().unwrap_or("-")))
        ),
        category: "secret_detection",
        name: text::shorten(&rule.title, 255).into_owned(),
        description: text::plain(&format!("{} in {} of {}. Unlocks: {}", rule.title, text::place(place), image.reference, rule.unlocks))
            .into_owned(),
        severity: match finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
            Severity::Info => "Info",
        },
        solution: text::plain(&format!("{}. {}.", fix.summary, fix.steps.join(". "))).into_owned(),
        scanner: ScannerId { id: super::TOOL, name: super::TOOL },
        location: Location {
            file: match (&place.location.kind, &place.location.path) {
                (LocationKind::File | LocationKind::Manifest, Some(path)) => text::plain(path).into_owned(),
                _ => text::location(&place.location),
            },
            start_line: place.location.line.filter(|_| place.location.inner.is_empty()),
            commit: Commit { sha: NO_COMMIT },
        },
        identifiers: vec![Identifier { kind: "imgscan_rule_id", name: format!("imgscan rule {}", rule.id), value: rule.id.to_string() }],
        links: [&rule.rotate, &rule.docs]
            .into_iter()
            .filter(|url| url.starts_with("https://"))
            .map(|url| Link { url: url.to_string() })
            .collect(),
        details,
    }
}
