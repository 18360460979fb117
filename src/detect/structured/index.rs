//! Which detectors come into question for a file, by its name: asked for every file of an image, so no list is walked.

use std::{collections::HashMap, sync::OnceLock};

use super::{DETECTORS, files};

/// Positions in [`DETECTORS`] by what their patterns fix of a name. Where that says little, the pattern itself is there, too.
#[derive(Default)]
struct Index {
    /// The whole name, in lower case.
    names: HashMap<String, Vec<u16>>,
    /// What comes after the last dot, in lower case.
    extensions: HashMap<String, Vec<u16>>,
    /// The first byte, in lower case.
    starts: HashMap<u8, Vec<(u16, &'static str)>>,
    /// The folder right above, in lower case.
    folders: HashMap<String, Vec<(u16, &'static str)>>,
    /// Nothing that can be looked up.
    others: Vec<(u16, &'static str)>,
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
            _ if !name.contains('*') => self.names.entry(name).or_default(),
            (Some(extension), ..) => self.extensions.entry(extension.to_owned()).or_default(),
            (_, Some(folder), _) => return self.folders.entry(folder.to_ascii_lowercase()).or_default().push((position, pattern)),
            (.., Some(first)) if first != b'*' => return self.starts.entry(first).or_default().push((position, pattern)),
            _ if pattern == "*" => &mut self.any,
            _ => return self.others.push((position, pattern)),
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
    let path = files::without_copy_suffix(path);
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    found.extend(index.names.get(&name).into_iter().flatten());
    found.extend(name.rsplit_once('.').and_then(|(_, extension)| index.extensions.get(extension)).into_iter().flatten());
    let folder = folders.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let patterns = [
        index.others.as_slice(),
        index.folders.get(&folder).map_or(&[], Vec::as_slice),
        name.bytes().next().and_then(|first| index.starts.get(&first)).map_or(&[], Vec::as_slice),
    ];
    found.extend(patterns.into_iter().flatten().filter(|(_, pattern)| files::matches_one(path, pattern)).map(|(position, _)| position));
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
