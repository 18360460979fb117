//! Text in several lines of base64 or hex, as `base64 FILE` and `xxd -p FILE` write it. A literal may be broken by the end of a
//! line, so the lines are decoded together, whatever stands in them.

use std::ops::Range;

use super::{
    decode,
    encoded::{LONGEST, is_base64},
};

/// Digits of a line that was broken because it is long, and of one that was not.
const BROKEN: usize = 60;
const LONG: usize = 128;

/// Lines that were decoded.
pub(crate) struct Wrapped {
    pub(crate) span: Range<usize>,
    pub(crate) bytes: Vec<u8>,
    /// The encoding's name.
    pub(crate) label: &'static str,
}

/// The text whose first line's digits start at `start`; `None` for a line in its midst.
pub(crate) fn from(text: &[u8], start: usize) -> Option<Wrapped> {
    let rest = text.get(start..text.len().min(start + LONGEST))?;
    let length = rest.iter().take(LONG).position(|byte| !is_base64(*byte))?;
    let line = rest.get(..length).filter(|line| line.len() >= BROKEN && line.len() % 4 == 0)?;
    if line_above(text, start).is_some() {
        return None;
    }
    let hex = line.iter().all(u8::is_ascii_hexdigit);
    let begins = if hex { decode::hex(line).is_some_and(|bytes| decode::is_text(&bytes)) } else { decode::begins_as_text(line) };
    if !begins {
        return None;
    }
    let (digits, length) = digits(rest);
    let bytes = match digits.len() {
        one if one <= line.len() => return None,
        even if hex => decode::hex(digits.get(..even & !1)?)?,
        _ => decode::base64(&digits)?,
    };
    Some(Wrapped { span: start..start + length, bytes, label: if hex { "hex" } else { "base64" } })
}

/// The text that a line of digits is a part of.
pub(super) fn around(text: &[u8], line: &Range<usize>) -> Option<Wrapped> {
    let mut start = line.start;
    while let Some(above) = line_above(text, start).filter(|above| line.end - above < LONGEST) {
        start = above;
    }
    from(text, start).filter(|wrapped| wrapped.span.end >= line.end)
}

/// Where the digits of the line above start, if they were broken.
fn line_above(text: &[u8], start: usize) -> Option<usize> {
    let before = text.get(start.saturating_sub(2 * LONG)..start)?;
    let above = before.trim_ascii_end();
    memchr::memchr(b'\n', before.get(above.len()..)?)?;
    let length = above.iter().rev().take(LONG).take_while(|byte| is_base64(**byte)).count();
    (BROKEN..LONG).contains(&length).then(|| start - (before.len() - above.len()) - length)
}

/// The base64 digits at the beginning of `text`, over line breaks after long lines, and how many bytes of text they take. The
/// last group may be cut.
pub(crate) fn digits(text: &[u8]) -> (Vec<u8>, usize) {
    let mut digits = Vec::new();
    let mut at = 0;
    loop {
        let line = text.get(at..).unwrap_or_default();
        let length = line.iter().position(|byte| !is_base64(*byte)).unwrap_or(line.len());
        digits.extend_from_slice(line.get(..length).unwrap_or_default());
        at += length;
        let rest = line.get(length..).unwrap_or_default();
        let blank = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let continues = length >= BROKEN && memchr::memchr(b'\n', rest.get(..blank).unwrap_or_default()).is_some();
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] =
        b"# settings of the application, which go on for longer than a line\nA=1\nB=2\nand so on until there are some more of them\n";

    fn lines(coded: &str, width: usize, indent: &str) -> String {
        let lines: Vec<&str> = coded.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("digits")).collect();
        lines.join(&format!("\n{indent}"))
    }

    #[test]
    fn lines_are_decoded_together() {
        let base64 = data_encoding::BASE64.encode(TEXT);
        let hex = data_encoding::HEXLOWER.encode(TEXT);
        for (coded, width, label) in [(&base64, 76, "base64"), (&base64, 64, "base64"), (&base64, 60, "base64"), (&hex, 60, "hex")] {
            for (before, indent, behind) in
                [("", "", "\n"), ("D = '''\n", "", "\n'''\n"), ("data: |\n    ", "    ", "\nkind: x\n"), ("x: ", "   ", "")]
            {
                let text = format!("{before}{}{behind}", lines(coded, width, indent));
                let found = from(text.as_bytes(), before.len()).expect("wrapped");
                assert_eq!((found.bytes.as_slice(), found.label), (TEXT, label), "{text}");
                let second = before.len() + width + 1 + indent.len();
                assert!(from(text.as_bytes(), second).is_none(), "{text}");
                let whole = around(text.as_bytes(), &(second..second + 20)).expect("a line of it");
                assert_eq!(whole.span, found.span);
            }
        }
    }

    #[test]
    fn other_runs_are_left_alone() {
        let one = data_encoding::BASE64.encode(TEXT);
        let binary: Vec<u8> = (0..200u8).map(|byte| byte.wrapping_mul(37) | 0x80).collect();
        for text in [one, lines(&data_encoding::BASE64.encode(&binary), 64, ""), "A".repeat(64), "word ".repeat(40)] {
            assert!(from(text.as_bytes(), 0).is_none(), "{text}");
        }
    }
}
