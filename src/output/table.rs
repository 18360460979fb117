//! The report for people at a terminal: grouped by severity, readable at 80 columns.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use owo_colors::{OwoColorize, Style as Paint};
use unicode_width::UnicodeWidthStr;

use super::{Document, text};
use crate::{
    finding::{Finding, Severity, State},
    fix,
    report::ImageReport,
};

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether colours may be used.
    pub color: bool,
    /// Only the last line, and nothing at all for a clean report.
    pub quiet: bool,
}

/// Width of the labels before each line of a finding.
const LABEL: usize = 12;
/// Lines longer than this are hard to read, however wide the terminal.
const WIDEST: usize = 120;
/// Gaps of coverage that are named one by one for each reason.
const NAMED_GAPS: usize = 3;
/// Places that are listed beside the first.
const NAMED_PLACES: usize = 4;

/// Writes the table.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, style: &Style, out: &mut impl Write) -> io::Result<()> {
    let page = Page { width: style.width.clamp(40, WIDEST), color: style.color };
    if !style.quiet {
        for image in &document.report.images {
            page.image(image, out)?;
        }
    }
    let clean = document.failed.is_empty()
        && document.report.images.iter().all(|image| image.findings.is_empty() && image.coverage.skipped.is_empty());
    if !(style.quiet && clean) {
        for line in text::wrap(&document.verdict(), page.width) {
            writeln!(out, "{}", page.paint(&line, Paint::new().bold()))?;
        }
    }
    Ok(())
}

struct Page {
    width: usize,
    color: bool,
}

impl Page {
    fn paint(&self, text: &str, paint: Paint) -> String {
        if self.color { text.style(paint).to_string() } else { text.to_owned() }
    }

    fn dim(&self, text: &str) -> String {
        self.paint(text, Paint::new().dimmed())
    }

