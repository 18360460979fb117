//! Reports as bytes. Plain functions over [`io::Write`]; each format is a view of its own, never a dump of the internal
//! types. The same report gives the same bytes: no clock, no order that depends on the run.

pub mod json_v1;
pub mod table;
pub mod text;
pub mod verdict;

use std::{
    io::{self, Write},
    str::FromStr,
};

use crate::report::{Report, held::Held};

pub(crate) const TOOL: &str = "imgscan";
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the outputs say.
pub struct Document<'a> {
    /// The report, after baseline and ignore entries.
    pub report: &'a Report,
    /// What those held back, one list per image of the report. Only SARIF shows them, as suppressed results.
    pub held: &'a [Vec<Held>],
    /// The last line of the formats for people.
    pub verdict: String,
}

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// JSON report, version 1.
    Json,
}

/// Every format with its name.
pub const FORMATS: &[(&str, Format)] = &[("table", Format::Table), ("json", Format::Json)];

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
    }
}
