//! Reports as bytes. Plain functions over [`io::Write`]; each format is a view of its own, never a dump of the internal
//! types. The same report gives the same bytes: no clock, no order that depends on the run.

pub mod gitlab;
pub mod html;
mod json;
pub mod json_v1;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod table;
pub mod text;
pub mod verdict;
mod xml;

#[cfg(test)]
mod tests;

use std::{
    io::{self, Write},
    str::FromStr,
};

use crate::report::{Report, held::Held};

pub(crate) const TOOL: &str = "imgscan";
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
pub(crate) const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// What the outputs say.
pub struct Document<'a> {
    /// The report, after baseline and ignore entries.
    pub report: &'a Report,
    /// What those held back, one list per image of the report. Only SARIF shows them, as suppressed results.
    pub held: &'a [Vec<Held>],
    /// Targets that could not be read.
    pub failed: &'a [Failed],
    /// How the run is judged.
    pub judgement: verdict::Judgement,
}

/// A target that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// As the user typed it.
    pub reference: String,
    /// What happened, why, and what to do.
    pub problem: String,
}

impl Document<'_> {
    /// The last line of the formats for people.
    pub fn verdict(&self) -> String {
        verdict::line(self)
    }
}

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// JSON report, version 1.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// GitLab's secret detection report.
    Gitlab,
    /// A comment on a pull request.
    Markdown,
    /// A page.
    Html,
}

/// Every format with its name.
pub const FORMATS: &[(&str, Format)] = &[
    ("table", Format::Table),
    ("json", Format::Json),
    ("sarif", Format::Sarif),
    ("junit", Format::Junit),
    ("gitlab", Format::Gitlab),
    ("markdown", Format::Markdown),
    ("html", Format::Html),
];

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || FORMATS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        FORMATS
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, format)| *format)
            .ok_or_else(|| format!("`{text}` is no report format; use one of {}", names()))
    }
}

/// Writes one report. `style` is for the table only.
///
/// # Errors
/// Those of `out`.
pub fn write(format: Format, document: &Document<'_>, style: &table::Style, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(document, style, out),
        Format::Json => json_v1::write(document, out),
        Format::Sarif => sarif::write(document, out),
        Format::Junit => junit::write(document, out),
        Format::Gitlab => gitlab::write(document, out),
        Format::Markdown => markdown::write(document, out),
        Format::Html => html::write(document, out),
    }
}
