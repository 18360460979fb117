//! Dockerfiles, and the instructions that a builder keeps in an image's history.
//!
//! <https://docs.docker.com/reference/dockerfile/>

use std::ops::Range;

use super::{Detector, Field, Meaning, files, shell, tree::slice};
use crate::{detect::Hint, finding::LocationKind};

/// The detector.
pub(super) struct Dockerfile;

const FILES: &[&str] = &["Dockerfile*", "*.dockerfile", "Containerfile*", "*.containerfile"];

impl Detector for Dockerfile {
    fn id(&self) -> &'static str {
        "dockerfile"
    }

    fn files(&self) -> &'static [&'static str] {
        FILES
    }

    fn wants(&self, hint: &Hint<'_>, _head: &[u8]) -> bool {
        matches!(
            hint.kind,
            LocationKind::History | LocationKind::Onbuild | LocationKind::Cmd | LocationKind::Entrypoint | LocationKind::Healthcheck
        ) || files::matches(hint.path, FILES)
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut at = 0;
        while at < text.len() {
            let end = logical_line(text, at);
            instruction(text, at..end, emit);
            at = end + 1;
        }
    }
}

/// The end of a line with its continuations, and of the comments and empty lines among them.
fn logical_line(text: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let end = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = slice(text, at..end).trim_ascii();
        let comment = at > start && (line.starts_with(b"#") || line.is_empty());
        if end >= text.len() || !(line.ends_with(b"\\") || comment) {
            return end;
        }
        at = end + 1;
    }
}

fn instruction(text: &[u8], range: Range<usize>, emit: &mut dyn FnMut(Field<'_>)) {
    let line = slice(text, range.clone());
    let indent = line.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = line.get(indent..).unwrap_or_default();
    // `/bin/sh -c #(nop)  ENV A=b` of the classic builder.
    let nop = memchr::memmem::find(rest.get(..rest.len().min(64)).unwrap_or(rest), b"#(nop)").map_or(0, |at| at + 6);
    let skipped = nop + rest.get(nop..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count();
    let start = range.start + indent + skipped;
    let rest = slice(text, start..range.end);
    let word = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let name = rest.get(..word).unwrap_or_default().to_ascii_uppercase();
    let arguments = start + word..range.end;
    match name.as_slice() {
        b"ENV" | b"LABEL" => pairs(text, &arguments, emit),
        // Without `=`, further words are further arguments.
        b"ARG" => script(text, arguments, emit),
        b"ONBUILD" => instruction(text, trim_start(text, arguments), emit),
        b"RUN" | b"CMD" | b"ENTRYPOINT" | b"HEALTHCHECK" | b"SHELL" => script(text, arguments, emit),
        b"COPY" | b"ADD" | b"FROM" | b"WORKDIR" | b"EXPOSE" | b"VOLUME" | b"USER" | b"STOPSIGNAL" | b"MAINTAINER" => {}
        _ if rest.starts_with(b"#") => {}
        // `|1 TOKEN=x /bin/sh -c cmd` of the classic builder, and heredocs' lines.
        _ => script(text, start..range.end, emit),
    }
}

fn trim_start(text: &[u8], range: Range<usize>) -> Range<usize> {
    let gap = slice(text, range.clone()).iter().take_while(|b| b.is_ascii_whitespace()).count();
    range.start + gap..range.end
}

/// `A=b C="d e"`, or `A b c`.
fn pairs(text: &[u8], range: &Range<usize>, emit: &mut dyn FnMut(Field<'_>)) {
    let range = trim_start(text, range.clone());
    let line = slice(text, range.clone());
    let name = line.iter().position(|b| b.is_ascii_whitespace() || *b == b'=').unwrap_or(line.len());
    if line.get(name) == Some(&b' ') {
        let value = trim_start(text, range.start + name..range.end);
        let span = super::tree::trimmed(text, value);
        let word = shell::word_at(text, span);
        if !word.value.is_empty() {
            let name = String::from_utf8_lossy(line.get(..name.min(128)).unwrap_or_default());
            emit(Field { name, value: word.value, span: word.span, meaning: Meaning::Value, evidence: Vec::new() });
        }
        return;
    }
    script(text, range, emit);
}

fn script(text: &[u8], range: Range<usize>, emit: &mut dyn FnMut(Field<'_>)) {
    let range = trim_start(text, range);
    let body = slice(text, range.clone());
    // The exec form is a list of words; a history's `|2` counts the arguments before the command.
    if body.starts_with(b"[") {
        let tree = super::flow::tree(body);
        let mut values = super::values::Values::new(body, &tree);
        for leaf in tree.leaves() {
            values.leaf(&leaf, &[], &mut |field| emit(shifted(field, range.start)));
        }
        return;
    }
    let skip = if body.starts_with(b"|") { body.iter().position(|b| *b == b' ').unwrap_or(0) } else { 0 };
    shell::fields(body.get(skip..).unwrap_or_default(), &mut |field| emit(shifted(field, range.start + skip)));
}

fn shifted(mut field: Field<'_>, by: usize) -> Field<'_> {
    field.span = field.span.start + by..field.span.end + by;
    field
}
