//! Real files, damaged in ways that keep most of their structure, through everything that reads them: nothing panics, and nothing
//! takes long. The damage is the same in every run (keys are new in each). `IMGSCAN_MUTATION_SECONDS` runs longer, with more of it
//! (`just mutations`). What fails is written to a file, and `IMGSCAN_MUTATION=FILE` reads that alone.

use std::{
    panic,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    archives::{cpio, deb, rpm},
    hostile::{ofs, pack},
    stores,
    stores::pdf,
    *,
};
use crate::{
    damage::{Random, busy, damage},
    image::OpenOptions,
    kubernetes::{Policy, judge},
    layer,
    provenance::{Database, Facts},
    scan::{self, ScanOptions},
    target::Target,
};

/// Damaged forms of each file in a short run.
const ROUNDS: u64 = 24;
/// No input may keep its thread busy for longer, also not without optimisation; an optimised build takes milliseconds.
const LONGEST: Duration = Duration::from_secs(10);

/// File `number` as it is in that round.
fn damaged(corpus: &[(String, Vec<u8>)], number: usize, round: u64) -> Vec<u8> {
    let mut bytes = corpus[number].1.clone();
    damage(&mut bytes, corpus, &mut Random::new(round * 1_000 + number as u64));
    bytes
}

/// The parts of an OCI archive of one image with two layers, which is `docker save`'s as well: each can be damaged, with digests
/// that are right.
struct Parts {
    index: Option<Vec<u8>>,
    saved: Option<Vec<u8>>,
    manifest: Option<Vec<u8>>,
    config: Vec<u8>,
    layers: [Vec<u8>; 2],
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))
}

fn descriptor(kind: &str, bytes: &[u8]) -> String {
    format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"sha256:{}","size":{}}}"#, digest(bytes), bytes.len())
}

fn blob(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", digest(bytes))
}

