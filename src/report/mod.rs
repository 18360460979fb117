//! What a scan says: findings, what was held back, and what was not covered.

pub mod baseline;
pub mod held;
pub mod ignore;
pub mod ruleset;

use crate::finding::{Finding, Severity, Skip};

/// The result of one run over one or more images.
pub struct Report {
    /// Version of the rule set: a digest over the rules in use.
    pub ruleset: String,
    /// One per image and platform, in the order asked for.
    pub images: Vec<ImageReport>,
}

/// The result for one image.
pub struct ImageReport {
    /// As the user typed it.
    pub reference: String,
    /// Digest of the manifest.
    pub digest: Option<String>,
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// Sorted: severity, confidence, place, rule.
    pub findings: Vec<Finding>,
    /// Findings that are not shown.
    pub suppressed: Suppressed,
    /// What was read.
    pub coverage: Coverage,
}

/// Numbers of findings that were held back, by reason. Never silent: every output names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Known from the baseline.
    pub baseline: u64,
    /// By an ignore entry of `imgscan.toml`.
    pub ignored: u64,
    /// Public knowledge: a file that is provably unmodified from a public package.
    pub public: u64,
    /// Disproved by an offline check.
    pub refuted: u64,
    /// Below `--min-confidence`.
    pub low_confidence: u64,
}

/// What was read and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Layers of the manifest that were read to their end.
    pub layers: u64,
    /// Regular files read.
    pub files: u64,
    /// Bytes of uncompressed changesets read.
    pub bytes: u64,
    /// The gaps, sorted.
    pub skipped: Vec<Skip>,
}

/// Findings by severity, over all images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 0: scanned, nothing at or above the threshold.
    Clean,
    /// 1: findings at or above the threshold.
    Findings,
    /// 3: no such finding, but something was not covered.
    Incomplete,
}

impl Report {
    /// Counts the findings.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for image in &self.images {
            summary.incomplete |= !image.coverage.skipped.is_empty();
            for finding in &image.findings {
                let count = match finding.severity {
                    Severity::Critical => &mut summary.critical,
                    Severity::High => &mut summary.high,
                    Severity::Medium => &mut summary.medium,
                    Severity::Low => &mut summary.low,
                    Severity::Info => &mut summary.info,
                };
                *count += 1;
            }
        }
        summary
    }

    /// Decides. `fail_on: None` never fails for findings; `allow_incomplete` never for gaps.
    pub fn verdict(&self, fail_on: Option<Severity>, allow_incomplete: bool) -> Verdict {
        let failing = |finding: &Finding| fail_on.is_some_and(|threshold| finding.severity >= threshold);
        if self.images.iter().flat_map(|image| &image.findings).any(failing) {
            Verdict::Findings
        } else if self.summary().incomplete && !allow_incomplete {
            Verdict::Incomplete
        } else {
            Verdict::Clean
        }
    }
}
