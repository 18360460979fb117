//! What one layer came to, before it is known which image it belongs to: a blob is scanned once, however many images name it.

use std::{collections::BTreeMap, sync::Arc};

use super::certificates::Certificates;
use crate::{
    content::{ContentHashes, Found, Sink, Uncovered},
    detect::public::Certificate,
    finding::{Location, LocationKind, Skip},
    layer::{Gap, Walked, stack::Paths},
    provenance::Facts,
};

/// Matches of one layer that are kept. An attacker can write a layer of nothing but tokens; the report must not grow with it.
const MATCHES: usize = 100_000;
/// Matches of all layers that are kept: an image may have ten thousand of them.
pub(super) const ALL_MATCHES: usize = 300_000;
/// Bytes of their places that are kept: a path may be a mebibyte long, and every match in the file has it.
const PLACES: usize = 64 << 20;
/// Bytes of the hard links of one layer that are kept: each needs its path, and a path may be a mebibyte long.
const LINKS: usize = 64 << 20;
/// Gaps of one layer that are kept.
const GAPS: usize = 10_000;

/// A match with its place in the layer.
pub(super) struct Seen {
    pub(super) found: Found,
    /// Path, kind and name; line, column and inner come from `found`.
    pub(super) location: Location,
    /// Number of the entry in the layer, for its state.
    pub(super) position: u32,
    /// Path as hashed for its state, where it is a file's.
    pub(super) path: Option<Vec<u8>>,
    /// Hashes of the file's content, for what package databases prove.
    pub(super) hashes: Option<ContentHashes>,
    /// Which line of the config's history it stands in.
    pub(super) history: Option<usize>,
}

/// One layer's result.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) seen: Vec<Seen>,
    pub(super) gaps: Vec<Gap>,
    pub(super) paths: Paths,
    /// What the layer's package databases say.
    pub(super) facts: Facts,
    /// The layer's certificates.
    pub(super) certificates: Certificates,
    /// Hard links: (hash of the target, path, position).
    pub(super) hard_links: Vec<(u64, Vec<u8>, u32)>,
    link_bytes: usize,
    dropped_links: u64,
    pub(super) walked: Walked,
    /// Whether the layer was read to its verified end.
    pub(super) complete: bool,
    dropped: u64,
    /// Bytes of the places in `seen`.
    places: usize,
    /// The same of `gaps`.
    gap_places: usize,
    dropped_gaps: u64,
}

impl Outcome {
    /// A layer that could not be opened at all.
    pub(super) fn unreadable(reason: String) -> Self {
        Self { gaps: vec![Gap { path: None, reason, bytes: None }], ..Self::default() }
    }

    pub(super) fn push(&mut self, seen: Seen) {
        let texts = [&seen.location.path, &seen.location.name].into_iter().flatten().chain(&seen.found.inner);
        let place = texts.map(String::len).sum::<usize>() + seen.path.as_ref().map_or(0, Vec::len);
        // Once something was dropped, so is all that comes later: what is kept depends on the order alone.
        if self.dropped == 0 && self.seen.len() < MATCHES && self.places.saturating_add(place) <= PLACES {
            self.places += place;
            self.seen.push(seen);
        } else {
            self.dropped += 1;
        }
    }

    /// Another name of the file whose path has this hash.
    pub(super) fn hard_link(&mut self, target: u64, path: &[u8], position: u32) {
        let bytes = path.len() + size_of::<(u64, Vec<u8>, u32)>();
        if self.dropped_links == 0 && self.link_bytes.saturating_add(bytes) <= LINKS {
            self.link_bytes += bytes;
            self.hard_links.push((target, path.to_vec(), position));
        } else {
            self.dropped_links += 1;
        }
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        let place = gap.path.as_ref().map_or(0, String::len);
        if self.dropped_gaps == 0 && self.gaps.len() < GAPS && self.gap_places.saturating_add(place) <= PLACES {
            self.gap_places += place;
            self.gaps.push(gap);
        } else {
            self.dropped_gaps += 1;
        }
    }

    /// Takes in what was seen of the same layer behind what is in already.
    pub(super) fn merge(&mut self, other: Self) {
        other.seen.into_iter().for_each(|seen| self.push(seen));
        other.gaps.into_iter().for_each(|gap| self.gap(gap));
        self.certificates.merge(&other.certificates);
        self.dropped += other.dropped;
        self.dropped_gaps += other.dropped_gaps;
        self.walked.files += other.walked.files;
        self.walked.bytes += other.walked.bytes;
    }

