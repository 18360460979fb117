//! From a manifest or an index to images: platform choice, configs, layers, annotations, attestations.
//!
//! The same for every place that stores blobs by digest; the places differ in [`Blobs`] alone.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    Annotation, Attestation, Image, ImageConfig, ImageError, Layer, OpenOptions,
    digest::Digest,
    instructions, limits,
    manifest::{self, Descriptor, Document, Manifest, printable},
    platform::Platform,
};
use crate::finding::Skip;

/// A place that stores manifests and small blobs by digest.
pub(crate) trait Blobs {
    /// The bytes of a manifest or index, verified, [`limits::MANIFEST`] at the most.
    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError>;
    /// The bytes of a blob, verified, `limit` at the most.
    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ImageError>;
}

/// Where to start: the document that a tag or digest names.
pub(crate) struct Root {
    /// Verified bytes of a manifest or index.
    pub(crate) bytes: Vec<u8>,
    /// Its digest.
    pub(crate) digest: Digest,
    /// Annotations of what led here, with their owners.
    pub(crate) annotations: Vec<Annotation>,
    /// What lies beside it and is no image: signatures, SBOMs. Read with the first image, like attestations.
    pub(crate) artifacts: Vec<Descriptor>,
}

/// The images that `root` means: the one of the wanted platform, or all.
///
/// # Errors
/// When there is none, or the document is none.
pub(crate) fn images(blobs: &dyn Blobs, reference: &str, root: Root, options: &OpenOptions) -> Result<Vec<Image>, ImageError> {
    let mut found = Found { artifacts: root.artifacts, ..Found::default() };
    let descriptor = Descriptor { digest: root.digest.to_string(), ..Descriptor::default() };
    found.collect(blobs, reference, root.bytes, descriptor, root.annotations.into(), 0)?;
    let wanted = options.platform.as_deref().map(Platform::parse).transpose().map_err(ImageError::Unreadable)?;
    let known: Vec<String> = found.candidates.iter().map(|candidate| candidate.descriptor.digest.clone()).collect();
    let chosen = if options.all_platforms || !found.through_index {
        std::mem::take(&mut found.candidates)
    } else {
        vec![choose(std::mem::take(&mut found.candidates), wanted.as_ref(), reference)?]
    };
    if chosen.is_empty() {
        return Err(ImageError::Unreadable(format!("{reference} is an index without any image")));
    }
    let mut images = Vec::new();
    let mut failed = Vec::new();
    let alone = chosen.len() == 1;
    for candidate in chosen {
        // Those that attest this image, and, so that nothing is lost, with the first image those that attest nothing that is here.
        let attested = |descriptor: &&Descriptor| {
            let alien = |digest: &str| images.is_empty() && !known.iter().any(|known| known == digest);
            descriptor.attests().is_some_and(|digest| digest == candidate.descriptor.digest || alien(digest))
        };
        let mut attestations: Vec<Descriptor> = found.attestations.iter().filter(attested).cloned().collect();
        attestations.extend(found.artifacts.iter().filter(|_| images.is_empty()).cloned());
        match image(blobs, reference, candidate, &attestations, images.is_empty()) {
            Ok(image) => {
                if let (Some(wanted), Some(has), true) = (&wanted, &image.platform, alone)
                    && let Ok(has) = Platform::parse(has)
                    && wanted.rank(&has).is_none()
                {
                    return Err(no_platform(reference, wanted, [has].iter()));
                }
                images.push(image);
            }
            Err(error) if alone => return Err(error),
            Err(error) => failed.push(Skip { layer: None, path: Some("index".to_owned()), reason: error.with_cause(), bytes: None }),
        }
    }
    match images.first_mut() {
        Some(first) => first.skipped.extend(failed),
        None => {
            let why = failed.first().map_or(String::new(), |skip| format!(": {}", skip.reason));
            return Err(ImageError::Unreadable(format!("no image of {reference} can be read{why}")));
        }
    }
    Ok(images)
}

/// A manifest that may be the wanted one.
struct Candidate {
    descriptor: Descriptor,
    /// Of the indexes above it, shared: an index may have a thousand manifests and megabytes of annotations.
    inherited: Rc<[Annotation]>,
    /// Where the document was already read.
    document: Option<Document>,
}

#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    attestations: Vec<Descriptor>,
    /// Known to be no images, before anything was collected.
    artifacts: Vec<Descriptor>,
    through_index: bool,
    /// Indexes within indexes: they may name each other many times over.
    nested: usize,
}

