//! Files of `key = value` lines: dotenv, ini and its kin, Java properties, TOML, HCL. One reader, told apart by [`Dialect`].

use std::{borrow::Cow, ops::Range};

use super::{
    flow,
    tree::{NodeId, ROOT, Tree, key, line_end, slice, trimmed},
};

/// What differs between the formats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// Bytes that start a comment at the start of a line.
    comments: &'static [u8],
    /// Bytes that end a key.
    separators: &'static [u8],
    /// Whether white space ends a key too (`requirepass x`).
    space: bool,
    /// Whether a `\` at the end of a line continues it.
    continued: bool,
    /// Whether ` #` (and ` ;` where `;` is a comment) ends an unquoted value.
    trailing_comments: bool,
    /// Whether quotes around a value are not part of it.
    quotes: bool,
    /// Whether values may be `{..}` and `[..]`, and blocks may be opened with `{` at the end of a line.
    nested: bool,
    /// Whether backslashes escape in unquoted values too.
    escapes: bool,
}

/// `.env`, shell exports, systemd's environment files.
pub(super) const DOTENV: Dialect = Dialect {
    comments: b"#",
    separators: b"=",
    space: false,
    continued: false,
    trailing_comments: true,
    quotes: true,
    nested: false,
    escapes: false,
};
/// `.ini`, `.cfg`, `.conf`, git's config, with sections.
pub(super) const INI: Dialect = Dialect { comments: b"#;", separators: b"=:", ..DOTENV };
/// Ini files in which `:` is part of keys: `.npmrc`, AWS profiles.
pub(super) const INI_EQUALS: Dialect = Dialect { separators: b"=", ..INI };
/// `key value`, as in `redis.conf`, `.msmtprc` and `.esmtprc`.
pub(super) const SPACED: Dialect = Dialect { comments: b"#;", separators: b"=", space: true, nested: true, ..DOTENV };
/// Java's `Properties.load`.
pub(super) const PROPERTIES: Dialect = Dialect {
    comments: b"#!",
    separators: b"=:",
    space: true,
    continued: true,
    trailing_comments: false,
    quotes: false,
    escapes: true,
    ..DOTENV
};
/// TOML.
pub(super) const TOML: Dialect = Dialect { nested: true, ..DOTENV };
/// Terraform and Packer, nomad, vault.
pub(super) const HCL: Dialect = Dialect { nested: true, ..DOTENV };

/// Every value of the text.
pub(super) fn tree(text: &[u8], dialect: Dialect) -> Tree<'_> {
    let mut reader = Reader { text, dialect, tree: Tree::new(text), section: ROOT, blocks: Vec::new(), quote_free: false };
    let mut at = 0;
    while at < text.len() {
        at = reader.line(at).max(at + 1);
    }
    reader.tree
}

struct Reader<'a> {
    text: &'a [u8],
    dialect: Dialect,
    tree: Tree<'a>,
    section: NodeId,
    blocks: Vec<NodeId>,
    /// Set when a quote was never closed: no later value looks for its end again.
    quote_free: bool,
}

impl<'a> Reader<'a> {
    /// Reads what starts on the line at `at`; returns the start of the first line after it.
    fn line(&mut self, at: usize) -> usize {
        let end = line_end(self.text, at);
        let range = trimmed(self.text, at..end);
        let line = slice(self.text, range.clone());
        match line.first() {
            None => return end + 1,
            Some(b'[') if is_section(line) => {
                self.section(line);
                return end + 1;
            }
            Some(b'}') if self.dialect.nested => {
                self.section = self.blocks.pop().unwrap_or(ROOT);
                return end + 1;
            }
            Some(first) if self.dialect.comments.contains(first) => return end + 1,
            _ if self.dialect.nested && line.starts_with(b"//") => return end + 1,
            _ => {}
        }
        let Some((name, value)) = self.split(range.clone()) else {
            if self.dialect.nested && line.ends_with(b"{") {
                self.block(line);
            }
            return end + 1;
        };
        self.value(name, value, end)
    }

    /// `[a.b]`, `[[a]]`, `[remote "origin"]`.
    fn section(&mut self, line: &'a [u8]) {
        let close = memchr::memrchr(b']', line).unwrap_or(line.len());
        let inside = line.get(1..close).unwrap_or_default();
        let inside = inside.strip_prefix(b"[").and_then(|x| x.strip_suffix(b"]")).unwrap_or(inside);
        self.section = ROOT;
        self.blocks.clear();
        let mut quote = 0;
        let dotted = self.dialect.nested;
        let parts = inside.split(|byte| {
            if quote != 0 {
                if *byte == quote {
                    quote = 0;
                }
                return false;
            }
            if matches!(byte, b'"' | b'\'') {
                quote = *byte;
            }
            byte.is_ascii_whitespace() || (dotted && *byte == b'.')
        });
        let parts: Vec<&[u8]> = parts.take(16).collect();
        for part in parts {
            let part = part.trim_ascii();
            let part = part.strip_prefix(b"\"").and_then(|x| x.strip_suffix(b"\"")).unwrap_or(part);
            let part = part.strip_prefix(b"'").and_then(|x| x.strip_suffix(b"'")).unwrap_or(part);
            self.section = self.tree.child(self.section, key(part));
        }
    }

