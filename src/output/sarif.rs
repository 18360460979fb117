//! SARIF 2.1.0 (OASIS), for code-scanning services.
//!
//! A finding of the config has no file: its artifact is `image-config`, and its logical location says which part. Columns are
//! left out, since SARIF counts characters and imgscan bytes. What baseline and ignore entries hold back is there as
//! suppressed results.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use super::{Document, json, text};
use crate::{
    detect::Rule,
    finding::{Confidence, Finding, Location, LocationKind, Place, Severity},
    fix,
    report::{ImageReport, held::Why},
};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the log, indented, with a final line break.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    json::write(&log(document), out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    invocations: [Invocation; 1],
    results: Vec<SarifResult<'a>>,
    properties: RunProperties<'a>,
}

#[derive(Serialize)]
struct RunProperties<'a> {
    ruleset: &'a str,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    id: &'a str,
    short_description: Message,
    full_description: Message,
    help: Message,
    #[serde(skip_serializing_if = "str::is_empty")]
    help_uri: &'a str,
    default_configuration: Configuration,
    properties: RuleProperties<'a>,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    precision: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
    tags: [&'a str; 3],
}

#[derive(Serialize)]
struct Message {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: Vec<SarifLocation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<SarifLocation>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    image: &'a str,
    digest: Option<&'a str>,
    platform: Option<&'a str>,
    severity: &'static str,
    confidence: &'static str,
    redacted: &'a str,
    evidence: &'a [String],
    state: &'static str,
    layer: Option<LayerProperties<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<&'a str>,
}

#[derive(Serialize)]
struct LayerProperties<'a> {
    index: u32,
    digest: Option<&'a str>,
    diff_id: Option<&'a str>,
    created_by: Option<&'a str>,
}

fn log<'a>(document: &'a Document<'a>) -> Log<'a> {
    let images = &document.report.images;
    let held = |index: usize| document.held.get(index).map(Vec::as_slice).unwrap_or_default();
    let all = images.iter().enumerate().flat_map(|(index, image)| {
        let shown = image.findings.iter().map(|finding| (finding, None));
        let hidden = held(index).iter().map(|held| (&held.finding, Some(&held.why)));
        shown.chain(hidden).map(move |(finding, why)| (image, finding, why))
    });
    // Only rules with results: a log with all of them is mostly rules.
    let rules: BTreeMap<&str, &Rule> = all.clone().map(|(_, finding, _)| (finding.rule.id.as_ref(), finding.rule.as_ref())).collect();
    let index_of: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let results = all
        .map(|(image, finding, why)| result(image, finding, why, index_of.get(finding.rule.id.as_ref()).copied().unwrap_or_default()))
        .collect();
    Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: super::TOOL,
                    semantic_version: super::VERSION,
                    information_uri: super::HOME,
                    rules: rules.into_values().map(descriptor).collect(),
                },
            },
            invocations: [invocation(document)],
            results,
            properties: RunProperties { ruleset: &document.report.ruleset },
        }],
    }
}

fn invocation(document: &Document<'_>) -> Invocation {
    let failed = document
        .failed
        .iter()
        .map(|failed| Notification { level: "error", message: plain_message(format!("{}: {}", failed.reference, failed.problem)) });
    let gaps = document.report.images.iter().flat_map(|image| {
        image.coverage.skipped.iter().map(|skip| {
            let layer = skip.layer.map(|index| format!("layer {}", u64::from(index) + 1));
            let place: Vec<&str> = [Some(image.reference.as_str()), layer.as_deref(), skip.path.as_deref()].into_iter().flatten().collect();
            Notification { level: "warning", message: plain_message(format!("Not covered: {}: {}", place.join(": "), skip.reason)) }
        })
    });
    Invocation { execution_successful: document.failed.is_empty(), tool_execution_notifications: failed.chain(gaps).collect() }
}

fn plain_message(text: String) -> Message {
    Message { text: text::plain(&text).into_owned(), markdown: None }
}