impl Found {
    fn collect(
        &mut self,
        blobs: &dyn Blobs,
        reference: &str,
        bytes: Vec<u8>,
        descriptor: Descriptor,
        inherited: Rc<[Annotation]>,
        depth: u32,
    ) -> Result<(), ImageError> {
        let document = manifest::parse(&bytes, reference)?;
        let Document::Index(index) = document else {
            self.candidates.push(Candidate { descriptor, inherited, document: Some(document) });
            return Ok(());
        };
        self.through_index = true;
        if depth >= limits::INDEX_DEPTH {
            return Err(ImageError::Unreadable(format!("{reference} nests indexes deeper than {}", limits::INDEX_DEPTH)));
        }
        let mut inherited = inherited.to_vec();
        annotations("index", &index.annotations, &mut inherited);
        let inherited: Rc<[Annotation]> = inherited.into();
        for child in index.manifests {
            if self.candidates.len() + self.attestations.len() + self.nested >= limits::MANIFESTS {
                return Err(ImageError::Unreadable(format!("{reference} holds more than {} manifests", limits::MANIFESTS)));
            }
            if child.attests().is_some() {
                self.attestations.push(child);
            } else if self.artifacts.iter().any(|artifact| artifact.digest == child.digest) {
                continue;
            } else if child.is_index() {
                self.nested += 1;
                let bytes = blobs.manifest(&child)?;
                let mut above = inherited.to_vec();
                annotations("index", &child.annotations, &mut above);
                self.collect(blobs, reference, bytes, child, above.into(), depth + 1)?;
            } else {
                self.candidates.push(Candidate { descriptor: child, inherited: Rc::clone(&inherited), document: None });
            }
        }
        Ok(())
    }
}

fn choose(mut candidates: Vec<Candidate>, wanted: Option<&Platform>, reference: &str) -> Result<Candidate, ImageError> {
    let known = |candidate: &Candidate| candidate.descriptor.platform.as_ref().is_some_and(Platform::is_known);
    // Nothing else to take, and nothing said against it: neither by the user nor by the index.
    if candidates.len() == 1 && candidates.first().is_some_and(|only| wanted.is_none() || !known(only)) {
        return Ok(candidates.remove(0));
    }
    let host = Platform::host();
    let wanted = wanted.unwrap_or(&host);
    let best =
        candidates.iter().enumerate().filter_map(|(at, candidate)| Some((wanted.rank(candidate.descriptor.platform.as_ref()?)?, at))).min();
    match best {
        Some((_, at)) => Ok(candidates.swap_remove(at)),
        None => Err(no_platform(reference, wanted, candidates.iter().filter_map(|candidate| candidate.descriptor.platform.as_ref()))),
    }
}

/// The error of an image that is not there for a platform, with those that are.
pub(crate) fn no_platform<'a>(reference: &str, wanted: &Platform, has: impl Iterator<Item = &'a Platform>) -> ImageError {
    let mut has: Vec<String> = has.map(Platform::to_string).collect();
    has.sort_unstable();
    has.dedup();
    has.truncate(30);
    let has = if has.is_empty() { "no platform that it names".to_owned() } else { has.join(", ") };
    ImageError::Unreadable(format!("no image for {wanted} in {reference}; it has: {has}; choose one with --platform"))
}

/// `first`: the image that also carries annotations too large to be repeated.
fn image(blobs: &dyn Blobs, reference: &str, candidate: Candidate, attestations: &[Descriptor], first: bool) -> Result<Image, ImageError> {
    let document = match candidate.document {
        Some(document) => document,
        None => manifest::parse(&blobs.manifest(&candidate.descriptor)?, reference)?,
    };
    let digest = Some(candidate.descriptor.digest.clone());
    let platform = candidate.descriptor.platform.filter(Platform::is_known).map(|platform| platform.to_string());
    let mut image = Image::new(reference.to_owned());
    (image.digest, image.platform) = (digest, platform);
    let bytes: usize = candidate.inherited.iter().map(|annotation| annotation.key.len() + annotation.value.len()).sum();
    if first || bytes <= limits::REPEATED_ANNOTATIONS {
        image.annotations.extend(candidate.inherited.iter().cloned());
    }
    annotations("index", &candidate.descriptor.annotations, &mut image.annotations);
    match document {
        Document::Manifest(manifest) => match &manifest.artifact {
            Some(kind) => return Err(manifest::not_an_image(reference, kind)),
            None => fill(&mut image, blobs, &manifest),
        },
        Document::Schema1 => image.skipped.push(skip(
            "manifest",
            "a manifest of Docker's schema 1, which is deprecated since 2016; push the image again with a current tool to have it read",
            None,
        )),
        Document::Index(_) => {
            return Err(ImageError::Unreadable(format!("{reference} names an index as an image manifest; its media types are wrong")));
        }
    }
    let mut left = limits::ATTESTATIONS;
    for descriptor in attestations {
        if let Err(error) = attestation(&mut image, blobs, descriptor, &mut left) {
            image.skipped.push(skip("attestation", &error.with_cause(), descriptor.size));
        }
    }
    Ok(image)
}

