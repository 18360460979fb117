//! What an attacker writes to keep a search busy: the beginnings of what the rules and the structured files look for, again and
//! again. The time must stay in proportion to the bytes.

use std::time::{Duration, Instant};

use super::{Engine, Hint, Scratch, Shape, samples};
use crate::{damage::busy, finding::LocationKind};

/// Searches texts, and remembers those that took longest.
struct Clock {
    engine: Engine,
    started: Instant,
    slowest: Vec<(Duration, String)>,
}

impl Clock {
    fn new() -> Self {
        Self { engine: Engine::new(Vec::new()), started: Instant::now(), slowest: Vec::new() }
    }

    /// Searches `size` bytes of `unit`.
    fn time(&mut self, path: &str, unit: &str, size: usize) {
        let text = unit.repeat(size / unit.len());
        let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
        let begun = busy(self.started);
        self.engine.find(text.as_bytes(), &hint, &mut Scratch::default(), &mut |_| {});
        self.slowest.push((busy(self.started).saturating_sub(begun), format!("{path}: {:?}", unit.get(..60).unwrap_or(unit))));
    }

    /// Fails where a text took longer.
    fn at_most(mut self, longest: Duration) {
        self.slowest.sort_by(|a, b| b.cmp(a));
        self.slowest.truncate(12);
        println!("{:#?}", self.slowest);
        assert!(self.slowest.first().is_some_and(|(took, _)| *took < longest), "{:?}", self.slowest.first());
    }
}

#[test]
fn beginnings_of_credentials() {
    let mut clock = Clock::new();
    let mut units = std::collections::BTreeSet::new();
    for rule in clock.engine.rules() {
        if let Shape::Token { anchors, .. } = &rule.shape {
            units.extend(anchors.iter().map(|anchor| anchor.to_string()));
        }
        // All but the end, too.
        for sample in rule.samples.iter().map(|sample| samples::fill(sample, 1)).filter(|sample| sample.is_ascii() && sample.len() < 400) {
            units.insert(sample[..sample.len() * 3 / 4].to_owned());
            units.insert(sample);
        }
    }
    for unit in &units {
        clock.time("a.txt", &format!("{unit}-"), 8 << 10);
    }
    clock.at_most(Duration::from_millis(800));
}

#[test]
fn marks_of_structured_files() {
    const MARKS: &[&str] = &[
        "{",
        "[",
        "(",
        "<",
        "\"",
        "'",
        "`",
        "\\",
        "=",
        ":",
        "-",
        "/",
        "$",
        "#",
        "%",
        "&",
        "\0",
        " ",
        "\n",
        "a",
        ".",
        "{{",
        "${",
        "$(",
        "<a>",
        "</",
        "<a ",
        "<!--",
        "<![CDATA[",
        "&lt",
        "{\"a\":",
        "[{\"a\":[",
        "\"a\":\"",
        "- - ",
        "- a:\n",
        "? ",
        "key: ",
        "key:\n",
        "&a *a ",
        "a: |\n",
        "[a.b]\n",
        "a.b=",
        "<<EOF\n",
        "\"\"\"",
        "f(\"",
        "=> ",
        "ENV A=b \\\n",
        "RUN ",
    ];
    const TEXTS: &[&str] = &[
        "password=",
        "password = ",
        "password=\"",
        "\"password\":\"",
        "curl -u a:b ",
        "curl -u ",
        "Authorization: Bearer ",
        "Basic ",
        "http://a:b@",
        "://",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "AAAAB3NzaC1yc2E",
        "cGFzc3dvcmQ9",
        "70617373776f7264",
        "\\u0041",
        "%41",
        "machine a login b password ",
        "Server=a;Password=",
        "-eyJhbGciOi",
        "ey.ey.",
        "import acmeo from 'acmeo'\n",
        "import aaa1 import bbb2 import ccc3 ",
        "require('acmeo')('",
        "client({key: {key: ",
        "Acmeo(key=",
    ];
    const PATHS: &[&str] = &["a.txt", "a.json", "a.yaml", "a.xml", "a.sh", "a.env", "a.py", "a.toml", "a.php", "a.tf", "Dockerfile"];
    let mut clock = Clock::new();
    for mark in MARKS {
        for path in PATHS {
            clock.time(path, mark, 128 << 10);
        }
    }
    for text in TEXTS {
        clock.time("a.txt", text, 128 << 10);
    }
    clock.at_most(Duration::from_secs(2));
}

/// What is not followed to its end is said, and what a file holds besides is found.
#[test]
fn endless_beginnings_are_a_gap() {
    let engine = Engine::new(Vec::new());
    let hint = Hint { kind: LocationKind::File, path: "a.txt", name: None, binary: false };
    let token = samples::fill("ghp_{alnum:30}{crc32-base62}", 1);
    for (beginnings, gaps) in [(100, 0), (100_000, 1)] {
        let text = format!("GITHUB_TOKEN={token}\n{}", "-eyJhbGciOi".repeat(beginnings));
        let (mut scratch, mut found) = (Scratch::default(), 0);
        engine.find(text.as_bytes(), &hint, &mut scratch, &mut |matched| found += usize::from(matched.rule.provider == "github"));
        assert_eq!((scratch.gaps().len(), found), (gaps, 1), "{beginnings}: {:?}", scratch.gaps());
    }
}

/// A layer of small files must not cost more than one of large files.
#[test]
fn small_texts_have_no_budget_each() {
    let engine = Engine::new(Vec::new());
    let hint = Hint { kind: LocationKind::File, path: "a.txt", name: None, binary: false };
    let mut scratch = Scratch::default();
    let mut busy = |text: &str, begin: bool| {
        if begin {
            scratch.begin();
        }
        engine.find(text.as_bytes(), &hint, &mut scratch, &mut |_| {});
        !scratch.gaps().is_empty()
    };
    let hostile = "-eyJhbGciOi".repeat(60);
    assert!(!busy(&hostile, false));
    assert!((0..100).any(|_| busy(&hostile, false)));
    // What real texts do not need is paid back.
    busy(&"nothing in particular\n".repeat(4000), false);
    assert!(!busy(&hostile, false));
    assert!((0..100).any(|_| busy(&hostile, false)));
    assert!(!busy(&hostile, true), "the next layer");
}
