//! Manifests and indexes, as hostile JSON.
//!
//! Formats: [OCI manifest](https://github.com/opencontainers/image-spec/blob/main/manifest.md),
//! [OCI index](https://github.com/opencontainers/image-spec/blob/main/image-index.md),
//! [Docker schema 2](https://github.com/distribution/distribution/blob/main/docs/content/spec/manifest-v2-2.md).
//! The content decides what a document is, and its declared media type is only used where the content leaves it open.

use std::collections::BTreeMap;

use oci_distribution::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE, IMAGE_DOCKER_CONFIG_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
};
use serde::{Deserialize, Deserializer};

use super::{ImageError, digest::Digest, limits, platform::Platform};

/// Media types that a registry is asked for.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.artifact.manifest.v1+json;q=0.2, application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1";

/// Why a foreign layer is not read; where its bytes are at hand all the same, they are.
pub(crate) const FOREIGN: &str = "a foreign layer: its bytes are not part of the image but at a URL outside it";

const INDEX_TYPES: [&str; 2] = [OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE];
const CONFIG_TYPES: [&str; 4] = [
    "",
    IMAGE_CONFIG_MEDIA_TYPE,
    IMAGE_DOCKER_CONFIG_MEDIA_TYPE,
    "application/octet-stream", // images of Docker 1.10
];
const LAYER_TYPES: [&str; 2] = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/// A reference to a blob or manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Descriptor {
    #[serde(deserialize_with = "null_default")]
    pub(crate) media_type: String,
    #[serde(deserialize_with = "null_default")]
    pub(crate) digest: String,
    pub(crate) size: Option<u64>,
    #[serde(deserialize_with = "null_default")]
    pub(crate) urls: Vec<String>,
    #[serde(deserialize_with = "null_default")]
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) platform: Option<Platform>,
    pub(crate) artifact_type: Option<String>,
}

impl Descriptor {
    /// The digest, checked.
    pub(crate) fn digest(&self) -> Result<Digest, ImageError> {
        Digest::parse(&self.digest).map_err(|why| ImageError::Unreadable(format!("a descriptor in the manifest cannot be used: {why}")))
    }

    pub(crate) fn is_index(&self) -> bool {
        INDEX_TYPES.contains(&self.media_type.as_str())
    }

    /// Whether it has a tag that cosign gives to what it attaches to an image, `sha256-HEX.sig`.
    pub(crate) fn is_cosigns(&self) -> bool {
        self.annotations.get("org.opencontainers.image.ref.name").is_some_and(|name| is_cosign_tag(name))
    }

    /// Whether it says of itself that its manifest is no image.
    pub(crate) fn is_artifact(&self) -> bool {
        self.is_cosigns() || self.artifact_type.as_deref().is_some_and(|kind| !CONFIG_TYPES.contains(&kind))
    }

    /// The digest of the image that this descriptor's manifest attests, where it is one of BuildKit's
    /// [attestation manifests](https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md).
    pub(crate) fn attests(&self) -> Option<&str> {
        let kind = self.annotations.get("vnd.docker.reference.type")?;
        (kind == "attestation-manifest").then(|| self.annotations.get("vnd.docker.reference.digest").map_or("", String::as_str))
    }
}

/// cosign's [tag scheme](https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md), with or without a repository before it.
fn is_cosign_tag(name: &str) -> bool {
    let tag = name.rsplit([':', '/']).next().unwrap_or(name);
    let hex = tag.strip_prefix("sha256-").and_then(|rest| rest.split_once('.'));
    hex.is_some_and(|(hex, kind)| {
        matches!(kind, "sig" | "att" | "sbom") && hex.len() == 64 && hex.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    #[serde(default, deserialize_with = "null_default")]
    media_type: String,
    schema_version: Option<u64>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    fs_layers: Option<serde::de::IgnoredAny>,
    artifact_type: Option<String>,
    subject: Option<serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "null_default")]
    annotations: BTreeMap<String, String>,
}

/// A manifest of one image.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    pub(crate) annotations: BTreeMap<String, String>,
    /// `artifactType`, or the config's media type, where it says that this is no image.
    pub(crate) artifact: Option<String>,
    /// Whether it belongs to another manifest, its `subject`, and is no image of its own.
    pub(crate) referrer: bool,
}

/// A list of manifests.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) manifests: Vec<Descriptor>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What a manifest document is.
#[derive(Debug)]
pub(crate) enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
    /// Docker's first, deprecated since 2016.
    Schema1,
}

/// Parses a manifest or an index; `what` names it in errors.
pub(crate) fn parse(bytes: &[u8], what: &str) -> Result<Document, ImageError> {
    let raw: Raw = serde_json::from_slice(bytes)
        .map_err(|error| ImageError::Unreadable(format!("{what} is not a manifest: {}", without_values(&error))))?;
    if raw.schema_version == Some(1) || raw.fs_layers.is_some() && raw.layers.is_none() {
        return Ok(Document::Schema1);
    }
    // With both, the declared type decides, as it does for those who run the image.
    let is_index = raw.manifests.is_some() && (raw.config.is_none() || INDEX_TYPES.contains(&raw.media_type.as_str()));
    if let (true, Some(manifests)) = (is_index, raw.manifests) {
        if manifests.len() > limits::MANIFESTS {
            return Err(ImageError::Unreadable(format!("{what} lists more than {} manifests", limits::MANIFESTS)));
        }
        return Ok(Document::Index(Index { manifests, annotations: raw.annotations }));
    }
    let layers = raw.layers.unwrap_or_default();
    if layers.len() > limits::LAYERS {
        return Err(ImageError::Unreadable(format!("{what} lists more than {} layers", limits::LAYERS)));
    }
    let Some(config) = raw.config else {
        return Err(match raw.artifact_type {
            Some(kind) => not_an_image(what, &kind),
            None => ImageError::Unreadable(format!("{what} is neither an image manifest nor an index")),
        });
    };
    let known = CONFIG_TYPES.contains(&config.media_type.as_str());
    let layered = layers.iter().any(|layer| LAYER_TYPES.iter().any(|known| layer.media_type.starts_with(known)));
    let artifact = (!known && !layered).then(|| raw.artifact_type.unwrap_or_else(|| config.media_type.clone()));
    // `oras attach` gives files the media type of layers, and an empty config.
    let referrer = raw.subject.is_some() && !(known && layered);
    Ok(Document::Manifest(Box::new(Manifest { config, layers, annotations: raw.annotations, artifact, referrer })))
}

