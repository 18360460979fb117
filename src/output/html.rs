//! One self-contained page: no script, nothing loaded, every text escaped, and a policy that forbids the rest.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io::{self, Write},
};

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::{Document, table, text, verdict, xml::escape};
use crate::{
    finding::{Finding, Severity, State},
    fix,
    report::ImageReport,
};

const CSS: &str = include_str!("html.css");
/// Gaps that are listed for each reason.
const NAMED_GAPS: usize = 50;

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut page = String::new();
    render(document, &mut page).map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

fn render(document: &Document<'_>, page: &mut String) -> fmt::Result {
    let css = CSS.trim_end();
    // The policy names the style sheet by its hash, so that an injected `style` would not apply either.
    let hash = BASE64.encode(&Sha256::digest(css));
    let found = verdict::found(document.report);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>imgscan: {}</title>\n<style>{css}</style>\n</head>\n<body>\n",
        escape(&found)
    )?;
    writeln!(page, "<header>\n<h1>{}</h1>\n<p class=\"verdict\">{}</p>", escape(&found), escape(&document.verdict()))?;
    filter(document, page)?;
    page.push_str("</header>\n<main>\n");
    for failed in document.failed {
        writeln!(
            page,
            "<h2>{}</h2>\n<p class=\"failed\">Not scanned: {}</p>",
            escape(&failed.reference),
            escape(&failed.problem).replace('\n', "<br>")
        )?;
    }
    for image in &document.report.images {
        render_image(image, page)?;
    }
    writeln!(
        page,
        "</main>\n<footer>imgscan {}, rules {}. Values are redacted; there is no way to show them.</footer>\n</body>\n</html>",
        super::VERSION,
        escape(&document.report.ruleset)
    )
}

const SEVERITIES: [Severity; 5] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

fn filter(document: &Document<'_>, page: &mut String) -> fmt::Result {
    let count = |severity| document.report.images.iter().flat_map(|image| &image.findings).filter(|f| f.severity == severity).count();
    page.push_str("<fieldset class=\"filter\" aria-label=\"Show severities\">\n");
    for severity in SEVERITIES {
        let number = count(severity);
        if number > 0 {
            writeln!(
                page,
                "<label class=\"{severity}\"><input type=\"checkbox\" id=\"show-{severity}\" checked> {severity} <b>{}</b></label>",
                text::thousands(number as u64)
            )?;
        }
    }
    page.push_str("</fieldset>\n");
    Ok(())
}

fn render_image(image: &ImageReport, page: &mut String) -> fmt::Result {
    let coverage = &image.coverage;
    let about: Vec<String> = image
        .platform
        .iter()
        .cloned()
        .chain(image.digest.clone())
        // Directories and manifests have none.
        .chain((coverage.layers > 0).then(|| text::count(coverage.layers, "layer", "layers")))
        .chain([text::count(coverage.files, "file", "files"), text::bytes(coverage.bytes)])
        .collect();
    writeln!(page, "<section>\n<h2>{}<small>{}</small></h2>", escape(&image.reference), escape(&about.join(" · ")))?;
    for finding in &image.findings {
        render_finding(finding, image, page)?;
    }
    if image.findings.is_empty() {
        page.push_str("<p class=\"clean\">No credentials found.</p>\n");
    }
    let held = table::held_back(image);
    if !held.is_empty() {
        writeln!(page, "<p class=\"note\">Not shown: {}.</p>", escape(&held.join(", ")))?;
    }
    gaps(image, page)?;
    page.push_str("</section>\n");
    Ok(())
}

