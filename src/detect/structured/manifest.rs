//! Kubernetes manifests: Secrets by definition, files inside ConfigMaps and Secrets, everything else as YAML.
//!
//! <https://kubernetes.io/docs/concepts/configuration/secret/>

use std::borrow::Cow;

use super::{
    DETECTORS, Detector, Field, HEAD, Meaning, files,
    format::{Syntax, decode_base64, fact},
    tree::{Leaf, Locator, Tree},
    values::Values,
};
use crate::detect::Hint;

/// The detector.
pub(super) struct Manifest;

const ID: &str = "kubernetes-manifest";
const RULE: &str = "kubernetes-secret-value";

/// Keys of a Secret that hold no secret.
const HARMLESS: &[&str] = &[
    "username",
    "user",
    "host",
    "hostname",
    "port",
    "database",
    "dbname",
    "ca.crt",
    "tls.crt",
    "namespace",
    "region",
    "endpoint",
    "email",
    "url",
    "type",
    "name",
    "project",
];

const FILES: &[&str] = &["*.yaml", "*.yml", "*.json", "*.yaml.j2", "*.yml.j2", "*.tpl"];

impl Detector for Manifest {
    fn id(&self) -> &'static str {
        ID
    }

    fn files(&self) -> &'static [&'static str] {
        FILES
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        files::matches(hint.path, FILES) && files::mentions(head, &["apiVersion"]) && files::mentions(head, &["kind"])
    }

    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let tree = Syntax::JsonOrYaml.tree(text);
        let mut values = Values::new(text, &tree);
        for leaf in tree.leaves() {
            let owner = tree.parent(leaf.node);
            let kind = tree.sibling(owner, &["kind"]).map(|kind| kind.value);
            match (tree.key(leaf.node), kind) {
                // A reference in spirit: only the cluster's controller can open it.
                ("encryptedData", _) => {}
                ("data", Some(b"Secret")) => secret(text, &tree, &leaf, hint, true, emit),
                ("stringData", Some(b"Secret")) => secret(text, &tree, &leaf, hint, false, emit),
                ("data", Some(b"ConfigMap")) => {
                    if !inner(text, &leaf, leaf.value, hint, &[], emit) {
                        values.leaf(&leaf, &[], emit);
                    }
                }
                _ => values.leaf(&leaf, &[], emit),
            }
        }
    }
}

/// One entry of a Secret.
fn secret(text: &[u8], tree: &Tree<'_>, leaf: &Leaf<'_>, hint: &Hint<'_>, encoded: bool, emit: &mut dyn FnMut(Field<'_>)) {
    let mut evidence = Vec::new();
    let decoded = encoded.then(|| decode_base64(leaf.value)).flatten().filter(|plain| !plain.is_empty());
    let value = decoded.as_deref().unwrap_or(leaf.value);
    let metadata = secret_name(tree, leaf);
    evidence.extend(metadata.and_then(|name| fact("Secret", name, value)));
    if decoded.is_some() {
        evidence.push("base64 decoded".to_owned());
    }
    if inner(text, leaf, value, hint, &evidence, emit) {
        return;
    }
    let harmless = HARMLESS.iter().any(|key| leaf.key.eq_ignore_ascii_case(key));
    let meaning = if harmless { Meaning::Value } else { Meaning::Credential { rule: RULE } };
    let value = value.trim_ascii();
    emit(Field { name: Cow::Owned(tree.name(leaf)), value: Cow::Borrowed(value), span: leaf.span.clone(), meaning, evidence });
}

/// `metadata.name` of the object that a leaf of `data` belongs to.
fn secret_name<'t>(tree: &'t Tree<'_>, leaf: &Leaf<'_>) -> Option<&'t [u8]> {
    let owner = tree.parent(leaf.node);
    let metadata = tree.child_named(owner, "metadata")?;
    tree.sibling(metadata, &["name"]).map(|name| name.value)
}

/// Reads a value as the file that its key names; whether there is a detector for it.
fn inner(text: &[u8], leaf: &Leaf<'_>, value: &[u8], hint: &Hint<'_>, evidence: &[String], emit: &mut dyn FnMut(Field<'_>)) -> bool {
    let several = memchr::memchr(b'\n', value).is_some() || value.first() == Some(&b'{');
    if !several && !leaf.key.starts_with('.') {
        return false;
    }
    let hint = Hint { path: leaf.key, ..*hint };
    let head = value.get(..value.len().min(HEAD)).unwrap_or(value);
    // A manifest inside a manifest is not opened again.
    let Some(detector) = DETECTORS.iter().find(|detector| detector.id() != ID && detector.wants(&hint, head)) else { return false };
    let mut locator = Locator::new(&leaf.span);
    detector.find(value, &hint, &mut |mut field| {
        field.span = locator.place(text, &field.value);
        field.evidence.extend_from_slice(evidence);
        emit(field);
    });
    true
}