    /// Tells what was dropped, once all is in.
    pub(super) fn close(&mut self) {
        if self.dropped > 0 {
            let reason = format!("more matches in one layer than a report can hold; {} are not in it", self.dropped);
            self.gaps.push(Gap { path: None, reason, bytes: None });
        }
        if self.dropped_links > 0 {
            let reason = format!("more hard links in one layer than are kept; {} names of files are not in the report", self.dropped_links);
            self.gaps.push(Gap { path: None, reason, bytes: None });
        }
        if self.dropped_gaps > 0 {
            let reason = format!("many parts of one layer could not be read; {} more are not named", self.dropped_gaps);
            self.gaps.push(Gap { path: None, reason, bytes: None });
        }
    }

    /// Forgets the matches of a layer, with a gap that says so: those of other layers are all that a report can hold.
    pub(super) fn forget(&mut self) {
        let count = std::mem::take(&mut self.seen).len();
        if count > 0 {
            let reason = format!("more matches in all layers than a report can hold; {count} of this one are not in it");
            self.gaps.push(Gap { path: None, reason, bytes: None });
        }
    }

    /// The layer's gaps as skips of the layer with this index.
    pub(super) fn skips(&self, layer: Option<u32>) -> impl Iterator<Item = Skip> + '_ {
        self.gaps.iter().map(move |gap| Skip { layer, path: gap.path.clone(), reason: gap.reason.clone(), bytes: gap.bytes })
    }
}

/// Forgets the matches of layers behind those that fill a report. What is known of the layers before can only become more, so the
/// result is the same whenever this is called, if it is called once all are there.
pub(super) fn forget_surplus<'o>(outcomes: impl Iterator<Item = &'o mut Outcome>) {
    let mut before = 0;
    for outcome in outcomes {
        if before >= ALL_MATCHES {
            outcome.forget();
        }
        before += outcome.seen.len();
    }
}

/// Outcomes of a tree's files, which threads hand in as they come: what is kept of them is the same as if one thread had read
/// the files in their order.
#[derive(Default)]
pub(super) struct InOrder {
    files: BTreeMap<usize, Outcome>,
    seen: usize,
    gaps: usize,
    places: usize,
    /// What is the same in whichever order it comes.
    rest: Outcome,
}

impl InOrder {
    /// Takes in what file number `number` came to.
    pub(super) fn add(&mut self, number: usize, mut outcome: Outcome) {
        let (walked, certificates) = (std::mem::take(&mut outcome.walked), std::mem::take(&mut outcome.certificates));
        self.rest.merge(Outcome { walked, certificates, ..Outcome::default() });
        if outcome.seen.is_empty() && outcome.gaps.is_empty() && outcome.dropped == 0 && outcome.dropped_gaps == 0 {
            return;
        }
        self.seen += outcome.seen.len();
        self.gaps += outcome.gaps.len();
        self.places += outcome.places + outcome.gap_places;
        self.files.insert(number, outcome);
        if self.seen > 2 * MATCHES || self.gaps > 2 * GAPS || self.places > 4 * PLACES {
            self.shrink();
        }
    }

    /// Forgets what cannot be in the result any more, whatever is still to come.
    fn shrink(&mut self) {
        let (mut before, mut places, mut gaps, mut gap_places) = (0, 0, 0, 0);
        for outcome in self.files.values_mut() {
            if before >= MATCHES || places > PLACES {
                outcome.dropped += std::mem::take(&mut outcome.seen).len() as u64;
                outcome.places = 0;
            }
            if gaps >= GAPS || gap_places > PLACES {
                outcome.dropped_gaps += std::mem::take(&mut outcome.gaps).len() as u64;
                outcome.gap_places = 0;
            }
            before += outcome.seen.len();
            places += outcome.places;
            gaps += outcome.gaps.len();
            gap_places += outcome.gap_places;
        }
        (self.seen, self.gaps, self.places) = (before, gaps, places + gap_places);
    }

    /// All together, behind what `outcome` has already.
    pub(super) fn finish(self, outcome: &mut Outcome) {
        self.files.into_values().for_each(|file| outcome.merge(file));
        outcome.merge(self.rest);
    }
}

/// Takes what the content scanner finds in one entry.
pub(super) struct EntrySink<'o> {
    pub(super) outcome: &'o mut Outcome,
    pub(super) path: Arc<str>,
    pub(super) raw_path: &'o [u8],
    pub(super) position: u32,
}

