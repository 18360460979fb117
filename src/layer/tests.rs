//! Our reading of tar, against archives made by the `tar` crate and by hand.

use std::io::Read as _;

use super::{stack::*, *};
use crate::finding::State;

type Seen = (String, EntryKind, Vec<u8>);

fn seen(archive: &[u8]) -> (Vec<Seen>, Vec<Gap>, Walked) {
    let mut entries = Vec::new();
    let mut gaps = Vec::new();
    let mut reader = archive;
    let walked = walk(
        &mut reader,
        &Limits::default(),
        &mut |entry, content| {
            let mut bytes = Vec::new();
            content.take(1 << 20).read_to_end(&mut bytes)?;
            entries.push((String::from_utf8_lossy(entry.path).into_owned(), entry.kind, bytes));
            Ok(())
        },
        &mut |gap| gaps.push(gap),
    )
    .expect("a slice does not fail");
    (entries, gaps, walked)
}

fn header(path: &str, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).expect("short path");
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_entry_type(if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular });
        builder.append_data(&mut header, path, *content).expect("to memory");
    }
    builder.into_inner().expect("to memory")
}

#[test]
fn long_names_and_contents_come_out_as_they_went_in() {
    let long = format!("deep/{}/file", "d".repeat(300));
    let (entries, gaps, walked) = seen(&archive(&[("./etc/a", b"one"), (&long, b"two"), ("empty", b"")]));
    assert_eq!(gaps, []);
    let got: Vec<_> = entries.iter().map(|(path, _, bytes)| (path.as_str(), bytes.as_slice())).collect();
    assert_eq!(got, [("etc/a", &b"one"[..]), (&long, b"two"), ("empty", b"")]);
    assert_eq!((walked.entries, walked.files), (3, 3));
}

#[test]
fn pax_size_wins_over_the_header_as_in_go() {
    // CVE-2025-62518: a reader that trusts the header's size reads the content as entries.
    let records = b"12 size=600\n".to_vec();
    let mut bytes = header("pax", tar::EntryType::XHeader, records.len() as u64).as_bytes().to_vec();
    bytes.extend(&records);
    bytes.resize(1024, 0);
    bytes.extend(header("file", tar::EntryType::Regular, 0).as_bytes());
    bytes.extend(vec![b'x'; 600]);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes.extend(archive(&[("next", b"y")]));
    let (entries, gaps, _) = seen(&bytes);
    assert_eq!(gaps, []);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries.first().map(|(path, _, bytes)| (path.as_str(), bytes.len())), Some(("file", 600)));
}

#[test]
fn damage_is_a_gap_and_the_walk_goes_on() {
    let mut bytes = archive(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    bytes[1024 + 10] ^= 0xff; // in the name of `b`
    let (entries, gaps, _) = seen(&bytes);
    let paths: Vec<_> = entries.iter().map(|(path, _, _)| path.as_str()).collect();
    assert_eq!(paths, ["a", "c"]);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps.first().and_then(|gap| gap.bytes), Some(1024));
}

#[test]
fn cut_archives_and_huge_claims_are_gaps_not_allocations() {
    let whole = archive(&[("a", &[7; 3000])]);
    let (entries, gaps, _) = seen(&whole[..2000]);
    assert_eq!((entries.len(), gaps.len()), (1, 1));
    let mut bytes = header("liar", tar::EntryType::Regular, u64::from(u32::MAX)).as_bytes().to_vec();
    bytes.extend(b"short");
    let (entries, gaps, _) = seen(&bytes);
    assert_eq!(entries.first().map(|(_, _, bytes)| bytes.len()), Some(5));
    assert_eq!(gaps.len(), 1);
    let bytes = header("name", tar::EntryType::GNULongName, 1 << 32).as_bytes().to_vec();
    assert_eq!(seen(&bytes).1.len(), 1, "an extended header over the limit");
}

#[test]
fn data_behind_the_end_is_told() {
    let mut bytes = archive(&[("a", b"1")]);
    bytes.extend(b"hidden");
    let (_, gaps, walked) = seen(&bytes);
    assert_eq!(gaps.first().map(|gap| gap.reason.as_str()), Some("data after the end of the changeset"));
    assert_eq!(walked.bytes, bytes.len() as u64, "read to the end, for whoever verifies the digest");
}

