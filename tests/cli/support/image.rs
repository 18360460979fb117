//! Images built in code, and every form in which one can be stored.

use std::{collections::BTreeMap, io::Write, path::Path};

use serde_json::{Value, json};
use sha2::Digest;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The digest of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes)))
}

/// A layer's changeset while it is built.
pub(crate) struct Changeset(tar::Builder<Vec<u8>>);

impl Changeset {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// A regular file; names of more than 100 bytes become GNU long names.
    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        self.0.append_data(&mut header, path, content).expect("memory");
        self
    }

    /// A regular file whose name is in a pax header.
    pub(crate) fn pax_file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.0.append_pax_extensions([("path", path.as_bytes())]).expect("memory");
        let mut header = tar::Header::new_ustar();
        header.set_path("short").expect("short");
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        self.0.append(&header, content).expect("memory");
        self
    }

    /// A regular file with an extended attribute, as GNU tar and BuildKit write it.
    pub(crate) fn attribute(mut self, path: &str, attribute: &str, value: &str) -> Self {
        self.0.append_pax_extensions([(format!("SCHILY.xattr.{attribute}").as_str(), value.as_bytes())]).expect("memory");
        self.file(path, "")
    }

    /// A regular file of which any record of a pax header says something.
    pub(crate) fn record(mut self, path: &str, key: &str, value: &str) -> Self {
        self.0.append_pax_extensions([(key, value.as_bytes())]).expect("memory");
        self.file(path, "")
    }

    /// A regular file with the names of its owners, which the header holds.
    pub(crate) fn owned(mut self, path: &str, user: &str, group: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        header.set_username(user).expect("short");
        header.set_groupname(group).expect("short");
        self.0.append_data(&mut header, path, std::io::empty()).expect("memory");
        self
    }

    pub(crate) fn directory(self, path: &str) -> Self {
        self.special(path, tar::EntryType::Directory, None)
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.special(path, tar::EntryType::Symlink, Some(target))
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.special(path, tar::EntryType::Link, Some(target))
    }

    /// Deletes `path` of the layers below.
    pub(crate) fn whiteout(self, path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').map_or((String::new(), path), |(folder, name)| (format!("{folder}/"), name));
        self.file(&format!("{folder}.wh.{name}"), "")
    }

    /// Hides everything of the layers below in `folder`.
    pub(crate) fn opaque(self, folder: &str) -> Self {
        self.file(&format!("{folder}/.wh..wh..opq"), "")
    }

    /// The tar.
    pub(crate) fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("memory")
    }

    fn special(mut self, path: &str, kind: tar::EntryType, target: Option<&str>) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o755);
        match target {
            Some(target) => self.0.append_link(&mut header, path, target).expect("memory"),
            None => self.0.append_data(&mut header, path, std::io::empty()).expect("memory"),
        }
        self
    }
}

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Plain,
    Gzip,
    /// As many gzip members as said, as eStargz and pigz write them.
    GzipMembers(usize),
    Zstd,
}

impl Stored {
    pub(crate) fn store(self, tar: &[u8]) -> Vec<u8> {
        let gzip = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        };
        match self {
            Self::Plain => tar.to_vec(),
            Self::Gzip => gzip(tar),
            Self::GzipMembers(count) => tar.chunks(tar.len().div_ceil(count.max(1)).max(1)).flat_map(gzip).collect(),
            Self::Zstd => zstd::encode_all(tar, 1).expect("memory"),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip | Self::GzipMembers(_) => "+gzip",
            Self::Zstd => "+zstd",
        }
    }
}

struct Layer {
    tar: Vec<u8>,
    stored: Stored,
    media_type: Option<String>,
    annotations: BTreeMap<String, String>,
}

/// An image of one platform while it is built.
pub(crate) struct Image {
    layers: Vec<Layer>,
    history: Vec<Value>,
    config: Value,
    extra: BTreeMap<String, Value>,
    annotations: BTreeMap<String, String>,
    attestations: Vec<(String, Value)>,
    platform: (String, String, Option<String>),
}

impl Image {
    /// linux/amd64, without layers.
    pub(crate) fn new() -> Self {
        Self {
            layers: Vec::new(),
            history: Vec::new(),
            config: json!({}),
            extra: BTreeMap::new(),
            annotations: BTreeMap::new(),
            attestations: Vec::new(),
            platform: ("linux".to_owned(), "amd64".to_owned(), None),
        }
    }

    /// A gzip layer that `instruction` made.
    pub(crate) fn layer(self, instruction: &str, changeset: Changeset) -> Self {
        self.layer_as(instruction, changeset.tar(), Stored::Gzip)
    }

    /// A layer of any bytes, stored as said.
    pub(crate) fn layer_as(mut self, instruction: &str, tar: Vec<u8>, stored: Stored) -> Self {
        self.layers.push(Layer { tar, stored, media_type: None, annotations: BTreeMap::new() });
        self.history.push(json!({"created_by": instruction, "created": "2024-01-01T00:00:00Z"}));
        self
    }

