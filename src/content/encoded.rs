//! Containers that a text holds in base64: Helm's release secrets (base64 of base64 of gzip), `user-data`, archives in YAML or
//! JSON. Text in base64 is the engine's; what decodes to a container comes here.

use std::sync::LazyLock;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem::Finder;

use super::walk::Walk;

/// How base64 of a gzip file begins, of a zip file, and base64 of base64 of a gzip file.
static STARTS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| [Finder::new("H4sI"), Finder::new("UEsDB"), Finder::new("SDRzS")]);

/// Shorter runs hold no container with anything in it.
const SHORTEST: usize = 48;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Walk<'_> {
    /// Scans the containers that stand in a text in base64.
    pub(super) fn encoded(&mut self, name: &str, text: &[u8]) {
        if text.len() < SHORTEST {
            return;
        }
        for start in STARTS.iter() {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| start.find(rest)).map(|found| found + from) {
                from = at + 4;
                let inside = at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| is_base64(*byte));
                if inside {
                    continue;
                }
                let (digits, length) = run(text.get(at..).unwrap_or_default());
                if digits.len() < SHORTEST {
                    continue;
                }
                from = at + length;
                if self.depth >= self.limits.depth {
                    self.gap("is nested deeper than the limit allows".to_owned(), Some(length as u64));
                    continue;
                }
                if let Ok(bytes) = LENIENT.decode(&digits) {
                    if self.meter.unpacked(bytes.len()).is_err() {
                        self.failed(&std::io::Error::other("budget exhausted"));
                        return;
                    }
                    self.depth += 1;
                    self.within("base64", |walk| walk.bytes(name, &bytes));
                    self.depth -= 1;
                }
            }
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// The base64 digits at the beginning of `text`, over line breaks after long lines, and how many bytes of text they take. The
/// last group may be cut.
fn run(text: &[u8]) -> (Vec<u8>, usize) {
    let mut digits = Vec::new();
    let mut at = 0;
    loop {
        let line = text.get(at..).unwrap_or_default();
        let length = line.iter().position(|byte| !is_base64(*byte)).unwrap_or(line.len());
        digits.extend_from_slice(line.get(..length).unwrap_or_default());
        at += length;
        let rest = line.get(length..).unwrap_or_default();
        let blank = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let continues = length >= 60 && memchr::memchr(b'\n', rest.get(..blank).unwrap_or_default()).is_some();
        if !continues || !rest.get(blank).is_some_and(|byte| is_base64(*byte)) {
            break;
        }
        at += blank;
    }
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    (digits, at)
}
