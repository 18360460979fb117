//! Package provenance: which files of an image are proven, by the image's own package databases, to be unmodified parts of a
//! *public* package. What stands in them anyone can download, so a finding there is public knowledge.
//!
//! The proof is by content hash, never by path. What it does not prove: the databases are the image's own, so whoever writes to
//! them by hand can call anything public; and a company that rebuilds a distribution's package and leaves the maintainer, the
//! version scheme and the name as they were is taken for the distribution. Nobody does that by accident; and what is proven public
//! is counted and can be shown. Where the origin is unknown (pip's `RECORD`, a vendor's own .deb), only integrity is known.
//! An rpm database proves more: the digests in it are signed by the vendor.

mod apk;
mod dpkg;
mod pip;
mod rpm;

use std::{
    collections::HashMap,
    io::{self, Read},
};

use crate::content::ContentHashes;

/// Bytes of one database file that are held in memory; a longer one proves nothing.
const LIMIT: usize = 24 << 20;

/// The package that a file belongs to, unmodified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `dpkg libssl3`, `apk musl`, `pip requests-2.31.0`.
    pub name: String,
    /// Whether the package is one of a public distribution. `false`: integrity is proven, origin is not.
    pub public: bool,
}

/// What one layer's package databases say.
#[derive(Default)]
pub struct Facts {
    distribution: Option<Distribution>,
    dpkg: dpkg::Facts,
    apk: apk::Facts,
    pip: pip::Facts,
    rpm: rpm::Facts,
}

/// Distributions whose packages are public. By the `ID` of os-release(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distribution {
    Debian,
    Ubuntu,
    Alpine,
    Wolfi,
    Other,
}

/// A file's hash, as a package database has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Hash {
    Md5([u8; 16]),
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

/// Kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    OsRelease,
    DpkgStatus,
    DpkgSums,
    ApkInstalled,
    ApkRepositories,
    ApkKey,
    PipRecord,
    RpmDatabase,
    RpmKeys,
}

fn source(path: &str) -> Option<Source> {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    Some(match path {
        "etc/os-release" | "usr/lib/os-release" => Source::OsRelease,
        "var/lib/dpkg/status" => Source::DpkgStatus,
        "lib/apk/db/installed" | "usr/lib/apk/db/installed" => Source::ApkInstalled,
        "etc/apk/repositories" => Source::ApkRepositories,
        _ if rpm::is_database(path) => Source::RpmDatabase,
        _ => {
            let (folder, name) = path.rsplit_once('/')?;
            match folder {
                "var/lib/dpkg/info" if name.ends_with(".md5sums") => Source::DpkgSums,
                // Distroless images keep a stanza a file.
                "var/lib/dpkg/status.d" if name.ends_with(".md5sums") => Source::DpkgSums,
                "var/lib/dpkg/status.d" => Source::DpkgStatus,
                "etc/apk/keys" => Source::ApkKey,
                _ if rpm::is_key_folder(folder) => Source::RpmKeys,
                _ if name == "RECORD" && folder.ends_with(".dist-info") => Source::PipRecord,
                _ => return None,
            }
        }
    })
}

/// A database file on its way through the scan.
pub struct Capture {
    path: String,
    source: Source,
    bytes: Vec<u8>,
    cut: bool,
}

impl Capture {
    /// Reads from `reader` and keeps what passes, up to 24 MiB.
    pub fn reading<'r>(&'r mut self, reader: &'r mut dyn Read) -> impl Read + 'r {
        Tee { reader, capture: self }
    }
}

struct Tee<'r> {
    reader: &'r mut dyn Read,
    capture: &'r mut Capture,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let room = LIMIT - self.capture.bytes.len().min(LIMIT);
        self.capture.cut |= count > room;
        self.capture.bytes.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
        Ok(count)
    }
}

impl Facts {
    /// Whether a file of a layer is a part of a package database: then it is to be read through [`Capture::reading`] to its
    /// end, and handed to [`Facts::add`]. Cheap: asked for every file.
    pub fn capture(path: &str) -> Option<Capture> {
        source(path).map(|source| Capture { path: path.to_owned(), source, bytes: Vec::new(), cut: false })
    }

