#![allow(clippy::disallowed_methods, reason = "the tests read files that they made themselves")]

use std::path::Path;

use super::*;
pub(super) use crate::tool::run;

pub(super) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
    let all: Vec<&str> = identity.iter().chain(arguments).copied().collect();
    run(folder, "git", &all).map(|output| String::from_utf8_lossy(&output).trim().to_owned())
}

/// A history of which the first commit has a token that the second one takes out.
pub(super) fn repository(folder: &Path, token: &str) -> Option<(String, String)> {
    git(folder, &["init", "-q"])?;
    std::fs::create_dir(folder.join("config")).expect("a scratch folder");
    let filler: String = (0..200).map(|n| format!("SETTING_{n}=value {}\n", n * 7919)).collect();
    std::fs::write(folder.join("config/app.env"), format!("{filler}TOKEN={token}\n{filler}")).expect("a scratch folder");
    git(folder, &["add", "-A"])?;
    git(folder, &["commit", "-qm", "one"])?;
    let commit = git(folder, &["rev-parse", "HEAD"])?;
    let blob = git(folder, &["rev-parse", "HEAD:config/app.env"])?;
    std::fs::write(folder.join("config/app.env"), format!("{filler}TOKEN=\n{filler}")).expect("a scratch folder");
    git(folder, &["commit", "-qam", "two"])?;
    Some((commit, blob))
}

pub(super) fn files(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a scratch folder") {
            let path = entry.expect("a scratch folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(extension) {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn a_pack_names_commit_blob_and_path() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let token = token(60);
    let Some((commit, blob)) = repository(folder.path(), &token) else { return };
    git(folder.path(), &["gc", "-q", "--aggressive", "--prune=now"]);
    let packs = files(folder.path(), ".pack");
    assert_eq!(packs.len(), 1);
    let bytes = std::fs::read(&packs[0]).expect("a scratch folder");
    let way = format!("git commit {} > git blob {} > config/app.env", &commit[..12], &blob[..12]);
    expect("app/.git/objects/pack/x.pack", &bytes, &token, &way);
}

#[test]
fn a_bundle_is_a_pack_with_a_header() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let token = token(63);
    let Some((commit, blob)) = repository(folder.path(), &token) else { return };
    git(folder.path(), &["bundle", "create", "-q", "x.bundle", "--all"]);
    let bytes = std::fs::read(folder.path().join("x.bundle")).expect("a scratch folder");
    let way = format!("git commit {} > git blob {} > config/app.env", &commit[..12], &blob[..12]);
    expect("srv/x.bundle", &bytes, &token, &way);
}

#[test]
fn a_streamed_pack_shows_what_deltas_add() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let token = token(61);
    if repository(folder.path(), &token).is_none() {
        return;
    }
    git(folder.path(), &["gc", "-q", "--aggressive", "--prune=now"]);
    let bytes = std::fs::read(&files(folder.path(), ".pack")[0]).expect("a scratch folder");
    // A pack that claims more objects than are held in memory is streamed; its objects end before the claim does.
    let mut large = bytes.clone();
    large[8..12].copy_from_slice(&1_000_000u32.to_be_bytes());
    let seen = scan("x.pack", &large);
    assert_eq!(seen.ways(&token).len(), 1);
    assert!(!seen.gaps.is_empty());
}

#[test]
fn loose_objects_are_named_by_their_path() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let token = token(62);
    let Some((_, blob)) = repository(folder.path(), &token) else { return };
    let path = format!(".git/objects/{}/{}", &blob[..2], &blob[2..]);
    let bytes = std::fs::read(folder.path().join(&path)).expect("a scratch folder");
    expect(&format!("app/{path}"), &bytes, &token, &format!("git blob {}", &blob[..12]));
}

