//! An image archive: which entries it has, and the images that they make.
//!
//! The same for an archive on disk, whose entries are found once and then read where they stand, and for one that streams by
//! (see [`super::stream`]), whose documents were kept and whose layers were handed out.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    BlobReader, Image, ImageError, Layer, OpenLayer, OpenOptions, Opened,
    compression::{self, Compression},
    digest::Digest,
    docker_archive, layout, limits,
    manifest::{self, Descriptor, printable},
    members::{Kind, Members, clean},
    platform::Platform,
    resolve::{Blobs, no_platform},
    stream,
    verify::{Verified, read_small},
};
use crate::finding::Skip;

/// An image, and the name of each layer's entry.
pub(crate) type Keyed = (Image, Vec<Option<String>>);

/// What kind of archive the user said it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing; the content tells.
    Any,
    /// `oci-archive:`, with a tag or digest.
    Oci(Option<String>),
    /// `docker-archive:`.
    Docker,
}

/// Opens an archive file: by offsets where it is a plain tar, else in one pass.
pub(crate) fn open(path: &Path, expected: Expected, reference: &str, options: &OpenOptions) -> Result<Opened, ImageError> {
    let reading = |source| ImageError::reading(&path.display().to_string(), source);
    let metadata = path.metadata().map_err(reading)?;
    if metadata.is_dir() {
        return Err(ImageError::Unreadable(format!(
            "{} is a directory; an OCI layout is scanned with oci:PATH, a directory tree with dir:PATH",
            path.display()
        )));
    }
    let mut file = File::open(path).map_err(reading)?;
    if metadata.is_file() {
        let head = compression::peek(&mut file).map_err(reading)?;
        file.rewind().map_err(reading)?;
        match compression::sniff(&head) {
            Some(Compression::Plain) => return open_plain(path, file, &expected, reference, options),
            Some(Compression::Gzip | Compression::Zstd | Compression::Bzip2 | Compression::Xz) => {}
            None => {
                return Err(ImageError::Unreadable(format!(
                    "{} is not an image archive: its first bytes are neither of a tar nor of a compressed one",
                    path.display()
                )));
            }
        }
    }
    Ok(stream::open(Box::new(file), expected, reference, options))
}

fn open_plain(path: &Path, file: File, expected: &Expected, reference: &str, options: &OpenOptions) -> Result<Opened, ImageError> {
    let mut contents = Contents { file: Some(path.to_owned()), ..Contents::default() };
    // A header is 512 bytes, and bodies are skipped: a large buffer would read what is not needed.
    let mut members = Members::seekable(std::io::BufReader::with_capacity(8 << 10, file));
    while let Some(member) = members.next()? {
        let entry = match member.kind {
            Kind::File => Entry::Stored(Stored { size: member.size, offset: member.offset, content: Content::OnDisk }),
            Kind::Symlink(target) => Entry::Symlink(target),
            Kind::Hardlink(target) => Entry::Hardlink(target),
            Kind::Other => continue,
        };
        contents.add(member.name, entry)?;
    }
    let images = contents.images(expected, reference, options)?;
    let opened = images.into_iter().map(|(image, keys)| {
        let layers = keys.iter().map(|key| contents.find(key.as_deref()?).map(|(_, stored)| (stored.offset, stored.size))).collect();
        let opener: Arc<dyn OpenLayer> = Arc::new(ArchiveLayers { path: path.to_owned(), layers });
        (image, opener)
    });
    Ok(Opened::Images(opened.collect()))
}

/// Where the layers of one image stand in the file.
struct ArchiveLayers {
    path: PathBuf,
    layers: Vec<Option<(u64, u64)>>,
}

impl OpenLayer for ArchiveLayers {
    fn open(&self, layer: &Layer) -> Result<BlobReader, ImageError> {
        let what = format!("layer {} of {}", layer.index, self.path.display());
        let Some(Some((offset, size))) = usize::try_from(layer.index).ok().and_then(|at| self.layers.get(at)) else {
            return Err(ImageError::Unreadable(format!("{what} is not in the archive")));
        };
        let blob = read_at(&self.path, *offset, *size).map_err(|source| ImageError::reading(&what, source))?;
        Ok(match Digest::parse(&layer.digest) {
            Ok(digest) => Box::new(Verified::new(blob, what, digest, layer.size)),
            Err(_) => Box::new(Exactly { inner: blob, left: *size }),
        })
    }
}

fn read_at(path: &Path, offset: u64, size: u64) -> std::io::Result<std::io::Take<File>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file.take(size))
}

/// Fails where a blob without a digest ends before its size, instead of looking complete.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the archive ends within the layer"));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// An entry of an archive.
pub(crate) enum Entry {
    Stored(Stored),
    Symlink(String),
    Hardlink(String),
}

