//! Every place an image can be gives the same image.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use imgscan::{
    image::{Image, ImageError, OpenOptions, Opened, compression::decompress, open},
    target::Target,
};
use serde_json::json;

use crate::support::{
    image::{self, Changeset, Stored},
    samples::Random,
};

type Files = BTreeMap<String, Vec<u8>>;

/// What was read of an image: names and contents of every layer's files, and what the image says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read1 {
    pub(crate) reference: String,
    pub(crate) digest: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) env: Vec<String>,
    /// The history line of each layer, and its files.
    pub(crate) layers: Vec<(Option<String>, Result<Files, String>)>,
    pub(crate) annotations: Vec<String>,
    pub(crate) attestations: Vec<String>,
    pub(crate) skipped: Vec<String>,
}

/// Opens a target and reads everything.
pub(crate) fn read(target: &str, options: &OpenOptions) -> Result<Vec<Read1>, String> {
    let target: Target = target.parse().map_err(|error| format!("{error}"))?;
    read_opened(open(&target, options).map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

fn read_opened(opened: Opened) -> Result<Vec<Read1>, ImageError> {
    match opened {
        Opened::Images(images) => Ok(images
            .into_iter()
            .map(|(image, opener)| {
                let layers = image
                    .layers
                    .iter()
                    .map(|layer| match &layer.uncovered {
                        Some(reason) => Err(reason.clone()),
                        None => opener.open(layer).map_err(|error| error.to_string()).and_then(|mut blob| files(&mut blob)),
                    })
                    .collect();
                said(image, layers)
            })
            .collect()),
        Opened::Stream(stream) => {
            let mut seen = BTreeMap::new();
            let images = stream.read(&mut |key, blob| {
                // The contract's reader is no `Send`; the decoder's is.
                let mut bytes = Vec::new();
                let whole = blob.read_to_end(&mut bytes).map_err(|error| error.to_string());
                seen.insert(key.to_owned(), whole.and_then(|_| files(&mut bytes.as_slice())));
            })?;
            Ok(images
                .into_iter()
                .map(|streamed| {
                    let layers = streamed.keys.iter().zip(&streamed.image.layers).map(|(key, layer)| match key {
                        Some(key) => seen.get(key).cloned().expect("a key that was handed out"),
                        None => Err(layer.uncovered.clone().expect("a reason")),
                    });
                    let layers = layers.collect();
                    said(streamed.image, layers)
                })
                .collect())
        }
        Opened::Dir(path) => panic!("{} is a directory", path.display()),
    }
}

fn files(blob: &mut (dyn Read + Send)) -> Result<Files, String> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(decompress(&mut *blob).map_err(|error| error.to_string())?);
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        files.insert(entry.path().map_err(|error| error.to_string())?.display().to_string(), content);
    }
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(|error| error.to_string())?;
    std::io::copy(blob, &mut std::io::sink()).map_err(|error| error.to_string())?;
    Ok(files)
}

fn said(image: Image, layers: Vec<Result<Files, String>>) -> Read1 {
    for (at, layer) in image.layers.iter().enumerate() {
        assert_eq!(layer.index as usize, at);
    }
    Read1 {
        reference: image.reference,
        digest: image.digest,
        platform: image.platform,
        env: image.config.map(|config| config.env).unwrap_or_default(),
        layers: image.layers.iter().map(|layer| layer.created_by.clone()).zip(layers).collect(),
        annotations: image.annotations.iter().map(|a| format!("{} {}={}", a.owner, a.key, a.value)).collect(),
        attestations: image.attestations.iter().map(|a| String::from_utf8_lossy(&a.json).into_owned()).collect(),
        skipped: image.skipped.into_iter().map(|skip| format!("{}: {}", skip.path.unwrap_or_default(), skip.reason)).collect(),
    }
}

/// Three layers in three compressions, the first and the last the same.
pub(crate) fn sample() -> image::Image {
    let base = || Changeset::new().file("etc/os-release", "ID=test").file("big", Random::new(1).bytes(300_000)).tar();
    let long = format!("{}/.env", "folder/".repeat(30).trim_end_matches('/'));
    let app = Changeset::new().file(&long, "A=1").pax_file(&format!("p{long}"), "B=2").whiteout("etc/os-release").symlink("l", "big");
    image::Image::new()
        .layer_as("ADD base", base(), Stored::Gzip)
        .env("MODE=test")
        .layer_as("COPY app", app.tar(), Stored::Zstd)
        .history("CMD x")
        .layer_as("ADD base again", base(), Stored::GzipMembers(3))
        .label("team", "a")
}

