//! YAML by lines and indentation.
//!
//! A parser that follows the specification stops at the first `{{ .Values.x }}` of a template and knows no byte positions;
//! this reader needs neither a valid document nor valid UTF-8. Aliases are references and expand to nothing, so there is no
//! billion laughs. What it does not know: complex keys (`? `) and plain scalars over several lines, of which it sees the first.

use std::{borrow::Cow, ops::Range};

use super::{
    flow,
    tree::{NodeId, ROOT, Tree, key, line_end, slice, trimmed},
};

/// A quoted scalar that is not closed within this many bytes is taken for a plain one.
const LONGEST_QUOTED: usize = 64 << 10;

/// Every document of the text.
pub(super) fn tree(text: &[u8]) -> Tree<'_> {
    let mut reader = Reader { text, tree: Tree::new(text), open: Vec::new(), waiting: None, document: ROOT };
    let mut at = 0;
    while at < text.len() {
        at = reader.line(at).max(at + 1);
    }
    reader.tree
}

struct Level {
    /// Column at which the container's keys or dashes stand.
    column: usize,
    node: NodeId,
    list: bool,
}

/// A key or dash whose value has not come yet.
struct Waiting<'a> {
    node: NodeId,
    key: Cow<'a, str>,
    column: usize,
    dash: bool,
}

struct Reader<'a> {
    text: &'a [u8],
    tree: Tree<'a>,
    open: Vec<Level>,
    waiting: Option<Waiting<'a>>,
    document: NodeId,
}

impl<'a> Reader<'a> {
    /// Reads what starts on the line at `at`; returns the start of the first line after it.
    fn line(&mut self, at: usize) -> usize {
        let end = line_end(self.text, at);
        let line = slice(self.text, at..end);
        if line.starts_with(b"---") && line.get(3).is_none_or(u8::is_ascii_whitespace) || line.starts_with(b"...") {
            self.open.clear();
            self.waiting = None;
            self.document = self.tree.child(ROOT, Cow::Borrowed(""));
            return self.content(at + 3, end, 4);
        }
        let column = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.content(at + column, end, column)
    }

    /// Reads entries from `at`, which stands at `column` of a line that ends at `end`.
    fn content(&mut self, at: usize, end: usize, column: usize) -> usize {
        let (mut at, mut column) = (at, column);
        loop {
            let skipped = slice(self.text, at..end).iter().take_while(|b| b.is_ascii_whitespace()).count();
            at += skipped;
            column += skipped;
            let rest = slice(self.text, at..end);
            match rest.first() {
                None | Some(b'#' | b'%') => return end + 1,
                _ => {}
            }
            if rest.starts_with(b"- ") || rest == b"-" || rest == b"-\r" {
                let list = self.level(column, true);
                self.waiting = Some(Waiting { node: list, key: Cow::Borrowed(""), column, dash: true });
                at += 1;
                column += 1;
                continue;
            }
            let Some((name, value)) = split_key(self.text, at..end) else {
                return self.scalar_line(at, end, column);
            };
            let node = self.level(column, false);
            return self.value(node, name, value, end, column);
        }
    }

    /// The container whose entries stand at `column`.
    fn level(&mut self, column: usize, list: bool) -> NodeId {
        if let Some(waiting) = self.waiting.take() {
            let inside = column > waiting.column || (list && !waiting.dash && column == waiting.column);
            if inside {
                let node = self.tree.child(waiting.node, waiting.key);
                self.open.push(Level { column, node, list });
                return node;
            }
        }
        while self.open.last().is_some_and(|top| top.column > column || (top.column == column && top.list && !list)) {
            self.open.pop();
        }
        match self.open.last() {
            Some(top) if top.column == column && top.list == list => top.node,
            Some(top) => top.node,
            None => {
                let node = self.tree.child(self.document, Cow::Borrowed(""));
                self.open.push(Level { column, node, list });
                node
            }
        }
    }

