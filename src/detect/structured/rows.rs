//! Tables in which the first line, or a list of columns, names what stands below: CSV (RFC 4180), SQL dumps.

use std::{borrow::Cow, ops::Range};

use super::{
    Detector, Field, files,
    tree::{line_end, slice, trimmed},
};
use crate::detect::{Hint, model::Meaning, names::Name, quiet};

/// Columns that are remembered.
const COLUMNS: usize = 128;
/// Bytes of a list of columns.
const LIST: usize = 8 << 10;
/// Bytes of the first cell that go into a value's name: it often says whose the value is.
const LABEL: usize = 40;

/// CSV and its kin.
pub(super) struct Csv;

impl Detector for Csv {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*.csv", "*.tsv", "*.txt"]
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        let first = line(head, 0);
        files::matches(hint.path, self.files())
            && columns(first, separator(first)).all(is_name)
            && columns(first, separator(first)).any(is_asked_for)
            && (!files::matches(hint.path, &["*.txt"]) || is_table(head, first))
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let first = line(text, 0);
        let separator = separator(first);
        let names: Vec<Option<String>> = columns(first, separator)
            .take(COLUMNS)
            .map(|name| is_asked_for(name).then(|| String::from_utf8_lossy(name).trim().to_owned()))
            .collect();
        let mut at = first.len() + 1;
        while at < text.len() {
            let row = line(text, at);
            let cells = cells(row, separator);
            let label = label(row, &cells);
            for (column, (cell, name)) in cells.iter().zip(&names).enumerate() {
                let Some(name) = name else { continue };
                let label = if column > 0 { label } else { b"" };
                value(text, at + cell.start..at + cell.end, label, name, emit);
            }
            at += row.len() + 1;
        }
    }
}

/// Whether the second line, too, has the first one's columns, so that a text that starts like a table is none.
fn is_table(head: &[u8], first: &[u8]) -> bool {
    let separator = separator(first);
    let count = columns(first, separator).count();
    separator != b'|' && count > 1 && columns(line(head, first.len() + 1), separator).count() == count
}

/// What separates the cells: what the first line holds most of.
fn separator(line: &[u8]) -> u8 {
    let count = |separator: u8| memchr::memchr_iter(separator, line).count();
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

fn columns(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    cells(line, separator).into_iter().map(|cell| slice(line, cell))
}

/// Where each cell of a line stands, quotes excluded.
fn cells(line: &[u8], separator: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut at = 0;
    while cells.len() < COLUMNS {
        let rest = line.get(at..).unwrap_or_default();
        let quoted = rest.first() == Some(&b'"');
        let (start, length) = if quoted {
            let inner = rest.get(1..).unwrap_or_default();
            (at + 1, memchr::memchr(b'"', inner).unwrap_or(inner.len()))
        } else {
            (at, memchr::memchr(separator, rest).unwrap_or(rest.len()))
        };
        cells.push(start..start + length);
        let end = start + length;
        match memchr::memchr(separator, line.get(end..).unwrap_or_default()) {
            Some(next) => at = end + next + 1,
            None => break,
        }
    }
    cells
}

/// `INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y');` and `COPY t (a, b) FROM stdin;` with its lines.
pub(super) struct Sql;

impl Detector for Sql {
    fn id(&self) -> &'static str {
        "sql"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*.sql", ".sqlite_history"]
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'(', text.get(at..).unwrap_or_default()) {
            let list = at + open + 1;
            at = list;
            let near = text.get(list..text.len().min(list + LIST)).unwrap_or_default();
            let Some(length) = memchr::memchr2(b')', b'\'', near) else { continue };
            let behind = skip(text, list + length + 1);
            let rest = text.get(behind..behind.saturating_add(12).min(text.len())).unwrap_or_default();
            let starts = |word: &[u8]| quiet::starts(rest, word);
            if !(starts(b"values") || starts(b"from stdin")) {
                continue;
            }
            let names: Vec<Option<String>> = slice(text, list..list + length)
                .split(|b| *b == b',')
                .take(COLUMNS)
                .map(|name| is_asked_for(name).then(|| String::from_utf8_lossy(unquoted(name)).into_owned()))
                .collect();
            at = list + length;
            if names.iter().any(Option::is_some) {
                at = if starts(b"values") { tuples(text, behind + 6, &names, emit) } else { copied(text, behind, &names, emit) };
            }
        }
    }
}

/// A column's name without its quotes.
fn unquoted(name: &[u8]) -> &[u8] {
    let name = name.trim_ascii();
    name.get(1..name.len().max(2) - 1).filter(|_| matches!(name.first(), Some(b'"' | b'`' | b'['))).unwrap_or(name)
}