fn render_finding(finding: &Finding, image: &ImageReport, page: &mut String) -> fmt::Result {
    let rule = &finding.rule;
    let place = finding.primary();
    writeln!(
        page,
        "<article class=\"{0}\" id=\"f-{1}\">\n<div><span class=\"badge\">{0}</span><h3>{2}</h3><span class=\"rule\">{3}</span></div>\n<dl>",
        finding.severity,
        finding.fingerprint,
        escape(&rule.title),
        escape(&rule.id)
    )?;
    row(page, "value", &format!("<code>{}</code>", escape(&finding.redacted)))?;
    let mut confidence = finding.confidence.as_str().to_owned();
    if !finding.evidence.is_empty() {
        confidence.push_str(": ");
        confidence.push_str(&finding.evidence.join(", "));
    }
    row(page, "confidence", &escape(&confidence))?;
    row(page, "where", &format!("<code>{}</code>", escape(&text::location(&place.location))))?;
    if let Some(layer) = &place.layer {
        let mut line = escape(&text::layer(layer, table::total_layers(image))).into_owned();
        if !layer.digest.is_empty() {
            line.push_str(&format!(" <span class=\"id\">{}</span>", escape(text::short_digest(&layer.digest))));
        }
        row(page, "layer", &line)?;
    }
    if let Some(made) = place.instruction().map(text::instruction).filter(|made| !made.is_empty()) {
        row(page, "instruction", &format!("<code>{}</code>", escape(&text::shorten(&made, 300))))?;
    }
    let class = if place.state == State::Live { "" } else { " class=\"hidden\"" };
    row(page, "state", &format!("<span{class}>{}</span>", escape(&text::state(place))))?;
    if finding.places.len() > 1 {
        let mut list = String::from("<ul>");
        for place in finding.places.iter().skip(1) {
            let _ = write!(list, "<li><code>{}</code> {}</li>", escape(&text::place(place)), place.state.as_str());
        }
        list.push_str("</ul>");
        row(page, "also at", &list)?;
    }
    row(page, "unlocks", &escape(&rule.unlocks))?;
    let mut steps = String::from("<ol>");
    for step in fix::fix(finding).steps {
        let _ = write!(steps, "<li>{}</li>", rich(&step));
    }
    steps.push_str("</ol>");
    row(page, "fix", &steps)?;
    row(page, "id", &format!("<span class=\"id\">{}</span>", finding.fingerprint))?;
    page.push_str("</dl>\n</article>\n");
    Ok(())
}

/// `value` is mark-up already.
fn row(page: &mut String, label: &str, value: &str) -> fmt::Result {
    writeln!(page, "<dt>{label}</dt><dd>{value}</dd>")
}

/// A step of a fix: code between back ticks, and links to https pages.
fn rich(step: &str) -> String {
    let mut html = String::new();
    for (number, part) in step.split('`').enumerate() {
        if number % 2 == 1 {
            html.push_str(&format!("<code>{}</code>", escape(part)));
            continue;
        }
        for (number, word) in part.split(' ').enumerate() {
            if number > 0 {
                html.push(' ');
            }
            let word = escape(word);
            if word.starts_with("https://") {
                html.push_str(&format!("<a href=\"{word}\" rel=\"noreferrer\">{word}</a>"));
            } else {
                html.push_str(&word);
            }
        }
    }
    html
}

fn gaps(image: &ImageReport, page: &mut String) -> fmt::Result {
    let skipped = &image.coverage.skipped;
    if skipped.is_empty() {
        return Ok(());
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for skip in skipped {
        let layer = skip.layer.map(|index| format!("layer {}", u64::from(index) + 1));
        let place = layer.into_iter().chain(skip.path.clone()).collect::<Vec<_>>().join(": ");
        reasons.entry(&skip.reason).or_default().push(place);
    }
    writeln!(page, "<details class=\"gaps\"><summary>Not covered: {}</summary>", text::thousands(skipped.len() as u64))?;
    for (reason, places) in reasons {
        writeln!(page, "<p>{} × {}</p>\n<ul>", text::thousands(places.len() as u64), escape(reason))?;
        for place in places.iter().filter(|place| !place.is_empty()).take(NAMED_GAPS) {
            writeln!(page, "<li><code>{}</code></li>", escape(place))?;
        }
        if places.len() > NAMED_GAPS {
            writeln!(page, "<li>… (all are in the JSON report)</li>")?;
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</details>\n");
    Ok(())
}
