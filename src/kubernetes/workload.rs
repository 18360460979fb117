//! What is judged, and which Secrets its pods use.
//!
//! One generic walk serves every kind: Pod, PodTemplate, ReplicationController, ReplicaSet, Deployment, StatefulSet,
//! DaemonSet, Job and CronJob, and any custom resource that describes pods at whatever path (Rollout, Knative Service,
//! RayCluster, JobSet, Workflow, ...).

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
    /// Kind and name of the controller that made it.
    pub controller: Option<(&'a str, &'a str)>,
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
            controller: controller(object).and_then(|owner| Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?))),
        }
    }

    /// Kind and name, and those of what it was made from: a pod's ReplicaSet and that one's Deployment, a pod's Job and that
    /// one's CronJob. The grandparents are told by the names that their controllers give.
    pub fn origins(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let of_controller = self.controller.and_then(|(kind, name)| match kind {
            "ReplicaSet" => {
                let hash = self.label("pod-template-hash")?;
                Some(("Deployment", name.strip_suffix(hash)?.strip_suffix('-')?))
            }
            "Job" => {
                let (front, scheduled) = name.rsplit_once('-')?;
                let minutes = scheduled.len() >= 8 && scheduled.bytes().all(|b| b.is_ascii_digit());
                minutes.then_some(("CronJob", front))
            }
            _ => None,
        });
        [Some((self.kind, self.name)), self.controller, of_controller].into_iter().flatten()
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

/// The owner reference to the controller that made an object.
pub fn controller(object: &Value) -> Option<&Value> {
    let owners = object.get("metadata")?.get("ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
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

/// Every Secret that the pods of an object use: `secretKeyRef`, `envFrom`, volumes, projected volumes, the volumes'
/// own `secretRef`s, CSI volumes' `nodePublishSecretRef`, `imagePullSecrets`. Wherever those words stand, so that steps,
/// scripts and sidecars of custom resources count as containers do.
pub fn secret_uses(object: &Value) -> Vec<SecretUse> {
    let mut finder = Uses { pointer: String::new(), found: Vec::new() };
    if let Some(map) = object.as_object() {
        for (key, value) in map.iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "data" | "stringData")) {
            finder.below(key, value, None, 1);
        }
    }
    finder.found
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

struct Uses {
    pointer: String,
    found: Vec<SecretUse>,
}

impl Uses {
    /// What a member of an object uses.
    fn below(&mut self, key: &str, value: &Value, container: Option<&str>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let length = self.pointer.len();
        push_key(&mut self.pointer, key);
        match (key, value) {
            ("secretKeyRef", Value::Object(_)) => self.named(value, "name", text(value, "/key"), container),
            ("envFrom", Value::Array(list)) => {
                for (index, source) in list.iter().enumerate().filter_map(|(index, source)| Some((index, source.get("secretRef")?))) {
                    self.at(&format!("/{index}/secretRef"), |uses| uses.named(source, "name", None, container));
                }
            }
            ("volumes", Value::Array(list)) => {
                for (index, volume) in list.iter().enumerate() {
                    self.at(&format!("/{index}"), |uses| uses.volume(volume));
                }
            }
            ("imagePullSecrets", Value::Array(list)) => {
                for (index, pull) in list.iter().enumerate() {
                    // Charts' values list bare names.
                    let Some(name) = pull.get("name").unwrap_or(pull).as_str() else { continue };
                    let pointer = format!("{}/{index}", self.pointer);
                    self.found.push(SecretUse { pointer, container: None, secret: name.to_owned(), key: None, image_pull: true });
                }
            }
            (_, Value::Array(list)) => {
                for (index, child) in list.iter().enumerate() {
                    let Value::Object(map) = child else { continue };
                    self.at(&format!("/{index}"), |uses| uses.members(map, container, depth));
                }
            }
            (_, Value::Object(map)) => self.members(map, container, depth),
            _ => {}
        }
        self.pointer.truncate(length);
    }

    fn members(&mut self, map: &Map<String, Value>, container: Option<&str>, depth: usize) {
        // Of a container, and of what is one by another name: an image or a list of variables, and a name.
        let is_container = ["image", "env", "envFrom"].iter().any(|key| map.contains_key(*key));
        let name = map.get("name").and_then(Value::as_str).filter(|_| is_container).or(container);
        for (key, child) in map {
            self.below(key, child, name, depth + 1);
        }
    }

    fn at(&mut self, below: &str, look: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push_str(below);
        look(self);
        self.pointer.truncate(length);
    }

    /// A reference by the field `field`.
    fn named(&mut self, reference: &Value, field: &str, key: Option<&str>, container: Option<&str>) {
        let Some(secret) = reference.get(field).and_then(Value::as_str) else { return };
        let (secret, key, container) = (secret.to_owned(), key.map(str::to_owned), container.map(str::to_owned));
        self.found.push(SecretUse { pointer: self.pointer.clone(), container, secret, key, image_pull: false });
    }

    /// Source: `Volume` of <https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/>.
    fn volume(&mut self, volume: &Value) {
        let Some(volume) = volume.as_object() else { return };
        for (kind, source) in volume {
            let length = self.pointer.len();
            push_key(&mut self.pointer, kind);
            match kind.as_str() {
                "secret" => self.items(source, "secretName"),
                "projected" => {
                    for (index, source) in array(source.get("sources")).iter().enumerate() {
                        let Some(secret) = source.get("secret") else { continue };
                        self.at(&format!("/sources/{index}/secret"), |uses| uses.items(secret, "name"));
                    }
                }
                // Names the Secret itself.
                "azureFile" => self.named(source, "secretName", None, None),
                _ => {
                    // `cephfs`, `flexVolume`, `iscsi`, `rbd`, `scaleIO`, `storageos`; `csi`.
                    for field in ["secretRef", "nodePublishSecretRef"] {
                        let Some(reference) = source.get(field) else { continue };
                        self.at(&format!("/{field}"), |uses| uses.named(reference, "name", None, None));
                    }
                }
            }
            self.pointer.truncate(length);
        }
    }

    /// A Secret's keys by `items`, or all of them.
    fn items(&mut self, source: &Value, field: &str) {
        let keys: Vec<&str> = array(source.get("items")).iter().filter_map(|item| text(item, "/key")).collect();
        if keys.is_empty() {
            self.named(source, field, None, None);
        }
        for key in keys {
            self.named(source, field, Some(key), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_that_templates_pods_is_read() {
        let pod = || json!({"containers": [{"name": "a", "image": "b", "envFrom": [{"secretRef": {"name": "s"}}]}]});
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
            let pointers: Vec<String> = secret_uses(&object).into_iter().map(|used| used.pointer).collect();
            assert_eq!(pointers, [format!("{expected}/containers/0/envFrom/0/secretRef")]);
        }
        assert!(secret_uses(&json!({"kind": "Pod", "spec": {"containers": "none", "volumes": [7], "envFrom": [null]}})).is_empty());
    }

    #[test]
    fn every_use_of_a_secret_is_found() {
        let object = json!({"kind": "Pod", "spec": {
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [
                {"name": "v", "secret": {"secretName": "files", "items": [{"key": "a", "path": "a"}]}},
                {"name": "w", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
                {"name": "x", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "csi"}}},
                {"name": "y", "azureFile": {"secretName": "share", "shareName": "s"}},
                {"name": "z", "rbd": {"image": "i", "secretRef": {"name": "keyring"}}},
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
            ("db", Some("password"), false),
            ("all", None, false),
            ("pull", None, true),
            ("init", None, false),
            ("files", Some("a"), false),
            ("projected", None, false),
            ("csi", None, false),
            ("share", None, false),
            ("keyring", None, false),
        ];
        assert_eq!(uses, expected.map(|(s, k, p)| (s.to_owned(), k.map(str::to_owned), p)));
    }

    #[test]
    fn custom_resources_use_secrets_as_pods_do() {
        let env = json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
        for object in [
            json!({"kind": "Workflow", "spec": {"templates": [{"name": "t", "script": {"name": "x", "image": "i", "env": env}}]}}),
            json!({"kind": "Workflow", "spec": {"templates": [{"name": "t", "container": {"name": "x", "image": "i", "env": env}}]}}),
            json!({"kind": "Task", "spec": {"steps": [{"name": "x", "image": "i", "env": env}]}}),
            json!({"kind": "Kafka", "spec": {"template": {"kafkaContainer": {"name": "x", "env": env}}}}),
        ] {
            let uses = secret_uses(&object);
            assert_eq!(uses.len(), 1, "{object}");
            assert_eq!((uses[0].secret.as_str(), uses[0].container.as_deref()), ("s", Some("x")), "{object}");
            assert!(object.pointer(&uses[0].pointer).is_some(), "{}", uses[0].pointer);
        }
    }
}