fn fill(image: &mut Image, blobs: &dyn Blobs, manifest: &Manifest) {
    annotations("manifest", &manifest.annotations, &mut image.annotations);
    annotations("config", &manifest.config.annotations, &mut image.annotations);
    for (at, layer) in manifest.layers.iter().enumerate() {
        annotations(&format!("layer {at}"), &layer.annotations, &mut image.annotations);
    }
    match blobs.blob(&manifest.config, limits::CONFIG) {
        Ok(bytes) => add_config(image, &bytes),
        Err(error) => image.skipped.push(skip("config", &error.with_cause(), manifest.config.size)),
    }
    image.layers = join(image.config.as_ref(), manifest.layers.iter().map(layer).collect());
}

/// Puts a config into an image; one that cannot be read is a gap and no error.
pub(crate) fn add_config(image: &mut Image, bytes: &[u8]) {
    match ImageConfig::parse(bytes) {
        Ok((config, more)) => {
            image.platform = image.platform.take().or_else(|| config.platform.clone());
            image.config = Some(config);
            image.skipped.extend(more);
        }
        Err(reason) => image.skipped.push(skip("config", &reason, Some(bytes.len() as u64))),
    }
}

fn layer(descriptor: &Descriptor) -> Layer {
    Layer {
        index: 0,
        digest: Digest::parse(&descriptor.digest).map(|digest| digest.to_string()).unwrap_or_default(),
        diff_id: None,
        media_type: printable(&descriptor.media_type),
        size: descriptor.size,
        created_by: None,
        steps: Vec::new(),
        uncovered: manifest::uncovered(descriptor),
    }
}

/// Numbers layers and gives each its diffID and history line.
pub(crate) fn join(config: Option<&ImageConfig>, mut layers: Vec<Layer>) -> Vec<Layer> {
    let made = instructions::of_layers(config.map(|config| config.history.as_slice()).unwrap_or_default(), layers.len());
    for ((at, layer), made) in layers.iter_mut().enumerate().zip(made) {
        layer.index = u32::try_from(at).unwrap_or(u32::MAX);
        layer.created_by = made.by;
        layer.steps = made.steps;
        layer.diff_id = config.and_then(|config| config.diff_ids.get(at)).filter(|id| !id.is_empty()).cloned();
    }
    layers
}

/// Reads the statements of one attestation manifest, or the texts of another artifact.
fn attestation(image: &mut Image, blobs: &dyn Blobs, descriptor: &Descriptor, left: &mut u64) -> Result<(), ImageError> {
    let Document::Manifest(manifest) = manifest::parse(&blobs.manifest(descriptor)?, "the attestation")? else {
        return Err(ImageError::Unreadable("the attestation is not a manifest".to_owned()));
    };
    annotations("attestation", &manifest.annotations, &mut image.annotations);
    for statement in &manifest.layers {
        annotations("attestation", &statement.annotations, &mut image.annotations);
        let limit = limits::ATTESTATION.min(*left);
        match blobs.blob(statement, limit) {
            Ok(json) => {
                *left = left.saturating_sub(json.len() as u64);
                let predicate_type = statement.annotations.get("in-toto.io/predicate-type").unwrap_or(&statement.media_type);
                if memchr::memchr(0, &json).is_some() {
                    let reason =
                        format!("an artifact beside the image, of type {}, is no text and was not unpacked", printable(predicate_type));
                    image.skipped.push(skip("attestation", &reason, Some(json.len() as u64)));
                }
                image.attestations.push(Attestation {
                    predicate_type: printable(predicate_type),
                    digest: statement.digest.clone(),
                    json: json.into(),
                });
            }
            Err(error) => image.skipped.push(skip("attestation", &error.with_cause(), statement.size)),
        }
    }
    Ok(())
}

fn annotations(owner: &str, from: &BTreeMap<String, String>, into: &mut Vec<Annotation>) {
    into.extend(from.iter().map(|(key, value)| Annotation { owner: owner.to_owned(), key: key.clone(), value: value.clone() }));
}

pub(crate) fn skip(path: &str, reason: &str, bytes: Option<u64>) -> Skip {
    Skip { layer: None, path: Some(path.to_owned()), reason: reason.to_owned(), bytes }
}
