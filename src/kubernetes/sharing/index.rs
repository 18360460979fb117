//! Fingerprint to holders, and the questions about them.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    ObjectKey, SharedUse, Source,
    credentials::{Credential, Use, comparable, of_observations, short},
};
use crate::{
    fingerprint::Fingerprint,
    kubernetes::{
        copies::Marks,
        literals::clean,
        observe::Observation,
        policy::{Mode, Sharing, glob},
        workload::{SecretUse, push_key},
    },
};

/// Other holders that are named to administrators.
const MAX_NAMED: usize = 100;

/// Whether the policy leaves a Secret or ConfigMap out by its name.
fn ignored(key: &ObjectKey, sharing: &Sharing) -> bool {
    key.source != Source::Literal && sharing.ignored_names.iter().any(|pattern| glob(pattern, &key.name))
}

struct Record {
    key: ObjectKey,
    credentials: Box<[Credential]>,
    marks: Option<Box<Marks>>,
}

/// Holders of one fingerprint. Nearly all have one.
enum Holders {
    One(u32),
    Many(Vec<u32>),
}

impl Holders {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Fingerprint to holders. About 350 bytes an object with four credentials.
#[derive(Default)]
pub struct Index {
    slots: HashMap<ObjectKey, u32>,
    records: Vec<Option<Record>>,
    free: Vec<u32>,
    holders: HashMap<u128, Holders>,
    keys: HashSet<Arc<str>>,
    namespaces: HashMap<Arc<str>, BTreeMap<String, String>>,
}

impl Index {
    /// Sets what an object holds; nothing removes it.
    pub fn apply(&mut self, object: &Value, key: ObjectKey, mut credentials: Vec<Credential>) {
        self.remove(&key);
        if credentials.is_empty() {
            return;
        }
        for credential in &mut credentials {
            credential.key = self.intern(&credential.key);
        }
        let key = ObjectKey { namespace: self.intern(&key.namespace), ..key };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.records.push(None);
            u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX)
        });
        for credential in &credentials {
            match self.holders.entry(credential.fingerprint) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(Holders::One(slot));
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => match entry.get_mut() {
                    Holders::One(one) if *one == slot => {}
                    Holders::One(one) => {
                        let many = vec![*one, slot];
                        entry.insert(Holders::Many(many));
                    }
                    Holders::Many(many) if many.contains(&slot) => {}
                    Holders::Many(many) => many.push(slot),
                },
            }
        }
        self.slots.insert(key.clone(), slot);
        let marks = Some(Marks::of(object)).filter(|marks| *marks != Marks::default()).map(Box::new);
        if let Some(record) = self.records.get_mut(slot as usize) {
            *record = Some(Record { key, credentials: credentials.into_boxed_slice(), marks });
        }
    }

    /// Sets the literals of an object that was admitted. Whatever any policy may compare is kept; questions ask by theirs.
    pub fn apply_literals(&mut self, object: &Value, key: ObjectKey, found: &[Observation]) {
        self.apply(object, key, of_observations(found));
    }

    /// Forgets an object.
    pub fn remove(&mut self, key: &ObjectKey) {
        let Some(slot) = self.slots.remove(key) else { return };
        let Some(record) = self.records.get_mut(slot as usize).and_then(Option::take) else { return };
        for credential in &record.credentials {
            if let std::collections::hash_map::Entry::Occupied(mut entry) = self.holders.entry(credential.fingerprint) {
                let left = match entry.get_mut() {
                    Holders::One(one) => usize::from(*one != slot),
                    Holders::Many(many) => {
                        many.retain(|other| *other != slot);
                        many.len()
                    }
                };
                if left == 0 {
                    entry.remove();
                }
            }
        }
        self.free.push(slot);
    }

    /// Forgets the objects of a source that a fresh list no longer has.
    pub fn retain(&mut self, source: Source, keep: &HashSet<ObjectKey>) {
        let gone: Vec<ObjectKey> = self.slots.keys().filter(|key| key.source == source && !keep.contains(key)).cloned().collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    /// Sets a namespace's labels.
    pub fn set_namespace(&mut self, name: &str, labels: BTreeMap<String, String>) {
        self.namespaces.insert(name.into(), labels);
    }

    /// Forgets a namespace and everything in it.
    pub fn remove_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
        let gone: Vec<ObjectKey> = self.slots.keys().filter(|key| &*key.namespace == name).cloned().collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    /// Forgets the namespaces that a fresh list no longer has.
    pub fn retain_namespaces(&mut self, keep: &HashSet<String>) {
        let gone: Vec<Arc<str>> = self.namespaces.keys().filter(|name| !keep.contains(&***name)).cloned().collect();
        gone.iter().for_each(|name| self.remove_namespace(name));
    }

    /// A namespace's labels, where it is known.
    pub fn namespace(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.namespaces.get(name)
    }

    /// Whether an object is in it.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.slots.contains_key(key)
    }

    /// Number of objects.
    pub fn objects(&self) -> usize {
        self.slots.len()
    }

    /// Number of different fingerprints.
    pub fn fingerprints(&self) -> usize {
        self.holders.len()
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.keys.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        // Keys are few in practice; an attacker's many must not pile up.
        if self.keys.len() < 65_536 {
            self.keys.insert(Arc::clone(&new));
        }
        new
    }

    fn record(&self, slot: u32) -> Option<&Record> {
        self.records.get(slot as usize).and_then(Option::as_ref)
    }

    /// Judges the Secret being written. `old` is what it held before: only what is new counts.
    pub fn of_secret(
        &self,
        key: &ObjectKey,
        new: &[Credential],
        old: &[Credential],
        marks_of: &Value,
        sharing: &Sharing,
    ) -> Vec<SharedUse> {
        let marks = Marks::of(marks_of);
        let mut uses = Vec::new();
        for credential in new.iter().filter(|new| !old.iter().any(|old| old.fingerprint == new.fingerprint)) {
            let at_most = sharing.secrets.write.min(weight(credential.used, sharing));
            // Manifests say `stringData`; the API server stores all as `data`.
            let plain = marks_of.get("stringData").is_some_and(|data| data.get(&*credential.key).is_some());
            let mut pointer = if plain { "/stringData" } else { "/data" }.to_owned();
            push_key(&mut pointer, &credential.key);
            let label = clean(&format!("data {}", credential.key), 120);
            uses.extend(self.judge(credential.fingerprint, key, Some(&marks), sharing, at_most, pointer, None, label));
        }
        uses
    }

    /// Judges an object's literals.
    pub fn of_literals(&self, key: &ObjectKey, found: &[Observation], sharing: &Sharing) -> Vec<SharedUse> {
        found
            .iter()
            .filter(|observation| comparable(observation.strength, sharing))
            .filter_map(|o| {
                self.judge(short(&o.cluster), key, None, sharing, Mode::Enforce, o.pointer.clone(), o.container.clone(), o.label.clone())
            })
            .collect()
    }

    /// Judges the Secrets that pods use, where the index knows them.
    pub fn of_uses(&self, key: &ObjectKey, uses: &[SecretUse], sharing: &Sharing) -> Vec<SharedUse> {
        let mut shared = Vec::new();
        for used in uses {
            let secret = ObjectKey { namespace: Arc::clone(&key.namespace), source: Source::Secret, name: used.secret.as_str().into() };
            let Some(record) = self.slots.get(&secret).and_then(|slot| self.record(*slot)) else { continue };
            for credential in &record.credentials {
                if used.key.as_deref().is_some_and(|key| key != &*credential.key) {
                    continue;
                }
                let at_most = if used.image_pull { sharing.secrets.image_pull } else { weight(credential.used, sharing) };
                let label = clean(&format!("Secret {}, key {}", used.secret, credential.key), 120);
                let (pointer, container) = (used.pointer.clone(), used.container.clone());
                shared.extend(self.judge(
                    credential.fingerprint,
                    &secret,
                    record.marks.as_deref(),
                    sharing,
                    at_most,
                    pointer,
                    container,
                    label,
                ));
            }
        }
        shared.dedup_by(|a, b| a.pointer == b.pointer && a.label == b.label);
        shared
    }

    #[expect(clippy::too_many_arguments, reason = "one private call with three callers")]
    fn judge(
        &self,
        fingerprint: u128,
        me: &ObjectKey,
        marks: Option<&Marks>,
        sharing: &Sharing,
        at_most: Mode,
        pointer: String,
        container: Option<String>,
        label: String,
    ) -> Option<SharedUse> {
        let holders = self.holders.get(&fingerprint)?.as_slice();
        if ignored(me, sharing) {
            return None;
        }
        let label_of = |namespace: &str, label: &str| self.namespaces.get(namespace)?.get(label).map(String::as_str);
        let scope = label_of(&me.namespace, &sharing.scope_label);
        let environment = label_of(&me.namespace, &sharing.environment_label);
        let mine = LazyCell::new(|| self.root(me, marks, holders));
        // Whether one is an offered copy of the other, or both are of the same source.
        let copies = |other: &Record| {
            sharing.allow_offered_copies
                && (marks.is_some() || other.marks.is_some())
                && *mine == self.root(&other.key, other.marks.as_deref(), holders)
        };
        let mut admin: Vec<ObjectKey> = Vec::new();
        let mut crosses_environments = false;
        for holder in holders.iter().filter_map(|slot| self.record(*slot)) {
            // A pull secret may have a copy in each of thousands of namespaces: what is known is not looked at again.
            if admin.len() >= MAX_NAMED && crosses_environments {
                break;
            }
            if holder.key.namespace == me.namespace || ignored(&holder.key, sharing) || copies(holder) {
                continue;
            }
            let theirs = label_of(&holder.key.namespace, &sharing.environment_label);
            let crosses = environment.is_some() && theirs.is_some() && environment != theirs;
            let same_scope = scope.is_some() && scope == label_of(&holder.key.namespace, &sharing.scope_label);
            if crosses || !same_scope {
                crosses_environments |= crosses;
                if admin.len() < MAX_NAMED {
                    admin.push(holder.key.clone());
                }
            }
        }
        if admin.is_empty() {
            return None;
        }
        admin.sort();
        let fingerprint = Fingerprint::parse(&format!("{fingerprint:032x}"))?;
        Some(SharedUse { pointer, container, label, fingerprint, crosses_environments, at_most, admin })
    }

    /// The source that offers itself to the object, or the object itself.
    fn root(&self, key: &ObjectKey, marks: Option<&Marks>, holders: &[u32]) -> ObjectKey {
        let Some(marks) = marks else { return key.clone() };
        let offers = |record: &&Record| record.marks.as_deref().is_some_and(|marks| marks.offers(&key.namespace));
        let source = match &marks.copy_of {
            Some((namespace, name)) => {
                let source = ObjectKey { namespace: (**namespace).into(), source: key.source, name: (**name).into() };
                self.slots.get(&source).and_then(|slot| self.record(*slot)).filter(offers)
            }
            // Pushed copies have the name of their source and do not say where it is.
            None if marks.pushed => {
                let same = |record: &&Record| record.key.source == key.source && record.key.name == key.name;
                holders.iter().filter_map(|slot| self.record(*slot)).filter(same).find(offers)
            }
            None => None,
        };
        source.map_or_else(|| key.clone(), |source| source.key.clone())
    }

    /// Judges what an indexed Secret holds, for the audit.
    pub fn of_held(&self, key: &ObjectKey, sharing: &Sharing) -> Vec<SharedUse> {
        let record = self.slots.get(key).and_then(|slot| self.record(*slot)).filter(|record| record.key.source == Source::Secret);
        let mut uses = Vec::new();
        for credential in record.iter().flat_map(|record| &record.credentials) {
            let marks = record.and_then(|record| record.marks.as_deref());
            let mut pointer = "/data".to_owned();
            push_key(&mut pointer, &credential.key);
            let label = clean(&format!("data {}", credential.key), 120);
            uses.extend(self.judge(credential.fingerprint, key, marks, sharing, weight(credential.used, sharing), pointer, None, label));
        }
        uses
    }
}

