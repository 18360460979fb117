use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::*;

fn hashes(content: &[u8]) -> ContentHashes {
    ContentHashes {
        md5: Md5::digest(content).into(),
        sha1: Some(Sha1::digest(content).into()),
        sha256: Some(Sha256::digest(content).into()),
    }
}

fn facts(files: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::default();
    for (path, text) in files {
        let mut capture = Facts::capture(path).expect("a database file");
        let mut reader = text.as_bytes();
        io::copy(&mut capture.reading(&mut reader), &mut io::sink()).expect("memory reads");
        facts.add(&capture);
    }
    facts
}

fn md5_line(content: &[u8], path: &str) -> String {
    format!("{}  {path}\n", data_encoding::HEXLOWER.encode(&hashes(content).md5))
}

const DEBIAN: (&str, &str) = ("etc/os-release", "NAME=x\nID=debian\n");
const LIBSSL: &str =
    "Package: libssl3\nStatus: install ok installed\nMaintainer: T <t@alioth-lists.debian.net>\nVersion: 3.0.15-1~deb12u1\n\n";

#[test]
fn a_file_of_debian_is_public_wherever_it_lies_and_a_modified_one_is_not() {
    let sums = md5_line(b"content", "usr/lib/x.so");
    let layer = facts(&[DEBIAN, ("var/lib/dpkg/status", LIBSSL), ("var/lib/dpkg/info/libssl3:amd64.md5sums", &sums)]);
    let database = Database::new(&[&layer], &[]);
    assert_eq!(database.package(&hashes(b"content")), Some(&Package { name: "dpkg libssl3".to_owned(), public: true }));
    assert_eq!(database.package(&hashes(b"content, changed")), None);
}

#[test]
fn the_database_may_be_in_another_layer() {
    let sums = md5_line(b"content", "usr/lib/x.so");
    let lower = facts(&[DEBIAN]);
    let upper = facts(&[("var/lib/dpkg/status", LIBSSL), ("var/lib/dpkg/info/libssl3.md5sums", &sums)]);
    assert!(Database::new(&[&lower, &upper], &[]).package(&hashes(b"content")).is_some_and(|package| package.public));
}

#[test]
fn a_companys_own_deb_is_not_public() {
    let sums = md5_line(b"content", "opt/acme/x");
    for status in [
        "Package: libssl3\nMaintainer: Acme <p@acme.example>\nVersion: 1.0-1\n",
        "Package: libssl3\nMaintainer: T <t@alioth-lists.debian.net>\nVersion: 3.0-1acme2\n",
        "Package: libssl3\nMaintainer: T <t@debian.org>\nVersion: 3.0-1\nOrigin: Acme\n",
        "Package: other\nMaintainer: T <t@debian.org>\nVersion: 3.0-1\n",
    ] {
        let layer = facts(&[DEBIAN, ("var/lib/dpkg/status", status), ("var/lib/dpkg/info/libssl3.md5sums", &sums)]);
        let package = Database::new(&[&layer], &[]).package(&hashes(b"content")).cloned();
        assert_eq!(package, Some(Package { name: "dpkg libssl3".to_owned(), public: false }), "{status}");
    }
}

#[test]
fn a_rebuilt_package_in_a_later_layer_takes_the_name_out_of_public() {
    let sums = md5_line(b"content", "usr/lib/x.so");
    let lower = facts(&[DEBIAN, ("var/lib/dpkg/status", LIBSSL)]);
    let rebuilt = LIBSSL.replace("deb12u1", "acme1");
    let upper = facts(&[("var/lib/dpkg/status", &rebuilt), ("var/lib/dpkg/info/libssl3.md5sums", &sums)]);
    assert!(Database::new(&[&lower, &upper], &[]).package(&hashes(b"content")).is_some_and(|package| !package.public));
}

#[test]
fn configuration_files_are_proven_by_the_status_file() {
    let status = format!("{}Conffiles:\n /etc/x.conf {} obsolete\n", LIBSSL.trim_end().to_owned() + "\n", md5_line(b"conf", "").trim());
    let layer = facts(&[DEBIAN, ("var/lib/dpkg/status", &status)]);
    assert!(Database::new(&[&layer], &[]).package(&hashes(b"conf")).is_some_and(|package| package.public));
}

fn installed(content: &[u8]) -> String {
    let hash = data_encoding::BASE64.encode(&Sha1::digest(content));
    format!("C:Q1x=\nP:musl\nV:1.2.5-r0\nm:T <t@alpinelinux.org>\nF:lib\nR:ld-musl.so\nZ:Q1{hash}\n\n")
}

const ALPINE: [(&str, &str); 3] = [
    ("etc/os-release", "ID=alpine\n"),
    ("etc/apk/repositories", "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n"),
    ("etc/apk/keys/alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub", ""),
];

#[test]
fn alpine_is_public_until_something_foreign_is_trusted() {
    let base_db = installed(b"musl");
    let mut files = ALPINE.to_vec();
    files.push(("lib/apk/db/installed", &base_db));
    let base = facts(&files);
    let upper_db = format!("{base_db}{}", installed(b"own").replace("P:musl", "P:own"));
    let upper = facts(&[("etc/apk/keys/acme.rsa.pub", ""), ("lib/apk/db/installed", &upper_db)]);
    let database = Database::new(&[&base, &upper], &[]);
    assert!(database.package(&hashes(b"musl")).is_some_and(|package| package.public));
    assert!(database.package(&hashes(b"own")).is_some_and(|package| !package.public));
}

#[test]
fn pip_proves_integrity_only() {
    let hash = data_encoding::BASE64URL_NOPAD.encode(&Sha256::digest(b"module"));
    let record = format!("acme/__init__.py,sha256={hash},6\nacme-1.0.dist-info/RECORD,,\n");
    let layer = facts(&[("usr/lib/python3/site-packages/acme-1.0.dist-info/RECORD", &record)]);
    let package = Database::new(&[&layer], &[]).package(&hashes(b"module")).cloned();
    assert_eq!(package, Some(Package { name: "pip acme-1.0".to_owned(), public: false }));
}

proptest::proptest! {
    #[test]
    fn no_database_makes_it_panic(text in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let mut all = Facts::default();
        all.dpkg.status(&text);
        all.dpkg.sums("x", &text);
        all.apk.installed(&text);
        all.apk.repositories(&text);
        all.pip.record("a.dist-info/RECORD", &text);
        Database::new(&[&all], &[]);
    }
}
