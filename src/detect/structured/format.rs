//! Formats that are a syntax plus a table: which of its keys hold credentials.

use std::{borrow::Cow, ops::Range};

use super::{
    Detector, Field, Meaning, files, flow, lines,
    obscured::{self, Tool},
    tree::{Leaf, NodeId, ROOT, Tree, locate, slice},
    values, xml, yaml,
};
use crate::detect::{Hint, model::Shape};

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Syntax {
    /// JSON and its dialects.
    Json,
    /// YAML.
    Yaml,
    /// XML.
    Xml,
    /// Lines of `key = value`.
    Lines(lines::Dialect),
    /// JSON where the first byte is a brace, YAML otherwise.
    JsonOrYaml,
    /// JSON where the first byte is a brace, lines otherwise.
    JsonOrLines(lines::Dialect),
    /// XML where the first byte is `<`, JSON otherwise.
    XmlOrJson,
}

impl Syntax {
    /// Parses a text.
    pub(super) fn tree(self, text: &[u8]) -> Tree<'_> {
        let first = text.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF));
        let braced = matches!(first, Some(b'{' | b'['));
        match self {
            Self::Json => flow::tree(text),
            Self::Yaml => yaml::tree(text),
            Self::Xml => xml::tree(text),
            Self::Lines(dialect) => lines::tree(text, dialect),
            Self::JsonOrYaml if braced => flow::tree(text),
            Self::JsonOrYaml => yaml::tree(text),
            // A bracket is a section there.
            Self::JsonOrLines(_) if first == Some(&b'{') => flow::tree(text),
            Self::JsonOrLines(dialect) => lines::tree(text, dialect),
            Self::XmlOrJson if first == Some(&b'<') => xml::tree(text),
            Self::XmlOrJson => flow::tree(text),
        }
    }
}

