//! Which parts of an object describe pods, and which Secrets those use.
//!
//! One generic walk serves every kind: Pod, PodTemplate, ReplicationController, ReplicaSet, Deployment, StatefulSet,
//! DaemonSet, Job and CronJob, and any custom resource that holds a pod template at whatever path (Rollout, Knative
//! Service, RayCluster, JobSet, Workflow, ...): a pod spec is an object with a `containers` array of objects.

use serde_json::{Map, Value};

/// Objects nest no deeper than this; the JSON parser refuses more, and so does the YAML reader.
pub(super) const MAX_DEPTH: usize = 128;

/// What is judged: the identity of an object, as policies and exceptions select it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// `Deployment`.
    pub kind: &'a str,
    /// `apps`, or empty for the core group.
    pub group: &'a str,
    /// Empty for cluster-scoped objects and where a manifest leaves it out.
    pub namespace: &'a str,
    /// `metadata.name`, or `metadata.generateName` where it has none yet.
    pub name: &'a str,
    /// `metadata.labels`.
    pub labels: Option<&'a Map<String, Value>>,
}

impl<'a> Subject<'a> {
    /// Reads it from the object itself.
    pub fn of(object: &'a Value) -> Self {
        let metadata = object.get("metadata");
        let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
        let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        Self {
            kind: object.get("kind").and_then(Value::as_str).unwrap_or_default(),
            group: version.split_once('/').map_or("", |(group, _)| group),
            namespace: text("namespace").unwrap_or_default(),
            name: text("name").or_else(|| text("generateName")).unwrap_or_default(),
            labels: metadata.and_then(|metadata| metadata.get("labels")).and_then(Value::as_object),
        }
    }

    /// Whether it is a core object of that kind.
    pub fn is_core(&self, kind: &str) -> bool {
        self.group.is_empty() && self.kind == kind
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&'a str> {
        self.labels.and_then(|labels| labels.get(key)).and_then(Value::as_str)
    }
}

/// An object with a `containers` array.
pub struct PodSpec<'a> {
    /// JSON pointer of it.
    pub pointer: String,
    /// It.
    pub spec: &'a Map<String, Value>,
}

/// Finds every pod spec of an object, whatever its kind.
pub fn pod_specs(object: &Value) -> Vec<PodSpec<'_>> {
    let mut found = Vec::new();
    let mut pointer = String::new();
    find(object, &mut pointer, 0, &mut found);
    found
}