    /// Learns from a database file.
    pub fn add(&mut self, capture: &Capture) {
        if capture.cut {
            return;
        }
        let text = capture.bytes.as_slice();
        let name = capture.path.rsplit('/').next().unwrap_or_default();
        match capture.source {
            Source::OsRelease => self.distribution = Some(distribution(text)),
            Source::DpkgStatus => self.dpkg.status(text),
            Source::DpkgSums => self.dpkg.sums(name.trim_end_matches(".md5sums"), text),
            Source::ApkInstalled => self.apk.installed(text),
            Source::ApkRepositories => self.apk.repositories(text),
            Source::ApkKey => self.apk.key(name),
            Source::PipRecord => self.pip.record(&capture.path, text),
            Source::RpmDatabase => self.rpm.database(text),
            Source::RpmKeys => self.rpm.keys(text),
        }
    }
}

fn distribution(os_release: &[u8]) -> Distribution {
    let id = lines(os_release).find_map(|line| line.strip_prefix(b"ID="));
    match id.map(|id| id.trim_ascii().trim_ascii_start().strip_prefix(b"\"").and_then(|id| id.strip_suffix(b"\"")).unwrap_or(id)) {
        Some(b"debian") => Distribution::Debian,
        Some(b"ubuntu") => Distribution::Ubuntu,
        Some(b"alpine") => Distribution::Alpine,
        Some(b"wolfi" | b"chainguard") => Distribution::Wolfi,
        _ => Distribution::Other,
    }
}

/// Lines without their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// What all layers of an image say together.
#[derive(Default)]
pub struct Database {
    packages: Vec<Package>,
    md5: HashMap<[u8; 16], u32>,
    sha1: HashMap<[u8; 20], u32>,
    sha256: HashMap<[u8; 32], u32>,
}

impl Database {
    /// Puts the layers' facts together, lowest layer first, to answer for the files `asked`: only of packages with one of them
    /// are signatures verified.
    pub fn new(layers: &[&Facts], asked: &[ContentHashes]) -> Self {
        let mut database = Self::default();
        let distribution = |upto: usize| layers.get(..=upto).and_then(|below| below.iter().rev().find_map(|facts| facts.distribution));
        let dpkg: Vec<_> = layers.iter().enumerate().map(|(index, facts)| (&facts.dpkg, distribution(index))).collect();
        dpkg::merge(&dpkg, &mut database);
        let apk: Vec<_> = layers.iter().enumerate().map(|(index, facts)| (&facts.apk, distribution(index))).collect();
        apk::merge(&apk, &mut database);
        layers.iter().for_each(|facts| facts.pip.merge(&mut database));
        rpm::merge(&layers.iter().map(|facts| &facts.rpm).collect::<Vec<_>>(), rpm::VENDORS, asked, &mut database);
        database
    }

    /// The package that a file with these hashes is an unmodified part of. A public one is preferred.
    pub fn package(&self, hashes: &ContentHashes) -> Option<&Package> {
        let found = [
            self.md5.get(&hashes.md5),
            hashes.sha1.and_then(|hash| self.sha1.get(&hash)),
            hashes.sha256.and_then(|hash| self.sha256.get(&hash)),
        ];
        let packages = || found.iter().flatten().filter_map(|index| self.packages.get(**index as usize));
        packages().find(|package| package.public).or_else(|| packages().next())
    }

    /// Adds a package; the index names it in the maps.
    fn add(&mut self, name: String, public: bool) -> u32 {
        self.packages.push(Package { name, public });
        u32::try_from(self.packages.len() - 1).unwrap_or(u32::MAX)
    }

    /// Says that a file with this hash is the package's.
    fn claim(&mut self, hash: Hash, index: u32) {
        match hash {
            Hash::Md5(hash) => Self::put(&mut self.md5, &self.packages, hash, index),
            Hash::Sha1(hash) => Self::put(&mut self.sha1, &self.packages, hash, index),
            Hash::Sha256(hash) => Self::put(&mut self.sha256, &self.packages, hash, index),
        }
    }

    /// A hash that several packages claim belongs to a public one, where there is one.
    fn put<K: std::hash::Hash + Eq>(map: &mut HashMap<K, u32>, packages: &[Package], hash: K, index: u32) {
        let public = |index: u32| packages.get(index as usize).is_some_and(|package| package.public);
        let entry = map.entry(hash).or_insert(index);
        if !public(*entry) {
            *entry = index;
        }
    }
}

#[cfg(test)]
mod tests;
