//! Who holds the same credential: an index of keyed fingerprints. Plain data with one writer; no value, and no hash that
//! could be checked without the cluster's key, is ever in it.
//!
//! Equality across namespaces is an oracle: whoever may create a Secret could guess values of other namespaces from the
//! answers. So only values that nobody can guess are indexed at all; a guessable value has no entry, and can change no answer.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    copies::Marks,
    literals::clean,
    observe::Observation,
    policy::{Mode, Sharing, glob},
    workload::{SecretUse, Subject},
};
use crate::{
    detect::{Engine, Hint, Scratch},
    finding::LocationKind,
    fingerprint::{Fingerprint, Fingerprinter},
    secret::Secret,
};

/// Where a credential is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `data` of a Secret.
    Secret,
    /// `data` of a ConfigMap.
    ConfigMap,
    /// A literal of any other object.
    Literal,
}

/// Identity of an indexed object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// What kind of object; literals carry theirs in `name` (`Deployment/web`).
    pub source: Source,
    /// Its name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// Of an object, in the namespace given (a manifest may leave it out).
    pub fn of(subject: &Subject<'_>, namespace: &str) -> Self {
        let (source, name) = if subject.is_core("Secret") {
            (Source::Secret, subject.name.to_owned())
        } else if subject.is_core("ConfigMap") {
            (Source::ConfigMap, subject.name.to_owned())
        } else {
            (Source::Literal, format!("{}/{}", subject.kind, subject.name))
        };
        Self { namespace: namespace.into(), source, name: name.into() }
    }
}

/// What a credential is for, which decides how much sharing it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Plain,
    ImagePull,
    Tls,
}

/// One comparable credential of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Key of `data`, or the field of a literal.
    key: Arc<str>,
    fingerprint: u128,
    used: Use,
}

fn short(full: &[u8; 32]) -> u128 {
    let mut head = [0u8; 16];
    head.copy_from_slice(full.first_chunk::<16>().unwrap_or(&[0; 16]));
    u128::from_be_bytes(head)
}

/// The comparable credentials of a Secret: what the engine finds, the `auth` of docker configs, and whole values of
/// enough entropy, since a Secret's data is secret by definition. Certificates, names and addresses are not.
pub fn credentials(secret: &Value, sharing: &Sharing, engine: &Engine, prints: &Fingerprinter, scratch: &mut Scratch) -> Vec<Credential> {
    let kind = secret.get("type").and_then(Value::as_str).unwrap_or_default();
    let name = Subject::of(secret).name;
    if sharing.ignored_types.iter().any(|ignored| ignored == kind) || sharing.ignored_names.iter().any(|pattern| glob(pattern, name)) {
        return Vec::new();
    }
    let used = match kind {
        "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg" => Use::ImagePull,
        "kubernetes.io/tls" => Use::Tls,
        _ => Use::Plain,
    };
    let mut found = Vec::new();
    let mut value = |key: &str, bytes: &[u8]| {
        if used == Use::Tls && key != "tls.key" {
            return;
        }
        let before = found.len();
        let mut push = |secret: &Secret| {
            let fingerprint = short(&prints.of_cluster_value(secret));
            let credential = Credential { key: key.into(), fingerprint, used };
            if !found.contains(&credential) {
                found.push(credential);
            }
        };
        let mut seen = false;
        let multi_line = bytes.trim_ascii().contains(&b'\n');
        let hint = Hint { kind: LocationKind::Manifest, path: if multi_line { key } else { "" }, name: Some(key), binary: false };
        engine.find(bytes, &hint, scratch, &mut |matched| {
            seen = true;
            if matched.refuted.is_none() && !matched.guessable {
                push(&matched.secret);
            }
        });
        if used == Use::ImagePull && !seen {
            registry_auths(bytes).iter().filter(|auth| bits(auth.expose()) >= sharing.min_bits).for_each(&mut push);
        }
        if used == Use::Tls && !seen && bytes.windows(11).any(|window| window == b"PRIVATE KEY") {
            push(&Secret::new(bytes));
        }
        if found.len() == before && used == Use::Plain && is_token(key, bytes) && bits(bytes.trim_ascii()) >= sharing.min_bits {
            let fingerprint = short(&prints.of_cluster_value(&Secret::new(bytes)));
            found.push(Credential { key: key.into(), fingerprint, used });
        }
    };
    for (key, text) in secret.get("data").and_then(Value::as_object).into_iter().flatten() {
        if let Some(decoded) = text.as_str().and_then(|text| data_encoding::BASE64.decode(text.trim().as_bytes()).ok()) {
            let decoded = zeroize::Zeroizing::new(decoded);
            value(key, &decoded);
        }
    }
    for (key, text) in secret.get("stringData").and_then(Value::as_object).into_iter().flatten() {
        value(key, text.as_str().unwrap_or_default().as_bytes());
    }
    found
}

