//! What an update adds. An object that violated before the policy came must stay updatable: its controller removes
//! finalizers, its owner changes a label, `kubectl debug` adds a container. Only what is new is judged.
//!
//! Deliberately absent: any look at `deletionTimestamp`. An object that is being deleted is judged like any other;
//! skipping it would let a finalizer keep a secret running.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use serde_json::Value;

use super::literals::{Literal, walk};

/// The literals of the old object, as hashes under a key that lives as long as the review.
pub struct Legacy {
    hasher: RandomState,
    seen: HashSet<u64>,
}

impl Legacy {
    /// Of the old object.
    pub fn of(old: &Value) -> Self {
        let hasher = RandomState::new();
        let mut seen = HashSet::new();
        walk(old, &mut |literal| {
            seen.insert(hasher.hash_one(key(literal)));
            true
        });
        Self { hasher, seen }
    }

    /// Whether the old object held the very same text under the same name. Places do not count: a list that got an
    /// entry in front moves all the others.
    pub fn holds(&self, literal: &Literal<'_, '_>) -> bool {
        self.seen.contains(&self.hasher.hash_one(key(literal)))
    }
}

fn key<'a>(literal: &Literal<'a, '_>) -> (Option<&'a str>, &'a str, &'a [u8]) {
    (literal.name, literal.file, literal.value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new_labels(old: &Value, new: &Value) -> Vec<String> {
        let legacy = Legacy::of(old);
        let mut labels = Vec::new();
        walk(new, &mut |literal| {
            if !legacy.holds(literal) {
                labels.push(literal.label());
            }
            true
        });
        labels
    }

    #[test]
    fn only_added_or_changed_literals_are_new() {
        let env = |list: Value| json!({"kind": "Pod", "spec": {"containers": [{"name": "c", "image": "i", "env": list}]}});
        let old = env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        let moved = env(json!([{"name": "C", "value": "3"}, {"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        assert_eq!(new_labels(&old, &moved), ["env ?", "env C"], "the new variable's name and value");
        let changed = env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "9"}]));
        assert_eq!(new_labels(&old, &changed), ["env B"]);
        let renamed = env(json!([{"name": "PASSWORD", "value": "1"}]));
        assert!(new_labels(&old, &renamed).contains(&"env PASSWORD".to_owned()), "the name is part of what is judged");
    }

    #[test]
    fn metadata_and_status_changes_add_nothing() {
        let old = json!({"kind": "Pod", "metadata": {"finalizers": ["a"]}, "spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}});
        let mut new = old.clone();
        new["metadata"] = json!({"finalizers": [], "deletionTimestamp": "2026-01-01T00:00:00Z"});
        new["status"] = json!({"phase": "Running"});
        assert!(new_labels(&old, &new).is_empty());
    }
}
