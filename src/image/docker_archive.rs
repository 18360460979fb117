//! What `docker save` writes.
//!
//! Formats: [Docker image spec v1.2, "Combined Image JSON + Filesystem Changeset Format"](https://github.com/moby/docker-image-spec/blob/main/v1.2.md)
//! with `manifest.json` (Docker 1.10 and later; since 25 the layers lie in an OCI layout), and v1 with `repositories` alone.
//! Layers are found by the names that `manifest.json` gives, whatever they are: `ID/layer.tar` (possibly a symbolic link to a
//! sibling's), `DIFFID.tar` (skopeo, podman), `blobs/sha256/DIFFID`.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::{
    Image, ImageError, Layer,
    archive::{Contents, Keyed},
    digest::Digest,
    limits,
    manifest::{null_default, printable, without_values},
    resolve,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    #[serde(default, deserialize_with = "null_default")]
    config: String,
    #[serde(default, deserialize_with = "null_default")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "null_default")]
    layers: Vec<String>,
}

/// The images of the archive, each with the entry of every layer.
pub(crate) fn images(contents: &Contents, reference: &str) -> Result<Vec<Keyed>, ImageError> {
    if !contents.contains("manifest.json") {
        return version_1(contents, reference);
    }
    let bytes = contents.document("manifest.json", None, None, limits::MANIFEST)?;
    let saved: Vec<Saved> = serde_json::from_slice(&bytes)
        .map_err(|error| ImageError::Unreadable(format!("manifest.json of {reference} cannot be read: {}", without_values(&error))))?;
    if saved.is_empty() {
        return Err(ImageError::Unreadable(format!("{reference} holds no image: its manifest.json is empty")));
    }
    if saved.len() > limits::IMAGES || saved.iter().any(|image| image.layers.len() > limits::LAYERS) {
        return Err(ImageError::Unreadable(format!("manifest.json of {reference} lists too many images or layers")));
    }
    let alone = saved.len() == 1;
    Ok(saved.into_iter().enumerate().map(|(at, saved)| image(contents, reference, at, saved, alone)).collect())
}

fn image(contents: &Contents, reference: &str, at: usize, saved: Saved, alone: bool) -> Keyed {
    let name = saved.repo_tags.first().map_or_else(|| format!("image {at}"), |tag| printable(tag));
    let mut image = Image::new(if alone { reference.to_owned() } else { format!("{reference} ({name})") });
    match contents.document(&saved.config, None, None, limits::CONFIG) {
        Ok(bytes) => resolve::add_config(&mut image, &bytes),
        Err(error) => image.skipped.push(resolve::skip("config", &error.with_cause(), None)),
    }
    let (layers, keys) = saved.layers.iter().map(|name| layer(contents, name)).unzip();
    image.layers = resolve::join(image.config.as_ref(), layers);
    (image, keys)
}

fn layer(contents: &Contents, name: &str) -> (Layer, Option<String>) {
    let found = contents.find(name);
    let digest = found
        .as_ref()
        .and_then(|(name, _)| name.strip_prefix("blobs/sha256/"))
        .and_then(|hex| Digest::parse(&format!("sha256:{hex}")).ok())
        .map(|digest| digest.to_string())
        .unwrap_or_default();
    let layer = Layer {
        index: 0,
        digest,
        diff_id: None,
        media_type: "application/vnd.docker.image.rootfs.diff.tar".to_owned(),
        size: found.as_ref().map(|(_, stored)| stored.size),
        created_by: None,
        steps: Vec::new(),
        uncovered: found.is_none().then(|| format!("the archive does not hold {}", printable(name))),
    };
    (layer, found.map(|(name, _)| name))
}

/// `repositories` names the top layer of each tag, and every layer's `json` its parent.
fn version_1(contents: &Contents, reference: &str) -> Result<Vec<Keyed>, ImageError> {
    #[derive(Deserialize)]
    struct Parent {
        #[serde(default, deserialize_with = "null_default")]
        parent: String,
    }
    let wrong = |error: serde_json::Error| ImageError::Unreadable(format!("{reference} cannot be read: {}", without_values(&error)));
    let bytes = contents.document("repositories", None, None, limits::MANIFEST)?;
    let repositories: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_slice(&bytes).map_err(wrong)?;
    let tags = repositories.iter().flat_map(|(name, tags)| tags.iter().map(move |(tag, id)| (format!("{name}:{tag}"), id)));
    let tags: Vec<_> = tags.take(limits::IMAGES).collect();
    let alone = tags.len() == 1;
    let mut images = Vec::new();
    for (name, top) in tags {
        let mut image = Image::new(if alone { reference.to_owned() } else { format!("{reference} ({})", printable(&name)) });
        let mut chain = Vec::new();
        let mut seen = HashSet::new();
        let mut id = top.clone();
        while !id.is_empty() && seen.insert(id.clone()) && chain.len() < limits::LAYERS {
            let json = contents.document(&format!("{id}/json"), None, None, limits::CONFIG)?;
            if chain.is_empty() {
                resolve::add_config(&mut image, &json);
            }
            chain.push(layer(contents, &format!("{id}/layer.tar")));
            id = serde_json::from_slice::<Parent>(&json).map_err(wrong)?.parent;
        }
        chain.reverse();
        let (layers, keys) = chain.into_iter().unzip();
        image.layers = resolve::join(image.config.as_ref(), layers);
        images.push((image, keys));
    }
    if images.is_empty() {
        return Err(ImageError::Unreadable(format!("{reference} holds no image: its `repositories` is empty")));
    }
    Ok(images)
}