/// Headers that only describe the next entry may come in any number, and a global one describes all that follow.
#[test]
fn extended_headers_neither_pile_up_nor_repeat() {
    let record = |key: &str, bytes: usize| {
        let rest = format!(" {key}={}\n", "v".repeat(bytes));
        let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).expect("a length fits");
        format!("{length}{rest}").into_bytes()
    };
    let mut builder = tar::Builder::new(Vec::new());
    for _ in 0..4 {
        let text = record("comment", 600 << 10);
        builder.append(&header("g", tar::EntryType::XGlobalHeader, text.len() as u64), text.as_slice()).expect("to memory");
    }
    for path in ["a", "b"] {
        builder.append(&header(path, tar::EntryType::Regular, 1), &b"x"[..]).expect("to memory");
    }
    let (archive, mut gaps, mut held) = (builder.into_inner().expect("to memory"), Vec::new(), Vec::new());
    let mut visit = |entry: &Entry<'_>, _: &mut dyn std::io::Read| {
        held.push(entry.records.iter().map(|(_, value)| value.len()).sum::<usize>());
        Ok(())
    };
    walk(&mut archive.as_slice(), &Limits::default(), &mut visit, &mut |gap| gaps.push(gap)).expect("a slice does not fail");
    assert_eq!(held, [600 << 10, 0]);
    assert_eq!(gaps.len(), 3, "what is left out is told");
}

#[test]
fn whiteouts_are_known_by_name() {
    let (entries, _, _) = seen(&archive(&[("etc/.wh.passwd", b""), ("var/.wh..wh..opq", b""), (".wh.top", b""), (".wh..wh.plnk", b"")]));
    let kinds: Vec<_> = entries.iter().map(|(path, kind, _)| (path.as_str(), *kind)).collect();
    assert_eq!(
        kinds,
        [
            ("etc/.wh.passwd", EntryKind::Whiteout),
            ("var", EntryKind::OpaqueWhiteout),
            (".wh.top", EntryKind::Whiteout),
            (".wh..wh.plnk", EntryKind::File),
        ]
    );
    assert_eq!(whiteout_target(b"etc/.wh.passwd"), b"etc/passwd");
    assert_eq!(whiteout_target(b".wh.top"), b"top");
}

fn paths(hasher: &PathHasher, files: &[(&str, &[u8])]) -> Paths {
    let mut builder = PathsBuilder::new(hasher.clone());
    let bytes = archive(files);
    walk(
        &mut bytes.as_slice(),
        &Limits::default(),
        &mut |entry, _| {
            builder.add(entry);
            Ok(())
        },
        &mut |_| {},
    )
    .expect("a slice does not fail");
    builder.finish()
}

#[test]
fn state_follows_the_layers_above() {
    let hasher = PathHasher::default();
    let layers = [
        paths(
            &hasher,
            &[("app/key", b"1"), ("app/sub/x", b"1"), ("keep", b"1"), ("dir/", b""), ("dir/f", b"1"), ("twice", b"1"), ("twice", b"2")],
        ),
        paths(&hasher, &[("app/.wh.key", b""), ("dir", b"now a file")]),
        paths(&hasher, &[("app/.wh..wh..opq", b""), ("app/key", b"2")]),
    ];
    let layers: Vec<_> = layers.iter().map(Some).collect();
    let of = |index, path: &str, position| state(&hasher, &layers, index, path.as_bytes(), position);
    assert_eq!(of(0, "app/key", 0), State::Deleted { by: 1 }, "the first layer that hides it");
    assert_eq!(of(0, "app/sub/x", 1), State::Deleted { by: 2 }, "opaque directory above");
    assert_eq!(of(0, "keep", 2), State::Live);
    assert_eq!(of(0, "dir/f", 4), State::Deleted { by: 1 }, "its directory became a file");
    assert_eq!(of(0, "twice", 5), State::Overwritten { by: 0 }, "the later entry of one changeset wins");
    assert_eq!(of(0, "twice", 6), State::Live);
    assert_eq!(of(2, "app/key", 0), State::Live, "an opaque whiteout hides lower layers only");
    let unreadable = [layers[0], None, layers[2]];
    assert_eq!(state(&hasher, &unreadable, 0, b"app/key", 0), State::Overwritten { by: 2 });
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_loop(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..4096)) {
        let (_, _, walked) = seen(&bytes);
        proptest::prop_assert_eq!(walked.bytes, bytes.len() as u64);
    }
}
