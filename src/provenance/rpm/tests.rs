#![allow(clippy::disallowed_methods, reason = "the tests read files that they made themselves")]

use std::path::Path;

use super::*;
use crate::{
    content::ContentHashes,
    damage::{Random, damage},
    provenance::Package as Known,
    tool::run,
};

/// What a tool says.
fn said(folder: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    run(folder, program, arguments).map(|output| String::from_utf8_lossy(&output).into_owned())
}

fn sha256(content: &[u8]) -> ContentHashes {
    use sha2::Digest as _;
    ContentHashes { md5: [0; 16], sha1: None, sha256: Some(sha2::Sha256::digest(content).into()) }
}

/// A signed and an unsigned package of rpmbuild, installed by rpm into an SQLite database with the vendor's key.
/// Returns the fingerprint.
fn installed(folder: &Path) -> Option<String> {
    std::fs::create_dir(folder.join("gpg")).expect("a scratch folder");
    run(folder, "chmod", &["700", "gpg"])?;
    let make = ["--batch", "--passphrase", "", "--quick-gen-key", "Vendor <vendor@example.com>", "rsa3072", "sign", "never"];
    run(folder, "gpg", &make)?;
    let listed = said(folder, "gpg", &["--with-colons", "--list-keys"])?;
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")?.strip_suffix(':'))?.to_owned();
    run(folder, "gpg", &["--armor", "--output", "vendor.asc", "--export"])?;
    let gpg = format!("__gpg {}", said(folder, "sh", &["-c", "command -v gpg"])?.trim());
    let db = format!("--dbpath={}/db", folder.display());
    run(folder, "rpm", &[&db, "--import", "vendor.asc"])?;
    for name in ["signed", "unsigned"] {
        let spec = format!(
            "Name: {name}\nVersion: 1\nRelease: 1\nSummary: T\nLicense: T\nBuildArch: noarch\n%description\nT\n\
             %install\nmkdir -p %{{buildroot}}/etc\necho content of {name} > %{{buildroot}}/etc/{name}.conf\n%files\n/etc/{name}.conf\n"
        );
        std::fs::write(folder.join(format!("{name}.spec")), spec).expect("a scratch folder");
        let top = format!("_topdir {}/build", folder.display());
        run(folder, "rpmbuild", &["-bb", "--define", &top, &format!("{name}.spec")])?;
        let file = format!("build/RPMS/noarch/{name}-1-1.noarch.rpm");
        if name == "signed" {
            run(folder, "rpmsign", &["--define", &gpg, "--define", "_gpg_name Vendor", "--addsign", &file])?;
        }
        run(folder, "rpm", &[&db, "-i", "--justdb", "--nodeps", "--nosignature", &file])?;
    }
    Some(fingerprint)
}

fn facts(database: &[u8]) -> Facts {
    let mut facts = Facts::default();
    facts.database(database);
    facts
}

/// What is known of a content, where the key of that fingerprint is a vendor's.
fn known(facts: &Facts, fingerprint: &str, content: &[u8]) -> Option<Known> {
    known_of(&[facts], fingerprint, content)
}

/// The same of several layers, lowest first.
fn known_of(layers: &[&Facts], fingerprint: &str, content: &[u8]) -> Option<Known> {
    let fingerprint: &'static str = fingerprint.to_owned().leak();
    let vendors: &[Vendor] = &[("Vendor", vec![fingerprint].leak())];
    let (mut database, hashes) = (Database::default(), sha256(content));
    merge(layers, vendors, &[hashes], &mut database);
    database.package(&hashes).cloned()
}

fn package(name: &str, public: bool) -> Option<Known> {
    Some(Known { name: name.to_owned(), public })
}

/// The headers as `ndb` holds them: a page of slots (the first two are the file's own header), then the blobs.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let mut slots = [b"RpmP".to_vec(), numbers(&[0, 1, 1, 9, 0, 0, 0])].concat();
    let mut blobs = Vec::new();
    for (number, header) in (1u32..).zip(headers) {
        let block = u32::try_from((4096 + blobs.len()) / 16).expect("small");
        let length = u32::try_from(header.len()).expect("small");
        slots.extend([b"Slot".to_vec(), numbers(&[number, block, length / 16 + 2])].concat());
        blobs.extend([b"BlbS".to_vec(), numbers(&[number, 1, length]), header.clone(), vec![0; 16 - header.len() % 16]].concat());
        blobs.extend([numbers(&[0, 0, length]), b"BlbE".to_vec()].concat());
    }
    slots.resize(4096, 0);
    [slots, blobs].concat()
}

