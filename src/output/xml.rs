//! Escaping for XML and HTML text and attributes.

use std::borrow::Cow;

use super::text;

/// The text without mark-up, and without the controls that XML 1.0 cannot hold.
pub(super) fn escape(raw: &str) -> Cow<'_, str> {
    let safe = text::plain(raw);
    if !safe.contains(['&', '<', '>', '"', '\'']) {
        return safe;
    }
    let mut escaped = String::with_capacity(safe.len() + 16);
    for c in safe.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Not characters of XML 1.0.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}
