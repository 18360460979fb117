//! Which detectors come into question for a file, by its name: asked for every file of an image, so no list is walked.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::OnceLock,
};

use super::{DETECTORS, files};

/// FNV-1a, for short keys: which keys there are is fixed, so nobody can make them collide.
#[derive(Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0 ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
}

/// Values by text in lower case.
type ByText<T> = HashMap<Vec<u8>, Vec<T>, BuildHasherDefault<Fnv>>;

/// Bytes of the longest text that can be looked up.
const LONGEST: usize = 256;

/// The text in lower case; empty, which is no key, where it is longer than any key.
fn lower<'b>(text: &str, buffer: &'b mut [u8; LONGEST]) -> &'b [u8] {
    let lower = buffer.get_mut(..text.len()).unwrap_or_default();
    lower.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from.to_ascii_lowercase());
    lower
}

/// The letters of a name, ignoring case, a bit each: a name that lacks one of a pattern's does not match it.
fn letters(name: &str) -> u32 {
    name.bytes().filter(u8::is_ascii_alphabetic).fold(0, |letters, byte| letters | 1 << (byte & 31))
}

/// A pattern of a detector.
struct Pattern {
    position: u16,
    text: &'static str,
    letters: u32,
}

impl Pattern {
    fn new(position: u16, text: &'static str) -> Self {
        Self { position, text, letters: letters(files::split(text).1) }
    }
}

/// Positions in [`DETECTORS`] by what their patterns fix of a name. Where that says little, the pattern itself is there, too.
#[derive(Default)]
struct Index {
    /// The whole name, in lower case.
    names: ByText<u16>,
    /// What comes after the last dot, in lower case.
    extensions: ByText<u16>,
    /// The first byte, in lower case.
    starts: ByText<Pattern>,
    /// The folder right above, in lower case.
    folders: ByText<Pattern>,
    /// Nothing that can be looked up.
    others: Vec<Pattern>,
    /// Nothing at all: any file.
    any: Vec<u16>,
}

impl Index {
    fn new() -> Self {
        let mut index = Self::default();
        for (position, detector) in (0u16..).zip(DETECTORS) {
            for &pattern in detector.files() {
                index.add(position, pattern);
            }
        }
        index
    }

    fn add(&mut self, position: u16, pattern: &'static str) {
        let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let name = name.to_ascii_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension).filter(|extension| !extension.contains('*'));
        let folder = folder.rsplit('/').next().filter(|folder| !folder.is_empty() && !folder.contains('*'));
        let list = match (extension, folder, name.bytes().next()) {
            _ if !name.contains('*') => self.names.entry(name.into_bytes()).or_default(),
            (Some(extension), ..) => self.extensions.entry(extension.as_bytes().to_vec()).or_default(),
            (_, Some(folder), _) => {
                return self.folders.entry(folder.to_ascii_lowercase().into_bytes()).or_default().push(Pattern::new(position, pattern));
            }
            (.., Some(first)) if first != b'*' => return self.starts.entry(vec![first]).or_default().push(Pattern::new(position, pattern)),
            _ if pattern == "*" => &mut self.any,
            _ => return self.others.push(Pattern::new(position, pattern)),
        };
        if list.last() != Some(&position) {
            list.push(position);
        }
    }
}

/// Positions in [`DETECTORS`] of those whose patterns may match a path, in their order, some of them twice.
pub(super) fn candidates(path: &str) -> Vec<u16> {
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(Index::new);
    let mut found = index.any.clone();
    if path.is_empty() {
        return found;
    }
    let (folders, name) = files::split(files::without_copy_suffix(path));
    let mut buffer = [0; LONGEST];
    found.extend(index.names.get(lower(name, &mut buffer)).into_iter().flatten());
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    found.extend(index.extensions.get(lower(extension, &mut buffer)).into_iter().flatten());
    let folder = folders.rsplit('/').next().unwrap_or_default();
    let first = name.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
    let patterns = [
        index.others.as_slice(),
        index.folders.get(lower(folder, &mut buffer)).map_or(&[], Vec::as_slice),
        index.starts.get([first].as_slice()).map_or(&[], Vec::as_slice),
    ];
    let letters = letters(name);
    for pattern in patterns.into_iter().flatten() {
        if pattern.letters & !letters == 0 && files::matches_one(folders, name, pattern.text) {
            found.push(pattern.position);
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::Hint, finding::LocationKind};

    #[test]
    fn the_index_leaves_out_nobody() {
        for path in [
            "root/.netrc",
            "a/x.json",
            ".docker/config.json",
            "Dockerfile.dev",
            "wp-config.php~",
            "redis-1.conf",
            "my-service-account",
            "root/.bash_history",
            "run/secrets/x",
            "é.YML",
        ] {
            let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
            let found = candidates(path);
            for (position, detector) in (0u16..).zip(DETECTORS) {
                if files::matches(hint.path, detector.files()) {
                    assert!(found.contains(&position), "{} for {path}", detector.id());
                }
            }
        }
    }
}
