//! Which commit brought a blob in, and under which path.

use std::{
    collections::{HashMap, HashSet},
    io,
    rc::Rc,
};

use super::pack::Id;

/// Blobs whose origin is remembered.
const REMEMBERED: usize = 60_000;
/// Bytes of a path: names are copied into the path of everything below them. A longer one is not told.
const PATH: usize = 4096;
/// Bytes of all paths: a tree of many entries may lie deep.
pub(super) const PATHS: usize = 16 << 20;
/// Folders within folders.
const DEPTH: usize = 64;

/// What is in an object, if it is known.
type Content = Option<Rc<Vec<u8>>>;

/// The parts of a commit that are needed.
pub(super) struct Commit {
    id: Id,
    tree: Id,
    time: i64,
}

/// Where a blob came from.
pub(crate) struct Origin {
    pub(super) commit: Id,
    pub(super) path: String,
}

impl Commit {
    /// Reads `tree HEX` and the time of `committer NAME <ADDRESS> SECONDS ZONE`.
    pub(super) fn parse(id: Id, text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
        let tree = lines.next()?.strip_prefix(b"tree ")?;
        let tree = data_encoding::HEXLOWER.decode(tree).ok()?.try_into().ok()?;
        let committer = lines.find_map(|line| line.strip_prefix(b"committer "))?;
        let seconds = std::str::from_utf8(committer).ok()?.rsplit(' ').nth(1)?;
        Some(Self { id, tree, time: seconds.parse().unwrap_or(0) })
    }
}

/// Walks the commits' trees from the oldest on; a tree that was seen brings nothing new. `content` is that of the tree with an id, and
/// `room` how many bytes of paths may still be made.
pub(super) fn origins(
    content: &mut dyn FnMut(&Id) -> io::Result<Content>,
    mut commits: Vec<Commit>,
    room: &mut usize,
) -> io::Result<HashMap<Id, Origin>> {
    commits.sort_by_key(|commit| (commit.time, commit.id));
    let mut origins = HashMap::new();
    let mut seen = HashSet::new();
    for commit in &commits {
        let mut folders = vec![(commit.tree, String::new(), 0)];
        while let Some((tree, folder, depth)) = folders.pop() {
            if depth > DEPTH || !seen.insert(tree) {
                continue;
            }
            let Some(content) = content(&tree)? else { continue };
            let mut rest = content.as_slice();
            while let Some((is_tree, name, id, after)) = entry(rest) {
                rest = after;
                let length = folder.len() + name.len() + 1;
                let known = if is_tree { seen.contains(&id) } else { origins.contains_key(&id) || origins.len() >= REMEMBERED };
                if length > PATH || length > *room || known {
                    continue;
                }
                *room -= length;
                let path = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
                if is_tree {
                    folders.push((id, path, depth + 1));
                } else {
                    origins.insert(id, Origin { commit: commit.id, path });
                }
            }
        }
    }
    Ok(origins)
}

/// `MODE NAME\0` and 20 bytes of id.
fn entry(tree: &[u8]) -> Option<(bool, std::borrow::Cow<'_, str>, Id, &[u8])> {
    let nul = memchr::memchr(0, tree)?;
    let head = tree.get(..nul)?;
    let blank = memchr::memchr(b' ', head)?;
    let id = tree.get(nul + 1..nul + 21)?.try_into().ok()?;
    let is_tree = head.get(..blank)? == b"40000";
    Some((is_tree, String::from_utf8_lossy(head.get(blank + 1..)?), id, tree.get(nul + 21..)?))
}
