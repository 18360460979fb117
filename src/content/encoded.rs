//! Containers that a text holds in base64: Helm's release secrets (base64 of base64 of gzip), `user-data`, archives in YAML or
//! JSON. Text in base64 is the engine's; what decodes to a container comes here, and so does what has no literal to search for:
//! base64 of base64, lines that may break a literal, and text of nothing but escapes.

use std::{ops::Range, sync::LazyLock};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem::Finder;

use super::walk::Walk;
use crate::detect::{
    decode,
    encoded::{CONTAINERS, SHORTEST_CONTAINER, is_base64},
    wrapped,
};

/// How an escape begins, and how long it is.
static MARKS: LazyLock<[(Finder<'static>, usize); 2]> = LazyLock::new(|| [(Finder::new("%"), 3), (Finder::new("\\u00"), 6)]);

/// Base64 of base64 of a credential is no shorter. The text is looked at once in this many bytes.
const STEP: usize = 64;
/// Digits of a run that tell whether it is base64 of base64: 18 bytes that are digits again are no accident.
const TELLING: usize = 24;
/// Digits of such a run before the byte that is looked at, or from it on.
const NEAR: usize = TELLING / 2;
/// Longer runs are data.
const LONGEST: usize = 256 << 10;
/// Escapes in a row that nobody writes by accident.
const ESCAPES: usize = 4;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Walk<'_> {
    /// Scans the containers that stand in a text in base64, and texts that are encoded throughout. `known`: where the engine
    /// found something in an encoded run already, `containers`: where it saw base64 of one start.
    pub(super) fn encoded(&mut self, name: &str, text: &[u8], known: &[Range<usize>], containers: Vec<usize>) {
        if text.len() < 3 * ESCAPES {
            return;
        }
        self.escaped(name, text, known);
        if text.len() < SHORTEST_CONTAINER {
            return;
        }
        let mut from = 0;
        for at in containers {
            if at < from {
                continue;
            }
            let (digits, length) = wrapped::digits(text.get(at..).unwrap_or_default());
            if digits.len() < SHORTEST_CONTAINER {
                continue;
            }
            from = at + length;
            if let Ok(bytes) = LENIENT.decode(&digits) {
                self.decoded(name, "base64", &bytes);
            }
        }
        self.twice(name, text, known);
    }

    fn decoded(&mut self, name: &str, label: &str, bytes: &[u8]) {
        if self.depth >= self.limits.depth {
            self.gap("is nested deeper than the limit allows".to_owned(), Some(bytes.len() as u64));
            return;
        }
        if self.meter.unpacked(bytes.len()).is_err() {
            self.failed(&std::io::Error::other("budget exhausted"));
            return;
        }
        self.depth += 1;
        self.within(label, |walk| walk.bytes(name, bytes));
        self.depth -= 1;
    }

    /// Base64 of base64, and text in several lines: long runs are found by looking at every [`STEP`]th byte.
    fn twice(&mut self, name: &str, text: &[u8], known: &[Range<usize>]) {
        let mut at = 0;
        while at < text.len() {
            if !within_digits(text, at) || !within_run(text, at) {
                at += STEP;
                continue;
            }
            let before = text.get(at.saturating_sub(STEP)..at).unwrap_or_default();
            // A run that was looked at before, as nearly all are in data: told without a branch for each byte.
            if before.len() == STEP && before.iter().fold(true, |all, byte| all & is_base64(*byte)) {
                at += STEP;
                continue;
            }
            let start = at - before.iter().rev().take_while(|byte| is_base64(**byte)).count();
            if let Some(wrapped) = wrapped::from(text, start) {
                at = wrapped.span.end.max(at + STEP);
                self.decoded(name, wrapped.label, &wrapped.bytes);
                continue;
            }
            let telling = text.get(start..start + TELLING).filter(|_| at - start < STEP);
            let nested = telling.is_some_and(holds_base64);
            if !nested {
                at += STEP;
                continue;
            }
            let (digits, length) = wrapped::digits(text.get(start..text.len().min(start + LONGEST)).unwrap_or_default());
            at = start + length.max(STEP);
            let container = CONTAINERS.iter().any(|start| digits.starts_with(start));
            if container || known.iter().any(|range| range.start < start + length && start < range.end) {
                continue;
            }
            if let Ok(bytes) = LENIENT.decode(&digits) {
                self.decoded(name, "base64", &bytes);
            }
        }
    }

    /// Texts of nothing but `%41` or `\u0041`: no literal of any rule stands in them.
    fn escaped(&mut self, name: &str, text: &[u8], known: &[Range<usize>]) {
        for (finder, length) in MARKS.iter() {
            let (mark, length) = (finder.needle(), *length);
            let mut from = 0;
            while let Some(start) = text.get(from..).and_then(|rest| finder.find(rest)).map(|found| found + from) {
                let rest = text.get(start..text.len().min(start + LONGEST)).unwrap_or_default();
                let is_escape = |escape: &[u8]| {
                    escape.starts_with(mark) && escape.get(length - 2..).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                };
                let run = rest.chunks_exact(length).take_while(|escape| is_escape(escape)).count();
                from = start + (run * length).max(1);
                let found = known.iter().any(|range| range.start < from && start < range.end);
                if run < ESCAPES || found {
                    continue;
                }
                // Unreserved characters may stand between them.
                let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"%\\-_.~".contains(b))).unwrap_or(rest.len());
                from = start + end.max(run * length);
                if let Some((bytes, label)) = rest.get(..end).and_then(decode::escapes) {
                    self.decoded(name, label, &bytes);
                }
            }
        }
    }
}

/// Whether the bytes up to this one are digits, or those from it on: [`TELLING`] digits around it are not without. Every [`STEP`]th
/// byte of all texts is asked about, so no branch depends on the text.
fn within_digits(text: &[u8], at: usize) -> bool {
    let around = (at + 1).checked_sub(NEAR).and_then(|from| text.get(from..)?.first_chunk::<{ 2 * NEAR - 1 }>());
    let Some(around) = around else { return true };
    let all = |range: Range<usize>| around[range].iter().fold(true, |all, byte| all & DIGITS[usize::from(*byte)]);
    all(0..NEAR) | all(NEAR - 1..2 * NEAR - 1)
}

/// Whether so many digits stand there that [`STEP`] of them may be in a row: most words of a program are shorter.
fn within_run(text: &[u8], at: usize) -> bool {
    let digits = |byte: &&u8| DIGITS[usize::from(**byte)];
    let (before, behind) = text.split_at(at.min(text.len()));
    behind.iter().take(STEP / 2).take_while(digits).count() == STEP / 2
        || before.iter().rev().take(STEP / 2).take_while(digits).count() == STEP / 2
}

/// The digits of base64.
static DIGITS: [bool; 256] = {
    let mut digits = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        digits[byte] = is_base64(byte as u8);
        byte += 1;
    }
    digits
};

/// Whether these digits are base64 of digits. Nearly all are no digits in the first place, or not those with which groups begin
/// that hold digits.
fn holds_base64(digits: &[u8]) -> bool {
    let mut decoded = [0; TELLING];
    digits.iter().step_by(4).all(|first| matches!(first, b'K'..=b'O' | b'Q'..=b'W' | b'Y' | b'Z' | b'a'..=b'e'))
        && digits.iter().all(|byte| is_base64(*byte) || *byte == b'=')
        && LENIENT
            .decode_slice(digits, &mut decoded)
            .is_ok_and(|length| decoded.get(..length).is_some_and(|bytes| bytes.iter().all(|byte| is_base64(*byte))))
}