    fn image(&self, image: &ImageReport, out: &mut impl Write) -> io::Result<()> {
        let mut title = text::plain(&image.reference).into_owned();
        for more in [image.platform.as_deref(), image.digest.as_deref().map(text::short_digest)].into_iter().flatten() {
            title.push_str("  ");
            title.push_str(&text::plain(more));
        }
        for line in text::wrap(&title, self.width) {
            writeln!(out, "{}", self.paint(&line, Paint::new().bold().underline()))?;
        }
        writeln!(out)?;
        for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info] {
            let group: Vec<&Finding> = image.findings.iter().filter(|finding| finding.severity == severity).collect();
            if group.is_empty() {
                continue;
            }
            let heading = format!("{} ({})", severity.as_str().to_uppercase(), group.len());
            writeln!(out, "{}", self.paint(&heading, paint_of(severity)))?;
            writeln!(out)?;
            for finding in group {
                self.finding(finding, image, out)?;
                writeln!(out)?;
            }
        }
        self.footnotes(image, out)
    }

    fn finding(&self, finding: &Finding, image: &ImageReport, out: &mut impl Write) -> io::Result<()> {
        let rule = &finding.rule;
        let title = text::plain(&rule.title);
        let id = text::plain(&rule.id);
        let gap = self.width.saturating_sub(2 + title.width() + id.width());
        if gap >= 2 {
            writeln!(out, "  {}{}{}", self.paint(&title, paint_of(finding.severity)), " ".repeat(gap), self.dim(&id))?;
        } else {
            for line in text::wrap(&title, self.width - 2) {
                writeln!(out, "  {}", self.paint(&line, paint_of(finding.severity)))?;
            }
            self.row("rule", &id, out)?;
        }
        self.row("value", &text::plain(&finding.redacted), out)?;
        let mut confidence = finding.confidence.as_str().to_owned();
        if !finding.evidence.is_empty() {
            confidence.push_str(": ");
            confidence.push_str(&text::plain(&finding.evidence.join(", ")));
        }
        self.row("confidence", &confidence, out)?;
        self.whereabouts(finding, image, out)?;
        self.row("unlocks", &text::plain(&rule.unlocks), out)?;
        let fix = fix::fix(finding);
        for (number, step) in fix.steps.iter().enumerate() {
            let label = if number == 0 { "fix" } else { "" };
            self.hanging(label, &format!("{}. ", number + 1), &text::plain(step), Paint::new(), out)?;
        }
        self.row("id", finding.fingerprint.as_str(), out)
    }

    fn whereabouts(&self, finding: &Finding, image: &ImageReport, out: &mut impl Write) -> io::Result<()> {
        let place = finding.primary();
        self.row("where", &text::location(&place.location), out)?;
        if let Some(layer) = &place.layer {
            let mut line = text::layer(layer, total_layers(image));
            if !layer.digest.is_empty() {
                line.push(' ');
                line.push_str(&text::plain(text::short_digest(&layer.digest)));
            }
            self.row("", &line, out)?;
        }
        if let Some(made) = place.instruction().map(text::instruction).filter(|made| !made.is_empty()) {
            // Two lines at the most: a RUN instruction may be a page long.
            let columns = (self.width - LABEL - 2) * 2 - 12;
            self.row("", &text::shorten(&text::plain(&made), columns), out)?;
        }
        let state = text::state(place);
        let paint = if place.state == State::Live { Paint::new() } else { Paint::new().yellow() };
        self.hanging("state", "", &state, paint, out)?;
        let others = finding.places.len() - 1;
        if others > 0 {
            self.row("also at", &text::count(others as u64, "more place", "more places"), out)?;
            for place in finding.places.iter().skip(1).take(NAMED_PLACES) {
                self.row("", &format!("{} ({})", text::place(place), place.state.as_str()), out)?;
            }
            if others > NAMED_PLACES {
                self.row("", &format!("and {} more (all are in the JSON report)", text::thousands((others - NAMED_PLACES) as u64)), out)?;
            }
        }
        Ok(())
    }

    fn row(&self, label: &str, value: &str, out: &mut impl Write) -> io::Result<()> {
        self.hanging(label, "", value, Paint::new(), out)
    }

    /// A label, then the value wrapped, with `mark` before its first line and blanks of the same width before the others.
    fn hanging(&self, label: &str, mark: &str, value: &str, paint: Paint, out: &mut impl Write) -> io::Result<()> {
        let columns = self.width.saturating_sub(4 + LABEL + mark.len());
        for (number, line) in text::wrap(value, columns).iter().enumerate() {
            let (label, mark) = if number == 0 { (label, mark.to_owned()) } else { ("", " ".repeat(mark.len())) };
            writeln!(
                out,
                "    {}{mark}{}",
                if label.is_empty() { " ".repeat(LABEL) } else { self.dim(&format!("{label:LABEL$}")) },
                self.paint(line, paint)
            )?;
        }
        Ok(())
    }

    /// What was held back and what was not covered.
    fn footnotes(&self, image: &ImageReport, out: &mut impl Write) -> io::Result<()> {
        let held = held_back(image);
        if !held.is_empty() {
            for line in text::wrap(&format!("Not shown: {}.", held.join(", ")), self.width) {
                writeln!(out, "{}", self.dim(&line))?;
            }
            writeln!(out)?;
        }
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for skip in &image.coverage.skipped {
            let layer = skip.layer.map(|index| format!("layer {}", u64::from(index) + 1));
            let path = skip.path.as_ref().map(|path| text::plain(path).into_owned());
            let place = layer.into_iter().chain(path).collect::<Vec<_>>().join(": ");
            reasons.entry(&skip.reason).or_default().push(place);
        }
        if reasons.is_empty() {
            return Ok(());
        }
        let heading = format!("NOT COVERED ({})", text::thousands(image.coverage.skipped.len() as u64));
        writeln!(out, "{}", self.paint(&heading, Paint::new().yellow().bold()))?;
        for (reason, places) in reasons {
            let number = places.len();
            let mut line = format!("{} × {}", text::thousands(number as u64), text::plain(reason));
            let named: Vec<&str> = places.iter().filter(|place| !place.is_empty()).take(NAMED_GAPS).map(String::as_str).collect();
            if !named.is_empty() {
                line.push_str(": ");
                line.push_str(&named.join(", "));
                if number > named.len() {
                    line.push_str(", …");
                }
            }
            for (i, line) in text::wrap(&line, self.width - 4).iter().enumerate() {
                writeln!(out, "  {}{line}", if i == 0 { "" } else { "  " })?;
            }
        }
        writeln!(out)
    }
}

/// `2 known from the baseline`, one per reason that applies.
pub(super) fn held_back(image: &ImageReport) -> Vec<String> {
    let numbers = &image.suppressed;
    [
        (numbers.baseline, "known from the baseline"),
        (numbers.ignored, "ignored by imgscan.toml"),
        (numbers.public, "public knowledge (--show-public)"),
        (numbers.refuted, "disproved offline (--show-refuted)"),
        (numbers.low_confidence, "below the minimum confidence (--min-confidence low)"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, why)| format!("{} {why}", text::thousands(number)))
    .collect()
}

/// Layers of the image, as far as the report knows: those that were read, and those that it names.
pub(super) fn total_layers(image: &ImageReport) -> u64 {
    let named = image.findings.iter().flat_map(|finding| &finding.places).flat_map(|place| {
        let state = match place.state {
            State::Live => None,
            State::Overwritten { by } | State::Deleted { by } => Some(by),
        };
        place.layer.as_ref().map(|layer| layer.index).into_iter().chain(state)
    });
    let skipped = image.coverage.skipped.iter().filter_map(|skip| skip.layer);
    named.chain(skipped).map(|index| u64::from(index) + 1).max().unwrap_or(0).max(image.coverage.layers)
}

fn paint_of(severity: Severity) -> Paint {
    match severity {
        Severity::Critical => Paint::new().bright_red().bold(),
        Severity::High => Paint::new().red().bold(),
        Severity::Medium => Paint::new().yellow().bold(),
        Severity::Low => Paint::new().cyan().bold(),
        Severity::Info => Paint::new().bold(),
    }
}
