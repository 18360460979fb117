//! The one type that holds a credential's bytes.
//!
//! Deliberately absent: `Debug`, `Display`, `Serialize`, `Clone`. Whatever contains a [`Secret`] cannot
//! derive them either, so a value can reach a report, a log line or a panic message only through
//! [`Secret::expose`], which is easy to search for.

use zeroize::Zeroizing;

/// A credential's bytes, wiped from memory when dropped.
///
/// ```compile_fail
/// let secret = imgscan::Secret::new(b"hunter2");
/// println!("{:?}", secret); // no Debug
/// ```
/// ```compile_fail
/// let secret = imgscan::Secret::new(b"hunter2");
/// println!("{}", secret); // no Display
/// ```
/// ```compile_fail
/// let secret = imgscan::Secret::new(b"hunter2");
/// serde_json::to_string(&secret); // no Serialize
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes a copy of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes themselves. The only door: never hand them to anything that prints, stores or sends.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A form for people: at most `visible` leading bytes, then `****`.
    ///
    /// `visible` is the length of the part that the provider's format fixes (`ghp_`), so that nothing is shown
    /// that a reader could not have known. It is cut to a quarter of the value and to 12 bytes, and to printable ASCII.
    pub fn redacted(&self, visible: usize) -> String {
        let shown = visible.min(self.len() / 4).min(12);
        let mut text: String = self.0.iter().take(shown).take_while(|b| b.is_ascii_graphic()).map(|b| char::from(*b)).collect();
        text.push_str("****");
        text
    }
}

/// A parser's message about somebody's file, without what may be a value in it: people paste credentials into the wrong field,
/// and parsers quote what they do not understand. Names and words stay.
pub(crate) fn veiled(message: &str) -> String {
    let is_border = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '=');
    let mut out = String::with_capacity(message.len());
    for piece in message.split_inclusive(is_border) {
        let border = piece.chars().next_back().filter(|c| is_border(*c)).map_or(0, char::len_utf8);
        let (word, border) = piece.split_at(piece.len() - border);
        let has = |of: fn(&u8) -> bool| word.as_bytes().iter().any(of);
        let mixed = word.len() >= 8 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        let long = word.len() >= 24 && !word.contains(['-', '_', '.', '/']);
        out.push_str(if mixed || long { "****" } else { word });
        out.push_str(border);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_names_and_lose_values() {
        for (message, expected) in [
            (
                "unknown variant `Mirabelle7Kompott`, expected one of `off`, `audit`",
                "unknown variant `****`, expected one of `off`, `audit`",
            ),
            ("invalid type: string \"abc123def456\", expected u64 at line 12", "invalid type: string \"****\", expected u64 at line 12"),
            ("unknown field `min-confidence-of-all-of-them`", "unknown field `min-confidence-of-all-of-them`"),
            ("1 | key = \"abcdefghijklmnopqrstuvwxyz\"\n  |       ^", "1 | key = \"****\"\n  |       ^"),
            ("", ""),
        ] {
            assert_eq!(veiled(message), expected);
        }
    }

    #[test]
    fn redaction_never_shows_more_than_the_format_fixes() {
        let token = Secret::new(b"ghp_0123456789abcdefghijklmnopqrstuvwxyz");
        assert_eq!(token.redacted(4), "ghp_****");
        assert_eq!(token.redacted(0), "****");
        assert_eq!(token.redacted(400), "ghp_012345****", "a quarter at the most");
        assert_eq!(Secret::new(b"abc").redacted(3), "****", "short values show nothing");
        assert_eq!(Secret::new(b"\x1b[31m0123456789").redacted(4), "****", "no control characters");
    }
}