fn weight(used: Use, sharing: &Sharing) -> Mode {
    match used {
        Use::Plain => Mode::Enforce,
        Use::ImagePull => sharing.secrets.image_pull,
        Use::Tls => sharing.secrets.tls,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { namespace: namespace.into(), source: Source::Secret, name: name.into() }
    }

    fn held(fingerprint: u128) -> Vec<Credential> {
        vec![Credential { key: "password".into(), fingerprint, used: Use::Plain }]
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn shared(index: &Index, namespace: &str, fingerprint: u128) -> Option<bool> {
        let uses = index.of_secret(&key(namespace, "new"), &held(fingerprint), &[], &Value::Null, &Sharing::default());
        uses.first().map(|shared| shared.crosses_environments)
    }

    #[test]
    fn namespaces_of_one_scope_may_share_but_not_across_environments() {
        let mut index = Index::default();
        index.apply(&Value::Null, key("a", "db"), held(7));
        assert_eq!(shared(&index, "a", 7), None, "the same namespace");
        assert_eq!(shared(&index, "b", 8), None, "another value");
        assert_eq!(shared(&index, "b", 7), Some(false));
        let scope = ("imgscan.dev/credential-scope", "shop");
        index.set_namespace("a", labels(&[scope]));
        assert_eq!(shared(&index, "b", 7), Some(false), "only one of the two is in the scope");
        index.set_namespace("b", labels(&[scope]));
        assert_eq!(shared(&index, "b", 7), None);
        index.set_namespace("a", labels(&[scope, ("imgscan.dev/environment", "dev")]));
        index.set_namespace("b", labels(&[scope, ("imgscan.dev/environment", "prod")]));
        assert_eq!(shared(&index, "b", 7), Some(true));
    }

    #[test]
    fn a_name_that_the_policy_leaves_out_is_not_compared_from_either_side() {
        let mut index = Index::default();
        index.apply(&Value::Null, key("a", "wildcard-key"), held(7));
        let judged = |name: &str, sharing: &Sharing| index.of_secret(&key("b", name), &held(7), &[], &Value::Null, sharing).len();
        let sharing = Sharing { ignored_names: vec!["wildcard-*".to_owned()], ..Sharing::default() };
        assert_eq!((judged("x", &Sharing::default()), judged("x", &sharing)), (1, 0));
        index.apply(&Value::Null, key("a", "wildcard-key"), Vec::new());
        index.apply(&Value::Null, key("a", "other"), held(7));
        let judged = |name: &str| index.of_secret(&key("b", name), &held(7), &[], &Value::Null, &sharing).len();
        assert_eq!((judged("x"), judged("wildcard-key")), (1, 0));
    }

    #[test]
    fn what_is_removed_is_forgotten() {
        let mut index = Index::default();
        for namespace in ["a", "b", "c"] {
            index.apply(&Value::Null, key(namespace, "db"), held(7));
        }
        index.apply(&Value::Null, key("a", "db"), held(9));
        index.remove(&key("b", "db"));
        index.remove_namespace("c");
        assert_eq!((index.objects(), index.fingerprints(), shared(&index, "z", 7)), (1, 1, None));
        index.retain(Source::Secret, &HashSet::new());
        assert_eq!((index.objects(), index.fingerprints()), (0, 0));
    }

    #[test]
    fn pushed_and_cloned_copies_count_where_their_source_offers_itself() {
        let mut index = Index::default();
        let judged = |index: &Index, namespace: &str, copy: &Value| {
            !index.of_secret(&key(namespace, "db"), &held(7), &[], copy, &Sharing::default()).is_empty()
        };
        let pushed = json!({"metadata": {"annotations": {"replicator.v1.mittwald.de/replicated-at": "2026-01-01T00:00:00Z"}}});
        index.apply(&json!({}), key("infra", "db"), held(7));
        assert!(judged(&index, "team-a", &pushed), "the mark alone proves nothing");
        let source = json!({"metadata": {"annotations": {"replicator.v1.mittwald.de/replicate-to": "^team-.*$,ops"}}});
        index.apply(&source, key("infra", "db"), held(7));
        assert!(!judged(&index, "team-a", &pushed) && !judged(&index, "ops", &pushed) && judged(&index, "other", &pushed));
        assert!(judged(&index, "team-a", &json!({})), "without the mark it is no copy");
        let cloned =
            json!({"metadata": {"labels": {"generate.kyverno.io/source-namespace": "infra", "generate.kyverno.io/source-name": "db"}}});
        assert!(judged(&index, "other", &cloned));
        index.apply(&json!({"metadata": {"labels": {"generate.kyverno.io/clone-source": ""}}}), key("infra", "db"), held(7));
        assert!(!judged(&index, "other", &cloned));
    }

    #[test]
    fn a_copy_counts_only_where_its_source_offers_itself() {
        let source = json!({"metadata": {"annotations": {"replicator.v1.mittwald.de/replication-allowed": "true", "replicator.v1.mittwald.de/replication-allowed-namespaces": "team-.*"}}});
        let copy = json!({"metadata": {"annotations": {"replicator.v1.mittwald.de/replicate-from": "infra/db"}}});
        let mut index = Index::default();
        index.apply(&json!({}), key("infra", "db"), held(7));
        let judged =
            |index: &Index, namespace: &str| !index.of_secret(&key(namespace, "db"), &held(7), &[], &copy, &Sharing::default()).is_empty();
        assert!(judged(&index, "team-a"), "the mark alone proves nothing");
        index.apply(&source, key("infra", "db"), held(7));
        assert!(!judged(&index, "team-a"));
        assert!(judged(&index, "other"), "offered to others only");
        index.apply(&copy, key("team-b", "db"), held(7));
        assert!(!judged(&index, "team-a"), "two copies of one source");
    }
}