#[test]
fn cells_of_sqlite_long_compressed_and_deleted() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let tokens: Vec<String> = (0..5).map(|n| token(70 + n)).collect();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    // The token of the long text lies over the border of two pages for one of the fillings.
    let mut sql = "PRAGMA page_size=512; PRAGMA secure_delete=0; CREATE TABLE logins(id INTEGER PRIMARY KEY, secret);".to_owned();
    for filling in (300..1200).step_by(10) {
        sql += &format!("INSERT INTO logins(secret) VALUES ('{}{}{}');", "x ".repeat(filling / 2), tokens[0], " y".repeat(300));
    }
    sql += &format!("INSERT INTO logins VALUES (900, x'{}');", hex(&zlib(&env(&tokens[1]))));
    sql += &format!("INSERT INTO logins VALUES (901, x'{}');", hex(&gzip(&env(&tokens[2]))));
    sql += &format!("INSERT INTO logins VALUES (902, '{}'); INSERT INTO logins VALUES (903, '{}');", tokens[3], tokens[4]);
    sql += "INSERT INTO logins VALUES (904, 'more'); INSERT INTO logins VALUES (905, 'more'); DELETE FROM logins WHERE id = 903;";
    if run(folder.path(), "sqlite3", &["-bail", "x.db", &sql]).is_none() {
        return;
    }
    let seen = scan("x.db", &std::fs::read(folder.path().join("x.db")).expect("a scratch folder"));
    assert_eq!(seen.gaps, Vec::<String>::new());
    let long: std::collections::BTreeSet<String> = seen.ways(&tokens[0]).into_iter().collect();
    assert_eq!(long, (1..=90).map(|row| format!("table logins > row {row}")).collect());
    assert_eq!(seen.ways(&tokens[1]), ["table logins > row 900 > zlib"]);
    assert_eq!(seen.ways(&tokens[2]), ["table logins > row 901 > gzip"]);
    assert_eq!(seen.ways(&tokens[3]), ["table logins > row 902"]);
    assert_eq!(seen.ways(&tokens[4]), [""], "a deleted row is found in free space");
}

/// One token in a stream, in two parts, and one in a comment.
#[test]
fn values_of_sqlite_are_judged_by_their_names() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let password = |seed: u64| token(seed)[4..24].to_owned();
    let [column, pair, chrome] = [90, 91, 92].map(password);
    let sealed = {
        use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
        let key = crate::cipher::pbkdf2::<sha1::Sha1>(b"peanuts", b"saltysalt", 1, 16).expect("a key");
        let cipher = aes::Aes128::new_from_slice(&key).expect("a key");
        let padded = [chrome.as_bytes(), &[12; 12]].concat();
        let mut before = [b' '; 16];
        let mut sealed = b"v10".to_vec();
        for chunk in padded.chunks(16) {
            let mut block: [u8; 16] = std::array::from_fn(|at| chunk[at] ^ before[at]);
            cipher.encrypt_block((&mut block).into());
            sealed.extend(block);
            before = block;
        }
        data_encoding::HEXLOWER.encode(&sealed)
    };
    let sql = format!(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, name text, password text); INSERT INTO users VALUES (7, 'bob', '{column}');
         CREATE TABLE settings(key text, value text); INSERT INTO settings VALUES ('theme', 'dark'), ('smtp_password', '{pair}');
         CREATE TABLE logins(origin_url text, password_value blob); INSERT INTO logins VALUES ('https://x.acme.example', x'{sealed}');"
    );
    if run(folder.path(), "sqlite3", &["-bail", "x.db", &sql]).is_none() {
        return;
    }
    let seen = scan("x.db", &std::fs::read(folder.path().join("x.db")).expect("a scratch folder"));
    assert_eq!(seen.ways(&column), ["table users > row 7"]);
    assert_eq!(seen.ways(&pair), ["table settings > row 2"]);
    assert_eq!(seen.ways(&chrome), ["table logins > row 1 > Chrome's published key"]);
    assert_eq!(seen.found.len(), 3);
}

pub(super) fn pdf(one: &str, two: &str) -> Vec<u8> {
    let (head, tail) = one.split_at(20);
    let content = zlib(format!("BT /F1 12 Tf [(key {head}) -3 ({tail})] TJ ET").as_bytes());
    let mut bytes = b"%PDF-1.7\n1 0 obj\n<< /Filter /FlateDecode >>\nstream\n".to_vec();
    bytes.extend(&content);
    bytes.extend(format!("\nendstream\nendobj\n% {two}\n").into_bytes());
    bytes
}

#[test]
fn streams_of_a_pdf() {
    let (one, two) = (token(80), token(81));
    let seen = scan("manual.pdf", &pdf(&one, &two));
    assert_eq!(seen.ways(&one), ["stream 1"]);
    assert_eq!(seen.ways(&two), [""]);
    assert!(seen.gaps.is_empty());
}

