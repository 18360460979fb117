//! An image and the ways to read it. Knows nothing of secrets.
//!
//! An image is opened in one of two ways: where its blobs can be read in any order ([`Opened::Images`]: registry, layout,
//! uncompressed archive on disk, directory), layers are opened by index; where the bytes come once
//! ([`Opened::Stream`]: standard input, a compressed archive, a daemon's export), blobs are handed out in the order in
//! which they come, and the manifest that says what they are may come last.

use std::{io::Read, path::PathBuf, sync::Arc};

use crate::{finding::Skip, target::Target};

mod archive;
pub mod compression;
mod config;
mod daemon;
mod digest;
mod docker_archive;
#[cfg(test)]
mod hostile;
mod http;
pub(crate) mod instructions;
mod layout;
mod limits;
mod manifest;
mod members;
mod metadata;
mod platform;
mod reference;
mod registry;
mod resolve;
mod stream;
mod verify;

pub use digest::{Algorithm, Digest};
pub use instructions::Step;
pub use reference::Reference;

/// One image of one platform.
pub struct Image {
    /// What the user asked for, as typed; with the platform's manifest digest this is the image's identity.
    pub reference: String,
    /// Digest of the manifest. `None` where the source has no manifest (`docker save` archives, directories).
    pub digest: Option<String>,
    /// `os/arch[/variant]`, from the index or else the config.
    pub platform: Option<String>,
    /// The config, where there is one that could be read.
    pub config: Option<ImageConfig>,
    /// The layers in the manifest's order, with those that cannot be read.
    pub layers: Vec<Layer>,
    /// Annotations of the index, its descriptor, the manifest and its layer descriptors, as (where, key, value).
    pub annotations: Vec<Annotation>,
    /// In-toto statements of attestation manifests that belong to this image (BuildKit provenance, SBOMs), as JSON bytes.
    pub attestations: Vec<Attestation>,
    /// What could not be covered before any layer was opened.
    pub skipped: Vec<Skip>,
}

impl Image {
    /// Of this name, with nothing known yet.
    pub(crate) fn new(reference: String) -> Self {
        Self {
            reference,
            digest: None,
            platform: None,
            config: None,
            layers: Vec::new(),
            annotations: Vec::new(),
            attestations: Vec::new(),
            skipped: Vec::new(),
        }
    }
}

/// One annotation of a manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// `index`, `manifest`, `layer 3`, `config`.
    pub owner: String,
    /// The key.
    pub key: String,
    /// The value; it may hold a secret, so print no annotation.
    pub value: String,
}

/// One attestation statement.
#[derive(Clone)]
pub struct Attestation {
    /// `https://slsa.dev/provenance/v0.2`, from the layer descriptor's annotation.
    pub predicate_type: String,
    /// Digest of its blob.
    pub digest: String,
    /// The statement, verified and bounded.
    pub json: Arc<[u8]>,
}

/// One layer of a manifest.
#[derive(Clone, PartialEq, Eq)]
pub struct Layer {
    /// 0-based, in the manifest's order.
    pub index: u32,
    /// Digest of the blob; empty where the source knows none.
    pub digest: String,
    /// From the config.
    pub diff_id: Option<String>,
    /// As declared; a hint only, the first bytes decide.
    pub media_type: String,
    /// Bytes of the blob, as declared.
    pub size: Option<u64>,
    /// The history line that made it.
    pub created_by: Option<String>,
    /// The instructions whose files it holds, if they are several.
    pub steps: Vec<Step>,
    /// Why it cannot be read at all (encrypted, foreign), as a reason for people. `None`: it can be opened.
    pub uncovered: Option<String>,
}

/// The parts of an OCI or Docker image config that are read. Values may hold secrets, so it has no `Debug`.
#[derive(Clone, Default)]
pub struct ImageConfig {
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// `config.Env`, each `NAME=value`.
    pub env: Vec<String>,
    /// `config.Labels`, sorted.
    pub labels: Vec<(String, String)>,
    /// `config.Cmd`.
    pub cmd: Vec<String>,
    /// `config.Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `config.Healthcheck.Test`.
    pub healthcheck: Vec<String>,
    /// `config.OnBuild`.
    pub onbuild: Vec<String>,
    /// Everything else of the config that holds text (author, user, working directory, ...), as (JSON pointer, value).
    pub other: Vec<(String, String)>,
    /// `history`, in order, with the empty layers.
    pub history: Vec<History>,
    /// `rootfs.diff_ids`.
    pub diff_ids: Vec<String>,
}

/// One history entry.
#[derive(Clone, Default)]
pub struct History {
    /// The instruction, as the builder wrote it.
    pub created_by: String,
    /// Free text.
    pub comment: String,
    /// Free text.
    pub author: String,
    /// Whether it made no layer.
    pub empty_layer: bool,
}

