//! What an entry says besides its content: file names, link targets, owners, extended attributes. Credentials hide there too.
//!
//! Names are collected and scanned many at a time, since a call of the engine for each of a hundred thousand short names
//! would cost more than their bytes do.

use std::sync::Arc;

use super::outcome::{Outcome, Seen};
use crate::{
    content::{Found, Scanner, Sink, Uncovered},
    detect::Hint,
    finding::{Location, LocationKind},
    layer::{Entry, Gap},
};

const BATCH: usize = 64 * 1024;

/// A text of many names, one a line, with what each line is.
#[derive(Default)]
pub(super) struct Names {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// User and group names repeat for a whole layer.
    last_owner: (Vec<u8>, Vec<u8>),
}

struct Line {
    end: usize,
    what: &'static str,
    path: Arc<[u8]>,
    position: u32,
}

impl Names {
    pub(super) fn add(&mut self, entry: &Entry<'_>, position: u32, scanner: &mut Scanner, outcome: &mut Outcome) {
        let path = self.add_path(entry.path, entry.link, position, scanner, outcome);
        if entry.user != self.last_owner.0 || entry.group != self.last_owner.1 {
            self.last_owner = (entry.user.to_vec(), entry.group.to_vec());
            self.line(entry.user, "user name", &path, position);
            self.line(entry.group, "group name", &path, position);
        }
        for (key, value) in entry.records {
            self.line(&[key, &b"="[..], value].concat(), "extended attribute", &path, position);
        }
    }

    /// Only the names of a file or a link: the owners of a tree's are this machine's.
    pub(super) fn add_path(
        &mut self,
        path: &[u8],
        link: Option<&[u8]>,
        position: u32,
        scanner: &mut Scanner,
        outcome: &mut Outcome,
    ) -> Arc<[u8]> {
        if self.text.len() >= BATCH {
            self.finish(scanner, outcome);
        }
        let shared: Arc<[u8]> = path.into();
        self.line(path, "file name", &shared, position);
        if let Some(link) = link {
            self.line(link, "link target", &shared, position);
        }
        shared
    }

    fn line(&mut self, text: &[u8], what: &'static str, path: &Arc<[u8]>, position: u32) {
        if text.is_empty() {
            return;
        }
        self.text.extend_from_slice(text);
        self.lines.push(Line { end: self.text.len(), what, path: path.clone(), position });
        self.text.push(b'\n');
    }

    /// Scans what was collected.
    pub(super) fn finish(&mut self, scanner: &mut Scanner, outcome: &mut Outcome) {
        // As in a binary, only a value's own format counts: a path such as `secret=x/token` is no assignment.
        let hint = Hint { kind: LocationKind::File, path: "", name: None, binary: true };
        scanner.scan_text(&self.text, &hint, &mut NameSink { lines: &self.lines, outcome });
        self.text.clear();
        self.lines.clear();
    }
}

struct NameSink<'n> {
    lines: &'n [Line],
    outcome: &'n mut Outcome,
}

impl Sink for NameSink<'_> {
    fn found(&mut self, mut found: Found) {
        let line = self.lines.partition_point(|line| line.end < found.matched.span.end);
        let Some(line) = self.lines.get(line) else { return };
        found.line = None;
        found.column = None;
        found.inner.insert(0, line.what.to_owned());
        // The path itself may hold the credential: `scrub` redacts it before anything is reported.
        let path = String::from_utf8_lossy(&line.path).into_owned();
        let location = Location { path: Some(path), ..Location::new(LocationKind::File) };
        self.outcome.push(Seen { found, location, position: line.position, path: Some(line.path.to_vec()), hashes: None, history: None });
    }

    fn uncovered(&mut self, gap: Uncovered) {
        self.outcome.gap(Gap { path: Some("file names".to_owned()), reason: gap.reason, bytes: gap.bytes });
    }
}
