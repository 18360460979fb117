//! Every rule in an image: a sample of each, in the variable of an environment file of a layer of its own place.

use std::collections::BTreeMap;

use imgscan::detect::{Engine, Shape, samples::fill};

use crate::support::{
    image::{Changeset, Image},
    report::{findings, places, scan},
};

/// What the variable is called: nothing for a rule that knows its value, the provider's word for one that does not.
fn variable(shape: &Shape) -> String {
    match shape {
        Shape::Assigned { names, .. } => {
            let word = names.first().map(|word| word.replace(['-', '.'], "_").trim_matches('_').to_ascii_uppercase()).unwrap_or_default();
            let asks = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PWD", "CREDENTIAL"].iter().any(|known| word.contains(known));
            if asks { word } else { format!("{word}_API_KEY") }
        }
        _ => "SETTING".to_owned(),
    }
}

#[test]
fn every_rule_finds_its_sample_in_a_layer() {
    let engine = Engine::new(Vec::new());
    let mut files = Changeset::new();
    let mut expected: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    // Two of each: one letter string in some thousand looks like a word, and is no finding.
    for (rule, seed) in engine.rules().iter().zip((50_000..).step_by(2)).flat_map(|(rule, seed)| [(rule, seed), (rule, seed + 1)]) {
        let Some(sample) = rule.samples.first().filter(|_| !matches!(rule.shape, Shape::Structural)) else { continue };
        let context = match &rule.shape {
            Shape::Token { context, .. } => context.first().map(|word| format!(" of {word}")).unwrap_or_default(),
            _ => String::new(),
        };
        let value = fill(sample, seed);
        let quote = if value.contains(['\n', '"', ' ', '#']) && !value.contains('\'') { "'" } else { "" };
        let path = format!("srv/{seed}/.env");
        files = files.file(&path, format!("# settings{context}\nPORT=8080\n{}={quote}{value}{quote}\n", variable(&rule.shape)));
        expected.entry(&rule.id).or_default().push((path, value));
    }
    let image = Image::new().layer("COPY . /srv", files);
    let report = scan(&image, "low").exits(1).json();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in findings(&report) {
        for place in places(finding) {
            let path = place["location"]["path"].as_str().unwrap_or_default().to_owned();
            found.entry(path).or_default().push(finding["rule"].as_str().unwrap_or_default().to_owned());
        }
    }
    let (mut problems, mut shared) = (Vec::new(), 0);
    for (rule, samples) in &expected {
        let ids: Vec<&String> = samples.iter().filter_map(|(path, _)| found.get(path)).flatten().collect();
        if ids.iter().any(|id| *id == rule) {
            continue;
        }
        // Formats that several products share: any of their rules is right, a guess is not.
        shared += 1;
        if !ids.iter().any(|id| engine.rules().iter().any(|rule| rule.id == **id && rule.provider != "generic")) {
            problems.push(format!("{rule}: {samples:?} are found as {ids:?}"));
        }
    }
    assert!(expected.len() > 1400, "{}", expected.len());
    assert!(shared * 20 < expected.len(), "{shared} of {} under the name of another rule", expected.len());
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), expected.len(), problems.join("\n"));
}