/// Bytes of one blob as stored. Checks digest and size while it is read: at the end it yields an error on a mismatch,
/// so a reader that stops early must drain it.
pub type BlobReader = Box<dyn Read + Send>;

/// How to open a target.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// `os/arch[/variant]`; `None` is this machine's architecture on linux.
    pub platform: Option<String>,
    /// Every platform of an index.
    pub all_platforms: bool,
    /// Plain HTTP and unverified TLS are accepted.
    pub insecure: bool,
    /// PEM file with further certificate authorities.
    pub ca_cert: Option<std::path::PathBuf>,
}

/// Opens a target. Blocks; a registry is spoken to on a runtime of its own.
///
/// # Errors
/// When there is no such image, or it cannot be read.
pub fn open(target: &Target, options: &OpenOptions) -> Result<Opened, ImageError> {
    let reference = target.to_string();
    // A word that is no platform is a mistake wherever it is typed.
    options.platform.as_deref().map(platform::Platform::parse).transpose().map_err(ImageError::Unreadable)?;
    match target {
        Target::OciLayout(path, tag) => layout::open(path, tag.as_deref(), &reference, options),
        Target::OciArchive(path, tag) => archive::open(path, archive::Expected::Oci(tag.clone()), &reference, options),
        Target::DockerArchive(path) => archive::open(path, archive::Expected::Docker, &reference, options),
        Target::Archive(path) => archive::open(path, archive::Expected::Any, &reference, options),
        Target::Stdin => Ok(stream::open(Box::new(std::io::stdin()), archive::Expected::Any, "standard input", options)),
        Target::Dir(path) if path.is_dir() => Ok(Opened::Dir(path.clone())),
        Target::Dir(path) if path.exists() => Err(ImageError::Unreadable(format!("{} is not a directory", path.display()))),
        Target::Dir(path) => Err(ImageError::Unreadable(format!("there is no directory {}", path.display()))),
        Target::Registry(name) => registry::open(name, options),
        Target::Docker(name) => daemon::open(daemon::Daemon::Docker, name, &reference, options),
        Target::Podman(name) => daemon::open(daemon::Daemon::Podman, name, &reference, options),
    }
}

/// What opening a target gives.
pub enum Opened {
    /// Images whose layers can be opened in any order, also from several threads.
    Images(Vec<(Image, Arc<dyn OpenLayer>)>),
    /// One pass over an archive.
    Stream(Box<dyn StreamedArchive>),
    /// A directory tree: one layer without a config, to be walked.
    Dir(PathBuf),
}

/// Opens layers of one image; shared by worker threads.
pub trait OpenLayer: Send + Sync {
    /// The blob of `image.layers[index]`, compressed as it is stored.
    ///
    /// # Errors
    /// As [`ImageError`] says; an error while reading comes from the reader.
    fn open(&self, layer: &Layer) -> Result<BlobReader, ImageError>;
}

/// An archive that is read once, front to back.
pub trait StreamedArchive: Send {
    /// Reads the archive to its end. `blob` is called for every entry that may be a layer, with the entry's key
    /// (its name in the archive) and reader, before it is known whether a manifest names it. Afterwards the images are known:
    /// each layer's `digest` or key says which call it was.
    ///
    /// # Errors
    /// When the archive is damaged or holds no image.
    fn read(self: Box<Self>, blob: &mut dyn FnMut(&str, &mut (dyn Read + Send))) -> Result<Vec<StreamedImage>, ImageError>;
}

/// An image of a streamed archive.
pub struct StreamedImage {
    /// The image.
    pub image: Image,
    /// For each layer, the key under which its bytes were handed out; `None` where they never came.
    pub keys: Vec<Option<String>>,
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A message that says what happened, why, and what to do next.
    #[error("{0}")]
    Unreadable(String),
    /// Reading failed on the way.
    #[error("cannot read {what}")]
    Io {
        /// What was read.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are not those that the manifest names.
    #[error("digest mismatch for {what}: expected {expected}, found {found}; the blob was altered or cut")]
    DigestMismatch {
        /// What was read.
        what: String,
        /// From the descriptor.
        expected: String,
        /// Of the bytes.
        found: String,
    },
}

impl ImageError {
    /// The message with its cause, for a skip's reason.
    pub(crate) fn with_cause(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }

    /// An error of reading `what`; one of ours that travelled inside an [`std::io::Error`] comes out again.
    pub(crate) fn reading(what: &str, source: std::io::Error) -> Self {
        match source.downcast::<Self>() {
            Ok(inner) => inner,
            Err(source) => Self::Io { what: what.to_owned(), source },
        }
    }
}
