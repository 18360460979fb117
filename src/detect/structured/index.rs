//! Which detectors come into question for a file, by its name: asked for every file of an image, so no list is walked.

use std::{collections::HashMap, sync::OnceLock};

use super::{DETECTORS, files};

/// Positions in [`DETECTORS`] by what their patterns fix of a name.
struct Index {
    /// The whole name, in lower case.
    names: HashMap<String, Vec<u16>>,
    /// What comes after the last dot, in lower case.
    extensions: HashMap<String, Vec<u16>>,
    /// The first byte, in lower case.
    starts: HashMap<u8, Vec<u16>>,
    /// Nothing.
    any: Vec<u16>,
}

impl Index {
    fn new() -> Self {
        let mut index = Self { names: HashMap::new(), extensions: HashMap::new(), starts: HashMap::new(), any: Vec::new() };
        for (position, detector) in (0u16..).zip(DETECTORS) {
            for pattern in detector.files() {
                let name = pattern.rsplit('/').next().unwrap_or(pattern).to_ascii_lowercase();
                let extension = name.rsplit_once('.').map(|(_, extension)| extension).filter(|extension| !extension.contains('*'));
                let list = match (name.contains('*'), extension, name.bytes().next()) {
                    (false, ..) => index.names.entry(name).or_default(),
                    (true, Some(extension), _) => index.extensions.entry(extension.to_owned()).or_default(),
                    (true, None, Some(first)) if first != b'*' => index.starts.entry(first).or_default(),
                    _ => &mut index.any,
                };
                if list.last() != Some(&position) {
                    list.push(position);
                }
            }
        }
        index
    }
}

/// Positions in [`DETECTORS`] of those whose patterns may match a path, in their order, some of them twice.
pub(super) fn candidates(path: &str) -> Vec<u16> {
    static INDEX: OnceLock<Index> = OnceLock::new();
    let index = INDEX.get_or_init(Index::new);
    let name = files::name(path).to_ascii_lowercase();
    let mut found = index.any.clone();
    found.extend(index.names.get(&name).into_iter().flatten());
    found.extend(name.rsplit_once('.').and_then(|(_, extension)| index.extensions.get(extension)).into_iter().flatten());
    found.extend(name.bytes().next().and_then(|first| index.starts.get(&first)).into_iter().flatten());
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
