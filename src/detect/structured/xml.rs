//! XML: elements, attributes, entities, CDATA. Tolerant, without recursion; declares nothing and expands only the five
//! predefined entities and character references, so there is no billion laughs.

use std::{borrow::Cow, ops::Range};

use super::tree::{NodeId, ROOT, Tree, key, slice, trimmed};

/// Open elements that are remembered.
const MOST_OPEN: usize = 512;

/// Every attribute and text of the document.
pub(super) fn tree(text: &[u8]) -> Tree<'_> {
    let mut tree = Tree::new(text);
    let mut open: Vec<(NodeId, &[u8])> = Vec::new();
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'<', text.get(at..).unwrap_or_default()) {
        let start = at + length;
        content(text, at..start, &mut tree, &open);
        let rest = text.get(start..).unwrap_or_default();
        at = if rest.starts_with(b"<!--") {
            start + memchr::memmem::find(rest, b"-->").map_or(rest.len(), |end| end + 3)
        } else if rest.starts_with(b"<![CDATA[") {
            let end = memchr::memmem::find(rest, b"]]>").unwrap_or(rest.len());
            cdata(text, start + 9..start + end.max(9), &mut tree, &open);
            start + (end + 3).min(rest.len())
        } else if rest.starts_with(b"<?") || rest.starts_with(b"<!") {
            start + memchr::memchr(b'>', rest).map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with(b"</") {
            let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
            let name = rest.get(2..end).unwrap_or_default().trim_ascii();
            // A missing end tag closes with its parent's.
            if let Some(position) = open.iter().rposition(|(_, element)| *element == name) {
                open.truncate(position);
            }
            start + end + 1
        } else {
            element(text, start, &mut tree, &mut open)
        };
    }
    tree
}

/// Reads a start tag; returns the first byte after it.
fn element<'a>(text: &'a [u8], start: usize, tree: &mut Tree<'a>, open: &mut Vec<(NodeId, &'a [u8])>) -> usize {
    let name_end = end_of(text, start + 1, |b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'<'));
    let name = slice(text, start + 1..name_end);
    if !name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_' || *b >= 0x80) {
        return start + 1;
    }
    let parent = open.last().map_or(ROOT, |(node, _)| *node);
    let node = tree.child(parent, key(name));
    let mut at = name_end;
    loop {
        at = end_of(text, at, |b| !b.is_ascii_whitespace());
        match text.get(at) {
            None => return at,
            Some(end @ (b'>' | b'<')) => {
                if open.len() < MOST_OPEN {
                    open.push((node, name));
                }
                return at + usize::from(*end == b'>');
            }
            Some(b'/') => {
                at += 1;
                if text.get(at) == Some(&b'>') {
                    return at + 1;
                }
            }
            Some(_) => at = attribute(text, at, tree, node),
        }
    }
}

fn attribute<'a>(text: &'a [u8], at: usize, tree: &mut Tree<'a>, node: NodeId) -> usize {
    let name_end = end_of(text, at, |b| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/' | b'<'));
    let name = slice(text, at..name_end);
    let after = end_of(text, name_end, |b| !b.is_ascii_whitespace());
    if text.get(after) != Some(&b'=') {
        return after.max(at + 1);
    }
    let start = end_of(text, after + 1, |b| !b.is_ascii_whitespace());
    match text.get(start) {
        Some(quote @ (b'"' | b'\'')) => {
            let rest = text.get(start + 1..).unwrap_or_default();
            let length = memchr::memchr2(*quote, b'<', rest).unwrap_or(rest.len());
            let span = start + 1..start + 1 + length;
            tree.leaf(node, key(name), unescape(slice(text, span.clone())), span);
            let closed = rest.get(length) == Some(quote);
            start + 1 + length + usize::from(closed)
        }
        _ => start.max(at + 1),
    }
}

fn content<'a>(text: &'a [u8], range: Range<usize>, tree: &mut Tree<'a>, open: &[(NodeId, &'a [u8])]) {
    let span = trimmed(text, range);
    let raw = slice(text, span.clone());
    if let (false, Some((own, name))) = (raw.is_empty(), open.last()) {
        let parent = open.iter().rev().nth(1).map_or(ROOT, |(node, _)| *node);
        tree.text(parent, key(name), unescape(raw), span, *own);
    }
}

fn cdata<'a>(text: &'a [u8], range: Range<usize>, tree: &mut Tree<'a>, open: &[(NodeId, &'a [u8])]) {
    let span = trimmed(text, range);
    if let Some((own, name)) = open.last() {
        let parent = open.iter().rev().nth(1).map_or(ROOT, |(node, _)| *node);
        tree.text(parent, key(name), Cow::Borrowed(slice(text, span.clone())), span, *own);
    }
}

fn end_of(text: &[u8], at: usize, stop: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| stop(*b)).unwrap_or(rest.len())
}

/// `&lt;`, `&gt;`, `&amp;`, `&quot;`, `&apos;`, `&#65;`, `&#x41;`.
fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'&', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        let window = after.get(..after.len().min(12)).unwrap_or_default();
        let end = memchr::memchr(b';', window);
        let name = end.and_then(|end| window.get(1..end)).and_then(|name| std::str::from_utf8(name).ok());
        let decoded = name.and_then(|name| match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => {
                let number = name.strip_prefix('#')?;
                let point = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(point)
            }
        });
        match (decoded, end) {
            (Some(c), Some(end)) => {
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
                rest = after.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push(b'&');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        tree(text.as_bytes()).assert_leaves(text, expected);
    }

    #[test]
    fn elements_attributes_entities() {
        check(
            "<?xml?><a><b>x &amp; y</b><c d='e' f=\"&#65;\"/><!-- <g>h</g> --><i><![CDATA[<j>]]></i></a>",
            &[("a.b", "x & y"), ("a.c.d", "e"), ("a.c.f", "A"), ("a.i", "<j>")],
        );
    }

    #[test]
    fn broken_documents() {
        check("<a><b>x</a><c>y", &[("a.b", "x")]);
        check("<a b=\"c><d>e</d>", &[("a.b", "c>"), ("a.d", "e")]);
        check("<<<>>><a =\"x\">", &[("a", "x")]);
        let bomb = "<a>".repeat(1 << 18);
        assert!(tree(bomb.as_bytes()).leaves().next().is_none());
    }
}