/// `(1, 'x'), (2, 'y');` after `VALUES`; returns where they end.
fn tuples(text: &[u8], from: usize, names: &[Option<String>], emit: &mut dyn FnMut(Field<'_>)) -> usize {
    let mut at = skip(text, from);
    while text.get(at) == Some(&b'(') {
        at += 1;
        let mut label: &[u8] = b"";
        for column in 0.. {
            at = skip(text, at);
            let cell = if text.get(at) == Some(&b'\'') {
                let start = at + 1;
                let end = closing(text, start);
                at = end + 1;
                start..end
            } else {
                let rest = text.get(at..).unwrap_or_default();
                let end = at + rest.iter().position(|b| matches!(b, b',' | b')' | b';' | b'\n')).unwrap_or(rest.len());
                let cell = at..end;
                at = end;
                cell
            };
            if label.is_empty() && cell.len() <= LABEL {
                let text = slice(text, cell.clone());
                label = if text.iter().any(u8::is_ascii_alphabetic) { text } else { b"" };
            }
            if let Some(Some(name)) = names.get(column) {
                value(text, cell, label, name, emit);
            }
            at = skip(text, at);
            if text.get(at) != Some(&b',') {
                break;
            }
            at += 1;
        }
        if text.get(at) != Some(&b')') {
            return at;
        }
        at = skip(text, at + 1);
        if text.get(at) == Some(&b',') {
            at = skip(text, at + 1);
        }
    }
    at
}

/// Where a literal that starts at `start` ends: `''` and `\'` do not end it.
fn closing(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\'' if text.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at,
            _ => at += 1,
        }
    }
    text.len()
}

/// The lines of `COPY`, cells separated by tabs, up to `\.`; returns where they end.
fn copied(text: &[u8], from: usize, names: &[Option<String>], emit: &mut dyn FnMut(Field<'_>)) -> usize {
    let mut at = from + line(text, from).len() + 1;
    while at < text.len() {
        let row = line(text, at);
        if row.starts_with(b"\\.") {
            break;
        }
        let mut start = at;
        let mut label: &[u8] = b"";
        for (cell, name) in row.split(|b| *b == b'\t').zip(names) {
            if label.is_empty() && cell.len() <= LABEL && cell.iter().any(u8::is_ascii_alphabetic) {
                label = cell;
            }
            if let Some(name) = name {
                value(text, start..start + cell.len(), label, name, emit);
            }
            start += cell.len() + 1;
        }
        at += row.len() + 1;
    }
    at
}

fn value(text: &[u8], span: Range<usize>, label: &[u8], name: &str, emit: &mut dyn FnMut(Field<'_>)) {
    let span = trimmed(text, span);
    let bytes = slice(text, span.clone());
    if bytes.is_empty() {
        return;
    }
    let plain = !label.is_empty() && label != bytes && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-'));
    let name = if plain { Cow::Owned(format!("{}.{name}", String::from_utf8_lossy(label))) } else { Cow::Borrowed(name) };
    emit(Field { name, value: Cow::Borrowed(bytes), span, meaning: super::Meaning::Value, evidence: Vec::new() });
}

/// The start of the first cell.
pub(super) fn label<'t>(text: &'t [u8], cells: &[Range<usize>]) -> &'t [u8] {
    cells.first().map(|cell| slice(text, cell.start..cell.end.min(cell.start + LABEL))).unwrap_or_default()
}

/// Whether a column's name is a credential's, so that the others of a large table cost nothing.
pub(crate) fn is_asked_for(name: &[u8]) -> bool {
    name.len() <= LABEL && Meaning::of(&Name::new(name)).is_some_and(|meaning| !meaning.attribute)
}

/// Whether the cell may be a column's name. A long file is read in parts, of which only the first starts with the names.
fn is_name(cell: &[u8]) -> bool {
    cell.len() <= LABEL
        && cell.first().is_some_and(u8::is_ascii_alphabetic)
        && cell.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'.' | b'\r'))
}

/// The line that starts at `at`, without its end.
fn line(text: &[u8], at: usize) -> &[u8] {
    slice(text, at..line_end(text, at))
}

fn skip(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::LocationKind;

    fn found(path: &str, text: &str) -> Vec<(String, String)> {
        let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
        let mut found = Vec::new();
        let detector = super::super::detector_for(&hint, text.as_bytes()).expect("a table");
        detector.find(text.as_bytes(), &hint, &mut |field| {
            let value = String::from_utf8_lossy(&field.value).into_owned();
            assert_eq!(&text[field.span.clone()], value);
            found.push((field.name.to_string(), value));
        });
        found
    }

    fn check(path: &str, text: &str, expected: &[(&str, &str)]) {
        let found = found(path, text);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_first_line_names_the_cells() {
        check("a.csv", "service,api_key,owner\nAcme,k1,ops\nB,,x\n", &[("Acme.api_key", "k1")]);
        check("a.csv", "\"site\";\"user\";\"password\"\r\n\"a.b\";\"u\";\"p;1\"\r\n", &[("password", "p;1")]);
        check("a.tsv", "token\tname\nt1\tx\n", &[("token", "t1")]);
        for other in ["a,b\n1,2\n", "@x/auth,1.0,token\na,b,c\n"] {
            let hint = Hint { kind: LocationKind::File, path: "a.csv", name: None, binary: false };
            assert!(super::super::detector_for(&hint, other.as_bytes()).is_none(), "{other}");
        }
        check("a.txt", "user,password\njoe,p1\n", &[("joe.password", "p1")]);
    }

    #[test]
    fn columns_name_the_values() {
        check(
            "a.sql",
            "INSERT INTO t (id, name, `api_key`) VALUES (1, 'Acme', 'k''1'), (2, 'B', NULL);\nINSERT INTO u (a) VALUES ('token');\n",
            &[("Acme.api_key", "k''1"), ("B.api_key", "NULL")],
        );
        check("a.sql", "COPY t (id, name, secret) FROM stdin;\n1\tAcme\ts1\n\\.\nx\ty\tz\n", &[("Acme.secret", "s1")]);
        check("a.sql", "insert into t(token) values ('a", &[("token", "a")]);
        check("a.sql", "CREATE TABLE t (token varchar(10)); SELECT f(x) FROM t", &[]);
    }
}
