//! JSON that may also be looked at: characters that a terminal obeys or that reorder a line are escaped, though JSON allows them.

use std::io::{self, Write};

use serde::Serialize;

use super::text;

/// Indented, with a final line break.
pub(super) fn write(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    let mut rest = json.as_str();
    // Outside of strings there is only ASCII, and serde_json has escaped the controls below U+0020.
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| *c != '\n' && text::is_unsafe(*c)) {
        out.write_all(rest.get(..at).unwrap_or_default().as_bytes())?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        rest = rest.get(at + c.len_utf8()..).unwrap_or_default();
    }
    out.write_all(rest.as_bytes())?;
    out.write_all(b"\n")
}
