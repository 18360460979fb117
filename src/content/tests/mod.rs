//! A token in every place that a file can have. The archives are put together here, so that no sample file is needed.

mod archives;
mod hostile;
#[cfg(feature = "image")]
mod mutations;
mod stores;
mod texts;

use std::{io::Write as _, sync::LazyLock};

use super::*;
use crate::detect::{Engine, samples};

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::new(Vec::new())));

/// Secret, line, column, way in.
type Place = (Vec<u8>, Option<u32>, Option<u32>, Vec<String>);

/// What a scan of one file saw.
#[derive(Default)]
struct Seen {
    found: Vec<Place>,
    gaps: Vec<String>,
    hashes: Option<ContentHashes>,
}

impl Sink for Seen {
    fn found(&mut self, found: Found) {
        self.found.push((found.matched.secret.expose().to_vec(), found.line, found.column, found.inner));
    }

    fn uncovered(&mut self, gap: Uncovered) {
        self.gaps.push(format!("{}: {}", gap.inner.join(" > "), gap.reason));
    }

    fn hashes(&mut self, hashes: ContentHashes) {
        assert!(self.hashes.replace(hashes).is_none(), "hashes come once");
    }
}

impl Seen {
    /// The ways in to a secret, each joined by ` > `.
    fn ways(&self, secret: &str) -> Vec<String> {
        self.found.iter().filter(|found| found.0 == secret.as_bytes()).map(|found| found.3.join(" > ")).collect()
    }
}

fn scan_with(limits: Limits, path: &str, bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut reader = bytes;
    let mut scanner = Scanner::new(ENGINE.clone(), limits);
    scanner.scan(path, Some(bytes.len() as u64), &mut reader, &mut seen).expect("memory reads");
    seen
}

fn scan(path: &str, bytes: &[u8]) -> Seen {
    scan_with(Limits::default(), path, bytes)
}

/// Scans and expects the token once, that way in, and no gap.
#[track_caller]
fn expect(path: &str, bytes: &[u8], token: &str, way: &str) {
    let seen = scan(path, bytes);
    assert_eq!(seen.ways(token), [way], "{path}");
    assert_eq!(seen.gaps, Vec::<String>::new(), "{path}");
}

/// A classic GitHub token with a right checksum, different for each seed.
fn token(seed: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
    let mut digit = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(DIGITS[(state % 62) as usize])
    };
    let body: String = (0..30).map(|_| digit()).collect();
    let mut sum = crc32fast::hash(body.as_bytes()) as usize;
    let mut check = Vec::new();
    for _ in 0..6 {
        check.push(DIGITS[sum % 62]);
        sum /= 62;
    }
    check.reverse();
    format!("ghp_{body}{}", String::from_utf8(check).expect("ASCII"))
}

fn env(token: &str) -> Vec<u8> {
    format!("# settings\nexport GITHUB_TOKEN={token}\n").into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory writes")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory writes")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory writes")
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).expect("memory writes");
    }
    builder.into_inner().expect("memory writes")
}

/// How a zip member is written.
#[derive(Clone, Copy, Default)]
struct Shape {
    stored: bool,
    /// Sizes follow the data.
    descriptor: bool,
    encrypted: bool,
}

struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    fn new() -> Self {
        Self { bytes: Vec::new(), directory: Vec::new(), count: 0 }
    }

    fn add(mut self, name: &str, content: &[u8], shape: Shape) -> Self {
        let data = if shape.stored { content.to_vec() } else { deflate(content) };
        let flags: u16 = u16::from(shape.encrypted) | if shape.descriptor { 8 } else { 0 };
        let method: u16 = if shape.stored { 0 } else { 8 };
        let (crc, packed, size) = (crc32fast::hash(content), data.len() as u32, content.len() as u32);
        let sizes = |into: &mut Vec<u8>| [crc, packed, size].iter().for_each(|field| into.extend(field.to_le_bytes()));
        let offset = self.bytes.len() as u32;
        self.bytes.extend(b"PK\x03\x04\x14\0");
        [flags, method, 0, 0].iter().for_each(|field| self.bytes.extend(field.to_le_bytes()));
        if shape.descriptor {
            self.bytes.extend([0; 12])
        } else {
            sizes(&mut self.bytes)
        }
        self.bytes.extend((name.len() as u16).to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(&data);
        if shape.descriptor {
            self.bytes.extend(b"PK\x07\x08");
            sizes(&mut self.bytes);
        }
        self.directory.extend(b"PK\x01\x02\x14\0\x14\0");
        [flags, method, 0, 0].iter().for_each(|field| self.directory.extend(field.to_le_bytes()));
        sizes(&mut self.directory);
        self.directory.extend((name.len() as u16).to_le_bytes());
        self.directory.extend([0; 12]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
        self
    }

    fn finish(mut self, comment: &str) -> Vec<u8> {
        let offset = self.bytes.len() as u32;
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend((self.directory.len() as u32).to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend((comment.len() as u16).to_le_bytes());
        self.bytes.extend(comment.as_bytes());
        self.bytes
    }
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    members.iter().fold(Zip::new(), |zip, (name, content)| zip.add(name, content, Shape::default())).finish("")
}
