//! Ignore entries: exceptions with a reason, and a last day if they are to end.

use globset::GlobMatcher;

use crate::{
    finding::{Finding, Place},
    fingerprint::Fingerprint,
};

/// The day of a run, in UTC. Handed in, so that nothing here reads a clock.
pub type Today = jiff::civil::Date;

/// One exception. It applies to a finding that all of its conditions fit; at least one of `fingerprint`, `rule` and `path` is set.
#[derive(Debug)]
pub struct IgnoreEntry {
    /// The finding's fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// The rule's id.
    pub rule: Option<String>,
    /// Fits every place of the finding: a key that also lies outside is still reported.
    pub path: Option<GlobMatcher>,
    /// Fits the reference as typed.
    pub image: Option<GlobMatcher>,
    /// Why.
    pub reason: String,
    /// The last day on which it applies.
    pub expires: Option<jiff::civil::Date>,
    /// Line in `imgscan.toml`, for messages.
    pub line: usize,
}

/// All exceptions of a run, and which of them were of use.
#[derive(Debug, Default)]
pub struct IgnoreList {
    entries: Vec<(IgnoreEntry, bool)>,
}

impl IgnoreList {
    /// In the file's order; the first that fits gives the reason.
    pub fn new(entries: Vec<IgnoreEntry>) -> Self {
        Self { entries: entries.into_iter().map(|entry| (entry, false)).collect() }
    }

    /// The reason of the first entry that ignores the finding.
    pub fn reason_for(&mut self, reference: &str, finding: &Finding, today: Today) -> Option<String> {
        let (entry, used) = self.entries.iter_mut().find(|(entry, _)| !entry.expired(today) && entry.fits(reference, finding))?;
        *used = true;
        Some(entry.reason.clone())
    }

    /// Entries whose last day is over.
    pub fn expired(&self, today: Today) -> impl Iterator<Item = &IgnoreEntry> {
        self.entries.iter().map(|(entry, _)| entry).filter(move |entry| entry.expired(today))
    }

    /// Entries that still apply and fitted nothing.
    pub fn unused(&self, today: Today) -> impl Iterator<Item = &IgnoreEntry> {
        self.entries.iter().filter(move |(entry, used)| !used && !entry.expired(today)).map(|(entry, _)| entry)
    }
}

impl IgnoreEntry {
    fn expired(&self, today: Today) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    fn fits(&self, reference: &str, finding: &Finding) -> bool {
        self.fingerprint.as_ref().is_none_or(|id| *id == finding.fingerprint)
            && self.rule.as_ref().is_none_or(|id| *id == finding.rule.id)
            && self.image.as_ref().is_none_or(|glob| glob.is_match(reference))
            && self.path.as_ref().is_none_or(|glob| finding.places.iter().all(|place| in_path(glob, place)))
    }
}

fn in_path(glob: &GlobMatcher, place: &Place) -> bool {
    place.location.path.as_ref().is_some_and(|path| glob.is_match(path))
}