    /// Lies about the media type of the last layer.
    pub(crate) fn media_type(mut self, media_type: &str) -> Self {
        self.layers.last_mut().expect("a layer").media_type = Some(media_type.to_owned());
        self
    }

    /// An annotation of the last layer's descriptor.
    pub(crate) fn layer_annotation(mut self, key: &str, value: &str) -> Self {
        self.layers.last_mut().expect("a layer").annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A history entry without a layer.
    pub(crate) fn history(mut self, instruction: &str) -> Self {
        self.history.push(json!({"created_by": instruction, "empty_layer": true}));
        self
    }

    /// A further field of the first history entry.
    pub(crate) fn history_field(mut self, field: &str, value: &str) -> Self {
        self.history.first_mut().expect("an entry")[field] = json!(value);
        self
    }

    /// `NAME=value`, with its history line.
    pub(crate) fn env(mut self, pair: &str) -> Self {
        self.append("Env", pair);
        self.history(&format!("ENV {pair}"))
    }

    /// `NAME=value` without a history line, as a builder that is not docker writes it.
    pub(crate) fn bare_env(mut self, pair: &str) -> Self {
        self.append("Env", pair);
        self
    }

    pub(crate) fn label(mut self, key: &str, value: &str) -> Self {
        self.config["Labels"][key] = json!(value);
        self
    }

    pub(crate) fn cmd(self, words: &[&str]) -> Self {
        self.config("Cmd", json!(words))
    }

    pub(crate) fn entrypoint(self, words: &[&str]) -> Self {
        self.config("Entrypoint", json!(words))
    }

    /// Any field of `config`.
    pub(crate) fn config(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    /// Any field beside `config`.
    pub(crate) fn field(mut self, field: &str, value: Value) -> Self {
        self.extra.insert(field.to_owned(), value);
        self
    }

    /// An annotation of the manifest.
    pub(crate) fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A statement of BuildKit; the image then comes within an index, as BuildKit writes it.
    pub(crate) fn attestation(mut self, predicate_type: &str, statement: Value) -> Self {
        self.attestations.push((predicate_type.to_owned(), statement));
        self
    }

    /// `os/arch[/variant]`.
    pub(crate) fn platform(mut self, platform: &str) -> Self {
        let mut parts = platform.split('/').map(str::to_owned);
        let mut next = || parts.next();
        self.platform = (next().expect("an os"), next().expect("an architecture"), next());
        self
    }

    /// Blobs and the descriptor of the manifest, or of the index that holds it and its attestations.
    pub(crate) fn build(&self) -> Built {
        if self.attestations.is_empty() {
            return self.build_alone();
        }
        index([self])
    }

    fn append(&mut self, field: &str, value: &str) {
        match &mut self.config[field] {
            Value::Array(values) => values.push(json!(value)),
            none => *none = json!([value]),
        }
    }

    fn config_json(&self) -> Vec<u8> {
        let (os, architecture, variant) = &self.platform;
        let diff_ids: Vec<String> = self.layers.iter().map(|layer| digest(&layer.tar)).collect();
        let mut config = json!({
            "created": "2024-01-01T00:00:00Z", "os": os, "architecture": architecture, "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": self.history,
        });
        if let Some(variant) = variant {
            config["variant"] = json!(variant);
        }
        for (field, value) in &self.extra {
            config[field] = value.clone();
        }
        serde_json::to_vec(&config).expect("JSON")
    }

    fn build_alone(&self) -> Built {
        let mut built = Built::default();
        let config = built.blob("application/vnd.oci.image.config.v1+json", self.config_json());
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| {
                let media_type = layer.media_type.clone().unwrap_or_else(|| format!("{LAYER}{}", layer.stored.suffix()));
                let mut descriptor = built.blob(&media_type, layer.stored.store(&layer.tar));
                if !layer.annotations.is_empty() {
                    descriptor["annotations"] = json!(layer.annotations);
                }
                descriptor
            })
            .collect();
        let mut manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        if !self.annotations.is_empty() {
            manifest["annotations"] = json!(self.annotations);
        }
        built.root = built.blob(MANIFEST, serde_json::to_vec(&manifest).expect("JSON"));
        let (os, architecture, variant) = &self.platform;
        built.root["platform"] = json!({"os": os, "architecture": architecture});
        if let Some(variant) = variant {
            built.root["platform"]["variant"] = json!(variant);
        }
        built
    }

    /// What `docker save` wrote before version 25: a folder for each layer, and a symbolic link where two are the same.
    pub(crate) fn docker_archive_old(&self, tag: &str) -> Vec<u8> {
        let mut archive = Changeset::new();
        let config = self.config_json();
        let config_name = format!("{}.json", digest(&config).trim_start_matches("sha256:"));
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut names = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            let id = digest(format!("id {at}").as_bytes()).trim_start_matches("sha256:").to_owned();
            let name = format!("{id}/layer.tar");
            archive = archive.directory(&format!("{id}/")).file(&format!("{id}/VERSION"), "1.0").file(&format!("{id}/json"), "{}");
            archive = match seen.get(&digest(&layer.tar)) {
                Some(first) => archive.symlink(&name, &format!("../{first}")),
                None => archive.file(&name, &layer.tar),
            };
            seen.entry(digest(&layer.tar)).or_insert_with(|| name.clone());
            names.push(name);
        }
        let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]);
        archive.file(&config_name, config).file("manifest.json", manifest.to_string()).tar()
    }

    /// What `docker save` writes since version 25: an OCI layout of plain layers with a `manifest.json`.
    pub(crate) fn docker_archive(&self, tag: &str) -> Vec<u8> {
        let mut built = Built::default();
        let plain = Self {
            layers: self
                .layers
                .iter()
                .map(|layer| Layer { tar: layer.tar.clone(), stored: Stored::Plain, media_type: None, annotations: BTreeMap::new() })
                .collect(),
            history: self.history.clone(),
            config: self.config.clone(),
            extra: self.extra.clone(),
            annotations: BTreeMap::new(),
            attestations: Vec::new(),
            platform: self.platform.clone(),
        };
        built.blobs = plain.build_alone().blobs;
        built.root = plain.build_alone().root;
        let path = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
        let layers: Vec<String> = self.layers.iter().map(|layer| path(&digest(&layer.tar))).collect();
        let manifest = json!([{"Config": path(&digest(&self.config_json())), "RepoTags": [tag], "Layers": layers}]);
        built.archive_with(tag, &[("manifest.json", manifest.to_string())])
    }
}

