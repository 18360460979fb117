//! The ordinary named values of a tree: pairs such as `{name: X, value: Y}`, lists of `NAME=value`, command lines,
//! the query of a URL, scripts inside strings.

use std::{borrow::Cow, ops::Range};

use super::{
    Field, Meaning, header, shell,
    tree::{Leaf, Locator, NodeId, Tree, key, locate},
};
use crate::detect::assign;

/// Keys whose value is named by a sibling.
const PAIR_VALUES: &[&str] = &["value", "val", "secret_value", "defaultvalue", "default", "text"];
/// The siblings that name it.
const PAIR_NAMES: &[&str] = &["name", "key", "variable", "var", "envvar", "id"];
/// Keys whose strings are command lines even when they are one line.
const COMMANDS: &[&str] = &[
    "run",
    "script",
    "scripts",
    "before_script",
    "after_script",
    "install",
    "before_install",
    "command",
    "cmd",
    "commands",
    "args",
    "entrypoint",
    "runcmd",
    "bootcmd",
    "test",
    "exec",
    "shell",
    "source",
    "user_data",
    "user-data",
    "userdata",
    "content",
    "inline",
    "postinstall",
    "start",
];

/// Keys whose children are HTTP headers.
const HEADERS: &[&str] = &["headers", "http_headers", "httpHeaders", "requestHeaders", "extraHeaders", "defaultHeaders"];

/// Emits the leaves of one tree, in order.
pub(super) struct Values<'t, 'a> {
    text: &'t [u8],
    tree: &'t Tree<'a>,
    /// The list whose last item was a flag without a value, and the flag's name.
    flag: Option<(NodeId, String)>,
    /// A buffer for names.
    name: String,
    /// The rule for a header with a credential.
    header: &'static str,
}

impl<'t, 'a> Values<'t, 'a> {
    pub(super) fn new(text: &'t [u8], tree: &'t Tree<'a>) -> Self {
        Self { text, tree, flag: None, name: String::new(), header: "generic-authorization" }
    }

    /// With a rule of one's own for headers.
    pub(super) fn headers_as(mut self, rule: &'static str) -> Self {
        self.header = rule;
        self
    }

    /// Emits one leaf, with evidence that its caller knows.
    pub(super) fn leaf(&mut self, leaf: &Leaf<'_>, evidence: &[String], emit: &mut dyn FnMut(Field<'_>)) {
        let flag = self.flag.take().filter(|(node, _)| *node == leaf.node).map(|(_, flag)| flag);
        if leaf.key.is_empty() {
            self.item(leaf, flag, evidence, emit);
            return;
        }
        let in_headers = HEADERS.iter().any(|key| self.tree.key(leaf.node).eq_ignore_ascii_case(key));
        if in_headers && header::carries_credentials(leaf.key) && self.header(leaf, leaf.key, evidence, emit) {
            return;
        }
        let pair =
            PAIR_VALUES.iter().any(|key| leaf.key.eq_ignore_ascii_case(key)).then(|| self.tree.sibling(leaf.node, PAIR_NAMES)).flatten();
        let (node, name) = match &pair {
            Some(name) => (self.tree.parent(leaf.node), key(name.value)),
            None => (leaf.node, Cow::Borrowed(leaf.key)),
        };
        self.scripts(leaf, leaf.key, evidence, emit);
        self.value(node, &name, leaf.value, leaf.span.clone(), evidence, emit);
    }

    /// An item of a list: `NAME=value`, `--flag=value`, `--flag` before its value, or a plain item.
    fn item(&mut self, leaf: &Leaf<'_>, flag: Option<String>, evidence: &[String], emit: &mut dyn FnMut(Field<'_>)) {
        let list = self.tree.key(leaf.node);
        if let Some(flag) = flag {
            if matches!(flag.as_str(), "header" | "H") && self.header(leaf, "", evidence, emit) {
                return;
            }
            if let Some((inner, at)) = assignment(leaf.value) {
                let part = leaf.value.get(at..).unwrap_or_default();
                self.value(leaf.node, &inner, part, self.part(leaf, at, part), evidence, emit);
                return;
            }
            self.value(leaf.node, &flag, leaf.value, leaf.span.clone(), evidence, emit);
            return;
        }
        if let Some((name, at)) = assignment(leaf.value) {
            let part = leaf.value.get(at..).unwrap_or_default();
            // Travis CI sets several variables in one item: `A=value B=value`.
            let part = part.get(..assign::next_variable(part).unwrap_or(part.len())).unwrap_or_default();
            self.value(leaf.node, &name, part, self.part(leaf, at, part), evidence, emit);
            return;
        }
        if leaf.value.starts_with(b"-") && !leaf.value.contains(&b' ') {
            let name = String::from_utf8_lossy(leaf.value).trim_start_matches('-').to_owned();
            self.flag = Some((leaf.node, name));
            return;
        }
        self.scripts(leaf, list, evidence, emit);
        self.value(leaf.node, leaf.key, leaf.value, leaf.span.clone(), evidence, emit);
    }

    /// Emits the credential of an HTTP header; whether there was one.
    fn header(&self, leaf: &Leaf<'_>, key: &str, evidence: &[String], emit: &mut dyn FnMut(Field<'_>)) -> bool {
        let Some(header) = header::parse(key, leaf.value) else { return false };
        let meaning = Meaning::Credential { rule: self.header };
        let span = locate(self.text, &leaf.span, header.token);
        let evidence = header.evidence.into_iter().chain(evidence.iter().cloned()).collect();
        emit(Field { name: Cow::Owned(self.tree.name(leaf)), value: header.secret, span, meaning, evidence });
        true
    }

    /// Where a part of a leaf's value stands.
    fn part(&self, leaf: &Leaf<'_>, at: usize, part: &[u8]) -> Range<usize> {
        match leaf.verbatim {
            true => leaf.span.start + at..leaf.span.start + at + part.len(),
            false => locate(self.text, &leaf.span, part),
        }
    }

    fn scripts(&self, leaf: &Leaf<'_>, key: &str, evidence: &[String], emit: &mut dyn FnMut(Field<'_>)) {
        let several = memchr::memchr(b'\n', leaf.value).is_some();
        let command = || COMMANDS.iter().any(|command| key.eq_ignore_ascii_case(command)) || self.tree.key(leaf.node) == "scripts";
        if several || (memchr::memchr(b' ', leaf.value).is_some() && command()) {
            let from = leaf.span.clone();
            let mut locator = Locator::new(&from);
            shell::fields(leaf.value, &mut |mut field| {
                field.span = match leaf.verbatim {
                    true => from.start + field.span.start..from.start + field.span.end,
                    false => locator.place(self.text, &field.value),
                };
                field.evidence.extend_from_slice(evidence);
                emit(field);
            });
        }
    }

    /// Emits a value that has this key in a container.
    fn value(&mut self, node: NodeId, key: &str, value: &[u8], span: Range<usize>, evidence: &[String], emit: &mut dyn FnMut(Field<'_>)) {
        self.tree.write_name(node, key, &mut self.name);
        let name = self.name.as_str();
        for (parameter, at) in query(value) {
            let part = value.get(at.clone()).unwrap_or_default();
            let place = locate(self.text, &span, part);
            emit(Field {
                name: Cow::Owned(format!("{name}.{parameter}")),
                value: Cow::Borrowed(part),
                span: place,
                meaning: Meaning::Value,
                evidence: evidence.to_vec(),
            });
        }
        emit(Field { name: Cow::Borrowed(name), value: Cow::Borrowed(value), span, meaning: Meaning::Value, evidence: evidence.to_vec() });
    }
}

