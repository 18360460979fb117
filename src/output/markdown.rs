//! Markdown for a comment on a pull request. Starts with a marker, so that a job can find its comment and replace it.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{Document, table, text, verdict};
use crate::{finding::Finding, fix, report::ImageReport};

/// The first line.
const MARKER: &str = "<!-- imgscan -->";
/// Findings that are shown for each image: comments are limited to 65,536 characters.
const SHOWN: usize = 25;

/// Writes the comment.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut page = String::new();
    render(document, &mut page).map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

fn render(document: &Document<'_>, page: &mut String) -> std::fmt::Result {
    writeln!(page, "{MARKER}")?;
    writeln!(page, "### imgscan: {}\n", escape(&verdict::found(document.report)))?;
    for failed in document.failed {
        writeln!(page, "**Not scanned:** {}: {}\n", code(&failed.reference), escape(&failed.problem))?;
    }
    for image in &document.report.images {
        render_image(image, page)?;
    }
    writeln!(page, "{}", escape(&document.verdict()))
}

fn render_image(image: &ImageReport, page: &mut String) -> std::fmt::Result {
    write!(page, "**{}**", code(&image.reference))?;
    if let Some(platform) = &image.platform {
        write!(page, " {}", escape(platform))?;
    }
    page.push_str("\n\n");
    if !image.findings.is_empty() {
        page.push_str("| Severity | Credential | Where | State |\n|---|---|---|---|\n");
        for finding in image.findings.iter().take(SHOWN) {
            let place = finding.primary();
            let others = match finding.places.len() - 1 {
                0 => String::new(),
                others => format!(" (+{others})"),
            };
            writeln!(
                page,
                "| {} | {} {} | {}{others} | {} |",
                finding.severity,
                escape(&finding.rule.title),
                code(&finding.redacted),
                code(&text::place(place)),
                place.state.as_str()
            )?;
        }
        page.push('\n');
        if image.findings.len() > SHOWN {
            writeln!(page, "… and {} more.\n", text::thousands((image.findings.len() - SHOWN) as u64))?;
        }
        page.push_str("<details><summary>How to fix</summary>\n\n");
        for finding in image.findings.iter().take(SHOWN) {
            render_fix(finding, page)?;
        }
        page.push_str("</details>\n\n");
    }
    let held = table::held_back(image);
    if !held.is_empty() {
        writeln!(page, "Not shown: {}.\n", escape(&held.join(", ")))?;
    }
    let gaps = &image.coverage.skipped;
    if !gaps.is_empty() {
        writeln!(page, "<details><summary>Not covered: {}</summary>\n", text::thousands(gaps.len() as u64))?;
        for skip in gaps.iter().take(SHOWN) {
            let layer = skip.layer.map(|index| format!("layer {}: ", u64::from(index) + 1)).unwrap_or_default();
            writeln!(page, "- {layer}{} {}", code(skip.path.as_deref().unwrap_or("-")), escape(&skip.reason))?;
        }
        if gaps.len() > SHOWN {
            writeln!(page, "- … and {} more", text::thousands((gaps.len() - SHOWN) as u64))?;
        }
        page.push_str("\n</details>\n\n");
    }
    Ok(())
}

fn render_fix(finding: &Finding, page: &mut String) -> std::fmt::Result {
    writeln!(page, "**{}** at {}\n", escape(&finding.rule.title), code(&text::place(finding.primary())))?;
    for step in &fix::fix(finding).steps {
        writeln!(page, "{}", self::step(step))?;
    }
    writeln!(page, "\n<sub>{} · {}</sub>\n", escape(&finding.rule.id), finding.fingerprint)
}

/// A list item; what stands between back ticks in a step stays code.
pub(super) fn step(step: &str) -> String {
    let mut line = String::from("1. ");
    for (number, part) in step.split('`').enumerate() {
        line.push_str(&if number % 2 == 0 { prose(part) } else { code(part) });
    }
    line
}

/// Escaped text in which addresses stay addresses: a backslash would become a part of one.
fn prose(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#=&%+".contains(&b);
    let words = text.split(' ').map(|word| {
        let address = word.starts_with("https://") && word.bytes().all(plain);
        if address { format!("<{word}>") } else { escape(word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Text in which nothing is mark-up, a link or a mention.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text::plain(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A zero-width joiner keeps `@team` from calling anybody.
            '@' => safe.push_str("@\u{200d}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A code span that its own text cannot end, fit for a table's cell.
fn code(text: &str) -> String {
    let text = text::plain(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("{fence}{text}{fence}") } else { format!("{fence} {text} {fence}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_an_image_is_mark_up() {
        assert_eq!(escape("[a](b) <img> @me *x* `y` |"), "\\[a\\](b) &lt;img&gt; @\u{200d}me \\*x\\* \\`y\\` \\|");
        assert_eq!(code("a`|`b"), "`` a`\\|`b ``");
        assert_eq!(code("a``b"), "``` a``b ```");
        assert_eq!(step("Add `**/.env` to x_y"), "1. Add `**/.env` to x\\_y");
        assert_eq!(step("Revoke it: https://h/~/a_b#c now_"), "1. Revoke it: <https://h/~/a_b#c> now\\_");
    }
}
