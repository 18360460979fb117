//! The version of a rule set: two reports with the same one were made by the same rules.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::detect::{Rule, Shape};

/// 16 hex digits over everything in the rules that decides what is found, whatever their order.
pub fn version(rules: &[Arc<Rule>]) -> String {
    let mut rules: Vec<&Rule> = rules.iter().map(AsRef::as_ref).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    for rule in rules {
        part(&rule.id);
        part(rule.severity.as_str());
        part(rule.confidence.as_str());
        part(&rule.entropy.to_string());
        let (kind, pattern, lists): (_, _, [&[_]; 2]) = match &rule.shape {
            Shape::Token { pattern, anchors, context } => ("token", pattern.source(), [anchors, context]),
            Shape::Assigned { names, value } => ("assigned", value.source(), [names, &[]]),
            Shape::Structural => ("structural", "", [&[], &[]]),
        };
        part(kind);
        part(pattern);
        for list in lists.into_iter().chain([rule.checks.as_slice()]) {
            part(&list.len().to_string());
            for word in list {
                part(word);
            }
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or(&digest))
}
