//! Formats that are understood, not only matched. One file per format or family, one line in [`DETECTORS`].
//!
//! The first detector of the list that wants a file is the only one that reads it ([`detector_for`]): specific formats come
//! before the syntax that they are written in, and emit the rest of the file's values as that syntax would.

mod commands;
mod files;
mod flow;
mod format;
mod formats;
mod header;
mod lines;
mod mcp;
mod netrc;
mod shell;
mod tree;
mod values;
mod xml;
mod yaml;

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

/// Bytes of a file's start that detectors look at.
pub const HEAD: usize = 1024;

/// The detector that reads a file: the first of [`DETECTORS`] that wants it. `head` is cut to [`HEAD`] bytes.
pub fn detector_for(hint: &Hint<'_>, head: &[u8]) -> Option<&'static dyn Detector> {
    let head = head.get(..head.len().min(HEAD)).unwrap_or(head);
    DETECTORS.iter().copied().find(|detector| detector.wants(hint, head))
}

/// Every structured detector, specific ones before general ones. A new one is one file and one line here.
pub static DETECTORS: &[&dyn Detector] = &[
    &netrc::Netrc,
    &mcp::Mcp,
    &formats::registries::DOCKER_CONFIG,
    &formats::registries::DOCKERCFG,
    &formats::registries::NPMRC,
    &formats::kubernetes::KUBECONFIG,
    &formats::cloud::AWS,
    &formats::syntax::JSON,
    &formats::syntax::YAML,
    &formats::syntax::TOML,
    &formats::syntax::DOTENV,
    &formats::syntax::PROPERTIES,
    &formats::syntax::XML,
    &formats::syntax::HCL,
    &formats::syntax::INI,
];

#[cfg(test)]
mod tests;