fn find<'a>(value: &'a Value, pointer: &mut String, depth: usize, found: &mut Vec<PodSpec<'a>>) {
    if depth > MAX_DEPTH {
        return;
    }
    let length = pointer.len();
    match value {
        Value::Object(map) => {
            let has_containers = ["containers", "initContainers", "ephemeralContainers"]
                .iter()
                .any(|key| map.get(*key).and_then(Value::as_array).is_some_and(|list| list.iter().any(Value::is_object)));
            if has_containers {
                found.push(PodSpec { pointer: pointer.clone(), spec: map });
            }
            for (key, child) in map {
                if depth == 0 && matches!(key.as_str(), "metadata" | "status") {
                    continue;
                }
                push_key(pointer, key);
                find(child, pointer, depth + 1, found);
                pointer.truncate(length);
            }
        }
        Value::Array(list) => {
            for (index, child) in list.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                find(child, pointer, depth + 1, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Appends `/key`, escaped as RFC 6901 asks.
pub(super) fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for c in key.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// A pod's use of a Secret of its own namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// JSON pointer of the reference.
    pub pointer: String,
    /// The container that uses it; `None` for volumes and image pulls.
    pub container: Option<String>,
    /// Name of the Secret.
    pub secret: String,
    /// The one key that is used; `None` where it is all of them.
    pub key: Option<String>,
    /// Whether it is only used to pull images.
    pub image_pull: bool,
}

/// Every Secret that the pods of an object use: `secretKeyRef`, `envFrom`, volumes, projected volumes, CSI volumes'
/// `nodePublishSecretRef`, `imagePullSecrets`.
pub fn secret_uses(object: &Value) -> Vec<SecretUse> {
    let mut uses = Vec::new();
    for pod in pod_specs(object) {
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in array(pod.spec.get(list)).iter().enumerate() {
                of_container(container, &format!("{}/{list}/{index}", pod.pointer), &mut uses);
            }
        }
        for (index, volume) in array(pod.spec.get("volumes")).iter().enumerate() {
            of_volume(volume, &format!("{}/volumes/{index}", pod.pointer), &mut uses);
        }
        for (index, pull) in array(pod.spec.get("imagePullSecrets")).iter().enumerate() {
            if let Some(name) = pull.get("name").and_then(Value::as_str) {
                let pointer = format!("{}/imagePullSecrets/{index}", pod.pointer);
                uses.push(SecretUse { pointer, container: None, secret: name.to_owned(), key: None, image_pull: true });
            }
        }
    }
    uses
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn of_container(container: &Value, pointer: &str, uses: &mut Vec<SecretUse>) {
    let name = container.get("name").and_then(Value::as_str).map(str::to_owned);
    for (index, env) in array(container.get("env")).iter().enumerate() {
        if let (Some(secret), key) = (text(env, "/valueFrom/secretKeyRef/name"), text(env, "/valueFrom/secretKeyRef/key")) {
            uses.push(SecretUse {
                pointer: format!("{pointer}/env/{index}/valueFrom/secretKeyRef"),
                container: name.clone(),
                secret: secret.to_owned(),
                key: key.map(str::to_owned),
                image_pull: false,
            });
        }
    }
    for (index, source) in array(container.get("envFrom")).iter().enumerate() {
        if let Some(secret) = text(source, "/secretRef/name") {
            uses.push(SecretUse {
                pointer: format!("{pointer}/envFrom/{index}/secretRef"),
                container: name.clone(),
                secret: secret.to_owned(),
                key: None,
                image_pull: false,
            });
        }
    }
}

fn of_volume(volume: &Value, pointer: &str, uses: &mut Vec<SecretUse>) {
    let mut take = |source: Option<&Value>, field: &str, pointer: String| {
        let Some(source) = source else { return };
        let Some(secret) = source.get(field).and_then(Value::as_str) else { return };
        let keys: Vec<&str> = array(source.get("items")).iter().filter_map(|item| text(item, "/key")).collect();
        let mut push = |key: Option<&str>| {
            uses.push(SecretUse {
                pointer: pointer.clone(),
                container: None,
                secret: secret.to_owned(),
                key: key.map(str::to_owned),
                image_pull: false,
            });
        };
        if keys.is_empty() {
            push(None);
        }
        keys.into_iter().for_each(|key| push(Some(key)));
    };
    take(volume.get("secret"), "secretName", format!("{pointer}/secret"));
    take(volume.pointer("/csi/nodePublishSecretRef"), "name", format!("{pointer}/csi/nodePublishSecretRef"));
    for (index, source) in array(volume.pointer("/projected/sources")).iter().enumerate() {
        take(source.get("secret"), "name", format!("{pointer}/projected/sources/{index}/secret"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(object: &Value) -> Vec<String> {
        pod_specs(object).into_iter().map(|pod| pod.pointer).collect()
    }

    #[test]
    fn every_kind_that_templates_pods_is_found() {
        let pod = || json!({"containers": [{"name": "a", "image": "b"}]});
        let template = || json!({"spec": pod()});
        for (object, expected) in [
            (json!({"kind": "Pod", "spec": pod()}), "/spec"),
            (json!({"kind": "PodTemplate", "template": template()}), "/template/spec"),
            (json!({"kind": "Deployment", "spec": {"template": template()}}), "/spec/template/spec"),
            (
                json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template()}}}}),
                "/spec/jobTemplate/spec/template/spec",
            ),
            (
                json!({"kind": "RayCluster", "spec": {"workerGroupSpecs": [{"template": template()}]}}),
                "/spec/workerGroupSpecs/0/template/spec",
            ),
            (
                json!({"kind": "JobSet", "spec": {"replicatedJobs": [{"template": {"spec": {"template": template()}}}]}}),
                "/spec/replicatedJobs/0/template/spec/template/spec",
            ),
            (
                json!({"kind": "PyTorchJob", "spec": {"pytorchReplicaSpecs": {"Master": {"template": template()}}}}),
                "/spec/pytorchReplicaSpecs/Master/template/spec",
            ),
            (json!({"kind": "Prometheus", "spec": pod()}), "/spec"),
        ] {
            assert_eq!(pointers(&object), [expected]);
        }
        assert!(pointers(&json!({"kind": "Pod", "spec": {"containers": "none"}})).is_empty());
    }

    #[test]
    fn every_use_of_a_secret_is_found() {
        let object = json!({"kind": "Pod", "spec": {
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [
                {"name": "v", "secret": {"secretName": "files", "items": [{"key": "a", "path": "a"}]}},
                {"name": "w", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
                {"name": "x", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "csi"}}},
            ],
            "containers": [{
                "name": "c",
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
                "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "no"}}],
            }],
            "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "init"}}]}],
        }});
        let uses: Vec<(String, Option<String>, bool)> = secret_uses(&object).into_iter().map(|u| (u.secret, u.key, u.image_pull)).collect();
        let expected = [
            ("init", None, false),
            ("db", Some("password"), false),
            ("all", None, false),
            ("files", Some("a"), false),
            ("projected", None, false),
            ("csi", None, false),
            ("pull", None, true),
        ];
        assert_eq!(uses, expected.map(|(s, k, p)| (s.to_owned(), k.map(str::to_owned), p)));
    }
}