/// The comparable credentials among an object's literals.
pub(super) fn of_observations(found: &[Observation]) -> Vec<Credential> {
    let comparable = found.iter().filter(|observation| !observation.guessable);
    comparable.map(|o| Credential { key: o.label.as_str().into(), fingerprint: short(&o.cluster), used: Use::Plain }).collect()
}

/// The passwords of a docker config, by registry.
fn registry_auths(bytes: &[u8]) -> Vec<Secret> {
    let Ok(config) = serde_json::from_slice::<Value>(bytes) else { return Vec::new() };
    let auths = config.get("auths").or(Some(&config)).and_then(Value::as_object);
    let secret = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text("auth").or_else(|| text("identitytoken")).or_else(|| text("password")).map(|text| Secret::new(text.as_bytes()))
    };
    auths.into_iter().flatten().filter_map(|(_, entry)| secret(entry)).collect()
}

/// Whether a value that no rule knows looks like one opaque token rather than a name, an address or a certificate.
fn is_token(key: &str, bytes: &[u8]) -> bool {
    const NAMES: [&str; 12] = ["id", "user", "username", "host", "hostname", "email", "url", "uri", "endpoint", "crt", "pub", "name"];
    let lower = key.to_ascii_lowercase();
    let last = lower.rsplit(['.', '_', '-']).next().unwrap_or_default();
    let value = bytes.trim_ascii();
    !NAMES.contains(&last)
        && !key.ends_with("Id")
        && (16..=4096).contains(&value.len())
        && value.iter().all(|b| b.is_ascii_graphic() && !b"./:@{}<>\"".contains(b))
}

/// Shannon entropy times length, in bits.
fn bits(value: &[u8]) -> u32 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let length = value.len() as f64;
    let bits: f64 =
        counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count)).map(|count| count * (length / count).log2()).sum();
    bits as u32
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