    /// `resource "type" "name" {`.
    fn block(&mut self, line: &'a [u8]) {
        if self.blocks.len() >= 1024 {
            return;
        }
        self.blocks.push(self.section);
        let words = line.strip_suffix(b"{").unwrap_or(line).split(|b| b.is_ascii_whitespace() || *b == b'"');
        for word in words.filter(|word| !word.is_empty()).take(4) {
            self.section = self.tree.child(self.section, key(word));
        }
    }

    /// The key of a line, and where its value may start.
    fn split(&self, range: Range<usize>) -> Option<(Cow<'a, str>, usize)> {
        let mut start = range.start;
        let line = slice(self.text, range.clone());
        for word in [&b"export "[..], b"set ", b"setenv ", b"declare -x ", b"local ", b"readonly "] {
            if (!self.dialect.nested || self.dialect.space) && line.starts_with(word) {
                start += word.len();
                start += slice(self.text, start..range.end).iter().take_while(|b| **b == b' ').count();
                break;
            }
        }
        let line = slice(self.text, start..range.end);
        let line = line.get(..line.len().min(1024)).unwrap_or(line);
        if let (Some(quote @ (b'"' | b'\'')), true) = (line.first(), self.dialect.nested) {
            let close = memchr::memchr(*quote, line.get(1..)?)? + 1;
            let after = close + 1 + line.get(close + 1..)?.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let name = line.get(1..close)?;
            return matches!(line.get(after), Some(b'=' | b':')).then(|| (key(name), start + after + 1));
        }
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            if self.dialect.separators.contains(&byte) {
                let name = line.get(..at)?.trim_ascii_end();
                let colon_equals = byte == b':' && line.get(at + 1) == Some(&b'=');
                return (!name.is_empty()).then(|| (key(name), start + at + 1 + usize::from(colon_equals)));
            }
            if byte == b'\\' && self.dialect.escapes {
                at += 1;
            } else if self.dialect.space && byte.is_ascii_whitespace() {
                let rest = line.get(at..)?;
                let gap = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
                let separator = rest.get(gap).is_some_and(|b| self.dialect.separators.contains(b));
                if separator {
                    at += gap;
                    continue;
                }
                let value = start + at + gap;
                return (line.last() != Some(&b'{')).then(|| (key(line.get(..at).unwrap_or_default()), value));
            }
            at += 1;
        }
        None
    }

    fn value(&mut self, name: Cow<'a, str>, at: usize, end: usize) -> usize {
        let gap = slice(self.text, at..end).iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let at = at + gap;
        let rest = slice(self.text, at..end);
        let dialect = self.dialect;
        match rest.first() {
            None => end + 1,
            Some(b'{' | b'[') if dialect.nested && !rest.starts_with(b"{{") => {
                next_line(self.text, flow::parse(self.text, at, &mut self.tree, self.section, name))
            }
            Some(b'<') if dialect.nested && rest.starts_with(b"<<") => self.heredoc(name, at, end),
            Some(quote @ (b'"' | b'\'')) if dialect.quotes && !self.quote_free => {
                let mut quoted = flow::quoted(self.text, at, !dialect.nested && *quote == b'\'');
                if quoted.end >= self.text.len() && self.text.last() != Some(quote) {
                    self.quote_free = true;
                    return self.plain(name, at, end);
                }
                if quoted.value.is_empty() && quoted.span.end > end {
                    quoted.span = at..at;
                }
                self.tree.leaf(self.section, name, quoted.value, quoted.span);
                next_line(self.text, quoted.end)
            }
            Some(_) => self.plain(name, at, end),
        }
    }

    fn plain(&mut self, name: Cow<'a, str>, at: usize, end: usize) -> usize {
        let mut end = end;
        let mut joined = None;
        if self.dialect.continued {
            let first = at;
            while slice(self.text, first..end).trim_ascii_end().ends_with(b"\\") && end < self.text.len() {
                joined = Some(());
                end = line_end(self.text, end + 1);
            }
        }
        let mut span = trimmed(self.text, at..end);
        let raw = slice(self.text, span.clone());
        if self.dialect.trailing_comments {
            let mut marks = memchr::memchr2_iter(b'#', b';', raw);
            let comment = marks.find(|mark| {
                let starts = raw.get(*mark).is_some_and(|b| self.dialect.comments.contains(b));
                starts && *mark > 0 && raw.get(mark - 1).is_some_and(u8::is_ascii_whitespace)
            });
            if let Some(comment) = comment {
                span = trimmed(self.text, span.start..span.start + comment);
            }
        }
        let raw = slice(self.text, span.clone());
        let value = match joined {
            Some(()) => Cow::Owned(unescape_properties(raw)),
            None if self.dialect.escapes && memchr::memchr(b'\\', raw).is_some() => Cow::Owned(unescape_properties(raw)),
            None => Cow::Borrowed(raw),
        };
        self.tree.leaf(self.section, name, value, span);
        end + 1
    }

    /// `<<EOF` and `<<-EOF` of HCL.
    fn heredoc(&mut self, name: Cow<'a, str>, at: usize, end: usize) -> usize {
        let word = slice(self.text, at + 2..end).trim_ascii();
        let word = word.strip_prefix(b"-").or(word.strip_prefix(b"~")).unwrap_or(word);
        let start = end + 1;
        let mut line = start;
        while line < self.text.len() {
            let stop = line_end(self.text, line);
            if slice(self.text, line..stop).trim_ascii() == word {
                break;
            }
            line = stop + 1;
        }
        let span = trimmed(self.text, start.min(line)..line.min(self.text.len()));
        self.tree.leaf(self.section, name, Cow::Borrowed(slice(self.text, span.clone())), span);
        next_line(self.text, line)
    }
}