    /// A line that is no entry: the value of the key or dash before it, or the rest of a scalar over several lines.
    fn scalar_line(&mut self, at: usize, end: usize, column: usize) -> usize {
        match self.waiting.take() {
            Some(waiting) if column > waiting.column => self.value(waiting.node, waiting.key, at, end, waiting.column),
            _ if self.open.is_empty() && matches!(self.text.get(at), Some(b'{' | b'[')) => {
                let parent = self.document;
                next_line(self.text, flow::parse(self.text, at, &mut self.tree, parent, Cow::Borrowed("")))
            }
            _ => end + 1,
        }
    }

    /// Reads the value that starts at `at` for the key at `column`.
    fn value(&mut self, node: NodeId, name: Cow<'a, str>, at: usize, end: usize, column: usize) -> usize {
        let mut at = at;
        loop {
            at += slice(self.text, at..end).iter().take_while(|b| b.is_ascii_whitespace()).count();
            // Tags and anchors stand before the value.
            let rest = slice(self.text, at..end);
            if !matches!(rest.first(), Some(b'!' | b'&')) {
                break;
            }
            at += rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        }
        let rest = slice(self.text, at..end);
        match rest.first() {
            None | Some(b'#') => {
                self.waiting = Some(Waiting { node, key: name, column, dash: false });
                end + 1
            }
            Some(b'*') => end + 1,
            Some(b'|' | b'>') if is_block_header(rest) => self.block(node, name, end + 1, column),
            Some(b'[') | Some(b'{') if !rest.starts_with(b"{{") && !rest.starts_with(b"{%") && !rest.starts_with(b"[[") => {
                next_line(self.text, flow::parse(self.text, at, &mut self.tree, node, name))
            }
            Some(b'"' | b'\'') => {
                let limit = (at + LONGEST_QUOTED).min(self.text.len());
                let quoted = flow::quoted(slice_to(self.text, limit), at, true);
                let closed = matches!(self.text.get(quoted.end.wrapping_sub(1)), Some(b'"' | b'\'')) && quoted.end > at + 1;
                if !closed {
                    return self.plain(node, name, at..end);
                }
                self.tree.leaf(node, name, quoted.value, quoted.span);
                next_line(self.text, quoted.end)
            }
            Some(_) => self.plain(node, name, at..end),
        }
    }

    fn plain(&mut self, node: NodeId, name: Cow<'a, str>, range: Range<usize>) -> usize {
        let line = slice(self.text, range.clone());
        let comment = memchr::memmem::find(line, b" #").map_or(range.end, |at| range.start + at);
        let span = trimmed(self.text, range.start..comment);
        self.tree.leaf(node, name, Cow::Borrowed(slice(self.text, span.clone())), span);
        range.end + 1
    }

    /// A block scalar: the lines that are indented more than its key.
    fn block(&mut self, node: NodeId, name: Cow<'a, str>, start: usize, column: usize) -> usize {
        let mut at = start;
        let mut indent = None;
        let mut lines: Vec<Range<usize>> = Vec::new();
        while at < self.text.len() {
            let end = line_end(self.text, at);
            let line = slice(self.text, at..end);
            let spaces = line.iter().take_while(|b| **b == b' ').count();
            let blank = line.iter().all(u8::is_ascii_whitespace);
            if !blank && spaces <= column {
                break;
            }
            if !blank {
                let indent = *indent.get_or_insert(spaces);
                lines.push(at + spaces.min(indent)..end);
            } else if indent.is_some() {
                lines.push(end..end);
            }
            at = end + 1;
        }
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            let span = trimmed(self.text, first.start..last.end);
            let value = if lines.len() == 1 {
                Cow::Borrowed(slice(self.text, span.clone()))
            } else {
                let mut joined = Vec::with_capacity(span.len());
                for line in &lines {
                    joined.extend_from_slice(slice(self.text, line.clone()));
                    joined.push(b'\n');
                }
                joined.pop();
                Cow::Owned(joined)
            };
            self.tree.leaf(node, name, value, span);
        }
        at
    }
}

/// `|`, `>-`, `|2+ # comment`.
fn is_block_header(rest: &[u8]) -> bool {
    let header = rest.split(|b| *b == b'#').next().unwrap_or_default();
    header.iter().skip(1).all(|b| matches!(b, b'+' | b'-' | b'0'..=b'9') || b.is_ascii_whitespace())
}

