//! Images in a registry.
//!
//! Specification: [OCI distribution](https://github.com/opencontainers/distribution-spec/blob/main/spec.md), of which only pulling is
//! used: `GET /v2/NAME/manifests/REFERENCE` and `GET /v2/NAME/blobs/DIGEST`. Written on the plain HTTP client, because what matters
//! here is between the requests: bounded bodies, resumed blobs, tokens renewed while layers are read, credentials that stay with
//! their host.

mod auth;
mod blob;
mod credentials;
mod retry;
mod tls;
mod transport;

use std::sync::Arc;

use reqwest::StatusCode;
use tokio::runtime::Runtime;

use super::{
    BlobReader, ImageError, Layer, OpenLayer, OpenOptions, Opened,
    digest::Digest,
    limits,
    manifest::{self, Descriptor, Document},
    reference::Reference,
    resolve::{self, Blobs, Root},
    verify::{Verified, read_small},
};

/// Opens the image of `reference`.
pub(crate) fn open(reference: &str, options: &OpenOptions) -> Result<Opened, ImageError> {
    let parsed = Reference::parse(reference).map_err(ImageError::Unreadable)?;
    let runtime = super::http::runtime()?;
    let transport = runtime.block_on(transport::Transport::connect(parsed, options))?;
    let registry = Registry { runtime, transport };
    let root = registry.root()?;
    let images = resolve::images(&registry, reference, root, options)?;
    let registry: Arc<dyn OpenLayer> = Arc::new(Shared(Arc::new(registry)));
    Ok(Opened::Images(images.into_iter().map(|image| (image, Arc::clone(&registry))).collect()))
}

/// One repository of one registry.
struct Registry {
    runtime: Arc<Runtime>,
    transport: transport::Transport,
}

impl Registry {
    /// What the tag or digest names.
    fn root(&self) -> Result<Root, ImageError> {
        let reference = &self.transport.reference;
        let name = match (&reference.digest, &reference.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        };
        let path = format!("/v2/{}/manifests/{name}", reference.repository);
        let (bytes, stated) = self.runtime.block_on(self.transport.document(&path, Some(manifest::ACCEPT), limits::MANIFEST))?;
        let what = format!("the manifest of {reference}");
        let digest = match &reference.digest {
            Some(digest) => {
                let checked = read_small(bytes.as_slice(), &what, Some(digest), None, limits::MANIFEST);
                checked?;
                digest.clone()
            }
            None => Digest::of(&bytes),
        };
        // The digest of schema 1 leaves out the signature, so it is not that of the bytes.
        if let Some(stated) = stated.and_then(|text| Digest::parse(&text).ok())
            && stated.algorithm() == digest.algorithm()
            && stated != digest
            && !matches!(manifest::parse(&bytes, &what), Ok(Document::Schema1))
        {
            return Err(ImageError::DigestMismatch { what, expected: stated.to_string(), found: digest.to_string() });
        }
        Ok(Root { bytes, digest, annotations: Vec::new(), artifacts: Vec::new() })
    }

    fn small(&self, kind: &str, accept: Option<&str>, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError> {
        let digest = descriptor.digest()?;
        let what = format!("{kind} {digest}");
        if descriptor.size.is_some_and(|size| size > limit) {
            return Err(ImageError::Unreadable(format!("{what} is larger than {limit} bytes, the most that is read")));
        }
        let path = format!("/v2/{}/{kind}s/{digest}", self.transport.reference.repository);
        let (bytes, _) = self.runtime.block_on(self.transport.document(&path, accept, limit))?;
        read_small(bytes.as_slice(), &what, Some(&digest), descriptor.size, limit)
    }
}

impl Blobs for Registry {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        self.small("manifest", Some(manifest::ACCEPT), descriptor, limits::MANIFEST)
    }

    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError> {
        self.small("blob", None, descriptor, limit)
    }
}

/// Layers outlive the call that opened the image, and share its connections and token.
struct Shared(Arc<Registry>);

impl OpenLayer for Shared {
    fn open(&self, layer: &Layer) -> Result<BlobReader, ImageError> {
        let digest = Digest::parse(&layer.digest).map_err(ImageError::Unreadable)?;
        let what = format!("layer {} ({digest})", layer.index);
        let blob = blob::Blob::open(Arc::clone(&self.0), &digest, layer.size)?;
        Ok(Box::new(Verified::new(blob, what, digest, layer.size)))
    }
}

/// What a status that is no success means, for people.
fn refused(reference: &Reference, status: StatusCode, code: Option<&str>, path: &str) -> ImageError {
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let registry = &reference.registry;
    ImageError::Unreadable(match status {
        StatusCode::NOT_FOUND if path.contains("/manifests/") => {
            format!("no such image: {reference}{code}; check the name and the tag")
        }
        StatusCode::NOT_FOUND => format!("registry {registry} does not have {path}{code}; the image is incomplete"),
        StatusCode::TOO_MANY_REQUESTS => {
            format!("registry {registry} limits the rate of pulls{code} and kept to it after several attempts; log in or try later")
        }
        status if status.is_redirection() => format!("registry {registry} redirects {path} in circles"),
        status => format!("registry {registry} answered {status}{code} to {path}"),
    })
}
