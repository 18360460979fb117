//! PuTTY's private keys.
//!
//! <https://the.earth.li/~sgtatham/putty/0.83/htmldoc/AppendixC.html>

use std::borrow::Cow;

use super::{
    Detector, Field, Meaning, files,
    format::fact,
    tree::{slice, trimmed},
};
use crate::detect::Hint;

/// The detector.
pub(super) struct Putty;

impl Detector for Putty {
    fn id(&self) -> &'static str {
        "putty-key"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*.ppk"]
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        files::matches(hint.path, self.files()) && head.starts_with(b"PuTTY-User-Key-File-")
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let Some(start) = memchr::memmem::find(text, b"\nPrivate-Lines:").map(|at| at + 1) else { return };
        let rest = slice(text, start..text.len());
        let end =
            [&b"\nPrivate-MAC:"[..], b"\nPrivate-Hash:"].iter().find_map(|mark| memchr::memmem::find(rest, mark)).unwrap_or(rest.len());
        let span = trimmed(text, start..start + end);
        let value = slice(text, span.clone());
        let header = |name: &[u8]| {
            let at = memchr::memmem::find(slice(text, 0..start), name)? + name.len();
            slice(text, at..start).split(|b| matches!(b, b'\n' | b'\r')).next().map(<[u8]>::trim_ascii)
        };
        let mut evidence = Vec::new();
        match header(b"\nEncryption:") {
            Some(b"none") => evidence.push("no pass phrase".to_owned()),
            Some(_) => evidence.push("encrypted with a pass phrase that can be guessed offline".to_owned()),
            None => {}
        }
        evidence.extend(header(b"\nComment:").and_then(|comment| fact("comment", comment, value)));
        let meaning = Meaning::Credential { rule: "putty-private-key" };
        emit(Field { name: Cow::Borrowed("Private-Lines"), value: Cow::Borrowed(value), span, meaning, evidence });
    }
}
