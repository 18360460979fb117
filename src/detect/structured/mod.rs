//! Formats that are understood, not only matched. One file per format, one line in [`DETECTORS`].

use std::{borrow::Cow, ops::Range};

use super::Hint;

/// A detector of one file format.
pub trait Detector: Send + Sync {
    /// Kebab-case, unique: `docker-config`.
    fn id(&self) -> &'static str;

    /// Whether the haystack is of this format, judged by its path and its first bytes. Cheap: asked for every file.
    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool;

    /// Emits every named value of the text. Never fails: what cannot be parsed yields what could be, or nothing.
    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>));
}

/// One named value of a structured file.
pub struct Field<'a> {
    /// The key, with its parents joined by `.` where that helps to understand it: `mcpServers.github.env.GITHUB_TOKEN`.
    pub name: Cow<'a, str>,
    /// The value, unescaped. It may hold a credential, so a field has no `Debug`.
    pub value: Cow<'a, [u8]>,
    /// Where the value stands in the text, in bytes, quotes excluded.
    pub span: Range<usize>,
    /// What the format says about it.
    pub meaning: Meaning,
    /// Facts for people that come from the format: `user deploy`, `host db.example.com`. Never a secret.
    pub evidence: Vec<String>,
}

/// What the format itself says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A named value: to be judged by its name and shape.
    Value,
    /// A credential by the format's definition, to be reported under this rule unless it is a placeholder or reference.
    Credential {
        /// Id of the rule.
        rule: &'static str,
    },
}

/// Every structured detector. A new one is one file and one line here.
pub static DETECTORS: &[&dyn Detector] = &[];
