use super::*;

#[test]
fn compressed_streams_by_magic_not_by_name() {
    let token = token(20);
    expect("data.bin", &gzip(&env(&token)), &token, "gzip");
    expect("data.bin", &zlib(&env(&token)), &token, "zlib");
    expect("data.bin", &zstd::encode_all(&env(&token)[..], 3).expect("memory writes"), &token, "zstd");
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz.write_all(&env(&token)).expect("memory writes");
    expect("data.bin", &bz.finish().expect("memory writes"), &token, "bzip2");
}

#[test]
fn every_member_of_a_gzip_file_and_what_follows() {
    let (one, two, three) = (token(21), token(22), token(23));
    let mut bytes = gzip(&env(&one));
    bytes.extend(gzip(&env(&two)));
    bytes.extend([0; 512]);
    bytes.extend(env(&three));
    let seen = scan("x.gz", &bytes);
    assert_eq!(seen.ways(&one), ["gzip"]);
    assert_eq!(seen.ways(&two), ["gzip"]);
    assert_eq!(seen.ways(&three), [""]);
    assert!(seen.gaps.is_empty());
}

#[test]
fn tar_in_everything() {
    let token = token(24);
    let archive = tar(&[("README", b"hello"), ("app/.env", &env(&token))]);
    expect("backup.tar", &archive, &token, "app/.env");
    expect("backup.tgz", &gzip(&archive), &token, "gzip > app/.env");
    expect("backup", &zstd::encode_all(&archive[..], 3).expect("memory writes"), &token, "zstd > app/.env");
    expect("outer.tar", &tar(&[("inner.tar.gz", &gzip(&archive))]), &token, "inner.tar.gz > gzip > app/.env");
}

#[test]
fn two_tars_in_one_and_long_names() {
    let (one, two) = (token(25), token(26));
    let long = format!("{}/.env", "folder/".repeat(40).trim_end_matches('/'));
    let mut bytes = tar(&[(&long, &env(&one))]);
    bytes.extend(tar(&[(".env", &env(&two))]));
    let seen = scan("x.tar", &bytes);
    assert_eq!(seen.ways(&one), [long]);
    assert_eq!(seen.ways(&two), [".env"]);
    assert!(seen.gaps.is_empty());
}

#[test]
fn zip_members_of_every_shape() {
    let shapes = [(false, false), (true, false), (false, true), (true, true)];
    let tokens: Vec<String> = (0..4).map(|n| token(30 + n)).collect();
    let mut archive = Zip::new();
    for ((stored, descriptor), token) in shapes.iter().zip(&tokens) {
        archive = archive.add(
            &format!("m{stored}{descriptor}"),
            &env(token),
            Shape { stored: *stored, descriptor: *descriptor, encrypted: false },
        );
    }
    let last = token(35);
    let seen = scan("x.jar", &archive.finish(&format!("comment {last}")));
    for ((stored, descriptor), token) in shapes.iter().zip(&tokens) {
        assert_eq!(seen.ways(token), [format!("m{stored}{descriptor}")]);
    }
    assert_eq!(seen.ways(&last), [""]);
    assert!(seen.gaps.is_empty());
}

#[test]
fn an_encrypted_member_is_a_gap_and_the_next_is_read() {
    let (one, two) = (token(36), token(37));
    let encrypted = Shape { encrypted: true, ..Shape::default() };
    let seen = scan("x.zip", &Zip::new().add("a", &env(&one), encrypted).add("b", &env(&two), Shape::default()).finish(""));
    assert_eq!(seen.gaps, ["a: is encrypted"]);
    assert_eq!(seen.ways(&two), ["b"]);
}

#[test]
fn data_before_between_and_after_a_zip() {
    let tokens: Vec<String> = (0..5).map(|n| token(40 + n)).collect();
    let mut first = Zip::new().add("a", &env(&tokens[0]), Shape::default());
    first.bytes.extend(env(&tokens[1]));
    let archive = first.add("b", &env(&tokens[2]), Shape::default()).finish("");
    let mut bytes = format!("#!/bin/sh\nT={}\nexec java -jar $0\n", tokens[3]).into_bytes();
    bytes.extend(&archive);
    bytes.extend(env(&tokens[4]));
    let seen = scan("app", &bytes);
    for (token, way) in tokens.iter().zip(["a", "", "b", "", ""]) {
        assert_eq!(seen.ways(token), [way]);
    }
    assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
}

