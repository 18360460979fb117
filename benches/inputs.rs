//! Generated haystacks, the same on every machine: what layers hold by the hundred megabyte, and no credential in it.

use imgscan::{detect::Hint, finding::LocationKind};

/// A haystack and what is known about it.
pub(crate) struct Input {
    /// For people.
    pub(crate) name: &'static str,
    path: &'static str,
    binary: bool,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// As the content scanner would say.
    pub(crate) fn hint(&self) -> Hint<'static> {
        Hint { kind: LocationKind::File, path: self.path, name: None, binary: self.binary }
    }
}

/// One of each kind, of about `size` bytes.
pub(crate) fn all(size: usize) -> Vec<Input> {
    vec![
        Input { name: "source", path: "lib/client.py", binary: false, bytes: source(size) },
        Input { name: "minified", path: "dist/app.js", binary: false, bytes: minified(size) },
        Input { name: "json", path: "share/data.json", binary: false, bytes: json(size) },
        Input { name: "binary", path: "lib/libx.so", binary: true, bytes: binary(size) },
    ]
}

const WORDS: &[&str] = &[
    "self",
    "token",
    "key",
    "value",
    "request",
    "index",
    "password",
    "response",
    "count",
    "result",
    "auth",
    "session",
    "buffer",
    "node",
    "keyboard",
    "secret",
    "line",
    "option",
    "monkey",
    "default",
    "context",
    "parser",
    "header",
    "client",
    "callback",
    "describe",
    "line",
    "api",
    "https",
    "user",
    "config",
    "passenger",
    "data",
    "input",
    "output",
    "return",
    "length",
    "name",
    "type",
    "object",
    "string",
];

/// Numerical Recipes' generator: the same everywhere, no dependency.
struct Random(u32);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % bound
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

fn source(size: usize) -> Vec<u8> {
    let mut random = Random(1);
    let mut text = String::with_capacity(size + 200);
    while text.len() < size {
        let (a, b, c) = (random.word(), random.word(), random.word());
        match random.below(6) {
            0 => text.push_str(&format!("def {a}_{b}(self, {c}=None):\n")),
            1 => text.push_str(&format!("    {a}.{b} = {c}.get('{a}_{c}', {b})\n")),
            2 => text.push_str(&format!("    # the {a} of a {b} is its {c}, see https://{a}.org/{b}/{c}\n")),
            3 => text.push_str(&format!("    if {a}[{b}] == {c} and not {a}_{c}:\n")),
            4 => text.push_str(&format!("        return {a}({b}={c}, {c}=\"{a} {b}\")\n")),
            _ => text.push_str(&format!("        self.{a}{b} = {a}.{c}({b})\n\n")),
        }
    }
    text.into_bytes()
}

fn minified(size: usize) -> Vec<u8> {
    let mut random = Random(2);
    let mut text = String::with_capacity(size + 200);
    while text.len() < size {
        let (a, b, c) = (random.word(), random.word(), random.word());
        let (x, y) = (char::from(b'a' + random.below(26) as u8), char::from(b'a' + random.below(26) as u8));
        text.push_str(&format!("function {x}({y},t){{var e={y}.{a};return e&&e.{b}?{x}({y},{{{c}:t,{a}:!0}}):\"{b}-{c}\"===t||{y}.key}}"));
    }
    text.into_bytes()
}

fn json(size: usize) -> Vec<u8> {
    let mut random = Random(3);
    let mut text = String::with_capacity(size + 200);
    text.push('[');
    while text.len() < size {
        let (a, b, c) = (random.word(), random.word(), random.word());
        let number = random.below(100_000);
        text.push_str(&format!(
            "{{\"{a}\": \"{b} {c}\", \"{b}Id\": {number}, \"{c}\": {{\"name\": \"{a}-{b}\", \"list\": [1, 2, \"{c}\"]}}}},\n"
        ));
    }
    text.push_str("{}]\n");
    text.into_bytes()
}

fn binary(size: usize) -> Vec<u8> {
    let mut random = Random(4);
    let mut bytes = Vec::with_capacity(size + 200);
    while bytes.len() < size {
        match random.below(3) {
            0 => bytes.extend((0..64).map(|_| random.below(256) as u8)),
            1 => bytes.extend([0; 32]),
            _ => bytes.extend(format!("\0{}_{}\0", random.word(), random.word()).into_bytes()),
        }
    }
    bytes
}
