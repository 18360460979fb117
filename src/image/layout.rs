//! OCI layouts: `index.json` and blobs by digest, in a directory or in an archive.
//!
//! Format: [image-layout.md](https://github.com/opencontainers/image-spec/blob/main/image-layout.md).

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Annotation, BlobReader, Image, ImageError, Layer, OpenLayer, OpenOptions, Opened,
    digest::Digest,
    limits,
    manifest::{self, Descriptor, Document, Index, printable},
    resolve::{self, Blobs, Root},
    verify::{Verified, read_small},
};

/// Opens the directory `path`, and the image that `tag` names by reference name or digest.
pub(crate) fn open(path: &Path, tag: Option<&str>, reference: &str, options: &OpenOptions) -> Result<Opened, ImageError> {
    let layout = Layout::new(path)?;
    let index = layout.file(&layout.root.join("index.json"), "index.json")?;
    let index = read_small(index, "index.json", None, None, limits::MANIFEST)?;
    let mut images = images(&layout, &index, reference, tag, false, options)?;
    for layer in images.iter_mut().flat_map(|image| &mut image.layers) {
        let here = Digest::parse(&layer.digest).is_ok_and(|digest| layout.open_blob(&digest).is_ok());
        layer.uncovered = layer.uncovered.take().filter(|reason| !here || reason != manifest::FOREIGN);
    }
    let layout: Arc<dyn OpenLayer> = Arc::new(layout);
    Ok(Opened::Images(images.into_iter().map(|image| (image, Arc::clone(&layout))).collect()))
}

/// Path of a blob within a layout.
pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

/// A layout directory. Nothing outside it is read, wherever its symbolic links lead.
struct Layout {
    root: PathBuf,
}

impl Layout {
    fn new(path: &Path) -> Result<Self, ImageError> {
        let root = path.canonicalize().map_err(|source| ImageError::reading(&path.display().to_string(), source))?;
        if !root.join("index.json").exists() {
            return Err(ImageError::Unreadable(format!(
                "{} is not an OCI layout: it has no index.json; a directory tree is scanned with dir:PATH, an archive with oci-archive:FILE",
                path.display()
            )));
        }
        Ok(Self { root })
    }

    fn file(&self, path: &Path, what: &str) -> Result<File, ImageError> {
        let path = path.canonicalize().map_err(|source| ImageError::reading(what, source))?;
        // A fifo would block for ever, a device would never end.
        if !path.starts_with(&self.root) || !path.is_file() {
            return Err(ImageError::Unreadable(format!("{what} of the layout is not a file within it")));
        }
        File::open(path).map_err(|source| ImageError::reading(what, source))
    }

    fn open_blob(&self, digest: &Digest) -> Result<File, ImageError> {
        self.file(&self.root.join(blob_path(digest)), &format!("blob {digest}"))
    }

    fn small(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError> {
        let digest = descriptor.digest()?;
        read_small(self.open_blob(&digest)?, &format!("blob {digest}"), Some(&digest), descriptor.size, limit)
    }
}

impl Blobs for Layout {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        self.small(descriptor, limits::MANIFEST)
    }

    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError> {
        self.small(descriptor, limit)
    }
}

impl OpenLayer for Layout {
    fn open(&self, layer: &Layer) -> Result<BlobReader, ImageError> {
        let digest = Digest::parse(&layer.digest).map_err(ImageError::Unreadable)?;
        let file = self.open_blob(&digest)?;
        Ok(Box::new(Verified::new(file, format!("layer {} ({digest})", layer.index), digest, layer.size)))
    }
}