#[test]
fn zip_in_zip_in_zip_to_the_limit() {
    let token = token(45);
    let mut archive = env(&token);
    for depth in 0..6 {
        archive = zip(&[(&format!("level{depth}"), &archive)]);
    }
    expect("x", &archive, &token, "level5 > level4 > level3 > level2 > level1 > level0");
    let seen = scan("x", &zip(&[("level6", &archive)]));
    assert_eq!(seen.gaps, ["level6 > level5 > level4 > level3 > level2 > level1: is nested deeper than the limit allows"]);
}

#[test]
fn a_lying_size_hides_nothing_and_a_lying_directory_is_a_gap() {
    let token = token(46);
    let mut archive = zip(&[("a", &env(&token))]);
    archive[18..22].copy_from_slice(&3u32.to_le_bytes());
    expect("x.zip", &archive, &token, "a");
    let mut other = Zip::new().add("a", b"text", Shape::default());
    let at = other.directory.len() - 5;
    other.directory[at] = 9;
    assert_eq!(scan("x.zip", &other.finish("")).gaps.len(), 1);
}

#[test]
fn members_are_read_as_the_body_and_as_the_directory_describe_them() {
    let (body, directory) = (token(48), token(49));
    // The body says stored, the directory says deflated: what a program sees that believes the directory.
    let hidden = deflate(&env(&directory));
    let mut archive =
        Zip::new().add("open", &env(&body), Shape::default()).add("hidden", &hidden, Shape { stored: true, ..Shape::default() });
    let at = memchr::memmem::rfind(&archive.directory, b"PK\x01\x02").expect("two members");
    archive.directory[at + 10] = 8;
    let bytes = archive.finish("");
    let seen = scan("x.zip", &bytes);
    assert_eq!(seen.ways(&body), ["open"]);
    assert_eq!(seen.ways(&directory), ["hidden"]);
    assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
    // A large archive is not kept: then the difference is a gap.
    let filler: Vec<u8> = (0..2u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut archive = Zip::new().add("large", &filler, Shape { stored: true, ..Shape::default() }).add(
        "hidden",
        &hidden,
        Shape { stored: true, ..Shape::default() },
    );
    let at = memchr::memmem::rfind(&archive.directory, b"PK\x01\x02").expect("two members");
    archive.directory[at + 10] = 8;
    let seen = scan("x.zip", &archive.finish(""));
    assert_eq!(seen.gaps, [": the archive's directory names members that differ from those in its body"]);
}

#[test]
fn offsets_behind_a_prefix_count_from_the_file_or_from_the_archive() {
    let token = token(51);
    let prefix = b"#!/usr/bin/env python3\n";
    let archive = zip(&[("__main__.py", &env(&token))]);
    let mut moved = archive.clone();
    for (mark, field) in [(b"PK\x01\x02", 42), (b"PK\x05\x06", 16)] {
        let at = memchr::memmem::rfind(&moved, mark).expect("a directory") + field;
        let offset = u32::from_le_bytes(moved[at..at + 4].try_into().expect("four bytes")) + prefix.len() as u32;
        moved[at..at + 4].copy_from_slice(&offset.to_le_bytes());
    }
    for archive in [archive, moved] {
        let seen = scan("usr/bin/tool", &[&prefix[..], &archive].concat());
        assert_eq!((seen.ways(&token).len(), seen.gaps), (1, Vec::new()));
    }
}

#[test]
fn containers_that_cannot_be_read_are_gaps() {
    let noise = [0x93u8; 400];
    for (format, bytes) in [
        ("squashfs", [b"hsqs", &noise[..]].concat()),
        ("squashfs", [b"sqsh", &noise[..]].concat()),
        ("lzop", [b"\x89LZO\0\r\n\x1a\n", &noise[..]].concat()),
        ("ISO 9660", [&[0; 32 << 10], &b"\x01CD001\x01"[..], &[0; 2041]].concat()),
    ] {
        assert_eq!(scan("x", &bytes).gaps, [format!(": {format} archives cannot be read")]);
    }
}

#[test]
fn the_lzma_format() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let token = token(52);
    std::fs::write(folder.path().join("a.env"), env(&token)).expect("a scratch folder");
    if stores::run(folder.path(), "xz", &["--format=lzma", "a.env"]).is_none() {
        return;
    }
    let bytes = std::fs::read(folder.path().join("a.env.lzma")).expect("a scratch folder");
    expect("x/a.env.lzma", &bytes, &token, "lzma");
    assert!(!scan("x", &bytes[..bytes.len() - 12]).gaps.is_empty(), "a cut stream is a gap");
}