/// What a credential's value looks like in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Plain,
    /// base64 of `user:password`; the password is the credential.
    Basic,
    /// base64 of the credential; reported decoded where it decodes to text.
    Base64,
    /// A URL; the password before its host is the credential.
    Url,
    /// An HTTP header's value, `Bearer TOKEN`, or a whole header, `Name: TOKEN`.
    Header,
    /// `name:secret`; the part after the first colon.
    AfterColon,
    /// `name:secret`, as it is or in base64.
    Pair,
    /// `name:realm:secret`; the part after the last colon.
    AfterLastColon,
    /// As it is, with a note such as how to undo its obfuscation.
    Noted(&'static str),
    /// Hidden by a tool with a key that it publishes; reported in the open, or as it is where it is not of that form.
    Obscured(Tool),
    /// XML: base64 where the element's `encoding` says so, otherwise as it is; nothing where it is encrypted.
    Marked,
    /// Lines of `name:secret`.
    PairLines,
    /// JSON inside the value, with the credential under this key.
    Inner(&'static str),
    /// Only what is long enough to be machine-made: 16 bytes and more.
    Long,
    /// Only what does not look like a name, a number, an address or an identifier: for values of which only their surroundings say that
    /// they are secret.
    Unreadable,
}

/// One place of a format that holds a credential.
pub(super) struct Credential {
    /// Keys from the outside in, joined by `/`, ignoring ASCII case: a key, `*` for any one, `**` at an end for any number, `*end`,
    /// `start*`, or `{label}` for any one that becomes evidence (`registry ghcr.io`).
    at: &'static str,
    rule: &'static str,
    form: Form,
    /// Labels for people and the keys beside the credential whose values they show.
    beside: &'static [(&'static str, &'static str)],
    /// Only where the sibling of this key has one of these values.
    when: Option<(&'static str, &'static [&'static str])>,
    /// How many containers further out the sibling may stand.
    out: u8,
}

/// A row of a table.
pub(super) const fn credential(at: &'static str, rule: &'static str) -> Credential {
    Credential { at, rule, form: Form::Plain, beside: &[], when: None, out: 0 }
}

impl Credential {
    pub(super) const fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub(super) const fn beside(mut self, beside: &'static [(&'static str, &'static str)]) -> Self {
        self.beside = beside;
        self
    }

    pub(super) const fn when(mut self, key: &'static str, values: &'static [&'static str]) -> Self {
        self.when = Some((key, values));
        self
    }

    /// As [`Self::when`], where the key stands beside the credential or beside a container around it.
    pub(super) const fn when_around(mut self, key: &'static str, values: &'static [&'static str]) -> Self {
        self.out = 8;
        self.when(key, values)
    }
}

/// A format: its files, its syntax, its credentials. Everything else in it is an ordinary named value.
pub(super) struct Format {
    id: &'static str,
    files: &'static [&'static str],
    sniff: &'static [&'static str],
    syntax: Syntax,
    credentials: &'static [Credential],
    note: Option<&'static str>,
}

impl Format {
    /// A format of the files that [`files::matches`].
    pub(super) const fn new(id: &'static str, files: &'static [&'static str], syntax: Syntax) -> Self {
        Self { id, files, sniff: &[], syntax, credentials: &[], note: None }
    }

    /// Words that the first bytes must all hold, where the name is not enough.
    pub(super) const fn sniff(mut self, words: &'static [&'static str]) -> Self {
        self.sniff = words;
        self
    }

    /// Its credentials; the first row that fits a value decides.
    pub(super) const fn credentials(mut self, rows: &'static [Credential]) -> Self {
        self.credentials = rows;
        self
    }

    /// A fact about everything that is found in such a file.
    pub(super) const fn noted(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }
}

impl Detector for Format {
    fn id(&self) -> &'static str {
        self.id
    }

    fn files(&self) -> &'static [&'static str] {
        self.files
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        files::matches(hint.path, self.files) && files::mentions(head, self.sniff)
    }

    fn note(&self) -> Option<&'static str> {
        self.note
    }

    #[cfg(test)]
    fn rules(&self) -> Vec<&'static str> {
        self.credentials.iter().map(|credential| credential.rule).collect()
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        self.emit_tree(text, &self.syntax.tree(text), emit);
    }
}

impl Format {
    /// Emits what a tree holds, as this format understands it.
    fn emit_tree(&self, text: &[u8], tree: &Tree<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut values = values::Values::new(text, tree);
        for leaf in tree.leaves() {
            if self.credentials.is_empty() {
                values.leaf(&leaf, &[], emit);
                continue;
            }
            let path = tree.path(&leaf);
            let mut labels = Vec::new();
            let row = self.credentials.iter().find(|row| {
                labels.clear();
                matches(row.at, &path, &mut labels) && row.applies(tree, &leaf)
            });
            if !row.is_some_and(|row| row.report(text, tree, &leaf, &labels, emit)) {
                values.leaf(&leaf, &[], emit);
            }
        }
    }
}

impl Credential {
    fn applies(&self, tree: &Tree<'_>, leaf: &Leaf<'_>) -> bool {
        let Some((key, values)) = self.when else { return true };
        let says = |node: &NodeId| {
            let sibling = tree.sibling(*node, &[key]);
            sibling.is_some_and(|sibling| values.iter().any(|value| sibling.value.eq_ignore_ascii_case(value.as_bytes())))
        };
        let outwards = std::iter::successors(Some(leaf.node), |node| (*node != ROOT).then(|| tree.parent(*node)));
        outwards.take(1 + usize::from(self.out)).any(|node| says(&node))
    }

