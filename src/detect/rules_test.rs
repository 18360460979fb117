//! Every built-in rule against its own samples.

use std::collections::HashSet;

use super::{Engine, Hint, Scratch, Shape, checks, samples};
use crate::finding::LocationKind;

fn found(engine: &Engine, text: &str, path: &str) -> Vec<(String, bool)> {
    let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
    let mut out = Vec::new();
    engine.find(text.as_bytes(), &hint, &mut Scratch::default(), &mut |matched| {
        out.push((matched.rule.id.to_string(), matched.refuted.is_some()))
    });
    out
}

/// Whether a rule is as specific as a provider's: where formats overlap, either is right.
fn specific(engine: &Engine, id: &str) -> bool {
    engine.rules().iter().any(|rule| rule.id == id && rule.provider != "generic")
}

fn reported(engine: &Engine, text: &str, path: &str, id: &str) -> bool {
    found(engine, text, path).iter().any(|(rule, refuted)| rule == id && !refuted)
}

#[test]
fn rules_are_well_formed() {
    let engine = Engine::new(Vec::new());
    let mut ids = HashSet::new();
    let mut wrong = Vec::new();
    for rule in engine.rules() {
        let mut complain = |problem: String| wrong.push(format!("{}: {problem}", rule.id));
        if !ids.insert(rule.id.to_string()) {
            complain("id is not unique".to_owned());
        }
        if rule.id.is_empty() || !rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            complain("id is not kebab-case".to_owned());
        }
        for name in rule.checks.iter().filter(|name| checks::check(name).is_none()) {
            complain(format!("no check `{name}`"));
        }
        match &rule.shape {
            Shape::Token { pattern, anchors, .. } => {
                if !pattern.compiles() {
                    complain("the pattern does not compile".to_owned());
                }
                if anchors.is_empty() || anchors.iter().any(|anchor| anchor.len() < 4) {
                    complain("anchors need 4 bytes".to_owned());
                }
                for sample in &rule.samples {
                    let text = samples::fill(sample, 1).to_ascii_lowercase();
                    if !anchors.iter().any(|anchor| text.contains(&anchor.to_ascii_lowercase())) {
                        complain(format!("no anchor in sample {sample}"));
                    }
                }
            }
            Shape::Assigned { value, .. } if !value.compiles() => complain("the value's pattern does not compile".to_owned()),
            Shape::Assigned { .. } | Shape::Structural => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn samples_are_reported_and_near_misses_are_not() {
    // All of a clock's expiries lie ahead.
    let engine = Engine::new(Vec::new()).with_clock(None);
    let mut wrong = Vec::new();
    for rule in engine.rules() {
        for seed in 0..3 {
            for sample in &rule.samples {
                let text = samples::fill(sample, seed);
                match &rule.shape {
                    Shape::Token { .. } => {
                        let context = context(&rule.shape);
                        for wrapped in [format!("{context}{text}\n"), format!("{context}x = \"{text}\"\n")] {
                            let hits = found(&engine, &wrapped, "notes.conf");
                            if !hits.iter().any(|(id, refuted)| !refuted && (*id == rule.id || specific(&engine, id))) {
                                wrong.push(format!("{}: sample {sample}, seed {seed}: found {hits:?}", rule.id));
                            }
                        }
                    }
                    Shape::Assigned { names, .. } => {
                        let Some(word) = names.first() else { continue };
                        let name = named(word);
                        for (wrapped, path) in [
                            (format!("{}={text}\n", name.to_ascii_uppercase()), ".env"),
                            (format!("{{\"{name}\": \"{text}\"}}\n"), "config.json"),
                            (format!("{name}: {text}\n"), "config.yaml"),
                            (format!("  {name} = \"{text}\"\n"), "main.py"),
                        ] {
                            let hits = found(&engine, &wrapped, path);
                            if !hits.iter().any(|(id, refuted)| !refuted && (*id == rule.id || specific(&engine, id))) {
                                wrong.push(format!("{}: sample {sample}, seed {seed} in {path}: found {hits:?}", rule.id));
                            }
                        }
                    }
                    Shape::Structural => {}
                }
            }
            for miss in &rule.near_misses {
                let text = samples::fill(miss, seed);
                let wrapped = match &rule.shape {
                    Shape::Assigned { names, .. } => format!("{}={text}\n", names.first().map(|word| named(word)).unwrap_or_default()),
                    shape => format!("{}{text}\n", context(shape)),
                };
                if reported(&engine, &wrapped, "notes.conf", &rule.id) {
                    wrong.push(format!("{}: near miss {miss}, seed {seed} is reported", rule.id));
                }
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{} problems\n{}", wrong.len(), wrong.join("\n"));
}

fn context(shape: &Shape) -> String {
    match shape {
        Shape::Token { context, .. } => context.first().map(|word| format!("{word} ")).unwrap_or_default(),
        _ => String::new(),
    }
}

/// A name with the rule's word that asks for a credential.
fn named(word: &str) -> String {
    let asks = ["key", "token", "secret", "password", "pwd", "credential"].iter().any(|known| word.contains(known));
    if asks { word.replace(['-', '.'], "_") } else { format!("{}_api_key", word.replace(['-', '.'], "_")) }
}

#[test]
fn bearer_says_what_it_is_under_any_name() {
    let engine = Engine::new(Vec::new());
    let token = samples::fill("{alnum:40}", 5);
    for text in [
        format!("secureJsonData:\n  httpHeaderValue1: 'Bearer {token}'\n"),
        // What the same name held before does not matter.
        format!("httpHeaderValue1: of no meaning\nmore:\n  httpHeaderValue1: 'Bearer {token}'\n"),
    ] {
        assert!(!found(&engine, &text, "datasources.yaml").is_empty(), "{text}");
    }
    for text in ["note: Bearer authentication is required for all of these\n", "kind: Bearer token-that-you-were-given-by-us\n"] {
        assert_eq!(found(&engine, text, "datasources.yaml"), [], "{text}");
    }
}

#[test]
fn the_token_of_a_badge_is_public() {
    let engine = Engine::new(Vec::new());
    let token = samples::fill("{alnum:22}", 5);
    let badge = format!("[![Build](https://acme.io/app/status.svg?token={token}&branch=main)](https://acme.io)\n");
    assert_eq!(found(&engine, &badge, "README.txt"), []);
    assert!(!found(&engine, &badge.replace(".svg", ".json"), "README.txt").is_empty());
}
