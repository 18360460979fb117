//! Events of denials and warnings: on the object where it exists, on its controller, or else on the namespace. They say
//! rules and ids, as the answer to the request does; never a value, nor a name that the object's author chose for a field.
//!
//! Aggregated: what repeats counts up one Event. Bounded: a namespace with many different ones gets a single one on
//! itself, and only so many writes reach the API server in a round.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use imgscan::kubernetes::{Decision, Outcome, Subject, controller};
use serde_json::Value;

use crate::review::{Operation, Request};

/// Different Events of one namespace in a round; beyond, they are counted on the namespace.
const PER_NAMESPACE: usize = 10;
/// Different Events that wait; beyond, they are only in logs and metrics.
const WAITING: usize = 1000;
/// Rules that a message spells out.
const SPELLED_OUT: usize = 5;

/// What an Event is about: `involvedObject`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Regarding {
    /// `apps/v1`.
    pub api_version: String,
    /// `ReplicaSet`.
    pub kind: String,
    /// Its namespace, which is the Event's as well.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Empty where it is not known.
    pub uid: String,
}

impl Regarding {
    fn namespace(name: &str) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: name.to_owned(),
            name: name.to_owned(),
            uid: String::new(),
        }
    }
}

/// What makes Events the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// What it is about.
    pub regarding: Regarding,
    /// `CredentialDenied` or `CredentialWarned`.
    pub reason: &'static str,
}

/// How often, and the last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrences {
    /// Since the last round.
    pub count: u32,
    /// For people.
    pub message: String,
}

/// Events that wait to be written.
#[derive(Default)]
pub struct Events {
    waiting: Mutex<HashMap<Key, Occurrences>>,
}

impl Events {
    /// Notes a decision. Returns `false` where too much waits already: the caller counts that.
    pub fn note(&self, request: &Request, object: &Value, decision: &Decision) -> bool {
        let denied = !decision.allowed;
        if request.namespace.is_empty() || request.dry_run || (!denied && decision.warnings.is_empty()) {
            return true;
        }
        // `rule:id`, as the audit annotations have them.
        let words = decision.audit.get(if denied { "denied" } else { "warned" }).map(String::as_str).unwrap_or_default();
        let mut violations: Vec<&str> = Vec::new();
        for word in words.split(',').filter(|word| !word.is_empty()) {
            if !violations.contains(&word) {
                violations.push(word);
            }
        }
        // The annotation is cut: how many there are, only the verdicts tell.
        let outcome = if denied { Outcome::Denied } else { Outcome::Warned };
        let mut all = decision.verdicts.iter().filter(|verdict| verdict.outcome == outcome).count();
        if decision.audit.contains_key("probing") {
            violations = vec!["too many credentials of other namespaces were tried"];
            all = 1;
        }
        if violations.is_empty() {
            // Not judged: the metric and the log say why.
            return true;
        }
        violations.truncate(SPELLED_OUT);
        let subject = Subject::of(object);
        let mut message = format!(
            "{} {} {}: {}",
            if denied { "Denied" } else { "Admitted with a warning:" },
            plain(subject.kind, 63),
            plain(if request.name.is_empty() { subject.name } else { &request.name }, 253),
            violations.join(", ").replace(':', " id ")
        );
        if all > violations.len() {
            message.push_str(&format!(", {all} problems in all"));
        }
        message.push_str("; the answer to the request says where, and what to do instead");
        let key =
            Key { regarding: regarding(request, object, denied), reason: if denied { "CredentialDenied" } else { "CredentialWarned" } };
        self.add(key, Occurrences { count: 1, message })
    }

    fn add(&self, mut key: Key, occurrences: Occurrences) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let namespace = key.regarding.namespace.clone();
        if !waiting.contains_key(&key) && waiting.keys().filter(|other| other.regarding.namespace == namespace).count() >= PER_NAMESPACE {
            key.regarding = Regarding::namespace(&namespace);
        }
        if let Some(known) = waiting.get_mut(&key) {
            known.count = known.count.saturating_add(occurrences.count);
            known.message = occurrences.message;
            return true;
        }
        if waiting.len() >= WAITING {
            return false;
        }
        waiting.insert(key, occurrences);
        true
    }

    /// Takes up to `most` of what waits, from as many namespaces as possible.
    pub fn take(&self, most: usize) -> Vec<(Key, Occurrences)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<Key> = Vec::new();
        let mut namespaces = HashSet::new();
        // One of each namespace first, so that a loud one does not silence the others.
        keys.extend(waiting.keys().filter(|key| namespaces.insert(key.regarding.namespace.as_str())).take(most).cloned());
        let rest: Vec<Key> = waiting.keys().filter(|key| !keys.contains(key)).take(most - keys.len()).cloned().collect();
        keys.extend(rest);
        keys.into_iter().filter_map(|key| waiting.remove_entry(&key)).collect()
    }
}