/// A PKCS#12 file with a key and its certificate.
pub(super) fn pkcs12(password: &str) -> (Vec<u8>, Vec<u8>) {
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
    let made = rcgen::generate_simple_self_signed(["db.example.com".to_owned()]).expect("a certificate");
    let der = made.signing_key.serialize_der();
    let key = PrivateKey::from_der(&der).expect("a key");
    let certificate = Certificate::from_der(made.cert.der()).expect("a certificate");
    let mut store = KeyStore::new();
    store.add_entry("server", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(b"id".as_slice(), key, [certificate])));
    (store.writer(password).write().expect("memory writes"), der)
}

fn rules(bytes: &[u8]) -> Vec<(String, Vec<String>)> {
    struct Rules(Vec<(String, Vec<String>)>);
    impl Sink for Rules {
        fn found(&mut self, found: Found) {
            if found.matched.rule.id.starts_with("keystore") {
                self.0.push((found.matched.rule.id.to_string(), found.matched.evidence));
            }
        }
        fn uncovered(&mut self, _: Uncovered) {}
    }
    let mut rules = Rules(Vec::new());
    let mut reader = bytes;
    Scanner::new(ENGINE.clone(), Limits::default()).scan("etc/x.p12", None, &mut reader, &mut rules).expect("memory reads");
    rules.0
}

#[test]
fn pkcs12_opens_with_an_empty_or_well_known_password_only() {
    let found = rules(&pkcs12("").0);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "keystore-private-key");
    assert_eq!(found[0].1[0], "opens with an empty password");
    assert!(found[0].1[1].starts_with("certificate of "));
    let found = rules(&pkcs12("changeit").0);
    assert_eq!(found[0].1[0], "opens with the well-known password `changeit`");
    let found = rules(&pkcs12("correct horse battery staple").0);
    assert_eq!(found.iter().map(|found| found.0.as_str()).collect::<Vec<_>>(), ["keystore-protected"]);
}

#[test]
fn a_key_store_holds_the_same_secret_as_a_pem_file() {
    let (bytes, der) = pkcs12("changeit");
    let seen = scan("etc/x.p12", &bytes);
    let secret = &seen.found[0].0;
    let body: String = String::from_utf8_lossy(secret).lines().filter(|line| !line.starts_with('-')).collect();
    assert!(data_encoding::BASE64.decode(body.as_bytes()).expect("base64") == der);
}

#[test]
fn stores_of_javas_own_kinds() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let make = |kind: &str, file: &str, password: &str| {
        let arguments = [
            "-genkeypair",
            "-alias",
            "a",
            "-keyalg",
            "EC",
            "-dname",
            "CN=x",
            "-storetype",
            kind,
            "-keystore",
            file,
            "-storepass",
            password,
            "-keypass",
            password,
        ];
        run(folder.path(), "keytool", &arguments).map(|_| std::fs::read(folder.path().join(file)).expect("a scratch folder"))
    };
    let Some(jks) = make("JKS", "a.jks", "changeit") else { return };
    assert_eq!(rules(&jks), [("keystore-private-key".to_owned(), vec!["opens with the well-known password `changeit`".to_owned()])]);
    let Some(strong) = make("JKS", "b.jks", "correct horse") else { return };
    assert_eq!(rules(&strong)[0].0, "keystore-protected");
    let Some(jceks) = make("JCEKS", "c.jks", "changeit") else { return };
    assert_eq!(rules(&jceks)[0].0, "keystore-protected");
    let Some(new) = make("PKCS12", "d.jks", "changeit") else { return };
    assert_eq!(rules(&new)[0].0, "keystore-private-key");
    run(folder.path(), "keytool", &["-exportcert", "-alias", "a", "-keystore", "a.jks", "-storepass", "changeit", "-file", "a.crt"]);
    run(
        folder.path(),
        "keytool",
        &[
            "-importcert",
            "-noprompt",
            "-alias",
            "a",
            "-storetype",
            "JKS",
            "-keystore",
            "trust.jks",
            "-storepass",
            "changeit",
            "-file",
            "a.crt",
        ],
    );
    let trust = std::fs::read(folder.path().join("trust.jks")).expect("a scratch folder");
    assert!(rules(&trust).is_empty(), "certificates are public");
}

