//! What the values of a table are called: by the `CREATE TABLE` statement that the schema keeps, or by the cell beside them where a
//! table holds names and values.

use std::borrow::Cow;

use crate::{cipher, detect::structured::is_asked_for};

/// Columns that are told apart.
const COLUMNS: usize = 256;
/// Bytes of a statement that are read.
pub(super) const STATEMENT: usize = 16 << 10;
/// Bytes of a name.
const NAME: usize = 128;

/// A table.
pub(super) struct Table {
    pub(super) name: String,
    /// For each column its name, if it asks for a credential.
    asked: Vec<Option<String>>,
    /// The columns of names and of values, if it is a table of those.
    pair: Option<(usize, usize)>,
}

impl Table {
    pub(super) fn new(name: String, statement: &[u8]) -> Self {
        let columns = columns(statement);
        let find = |words: &[&str], ends: &[&str]| {
            columns.iter().position(|column| {
                let column = column.to_ascii_lowercase();
                words.contains(&column.as_str()) || ends.iter().any(|end| column.ends_with(end))
            })
        };
        let names = find(&["key", "name", "setting", "option", "property", "parameter", "variable"], &["_key", "_name"]);
        let pair = names.zip(find(&["value", "val"], &["_value"])).filter(|(names, values)| names != values);
        let asked = columns.into_iter().map(|column| Some(column).filter(|column| is_asked_for(column.as_bytes()))).collect();
        Self { name, asked, pair }
    }

    /// The name by which the value of a column is to be judged, if it has one; `cell` gives the others of its row.
    pub(super) fn asks<'t>(&'t self, column: usize, cell: impl FnOnce(usize) -> Option<&'t [u8]>) -> Option<Cow<'t, str>> {
        if let Some(name) = self.asked.get(column).and_then(Option::as_deref) {
            return Some(Cow::Borrowed(name));
        }
        let (names, _) = self.pair.filter(|(_, values)| *values == column)?;
        cell(names).filter(|name| name.len() <= NAME && is_asked_for(name)).map(String::from_utf8_lossy)
    }
}

/// The names of a table's columns, in order.
fn columns(statement: &[u8]) -> Vec<String> {
    let open = memchr::memchr(b'(', statement).map_or(statement.len(), |at| at + 1);
    let mut rest = statement.get(open..).unwrap_or_default();
    let mut names = Vec::new();
    while names.len() < COLUMNS {
        let Some(name) = name(rest.trim_ascii_start()) else { break };
        names.push(name);
        let Some(end) = definition(rest) else { break };
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    names
}

/// The name that a column's definition begins with; `None` where it is a constraint of the table.
fn name(definition: &[u8]) -> Option<String> {
    let quote = match definition.first()? {
        b'[' => Some(b']'),
        quote @ (b'"' | b'`' | b'\'') => Some(*quote),
        _ => None,
    };
    let name = match quote {
        Some(quote) => definition.get(1..)?.split(|b| *b == quote).next()?,
        None => definition.split(|b| b.is_ascii_whitespace() || matches!(b, b',' | b'(' | b')')).next()?,
    };
    let constraint = ["primary", "unique", "foreign", "check", "constraint"].iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()));
    let fits = !name.is_empty() && name.len() <= NAME && (quote.is_some() || !constraint);
    fits.then(|| String::from_utf8_lossy(name).into_owned())
}

/// Where a column's definition ends: at a comma outside of parentheses and quotes. `None` for the last one.
fn definition(text: &[u8]) -> Option<usize> {
    let (mut depth, mut quote) = (0u32, None);
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(end), byte) if end == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'`' | b'\'') => quote = Some(*byte),
            (None, b'[') => quote = Some(b']'),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.checked_sub(1)?,
            (None, b',') if depth == 0 => return Some(at),
            (None, _) => {}
        }
    }
    None
}

/// A password of Chrome and its kin on Linux, where no keyring hid it: AES-128 under a key that is published
/// (`components/os_crypt/sync/os_crypt_linux.cc`). `None` where it is no such thing.
pub(super) fn chromes(value: &[u8]) -> Option<Vec<u8>> {
    let sealed = value.strip_prefix(b"v10")?;
    let key = cipher::pbkdf2::<sha1::Sha1>(b"peanuts", b"saltysalt", 1, 16)?;
    cipher::cbc::<aes::Aes128>(&key, &[b' '; 16], sealed).filter(|plain| !plain.is_empty() && std::str::from_utf8(plain).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_from_the_statement() {
        for (statement, expected) in [
            ("CREATE TABLE t(a text, b)", &["a", "b"][..]),
            (
                "CREATE TABLE \"t\" (\n  \"api, token\" varchar(10, 2) DEFAULT 'x,y',\n  [b c] int CHECK (b > (1)), `d`)",
                &["api, token", "b c", "d"],
            ),
            ("create table t(a int not null, primary key (a, b))", &["a"]),
            ("CREATE TABLE t AS SELECT 1", &[]),
            ("CREATE TABLE t(", &[]),
            ("", &[]),
        ] {
            assert_eq!(columns(statement.as_bytes()), expected, "{statement}");
        }
    }

    #[test]
    fn values_have_the_names_of_columns_or_of_cells() {
        let table = Table::new(String::new(), b"CREATE TABLE t(id int, setting_name text, setting_value text, api_token text)");
        let cell = |text: &'static [u8]| move |at: usize| Some(text).filter(|_| at == 1);
        assert_eq!(table.asks(3, cell(b"")).as_deref(), Some("api_token"));
        assert_eq!(table.asks(2, cell(b"smtp_password")).as_deref(), Some("smtp_password"));
        assert_eq!(table.asks(2, cell(b"theme")), None);
        assert_eq!(table.asks(0, cell(b"smtp_password")), None);
        assert_eq!(table.asks(9, cell(b"smtp_password")), None);
    }
}