/// `[x]`, with at most a comment after it.
fn is_section(line: &[u8]) -> bool {
    let close = memchr::memrchr(b']', line).unwrap_or(0);
    let after = line.get(close + 1..).unwrap_or_default().trim_ascii_start();
    close > 1 && matches!(after.first(), None | Some(b'#' | b';'))
}

/// Escapes of Java properties: as in JSON, but unknown ones stand for their letter, and a continued line loses its indentation.
fn unescape_properties(raw: &[u8]) -> Vec<u8> {
    let mut unfolded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, after) = rest.split_at(at);
        unfolded.extend_from_slice(before);
        let tail = after.get(1..).unwrap_or_default();
        match tail.first() {
            Some(b'\n' | b'\r') => rest = tail.trim_ascii_start(),
            Some(byte) => {
                if matches!(byte, b'u' | b'n' | b't' | b'r' | b'f' | b'\\') {
                    unfolded.push(b'\\');
                }
                unfolded.push(*byte);
                rest = tail.get(1..).unwrap_or_default();
            }
            None => rest = &[],
        }
    }
    unfolded.extend_from_slice(rest);
    flow::unescape(&unfolded).into_owned()
}

fn next_line(text: &[u8], at: usize) -> usize {
    line_end(text, at) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, text: &str, expected: &[(&str, &str)]) {
        tree(text.as_bytes(), dialect).assert_leaves(text, expected);
    }

    #[test]
    fn dotenv() {
        check(
            DOTENV,
            "A=b\nexport C='d e' # x\n#E=f\nG=\"h\\ni\"\nJ=k#l # m\nN=\nO=\"p\nq\"\nR=s:t=u\r\n",
            &[("A", "b"), ("C", "d e"), ("G", "h\ni"), ("J", "k#l"), ("O", "p\nq"), ("R", "s:t=u")],
        );
    }

    #[test]
    fn ini() {
        check(
            INI,
            "x = 1\n[a b]\nuser: joe\n; no\npass = it's; fine ; note\n[remote \"origin\"]\n\turl = u\n",
            &[("x", "1"), ("a.b.user", "joe"), ("a.b.pass", "it's; fine"), ("remote.origin.url", "u")],
        );
        check(
            SPACED,
            "requirepass secret\nhost = h\nproxy {\n  key \"v w\"\n}\nz y\n",
            &[("requirepass", "secret"), ("host", "h"), ("proxy.key", "v w"), ("z", "y")],
        );
    }

    #[test]
    fn properties() {
        check(
            PROPERTIES,
            "a.b=c\\u0041\nd : e\\\n   f\ng h=i\n! no\nj\\=k=l\\:m\n",
            &[("a.b", "cA"), ("d", "ef"), ("g", "h=i"), ("j\\=k", "l:m")],
        );
    }

    #[test]
    fn toml_and_hcl() {
        check(
            TOML,
            "a = \"b\" # c\n[d.\"e.f\"]\ng = ['h', \"i\"]\nj = { k = \"l\" }\n[[m]]\nn = \"\"\"\no\np\"\"\"\n\"q r\" = 's\\t'\n",
            &[("a", "b"), ("d.e.f.g", "h"), ("d.e.f.g", "i"), ("d.e.f.j.k", "l"), ("m.n", "\no\np"), ("m.q r", "s\t")],
        );
        check(
            HCL,
            "resource \"db\" \"main\" {\n  pw = \"x\"\n  tags {\n    a = 1\n  }\n  b = <<EOF\ny\nEOF\n}\nc = [\n \"d\",\n]\n",
            &[("resource.db.main.pw", "x"), ("resource.db.main.tags.a", "1"), ("resource.db.main.b", "y"), ("c", "d")],
        );
    }

    #[test]
    fn unclosed_quotes_cost_one_search() {
        let text = "A=\"x\\\"\n".repeat(100_000);
        assert!(tree(text.as_bytes(), DOTENV).leaves().next().is_some());
        let text = "A='x\nB=\"y".to_owned();
        check(DOTENV, &text, &[("A", "'x"), ("B", "\"y")]);
    }

    #[test]
    fn the_span_is_the_value() {
        let text = b"[s]\nkey = \"va\\nlue\" # c\n";
        let tree = tree(text, INI);
        assert_eq!(text.get(tree.leaves().next().expect("one").span), Some(&b"va\\nlue"[..]));
    }
}