pub(crate) fn contents(read: &[Read1]) -> Vec<(Option<String>, Files)> {
    assert_eq!(read.len(), 1, "one image");
    read[0].layers.iter().map(|(line, files)| (line.clone(), files.clone().expect("readable"))).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("writable");
    path
}

#[test]
fn signatures_and_sboms_beside_an_image_are_no_images() {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let folder = tempfile::tempdir().expect("a folder");
    let mut built = sample().build();
    let root = built.root.clone();
    let empty = built.blob("application/vnd.oci.empty.v1+json", b"{}".to_vec());
    let list = built.blob("application/spdx+json", br#"{"spdxVersion":"x"}"#.to_vec());
    let sbom = json!({"schemaVersion": 2, "artifactType": "application/spdx+json", "subject": root, "config": empty, "layers": [list]});
    let sbom = built.blob(MANIFEST, sbom.to_string().into_bytes());
    let config = built.blob("application/vnd.oci.image.config.v1+json", b"{}".to_vec());
    let payload = built.blob("application/vnd.dev.cosign.simplesigning.v1+json", b"not\0text".to_vec());
    let signature = json!({"schemaVersion": 2, "config": config, "layers": [payload]});
    let mut signature = built.blob(MANIFEST, signature.to_string().into_bytes());
    let tag = root["digest"].as_str().expect("a digest").replace(':', "-");
    signature["annotations"] = json!({"org.opencontainers.image.ref.name": format!("{tag}.sig")});
    built.layout(folder.path(), "v1");
    let layout = format!("oci:{}", folder.path().display());
    let alone = contents(&read(&layout, &OpenOptions::default()).expect("readable"));
    let mut unnamed = root.clone();
    unnamed.as_object_mut().expect("a descriptor").remove("platform");
    for image in [root, unnamed] {
        let index = json!({"schemaVersion": 2, "manifests": [sbom, image, signature]});
        std::fs::write(folder.path().join("index.json"), index.to_string()).expect("writable");
        for all_platforms in [false, true] {
            let read = read(&layout, &OpenOptions { all_platforms, ..OpenOptions::default() }).expect("readable");
            assert_eq!(contents(&read), alone);
            assert_eq!(read[0].attestations, [r#"{"spdxVersion":"x"}"#, "not\0text"]);
            let reason = "of type application/vnd.dev.cosign.simplesigning.v1+json, is no text and was not unpacked";
            assert_eq!(read[0].skipped, [format!("attestation: an artifact beside the image, {reason}")]);
        }
    }
}

#[test]
fn the_same_image_from_every_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = sample();
    let built = image.build();
    built.layout(&folder.path().join("layout"), "v1");
    let oci = built.oci_archive("v1");
    let docker = image.docker_archive("app:v1");
    let old = image.docker_archive_old("app:v1");
    let at = |name: &str, bytes: &[u8]| write(folder.path(), name, bytes).display().to_string();
    let layout = folder.path().join("layout").display().to_string();
    let targets = [
        format!("oci:{layout}"),
        format!("oci:{layout}:v1"),
        format!("oci:{layout}@{}", built.digest()),
        format!("oci-dir:{layout}"),
        format!("oci-archive:{}", at("oci.tar", &oci)),
        format!("oci-archive:{}:v1", at("oci.tar", &oci)),
        at("oci.tar", &oci),
        at("oci.tar.gz", &Stored::Gzip.store(&oci)),
        at("oci.tar.zst", &Stored::Zstd.store(&oci)),
        format!("docker-archive:{}", at("docker.tar", &docker)),
        at("docker.tar", &docker),
        at("docker.tgz", &Stored::GzipMembers(2).store(&docker)),
        format!("docker-archive:{}", at("old.tar", &old)),
        at("old.tar", &old),
        at("old.tar.zst", &Stored::Zstd.store(&old)),
    ];
    let mut first = None;
    for target in targets {
        let read = read(&target, &OpenOptions::default()).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(read[0].platform.as_deref(), Some("linux/amd64"), "{target}");
        assert_eq!(read[0].env, ["MODE=test"], "{target}");
        assert_eq!(read[0].skipped, Vec::<String>::new(), "{target}");
        let has_digest = read[0].digest.is_some();
        assert_eq!(has_digest, !target.contains("old"), "{target}");
        let contents = contents(&read);
        assert_eq!(contents[1].0.as_deref(), Some("COPY app"));
        assert_eq!(contents[2].1["big"].len(), 300_000, "all gzip members");
        assert!(contents[1].1.keys().any(|name| name.starts_with("pfolder")), "pax names");
        assert_eq!(*first.get_or_insert_with(|| contents.clone()), contents, "{target}");
    }
}

#[test]
fn one_of_several_images_must_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = image::Image::new().layer("a", Changeset::new().file("a", "1")).build();
    let two = image::Image::new().layer("b", Changeset::new().file("b", "2")).build();
    one.layout(folder.path(), "one");
    let index = folder.path().join("index.json");
    let json = |path: &Path| -> serde_json::Value { serde_json::from_reader(std::fs::File::open(path).expect("there")).expect("JSON") };
    let mut both = json(&index);
    two.layout(folder.path(), "two");
    let second = json(&index);
    both["manifests"].as_array_mut().expect("a list").push(second["manifests"][0].clone());
    std::fs::write(&index, both.to_string()).expect("writable");

    let path = folder.path().display();
    let error = read(&format!("oci:{path}"), &OpenOptions::default()).expect_err("ambiguous");
    assert!(error.contains("several images") && error.ends_with("one, two"), "{error}");
    let error = read(&format!("oci:{path}:three"), &OpenOptions::default()).expect_err("not there");
    assert!(error.contains("no image `three`; it has: one, two"), "{error}");
    assert!(contents(&read(&format!("oci:{path}:two"), &OpenOptions::default()).expect("there"))[0].1.contains_key("b"));
}

#[test]
fn platforms_of_an_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let on = |platform: &str| image::Image::new().platform(platform).layer("l", Changeset::new().file("platform", platform));
    let images = ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"].map(on);
    image::index(&images).layout(folder.path(), "v1");
    let target = format!("oci:{}", folder.path().display());
    let options = |platform: &str| OpenOptions { platform: Some(platform.to_owned()), ..OpenOptions::default() };
    let platform = |wanted: &str| read(&target, &options(wanted)).map(|read| contents(&read)[0].1["platform"].clone());
    assert_eq!(platform("linux/arm64").as_deref(), Ok(b"linux/arm64/v8".as_slice()));
    assert_eq!(platform("linux/arm").as_deref(), Ok(b"linux/arm/v7".as_slice()));
    let error = platform("linux/s390x").expect_err("not there");
    assert!(
        error.contains("no image for linux/s390x")
            && error.contains("it has: linux/amd64, linux/arm/v7, linux/arm64/v8; choose one with --platform"),
        "{error}"
    );
    let all = read(&target, &OpenOptions { all_platforms: true, ..OpenOptions::default() }).expect("readable");
    assert_eq!(all.len(), 3);
    assert!(platform("nonsense").expect_err("no platform").contains("os/arch"));

    let saved = write(folder.path(), "arm.tar", &images[1].docker_archive_old("a:b")).display().to_string();
    assert_eq!(read(&saved, &options("linux/arm64")).expect("that is what it is").len(), 1);
    assert_eq!(read(&saved, &OpenOptions::default()).expect("nothing else was asked for").len(), 1);
    assert!(read(&saved, &options("linux/amd64")).expect_err("another").contains("it has: linux/arm64"));
    assert!(read(&saved, &options("x")).expect_err("no platform").contains("os/arch"));
}

