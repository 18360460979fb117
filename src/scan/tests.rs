//! A bug in a parser costs the completeness of what was read, and nothing else.

use std::io::{self, Read};

use super::*;
use crate::{finding::Skip, report::Coverage};

fn options() -> ScanOptions {
    ScanOptions { jobs: 2, ..ScanOptions::of(Arc::new(Engine::new(Vec::new()))) }
}

/// Panics where a file of this size was read, as a parser would.
struct Fails(u64);

impl Progress for Fails {
    fn image(&self, _: &str, _: usize, _: Option<u64>) {}
    fn bytes(&self, count: u64) {
        assert_ne!(count, self.0, "a bug");
    }
    fn layer(&self) {}
}

fn reasons(coverage: &Coverage) -> Vec<String> {
    let text = |skip: &Skip| format!("{}: {}", skip.path.as_deref().unwrap_or("-"), skip.reason);
    coverage.skipped.iter().map(text).collect()
}

#[test]
fn in_one_file_of_a_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let password = "POSTGRES_PASSWORD=Zk83hGqpLw0v\n";
    for (name, content) in [("a.env", password), ("b.txt", "1234567"), ("c.env", password)] {
        std::fs::write(folder.path().join(name), content).expect("writable");
    }
    let reports = scan(&Target::Dir(folder.path().to_owned()), &options(), &Fails(7)).expect("readable");
    assert_eq!(reasons(&reports[0].coverage), ["b.txt: imgscan failed while it read this file; please report it as a bug"]);
    assert_eq!(reports[0].coverage.files, 3);
    assert_eq!(reports[0].findings[0].places.len(), 2);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("a bug")
    }
}

/// Two layers, of which the first makes the reader fail.
struct Stream;

impl StreamedArchive for Stream {
    fn read(self: Box<Self>, blob: &mut dyn FnMut(&str, &mut (dyn Read + Send))) -> Result<Vec<StreamedImage>, ImageError> {
        blob("one", &mut Broken);
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        tar.append_data(&mut header, "a", &b"ab"[..]).expect("memory");
        blob("two", &mut tar.into_inner().expect("memory").as_slice());
        let layer = |index| Layer {
            index,
            digest: String::new(),
            diff_id: None,
            media_type: String::new(),
            size: None,
            created_by: None,
            steps: Vec::new(),
            uncovered: None,
        };
        let image = Image { layers: vec![layer(0), layer(1)], ..Image::new("a".to_owned()) };
        Ok(vec![StreamedImage { image, keys: vec![Some("one".to_owned()), Some("two".to_owned())] }])
    }
}

#[test]
fn in_one_layer_of_a_stream() {
    let reports = scan_stream(Box::new(Stream), &options(), &PathHasher::default(), &Fails(7)).expect("readable");
    assert_eq!(reasons(&reports[0].coverage), ["-: imgscan failed while it read this layer; please report it as a bug"]);
    assert_eq!((reports[0].coverage.layers, reports[0].coverage.files), (1, 1));
}

#[test]
fn what_fails_leaves_a_scanner_that_works() {
    let mut scanner = Scanner::new(Arc::new(Engine::new(Vec::new())), content::Limits::default());
    assert_eq!(guarded(&mut scanner, &options(), |_| 7), Some(7));
    assert_eq!(guarded(&mut scanner, &options(), |_| panic!("a bug")), None::<u8>);
}
