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
    image::OpenOptions,
    kubernetes::{Policy, judge},
    layer,
    scan::{self, ScanOptions},
    target::Target,
};

/// Damaged forms of each file in a short run.
const ROUNDS: u64 = 24;
/// No input may keep its thread busy for longer, also not without optimisation; an optimised build takes milliseconds.
const LONGEST: Duration = Duration::from_secs(10);

/// How long this thread has been running, and not waiting for a processor; elsewhere than on Linux, the time since `started`.
fn busy(started: Instant) -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = statistics.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Numbers at the borders of what fields hold.
const BORDERS: [u64; 12] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000, 1 << 40, u64::MAX];
/// Pieces that mean something to parsers of texts.
const PIECES: [&str; 16] =
    ["{", "}", "[[[[", "\"", "'", "\\", "\0", "<![CDATA[", "<!--", "- ? !!map", "&a *a", "%", "\u{feff}", "\r\n\t", "1e999", "-----BEGIN "];

fn damage(bytes: &mut Vec<u8>, others: &[(String, Vec<u8>)], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(10) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = at as u8),
            2 | 3 => {
                let border = BORDERS[random.below(BORDERS.len())];
                let width = [1, 2, 4, 8][random.below(4)];
                let big = border.to_be_bytes();
                let field = if random.below(2) == 0 { border.to_le_bytes()[..width].to_vec() } else { big[8 - width..].to_vec() };
                bytes.iter_mut().skip(at).zip(field).for_each(|(byte, new)| *byte = new);
            }
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes.get(at..end).unwrap_or_default().repeat(1 + random.below(200));
                drop(bytes.splice(at..at, piece));
            }
            6 => bytes.truncate(at),
            7 => {
                let other = &others[random.below(others.len())].1;
                let from = random.below(other.len());
                let piece = other.iter().skip(from).take(random.below(2000)).copied();
                drop(bytes.splice(at..at, piece));
            }
            8 => {
                let piece = PIECES[random.below(PIECES.len())].repeat(1 + random.below(300));
                drop(bytes.splice(at..at, piece.bytes()));
            }
            _ => {
                // Digits of a length field, as tar, cpio and ar write them.
                bytes.iter_mut().skip(at).take(12).filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'7');
            }
        }
    }
}

/// File `number` as it is in that round.
fn damaged(corpus: &[(String, Vec<u8>)], number: usize, round: u64) -> Vec<u8> {
    let mut bytes = corpus[number].1.clone();
    damage(&mut bytes, corpus, &mut Random(round * 1_000 + number as u64 + 0x9e37_79b9_7f4a_7c15));
    bytes
}

/// An OCI archive of one image with two layers, and the older form of the same.
fn image(content: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    let digest = |bytes: &[u8]| data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes));
    let layers =
        [gzip(&tar(&[("app/.env", content), ("app/.wh.old", b"")])), zstd::encode_all(&tar(&[("x", content)])[..], 1).expect("memory")];
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["TOKEN={}"],"Labels":{{"a":"b"}}}},"history":[{{"created_by":"COPY . /app"}}],"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
        token(7),
        digest(b"x")
    );
    let descriptor = |kind: &str, bytes: &[u8]| {
        format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"sha256:{}","size":{}}}"#, digest(bytes), bytes.len())
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{},{}]}}"#,
        descriptor("config.v1+json", config.as_bytes()),
        descriptor("layer.v1.tar+gzip", &layers[0]),
        descriptor("layer.v1.tar+zstd", &layers[1])
    );
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, descriptor("manifest.v1+json", manifest.as_bytes()));
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", digest(bytes));
    let saved = format!(
        r#"[{{"Config":"{}","RepoTags":["a:1"],"Layers":["{}","{}"]}}]"#,
        blob(config.as_bytes()),
        blob(&layers[0]),
        blob(&layers[1])
    );
    let names = [blob(config.as_bytes()), blob(manifest.as_bytes()), blob(&layers[0]), blob(&layers[1])];
    tar(&[
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", index.as_bytes()),
        ("manifest.json", saved.as_bytes()),
        (&names[0], config.as_bytes()),
        (&names[1], manifest.as_bytes()),
        (&names[2], &layers[0]),
        (&names[3], &layers[1]),
    ])
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
        ("image.tar", image(&content)),
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
    }
    if path == "image.tar" {
        struct Quiet;
        impl scan::Progress for Quiet {
            fn image(&self, _: &str, _: usize, _: Option<u64>) {}
            fn bytes(&self, _: u64) {}
            fn layer(&self) {}
        }
        let file = scratch.join("image.tar");
        for packed in [bytes.to_vec(), gzip(bytes)] {
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
