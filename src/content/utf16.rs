//! UTF-16 to UTF-8 while reading. Unpaired surrogates become U+FFFD, as does an odd last byte.

use std::io::{self, Read};

/// Bytes of UTF-16 that are transcoded at a time.
const CHUNK: usize = 8 << 10;

/// Reads UTF-16, yields UTF-8 without a byte order mark.
pub(super) struct Transcoder<'r> {
    reader: &'r mut dyn Read,
    big_endian: bool,
    input: Vec<u8>,
    /// Bytes of `input` that were read and not yet transcoded: less than one character.
    left: usize,
    output: Vec<u8>,
    at: usize,
    started: bool,
    ended: bool,
}

impl<'r> Transcoder<'r> {
    pub(super) fn new(reader: &'r mut dyn Read, big_endian: bool) -> Self {
        Self { reader, big_endian, input: vec![0; CHUNK], left: 0, output: Vec::new(), at: 0, started: false, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.output.clear();
        self.at = 0;
        let filled = super::walk::fill(self.reader, &mut self.input, self.left, CHUNK)?;
        self.ended = filled < CHUNK;
        let bytes = self.input.get(..filled).unwrap_or_default();
        let unit = |pair: &[u8]| match pair {
            [a, b] if self.big_endian => u16::from_be_bytes([*a, *b]),
            [a, b] => u16::from_le_bytes([*a, *b]),
            _ => 0xfffd,
        };
        // A high surrogate at the end waits for its partner.
        let mut used = filled & !1;
        let waits = |pair: Option<&[u8]>| pair.is_some_and(|pair| (0xd800..0xdc00).contains(&unit(pair)));
        if !self.ended && used >= 2 && waits(bytes.get(used - 2..used)) {
            used -= 2;
        }
        let end = if self.ended { filled } else { used };
        let units = bytes.get(..end).unwrap_or_default().chunks(2).map(unit);
        for decoded in char::decode_utf16(units) {
            let character = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
            let first = !std::mem::replace(&mut self.started, true);
            if !(first && character == '\u{feff}') {
                self.output.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.left = filled - end;
        self.input.copy_within(end..filled, 0);
        Ok(())
    }
}

impl Read for Transcoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.output.len() {
            if self.ended {
                return Ok(0);
            }
            self.refill()?;
        }
        let ready = self.output.get(self.at..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcode(bytes: &[u8], big_endian: bool) -> String {
        let mut reader = bytes;
        let mut text = String::new();
        Transcoder::new(&mut reader, big_endian).read_to_string(&mut text).expect("UTF-8 comes out");
        text
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_standard_library(text in "\\PC{0,9000}", big_endian: bool) {
            let bytes: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16())
                .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            proptest::prop_assert_eq!(transcode(&bytes, big_endian), text);
        }

        #[test]
        fn anything_becomes_utf8(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            transcode(&bytes, false);
        }
    }
}