#[test]
fn attestations_and_annotations_come_with_their_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let statement = json!({"predicate": {"buildArg": "x"}});
    let with = image::Image::new()
        .layer("l", Changeset::new().file("f", "1"))
        .layer_annotation("on.layer", "1")
        .annotation("on.manifest", "2")
        .attestation("https://slsa.dev/provenance/v0.2", statement.clone());
    let other =
        image::Image::new().platform("linux/arm64").layer("o", Changeset::new().file("f", "2")).attestation("other", json!({"other": 1}));
    image::index([&with, &other]).layout(folder.path(), "v1");
    let amd64 = OpenOptions { platform: Some("linux/amd64".to_owned()), ..OpenOptions::default() };
    let read = read(&format!("oci:{}", folder.path().display()), &amd64).expect("readable");
    assert_eq!(read[0].attestations, [statement.to_string()]);
    for expected in ["layer 0 on.layer=1", "manifest on.manifest=2", "index org.opencontainers.image.ref.name=v1"] {
        assert!(read[0].annotations.iter().any(|a| a == expected), "{expected} in {:?}", read[0].annotations);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = image::Image::new()
        .layer_as("a", Random::new(3).bytes(5000), Stored::Plain)
        .media_type("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
        .layer("b", Changeset::new().file("f", "1"))
        .media_type("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
        .layer("c", Changeset::new().file("f", "2"))
        .layer("d", Changeset::new().file("f", "3"))
        .media_type("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    let mut built = image.build();
    // The second is foreign indeed, and the fourth only says so.
    let foreign: serde_json::Value = serde_json::from_slice(&built.blobs[built.digest()]).expect("a manifest");
    built.blobs.remove(foreign["layers"][1]["digest"].as_str().expect("a digest"));
    built.layout(folder.path(), "v1");
    let archive = write(folder.path(), "a.tar", &built.oci_archive("v1"));
    let zipped = write(folder.path(), "a.tar.gz", &Stored::Gzip.store(&built.oci_archive("v1")));
    for target in [format!("oci-dir:{}", folder.path().display()), archive.display().to_string(), zipped.display().to_string()] {
        let read = read(&target, &OpenOptions::default()).expect("readable");
        let reasons: Vec<_> = read[0].layers.iter().map(|(_, files)| files.as_ref().err().cloned().unwrap_or_default()).collect();
        assert!(
            reasons[0].contains("encrypted") && reasons[1].contains("foreign") && reasons[2].is_empty() && reasons[3].is_empty(),
            "{target}: {reasons:?}"
        );
    }
}

#[test]
fn altered_blobs_are_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = sample().build();
    let altered = |kind: &str| {
        let mut altered = built.clone();
        for (digest, bytes) in &mut altered.blobs {
            let is_config = bytes.starts_with(b"{") && bytes.windows(6).any(|text| text == b"rootfs");
            if (kind == "config") == is_config && (kind != "layer" || !bytes.starts_with(b"{")) && digest != built.digest() {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            }
        }
        altered
    };
    altered("layer").layout(&folder.path().join("layer"), "v1");
    let zipped = write(folder.path(), "layer.tar.gz", &Stored::Gzip.store(&altered("layer").oci_archive("v1")));
    for target in [format!("oci-dir:{}", folder.path().join("layer").display()), zipped.display().to_string()] {
        let read = read(&target, &OpenOptions::default()).expect("readable");
        for (_, files) in &read[0].layers {
            assert!(files.is_err(), "{target}");
        }
    }
    altered("config").layout(&folder.path().join("config"), "v1");
    let read = read(&format!("oci-dir:{}", folder.path().join("config").display()), &OpenOptions::default()).expect("readable");
    assert!(read[0].skipped.iter().any(|reason| reason.starts_with("config: digest mismatch")), "{:?}", read[0].skipped);
    assert!(read[0].layers.iter().all(|(_, files)| files.is_ok()), "layers are read all the same");
}

#[cfg(unix)]
#[test]
fn a_layout_reads_nothing_outside_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = image::Image::new().layer("l", Changeset::new().file("f", "1")).build();
    let layout = folder.path().join("layout");
    built.layout(&layout, "v1");
    let layer = built.blobs.iter().find(|(_, bytes)| !bytes.starts_with(b"{")).expect("a layer");
    let path = layout.join("blobs").join(layer.0.replace(':', "/"));
    let outside = write(folder.path(), "outside", layer.1);
    std::fs::remove_file(&path).expect("there");
    std::os::unix::fs::symlink(&outside, &path).expect("writable");
    let read = read(&format!("oci-dir:{}", layout.display()), &OpenOptions::default()).expect("readable");
    assert!(read[0].layers[0].1.as_ref().is_err_and(|error| error.contains("not a file within it")));
}

#[test]
fn damaged_and_wrong_archives_are_errors_that_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = |name: &str, scheme: &str, bytes: &[u8]| {
        let path = write(folder.path(), name, bytes);
        read(&format!("{scheme}{}", path.display()), &OpenOptions::default()).expect_err(name)
    };
    let oci = sample().build().oci_archive("v1");
    assert!(error("text.tar", "", b"hello").contains("neither of a tar nor of a compressed one"));
    assert!(error("empty.tar", "", b"").contains("empty") || error("empty.tar", "", b"").contains("not an image archive"));
    assert!(error("rootfs.tar", "", &Changeset::new().file("etc/passwd", "x").tar()).contains("dir:PATH"));
    assert!(error("rootfs.tar.gz", "", &Stored::Gzip.store(&Changeset::new().file("etc/passwd", "x").tar())).contains("dir:PATH"));
    assert!(error("docker.tar", "oci-archive:", &sample().docker_archive_old("a:b")).contains("docker-archive:"));
    assert!(!error("cut.tar.gz", "", &Stored::Gzip.store(&oci)[..5000]).is_empty());
    assert!(!error("cut.tar", "", &oci[..oci.len() / 2]).is_empty());
    let traversal = Changeset::new().file("manifest.json", r#"[{"Config":"../../etc/passwd","Layers":["/etc/shadow","../x"]}]"#).tar();
    let path = write(folder.path(), "traversal.tar", &traversal);
    let read = read(&path.display().to_string(), &OpenOptions::default()).expect("an image full of gaps");
    assert!(read[0].layers.iter().all(|(_, files)| files.is_err()) && !read[0].skipped.is_empty());
}

#[cfg(unix)]
#[test]
fn images_of_a_daemon() {
    use crate::support::{daemon::Daemon, imgscan::Imgscan};

    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("docker.sock");
    let image = image::Image::new().layer("COPY hello", Changeset::new().file("hello", "world").file("other", "x"));
    let exports = [("app:v1", image.docker_archive("app:v1")), ("localhost/old:latest", image.docker_archive_old("old:latest"))];
    let _daemon = Daemon::start(&socket, exports);
    let address = format!("unix://{}", socket.display());
    let targets =
        [("DOCKER_HOST", "docker:app:v1"), ("DOCKER_HOST", "docker-daemon:localhost/old"), ("CONTAINER_HOST", "podman:localhost/old")];
    for (variable, target) in targets {
        let json = Imgscan::new().args(["--format", "json", target]).env(variable, &address).run().exits(0).json();
        let coverage = &json["images"][0]["coverage"];
        assert_eq!((&coverage["layers"], &coverage["files"]), (&json!(1), &json!(2)), "{target}");
    }
    let none = Imgscan::new().arg("docker:none").env("DOCKER_HOST", &address).run().exits(2);
    assert!(none.stderr.contains("has no image none:latest") && none.stderr.contains("docker pull"), "{}", none.stderr);
    let gone = Imgscan::new().arg("podman:app").env("CONTAINER_HOST", "unix:///nowhere/podman.sock").run().exits(2);
    assert!(gone.stderr.contains("/nowhere/podman.sock") && gone.stderr.contains("CONTAINER_HOST"), "{}", gone.stderr);
}

#[test]
fn several_images_of_one_docker_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let layer = |name: &str| Changeset::new().file(name, name).tar();
    let config =
        |env: &str| json!({"os": "linux", "architecture": "amd64", "config": {"Env": [env]}, "history": [{"created_by": "x"}]}).to_string();
    let manifest = json!([
        {"Config": "a.json", "RepoTags": ["a:1"], "Layers": ["base/layer.tar", "a/layer.tar"]},
        {"Config": "b.json", "RepoTags": null, "Layers": ["base/layer.tar"]},
    ]);
    let archive = Changeset::new()
        .file("manifest.json", manifest.to_string())
        .file("base/layer.tar", layer("base"))
        .file("a/layer.tar", layer("a"))
        .file("a.json", config("A=1"))
        .file("b.json", config("B=1"))
        .file("a.json", config("hidden=1"))
        .tar();
    for (name, bytes) in [("two.tar", archive.clone()), ("two.tar.gz", Stored::Gzip.store(&archive))] {
        let path = write(folder.path(), name, &bytes).display().to_string();
        let read = read(&path, &OpenOptions::default()).expect("readable");
        assert_eq!(
            read.iter().map(|image| image.reference.clone()).collect::<Vec<_>>(),
            [format!("{path} (a:1)"), format!("{path} (image 1)")]
        );
        assert_eq!((read[0].env.as_slice(), read[1].env.as_slice()), (["A=1".to_owned()].as_slice(), ["B=1".to_owned()].as_slice()));
        assert_eq!((read[0].layers.len(), read[1].layers.len()), (2, 1));
        assert!(read[0].layers.iter().all(|(_, files)| files.is_ok()));
        assert!(read[0].skipped.iter().any(|reason| reason.starts_with("a.json: the archive has two entries")), "{:?}", read[0].skipped);
    }
}