/// Splits `key: value`: the key, and where the value may start.
fn split_key(text: &[u8], range: Range<usize>) -> Option<(Cow<'_, str>, usize)> {
    let line = slice(text, range.clone());
    let line = line.get(..line.len().min(1024)).unwrap_or(line);
    let ends = |at: usize| line.get(at + 1).is_none_or(u8::is_ascii_whitespace);
    match line.first()? {
        b'"' | b'\'' => {
            let quoted = flow::quoted(slice_to(text, range.start + line.len()), range.start, true);
            let colon = quoted.end.checked_sub(range.start)?;
            let after = line.get(colon..)?.iter().take_while(|b| **b == b' ').count() + colon;
            (line.get(after) == Some(&b':') && ends(after)).then(|| (key_of(quoted.value), range.start + after + 1))
        }
        b'{' | b'[' | b'#' | b'|' | b'>' | b'@' | b'`' | b'&' | b'*' => None,
        _ => {
            let colon = memchr::memchr_iter(b':', line).find(|at| ends(*at))?;
            let name = line.get(..colon)?.trim_ascii_end();
            (!name.is_empty()).then(|| (key(name), range.start + colon + 1))
        }
    }
}

fn key_of(value: Cow<'_, [u8]>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(bytes) => key(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn slice_to(text: &[u8], end: usize) -> &[u8] {
    text.get(..end).unwrap_or(text)
}

fn next_line(text: &[u8], at: usize) -> usize {
    line_end(text, at) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        tree(text.as_bytes()).assert_leaves(text, expected);
    }

    #[test]
    fn mappings_and_lists() {
        check(
            "a: b\nc:\n  d: e # note\n  f:\n  - g\n  - h: i\n    j: k\nl: m\n",
            &[("a", "b"), ("c.d", "e"), ("c.f", "g"), ("c.f.h", "i"), ("c.f.j", "k"), ("l", "m")],
        );
        check("- a: 1\n  b: 2\n- - x\n  - y\n", &[("a", "1"), ("b", "2"), ("", "x"), ("", "y")]);
        check(
            "env:\n- name: A\n  value: x\n- name: B\n  value: y\nimage: z\n",
            &[("env.name", "A"), ("env.value", "x"), ("env.name", "B"), ("env.value", "y"), ("image", "z")],
        );
    }

    #[test]
    fn scalars() {
        check("a: 'it''s'\nb: \"x\\ty\"\n\"c d\": !!str &id e\nf: *id\n", &[("a", "it's"), ("b", "x\ty"), ("c d", "e")]);
        check("a: |\n  one\n   two\n\nb: >-\n    three\nc: d\n", &[("a", "one\n two"), ("b", "three"), ("c", "d")]);
        check("a: {b: c, d: [e, 'f']}\ng: h\n", &[("a.b", "c"), ("a.d", "e"), ("a.d", "f"), ("g", "h")]);
        check(
            "url: http://u:p@h:1/x\nt: {{ .Values.x }}\nu: 12:30\n",
            &[("url", "http://u:p@h:1/x"), ("t", "{{ .Values.x }}"), ("u", "12:30")],
        );
        check("key:\n  value\nnull_key:\nnext: x\n", &[("key", "value"), ("next", "x")]);
    }

    #[test]
    fn documents() {
        check("a: b\n---\na: c\n...\n--- {d: e}\n", &[("a", "b"), ("a", "c"), ("d", "e")]);
        check("{\"a\": \"b\"}\n", &[("a", "b")]);
    }

    #[test]
    fn laughs_bombs_and_long_lines() {
        let laughs = "a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n";
        assert!(tree(laughs.as_bytes()).leaves().count() < 10);
        let deep: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(tree(deep.as_bytes()).leaves().next().is_none());
        let long = format!("a: {}\n", "x".repeat(1 << 20));
        assert_eq!(tree(long.as_bytes()).leaves().next().expect("one").span, 3..3 + (1 << 20));
        assert!(tree(b"a: '\n\0\xff: \xfe\n- - - -\n? x\n").leaves().count() < 5);
    }
}
