//! The family of JSON: JSON, JSON with comments and trailing commas, JSON5, YAML flow collections, TOML inline tables,
//! HCL objects. One tolerant reader for all, without recursion: what it cannot read it steps over.

use std::{borrow::Cow, ops::Range};

use super::tree::{NodeId, ROOT, Tree, key, slice, trimmed};

/// A quoted string's value, where it stands without its quotes, and the first byte after it.
pub(super) struct Quoted<'a> {
    pub(super) value: Cow<'a, [u8]>,
    pub(super) span: Range<usize>,
    pub(super) end: usize,
}

/// A whole JSON text, or several one after the other (JSON lines).
pub(super) fn tree(text: &[u8]) -> Tree<'_> {
    let mut tree = Tree::new(text);
    let mut at = 0;
    while let Some(open) = memchr::memchr2(b'{', b'[', text.get(at..).unwrap_or_default()) {
        at = parse(text, at + open, &mut tree, ROOT, Cow::Borrowed("")).max(at + 1);
    }
    tree
}

struct Frame<'a> {
    node: NodeId,
    map: bool,
    key: Option<Cow<'a, str>>,
}

/// Reads one collection that starts at `at` (`{` or `[`) into a new container named `name`; returns the first byte after it.
pub(super) fn parse<'a>(text: &'a [u8], at: usize, tree: &mut Tree<'a>, parent: NodeId, name: Cow<'a, str>) -> usize {
    let node = tree.child(parent, name);
    let mut stack = vec![Frame { node, map: text.get(at) == Some(&b'{'), key: None }];
    let mut at = at + 1;
    while let Some(top) = stack.last_mut() {
        at = skip_space(text, at);
        let Some(&byte) = text.get(at) else { break };
        match byte {
            b',' | b';' => {
                top.key = None;
                at += 1;
            }
            b':' | b'=' | b'>' => at += 1,
            b'{' | b'[' => {
                let name = top.key.take().unwrap_or_default();
                let node = tree.child(top.node, name);
                stack.push(Frame { node, map: byte == b'{', key: None });
                at += 1;
            }
            b'}' | b']' | b')' => {
                stack.pop();
                at += 1;
            }
            b'"' | b'\'' | b'`' => {
                let quoted = quoted(text, at, false);
                at = quoted.end;
                take(text, tree, top, quoted.value, quoted.span, at);
            }
            _ => {
                let span = bare(text, at, top.map && top.key.is_none());
                at = span.end.max(at + 1);
                let span = trimmed(text, span);
                take(text, tree, top, Cow::Borrowed(slice(text, span.clone())), span, at);
            }
        }
    }
    at
}

/// A scalar becomes a key where a separator follows, and a leaf otherwise.
fn take<'a>(text: &[u8], tree: &mut Tree<'a>, top: &mut Frame<'a>, value: Cow<'a, [u8]>, span: Range<usize>, end: usize) {
    if top.map && top.key.is_none() {
        let next = skip_space(text, end);
        if matches!(text.get(next), Some(b':' | b'=')) {
            top.key = Some(match value {
                Cow::Borrowed(bytes) => key(bytes),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            });
        }
        return;
    }
    let name = top.key.take().unwrap_or_default();
    tree.leaf(top.node, name, value, span);
}

/// An unquoted word: a key up to its separator, or a value up to the end of its entry.
fn bare(text: &[u8], at: usize, is_key: bool) -> Range<usize> {
    let mut end = at;
    while let Some(&byte) = text.get(end) {
        match byte {
            b'$' if text.get(end + 1) == Some(&b'{') => {
                let rest = text.get(end..).unwrap_or_default();
                let window = rest.get(..rest.len().min(256)).unwrap_or_default();
                end += memchr::memchr(b'}', window).unwrap_or(1);
            }
            b',' | b'}' | b']' | b'\n' | b'{' | b'[' | b'"' => break,
            b':' | b'=' if is_key => break,
            b'#' if end > at && text.get(end - 1) == Some(&b' ') => break,
            _ => {}
        }
        end += 1;
    }
    at..end
}