pub(super) fn cpio(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members.iter().chain([&("TRAILER!!!", &b""[..])]) {
        let mode = if name.starts_with("TRAILER") { 0 } else { 0o100_644 };
        let fields = [1, mode, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
        bytes.extend(b"070701");
        fields.iter().for_each(|field| bytes.extend(format!("{field:08x}").into_bytes()));
        bytes.extend(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(*content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

pub(super) fn deb(content: &[u8]) -> Vec<u8> {
    let data = zstd::encode_all(&tar(&[("./etc/app.env", content)])[..], 3).expect("memory writes");
    let mut deb = b"!<arch>\n".to_vec();
    for (name, body) in
        [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &gzip(&tar(&[("control", b"Package: x")]))), ("data.tar.zst", &data)]
    {
        deb.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, body.len()).into_bytes());
        deb.extend(body);
        deb.resize(deb.len().next_multiple_of(2), b'\n');
    }
    deb
}

pub(super) fn rpm(content: &[u8]) -> Vec<u8> {
    let mut rpm = vec![0xed, 0xab, 0xee, 0xdb];
    rpm.resize(96, 0);
    let header = |data: &[u8]| {
        let mut bytes = b"\x8e\xad\xe8\x01\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
        bytes
    };
    rpm.extend(header(b"12345"));
    rpm.extend([0; 3]);
    rpm.extend(header(b"name"));
    rpm.extend(gzip(&cpio(&[("./etc/app.env", content)])));
    rpm
}

#[test]
fn packages_of_debian_alpine_and_red_hat() {
    let token = token(47);
    let content = env(&token);
    expect("x.deb", &deb(&content), &token, "data.tar.zst > zstd > etc/app.env");

    let mut apk = gzip(&tar(&[(".SIGN.RSA.x", b"sig")])[..1024]);
    apk.extend(gzip(&tar(&[(".PKGINFO", b"pkgname = x")])[..1024]));
    apk.extend(gzip(&tar(&[("etc/app.env", &content)])));
    expect("x.apk", &apk, &token, "gzip > etc/app.env");

    expect("x.rpm", &rpm(&content), &token, "payload > gzip > ./etc/app.env");
    expect("initrd", &cpio(&[("etc/app.env", &content)]), &token, "etc/app.env");
}

/// `gpg --export-secret-keys` without `--armor`.
#[test]
fn secret_keys_of_openpgp() {
    let number = |length: usize| (0..length).map(|at| (at * 151 + 37) as u8 | 1).collect::<Vec<u8>>();
    let body = [&[4, 0x65, 0, 0, 0, 1, 8, 0][..], &number(256), &[0, 17, 1, 0, 1, 0, 8, 0], &number(500)].concat();
    let length = (body.len() as u16).to_be_bytes();
    for header in [vec![0x95, length[0], length[1]], vec![0xc5, 255, 0, 0, length[0], length[1]]] {
        let seen = scan("app/signing-key.gpg", &[header, body.clone()].concat());
        let ways: Vec<_> = seen.found.iter().map(|found| found.3.join(" > ")).collect();
        assert_eq!((ways, seen.gaps), (vec!["openpgp".to_owned()], Vec::new()));
    }
    // A public key, and what only begins alike.
    for other in [[&[0x99, length[0], length[1]][..], &body].concat(), [&[0x95, 1, 2, 9][..], &body].concat()] {
        assert!(scan("app/key.gpg", &other).found.is_empty());
    }
}