#[test]
fn a_signature_of_a_known_vendor_makes_a_package_public() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let Some(fingerprint) = installed(folder.path()) else { return };
    let bytes = std::fs::read(folder.path().join("db/rpmdb.sqlite")).expect("made by rpm");
    let read = facts(&bytes);
    assert_eq!(read.packages.len(), 2);
    assert_eq!(known(&read, &fingerprint, b"content of signed\n"), package("rpm signed, signed by Vendor", true));
    assert_eq!(known(&read, &fingerprint, b"content of unsigned\n"), package("rpm unsigned", false));
    assert_eq!(known(&read, &fingerprint, b"content of signed, changed\n"), None);
    let stranger = "0".repeat(40);
    assert_eq!(known(&read, &stranger, b"content of signed\n"), package("rpm signed", false), "a key of nobody known");

    // The key may lie in a file instead, in another layer.
    let mut without = facts(&bytes);
    without.keys.clear();
    assert_eq!(known(&without, &fingerprint, b"content of signed\n"), package("rpm signed", false));
    without.keys(&std::fs::read(folder.path().join("vendor.asc")).expect("made by gpg"));
    assert_eq!(known(&without, &fingerprint, b"content of signed\n"), package("rpm signed, signed by Vendor", true));

    // Whoever writes the digest of another file into the header breaks the signature.
    let hex = |content: &[u8]| data_encoding::HEXLOWER.encode(&sha256(content).sha256.expect("made"));
    let (genuine, forged) = (hex(b"content of signed\n"), hex(b"forged\n"));
    let at = memchr::memmem::find(&bytes, genuine.as_bytes()).expect("in the header");
    let mut changed = bytes.clone();
    changed[at..at + 64].copy_from_slice(forged.as_bytes());
    let changed = facts(&changed);
    assert_eq!(known(&changed, &fingerprint, b"forged\n"), package("rpm signed", false));
    assert_eq!(known_of(&[&read, &changed], &fingerprint, b"forged\n"), package("rpm signed", false), "above the genuine one, too");

    let mut headers = Vec::new();
    databases::blobs(&bytes, &mut |blob| headers.push(blob.to_vec()));
    let slots = ndb(&headers);
    assert_eq!(known(&facts(&slots), &fingerprint, b"content of signed\n"), package("rpm signed, signed by Vendor", true));

    let slots = ndb(&headers);

    // The same headers as Berkeley DB holds them, made by its own tool.
    let mut dump = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n".to_owned();
    for (number, header) in (1u32..).zip(&headers) {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        dump += &format!(" {}\n {}\n", hex(&number.to_le_bytes()), hex(header));
    }
    std::fs::write(folder.path().join("dump"), dump + "DATA=END\n").expect("a scratch folder");
    if run(folder.path(), "db5.3_load", &["-f", "dump", "Packages"]).is_some() {
        let berkeley = facts(&std::fs::read(folder.path().join("Packages")).expect("made by db_load"));
        assert_eq!(known(&berkeley, &fingerprint, b"content of signed\n"), package("rpm signed, signed by Vendor", true));
    }

    let read = |name: &str| std::fs::read(folder.path().join(name)).ok().map(|bytes| (name.to_owned(), bytes));
    let whole: Vec<_> =
        [read("db/rpmdb.sqlite"), read("Packages"), read("vendor.asc"), Some(("ndb".to_owned(), slots))].into_iter().flatten().collect();
    for round in 0..200 {
        for (name, bytes) in &whole {
            let mut bytes = bytes.clone();
            damage(&mut bytes, &whole, &mut Random::new(round));
            let mut facts = facts(&bytes);
            facts.keys(&bytes);
            let started = std::time::Instant::now();
            known(&facts, &fingerprint, b"content of signed\n");
            assert!(started.elapsed().as_secs() < 10, "{name}, round {round}");
        }
    }
}

#[test]
fn hostile_databases_end() {
    for start in
        [&b"SQLite format 3\0"[..], b"RpmP\0\0\0\0\0\0\0\0\xff\xff\xff\xff", b"\0\0\0\0\0\0\0\0\0\0\0\0\x61\x15\x06\0\0\0\0\0\0\x02\0\0"]
    {
        for filler in [0u8, 1, 0x41, 0xff] {
            let mut bytes = start.to_vec();
            bytes.resize(8192, filler);
            assert!(facts(&bytes).packages.is_empty());
        }
    }
    assert!(openpgp::public_keys(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END").is_empty());
    assert!(Signature::of(&[0x89, 1, 0, 4, 0, 1, 8, 0xff, 0xff], b"").is_none());
}

#[test]
fn databases_and_keys_are_captured() {
    for path in ["var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/Packages.db", "./var/lib/rpm/Packages", "etc/pki/rpm-gpg/RPM-GPG-KEY-x"]
    {
        assert!(crate::provenance::Facts::capture(path).is_some(), "{path}");
    }
    assert!(crate::provenance::Facts::capture("srv/rpmdb.sqlite").is_none());
}

#[test]
fn fingerprints_are_forty_digits() {
    for fingerprint in VENDORS.iter().flat_map(|(_, fingerprints)| *fingerprints) {
        assert!(fingerprint.len() == 40 && fingerprint.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)));
    }
}