/// The images of an `index.json`. Without a tag there must be only one, or all are taken where `several` allows it.
pub(crate) fn images(
    blobs: &dyn Blobs,
    index_json: &[u8],
    reference: &str,
    tag: Option<&str>,
    several: bool,
    options: &OpenOptions,
) -> Result<Vec<Image>, ImageError> {
    let Document::Index(index) = manifest::parse(index_json, &format!("index.json of {reference}"))? else {
        return Err(ImageError::Unreadable(format!("index.json of {reference} is not an index")));
    };
    let mut entries = named(&index, tag);
    if entries.is_empty() {
        return Err(no_such(&index, reference, tag));
    }
    let mut artifacts = Vec::new();
    if tag.is_none() && entries.len() > 1 {
        (artifacts, entries) = entries.into_iter().partition(|descriptor| is_artifact(blobs, descriptor));
        // Only artifacts: the error says what the first of them is.
        if entries.is_empty() {
            std::mem::swap(&mut artifacts, &mut entries);
        }
    }
    let mut artifacts: Vec<Descriptor> = artifacts.into_iter().cloned().collect();
    if tag.is_none() && is_one_image(&index, &artifacts) {
        let root = Root { bytes: index_json.to_vec(), digest: Digest::of(index_json), annotations: Vec::new(), artifacts };
        return resolve::images(blobs, reference, root, options);
    }
    if entries.len() > 1 && !several {
        return Err(no_such(&index, reference, tag));
    }
    entries.truncate(limits::IMAGES);
    let mut images = Vec::new();
    let alone = entries.len() == 1;
    for descriptor in entries {
        let mut annotations = Vec::new();
        for (key, value) in index.annotations.iter().chain(&descriptor.annotations) {
            annotations.push(Annotation { owner: "index".to_owned(), key: key.clone(), value: value.clone() });
        }
        // What belongs to the image is read with it; of several, with the first.
        let artifacts = std::mem::take(&mut artifacts);
        let root = Root { bytes: blobs.manifest(descriptor)?, digest: descriptor.digest()?, annotations, artifacts };
        let reference = match name(descriptor) {
            Some(name) if !alone => format!("{reference} ({})", printable(name)),
            _ => reference.to_owned(),
        };
        images.extend(resolve::images(blobs, &reference, root, options)?);
    }
    Ok(images)
}

/// The descriptors that a tag means, one per digest.
fn named<'a>(index: &'a Index, tag: Option<&str>) -> Vec<&'a Descriptor> {
    let wanted = |descriptor: &Descriptor| match tag {
        None => descriptor.attests().is_none(),
        Some(tag) => {
            names(descriptor).any(|name| name == tag || name.strip_suffix(tag).is_some_and(|rest| rest.ends_with([':', '/'])))
                || descriptor.digest == tag
        }
    };
    let mut seen = std::collections::HashSet::new();
    index.manifests.iter().filter(|descriptor| wanted(descriptor) && seen.insert(descriptor.digest.as_str())).collect()
}

/// Whether an entry is no image but a signature, an SBOM or whatever else belongs to one. The manifest decides, where it can be read.
fn is_artifact(blobs: &dyn Blobs, descriptor: &Descriptor) -> bool {
    let manifest = blobs.manifest(descriptor).and_then(|bytes| manifest::parse(&bytes, "an entry of index.json"));
    let is_none = match manifest {
        Ok(Document::Manifest(manifest)) => manifest.artifact.is_some() || manifest.referrer,
        Ok(Document::Index(_) | Document::Schema1) => false,
        Err(_) => descriptor.is_artifact(),
    };
    // A signature of cosign has the config of an image.
    is_none || descriptor.is_cosigns()
}

/// Whether `index.json` is itself the index of one image: its manifests differ in the platform and not in the name.
fn is_one_image(index: &Index, artifacts: &[Descriptor]) -> bool {
    let beside =
        |descriptor: &&Descriptor| descriptor.attests().is_some() || artifacts.iter().any(|artifact| artifact.digest == descriptor.digest);
    let (attestations, manifests): (Vec<_>, Vec<_>) = index.manifests.iter().partition(beside);
    let mut platforms: Vec<String> = manifests.iter().filter_map(|d| d.platform.as_ref()).map(ToString::to_string).collect();
    platforms.sort_unstable();
    platforms.dedup();
    let mut names: Vec<&str> = manifests.iter().filter_map(|descriptor| name(descriptor)).collect();
    names.sort_unstable();
    names.dedup();
    names.len() <= 1 && platforms.len() == manifests.len() && (manifests.len() > 1 || !attestations.is_empty())
}

fn names(descriptor: &Descriptor) -> impl Iterator<Item = &str> {
    ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
        .into_iter()
        .filter_map(|key| descriptor.annotations.get(key))
        .map(String::as_str)
}

fn name(descriptor: &Descriptor) -> Option<&str> {
    names(descriptor).next()
}

fn no_such(index: &Index, reference: &str, tag: Option<&str>) -> ImageError {
    let mut has: Vec<String> = named(index, None)
        .into_iter()
        .filter(|descriptor| !descriptor.is_artifact())
        .take(20)
        .map(|descriptor| match name(descriptor) {
            Some(name) => printable(name),
            None => format!("{} (without a name)", printable(&descriptor.digest)),
        })
        .collect();
    has.sort_unstable();
    let has = if has.is_empty() { "nothing".to_owned() } else { has.join(", ") };
    ImageError::Unreadable(match tag {
        Some(tag) => format!("{reference} has no image `{tag}`; it has: {has}"),
        None if has == "nothing" => format!("{reference} holds no image"),
        None => format!("{reference} holds several images; name one with :TAG or @DIGEST behind the path: {has}"),
    })
}
