//! Holds findings back: what the baseline knows and what `imgscan.toml` ignores. Counted, never lost.

use super::{
    ImageReport,
    baseline::Baseline,
    ignore::{IgnoreList, Today},
};
use crate::finding::Finding;

/// A finding that is not shown.
pub struct Held {
    /// The finding.
    pub finding: Finding,
    /// Why.
    pub why: Why,
}

/// Why a finding is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its fingerprint is in the baseline.
    Baseline,
    /// By an ignore entry.
    Ignored {
        /// The entry's reason.
        reason: String,
    },
}

/// Moves what is known or ignored out of the image's findings, and counts it in `suppressed`.
///
/// An ignore entry wins over the baseline, since it says why.
pub fn apply(image: &mut ImageReport, baseline: Option<&Baseline>, ignore: &mut IgnoreList, today: Today) -> Vec<Held> {
    let mut shown = Vec::with_capacity(image.findings.len());
    let mut held = Vec::new();
    for finding in std::mem::take(&mut image.findings) {
        if let Some(reason) = ignore.reason_for(&image.reference, &finding, today) {
            image.suppressed.ignored += 1;
            held.push(Held { finding, why: Why::Ignored { reason } });
        } else if baseline.is_some_and(|baseline| baseline.contains(&finding.fingerprint)) {
            image.suppressed.baseline += 1;
            held.push(Held { finding, why: Why::Baseline });
        } else {
            shown.push(finding);
        }
    }
    image.findings = shown;
    held
}
