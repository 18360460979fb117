//! PDF (ISO 32000-1): the file as it is, and its compressed streams (7.4.4, FlateDecode), with the text that they show.

use std::io::{self, Read};

use flate2::bufread::ZlibDecoder;
use memchr::memmem;

use super::{
    meter::Unpacked,
    walk::{SMALL, Walk, fill},
};

/// Bytes of a document that are held in memory.
const DOCUMENT: usize = 24 << 20;
/// Bytes of one unpacked stream whose text is put together; pictures and fonts are longer.
const STREAM: usize = 4 << 20;

/// Scans a document.
pub(super) fn pdf(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut filled = fill(reader, &mut bytes, 0, SMALL)?;
    let _large = (filled == SMALL).then(|| walk.large());
    filled = if filled == SMALL { fill(reader, &mut bytes, filled, DOCUMENT)? } else { filled };
    let bytes = bytes.get(..filled).unwrap_or_default();
    if filled == DOCUMENT {
        walk.gap("is a document too large for memory: its compressed streams were not read".to_owned(), None);
        return walk.raw(name, &mut bytes.chain(reader));
    }
    walk.once(|walk| streams(walk, bytes), |walk| walk.plain(name, bytes, true, true, &mut io::empty()))
}

fn streams(walk: &mut Walk<'_>, bytes: &[u8]) -> io::Result<()> {
    let mut number = 0;
    for at in memmem::find_iter(bytes, b"stream") {
        let data = bytes.get(at + 6..).unwrap_or_default();
        let Some(data) = data.strip_prefix(b"\r\n").or_else(|| data.strip_prefix(b"\n")) else { continue };
        // `endstream` ends one.
        if bytes.get(..at).is_some_and(|before| before.ends_with(b"end")) {
            continue;
        }
        number += 1;
        walk.meter.member()?;
        let mut text = Vec::new();
        let mut unpacked = Unpacked { reader: ZlibDecoder::new(data), meter: walk.meter.clone() };
        // Pictures, fonts and encrypted streams are no zlib streams, or fail in their middle: what came is what there is.
        let filled = match fill(&mut unpacked, &mut text, 0, STREAM) {
            Ok(filled) => filled,
            Err(_) if walk.meter.exhausted().is_none() => continue,
            Err(error) => return Err(error),
        };
        let text = text.get(..filled).unwrap_or_default();
        walk.within(&format!("stream {number}"), |walk| {
            walk.once(
                |walk| {
                    walk.bytes("", &shown(text));
                    Ok(())
                },
                |walk| walk.plain("", text, true, true, &mut io::empty()),
            )
        })?;
    }
    Ok(())
}

/// The text that a content stream shows (9.4.3): the strings of each operator together, a line for each `Tj`, `TJ`, `'`, `"`.
fn shown(stream: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = stream;
    let mut fresh = false;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'(' => {
                rest = literal(after, &mut text);
                fresh = true;
            }
            b'j' | b'J' | b'\'' | b'"' if fresh => {
                text.push(b'\n');
                fresh = false;
            }
            _ => {}
        }
    }
    text
}

/// A literal string (7.3.4.2) up to its closing parenthesis; returns what follows.
fn literal<'s>(mut rest: &'s [u8], text: &mut Vec<u8>) -> &'s [u8] {
    let mut nested = 0u32;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => {
                let Some((&escaped, after)) = rest.split_first() else { break };
                rest = after;
                match escaped {
                    b'n' => text.push(b'\n'),
                    b'0'..=b'7' => {
                        let digits = 1 + rest.iter().take(2).take_while(|digit| (b'0'..=b'7').contains(*digit)).count();
                        let more = rest.get(..digits - 1).unwrap_or_default();
                        let value = more.iter().fold(u32::from(escaped - b'0'), |value, digit| value * 8 + u32::from(digit - b'0'));
                        text.push(value as u8);
                        rest = rest.get(digits - 1..).unwrap_or_default();
                    }
                    b'\n' => {}
                    other => text.push(other),
                }
            }
            b'(' => {
                nested += 1;
                text.push(byte);
            }
            b')' if nested == 0 => break,
            b')' => {
                nested -= 1;
                text.push(byte);
            }
            other => text.push(other),
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_put_together() {
        assert_eq!(shown(br"BT /F1 12 Tf (a\(b\)\101) Tj [(to) -20 (ken)] TJ ET"), b"a(b)A\ntoken\n");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(stream in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            shown(&stream);
        }
    }
}