impl Sink for EntrySink<'_> {
    fn found(&mut self, found: Found) {
        let location =
            Location { path: Some(self.path.to_string()), name: found.matched.name.clone(), ..Location::new(LocationKind::File) };
        self.outcome.push(Seen {
            found,
            location,
            position: self.position,
            path: Some(self.raw_path.to_vec()),
            hashes: None,
            history: None,
        });
    }

    fn uncovered(&mut self, gap: Uncovered) {
        let path = std::iter::once(self.path.to_string()).chain(gap.inner).collect::<Vec<_>>().join(" > ");
        self.outcome.gap(Gap { path: Some(path), reason: gap.reason, bytes: gap.bytes });
    }

    fn certificate(&mut self, certificate: Certificate) {
        self.outcome.certificates.add(certificate, &self.path);
    }

    fn hashes(&mut self, hashes: ContentHashes) {
        // Called after all findings of the file, which are the last ones.
        let own = self
            .outcome
            .seen
            .iter_mut()
            .rev()
            .take_while(|seen| seen.position == self.position && seen.path.as_deref() == Some(self.raw_path));
        own.for_each(|seen| seen.hashes = Some(hashes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: usize, gaps: usize) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.walked.files = 1;
        (0..gaps).for_each(|n| outcome.gap(Gap { path: Some(format!("{number}/{n}")), reason: String::new(), bytes: None }));
        outcome
    }

    #[test]
    fn what_is_kept_depends_on_the_order_of_files_and_not_of_threads() {
        let numbers: Vec<usize> = (0..400).collect();
        let result = |order: &[usize]| {
            let mut files = InOrder::default();
            order.iter().for_each(|number| files.add(*number, file(*number, number % 200)));
            assert!(files.gaps <= 2 * GAPS + 200, "bounded");
            let mut outcome = Outcome::default();
            files.finish(&mut outcome);
            outcome.close();
            assert_eq!(outcome.walked.files, 400);
            outcome.gaps
        };
        let forwards = result(&numbers);
        assert_eq!(forwards.len(), GAPS + 1);
        assert!(forwards.last().is_some_and(|gap| gap.reason.contains("29800 more") || gap.reason.contains("more are not named")));
        let backwards: Vec<_> = numbers.iter().rev().copied().collect();
        assert!(forwards == result(&backwards));
        let mixed: Vec<_> = (0..400).map(|n| n * 77 % 400).collect();
        assert!(forwards == result(&mixed), "77 and 400 share no factor, so each file comes once");
    }

    #[test]
    fn all_layers_together_are_bounded() {
        let layer = || {
            let mut outcome = Outcome::default();
            (0..MATCHES).for_each(|_| outcome.push(seen()));
            outcome
        };
        let mut layers: Vec<Outcome> = (0..5).map(|_| layer()).collect();
        layers[1].seen.clear();
        forget_surplus(layers.iter_mut());
        forget_surplus(layers.iter_mut());
        let left: Vec<_> = layers.iter().map(|layer| (layer.seen.len(), layer.gaps.len())).collect();
        assert_eq!(left, [(MATCHES, 0), (0, 0), (MATCHES, 0), (MATCHES, 0), (0, 1)]);
    }

    fn seen() -> Seen {
        use crate::{
            Secret,
            detect::{Match, rule},
            finding::{Confidence, Severity},
        };
        static RULE: std::sync::LazyLock<Arc<rule::Rule>> = std::sync::LazyLock::new(|| rule::built_in().remove(0));
        let matched = Match {
            rule: Arc::clone(&RULE),
            span: 0..1,
            secret: Secret::new(b"x"),
            visible: 0,
            guessable: true,
            name: None,
            severity: Severity::Low,
            confidence: Confidence::Low,
            evidence: Vec::new(),
            inner: Vec::new(),
            refuted: None,
        };
        let found = Found { matched, line: None, column: None, inner: Vec::new() };
        Seen { found, location: Location::new(LocationKind::File), position: 0, path: None, hashes: None, history: None }
    }

    #[test]
    fn hard_links_of_long_paths_are_bounded_and_told() {
        let mut outcome = Outcome::default();
        (0..100).for_each(|n| outcome.hard_link(n, &vec![b'a'; 1 << 20], 0));
        assert_eq!(outcome.hard_links.len(), 63);
        outcome.close();
        assert!(outcome.gaps[0].reason.ends_with("37 names of files are not in the report"), "{}", outcome.gaps[0].reason);
    }
}
