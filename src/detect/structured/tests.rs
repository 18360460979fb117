//! Whole detectors on whole files, and what all of them must withstand.

use proptest::prelude::*;

use super::*;
use crate::{detect::rule, finding::LocationKind};

mod basics;
mod obscured;
mod whole_files;

/// `(what, value, place)`: `what` is the rule of a credential, or `=` and the name of an ordinary value.
fn fields(path: &str, text: &[u8]) -> Vec<(String, String, Vec<String>)> {
    let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
    let mut found = Vec::new();
    let Some(detector) = detector_for(&hint, text) else { return found };
    detector.find(text, &hint, &mut |field| {
        let what = match field.meaning {
            Meaning::Credential { rule } => {
                assert!(rule::built_in().iter().any(|known| known.id == rule), "there is a rule {rule}");
                rule.to_owned()
            }
            Meaning::Value | Meaning::Cell => format!("={}", field.name),
        };
        assert!(text.get(field.span.clone()).is_some(), "the span is in the text");
        for fact in &field.evidence {
            assert!(field.value.len() < 4 || !fact.contains(&*String::from_utf8_lossy(&field.value)), "evidence without the value: {fact}");
        }
        found.push((what, String::from_utf8_lossy(&field.value).into_owned(), field.evidence));
    });
    found
}

/// Checks that each expected `(what, value)` is among the fields, and that there is no other credential.
fn check(path: &str, text: &str, expected: &[(&str, &str)]) {
    let found = fields(path, text.as_bytes());
    for (what, value) in expected {
        let hit = found.iter().any(|(w, v, _)| w == what && v == value);
        assert!(hit, "{path}: {what} {value} in {found:?}");
    }
    for (what, value, _) in found.iter().filter(|(what, ..)| !what.starts_with('=')) {
        assert!(expected.iter().any(|(w, v)| w == what && v == value), "{path}: {what} {value} is not expected");
    }
}

/// Checks that a credential of the file has this fact.
fn check_fact(path: &str, text: &str, fact: &str) {
    let found = fields(path, text.as_bytes());
    let hit = found.iter().any(|(what, _, evidence)| !what.starts_with('=') && evidence.iter().any(|have| have == fact));
    assert!(hit, "{path}: {fact} in {found:?}");
}

#[test]
fn ids_are_unique_and_documented() {
    let documentation = include_str!("../../../docs/detectors.md");
    for (index, detector) in DETECTORS.iter().enumerate() {
        let id = detector.id();
        assert!(DETECTORS.iter().skip(index + 1).all(|other| other.id() != id), "{id} twice");
        assert!(documentation.contains(&format!("## {id}\n")), "docs/detectors.md has a section `## {id}`");
    }
}

#[test]
fn the_first_that_wants_a_file_reads_it() {
    let id = |path: &str, head: &[u8]| {
        let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
        detector_for(&hint, head).map(Detector::id)
    };
    assert_eq!(id("root/.docker/config.json", b"{\"auths\": {}}"), Some("docker-config"));
    assert_eq!(id("app/config.json", b"{}"), Some("json"));
    assert_eq!(id("usr/bin/ls", b"\x7fELF"), None);
    assert_eq!(id("", b"{}"), None);
}

#[test]
fn tables_name_rules_that_exist() {
    let rules = rule::built_in();
    for detector in DETECTORS {
        for rule in detector.rules() {
            assert!(rules.iter().any(|known| known.id == rule), "{}: there is a rule {rule}", detector.id());
        }
    }
    let tables = DETECTORS.iter().filter(|detector| !detector.rules().is_empty()).count();
    assert!(tables > 40, "most detectors are tables");
}

/// Runs every detector on bytes, whatever it thinks of them.
fn all_on(text: &[u8], path: &str) {
    let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
    for detector in DETECTORS {
        let _ = detector.wants(&hint, text);
        detector.find(text, &hint, &mut |field| {
            assert!(field.span.start <= field.span.end && field.span.end <= text.len(), "{}: {:?}", detector.id(), field.span);
        });
    }
}

#[test]
fn hostile_texts() {
    for bomb in [
        "[", "{\"a\":", "<a>", "- ", "a:\n ", "\"", "'", "$(", "`", "{{", "a=\"\n", "--x ", "[a]\n", "\\", "b|c ", "a: |\n", "machine ",
        ":", "&a *a ", "%", "<!--",
    ] {
        all_on(bomb.repeat(8_000).as_bytes(), "x.json");
    }
    // A script in a string whose escapes hide every value.
    let script = format!("{{\"run\": \"{}\"}}", "A=b\\u0063d\\n".repeat(100_000));
    assert!(fields("x.json", script.as_bytes()).len() > 100_000);
    all_on(&[b'a'; 1 << 20], "x.toml");
    all_on(&[0; 4096], "x");
    all_on(&[0xff; 4096], "x");
    all_on(b"", "");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(text in proptest::collection::vec(any::<u8>(), 0..600)) {
        all_on(&text, "x.toml");
    }

    #[test]
    fn no_syntax_panics(parts in proptest::collection::vec(proptest::sample::select(vec![
        "{", "}", "[", "]", "\"", "'", ":", "=", ",", "\n", "  ", "- ", "a", "password", "é", "\\", "|", ">", "<", "/", "#", "&", "*", "$", "(", ")",
        "`", "%", "<<EOF", "machine ", "auth", "curl -u a:b ", "-H ", "\"\"\"", "\u{0}", "\r\n", "://", "@", "?", "--- ", "export ", "\\u12", "&#x41;",
    ]), 0..120)) {
        all_on(parts.concat().as_bytes(), "x.json");
    }
}