/// The name of `NAME=value` or `--flag=value`, and where the value starts.
pub(super) fn assignment(item: &[u8]) -> Option<(String, usize)> {
    let window = item.get(..item.len().min(128)).unwrap_or(item);
    let equals = memchr::memchr(b'=', window)?;
    let name = std::str::from_utf8(window.get(..equals)?).ok()?.trim_start_matches('-');
    let fine = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    (fine && equals + 1 < item.len()).then(|| (name.to_owned(), equals + 1))
}

/// The parameters of a URL's query, at most 50, with the places of their values.
pub(super) fn query(url: &[u8]) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let head = url.get(..url.len().min(16)).unwrap_or(url);
    let Some(scheme) = memchr::memchr_iter(b':', head).find(|at| head.get(at + 1..at + 3) == Some(b"//")) else { return found };
    let Some(mark) = memchr::memchr(b'?', url.get(scheme..).unwrap_or_default()) else { return found };
    let mut at = scheme + mark + 1;
    for pair in url.get(at..).unwrap_or_default().split(|b| matches!(b, b'&' | b'#' | b' ' | b'\n')).take(50) {
        if let Some(equals) = memchr::memchr(b'=', pair) {
            let name = String::from_utf8_lossy(pair.get(..equals.min(64)).unwrap_or_default()).into_owned();
            if equals + 1 < pair.len() {
                found.push((name, at + equals + 1..at + pair.len()));
            }
        }
        at += pair.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::structured::yaml;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let tree = yaml::tree(text.as_bytes());
        let mut values = Values::new(text.as_bytes(), &tree);
        let mut found = Vec::new();
        for leaf in tree.leaves() {
            values.leaf(&leaf, &[], &mut |field| {
                assert_eq!(&text.as_bytes()[field.span.clone()], &field.value[..], "the span is the value");
                found.push((field.name.to_string(), String::from_utf8_lossy(&field.value).into_owned()));
            });
        }
        for (name, value) in expected {
            assert!(found.iter().any(|(n, v)| n == name && v == value), "{name} = {value} in {found:?}");
        }
    }

    #[test]
    fn pairs_lists_flags_and_queries() {
        check("env:\n- name: DB_PASSWORD\n  value: hunter2x\n", &[("env.DB_PASSWORD", "hunter2x")]);
        check("environment:\n- TOKEN=abc\n- OTHER=x=y\n", &[("environment.TOKEN", "abc"), ("environment.OTHER", "x=y")]);
        check("args: [--api-key, abc, --token=def, -e, K=v]\n", &[("args.api-key", "abc"), ("args.token", "def"), ("args.K", "v")]);
        check("url: https://h/p?api_key=abc&x=1\n", &[("url.api_key", "abc")]);
        check("run: export TOKEN=abc\n", &[("TOKEN", "abc")]);
    }
}