pub(crate) fn not_an_image(what: &str, kind: &str) -> ImageError {
    ImageError::Unreadable(format!("{what} is not an image but an artifact of type {}; only images are read", printable(kind)))
}

/// Why a layer cannot be read at all, judged by its descriptor.
pub(crate) fn uncovered(layer: &Descriptor) -> Option<String> {
    if layer.media_type.ends_with("+encrypted") {
        return Some("the layer is encrypted (ocicrypt); scan the image before it is encrypted".to_owned());
    }
    if layer.media_type.contains("nondistributable") || layer.media_type.contains("foreign") {
        return Some(FOREIGN.to_owned());
    }
    Digest::parse(&layer.digest).err()
}

/// A serde error's text can quote a value; this keeps the position and the kind.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Syntax => "no valid JSON",
        serde_json::error::Category::Data => "a value of the wrong type",
        serde_json::error::Category::Eof => "JSON that is cut off",
        serde_json::error::Category::Io => "an error while reading",
    };
    format!("{kind} at line {} column {}", error.line(), error.column())
}

/// Text of an image as it may stand in a message: no control characters, and not endless.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Takes `null` for an absent value, as Go's decoder does.
pub(crate) fn null_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides() {
        let image = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"x","size":1},"layers":null,"annotations":null}"#;
        assert!(matches!(parse(image, "m").expect("an image"), Document::Manifest(manifest) if manifest.artifact.is_none()));
        assert!(matches!(parse(br#"{"manifests":[]}"#, "m").expect("an index"), Document::Index(_)));
        assert!(matches!(parse(br#"{"schemaVersion":1,"fsLayers":[]}"#, "m").expect("schema 1"), Document::Schema1));
        let chart =
            br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"x","size":1},"layers":[]}"#;
        assert!(matches!(parse(chart, "m"), Ok(Document::Manifest(manifest)) if manifest.artifact.is_some()));
        for bad in [&b"[]"[..], b"{}", b"", b"{\"layers\":{}}", b"{\"config\":1}"] {
            assert!(parse(bad, "m").is_err());
        }
    }

    #[test]
    fn what_belongs_to_an_image_is_none() {
        let parsed = |config: &str, layer: &str| {
            let text = format!(
                r#"{{"schemaVersion":2,"subject":{{"digest":"x"}},"config":{{"mediaType":"{config}","digest":"x"}},"layers":[{{"mediaType":"{layer}","digest":"x"}}]}}"#
            );
            match parse(text.as_bytes(), "m").expect("a manifest") {
                Document::Manifest(manifest) => manifest.referrer,
                _ => panic!("a manifest"),
            }
        };
        let (empty, layer) = ("application/vnd.oci.empty.v1+json", "application/vnd.oci.image.layer.v1.tar");
        assert!(parsed(empty, "application/spdx+json") && parsed(empty, layer) && parsed(IMAGE_CONFIG_MEDIA_TYPE, "text/plain"));
        assert!(!parsed(IMAGE_CONFIG_MEDIA_TYPE, layer), "an image may have a subject");
        let tagged = |name: &str| {
            let annotations = [("org.opencontainers.image.ref.name".to_owned(), name.to_owned())].into();
            Descriptor { annotations, ..Descriptor::default() }.is_artifact()
        };
        let hex = "0a".repeat(32);
        assert!(tagged(&format!("sha256-{hex}.sig")) && tagged(&format!("r.example.com/a:sha256-{hex}.att")));
        assert!(!tagged(&format!("sha256-{hex}")) && !tagged("v1.sig"));
        let typed = |kind: &str| Descriptor { artifact_type: Some(kind.to_owned()), ..Descriptor::default() }.is_artifact();
        assert!(typed("application/spdx+json") && !typed(IMAGE_CONFIG_MEDIA_TYPE));
    }

    #[test]
    fn layers_that_cannot_be_read_say_why() {
        let layer = |media_type: &str, digest: String| Descriptor { media_type: media_type.to_owned(), digest, ..Descriptor::default() };
        let digest = || Digest::of(b"").to_string();
        assert_eq!(uncovered(&layer("application/vnd.oci.image.layer.v1.tar+gzip", digest())), None);
        assert!(
            uncovered(&layer("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", digest())).is_some_and(|r| r.contains("encrypted"))
        );
        assert!(
            uncovered(&layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", digest())).is_some_and(|r| r.contains("foreign"))
        );
        assert!(uncovered(&layer("application/vnd.oci.image.layer.v1.tar", "sha256:../../etc".to_owned())).is_some());
    }
}
