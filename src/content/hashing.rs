//! Hashes of a file that a package may own.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::ContentHashes;

/// The three at once.
#[derive(Default)]
pub(super) struct Hashing {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
}

impl Hashing {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha1.update(bytes);
        self.sha256.update(bytes);
    }

    pub(super) fn finish(self) -> ContentHashes {
        ContentHashes { md5: self.md5.finalize().into(), sha1: self.sha1.finalize().into(), sha256: self.sha256.finalize().into() }
    }
}

/// Of a file that is in memory as a whole.
pub(super) fn of(bytes: &[u8]) -> ContentHashes {
    let mut hashing = Hashing::default();
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