/// The object where it is stored, its controller where that was so before, or else the namespace.
fn regarding(request: &Request, object: &Value, denied: bool) -> Regarding {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let namespace = request.namespace.clone();
    if request.operation == Operation::Update || !denied {
        let (name, uid) = (text(object, "/metadata/name"), text(object, "/metadata/uid"));
        if !name.is_empty() && !uid.is_empty() {
            return Regarding { api_version: text(object, "/apiVersion"), kind: text(object, "/kind"), namespace, name, uid };
        }
    }
    match controller(object) {
        Some(owner) => {
            let field = |name: &str| plain(&text(owner, name), 253);
            Regarding { api_version: field("/apiVersion"), kind: field("/kind"), namespace, name: field("/name"), uid: field("/uid") }
        }
        None => Regarding::namespace(&namespace),
    }
}

/// The characters that names of kinds, groups and objects consist of.
fn plain(text: &str, most: usize) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | ':')).take(most).collect()
}

#[cfg(test)]
mod tests {
    use imgscan::kubernetes::{Class, Verdict};

    use super::*;

    fn key(namespace: &str, name: &str) -> Key {
        let regarding = Regarding { name: name.to_owned(), kind: "Pod".to_owned(), ..Regarding::namespace(namespace) };
        Key { regarding, reason: "CredentialDenied" }
    }

    fn once() -> Occurrences {
        Occurrences { count: 1, message: String::new() }
    }

    #[test]
    fn what_is_not_spelled_out_is_counted() {
        let request = r#"{"uid": "u", "namespace": "team", "operation": "CREATE"}"#;
        let request: Request = serde_json::from_str(request).expect("a request");
        let verdict = Verdict { class: Class::Literal, outcome: Outcome::Denied, index: 0, exception: None };
        // As many as an annotation spells out.
        let denied: Vec<String> = (0..10).map(|number| format!("github-pat:{number}")).collect();
        let audit = [("denied".to_owned(), denied.join(","))].into();
        let decision = Decision { verdicts: vec![verdict; 23], audit, ..Decision::default() };
        let events = Events::default();
        assert!(events.note(&request, &serde_json::json!({"kind": "Pod"}), &decision));
        let (_, noted) = events.take(1).pop().expect("an Event");
        assert!(noted.message.contains("github-pat id 4, 23 problems in all; the answer"), "{}", noted.message);
    }

    #[test]
    fn what_repeats_is_one_event() {
        let events = Events::default();
        for _ in 0..5 {
            assert!(events.add(key("a", "x"), once()));
        }
        let taken = events.take(10);
        assert_eq!((taken.len(), taken.first().map(|(_, o)| o.count)), (1, Some(5)));
        assert!(events.take(10).is_empty());
    }

    #[test]
    fn a_loud_namespace_is_summed_up_and_silences_no_other() {
        let events = Events::default();
        for number in 0..200 {
            assert!(events.add(key("loud", &number.to_string()), once()));
        }
        assert!(events.add(key("quiet", "x"), once()));
        let first = events.take(2);
        assert!(first.iter().any(|(key, _)| key.regarding.namespace == "quiet"));
        let rest = events.take(100);
        let total: u32 = first.iter().chain(&rest).map(|(_, occurrences)| occurrences.count).sum();
        assert_eq!((first.len() + rest.len(), total), (PER_NAMESPACE + 2, 201));
    }

    #[test]
    fn what_waits_is_bounded() {
        let events = Events::default();
        let kept = (0..5000).filter(|number| events.add(key(&number.to_string(), "x"), once())).count();
        assert_eq!(kept, WAITING);
    }
}
