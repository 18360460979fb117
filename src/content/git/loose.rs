//! Which commit brought a loose object in, and under which path. Objects are files in the order of their ids, so a blob comes before
//! or after the trees that name it: commits and trees are remembered as they come, and blobs are asked about once all are there.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    rc::Rc,
};

use flate2::bufread::ZlibDecoder;

use super::{
    history::{self, Commit, Origin},
    pack::Id,
};

/// Bytes of one file that is looked into. Larger blobs are scanned all the same, without their commit.
pub(crate) const OBJECT: u64 = 64 << 10;
/// Bytes of one tree, unpacked.
const TREE: u64 = 1 << 20;
/// Bytes of commits and trees that are remembered, of all repositories.
const REMEMBERED: usize = 8 << 20;

/// The repository and the id of the object that is the file of this path: `.git/objects/ab/cdef...`.
fn place(path: &str) -> Option<(&str, Id)> {
    let mut parts = path.rsplitn(3, '/');
    let (rest, first, folder) = (parts.next()?, parts.next()?, parts.next()?);
    let repository = folder.strip_suffix("objects").filter(|before| before.is_empty() || before.ends_with('/'))?;
    let id = data_encoding::HEXLOWER.decode(format!("{first}{rest}").as_bytes()).ok()?;
    Some((repository, id.try_into().ok().filter(|_| first.len() == 2)?))
}

/// Whether a file may be a loose object that is worth a look, by its path and size.
pub(crate) fn may_be(path: &str, size: u64) -> bool {
    size <= OBJECT && place(path).is_some()
}

/// What is known of one repository.
#[derive(Default)]
struct Repository {
    commits: Vec<Commit>,
    trees: HashMap<Id, Rc<Vec<u8>>>,
}

/// The commits and trees among loose objects.
#[derive(Default)]
pub(crate) struct Loose {
    repositories: BTreeMap<String, Repository>,
    bytes: usize,
    /// Commits and trees for which there was no room.
    pub(crate) left_out: u64,
}

impl Loose {
    /// Remembers a commit or a tree; whether the object is a blob.
    pub(crate) fn learn(&mut self, path: &str, packed: &[u8]) -> bool {
        let Some((repository, id)) = place(path) else { return false };
        let mut object = Vec::new();
        let mut decoder = ZlibDecoder::new(packed).take(TREE);
        let _ = decoder.by_ref().take(5).read_to_end(&mut object);
        let is_commit = match object.as_slice() {
            b"blob " => return true,
            b"commi" => true,
            b"tree " => false,
            _ => return false,
        };
        // What is cut or damaged is a tree of fewer entries.
        let _ = decoder.read_to_end(&mut object);
        let Some(header) = memchr::memchr(0, &object) else { return false };
        let content = object.split_off(header + 1);
        self.bytes += if is_commit { size_of::<Commit>() } else { content.len() } + size_of::<Id>();
        self.bytes += if self.repositories.contains_key(repository) { 0 } else { repository.len() };
        if self.bytes > REMEMBERED {
            self.left_out += 1;
            return false;
        }
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        if is_commit {
            repository.commits.extend(Commit::parse(id, &content));
        } else {
            repository.trees.insert(id, Rc::new(content));
        }
        false
    }

    /// Where the blobs that they name come from.
    pub(crate) fn origins(self) -> Origins {
        let mut room = history::PATHS;
        let mut of =
            |Repository { commits, trees }| history::origins(&mut |id| Ok(trees.get(id).cloned()), commits, &mut room).unwrap_or_default();
        Origins(self.repositories.into_iter().map(|(name, repository)| (name, of(repository))).collect())
    }
}

/// Where the blobs of repositories come from.
#[derive(Default)]
pub(crate) struct Origins(BTreeMap<String, HashMap<Id, Origin>>);

impl Origins {
    /// That of the blob which is the file of this path.
    pub(crate) fn of(&self, path: &str) -> Option<&Origin> {
        let (repository, id) = place(path).filter(|_| !self.0.is_empty())?;
        self.0.get(repository)?.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_known_by_their_path() {
        let id = "ab/".to_owned() + &"0c".repeat(19);
        assert!(may_be(&format!("objects/{id}"), 10));
        assert_eq!(place(&format!("srv/a.git/objects/{id}")).map(|(repository, id)| (repository, id[0])), Some(("srv/a.git/", 0xab)));
        assert!(!may_be(&format!("objects/{id}"), OBJECT + 1));
        for other in [format!("myobjects/{id}"), format!("objects/{id}0c"), id.clone(), format!("objects/{}", id.replace("ab/", "a/b"))] {
            assert!(!may_be(&other, 10), "{other}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        use std::io::Write as _;
        let mut loose = Loose::default();
        for number in 0..20u8 {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(b"tree 900000\0").expect("memory");
            encoder.write_all(&[number; 900_000]).expect("memory");
            let path = format!("{number}/objects/{number:02x}/{}", "00".repeat(19));
            assert!(!loose.learn(&path, &encoder.finish().expect("memory")));
        }
        assert!(loose.left_out > 0);
        assert!(
            loose.repositories.values().flat_map(|repository| repository.trees.values()).map(|tree| tree.len()).sum::<usize>()
                <= REMEMBERED
        );
    }
}
