use proptest::prelude::*;

use super::*;

fn small() -> Limits {
    Limits { depth: 4, unpacked: 8 << 20, members: 100, ratio: 50, ratio_floor: 1 << 20, window: 1 << 20 }
}

#[test]
fn bombs_are_gaps_said_once() {
    let bomb = gzip(&vec![0; 6 << 20]);
    let seen = scan_with(small(), "bomb.gz", &bomb);
    assert_eq!(seen.gaps, ["gzip: unpacks to many times its size, like a decompression bomb"]);
    let nested = zip(&[("a.gz", &bomb), ("b.gz", &bomb)]);
    assert_eq!(scan_with(small(), "bomb.zip", &nested).gaps.len(), 1);
    let many: Vec<(String, &[u8])> = (0..200).map(|n| (n.to_string(), &b"x"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let gap = ["has more archive members than the budget of one file allows"];
    for archive in [zip(&many), tar(&many)] {
        let seen = scan_with(small(), "many", &archive);
        assert_eq!(seen.gaps.iter().map(|said| said.trim_start_matches(": ")).collect::<Vec<_>>(), gap);
    }
}

#[test]
fn what_came_before_the_damage_is_scanned() {
    let token = token(90);
    let noise: Vec<u8> = (0..40_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
    let archive = tar(&[(".env", &env(&token)), ("noise", &noise)]);
    let packed = gzip(&archive);
    let seen = scan("x.tgz", &packed[..packed.len() / 2]);
    assert_eq!(seen.ways(&token), ["gzip > .env"]);
    assert!(!seen.gaps.is_empty());
    let archive = zip(&[(".env", &env(&token)), ("noise", &noise)]);
    let seen = scan("x.zip", &archive[..archive.len() / 2]);
    assert_eq!(seen.ways(&token), [".env"]);
    assert!(!seen.gaps.is_empty());
}

#[test]
fn what_only_looks_like_zlib_is_scanned_as_it_is() {
    let token = token(92);
    for start in [&b"x^2 = "[..], b"x\x9c\xff\xfe\xfd "] {
        let mut bytes = start.to_vec();
        bytes.extend(env(&token));
        expect("formula", &bytes, &token, "");
    }
}

#[test]
fn a_failing_reader_is_an_error_and_no_gap() {
    struct Failing(Vec<u8>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("the network is gone"));
            }
            let count = buffer.len().min(self.0.len());
            self.0.drain(..count).zip(buffer).for_each(|(from, to)| *to = from);
            Ok(count)
        }
    }
    let noise: Vec<u8> = (0..90_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
    let packed = gzip(&tar(&[("noise", &noise)]));
    for bytes in [vec![b'x'; 300_000], packed[..packed.len() / 2].to_vec(), vec![b'x'; 10]] {
        let mut seen = Seen::default();
        let error = Scanner::new(ENGINE.clone(), Limits::default()).scan("x", None, &mut Failing(bytes), &mut seen);
        assert_eq!(error.expect_err("the reader's").to_string(), "the network is gone");
        assert!(seen.gaps.is_empty());
    }
}

#[test]
fn cyclic_pages_of_sqlite_end() {
    // A leaf whose only cell says that it is 8 MiB long and whose overflow page points at itself.
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.extend(512u16.to_be_bytes());
    bytes.resize(1024, 0);
    bytes[100] = 13;
    bytes[104] = 1;
    bytes[108..110].copy_from_slice(&200u16.to_be_bytes());
    bytes[200..204].copy_from_slice(&[0x83, 0xff, 0xff, 0x7f]);
    for at in (204..512).step_by(4) {
        bytes[at..at + 4].copy_from_slice(&2u32.to_be_bytes());
    }
    bytes[512..516].copy_from_slice(&2u32.to_be_bytes());
    scan("x.db", &bytes);
}

/// A pack of raw objects: (kind, what stands between header and data, content).
pub(super) fn pack(objects: &[(u8, Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend((objects.len() as u32).to_be_bytes());
    for (kind, base, content) in objects {
        bytes.push(kind << 4);
        bytes.extend(base);
        bytes.extend(zlib(content));
    }
    bytes
}

#[test]
fn deltas_in_a_circle_and_without_a_base_are_gaps() {
    let circle = pack(&[(6, vec![0], vec![4, 4, 2, b'x', b'x']), (7, vec![7; 20], vec![4, 4, 2, b'x', b'x'])]);
    let seen = scan("x.pack", &circle);
    assert_eq!(seen.gaps, [": 2 objects of the pack are too large or have no base in it"]);
}

#[test]
fn a_delta_that_copies_without_end_is_stopped() {
    let mut delta = vec![0x80, 0x80, 4, 0x80, 0x80, 4];
    // Copies of 64 KiB from the start of the base.
    delta.extend(std::iter::repeat_n(0x80, 2000));
    let base = vec![b'x'; 70_000];
    let mut objects = vec![(3, Vec::new(), base)];
    let length = pack(&objects).len() - 12;
    objects.push((6, ofs(length as u64), delta));
    assert_eq!(scan("x.pack", &pack(&objects)).gaps.len(), 1);
}

/// The offset of a base, as packs write it.
pub(super) fn ofs(mut back: u64) -> Vec<u8> {
    let mut bytes = vec![(back & 0x7f) as u8];
    back >>= 7;
    while back > 0 {
        back -= 1;
        bytes.push(0x80 | (back & 0x7f) as u8);
        back >>= 7;
    }
    bytes.reverse();
    bytes
}

fn magic() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
        Just(b"BZh91AY&SY".to_vec()),
        Just(b"\xfd7zXZ\0\0\x04".to_vec()),
        Just(b"\x28\xb5\x2f\xfd".to_vec()),
        Just(b"\x78\x9c".to_vec()),
        Just(b"PK\x03\x04\x14\0\0\0\x08\0".to_vec()),
        Just(b"PK\x03\x04\x14\0\x08\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
        Just(b"PACK\0\0\0\x02\0\0\0\x03".to_vec()),
        Just(b"!<arch>\n".to_vec()),
        Just(b"SQLite format 3\0\x02\0\x01\x01\0".to_vec()),
        Just(b"%PDF-1.4\nstream\n\x78\x9c".to_vec()),
        Just(vec![0xed, 0xab, 0xee, 0xdb]),
        Just(vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1]),
        Just(vec![0x30, 0x82, 1, 0, 2, 1, 3, 0x30]),
        Just(b"07070100000001000081a4000000000000000000000001000000000000000400000000000000000000000000000000".to_vec()),
        Just(vec![0xff, 0xfe]),
        Just(tar(&[("a", b"b")])[..600].to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_panics_on_any_container(magic in magic(), noise in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut bytes = magic;
        bytes.extend(noise);
        scan_with(small(), "x", &bytes);
    }

    #[test]
    fn nothing_panics_on_damaged_containers(which in 0usize..6, at in 0usize..2000, byte: u8, cut in 0usize..3000) {
        let content = env(&token(91));
        let mut bytes = match which {
            0 => zip(&[("a", &content), ("b", &content)]),
            1 => tar(&[("a", &content), ("b", &content)]),
            2 => gzip(&tar(&[("a", &content)])),
            3 => pack(&[(3, Vec::new(), content.clone()), (6, ofs(90), vec![60, 60, 0x90, 10, 3, b'a', b'b', b'c']), (2, Vec::new(), content)]),
            4 => Zip::new().add("a", &content, Shape { stored: true, descriptor: true, encrypted: false }).finish("x"),
            _ => zstd::encode_all(&content[..], 3).expect("memory writes"),
        };
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(cut.max(1));
        scan_with(small(), "x", &bytes);
    }
}
