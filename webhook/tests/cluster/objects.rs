//! Objects and answers that all tests use.

use serde_json::{Value, json};

use crate::samples::{alphanumeric, github};

const ENFORCE: &str = r#"{"mode": "enforce", "exceptionsFrom": ["imgscan-system"], "sharing": {"secrets": {"write": "enforce"}}}"#;

pub(crate) fn enforce() -> Value {
    serde_json::from_str(ENFORCE).expect("JSON")
}

pub(crate) fn pod(namespace: &str, name: &str, env: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1", "env": env}]}})
}

pub(crate) fn literal(seed: u64) -> Value {
    json!([{"name": "GITHUB_TOKEN", "value": github(seed)}])
}

/// An object of any kind.
pub(crate) fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
}

/// The plural of a kind, as the API server has it in its paths: by grammar, for every kind that the tests use.
pub(crate) fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

/// A definition of a custom resource, namespaced.
pub(crate) fn definition(group: &str, version: &str, kind: &str, schema: &Value) -> Value {
    let plural = plural(kind);
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("{plural}.{group}"),
        "annotations": {"api-approved.kubernetes.io": "unapproved, test"}}, "spec": {
        "group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
        "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}

/// The schema that takes anything.
pub(crate) fn open() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

pub(crate) fn denied(outcome: Result<Value, String>, needle: &str) {
    match outcome {
        Ok(_) => panic!("admitted, not denied for {needle}"),
        Err(error) => assert!(error.starts_with("403") && error.contains(needle), "{error}"),
    }
}

/// Every value that a test planted.
pub(crate) fn canaries() -> Vec<String> {
    let mut canaries: Vec<String> = (1..=15).map(github).collect();
    canaries.extend([alphanumeric(11, 40), "Summer2024!".to_owned()]);
    canaries
}