/// A file of an archive.
pub(crate) struct Stored {
    pub(crate) size: u64,
    pub(crate) offset: u64,
    pub(crate) content: Content,
}

/// Where a file's bytes are.
pub(crate) enum Content {
    /// At its offset.
    OnDisk,
    /// Kept: it looked like a document.
    Kept(Vec<u8>),
    /// Handed out: it looked like a layer.
    HandedOut,
    /// Gone, and why.
    Unread(String),
}

/// The entries of an archive by their cleaned names.
#[derive(Default)]
pub(crate) struct Contents {
    /// The file, for entries that are on disk.
    file: Option<PathBuf>,
    entries: HashMap<String, Entry>,
    pub(crate) skipped: Vec<Skip>,
    /// Bytes of names and link targets.
    names: usize,
}

impl Contents {
    /// Takes an entry. Of two with one name the first counts, and the second is a gap.
    ///
    /// # Errors
    /// When the names of all entries are more than is kept.
    pub(crate) fn add(&mut self, name: Option<String>, entry: Entry) -> Result<(), ImageError> {
        let (bytes, target) = match &entry {
            Entry::Stored(stored) => (Some(stored.size), 0),
            Entry::Symlink(target) | Entry::Hardlink(target) => (None, target.len()),
        };
        let length = name.as_ref().map_or(0, String::len);
        self.names += length + target;
        if self.names > limits::NAMES {
            return Err(ImageError::Unreadable("the archive has more and longer names than are kept".to_owned()));
        }
        if length.max(target) > limits::NAME {
            self.skip("an entry", "an entry of the archive has a name of more than 4096 bytes", bytes);
            return Ok(());
        }
        let Some(name) = name else {
            self.skip("an entry", "an entry of the archive leads out of it by its name", bytes);
            return Ok(());
        };
        if let std::collections::hash_map::Entry::Vacant(vacant) = self.entries.entry(name.clone()) {
            vacant.insert(entry);
        } else {
            self.skip(&name, "the archive has two entries of this name; the second was not read", bytes);
        }
        Ok(())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    fn skip(&mut self, path: &str, reason: &str, bytes: Option<u64>) {
        if self.skipped.len() < 100 {
            self.skipped.push(super::resolve::skip(&printable(path), reason, bytes));
        }
    }

    /// The file that a name means, links followed, with the name under which it is stored.
    pub(crate) fn find(&self, name: &str) -> Option<(String, &Stored)> {
        let mut name = clean(name)?;
        for _ in 0..limits::LINKS {
            match self.entries.get(&name)? {
                Entry::Stored(stored) => return Some((name, stored)),
                Entry::Hardlink(target) => name = clean(target)?,
                Entry::Symlink(target) if target.starts_with('/') => name = clean(target)?,
                Entry::Symlink(target) => {
                    let folder = name.rfind('/').and_then(|at| name.get(..at)).unwrap_or_default();
                    name = clean(&format!("{folder}/{target}"))?;
                }
            }
        }
        None
    }

    /// The bytes of a document.
    pub(crate) fn document(&self, name: &str, digest: Option<&Digest>, size: Option<u64>, limit: u64) -> Result<Vec<u8>, ImageError> {
        let missing = || ImageError::Unreadable(format!("the archive has no {}", printable(name)));
        let (_, stored) = self.find(name).ok_or_else(missing)?;
        match (&stored.content, &self.file) {
            (Content::Kept(bytes), _) => read_small(bytes.as_slice(), name, digest, size, limit),
            (Content::OnDisk, Some(path)) => {
                let bytes = read_at(path, stored.offset, stored.size).map_err(|source| ImageError::reading(name, source))?;
                let bytes = read_small(bytes, name, digest, size, limit)?;
                if bytes.len() as u64 != stored.size {
                    return Err(ImageError::Unreadable(format!("the archive ends within {name}")));
                }
                Ok(bytes)
            }
            (Content::Unread(reason), _) => Err(ImageError::Unreadable(format!("{name}: {reason}"))),
            (Content::OnDisk | Content::HandedOut, _) => Err(ImageError::Unreadable(format!("{name} is not JSON"))),
        }
    }

    /// The images, each with the name of every layer's entry.
    pub(crate) fn images(&mut self, expected: &Expected, reference: &str, options: &OpenOptions) -> Result<Vec<Keyed>, ImageError> {
        let mut images = match expected {
            Expected::Oci(_) if !self.contains("index.json") => {
                let hint = if self.contains("manifest.json") {
                    "it is a docker-archive; write docker-archive:FILE"
                } else {
                    "it is no image archive"
                };
                Err(ImageError::Unreadable(format!("{reference} has no index.json; {hint}")))
            }
            Expected::Oci(tag) => self.oci_images(reference, tag.as_deref(), false, options),
            Expected::Any | Expected::Docker => self.both(reference, options),
        }?;
        if let Some(wanted) = &options.platform {
            let wanted = Platform::parse(wanted).map_err(ImageError::Unreadable)?;
            let has = |image: &Image| image.platform.as_deref().and_then(|text| Platform::parse(text).ok());
            let others: Vec<Platform> = images.iter().filter_map(|(image, _)| has(image)).collect();
            images.retain(|(image, _)| has(image).is_none_or(|has| wanted.rank(&has).is_some()));
            if images.is_empty() {
                return Err(no_platform(reference, &wanted, others.iter()));
            }
        }
        let skipped = std::mem::take(&mut self.skipped);
        if let Some((first, _)) = images.first_mut() {
            first.skipped.extend(skipped);
        }
        for (image, keys) in &mut images {
            for (layer, key) in image.layers.iter_mut().zip(keys) {
                self.check(layer, key);
            }
        }
        Ok(images)
    }

    /// Archives of current docker hold an OCI layout and `manifest.json`. They should say the same; where they do not, what only
    /// one of them names is read too, because which one a runtime believes depends on its version.
    fn both(&self, reference: &str, options: &OpenOptions) -> Result<Vec<Keyed>, ImageError> {
        let docker = self.contains("manifest.json") || self.contains("repositories");
        if !self.contains("index.json") {
            if !docker {
                return Err(ImageError::Unreadable(format!(
                    "{reference} is not an image archive: it has neither index.json nor manifest.json; unpack a root file system and scan it with dir:PATH"
                )));
            }
            return docker_archive::images(self, reference);
        }
        let mut images = match self.oci_images(reference, None, true, options) {
            // A daemon may save an index of which it has only one image.
            Err(_) if docker => return docker_archive::images(self, reference),
            images => images?,
        };
        if docker {
            let wanted = options.platform.as_deref().and_then(|text| Platform::parse(text).ok()).unwrap_or_else(Platform::host);
            let seen: std::collections::HashSet<String> = images.iter().flat_map(|(_, keys)| keys.iter().flatten().cloned()).collect();
            for (image, keys) in docker_archive::images(self, reference).unwrap_or_default() {
                let other =
                    image.platform.as_deref().and_then(|text| Platform::parse(text).ok()).is_some_and(|has| wanted.rank(&has).is_none());
                if keys.iter().flatten().any(|key| !seen.contains(key)) && (options.all_platforms || !other) {
                    images.push((image, keys));
                }
            }
        }
        Ok(images)
    }

    fn oci_images(&self, reference: &str, tag: Option<&str>, several: bool, options: &OpenOptions) -> Result<Vec<Keyed>, ImageError> {
        let index = self.document("index.json", None, None, limits::MANIFEST)?;
        let images = layout::images(self, &index, reference, tag, several, options)?;
        let keys = |image: &Image| image.layers.iter().map(|layer| self.blob_key(&layer.digest)).collect();
        let images: Vec<Keyed> = images.into_iter().map(|image| (keys(&image), image)).map(|(keys, image)| (image, keys)).collect();
        let none = |(image, keys): &Keyed| !keys.is_empty() && keys.iter().all(Option::is_none) && image.config.is_none();
        if images.iter().any(none) {
            return Err(ImageError::Unreadable(format!("{reference} names an image whose blobs it does not hold")));
        }
        Ok(images)
    }

    fn blob_key(&self, digest: &str) -> Option<String> {
        let digest = Digest::parse(digest).ok()?;
        self.find(&layout::blob_path(&digest)).map(|(name, _)| name)
    }

    /// Marks a layer whose bytes are not there to be read.
    fn check(&self, layer: &mut Layer, key: &mut Option<String>) {
        let why = match key.as_deref().and_then(|key| self.find(key)) {
            None => "the archive does not hold its bytes".to_owned(),
            Some((_, Stored { content: Content::Unread(reason), .. })) => reason.clone(),
            Some((_, Stored { content: Content::Kept(_), .. })) => "its bytes are JSON and no tar".to_owned(),
            Some((_, Stored { content: Content::OnDisk | Content::HandedOut, .. })) => match layer.uncovered.take() {
                Some(reason) if reason != manifest::FOREIGN => reason,
                _ => return,
            },
        };
        *key = None;
        layer.uncovered.get_or_insert(why);
    }
}

impl Blobs for Contents {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        self.blob(descriptor, limits::MANIFEST)
    }

    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError> {
        let digest = descriptor.digest()?;
        self.document(&layout::blob_path(&digest), Some(&digest), descriptor.size, limit)
    }
}