/// Reads a string at its opening quote. An unclosed one ends with the text. In YAML a single quote is escaped by doubling it.
pub(super) fn quoted(text: &[u8], at: usize, yaml: bool) -> Quoted<'_> {
    let Some(&quote) = text.get(at) else { return Quoted { value: Cow::Borrowed(b""), span: at..at, end: at } };
    let triple = [quote; 3];
    if !yaml && text.get(at..at + 3) == Some(&triple) {
        let start = at + 3;
        let length = memchr::memmem::find(text.get(start..).unwrap_or_default(), &triple);
        let end = length.map_or(text.len(), |length| start + length);
        let span = start..end;
        let raw = slice(text, span.clone());
        let value = if quote == b'"' { unescape(raw) } else { Cow::Borrowed(raw) };
        return Quoted { value, span, end: (end + 3).min(text.len()) };
    }
    let start = at + 1;
    let mut end = start;
    let mut doubled = false;
    let mut escaped = false;
    loop {
        let rest = text.get(end..).unwrap_or_default();
        let Some(step) = memchr::memchr2(quote, b'\\', rest) else {
            end = text.len();
            break;
        };
        end += step;
        let literal = yaml && quote == b'\'';
        if text.get(end) == Some(&b'\\') {
            escaped |= !literal;
            end = (end + if literal { 1 } else { 2 }).min(text.len());
        } else if literal && text.get(end + 1) == Some(&quote) {
            doubled = true;
            end += 2;
        } else {
            break;
        }
    }
    let span = start..end;
    let raw = slice(text, span.clone());
    let value = if doubled {
        Cow::Owned(undouble(raw))
    } else if escaped {
        unescape(raw)
    } else {
        Cow::Borrowed(raw)
    };
    Quoted { value, span, end: (end + 1).min(text.len()) }
}

fn undouble(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().peekable();
    while let Some(&byte) = bytes.next() {
        out.push(byte);
        if byte == b'\'' && bytes.peek() == Some(&&b'\'') {
            bytes.next();
        }
    }
    out
}

/// Undoes the escapes of JSON strings (RFC 8259 section 7), with `\x41` of YAML and JavaScript; unknown ones stay as they are.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&escape) = raw.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'"' | b'\\' | b'/' | b'\'' | b'`' | b'$' | b' ' | b'=' | b':' | b'#' | b'!' => out.push(escape),
            b'\n' => {}
            b'u' => match hex(raw, at, 4) {
                Some(high @ 0xD800..=0xDBFF) if raw.get(at + 4..at + 6) == Some(b"\\u") => {
                    let low = hex(raw, at + 6, 4).unwrap_or(0);
                    let point = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                    push(&mut out, point);
                    at = (at + 10).min(raw.len());
                }
                Some(point) => {
                    push(&mut out, point);
                    at += 4;
                }
                None => out.extend(b"\\u"),
            },
            b'x' => match hex(raw, at, 2) {
                Some(point) => {
                    push(&mut out, point);
                    at += 2;
                }
                None => out.extend(b"\\x"),
            },
            other => out.extend([b'\\', other]),
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut Vec<u8>, point: u32) {
    let c = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend(c.encode_utf8(&mut [0; 4]).bytes());
}

fn hex(raw: &[u8], at: usize, digits: usize) -> Option<u32> {
    let text = std::str::from_utf8(raw.get(at..at + digits)?).ok()?;
    text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok())?
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    loop {
        while text.get(at).is_some_and(|b| b.is_ascii_whitespace() || *b == 0) {
            at += 1;
        }
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(b"//") || rest.starts_with(b"#") {
            at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        } else if rest.starts_with(b"/*") {
            at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
        } else {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        tree(text.as_bytes()).assert_leaves(text, expected);
    }

    #[test]
    fn json_and_its_dialects() {
        check(r#"{"a": {"b": "c"}, "d": ["e", 1, null]}"#, &[("a.b", "c"), ("d", "e"), ("d", "1"), ("d", "null")]);
        check("{ // comment\n \"a\": 'x', /* y */ b: z,\n}", &[("a", "x"), ("b", "z")]);
        check("{a = \"x\", b = [\"y\"]}", &[("a", "x"), ("b", "y")]);
        check("{\"a\":1}\n{\"b\":2}\n", &[("a", "1"), ("b", "2")]);
        check(r#"{"k\u0041": "\u00e9\n\ud83d\ude00\\"}"#, &[("kA", "é\n😀\\")]);
        check("{url: http://u:p@h/x, k: ${V:-x}}", &[("url", "http://u:p@h/x"), ("k", "${V:-x}")]);
    }

    #[test]
    fn spans_point_at_the_value() {
        let text = r#"{"a": "x\ny", "b": zz}"#;
        let tree = tree(text.as_bytes());
        let spans: Vec<_> = tree.leaves().map(|leaf| &text[leaf.span]).collect();
        assert_eq!(spans, [r"x\ny", "zz"]);
    }

    #[test]
    fn broken_text_yields_what_it_can() {
        check(r#"{"a": "x", "b": "unclosed"#, &[("a", "x"), ("b", "unclosed")]);
        check(r#"{"a": "x"]] "b": {"c": "y"}"#, &[("a", "x"), ("c", "y")]);
        check("{\"\\", &[]);
    }

    #[test]
    fn a_depth_bomb_is_read_in_linear_time_and_bounded_depth() {
        let bomb = "[".repeat(1 << 20);
        assert!(tree(bomb.as_bytes()).leaves().next().is_none());
        let bomb = format!("{}\"x\"", "{\"a\":".repeat(100_000));
        let tree = tree(bomb.as_bytes());
        assert!(tree.path(&tree.leaves().next().expect("one")).len() <= 66);
    }
}