impl Parts {
    fn new(content: &[u8]) -> Self {
        let layers =
            [gzip(&tar(&[("app/.env", content), ("app/.wh.old", b"")])), zstd::encode_all(&tar(&[("x", content)])[..], 1).expect("memory")];
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["TOKEN={}"],"Labels":{{"a":"b"}},"Cmd":["a","--password=Zk83hGqpLw0v"],"Healthcheck":{{"Test":["CMD","x"]}},"OnBuild":["RUN x"]}},"history":[{{"created_by":"COPY . /app"}},{{"created_by":"ENV A=b","empty_layer":true}}],"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
            token(7),
            digest(b"x")
        );
        Self { index: None, saved: None, manifest: None, config: config.into_bytes(), layers }
    }

    fn manifest(&self) -> Vec<u8> {
        let whole = || {
            let [first, second] = &self.layers;
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[{},{}],"annotations":{{"a":"b"}}}}"#,
                descriptor("config.v1+json", &self.config),
                descriptor("layer.v1.tar+gzip", first),
                descriptor("layer.v1.tar+zstd", second)
            )
        };
        self.manifest.clone().unwrap_or_else(|| whole().into_bytes())
    }

    fn index(&self) -> Vec<u8> {
        let whole = || format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, descriptor("manifest.v1+json", &self.manifest()));
        self.index.clone().unwrap_or_else(|| whole().into_bytes())
    }

    fn saved(&self) -> Vec<u8> {
        let [first, second] = &self.layers;
        let whole =
            || format!(r#"[{{"Config":"{}","RepoTags":["a:1"],"Layers":["{}","{}"]}}]"#, blob(&self.config), blob(first), blob(second));
        self.saved.clone().unwrap_or_else(|| whole().into_bytes())
    }

    fn archive(&self) -> Vec<u8> {
        let (manifest, index, saved) = (self.manifest(), self.index(), self.saved());
        let [first, second] = &self.layers;
        let names = [blob(&self.config), blob(&manifest), blob(first), blob(second)];
        let mut members: Vec<(&str, &[u8])> = vec![("manifest.json", &saved)];
        // Where only `docker save`'s file is damaged, it is the one to be read.
        if self.saved.is_none() {
            members.extend([("oci-layout", &br#"{"imageLayoutVersion":"1.0.0"}"#[..]), ("index.json", &index)]);
        }
        members.extend([(&*names[0], &*self.config), (&*names[1], &*manifest), (&*names[2], &**first), (&*names[3], &**second)]);
        tar(&members)
    }

    /// The archive in which one part is this one; `None` where the path is of no part.
    fn with(path: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut parts = Self::new(b"A=b\n");
        match path {
            "image.tar" => return Some(bytes.to_vec()),
            "index.json" => parts.index = Some(bytes.to_vec()),
            "manifest.json" => parts.saved = Some(bytes.to_vec()),
            "image-manifest.json" => parts.manifest = Some(bytes.to_vec()),
            "config.json" => parts.config = bytes.to_vec(),
            _ => return None,
        }
        Some(parts.archive())
    }
}

/// A changeset with everything that a tar header can say.
fn changeset(content: &[u8]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    let header = |kind: ::tar::EntryType, size: usize| {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size as u64);
        header
    };
    builder.append_data(&mut header(::tar::EntryType::Directory, 0), "etc/", std::io::empty()).expect("memory");
    builder.append_pax_extensions([("SCHILY.xattr.user.token", &b"x"[..]), ("size", b"40"), ("comment", b"c")]).expect("memory");
    builder.append_data(&mut header(::tar::EntryType::Regular, content.len()), "etc/app.env", content).expect("memory");
    builder.append_data(&mut header(::tar::EntryType::Regular, content.len()), "long/".repeat(60), content).expect("memory");
    builder.append_link(&mut header(::tar::EntryType::Link, 0), "etc/link", "etc/app.env").expect("memory");
    builder.append_link(&mut header(::tar::EntryType::Symlink, 0), "etc/sym", "../".repeat(80)).expect("memory");
    builder.append_data(&mut header(::tar::EntryType::Regular, 0), "etc/.wh..wh..opq", std::io::empty()).expect("memory");
    builder.append_data(&mut header(::tar::EntryType::GNUSparse, content.len()), "sparse", content).expect("memory");
    builder.into_inner().expect("memory")
}

/// Files as they are, with the path at which a layer has them.
fn corpus(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let content = env(&token(1));
    let inner = zip(&[("BOOT-INF/classes/application.yml", b"spring:\n  datasource:\n    password: Zk83hGqpLw0v\n"), ("a.env", &content)]);
    let shape = Shape { stored: true, descriptor: true, encrypted: false };
    let packed = pack(&[
        (3, Vec::new(), content.clone()),
        (6, ofs(90), vec![60, 60, 0x90, 10, 3, b'a', b'b', b'c']),
        (2, Vec::new(), content.clone()),
    ]);
    let mut bzip2 = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::default());
    bzip2.write_all(&tar(&[("a.env", &content)])).expect("memory");
    let auth = data_encoding::BASE64.encode(b"deploy:Zk83hGqpLw0v");
    let review = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","object":{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a"}},"spec":{{"containers":[{{"name":"c","image":"i","env":[{{"name":"TOKEN","value":"{}"}}],"args":["--password=Zk83hGqpLw0v"]}}]}}}}}}}}"#,
        token(2)
    );
    let manifest = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a, namespace: b}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n        env:\n        - name: TOKEN\n          value: {}\n        command: [\"sh\", \"-c\", \"curl -u a:Zk83hGqpLw0v https://x\"]\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata:\n  password: {}\n",
        token(3),
        data_encoding::BASE64.encode(b"Zk83hGqpLw0v")
    );
    let parts = Parts::new(&content);
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("app.jar", zip(&[("lib/inner.jar", &inner), ("META-INF/MANIFEST.MF", b"x")])),
        ("stored.zip", Zip::new().add("a.env", &content, shape).add("b", &content, Shape::default()).finish("comment")),
        ("layer.tar", changeset(&content)),
        ("a.tgz", gzip(&tar(&[("a.env", &content), ("b.zip", &inner)]))),
        ("a.tar.zst", zstd::encode_all(&tar(&[("a.env", &content)])[..], 3).expect("memory")),
        ("a.tar.bz2", bzip2.finish().expect("memory")),
        ("a.zlib", zlib(&content)),
        ("a.deb", deb(&content)),
        ("a.rpm", rpm(&content)),
        ("initrd", cpio(&[("etc/app.env", &content)])),
        (".git/objects/pack/a.pack", packed),
        ("manual.pdf", pdf(&token(4), &token(5))),
        ("etc/a.p12", stores::pkcs12("changeit").0),
        ("etc/a.pem", key.serialize_pem().into_bytes()),
        ("etc/a.der", key.serialize_der()),
        ("image.tar", parts.archive()),
        ("index.json", parts.index()),
        ("manifest.json", parts.saved()),
        ("image-manifest.json", parts.manifest()),
        ("config.json", parts.config.clone()),
        ("var/lib/dpkg/status", b"Package: a\nStatus: install ok installed\nMaintainer: Debian <a@lists.debian.org>\nVersion: 1-1\nConffiles:\n /etc/a 0123456789abcdef0123456789abcdef\n\n".to_vec()),
        ("lib/apk/db/installed", b"P:a\nV:1-r0\nF:etc\nR:a\nZ:Q1qZ0000000000000000000000000=\n\n".to_vec()),
        ("a-1.dist-info/RECORD", b"a/b.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n\"a\"\"b\",,\n".to_vec()),
        ("policy.yaml", b"apiVersion: imgscan.dev/v1alpha1\nkind: CredentialPolicy\nmetadata: {name: a}\nspec:\n  mode: enforce\n  namespaces: [{names: ['te*'], mode: audit}]\n  sharing: {secrets: {write: enforce}, probesPerHour: 2}\n---\napiVersion: imgscan.dev/v1alpha1\nkind: CredentialException\nmetadata: {name: e, namespace: s}\nspec: {fingerprints: [0123456789abcdef0123456789abcdef], namespaces: [a], reason: x, owner: y, expires: '2030-06-01T00:00:00Z'}\n".to_vec()),
        ("imgscan.toml", b"fail-on = \"high\"\n[[ignore]]\nfingerprint = \"0123456789abcdef0123456789abcdef\"\nreason = \"x\"\n".to_vec()),
        ("review.json", review.into_bytes()),
        ("deploy.yaml", manifest.into_bytes()),
        (".docker/config.json", format!(r#"{{"auths":{{"r.example":{{"auth":"{auth}"}}}}}}"#).into_bytes()),
        ("settings.xml", b"<settings><servers><server><id>a</id><password>Zk83hGqpLw0v</password></server></servers></settings>".to_vec()),
        ("a.properties", b"spring.datasource.password=Zk83hGqpLw0v\nkey=\\u0041\n".to_vec()),
        (".aws/credentials", b"[default]\naws_access_key_id = AKIAZ7QWERTYUIOPASDF\naws_secret_access_key = x\n".to_vec()),
        ("Cargo.toml", b"[registry]\ntoken = \"Zk83hGqpLw0v\"\n[a.b]\nc = [1, {d = 2}]\n".to_vec()),
        (
            "run.sh",
            b"export A='b' && curl -H \"Authorization: Bearer Zk83hGqpLw0vaaaaaaaaaa\" $(echo x) <<EOF\nPASSWORD=Zk83hGqpLw0v\nEOF\n"
                .to_vec(),
        ),
        ("main.tf", b"resource \"x\" \"y\" {\n  password = \"Zk83hGqpLw0v\"\n  list = [ { a = \"b\" } ]\n}\n".to_vec()),
        ("a.txt", String::from_utf8_lossy(&content).encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ];
    let read = |path: &Path| std::fs::read(path).expect("a scratch folder");
    if stores::repository(folder, &token(6)).is_some() {
        stores::git(folder, &["gc", "-q", "--aggressive", "--prune=now"]);
        files.extend(stores::files(folder, ".pack").first().map(|pack| (".git/objects/pack/b.pack", read(pack))));
        files.push((".git/index", read(&folder.join(".git/index"))));
    }
    let sql = format!(
        "PRAGMA page_size=512; CREATE TABLE a(id INTEGER PRIMARY KEY, secret); INSERT INTO a VALUES (1, '{}{}');",
        token(8),
        "x ".repeat(900)
    );
    if stores::run(folder, "sqlite3", &["-bail", "x.db", &sql]).is_some() {
        files.push(("x.db", read(&folder.join("x.db"))));
    }
    files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect()
}

/// Everything that would read such a file.
fn read_all(path: &str, bytes: &[u8], scratch: &Path, options: &ScanOptions) {
    scan(path, bytes);
    let mut changeset = bytes;
    let mut visit = |_: &layer::Entry<'_>, content: &mut dyn Read| std::io::copy(content, &mut std::io::sink()).map(drop);
    let _ = layer::walk(&mut changeset, &layer::Limits::default(), &mut visit, &mut |_| {});
    if let Ok(text) = std::str::from_utf8(bytes) {
        let file = [(path.to_owned(), std::borrow::Cow::Borrowed(text))];
        judge(file.into_iter(), &Policy::default(), &[], &options.engine, &options.fingerprints, jiff::Timestamp::UNIX_EPOCH);
        let _ = crate::detect::rule::parse("x.toml", text);
        let _ = Policy::parse(text);
    }
    if let Some(mut capture) = Facts::capture(path) {
        std::io::copy(&mut capture.reading(&mut &*bytes), &mut std::io::sink()).expect("memory");
        let mut facts = Facts::default();
        facts.add(&capture);
        let _ = Database::new(&[&facts], &[]);
    }
    if let Some(archive) = Parts::with(path, bytes) {
        struct Quiet;
        impl scan::Progress for Quiet {
            fn image(&self, _: &str, _: usize, _: Option<u64>) {}
            fn bytes(&self, _: u64) {}
            fn layer(&self) {}
        }
        let file = scratch.join("image.tar");
        for packed in [gzip(&archive), archive] {
            std::fs::write(&file, packed).expect("a scratch folder");
            for report in scan::scan(&Target::Archive(file.clone()), options, &Quiet).unwrap_or_default() {
                let bug = report.coverage.skipped.iter().find(|skip| skip.reason.contains("please report it as a bug"));
                assert!(bug.is_none(), "a panic was caught");
            }
        }
    }
}

#[test]
fn damaged_files_neither_panic_nor_take_long() {
    let seconds = std::env::var("IMGSCAN_MUTATION_SECONDS").ok().and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = tempfile::tempdir().expect("a folder");
    let options = ScanOptions {
        open: OpenOptions { platform: Some("linux/amd64".to_owned()), ..OpenOptions::default() },
        show_refuted: true,
        show_public: true,
        ..ScanOptions::of(ENGINE.clone())
    };
    if let Some(file) = std::env::var_os("IMGSCAN_MUTATION").map(std::path::PathBuf::from) {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name").replace('+', "/");
        return read_all(&name, &std::fs::read(&file).expect("readable"), scratch.path(), &options);
    }
    let corpus = corpus(folder.path());
    let started = Instant::now();
    let mut slowest = (Duration::ZERO, String::new());
    for round in 0.. {
        if seconds.map_or(round == ROUNDS, |seconds| started.elapsed() > seconds) {
            break;
        }
        for (number, (path, _)) in corpus.iter().enumerate() {
            let bytes = damaged(&corpus, number, round);
            let begun = busy(started);
            let done = panic::catch_unwind(panic::AssertUnwindSafe(|| read_all(path, &bytes, scratch.path(), &options)));
            let took = busy(started).saturating_sub(begun);
            if done.is_err() || took > LONGEST {
                let kept = std::env::temp_dir().join(path.replace('/', "+"));
                let written = std::fs::write(&kept, &bytes).is_ok();
                panic!(
                    "{path}, round {round}, {took:?}{}; {} has the file: {written}",
                    if done.is_err() { ", a panic" } else { "" },
                    kept.display()
                );
            }
            if took > slowest.0 {
                slowest = (took, format!("{path}, round {round}"));
            }
        }
    }
    println!("{} files; the slowest of all inputs: {:?} ({})", corpus.len(), slowest.0, slowest.1);
}
