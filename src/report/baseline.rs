//! Baselines: what is already known, by fingerprint. The file holds no value, so it can be committed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ImageReport;
use crate::{
    finding::{Finding, Place},
    fingerprint::Fingerprint,
};

/// The file: JSON, one entry per credential, sorted by fingerprint.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema_version: u32,
    tool: String,
    findings: Vec<Entry>,
}

/// One known credential. Only the fingerprint decides; the rest is for the people who review the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The credential's fingerprint.
    pub fingerprint: String,
    /// Rule that named it.
    pub rule: String,
    /// Kind of its first place: `file`, `env`.
    pub kind: String,
    /// Path or name of its first place.
    pub place: String,
}

/// The known fingerprints.
#[derive(Debug, Default)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, Entry>,
}

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// Not JSON, or not a baseline.
    #[error("line {line}, column {column}: not a baseline of imgscan; make one with `imgscan baseline create -o FILE IMAGE`")]
    Syntax {
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
    },
    /// From another time.
    #[error("baseline version {found} is not known to this imgscan, which reads version 1")]
    Version {
        /// In the file.
        found: u32,
    },
    /// An entry without a usable fingerprint.
    #[error("entry {index}: a fingerprint is 32 lower-case hex digits")]
    Fingerprint {
        /// 1-based.
        index: usize,
    },
}

impl Baseline {
    /// Of the findings of a scan.
    pub fn of(images: &[ImageReport]) -> Self {
        let mut entries = BTreeMap::new();
        for finding in images.iter().flat_map(|image| &image.findings) {
            let entry = entry(finding);
            entries
                .entry(finding.fingerprint.clone())
                // Several images may hold one credential: the smallest entry stands, whatever the order of the images.
                .and_modify(|known: &mut Entry| {
                    if entry < *known {
                        *known = entry.clone();
                    }
                })
                .or_insert(entry);
        }
        Self { entries }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`BaselineError`]; never quotes the text.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let file: File =
            serde_json::from_str(text).map_err(|error| BaselineError::Syntax { line: error.line(), column: error.column() })?;
        if file.schema_version != 1 {
            return Err(BaselineError::Version { found: file.schema_version });
        }
        let entries = file.findings.into_iter().enumerate().map(|(i, entry)| {
            let id = Fingerprint::parse(&entry.fingerprint).ok_or(BaselineError::Fingerprint { index: i + 1 })?;
            Ok((id, entry))
        });
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    /// The file's text, with a final line break. The same for the same entries.
    pub fn to_json(&self) -> String {
        let file = File { schema_version: 1, tool: "imgscan".to_owned(), findings: self.entries.values().cloned().collect() };
        let mut text = serde_json::to_string_pretty(&file).expect("strings and numbers");
        text.push('\n');
        text
    }

    /// Whether the credential is known.
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.entries.contains_key(fingerprint)
    }

    /// The entries, sorted by fingerprint.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// Forgets what no longer occurs. Returns how many entries that were.
    pub fn prune(&mut self, images: &[ImageReport]) -> usize {
        let seen: BTreeSet<&Fingerprint> = images.iter().flat_map(|image| &image.findings).map(|finding| &finding.fingerprint).collect();
        let before = self.entries.len();
        self.entries.retain(|id, _| seen.contains(id));
        before - self.entries.len()
    }
}

fn entry(finding: &Finding) -> Entry {
    let Place { location, .. } = finding.primary();
    let mut place = location.path.clone().unwrap_or_default();
    for step in &location.inner {
        place.push_str(" > ");
        place.push_str(step);
    }
    if let Some(name) = &location.name {
        if !place.is_empty() {
            place.push_str("  ");
        }
        place.push_str(name);
    }
    Entry {
        fingerprint: finding.fingerprint.as_str().to_owned(),
        rule: finding.rule.id.to_string(),
        kind: location.kind.as_str().to_owned(),
        place,
    }
}
