use super::*;

#[test]
fn line_and_column_point_at_the_value() {
    let seen = scan("app/.env", &env(&token(1)));
    assert_eq!(seen.found.len(), 1);
    assert_eq!((seen.found[0].1, seen.found[0].2), (Some(2), Some(21)));
}

#[test]
fn lines_stay_right_across_windows() {
    // 12 MiB: several windows; a token in each megabyte, one of them over the first window's end.
    let mut text = Vec::new();
    let mut expected = Vec::new();
    let mut line = 1;
    let filler = "filler filler filler filler filler filler filler filler\n";
    let mut next = 0;
    while text.len() < 12 << 20 {
        if text.len() >= next {
            let token = token(next as u64 + 7);
            text.extend(format!("key {token}\n").into_bytes());
            expected.push((token.into_bytes(), Some(line), Some(5), Vec::new()));
            line += 1;
            next += 1 << 20;
        }
        text.extend(filler.as_bytes());
        line += 1;
    }
    let seen = scan("var/log/app.log", &text);
    assert_eq!(seen.found.len(), expected.len());
    assert!(seen.found == expected, "each token once, with its line");
}

#[test]
fn a_token_over_any_window_border_is_found_once() {
    let token = token(3);
    for binary in [false, true] {
        for at in [(1 << 20) - 20, (4 << 20) - 20, (4 << 20) - (32 << 10) - 5, (4 << 20) - (24 << 10) - 7, (1 << 20) - (24 << 10) - 7] {
            let mut text = vec![b' '; 5 << 20];
            text[0] = if binary { 0 } else { b'x' };
            text[at..at + token.len()].copy_from_slice(token.as_bytes());
            let seen = scan("big", &text);
            assert_eq!(seen.ways(&token), [""], "binary {binary}, at {at}");
            assert_eq!(seen.found[0].2, (!binary).then_some(at as u32 + 1));
        }
    }
}

#[test]
fn one_long_line() {
    let token = token(4);
    let mut text = vec![b'a'; 3 << 20];
    text.extend(format!(" {token} ").into_bytes());
    text.extend(vec![b'b'; 6 << 20]);
    let seen = scan("app.min.js", &text);
    assert_eq!(seen.ways(&token), [""]);
    assert_eq!((seen.found[0].1, seen.found[0].2), (Some(1), Some((3 << 20) + 2)));
}

#[test]
fn utf16_of_both_orders() {
    let token = token(5);
    let text = String::from_utf8(env(&token)).expect("ASCII");
    let units: Vec<u16> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [&little[..], &big[..], &little[2..]] {
        let seen = scan("settings.reg", bytes);
        assert_eq!(seen.ways(&token), [""]);
        assert_eq!((seen.found[0].1, seen.found[0].2), (Some(2), Some(21)));
    }
}

#[test]
fn a_program_is_scanned_as_it_is() {
    let token = token(6);
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([0; 5000]);
    bytes.extend(token.as_bytes());
    bytes.extend([0; 100]);
    let seen = scan("usr/bin/app", &bytes);
    assert_eq!(seen.ways(&token), [""]);
    assert_eq!(seen.found[0].1, None, "a program has no lines");
}

#[test]
fn hashes_come_with_a_finding_and_only_then() {
    let bytes = env(&token(8));
    assert_eq!(scan("app/.env", &bytes).hashes, Some(hashing::of(&bytes)));
    assert_eq!(scan("app/.env", b"nothing").hashes, None);
    let mut program = vec![0; 3 << 20];
    program.extend(&bytes);
    assert_eq!(scan("usr/lib/x.so", &program).hashes, Some(hashing::of(&program)));
    let packed = gzip(&bytes);
    assert_eq!(scan("usr/share/doc/x.gz", &packed).hashes, Some(hashing::of(&packed)));
    assert_eq!(scan("home/x.gz", &packed).hashes, None, "no package owns a home");
    let noise: Vec<u8> = (0..400_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
    let large = zip(&[("a", &noise), ("b", &bytes)]);
    let expected = ContentHashes { sha1: None, sha256: None, ..hashing::of(&large) };
    assert!(large.len() > 1 << 20);
    assert_eq!(scan("usr/share/java/x.jar", &large).hashes, Some(expected));
}

#[test]
fn helm_releases_and_archives_in_base64() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let token = token(9);
    let release = gzip(format!("{{\"config\":{{\"token\":\"{token}\"}}}}").as_bytes());
    let once = STANDARD.encode(&release);
    let twice = STANDARD.encode(&once);
    expect("release.yaml", format!("data:\n  release: {twice}\n").as_bytes(), &token, "base64 > base64 > gzip");
    expect("user-data", format!("payload: {once}\n").as_bytes(), &token, "base64 > gzip");
    let padding: Vec<u8> = (0..3000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let archive = STANDARD.encode(zip(&[("x", &padding), (".env", &env(&token))]));
    let wrapped: Vec<&str> = archive.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    expect("archive.pem", format!("-----\n{}\n-----\n", wrapped.join("\n")).as_bytes(), &token, "base64 > .env");
}

#[test]
fn a_long_file_is_hashed_once_something_was_found_in_its_beginning() {
    let mut bytes = env(&token(70));
    bytes.extend((0..6u32 << 20).map(|n| b"0123456789abcdef\n"[(n.wrapping_mul(2_654_435_761) >> 28) as usize]));
    assert_eq!(scan("usr/share/x.log", &bytes).hashes, Some(hashing::of(&bytes)));
    assert_eq!(scan("home/x.log", &bytes).hashes, None, "no package owns a home");
    bytes.rotate_right(5 << 20);
    assert_eq!(scan("usr/share/x.log", &bytes).hashes, None, "the beginning was gone when something was found");
}

/// What is text in a dump of a process: an environment, a key of several lines, a URL before the next record's tag.
#[test]
fn credentials_between_other_bytes() {
    let (password, key) = ("q7Zk3vXp9TtLmw2R", samples::fill("{pem:RSA PRIVATE KEY}", 5));
    let dump = [
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0PATH=/bin\0DB_PASSWORD=".as_slice(),
        password.as_bytes(),
        b"\0A=B\0\x01\x02",
        key.as_bytes(),
        b"\0\x03jdbc:mysql://h/d?user=u&password=",
        password.as_bytes(),
        b"\x01\0\0\0\0",
    ]
    .concat();
    let seen = scan("core.1", &dump);
    assert_eq!(seen.ways(password), ["", ""], "the variable and the URL");
    assert_eq!(seen.ways(key.trim_end()), [""]);
}
