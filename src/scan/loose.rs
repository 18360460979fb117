//! Loose objects of git in a layer, which is read once: small blobs wait until all trees and commits that may name them were seen, so
//! that they are judged under the names that their files had.

use super::outcome::{EntrySink, Outcome};
use crate::{
    content::{Loose, Scanner},
    layer::Gap,
};

/// Bytes of blobs that wait, compressed as they are.
const WAITING: usize = 8 << 20;

/// A blob that waits.
struct Blob {
    path: Vec<u8>,
    position: u32,
    bytes: Vec<u8>,
}

/// The objects of one layer.
#[derive(Default)]
pub(super) struct Objects {
    known: Loose,
    waiting: Vec<Blob>,
    bytes: usize,
    /// Blobs that were scanned at once because there was no room.
    unnamed: u64,
}

impl Objects {
    /// Takes in an object, and gives it back if it is to be scanned at once.
    pub(super) fn add(&mut self, path: &[u8], position: u32, bytes: Vec<u8>) -> Option<Vec<u8>> {
        if !self.known.learn(&String::from_utf8_lossy(path), &bytes) {
            return Some(bytes);
        }
        let needed = path.len() + bytes.len() + size_of::<Blob>();
        if self.bytes + needed > WAITING {
            self.unnamed += 1;
            return Some(bytes);
        }
        self.bytes += needed;
        self.waiting.push(Blob { path: path.to_vec(), position, bytes });
        None
    }

    /// Scans what waited.
    pub(super) fn finish(self, scanner: &mut Scanner, outcome: &mut Outcome) {
        let left_out = self.known.left_out + self.unnamed;
        if left_out > 0 {
            outcome.gap(Gap { path: Some("git objects".to_owned()), reason: reason(left_out), bytes: None });
        }
        let origins = self.known.origins();
        for Blob { path, position, bytes } in self.waiting {
            let name = String::from_utf8_lossy(&path);
            let mut sink = EntrySink { outcome, path: name.as_ref().into(), raw_path: &path, position };
            // Memory does not fail.
            let _ = scanner.scan_from(origins.of(&name), &name, Some(bytes.len() as u64), &mut bytes.as_slice(), &mut sink);
        }
    }
}

/// Why blobs may lack their names.
pub(super) fn reason(left_out: u64) -> String {
    format!("more loose git objects than fit in memory: {left_out} were not joined with their commits and paths; `git gc` packs them")
}
