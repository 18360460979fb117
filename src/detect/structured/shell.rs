//! Shell: words with their places, assignments, and commands that take a credential as an argument.

use std::{borrow::Cow, ops::Range};

use super::{Field, Meaning, commands, tree::slice, values};

/// A quote that is not closed within this many bytes is an apostrophe.
const LONGEST_QUOTED: usize = 8 << 10;
/// Words of one command that are looked at.
const MOST_WORDS: usize = 4096;
/// `$(..)` within `$(..)`.
const DEEPEST: u8 = 4;

/// A word of a command.
pub(super) struct Word<'a> {
    /// Without quotes and escapes.
    pub(super) value: Cow<'a, [u8]>,
    /// Where it stands; without its quotes where they are around the whole word.
    pub(super) span: Range<usize>,
}

impl Word<'_> {
    /// Where the last part of the value stands: `-p'part'`, `--password="part"`.
    pub(super) fn tail(&self, part: &[u8]) -> Range<usize> {
        let quoted = self.span.len() >= self.value.len() + 2;
        let end = self.span.end - usize::from(quoted);
        end.saturating_sub(part.len())..end
    }
}

/// Emits the assignments of a script and the credentials on its command lines.
pub(super) fn fields(text: &[u8], emit: &mut dyn FnMut(Field<'_>)) {
    script(text, 0..text.len(), 0, emit);
}

fn script(text: &[u8], range: Range<usize>, depth: u8, emit: &mut dyn FnMut(Field<'_>)) {
    let mut at = range.start;
    let mut piped: Vec<Range<usize>> = Vec::new();
    while at < range.end {
        let command = command(text, at, range.end);
        at = command.end.max(at + 1);
        let words: Vec<Word<'_>> = command.words.iter().map(|word| word_at(text, word.clone())).collect();
        let before: Vec<Word<'_>> = piped.iter().map(|word| word_at(text, word.clone())).collect();
        assignments(text, &command.words, &words, emit);
        commands::report(&words, &before, emit);
        piped = if command.pipe { command.words } else { Vec::new() };
        if depth < DEEPEST {
            for inner in command.inner {
                script(text, inner, depth + 1, emit);
            }
        }
    }
}

struct Command {
    words: Vec<Range<usize>>,
    /// Command substitutions in it.
    inner: Vec<Range<usize>>,
    /// Whether a pipe follows.
    pipe: bool,
    end: usize,
}

/// Splits one simple command into the places of its words.
fn command(text: &[u8], start: usize, limit: usize) -> Command {
    let mut found = Command { words: Vec::new(), inner: Vec::new(), pipe: false, end: limit };
    let mut word: Option<usize> = None;
    let mut at = start;
    let close = |word: &mut Option<usize>, at: usize, words: &mut Vec<Range<usize>>| {
        if let Some(from) = word.take()
            && words.len() < MOST_WORDS
        {
            words.push(from..at);
        }
    };
    while at < limit {
        let Some(&byte) = text.get(at) else { break };
        match byte {
            b'\n' | b';' | b'|' | b'(' | b')' => {
                close(&mut word, at, &mut found.words);
                found.pipe = byte == b'|' && text.get(at + 1) != Some(&b'|');
                found.end = at + 1;
                return found;
            }
            // `a&b` inside an unquoted URL is no end for our purpose.
            b'&' if word.is_none() => {
                found.end = at + 1;
                return found;
            }
            b' ' | b'\t' | b'\r' | b'\0' => close(&mut word, at, &mut found.words),
            b'#' if word.is_none() => {
                let rest = slice(text, at..limit);
                at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            b'\\' => {
                if matches!(text.get(at + 1), Some(b'\n')) || (text.get(at + 1) == Some(&b'\r') && text.get(at + 2) == Some(&b'\n')) {
                    close(&mut word, at, &mut found.words);
                } else {
                    word.get_or_insert(at);
                }
                at += 2;
                continue;
            }
            b'\'' | b'"' => {
                word.get_or_insert(at);
                if let Some(end) = closing(text, at, limit) {
                    at = end;
                }
            }
            b'$' if text.get(at + 1) == Some(&b'(') => {
                word.get_or_insert(at);
                let end = balanced(text, at + 2, limit);
                found.inner.push(at + 2..end);
                at = end;
            }
            b'`' => {
                word.get_or_insert(at);
                let window = slice(text, at + 1..limit.min(at + LONGEST_QUOTED));
                if let Some(length) = memchr::memchr(b'`', window) {
                    found.inner.push(at + 1..at + 1 + length);
                    at += length + 1;
                }
            }
            _ => {
                word.get_or_insert(at);
            }
        }
        at += 1;
    }
    close(&mut word, limit.min(text.len()), &mut found.words);
    found
}

/// The closing quote of the one at `at`.
fn closing(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    let quote = *text.get(at)?;
    let limit = limit.min(at + LONGEST_QUOTED);
    let mut end = at + 1;
    while end < limit {
        let byte = *text.get(end)?;
        if byte == quote {
            return Some(end);
        }
        end += if byte == b'\\' && quote == b'"' { 2 } else { 1 };
    }
    None
}

/// The `)` that closes a substitution whose inside starts at `at`.
fn balanced(text: &[u8], at: usize, limit: usize) -> usize {
    let mut depth = 1;
    let limit = limit.min(at + LONGEST_QUOTED);
    for (offset, byte) in slice(text, at..limit).iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return at + offset;
                }
            }
            _ => {}
        }
    }
    limit
}