fn descriptor(rule: &Rule) -> Descriptor<'_> {
    let mut help = format!("Unlocks: {}.", rule.unlocks);
    let mut markdown = format!("**Unlocks:** {}.\n\n**If it leaked:** revoke or rotate it first", rule.unlocks);
    if rule.rotate.is_empty() {
        markdown.push('.');
    } else {
        help.push_str(&format!(" Revoke it at {}.", rule.rotate));
        markdown.push_str(&format!(": <{}>.", rule.rotate));
    }
    if !rule.instead.is_empty() {
        help.push_str(&format!(" Instead: {}.", rule.instead));
        markdown.push_str(&format!("\n\n**Instead:** {}.", rule.instead));
    }
    Descriptor {
        id: &rule.id,
        short_description: plain_message(rule.title.to_string()),
        full_description: plain_message(format!("{} in a container image ({})", rule.title, rule.provider_name)),
        help: Message { text: help, markdown: Some(markdown) },
        help_uri: &rule.docs,
        default_configuration: Configuration { level: level(rule.severity) },
        properties: RuleProperties {
            precision: match rule.confidence {
                Confidence::High => "very-high",
                Confidence::Medium => "high",
                Confidence::Low => "medium",
            },
            // Code scanning's bands: over 9.0 critical, 7.0 high, 4.0 medium, 0.1 low.
            security_severity: match rule.severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "2.0",
                Severity::Info => "0.1",
            },
            tags: ["security", "secret", &rule.provider],
        },
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn result<'a>(image: &'a ImageReport, finding: &'a Finding, why: Option<&Why>, rule_index: usize) -> SarifResult<'a> {
    let place = finding.primary();
    let fingerprint = finding.fingerprint.as_str();
    let suppression = why.map(|why| Suppression {
        kind: "external",
        status: "accepted",
        justification: match why {
            Why::Baseline => "known from the baseline".to_owned(),
            Why::Ignored { reason } => text::plain(reason).into_owned(),
        },
    });
    SarifResult {
        rule_id: &finding.rule.id,
        rule_index,
        level: level(finding.severity),
        message: message(image, finding),
        locations: vec![location(place, None)],
        related_locations: finding.places.iter().skip(1).enumerate().map(|(i, place)| location(place, Some(i + 1))).collect(),
        partial_fingerprints: BTreeMap::from([
            ("imgscan/v1", fingerprint.to_owned()),
            // The name under which GitHub tells results apart; it would otherwise hash a line of a file that it does not have.
            ("primaryLocationLineHash", format!("{fingerprint}:1")),
        ]),
        suppressions: suppression.into_iter().collect(),
        properties: ResultProperties {
            image: &image.reference,
            digest: image.digest.as_deref(),
            platform: image.platform.as_deref(),
            severity: finding.severity.as_str(),
            confidence: finding.confidence.as_str(),
            redacted: &finding.redacted,
            evidence: &finding.evidence,
            state: place.state.as_str(),
            layer: place.layer.as_ref().map(|layer| LayerProperties {
                index: layer.index,
                digest: Some(layer.digest.as_str()).filter(|digest| !digest.is_empty()),
                diff_id: layer.diff_id.as_deref(),
                created_by: layer.created_by.as_deref(),
            }),
            instruction: place.location.instruction.as_deref(),
        },
    }
}

fn message(image: &ImageReport, finding: &Finding) -> Message {
    let place = finding.primary();
    let fix = fix::fix(finding);
    let first = format!(
        "{} {} in {} of {}. It is {}. {}.",
        finding.rule.title,
        finding.redacted,
        text::place(place),
        image.reference,
        text::state(place),
        fix.summary
    );
    let steps: Vec<String> = fix.steps.iter().enumerate().map(|(i, step)| format!("{}. {step}", i + 1)).collect();
    let text = format!("{} {}", text::plain(&first), text::plain(&steps.join(" ")));
    // Markdown without any mark-up of ours but the list: the texts of the image are escaped.
    let markdown = format!(
        "{}\n\n{}",
        super::markdown::escape(&first),
        fix.steps.iter().map(|step| super::markdown::step(step)).collect::<Vec<_>>().join("\n")
    );
    Message { text, markdown: Some(markdown) }
}

fn location(place: &Place, id: Option<usize>) -> SarifLocation {
    let at = &place.location;
    SarifLocation {
        id,
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(at) },
            region: Region { start_line: at.line.filter(|_| at.inner.is_empty()).unwrap_or(1) },
        },
        logical_locations: vec![LogicalLocation {
            name: at.name.clone(),
            fully_qualified_name: text::place(place),
            kind: match at.kind {
                LocationKind::File | LocationKind::Manifest => "member",
                _ => at.kind.as_str(),
            },
        }],
        message: id.map(|_| plain_message(format!("The same credential: {} ({})", text::place(place), place.state.as_str()))),
    }
}

/// A relative reference by RFC 3986: everything but unreserved characters and `/` is percent-encoded, the colon too, which
/// would otherwise end a scheme.
fn uri(location: &Location) -> String {
    let Some(path) = location.path.as_deref().filter(|path| !path.is_empty()) else {
        return "image-config".to_owned();
    };
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
