//! Bytes that are scanned as they are: whole, or in overlapping windows.

use std::{
    io,
    io::Read,
    sync::{LazyLock, Mutex, PoisonError},
};

use memchr::memmem::Finder;

use super::{
    hashing,
    sniff::Kind,
    walk::{Walk, fill},
    zip,
};
use crate::{detect::Hint, finding::LocationKind};

/// Texts up to this length are handed to the engine whole, so that structured formats can be parsed.
const WHOLE: usize = 4 << 20;
/// Texts beyond this length are searched by one thread at a time: a structured one's tree is several times as large as its text.
const LARGE: usize = 1 << 20;
static LARGE_TEXT: Mutex<()> = Mutex::new(());
/// Bytes that two windows share.
const OVERLAP: usize = 32 << 10;
/// Of the overlap, the part before which a window's matches belong to the window before: context of what follows.
const CONTEXT: usize = 8 << 10;

/// Where a window stands in its text, for lines and columns.
struct Place {
    /// Newlines before the window.
    lines: u64,
    /// Bytes between the last newline before the window and its start.
    column: u64,
}

/// The folder of a path, its slash included.
fn folder(path: &str) -> &str {
    path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or(path)
}

impl Walk<'_> {
    /// Scans text or a binary of which `head` was read; `whole`: there is no more.
    pub(super) fn plain(&mut self, name: &str, head: &[u8], whole: bool, binary: bool, reader: &mut dyn Read) -> io::Result<()> {
        // Where the container stands tells about what is in it: a library's jar, a test's archive.
        let mut joined = std::mem::take(&mut self.pool.path);
        let joins = !self.inner.is_empty() && !name.is_empty() && !name.starts_with(folder(self.path));
        if joins {
            joined.clear();
            joined.extend([self.path, "/", name]);
        }
        let hint = Hint { kind: LocationKind::File, path: if joins { &joined } else { name }, name: None, binary };
        let result = self.hinted(name, &hint, head, whole, reader);
        self.pool.path = joined;
        result
    }

    fn hinted(&mut self, name: &str, hint: &Hint<'_>, head: &[u8], whole: bool, reader: &mut dyn Read) -> io::Result<()> {
        if whole {
            let end = self.archive_within(head);
            let (text, archive) = head.split_at(end.unwrap_or(head.len()));
            self.window(text, hint, &mut Place { lines: 0, column: 0 }, 0..text.len().saturating_add(1));
            return if archive.is_empty() { Ok(()) } else { self.enter(Kind::Zip, name, archive, reader) };
        }
        let mut body = self.pool.body();
        let result = self.windows(head, &mut body, hint, reader);
        self.pool.give_body(body);
        result
    }

    fn windows(&mut self, head: &[u8], body: &mut Vec<u8>, hint: &Hint<'_>, reader: &mut dyn Read) -> io::Result<()> {
        let window = self.limits.window.max(4 * OVERLAP);
        // A packaged program, too, so that it can be hashed when something is found in it.
        let outermost = self.inner.is_empty() && self.depth == 0;
        let packaged = outermost && hashing::packaged_path(self.path);
        let first = if hint.binary && !packaged { window } else { window.max(WHOLE) };
        let mut at_start = outermost;
        // Of a long file that somebody may own, once something was found in what is still in memory of its start.
        let mut hashing: Option<hashing::Hashing> = None;
        if body.len() < head.len() {
            body.resize(head.len(), 0);
        }
        body.get_mut(..head.len()).expect("just made long enough").copy_from_slice(head);
        let mut filled = fill(reader, body, head.len(), first.max(head.len()))?;
        let mut place = Place { lines: 0, column: 0 };
        // Matches that start before this byte of the window belong to the window before.
        let mut from = 0;
        let mut limit = first.max(head.len());
        loop {
            let last = filled < limit;
            let text = body.get(..filled).unwrap_or_default();
            if let Some(at) = self.archive_within(text) {
                let (text, archive) = text.split_at(at);
                self.window(text, hint, &mut place, from..at + 1);
                return self.enter(Kind::Zip, hint.path, archive, reader);
            }
            let until = if last { filled + 1 } else { filled - OVERLAP + CONTEXT };
            let reported = self.window(text, hint, &mut place, from..until);
            if last {
                if at_start && self.found {
                    self.sink.hashes(hashing::of(text));
                } else if let Some(mut hashing) = hashing {
                    hashing.update(text.get(OVERLAP..).unwrap_or_default());
                    self.sink.hashes(hashing.finish());
                }
                return Ok(());
            }
            if at_start && packaged && self.found {
                hashing = Some(hashing::Hashing::all());
            }
            if let Some(hashing) = &mut hashing {
                hashing.update(text.get(if at_start { 0 } else { OVERLAP }..).unwrap_or_default());
            }
            at_start = false;
            let kept = filled - OVERLAP;
            advance(&mut place, text.get(..kept).unwrap_or_default(), hint.binary);
            body.copy_within(kept..filled, 0);
            from = CONTEXT.max(reported.saturating_sub(kept));
            limit = window;
            filled = fill(reader, body, OVERLAP, window)?;
        }
    }

    /// Scans a value that is in memory and whose name asks for a credential.
    pub(super) fn named(&mut self, name: &str, value: &[u8]) {
        let hint = Hint { kind: LocationKind::File, path: "", name: Some(name), binary: false };
        self.window(value, &hint, &mut Place { lines: 0, column: 0 }, 0..value.len().saturating_add(1));
    }

    /// Where a zip archive begins in other bytes: programs and scripts that unpack themselves, executable jars.
    fn archive_within(&self, text: &[u8]) -> Option<usize> {
        static LOCAL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(zip::LOCAL));
        if self.depth >= self.limits.depth {
            return None;
        }
        LOCAL.find_iter(text).find(|at| *at > 0 && text.get(*at..).is_some_and(zip::certain_local))
    }

    /// Scans one window and reports the matches that start in `report`; returns where the last of them ends.
    fn window(&mut self, text: &[u8], hint: &Hint<'_>, place: &mut Place, report: std::ops::Range<usize>) -> usize {
        let (mut at, mut line, mut line_start) = (0usize, place.lines, None::<usize>);
        let mut end = 0;
        let mut decoded = Vec::new();
        let (sink, inner, found) = (&mut *self.sink, &self.inner, &mut self.found);
        let large = (text.len() > LARGE && !hint.binary).then(|| LARGE_TEXT.lock().unwrap_or_else(PoisonError::into_inner));
        self.engine.find(text, hint, self.scratch, &mut |matched| {
            let start = matched.span.start;
            if !report.contains(&start) {
                return;
            }
            end = end.max(matched.span.end);
            *found = true;
            if !matched.inner.is_empty() {
                decoded.push(matched.span.clone());
            }
            if hint.binary {
                return Walk::report(sink, inner, matched, None, None);
            }
            // Matches come in order: each newline is counted once.
            if start < at {
                (at, line, line_start) = (0, place.lines, None);
            }
            for newline in memchr::memchr_iter(b'\n', text.get(at..start).unwrap_or_default()) {
                line += 1;
                line_start = Some(at + newline + 1);
            }
            at = start;
            let column = match line_start {
                Some(begin) => (start - begin) as u64,
                None => place.column + start as u64,
            };
            let number = |value: u64| u32::try_from(value + 1).ok();
            Walk::report(sink, inner, matched, number(line), number(column));
        });
        drop(large);
        for reason in self.scratch.gaps().to_vec() {
            self.gap(reason.to_owned(), None);
        }
        self.scratch.certificates().for_each(|certificate| self.sink.certificate(certificate));
        if !hint.binary {
            let containers = self.scratch.containers();
            self.encoded(hint.path, text, &decoded, containers);
        }
        end
    }
}

/// Moves the place over text that is left behind.
fn advance(place: &mut Place, text: &[u8], binary: bool) {
    if binary {
        return;
    }
    place.lines += memchr::memchr_iter(b'\n', text).count() as u64;
    place.column = match memchr::memrchr(b'\n', text) {
        Some(newline) => (text.len() - newline - 1) as u64,
        None => place.column + text.len() as u64,
    };
}
