//! Hard links: further names of bytes that stand somewhere else, in the same layer or in one below.

use std::collections::{HashMap, HashSet, VecDeque};

use super::assemble::{PLACES, Parts};
use crate::{
    finding::State,
    layer::stack::{self, PathHasher, Paths},
};

/// One name of a file, and the layer and entry that gave it.
#[derive(Clone, Copy)]
pub(super) struct Name<'p> {
    pub(super) layer: u32,
    pub(super) path: &'p [u8],
    pub(super) position: u32,
}

/// The hard links of an image's layers, by their target.
pub(super) struct Links<'p> {
    by_target: HashMap<u64, Vec<Name<'p>>>,
    hasher: &'p PathHasher,
    paths: &'p [Option<&'p Paths>],
}

impl<'p> Links<'p> {
    pub(super) fn new(parts: &'p Parts<'_>, hasher: &'p PathHasher, paths: &'p [Option<&'p Paths>]) -> Self {
        let mut by_target: HashMap<u64, Vec<Name<'p>>> = HashMap::new();
        for (layer, outcome) in (0u32..).zip(&parts.layers) {
            for (target, path, position) in &outcome.hard_links {
                let names = by_target.entry(*target).or_default();
                if names.len() < PLACES {
                    names.push(Name { layer, path, position: *position });
                }
            }
        }
        Self { by_target, hasher, paths }
    }

    /// The further names of what has this name, links to links included; `most` of them at the most.
    pub(super) fn of(&self, name: Name<'p>, most: usize) -> Vec<Name<'p>> {
        let mut names = Vec::new();
        // Nearly every file has none.
        if !self.by_target.contains_key(&self.hasher.hash(name.path)) {
            return names;
        }
        let mut known = HashSet::from([(name.layer, name.position)]);
        let mut open = VecDeque::from([name]);
        while let Some(name) = open.pop_front() {
            for link in self.by_target.get(&self.hasher.hash(name.path)).into_iter().flatten() {
                if names.len() == most {
                    return names;
                }
                if self.is_target(name, *link) && known.insert((link.layer, link.position)) {
                    names.push(*link);
                    open.push_back(*link);
                }
            }
        }
        names
    }

    /// Whether the link's target, by its path, is what has this name: in the same layer, or still there when the link's layer comes.
    fn is_target(&self, name: Name<'_>, link: Name<'_>) -> bool {
        if link.layer <= name.layer {
            return link.layer == name.layer;
        }
        let below = self.paths.get(..link.layer as usize).unwrap_or_default();
        stack::state(self.hasher, below, name.layer, name.path, name.position) == State::Live
    }
}