#[test]
fn archives_from_before_manifest_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Changeset::new()
        .file("repositories", r#"{"app":{"v1":"top"}}"#)
        .file("top/json", r#"{"id":"top","parent":"base","os":"linux","architecture":"amd64","config":{"Env":["A=1"]}}"#)
        .file("top/layer.tar", Changeset::new().file("b", "2").tar())
        .file("base/json", r#"{"id":"base","parent":"top"}"#)
        .file("base/layer.tar", Changeset::new().file("a", "1").tar())
        .tar();
    let path = write(folder.path(), "v1.tar", &archive);
    let read = read(&path.display().to_string(), &OpenOptions::default()).expect("readable, and the circle of parents ends");
    assert_eq!(read[0].env, ["A=1"]);
    let contents = contents(&read);
    assert!(contents[0].1.contains_key("a") && contents[1].1.contains_key("b"), "the base comes first");
}

#[test]
fn an_image_that_only_one_of_two_manifests_names_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = image::Image::new().layer("shown", Changeset::new().file("shown", "1")).build();
    let hidden = Changeset::new().file("hidden", "1").tar();
    let manifest = json!([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["hidden.tar"]}]);
    let archive = shown.archive_with(
        "v1",
        &[("manifest.json", manifest.to_string()), ("c.json", "{}".to_owned()), ("hidden.tar", String::from_utf8(hidden).expect("ASCII"))],
    );
    for (name, bytes) in [("a.tar", archive.clone()), ("a.tar.zst", Stored::Zstd.store(&archive))] {
        let path = write(folder.path(), name, &bytes);
        let read = read(&path.display().to_string(), &OpenOptions::default()).expect("readable");
        assert_eq!(read.len(), 2, "a runtime may take either");
        assert!(read[1].layers[0].1.as_ref().is_ok_and(|files| files.contains_key("hidden")));
    }
}

