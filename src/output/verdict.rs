//! The last line of every report for people: what was found, in what, and why the program exits as it does.

use super::{Document, text};
use crate::{
    finding::Severity,
    report::{Coverage, Report, Verdict},
};

/// How the run is judged.
#[derive(Debug, Clone, Copy)]
pub struct Judgement {
    /// The threshold.
    pub fail_on: Option<Severity>,
    /// Whether gaps are accepted.
    pub allow_incomplete: bool,
}

/// `2 critical, 1 high`, or that there is nothing.
pub fn found(report: &Report) -> String {
    let summary = report.summary();
    let found: Vec<String> =
        [(summary.critical, "critical"), (summary.high, "high"), (summary.medium, "medium"), (summary.low, "low"), (summary.info, "info")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{} {word}", text::thousands(number)))
            .collect();
    if found.is_empty() { "no credentials found".to_owned() } else { found.join(", ") }
}

/// `2 critical, 1 high in 3 layers, 12,345 files, 1.2 GB; 1 thing not covered; exit 1: findings at or above medium`.
pub(super) fn line(document: &Document<'_>) -> String {
    let images = &document.report.images;
    let total = |of: fn(&Coverage) -> u64| images.iter().map(|image| of(&image.coverage)).sum::<u64>();
    let mut line = found(document.report);
    line.push_str(" in ");
    if images.len() != 1 {
        line.push_str(&text::count(images.len() as u64, "image", "images"));
        line.push_str(", ");
    }
    // Directories and manifests have none.
    let layers = total(|coverage| coverage.layers);
    if layers > 0 {
        line.push_str(&text::count(layers, "layer", "layers"));
        line.push_str(", ");
    }
    line.push_str(&format!(
        "{}, {}",
        text::count(total(|coverage| coverage.files), "file", "files"),
        text::bytes(total(|coverage| coverage.bytes))
    ));
    let held: u64 = images.iter().map(|image| image.suppressed).map(|held| held.baseline + held.ignored + held.low_confidence).sum();
    if held > 0 {
        line.push_str(&format!("; {} not shown", text::thousands(held)));
    }
    let gaps = total(|coverage| coverage.skipped.len() as u64);
    if gaps > 0 {
        line.push_str(&format!("; {} not covered", text::count(gaps, "thing", "things")));
    }
    line.push_str("; ");
    line.push_str(&reason(document));
    line
}

fn reason(document: &Document<'_>) -> String {
    let judgement = &document.judgement;
    if !document.failed.is_empty() {
        return format!("exit 2: {} could not be read", text::count(document.failed.len() as u64, "target", "targets"));
    }
    match document.report.verdict(judgement.fail_on, judgement.allow_incomplete) {
        Verdict::Findings => format!("exit 1: findings at or above {}", judgement.fail_on.map_or("none", Severity::as_str)),
        Verdict::Incomplete => "exit 3: not everything was covered (--allow-incomplete accepts that)".to_owned(),
        Verdict::Clean => match judgement.fail_on {
            None => "exit 0: --fail-on none".to_owned(),
            Some(threshold) => format!("exit 0: nothing at or above {threshold}"),
        },
    }
}