#[test]
fn pkcs12_as_openssl_writes_it() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -subj /CN=db.example.com -days 9 -out a.crt";
    if run(folder.path(), "openssl", &make.split(' ').collect::<Vec<_>>()).is_none() {
        return;
    }
    let key = run(folder.path(), "openssl", &["pkcs8", "-topk8", "-nocrypt", "-in", "a.key"]).expect("there is openssl");
    for options in [
        "",
        "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
        "-keypbe PBE-SHA1-2DES -certpbe NONE -macalg sha384",
        "-keypbe AES-128-CBC -certpbe AES-192-CBC -macalg sha512 -iter 5000",
        "-keypbe DES-EDE3-CBC -certpbe AES-256-CBC -nomac",
    ] {
        for password in ["", "changeit"] {
            let pass = format!("pass:{password}");
            let fixed = ["pkcs12", "-export", "-inkey", "a.key", "-in", "a.crt", "-out", "a.p12", "-passout", &pass];
            let arguments: Vec<&str> = fixed.into_iter().chain(options.split_whitespace()).collect();
            run(folder.path(), "openssl", &arguments);
            let seen = scan("etc/a.p12", &std::fs::read(folder.path().join("a.p12")).expect("a scratch folder"));
            let secret = &seen.found.first().unwrap_or_else(|| panic!("{options} {password}")).0;
            let secret: Vec<u8> = secret.iter().copied().filter(|byte| *byte != b'\n').collect();
            let key: Vec<u8> = key.iter().copied().filter(|byte| *byte != b'\n').collect();
            assert!(secret == key, "{options} {password}");
        }
    }
}

/// DER: a tag, its length, its value.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = u32::try_from(value.len()).expect("small").to_be_bytes();
    [&[tag, 0x83], &length[1..], &value].concat()
}

#[test]
fn many_bags_of_many_rounds_cost_no_more_than_one() {
    const RSADSI: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01";
    let object = |end: &[u8]| der(6, &[RSADSI, end]);
    let rounds = der(2, &[&[0x0f, 0x42, 0x40]]);
    let derivation = der(0x30, &[&object(b"\x05\x0c"), &der(0x30, &[&der(4, &[b"saltsalt"]), &rounds])]);
    let cipher = der(0x30, &[&der(6, &[b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a"]), &der(4, &[&[0; 16]])]);
    let algorithm = der(0x30, &[&object(b"\x05\x0d"), &der(0x30, &[&derivation, &cipher])]);
    let bag = |algorithm: &[u8]| {
        let info = der(0x30, &[algorithm, &der(4, &[&[0; 16]])]);
        der(0x30, &[&object(b"\x0c\x0a\x01\x02"), &der(0xa0, &[&info])])
    };
    let store = |bags: &[u8]| {
        let content = |bytes: &[u8]| der(0x30, &[&object(b"\x07\x01"), &der(0xa0, &[&der(4, &[bytes])])]);
        let safe = der(0x30, &[&content(&der(0x30, &[bags]))]);
        der(0x30, &[&[2, 1, 3], &content(&safe)])
    };
    let bytes = store(&bag(&algorithm).repeat(3_000));
    let started = std::time::Instant::now();
    let found = rules(&bytes);
    assert_eq!(found[0].0, "keystore-protected");
    assert!(found[0].1[0].contains("too much time"), "{:?}", found[0].1);
    // One bag's million rounds take seconds where nothing is optimised; three thousand would take hours.
    assert!(started.elapsed().as_secs() < 120);
}

#[test]
fn packages_as_rpmbuild_writes_them() {
    let token = token(82);
    for (compressor, step) in [("w9.gzdio", "gzip"), ("w6.xzdio", "xz"), ("w3.zstdio", "zstd"), ("w9.bzdio", "bzip2")] {
        let folder = tempfile::tempdir().expect("a scratch folder");
        std::fs::write(folder.path().join("app.env"), env(&token)).expect("a scratch folder");
        let spec = format!(
            "Name: app\nVersion: 1\nRelease: 1\nSummary: T\nLicense: T\nBuildArch: noarch\n%description\nT\n\
             %install\nmkdir -p %{{buildroot}}/etc\ncp {}/app.env %{{buildroot}}/etc/app.env\n%files\n/etc/app.env\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("app.spec"), spec).expect("a scratch folder");
        let top = format!("_topdir {}", folder.path().display());
        let payload = format!("_binary_payload {compressor}");
        if run(folder.path(), "rpmbuild", &["-bb", "--define", &top, "--define", &payload, "app.spec"]).is_none() {
            return;
        }
        let bytes = std::fs::read(folder.path().join("RPMS/noarch/app-1-1.noarch.rpm")).expect("made by rpmbuild");
        let seen = scan("app.rpm", &bytes);
        assert_eq!(seen.ways(&token), [format!("payload > {step} > ./etc/app.env")], "{:?}", seen.gaps);
        assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
    }
}