/// An index of several platforms, each with its attestations.
pub(crate) fn index<'a>(images: impl IntoIterator<Item = &'a Image>) -> Built {
    let mut built = Built::default();
    let mut manifests = Vec::new();
    for image in images {
        let alone = image.build_alone();
        let reference = alone.root["digest"].clone();
        manifests.push(alone.root);
        built.blobs.extend(alone.blobs);
        if image.attestations.is_empty() {
            continue;
        }
        let statements: Vec<Value> = image
            .attestations
            .iter()
            .map(|(predicate_type, statement)| {
                let mut descriptor = built.blob("application/vnd.in-toto+json", statement.to_string().into_bytes());
                descriptor["annotations"] = json!({"in-toto.io/predicate-type": predicate_type});
                descriptor
            })
            .collect();
        let config = built.blob("application/vnd.oci.image.config.v1+json", b"{}".to_vec());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": statements});
        let mut descriptor = built.blob(MANIFEST, manifest.to_string().into_bytes());
        descriptor["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        descriptor["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": reference});
        manifests.push(descriptor);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    built.root = built.blob(INDEX, index.to_string().into_bytes());
    built
}

/// Blobs, and the descriptor of what a tag would name.
#[derive(Default, Clone)]
pub(crate) struct Built {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) root: Value,
}

impl Built {
    /// Adds a blob, and gives its descriptor.
    pub(crate) fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let descriptor = json!({"mediaType": media_type, "digest": digest(&bytes), "size": bytes.len()});
        self.blobs.insert(digest(&bytes), bytes);
        descriptor
    }

    /// Digest of the manifest or index.
    pub(crate) fn digest(&self) -> &str {
        self.root["digest"].as_str().expect("a digest")
    }

    /// Both images under two tags.
    fn index_json(&self, tag: &str) -> String {
        let mut root = self.root.clone();
        root["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [root]}).to_string()
    }

    /// Writes an OCI layout.
    pub(crate) fn layout(&self, folder: &Path, tag: &str) {
        std::fs::create_dir_all(folder.join("blobs/sha256")).expect("writable");
        std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("writable");
        std::fs::write(folder.join("index.json"), self.index_json(tag)).expect("writable");
        for (digest, bytes) in &self.blobs {
            std::fs::write(folder.join("blobs").join(digest.replace(':', "/")), bytes).expect("writable");
        }
    }

    /// An OCI archive.
    pub(crate) fn oci_archive(&self, tag: &str) -> Vec<u8> {
        self.archive_with(tag, &[])
    }

    /// An OCI archive with further files.
    pub(crate) fn archive_with(&self, tag: &str, more: &[(&str, String)]) -> Vec<u8> {
        let mut archive = Changeset::new().directory("blobs/").directory("blobs/sha256/");
        for (digest, bytes) in &self.blobs {
            archive = archive.file(&format!("blobs/{}", digest.replace(':', "/")), bytes);
        }
        archive = archive.file("index.json", self.index_json(tag));
        for (name, content) in more {
            archive = archive.file(name, content);
        }
        archive.file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#).tar()
    }
}