#[test]
fn indexes_within_indexes_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = image::Image::new().layer("l", Changeset::new().file("f", "1")).attestation("orphan", json!({"orphan": true}));
    let nest = |depth: usize| {
        let mut built = image.build();
        for _ in 0..depth {
            let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [built.root]});
            built.root = built.blob("application/vnd.oci.image.index.v1+json", index.to_string().into_bytes());
        }
        built.layout(&folder.path().join(depth.to_string()), "v1");
        read(&format!("oci:{}", folder.path().join(depth.to_string()).display()), &OpenOptions::default())
    };
    let read = nest(2).expect("not too deep");
    assert!(contents(&read)[0].1.contains_key("f"));
    assert_eq!(read[0].attestations, [r#"{"orphan":true}"#]);
    assert!(nest(9).expect_err("too deep").contains("nests indexes"));
}

#[test]
fn indexes_that_name_each_other_many_times_over_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut built = image::Image::new().layer("l", Changeset::new().file("f", "1")).build();
    for _ in 0..3 {
        let many = vec![built.root.clone(); 900];
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": many});
        built.root = built.blob("application/vnd.oci.image.index.v1+json", index.to_string().into_bytes());
    }
    built.layout(folder.path(), "v1");
    let started = std::time::Instant::now();
    let error = read(&format!("oci:{}", folder.path().display()), &OpenOptions::default()).expect_err("a bomb");
    assert!(error.contains("more than 1000 manifests"), "{error}");
    assert!(started.elapsed().as_secs() < 20, "not 729 million");
}
