//! What the words of the API say about the values beside and below them.

use serde_json::{Map, Value};

use super::{Field, Subject};

/// API groups whose objects say where a secret is kept: the keys of theirs (`secretKey: password`) assign nothing.
const REFERRING_GROUPS: [&str; 8] = [
    "external-secrets.io",
    "secrets-store.csi.x-k8s.io",
    "bitnami.com",
    "secrets.hashicorp.com",
    "secrets.infisical.com",
    "secrets.doppler.com",
    "onepassword.com",
    "cert-manager.io",
];

/// Fields of `ObjectMeta`: identity and bookkeeping of the API server. Its labels and annotations are literals.
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>.
const OBJECT_META: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "managedFields",
    "ownerReferences",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "resourceVersion",
    "selfLink",
    "uid",
];

pub(super) fn is_object_meta(key: &str) -> bool {
    OBJECT_META.contains(&key)
}

/// The API's own keys: they say nothing about their value.
const STRUCTURAL: [&str; 11] = [
    "name",
    "key",
    "secretName",
    "path",
    "image",
    "namespace",
    "serviceAccount",
    "existingSecret",
    "passwordKey",
    "usernameKey",
    "tokenKey",
];

fn is_structural(key: &str, value: &Value) -> bool {
    const SUFFIXES: [&str; 10] = ["Ref", "Refs", "Name", "Names", "Selector", "Path", "SecretKey", "PasswordKey", "File", "FromEnv"];
    STRUCTURAL.contains(&key)
        || SUFFIXES.iter().any(|suffix| key.ends_with(suffix))
        || (key == "secret" && value.as_str().is_none_or(is_object_name))
}

/// Whether a value is the name of an object (RFC 1123) rather than a credential: `my-db-credentials`, not 32 hex digits.
pub(super) fn is_object_name(text: &str) -> bool {
    let named = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    named && (text.len() < 24 || text.contains(['-', '.']) || !text.bytes().any(|b| b.is_ascii_digit()))
}

/// The name that a member of an object is assigned to: its key, or what stands beside it in `{name: X, value: Y}`
/// (variables, headers, parameters), `{name: X, default: Y}` and `{key: X, value: Y}`.
pub(super) fn assigned_name<'a>(object: &'a Map<String, Value>, key: &'a str, value: &Value) -> Option<&'a str> {
    let beside = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key)).and_then(Value::as_str);
    let pair = match key {
        "value" => beside(&["name", "key"]),
        "default" => beside(&["name"]),
        _ => None,
    };
    pair.or_else(|| (!is_structural(key, value)).then_some(key))
}

/// What the kind of the object says.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) secret: bool,
    pub(super) config_map: bool,
    /// Its keys say where a secret is kept.
    pub(super) refers: bool,
    /// `encryptedData` is ciphertext.
    sealed: bool,
    /// `openAPIV3Schema` describes values and holds none.
    definition: bool,
}

impl Kind {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        Self {
            secret: subject.is_core("Secret"),
            config_map: subject.is_core("ConfigMap"),
            refers: REFERRING_GROUPS.iter().any(|group| subject.group == *group || subject.group.ends_with(&format!(".{group}"))),
            sealed: subject.group == "bitnami.com",
            definition: subject.group == "apiextensions.k8s.io",
        }
    }

    /// Whether nothing below the key is a literal. Only in the kinds whose key it is: elsewhere it would be a hiding place.
    pub(super) fn hides(self, key: &str) -> bool {
        (self.sealed && key == "encryptedData") || (self.definition && key == "openAPIV3Schema")
    }
}

/// What is known from the keys above.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) container: Option<&'a str>,
    pub(super) field: Field,
    /// Below a reference: keys and names assign nothing.
    pub(super) reference: bool,
}

/// What a key says about everything below it.
pub(super) fn enter<'a>(context: Context<'a>, key: &str) -> Context<'a> {
    let field = match key {
        "env" => Field::Env,
        "args" if context.field != Field::Probe => Field::Args,
        "command" if context.field != Field::Probe => Field::Command,
        "livenessProbe" | "readinessProbe" | "startupProbe" | "lifecycle" => Field::Probe,
        "volumes" | "volumeClaimTemplates" | "csi" | "volumeAttributes" => Field::Volume,
        "matchLabels" => Field::Label,
        _ => context.field,
    };
    let reference = context.reference || matches!(key, "valueFrom" | "envFrom" | "imagePullSecrets") || key.ends_with("Ref");
    Context { field, reference, ..context }
}

/// An object with an image, or with a name and a command, is a container, whatever list it stands in.
pub(super) fn container_name<'a>(map: &'a Map<String, Value>, key: &'a str) -> Option<&'a str> {
    let is_container = map.get("image").is_some_and(Value::is_string)
        || (map.contains_key("name") && (map.contains_key("command") || map.contains_key("args")));
    is_container.then(|| map.get("name").and_then(Value::as_str).unwrap_or(key))
}

/// Whether a ConfigMap's entry is a file rather than a value.
pub(super) fn is_file(key: &str, text: &str) -> bool {
    text.trim_end().contains('\n') || text.starts_with('{') || (key.contains('.') && text.contains('='))
}

/// The name that a text of several lines is best understood by.
pub(super) fn file_name<'a>(key: &'a str, text: &str) -> &'a str {
    let first = text.lines().next().unwrap_or_default();
    match key {
        _ if !text.contains('\n') => "",
        // Helm values within HelmRelease, Application and the like.
        "values" | "valuesContent" => "values.yaml",
        // Argo Workflows and Tekton.
        "script" | "source" if first.starts_with("#!") && first.contains("python") => "script.py",
        "script" | "source" => "script.sh",
        key if key.contains('.') => key,
        _ => "",
    }
}
