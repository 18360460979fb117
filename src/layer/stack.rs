//! What later layers make of a path: still live, overwritten, or deleted (OCI image spec, `layer.md`, whiteouts).
//!
//! A layer's paths are kept as 64-bit hashes under a random key, 16 bytes each, so that memory does not grow with the
//! length of names and nobody can choose names that collide.

use std::hash::{BuildHasher, RandomState};

use super::{Entry, EntryKind, whiteout_target};
use crate::finding::State;

/// The paths of one layer.
#[derive(Default)]
pub struct Paths {
    /// (hash of path, position in the layer and whether it is a directory), sorted by [`PathsBuilder::finish`].
    entries: Vec<(u64, u32)>,
    whiteouts: Vec<u64>,
    opaque: Vec<u64>,
}

const DIRECTORY: u32 = 1 << 31;

/// Hashes paths; one for a whole run, since layers are compared with each other.
#[derive(Clone, Default)]
pub struct PathHasher(RandomState);

impl PathHasher {
    /// The hash of a cleaned path.
    pub fn hash(&self, path: &[u8]) -> u64 {
        self.0.hash_one(path)
    }
}

/// Collects the paths of a layer while it is walked.
pub struct PathsBuilder {
    hasher: PathHasher,
    paths: Paths,
}

impl PathsBuilder {
    /// For one layer.
    pub fn new(hasher: PathHasher) -> Self {
        Self { hasher, paths: Paths::default() }
    }

    /// Takes the next entry; returns its position in the layer.
    pub fn add(&mut self, entry: &Entry<'_>) -> u32 {
        let position = u32::try_from(self.paths.entries.len()).unwrap_or(DIRECTORY - 1).min(DIRECTORY - 1);
        match entry.kind {
            EntryKind::Whiteout => self.paths.whiteouts.push(self.hasher.hash(&whiteout_target(entry.path))),
            EntryKind::OpaqueWhiteout => self.paths.opaque.push(self.hasher.hash(entry.path)),
            EntryKind::Directory => self.paths.entries.push((self.hasher.hash(entry.path), position | DIRECTORY)),
            EntryKind::File | EntryKind::HardLink | EntryKind::Symlink | EntryKind::Special => {
                self.paths.entries.push((self.hasher.hash(entry.path), position));
            }
        }
        position
    }

    /// Sorts, for [`state`].
    pub fn finish(mut self) -> Paths {
        self.paths.entries.sort_unstable_by_key(|(hash, position)| (*hash, *position & !DIRECTORY));
        self.paths.entries.shrink_to_fit();
        self.paths.whiteouts.sort_unstable();
        self.paths.opaque.sort_unstable();
        self.paths
    }
}

impl Paths {
    /// The last entry with this hash: (position, is a directory).
    fn last(&self, hash: u64) -> Option<(u32, bool)> {
        let end = self.entries.partition_point(|(other, _)| *other <= hash);
        let (found, position) = *self.entries.get(end.checked_sub(1)?)?;
        (found == hash).then_some((position & !DIRECTORY, position & DIRECTORY != 0))
    }
}

/// What became of the file at `path` that is entry number `position` of layer `index`. `layers` holds every layer of the
/// image in the manifest's order; `None` for one that could not be read.
pub fn state(hasher: &PathHasher, layers: &[Option<&Paths>], index: u32, path: &[u8], position: u32) -> State {
    let hash = hasher.hash(path);
    let own = usize::try_from(index).unwrap_or(usize::MAX);
    // The same path twice in one changeset: the later entry wins when it is unpacked.
    if let Some((last, _)) = layers.get(own).copied().flatten().and_then(|paths| paths.last(hash))
        && last > position
    {
        return State::Overwritten { by: index };
    }
    let ancestors: Vec<u64> = memchr::memchr_iter(b'/', path).map(|slash| hasher.hash(path.get(..slash).unwrap_or_default())).collect();
    let root = hasher.hash(b"");
    for (by, paths) in (0u32..).zip(layers).skip(own.saturating_add(1)) {
        let Some(paths) = paths else { continue };
        if paths.last(hash).is_some() {
            return State::Overwritten { by };
        }
        let whited_out = |hash: &u64| paths.whiteouts.binary_search(hash).is_ok();
        let opaque = |hash: &u64| paths.opaque.binary_search(hash).is_ok();
        // A file or link in the place of a directory hides all that was in it.
        let replaced = |hash: &u64| paths.last(*hash).is_some_and(|(_, directory)| !directory);
        if whited_out(&hash) || opaque(&root) || ancestors.iter().any(|hash| whited_out(hash) || opaque(hash) || replaced(hash)) {
            return State::Deleted { by };
        }
    }
    State::Live
}
