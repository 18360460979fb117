//! Copies that replicators make on purpose.
//!
//! A mark on a copy proves nothing, since whoever may write the copy may write the mark. A copy counts only where its
//! source object offers itself to the copy's namespace, too.

use serde_json::Value;

use super::policy::glob;

/// What an object says about being a copy, and about being copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Namespace and name of the source that this object names.
    pub(super) copy_of: Option<(Box<str>, Box<str>)>,
    /// Namespaces that this object offers itself to; `*` stands for any text.
    pub(super) offered_to: Box<[Box<str>]>,
    /// Whether a replicator wrote it that names no source: the source has the same name.
    pub(super) pushed: bool,
}

impl Marks {
    /// Reads the marks of emberstack's reflector, mittwald's replicator, AppsCode's config-syncer, Kyverno's clones, and
    /// imgscan's own. Sources: the READMEs of the first three, Kyverno's documentation of generate rules.
    pub(super) fn of(object: &Value) -> Self {
        let metadata = |section: &str, key: &str| object.get("metadata")?.get(section)?.get(key)?.as_str();
        let annotation = |key: &str| metadata("annotations", key);
        let label = |key: &str| metadata("labels", key);
        let copy_of = annotation("imgscan.dev/copy-of")
            .or_else(|| annotation("reflector.v1.k8s.emberstack.com/reflects"))
            .or_else(|| annotation("replicator.v1.mittwald.de/replicate-from"))
            .and_then(|text| text.split_once('/'))
            .map(|(namespace, name)| (namespace.into(), name.into()))
            .or_else(|| annotation("kubed.appscode.com/origin").and_then(kubed_origin))
            .or_else(|| {
                let (namespace, name) = (label("generate.kyverno.io/source-namespace")?, label("generate.kyverno.io/source-name")?);
                Some((namespace.into(), name.into()))
            });
        let mut offered: Vec<Box<str>> = Vec::new();
        offered.extend(list(annotation("imgscan.dev/share-with").unwrap_or_default()));
        for (allowed, namespaces) in [
            ("reflector.v1.k8s.emberstack.com/reflection-allowed", "reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces"),
            ("replicator.v1.mittwald.de/replication-allowed", "replicator.v1.mittwald.de/replication-allowed-namespaces"),
        ] {
            if annotation(allowed) == Some("true") {
                match annotation(namespaces).map(str::trim).filter(|text| !text.is_empty()) {
                    Some(text) => offered.extend(patterns(text)),
                    None => offered.push("*".into()),
                }
            }
        }
        offered.extend(patterns(annotation("replicator.v1.mittwald.de/replicate-to").unwrap_or_default()));
        if annotation("kubed.appscode.com/sync") == Some("") || label("generate.kyverno.io/clone-source").is_some() {
            offered.push("*".into());
        }
        let pushed = annotation("replicator.v1.mittwald.de/replicated-at").is_some();
        Self { copy_of, offered_to: offered.into_boxed_slice(), pushed }
    }

    /// Whether a copy in that namespace is wanted.
    pub(super) fn offers(&self, namespace: &str) -> bool {
        self.offered_to.iter().any(|pattern| glob(pattern, namespace))
    }
}

fn list(text: &str) -> Vec<Box<str>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Box::from).collect()
}

/// The replicators take regular expressions, anchored or not; `.*` is the one that means what a glob can say. What a glob
/// cannot say offers nothing: a copy too many is reported, none too few.
fn patterns(text: &str) -> Vec<Box<str>> {
    let plain = |pattern: &str| pattern.trim_start_matches('^').trim_end_matches('$').replace(".*", "*");
    list(text).iter().map(|pattern| plain(pattern).into()).collect()
}

fn kubed_origin(text: &str) -> Option<(Box<str>, Box<str>)> {
    let origin: Value = serde_json::from_str(text).ok()?;
    let field = |key: &str| origin.get(key).and_then(Value::as_str).map(Box::from);
    Some((field("namespace")?, field("name")?))
}
