//! Credentials inside base64 and hex runs, found without looking at every run: the encoded forms of the anchors are
//! literals like any other.

use std::ops::Range;

use super::decode::{self, is_base64_digit};

/// Longest run that is decoded, and its shortest.
pub(super) const LONGEST: usize = 256 << 10;
const SHORTEST: usize = 12;
/// How base64 of a gzip file begins, of a zip file, and base64 of base64 of a gzip file.
pub(crate) const CONTAINERS: [&[u8]; 3] = [b"H4sI", b"UEsDB", b"SDRzS"];
/// Shorter runs hold no container with anything in it.
pub(crate) const SHORTEST_CONTAINER: usize = 48;
/// Encoded literals need this many digits, or random data hits them.
const STABLE: usize = 5;

/// Which encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// The literal starts this many bytes after a boundary of three.
    Base64(u8),
    Hex,
}

/// Whether a run of base64 starts at `at` that may hold a container.
pub(super) fn begins_container(text: &[u8], at: usize) -> bool {
    let digits = text.get(at..at + SHORTEST_CONTAINER).unwrap_or_default();
    let inside = at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| is_base64(*byte));
    !inside && CONTAINERS.iter().any(|start| digits.starts_with(start)) && digits.iter().all(|byte| is_base64(*byte))
}

/// Whether a byte is a digit of base64's first alphabet.
pub(crate) const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// An encoded literal.
pub(super) struct Form {
    pub(super) encoding: Encoding,
    /// As it must stand, case included.
    text: Vec<u8>,
}

impl Form {
    pub(super) fn new(encoding: Encoding, text: Vec<u8>) -> Self {
        Self { encoding, text }
    }
}

/// The encoded forms of a literal: three alignments of base64 without the digits that neighbours change, and hex.
pub(super) fn forms(literal: &[u8]) -> Vec<(Encoding, Vec<u8>)> {
    let mut out = Vec::with_capacity(4);
    for shift in 0u8..3 {
        let skip = usize::from(shift);
        let padded = [&[0u8; 2][..skip], literal].concat();
        let coded = data_encoding::BASE64_NOPAD.encode(&padded).into_bytes();
        // Digits that hold only bits of the literal.
        let from = (skip * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        if let Some(stable) = coded.get(from..to).filter(|stable| stable.len() >= STABLE) {
            out.push((Encoding::Base64(shift), stable.to_vec()));
        }
    }
    if literal.len() >= 5 {
        out.push((Encoding::Hex, data_encoding::HEXLOWER.encode(literal).into_bytes()));
    }
    out
}

/// A run that holds an encoded literal: where it stands, its decoded bytes and the encoding's name.
pub(super) struct Run {
    pub(super) span: Range<usize>,
    pub(super) bytes: Vec<u8>,
    pub(super) label: &'static str,
}

/// The run around a hit on `form` at `start`; `seen` becomes the end of a run that need not be looked at again.
pub(super) fn run(text: &[u8], start: usize, form: &Form, seen: &mut usize) -> Option<Run> {
    let end = start + form.text.len();
    let here = text.get(start..end)?;
    match form.encoding {
        Encoding::Base64(shift) => {
            if here != form.text.as_slice() {
                return None;
            }
            let span = extend(text, start..end, |b| is_base64_digit(b) || b == b'=');
            *seen = span.end;
            // The digit at which the literal's group of four starts.
            let group = start.checked_sub((usize::from(shift) * 8).div_ceil(6))?;
            let lead = group.checked_sub(span.start)? % 4;
            let body = text.get(span.start + lead..span.end)?;
            let body = body.get(..body.len() - usize::from(body.len() % 4 == 1))?;
            let bytes = (body.len() >= SHORTEST).then(|| decode::base64(body)).flatten()?;
            Some(Run { span: span.start + lead..span.end, bytes, label: "base64" })
        }
        Encoding::Hex => {
            let span = extend(text, start..end, |b| b.is_ascii_hexdigit());
            *seen = span.end;
            let lead = (start - span.start) % 2;
            let body = text.get(span.start + lead..span.end)?;
            let body = body.get(..body.len() & !1)?;
            let bytes = (body.len() >= 2 * SHORTEST).then(|| decode::hex(body)).flatten()?;
            Some(Run { span: span.start + lead..span.end, bytes, label: "hex" })
        }
    }
}

fn extend(text: &[u8], core: Range<usize>, belongs: impl Fn(u8) -> bool) -> Range<usize> {
    let before = text.get(core.start.saturating_sub(LONGEST)..core.start).unwrap_or_default();
    // Padding ends a run: it never stands inside.
    let start = core.start - before.iter().rev().take_while(|b| belongs(**b) && **b != b'=').count();
    let after = text.get(core.end..text.len().min(core.end + LONGEST)).unwrap_or_default();
    let digits = after.iter().take_while(|b| belongs(**b) && **b != b'=').count();
    let padding = after.iter().skip(digits).take(2).take_while(|b| **b == b'=' && belongs(b'=')).count();
    start..core.end + digits + padding
}

/// A whole value decoded, where it is an encoded text.
pub(super) fn value(value: &[u8]) -> Option<(Vec<u8>, &'static str)> {
    let text = |bytes: Vec<u8>| (bytes.len() >= 8 && decode::is_text(&bytes)).then_some(bytes);
    if value.len() >= 16
        && value.iter().all(u8::is_ascii_hexdigit)
        && let Some(bytes) = decode::hex(value).and_then(text)
    {
        return Some((bytes, "hex"));
    }
    if value.len() >= SHORTEST
        && decode::begins_as_text(value)
        && value.iter().all(|b| is_base64_digit(*b) || matches!(b, b'=' | b'\n' | b'\r'))
        && let Some(bytes) = decode::base64(value).and_then(text)
    {
        return Some((bytes, "base64"));
    }
    if value.iter().any(|b| matches!(b, b'%' | b'\\')) {
        return decode::escapes(value);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_found_at_every_alignment() {
        for lead in 0..6 {
            let plain = [&b"abcdef"[..lead], b"my password is here and more"].concat();
            let coded = data_encoding::BASE64.encode(&plain);
            let text = format!("x: \"{coded}\"");
            let hits: Vec<Run> = forms(b"password")
                .into_iter()
                .filter_map(|(encoding, literal)| {
                    let at = text.find(std::str::from_utf8(&literal).expect("ASCII"))?;
                    run(text.as_bytes(), at, &Form::new(encoding, literal), &mut 0)
                })
                .collect();
            assert!(hits.iter().any(|run| run.bytes == plain), "{lead}");
        }
        let hex = data_encoding::HEXUPPER.encode(b"my password is");
        let (encoding, literal) = forms(b"password").pop().expect("hex is last");
        let at = hex.to_lowercase().find(std::str::from_utf8(&literal).expect("ASCII")).expect("stands there");
        assert_eq!(run(hex.as_bytes(), at, &Form::new(encoding, literal), &mut 0).expect("decodes").bytes, b"my password is");
    }
}
