//! Tables in Markdown and plain text: a header, a line of dashes, rows; the column's or the first cell's name says what a cell is.
//!
//! <https://github.github.com/gfm/#tables-extension->

use std::{borrow::Cow, ops::Range};

use super::{
    Detector, Field, Meaning,
    rows::{is_asked_for, label},
    tree::{line_end, slice, trimmed},
};
use crate::detect::Hint;

/// Columns that are looked at.
const COLUMNS: usize = 32;
/// Bytes of a row.
const ROW: usize = 4 << 10;

/// The detector.
pub(super) struct Markdown;

impl Detector for Markdown {
    fn id(&self) -> &'static str {
        "markdown-tables"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*.md", "*.markdown", "*.mdx", "*.txt", "readme"]
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        // Most texts have no table.
        let mut from = 0;
        while let Some(found) = memchr::memchr(b'|', text.get(from..).unwrap_or_default()) {
            let at = from + found;
            from = line_end(text, at) + 1;
            let before = text.get(at.saturating_sub(4)..at).unwrap_or_default();
            let opens = before.iter().rev().find(|b| **b != b' ').is_none_or(|b| *b == b'\n');
            if opens {
                from = table(text, at, emit);
            }
        }
    }
}

/// The table whose first line starts at `at`; returns where it ends.
fn table(text: &[u8], at: usize, emit: &mut dyn FnMut(Field<'_>)) -> usize {
    let mut names: Vec<Option<String>> = Vec::new();
    let mut first = Vec::new();
    let mut line = at;
    let mut number = 0;
    while line < text.len() {
        let end = line_end(text, line);
        let row = trimmed(text, line..end);
        if text.get(row.start) != Some(&b'|') {
            break;
        }
        let cells = if row.len() > ROW { Vec::new() } else { cells(text, &row) };
        number += 1;
        match number {
            1 => first = cells,
            2 if cells.iter().all(|cell| is_rule(slice(text, cell.clone()))) && !cells.is_empty() => {
                names = first.drain(..).map(|cell| asked_for(slice(text, cell))).collect();
            }
            _ => {
                if number == 2 {
                    self::row(text, &first, &names, emit);
                }
                self::row(text, &cells, &names, emit);
            }
        }
        line = end + 1;
    }
    if number == 1 {
        self::row(text, &first, &names, emit);
    }
    line
}

/// Values under a column's name, and values behind a cell that names them.
fn row(text: &[u8], cells: &[Range<usize>], names: &[Option<String>], emit: &mut dyn FnMut(Field<'_>)) {
    let label = label(text, cells);
    let plain = label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'.'));
    for (column, cell) in cells.iter().enumerate() {
        let name = match names.get(column) {
            Some(Some(name)) if column > 0 && plain && !label.is_empty() => format!("{}.{name}", String::from_utf8_lossy(label)),
            Some(Some(name)) => name.clone(),
            _ => {
                let before = column.checked_sub(1).and_then(|before| cells.get(before));
                let Some(name) = before.and_then(|before| asked_for(slice(text, before.clone()))) else { continue };
                name
            }
        };
        let value = slice(text, cell.clone());
        if value.is_empty() || value.contains(&b' ') {
            continue;
        }
        emit(Field {
            name: Cow::Owned(name),
            value: Cow::Borrowed(value),
            span: cell.clone(),
            meaning: Meaning::Cell,
            evidence: Vec::new(),
        });
    }
}

/// The cell's text, where it names a credential.
fn asked_for(cell: &[u8]) -> Option<String> {
    let named = cell.first().is_some_and(u8::is_ascii_alphabetic)
        && cell.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'.'));
    (named && is_asked_for(cell)).then(|| String::from_utf8_lossy(cell).into_owned())
}

/// `---`, `:--`, `:-:`.
fn is_rule(cell: &[u8]) -> bool {
    !cell.is_empty() && cell.iter().all(|b| matches!(b, b'-' | b':'))
}

/// Where each cell's text stands, without what emphasises it.
fn cells(text: &[u8], row: &Range<usize>) -> Vec<Range<usize>> {
    let line = slice(text, row.clone());
    let mut cells = Vec::new();
    let mut start = 1;
    for bar in memchr::memchr_iter(b'|', line).skip(1).chain((line.last() != Some(&b'|')).then_some(line.len())) {
        if bar > 0 && line.get(bar - 1) == Some(&b'\\') {
            continue;
        }
        let mut cell = trimmed(text, row.start + start..row.start + bar);
        for mark in [&b"**"[..], b"`", b"*"] {
            let inner = slice(text, cell.clone());
            if inner.len() > 2 * mark.len() && inner.starts_with(mark) && inner.ends_with(mark) {
                cell = cell.start + mark.len()..cell.end - mark.len();
            }
        }
        cells.push(cell);
        start = bar + 1;
        if cells.len() == COLUMNS {
            break;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::LocationKind;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let hint = Hint { kind: LocationKind::File, path: "README.md", name: None, binary: false };
        let mut found = Vec::new();
        Markdown.find(text.as_bytes(), &hint, &mut |field| {
            let value = String::from_utf8_lossy(&field.value).into_owned();
            assert_eq!(&text[field.span.clone()], value);
            found.push((field.name.to_string(), value));
        });
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn columns_and_rows_name_the_cells() {
        check("# x\n\n| Service | API key |\n|---|:-:|\n| Acme | `k1` |\n| B | |\n\nthe end | x", &[("Acme.API key", "k1")]);
        check("| API_KEY | `k1` |\n", &[("API_KEY", "k1")]);
        check("| a | b |\n| API_TOKEN | **k1** | note |", &[("API_TOKEN", "k1")]);
        check("| Password |\n| --- |\n| p1 |", &[("Password", "p1")]);
        check("| Name | Description |\n|---|---|\n| password | the password of it |\n", &[]);
        check("a | password | b\n|\n||\n| --- |\n", &[]);
    }
}