    /// Emits a credential; whether the value is of the expected form.
    fn report(&self, text: &[u8], tree: &Tree<'_>, leaf: &Leaf<'_>, labels: &[(&str, &str)], emit: &mut dyn FnMut(Field<'_>)) -> bool {
        let lines: Vec<&[u8]> = match self.form {
            // Each is searched for in the whole value.
            Form::PairLines => leaf.value.split(|b| *b == b'\n').take(500).collect(),
            _ => vec![leaf.value],
        };
        let mut any = false;
        for line in lines {
            let Some(decoded) = decode(text, tree, leaf, line, self.form) else { continue };
            let Decoded { value, span, mut evidence } = decoded;
            for (label, name) in labels {
                evidence.extend(fact(label, name.as_bytes(), &value));
            }
            for (label, key) in self.beside {
                let found = tree.sibling(leaf.node, &[key]).or_else(|| tree.sibling(tree.parent(leaf.node), &[key]));
                if let Some(found) = found {
                    evidence.extend(fact(label, found.value, &value));
                }
            }
            evidence.dedup();
            any = true;
            let meaning = Meaning::Credential { rule: self.rule };
            emit(Field { name: Cow::Owned(tree.name(leaf)), value, span, meaning, evidence });
        }
        any
    }
}

/// `label fact`, unless the fact is long, unprintable, or holds the secret.
pub(in crate::detect) fn fact(label: &str, fact: &[u8], secret: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(fact).ok()?.trim();
    let fine = !text.is_empty() && text.len() <= 120 && !text.chars().any(char::is_control);
    let safe = secret.is_empty() || memchr::memmem::find(fact, secret).is_none();
    // A URL's userinfo is somebody's secret too.
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => text.get(at + 1..)?,
        _ => text,
    };
    (fine && safe && !looks_secret(text)).then(|| format!("{label} {text}"))
}

/// Whether a name could itself be a token, as in `https://TOKEN:x-oauth-basic@host`: a long run of letters and digits.
fn looks_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let mixed = run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic());
        run.len() >= 32 || (run.len() >= 14 && mixed)
    })
}

/// A credential taken out of its form.
struct Decoded<'t> {
    value: Cow<'t, [u8]>,
    span: Range<usize>,
    evidence: Vec<String>,
}

