//! JUnit XML: a suite per image, a case per rule that found something, and a case for the coverage.
//!
//! Findings below `--fail-on` pass, with their text as output: a CI server that counts failures comes to imgscan's verdict.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use super::{Document, text, xml::escape};
use crate::{finding::Finding, fix, report::ImageReport};

/// Writes the suites.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let suites: Vec<Suite> = document
        .report
        .images
        .iter()
        .map(|image| suite(image, document))
        .chain(document.failed.iter().map(|failed| {
            let case = format!(
                "    <testcase classname=\"{0}\" name=\"scan\">\n      <error message=\"{1}\">{1}</error>\n    </testcase>\n",
                escape(&failed.reference),
                escape(&failed.problem)
            );
            Suite { name: failed.reference.clone(), cases: vec![case], failures: 0, errors: 1, skipped: 0 }
        }))
        .collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"imgscan\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        sum(|suite| suite.cases.len()),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
        sum(|suite| suite.skipped)
    )?;
    for suite in &suites {
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
            escape(&suite.name),
            suite.cases.len(),
            suite.failures,
            suite.errors,
            suite.skipped
        )?;
        for case in &suite.cases {
            out.write_all(case.as_bytes())?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

struct Suite {
    name: String,
    cases: Vec<String>,
    failures: usize,
    errors: usize,
    skipped: usize,
}

fn suite(image: &ImageReport, document: &Document<'_>) -> Suite {
    let mut name = image.reference.clone();
    if let Some(platform) = &image.platform {
        name.push(' ');
        name.push_str(platform);
    }
    let mut suite = Suite { name, cases: Vec::new(), failures: 0, errors: 0, skipped: 0 };
    let mut by_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &image.findings {
        by_rule.entry(&finding.rule.id).or_default().push(finding);
    }
    for (rule, findings) in &by_rule {
        let fails = findings.iter().any(|finding| document.judgement.fail_on.is_some_and(|threshold| finding.severity >= threshold));
        let text = findings.iter().map(|finding| describe(finding)).collect::<Vec<_>>().join("\n");
        let mut case = format!("    <testcase classname=\"{}\" name=\"{}\">\n", escape(&suite.name), escape(rule));
        if fails {
            suite.failures += 1;
            let title = findings.first().map(|finding| finding.rule.title.as_ref()).unwrap_or_default();
            let message = format!("{title}: {}", text::count(findings.len() as u64, "credential", "credentials"));
            let _ = writeln!(case, "      <failure type=\"{}\" message=\"{}\">{text}</failure>", worst(findings), escape(&message));
        } else {
            let _ = writeln!(case, "      <system-out>{text}</system-out>");
        }
        case.push_str("    </testcase>\n");
        suite.cases.push(case);
    }
    if by_rule.is_empty() {
        suite.cases.push(format!("    <testcase classname=\"{}\" name=\"credentials\"/>\n", escape(&suite.name)));
    }
    suite.coverage(image, document.judgement.allow_incomplete);
    suite
}

impl Suite {
    fn coverage(&mut self, image: &ImageReport, allow_incomplete: bool) {
        let gaps = &image.coverage.skipped;
        let mut case = format!("    <testcase classname=\"{}\" name=\"coverage\"", escape(&self.name));
        if gaps.is_empty() {
            case.push_str("/>\n");
        } else {
            let message = format!("{} not covered", text::count(gaps.len() as u64, "thing", "things"));
            let lines: Vec<String> = gaps
                .iter()
                .map(|skip| {
                    let layer = skip.layer.map(|index| format!("layer {}: ", u64::from(index) + 1)).unwrap_or_default();
                    format!("{layer}{}: {}", escape(skip.path.as_deref().unwrap_or("-")), escape(&skip.reason))
                })
                .collect();
            let tag = if allow_incomplete { "skipped" } else { "failure" };
            if allow_incomplete {
                self.skipped += 1;
            } else {
                self.failures += 1;
            }
            let _ = writeln!(case, ">\n      <{tag} message=\"{}\">{}</{tag}>\n    </testcase>", escape(&message), lines.join("\n"));
        }
        self.cases.push(case);
    }
}

fn worst(findings: &[&Finding]) -> &'static str {
    findings.iter().map(|finding| finding.severity).max().map_or("info", crate::finding::Severity::as_str)
}

fn describe(finding: &Finding) -> String {
    let mut lines = vec![
        format!("{} {} ({} confidence)", finding.severity, finding.redacted, finding.confidence),
        format!("id {}", finding.fingerprint),
    ];
    for place in &finding.places {
        lines.push(format!("at {} ({})", text::place(place), place.state.as_str()));
    }
    for step in fix::fix(finding).steps {
        lines.push(format!("fix: {step}"));
    }
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n")
}
