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

#[cfg(test)]
mod tests {
    use super::*;

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