/// A credential that another namespace holds, too. What is in here besides `admin` may be told to the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedUse {
    /// JSON pointer of the literal, the reference, or the Secret's key.
    pub pointer: String,
    /// The container.
    pub container: Option<String>,
    /// The field for people: `Secret db, key password`.
    pub label: String,
    /// The id of the cluster's index: what an exception names.
    pub fingerprint: Fingerprint,
    /// Whether a holder is in another environment.
    pub crosses_environments: bool,
    /// The most that it may weigh.
    pub at_most: Mode,
    /// For reports that only administrators read: the other holders, sorted.
    pub admin: Vec<ObjectKey>,
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

    /// Sets the literals of an object that was admitted.
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
            let mut pointer = "/data".to_owned();
            super::workload::push_key(&mut pointer, &credential.key);
            let label = clean(&format!("data {}", credential.key), 120);
            uses.extend(self.judge(credential.fingerprint, key, Some(&marks), sharing, at_most, pointer, None, label));
        }
        uses
    }

    /// Judges an object's literals.
    pub fn of_literals(&self, key: &ObjectKey, found: &[Observation], sharing: &Sharing) -> Vec<SharedUse> {
        let comparable = found.iter().filter(|observation| !observation.guessable);
        comparable
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
        let mut admin = Vec::new();
        let mut crosses_environments = false;
        for holder in holders.iter().filter_map(|slot| self.record(*slot)) {
            if holder.key.namespace == me.namespace || (sharing.allow_offered_copies && self.related(me, marks, holder)) {
                continue;
            }
            let (scope, environment) = (self.both(me, holder, &sharing.scope_label), self.both(me, holder, &sharing.environment_label));
            let crosses = matches!(environment, (Some(mine), Some(theirs)) if mine != theirs);
            let same_scope = matches!(scope, (Some(mine), Some(theirs)) if mine == theirs);
            if crosses || !same_scope {
                crosses_environments |= crosses;
                admin.push(holder.key.clone());
            }
        }
        if admin.is_empty() {
            return None;
        }
        admin.sort();
        let fingerprint = Fingerprint::parse(&format!("{fingerprint:032x}"))?;
        Some(SharedUse { pointer, container, label, fingerprint, crosses_environments, at_most, admin })
    }

    fn both(&self, me: &ObjectKey, other: &Record, label: &str) -> (Option<&str>, Option<&str>) {
        let of = |namespace: &str| self.namespaces.get(namespace).and_then(|labels| labels.get(label)).map(String::as_str);
        (of(&me.namespace), of(&other.key.namespace))
    }

    /// Whether one is an offered copy of the other, or both are of the same source.
    fn related(&self, me: &ObjectKey, marks: Option<&Marks>, other: &Record) -> bool {
        let (mine, theirs) = (self.root(me, marks), self.root(&other.key, other.marks.as_deref()));
        mine == theirs
    }

    /// The source that offers itself to the object, or the object itself.
    fn root(&self, key: &ObjectKey, marks: Option<&Marks>) -> ObjectKey {
        let Some((namespace, name)) = marks.and_then(|marks| marks.copy_of.as_ref()) else { return key.clone() };
        let source = ObjectKey { namespace: (**namespace).into(), source: key.source, name: (**name).into() };
        let record = self.slots.get(&source).and_then(|slot| self.record(*slot));
        let offered = record.and_then(|record| record.marks.as_deref()).is_some_and(|marks| marks.offers(&key.namespace));
        if offered { source } else { key.clone() }
    }

    /// Judges what an indexed Secret holds, for the audit.
    pub fn of_held(&self, key: &ObjectKey, sharing: &Sharing) -> Vec<SharedUse> {
        let record = self.slots.get(key).and_then(|slot| self.record(*slot)).filter(|record| record.key.source == Source::Secret);
        let mut uses = Vec::new();
        for credential in record.iter().flat_map(|record| &record.credentials) {
            let marks = record.and_then(|record| record.marks.as_deref());
            let mut pointer = "/data".to_owned();
            super::workload::push_key(&mut pointer, &credential.key);
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

    #[test]
    fn low_entropy_and_public_values_are_never_comparable() {
        let engine = Engine::new(Vec::new());
        let prints = Fingerprinter::with_key(&[1; 32]).expect("long enough");
        let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let alphabet = b"ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";
        let strong: String = (1..40usize).map(|n| char::from(alphabet[n * n * 31 % alphabet.len()])).collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {
            "password": encode("Summer2024!"), "host": encode("database-1.cluster-c9akciq32rgt.eu-west-1.example.com"),
            "client_id": encode("3f2504e0-4f89-11d3-9a0c-0305e82c3301"), "opaque": encode(&strong),
        }});
        let found = credentials(&secret, &Sharing::default(), &engine, &prints, &mut Scratch::default());
        assert_eq!(found.iter().map(|c| &*c.key).collect::<Vec<_>>(), ["opaque"]);
    }
}
