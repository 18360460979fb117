//! Hashes of a file that a package may own.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::ContentHashes;

/// Bytes up to which all three are made. A large container is hashed for dpkg alone, which has most of them (jars): all three
/// together take a tenth of the time that a layer of jars takes.
const ALL: usize = 1 << 20;

/// Hashes in the making.
pub(super) enum Hashing {
    /// A small file is kept: most are hashed for nothing, because nothing is found in them.
    Kept(Vec<u8>),
    /// Others are hashed as they pass.
    Passing(Box<Passing>),
}

pub(super) struct Passing {
    md5: Md5,
    others: Option<(Sha1, Sha256)>,
}

impl Hashing {
    /// For a container of that size, where it is known.
    pub(super) fn new(size: Option<u64>) -> Self {
        if size.is_some_and(|size| size <= ALL as u64) { Self::Kept(Vec::new()) } else { Self::passing(None) }
    }

    /// For a file in which something was found: all three.
    pub(super) fn all() -> Self {
        Self::passing(Some((Sha1::new(), Sha256::new())))
    }

    fn passing(others: Option<(Sha1, Sha256)>) -> Self {
        Self::Passing(Box::new(Passing { md5: Md5::new(), others }))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Kept(kept) if kept.len() + bytes.len() <= ALL => kept.extend_from_slice(bytes),
            // Longer than was said.
            Self::Kept(kept) => {
                let mut passing = Self::passing(None);
                passing.update(kept);
                passing.update(bytes);
                *self = passing;
            }
            Self::Passing(passing) => {
                passing.md5.update(bytes);
                if let Some((sha1, sha256)) = &mut passing.others {
                    sha1.update(bytes);
                    sha256.update(bytes);
                }
            }
        }
    }

    pub(super) fn finish(self) -> ContentHashes {
        match self {
            Self::Kept(kept) => of(&kept),
            Self::Passing(passing) => {
                let (sha1, sha256) = passing.others.unzip();
                ContentHashes {
                    md5: passing.md5.finalize().into(),
                    sha1: sha1.map(|sha1| sha1.finalize().into()),
                    sha256: sha256.map(|sha256| sha256.finalize().into()),
                }
            }
        }
    }
}

/// Of a file that is in memory as a whole.
pub(super) fn of(bytes: &[u8]) -> ContentHashes {
    ContentHashes { md5: Md5::digest(bytes).into(), sha1: Some(Sha1::digest(bytes).into()), sha256: Some(Sha256::digest(bytes).into()) }
}

/// Whether a distribution's package can own the path. Only such a file is hashed while it streams by, since a file that is
/// read once cannot be hashed when a finding turns up at its end.
pub(super) fn packaged_path(path: &str) -> bool {
    let path = path.trim_start_matches("./");
    let system = ["usr/", "lib/", "lib64/", "bin/", "sbin/", "opt/"].iter().any(|prefix| path.starts_with(prefix));
    system && !path.starts_with("usr/local/") && !path.starts_with("usr/src/")
}