/// The credential in (a line of) a leaf's value, its place, and what the decoding says.
fn decode<'t>(text: &[u8], tree: &Tree<'_>, leaf: &Leaf<'_>, value: &'t [u8], form: Form) -> Option<Decoded<'t>> {
    let whole = |value: Cow<'t, [u8]>, note: Option<&str>| {
        let evidence = note.map(str::to_owned).into_iter().collect();
        Some(Decoded { value, span: leaf.span.clone(), evidence })
    };
    let part = |part: &'t [u8], evidence: Vec<String>| {
        let span = locate(text, &leaf.span, part);
        (!part.is_empty()).then_some(Decoded { value: Cow::Borrowed(part), span, evidence })
    };
    match form {
        Form::Plain => whole(Cow::Borrowed(value), None),
        Form::Long if value.len() < 16 => None,
        Form::Long => whole(Cow::Borrowed(value), None),
        Form::Unreadable if !is_unreadable(value) => None,
        Form::Unreadable => whole(Cow::Borrowed(value), None),
        Form::Obscured(tool) => {
            let sibling = |key: &str| tree.sibling(leaf.node, &[key]).map(|sibling| sibling.value.to_vec());
            match tool.undo(value, &sibling) {
                Some(plain) => whole(Cow::Owned(plain), Some(obscured::NOTE)),
                None => whole(Cow::Borrowed(value), None),
            }
        }
        Form::Noted(note) => whole(Cow::Borrowed(value), Some(note)),
        Form::Basic => {
            let plain = decode_base64(value)?;
            let colon = memchr::memchr(b':', &plain)?;
            let password = plain.get(colon + 1..)?.split(|b| *b == 0).next()?.to_vec();
            let user = fact("user", plain.get(..colon)?, &password);
            let evidence = user.into_iter().chain(["base64 of user and password".to_owned()]).collect();
            (!password.is_empty()).then(|| Decoded { value: Cow::Owned(password), span: leaf.span.clone(), evidence })
        }
        Form::Base64 => {
            let plain = decode_base64(value).filter(|plain| !plain.is_empty() && std::str::from_utf8(plain).is_ok());
            match plain {
                Some(plain) => whole(Cow::Owned(plain.trim_ascii().to_vec()), Some("base64 decoded")),
                None => whole(Cow::Borrowed(value), None),
            }
        }
        Form::Marked => match tree.sibling(leaf.own, &["encoding"]).filter(|_| leaf.own != ROOT).map(|mark| mark.value) {
            Some(b"base64") => decode(text, tree, leaf, value, Form::Base64),
            Some(b"crypt") => None,
            _ => whole(Cow::Borrowed(value), None),
        },
        Form::Url => {
            let (user, password) = url_password(value)?;
            part(password, fact("user", user, password).into_iter().chain(url_host(value)).collect())
        }
        Form::Pair => {
            let form = if value.contains(&b':') { Form::AfterColon } else { Form::Basic };
            decode(text, tree, leaf, value, form)
        }
        Form::AfterColon | Form::PairLines => {
            let colon = memchr::memchr(b':', value)?;
            let secret = value.get(colon + 1..)?.trim_ascii();
            if secret.starts_with(b"//") {
                return None;
            }
            part(secret, fact("user", value.get(..colon)?.trim_ascii(), secret).into_iter().collect())
        }
        Form::AfterLastColon => {
            let colon = memchr::memrchr(b':', value)?;
            let secret = value.get(colon + 1..)?.trim_ascii();
            part(secret, fact("user", value.get(..colon)?.split(|b| *b == b':').next()?.trim_ascii(), secret).into_iter().collect())
        }
        Form::Header => {
            let header = super::header::parse(leaf.key, value)?;
            let span = locate(text, &leaf.span, header.token);
            Some(Decoded { value: header.secret, span, evidence: header.evidence })
        }
        Form::Inner(key) => {
            let at = memchr::memmem::find(value, key.as_bytes())? + key.len();
            let mut strings = value.get(at..)?.split(|b| *b == b'"');
            part(strings.nth(1)?, Vec::new())
        }
    }
}

/// Whether a value mixes letters and digits as no name, host, address or identifier does.
fn is_unreadable(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    let named = value.iter().any(|b| matches!(b, b'-' | b'.' | b':' | b'_' | b'/'))
        && value.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':' | b'_' | b'/'));
    let mixed = shape.digits > 0 && shape.letters > 0 && shape.length >= 8;
    mixed && !(named || shape.is_path_or_url || shape.is_prose || shape.is_uuid || shape.is_number || value.starts_with(b"arn:"))
}

/// Standard or URL alphabet, with or without padding and line breaks.
pub(super) fn decode_base64(value: &[u8]) -> Option<Vec<u8>> {
    let mut packed: Vec<u8> = value.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != b'=').collect();
    for byte in &mut packed {
        match *byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    data_encoding::BASE64_NOPAD.decode(&packed).ok()
}

/// User and password of a URL with both.
pub(super) fn url_password(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let authority = url.get(memchr::memmem::find(url, b"://")? + 3..)?;
    let end = authority.iter().position(|b| matches!(b, b'/' | b'"' | b'<') || b.is_ascii_whitespace()).unwrap_or(authority.len());
    let window = authority.get(..end.min(2048))?;
    let at = memchr::memrchr(b'@', window)?;
    let userinfo = window.get(..at)?;
    let colon = memchr::memchr(b':', userinfo)?;
    let password = userinfo.get(colon + 1..)?;
    // People do not encode `?` and `#` in passwords; after a port they start the query.
    let mark = password.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(0);
    let port = mark > 0 && password.get(..mark)?.iter().all(u8::is_ascii_digit);
    (!password.is_empty() && !port).then_some((userinfo.get(..colon)?, password))
}