/// Undoes the quotes of a word.
pub(super) fn word_at(text: &[u8], range: Range<usize>) -> Word<'_> {
    let raw = slice(text, range.clone());
    if let [quote @ (b'"' | b'\''), inside @ .., last] = raw
        && quote == last
        && !inside.contains(quote)
        && (*quote == b'\'' || !inside.contains(&b'\\'))
    {
        return Word { value: Cow::Borrowed(inside), span: range.start + 1..range.end - 1 };
    }
    if !raw.iter().any(|b| matches!(b, b'"' | b'\'' | b'\\')) {
        return Word { value: Cow::Borrowed(raw), span: range };
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut quote = 0;
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quote != b'\'' => {
                let next = bytes.peek().copied();
                if quote == 0 || matches!(next, Some(b'"' | b'\\' | b'$' | b'`')) {
                    out.extend(bytes.next());
                } else {
                    out.push(byte);
                }
            }
            b'"' | b'\'' if quote == 0 => quote = byte,
            _ if byte == quote => quote = 0,
            _ => out.push(byte),
        }
    }
    // Quotes around everything are not part of the place even when there are escapes inside.
    let whole = matches!(raw, [a @ (b'"' | b'\''), .., b] if a == b) && raw.len() >= 2;
    let span = if whole { range.start + 1..range.end - 1 } else { range };
    Word { value: Cow::Owned(out), span }
}

/// `NAME=value` wherever it stands as a word, `set -x NAME value` of fish, `setenv NAME value` of csh.
fn assignments(text: &[u8], places: &[Range<usize>], words: &[Word<'_>], emit: &mut dyn FnMut(Field<'_>)) {
    for (place, word) in places.iter().zip(words) {
        let raw = slice(text, place.clone());
        let quoted_whole = matches!(raw.first(), Some(b'"' | b'\''));
        // `-eNAME=value` and `-Dname=value`.
        let skip = if raw.starts_with(b"-e") || raw.starts_with(b"-D") { 2 } else { 0 };
        let (name, value) = if quoted_whole {
            let Some((name, at)) = values::assignment(&word.value) else { continue };
            let Cow::Borrowed(bytes) = word.value else { continue };
            let value = bytes.get(at..).unwrap_or_default();
            (name, Word { value: Cow::Borrowed(value), span: word.span.start + at..word.span.end })
        } else {
            let bare = raw.get(skip..).unwrap_or_default();
            if bare.starts_with(b"-") {
                continue;
            }
            let Some((name, at)) = values::assignment(bare) else { continue };
            // `password=True,` and `token=make(` are arguments of a call in another language.
            if raw.ends_with(b",") || text.get(place.end) == Some(&b'(') {
                continue;
            }
            (name, word_at(text, place.start + skip + at..place.end))
        };
        value_field(&name, &value, emit);
    }
    let start = words.iter().position(|word| !commands::is_before(&word.value)).unwrap_or(0);
    let words = words.get(start..).unwrap_or_default();
    let name = |index: usize| words.get(index).map(|word| String::from_utf8_lossy(&word.value).into_owned());
    match words.first().map(|word| word.value.as_ref()) {
        Some(b"setenv") => {
            if let (Some(name), Some(value)) = (name(1), words.get(2)) {
                value_field(&name, value, emit);
            }
        }
        Some(b"set") if words.get(1).is_some_and(|word| word.value.starts_with(b"-") && word.value.contains(&b'x')) => {
            if let (Some(name), Some(value)) = (name(2), words.get(3)) {
                value_field(&name, value, emit);
            }
        }
        _ => {}
    }
}

fn value_field(name: &str, word: &Word<'_>, emit: &mut dyn FnMut(Field<'_>)) {
    if !word.value.is_empty() {
        emit(Field {
            name: Cow::Borrowed(name),
            value: Cow::Borrowed(&word.value),
            span: word.span.clone(),
            meaning: Meaning::Value,
            evidence: Vec::new(),
        });
    }
}
