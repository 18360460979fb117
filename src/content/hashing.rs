//! Hashes of a file that a package may own.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::ContentHashes;

/// Bytes up to which all three are made. A large container is hashed for dpkg alone, which has most of them (jars): all three
/// together take a tenth of the time that a layer of jars takes.
const ALL: u64 = 1 << 20;

/// Hashes in the making.
pub(super) struct Hashing {
    md5: Md5,
    others: Option<(Sha1, Sha256)>,
}

impl Hashing {
    /// For a file of that size, where it is known.
    pub(super) fn new(size: Option<u64>) -> Self {
        Self { md5: Md5::new(), others: size.filter(|size| *size <= ALL).map(|_| (Sha1::new(), Sha256::new())) }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some((sha1, sha256)) = &mut self.others {
            sha1.update(bytes);
            sha256.update(bytes);
        }
    }

    pub(super) fn finish(self) -> ContentHashes {
        let (sha1, sha256) = self.others.unzip();
        ContentHashes {
            md5: self.md5.finalize().into(),
            sha1: sha1.map(|sha1| sha1.finalize().into()),
            sha256: sha256.map(|sha256| sha256.finalize().into()),
        }
    }
}

/// Of a file that is in memory as a whole.
pub(super) fn of(bytes: &[u8]) -> ContentHashes {
    let mut hashing = Hashing::new(Some(0));
    hashing.update(bytes);
    hashing.finish()
}

/// Whether a distribution's package can own the path. Only such a file is hashed while it streams by, since a file that is
/// read once cannot be hashed when a finding turns up at its end.
pub(super) fn packaged_path(path: &str) -> bool {
    let path = path.trim_start_matches("./");
    let system = ["usr/", "lib/", "lib64/", "bin/", "sbin/", "opt/"].iter().any(|prefix| path.starts_with(prefix));
    system && !path.starts_with("usr/local/") && !path.starts_with("usr/src/")
}