fn url_host(url: &[u8]) -> Option<String> {
    let rest = url.get(memchr::memmem::find(url, b"://")? + 3..)?;
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let host = host.get(memchr::memrchr(b'@', host).map_or(0, |at| at + 1)..)?;
    fact("host", host, b"")
}

/// Whether a path is that of a row; fills in the labels of its `{label}`s.
pub(super) fn matches<'p>(at: &'static str, path: &[&'p str], labels: &mut Vec<(&'static str, &'p str)>) -> bool {
    let mut wanted = at.split('/').rev().peekable();
    let mut keys = path.iter().rev();
    if let Some(outer) = at.strip_suffix("/**") {
        let length = outer.split('/').count();
        return length < path.len() && path.get(..length).is_some_and(|path| matches(outer, path, labels));
    }
    // From the inside out: most rows differ from most paths in the last key. `**` is only allowed first, or last.
    while let Some(part) = wanted.next() {
        if part == "**" && wanted.peek().is_none() {
            return true;
        }
        let Some(key) = keys.next() else { return false };
        if let Some(label) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            labels.push((label, key));
        } else if !same(part, key) {
            return false;
        }
    }
    keys.next().is_none()
}

fn same(part: &str, key: &str) -> bool {
    if part == "*" {
        return true;
    }
    let (bytes, length) = (key.as_bytes(), key.len());
    if let Some(end) = part.strip_prefix('*') {
        return length >= end.len() && slice(bytes, length - end.len()..length).eq_ignore_ascii_case(end.as_bytes());
    }
    if let Some(start) = part.strip_suffix('*') {
        return length >= start.len() && slice(bytes, 0..start.len()).eq_ignore_ascii_case(start.as_bytes());
    }
    part.eq_ignore_ascii_case(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_match_paths() {
        let mut labels = Vec::new();
        assert!(matches("auths/{registry}/auth", &["auths", "ghcr.io", "auth"], &mut labels));
        assert_eq!(labels, [("registry", "ghcr.io")]);
        labels.clear();
        assert!(matches("**/password", &["a", "b", "Password"], &mut labels));
        assert!(matches("**/password", &["password"], &mut labels));
        assert!(!matches("password", &["a", "password"], &mut labels));
        assert!(matches("*:_authtoken", &["//r/:_authToken"], &mut labels));
        assert!(!matches("a/*", &["a"], &mut labels));
        assert!(matches("a/b/**", &["a", "b", "c", "d"], &mut labels) && !matches("a/b/**", &["a", "b"], &mut labels));
    }

    #[test]
    fn urls() {
        assert_eq!(url_password(b"https://joe:pw@h/x"), Some((&b"joe"[..], &b"pw"[..])));
        assert_eq!(url_password(b"redis://:pw@h"), Some((&b""[..], &b"pw"[..])));
        assert_eq!(url_password(b"https://joe@h/x"), None);
        assert_eq!(url_password(b"https://h:80/x@y"), None);
        assert_eq!(url_password(b"https://h:80?x=@y"), None);
        assert_eq!(url_password(b"https://joe:p!#@h"), Some((&b"joe"[..], &b"p!#"[..])));
        assert_eq!(url_host(b"https://joe:pw@h/x").as_deref(), Some("host h"));
    }

    #[test]
    fn facts_never_hold_the_secret() {
        assert_eq!(fact("user", b"deploy", b"pw").as_deref(), Some("user deploy"));
        assert_eq!(fact("user", b"deploy-pw", b"pw"), None);
        assert_eq!(fact("server", b"https://a:b@h/", b"pw").as_deref(), Some("server h/"));
        assert_eq!(fact("user", b"a\x1b[31m", b"pw"), None);
        assert_eq!(fact("user", b"x9y8z7w6v5u4t3s2r1q0", b"pw"), None, "the user may be the token");
        assert!(fact("registry", b"123456789012.dkr.ecr.eu-central-1.amazonaws.com", b"pw").is_some());
    }
}
