//! Takes credentials out of everything else that a report shows: instructions, paths, member names, reasons.
//!
//! An instruction such as `ENV TOKEN=…` is itself a place where a credential was found, and a report quotes instructions.

use zeroize::Zeroizing;

use crate::Secret;

/// Shorter values are words; taking them out of paths would only make those unreadable.
const SHORTEST: usize = 5;

/// The values to take out.
#[derive(Default)]
pub(super) struct Scrub {
    /// The longest first, so that no part of a longer one is left.
    values: Vec<Zeroizing<Vec<u8>>>,
}

impl Scrub {
    pub(super) fn new<'s>(secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let mut values: Vec<_> = secrets
            .filter(|secret| secret.len() >= SHORTEST && std::str::from_utf8(secret.expose()).is_ok())
            .map(|secret| Zeroizing::new(secret.expose().to_vec()))
            .collect();
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values }
    }

    /// The text without them.
    pub(super) fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &self.values {
            let Ok(value) = std::str::from_utf8(value) else { continue };
            if out.len() >= value.len() && out.contains(value) {
                out = out.replace(value, "****");
            }
        }
        out
    }

    /// A path without them. Values that are words stay: `postgres` for a password tells nothing in `lib/postgresql/x`, and
    /// without it nobody finds the file.
    pub(super) fn path(&self, text: &str) -> String {
        let word = |value: &[u8]| value.len() < 16 && value.iter().all(u8::is_ascii_alphabetic);
        let mut out = text.to_owned();
        for value in self.values.iter().filter(|value| !word(value)) {
            let Ok(value) = std::str::from_utf8(value) else { continue };
            if out.len() >= value.len() && out.contains(value) {
                out = out.replace(value, "****");
            }
        }
        out
    }

    /// The same in place.
    pub(super) fn apply(&self, text: &mut String) {
        if !self.values.is_empty() {
            let scrubbed = self.text(text);
            if scrubbed != *text {
                *text = scrubbed;
            }
        }
    }

    /// The same for something that may be missing.
    pub(super) fn apply_to(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.apply(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_value_goes_first() {
        let secrets = [Secret::new(b"abcdef"), Secret::new(b"abcdefgh"), Secret::new(b"sh")];
        let scrub = Scrub::new(secrets.iter());
        assert_eq!(scrub.text("/bin/sh -c abcdefgh abcdef"), "/bin/sh -c **** ****");
    }

    #[test]
    fn words_stay_in_paths() {
        let secrets = [Secret::new(b"postgres"), Secret::new(b"q8Zr2LxW")];
        let scrub = Scrub::new(secrets.iter());
        assert_eq!(scrub.path("usr/lib/postgresql/q8Zr2LxW/x"), "usr/lib/postgresql/****/x");
        assert_eq!(scrub.text("psql -p postgres"), "psql -p ****");
    }
}
