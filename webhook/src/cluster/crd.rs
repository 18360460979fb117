//! The custom resources. Their schema comes from the policy's own types, so that they cannot drift apart.

use std::collections::BTreeMap;

use imgscan::kubernetes::{Exception, Policy};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The policy of the cluster. The webhook follows the one that its flag `--policy` names.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "imgscan.dev",
    version = "v1alpha1",
    kind = "CredentialPolicy",
    plural = "credentialpolicies",
    status = "PolicyStatus",
    shortname = "credpol",
    category = "imgscan",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Active", type_ = "boolean", json_path = ".status.active"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".status.activeReplicas")
)]
#[serde(transparent)]
pub struct CredentialPolicySpec(pub Policy);

/// Whether the policy is in force.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyStatus {
    /// Whether every known replica enforces this generation.
    pub active: bool,
    /// Replicas that enforce this generation.
    pub active_replicas: i32,
    /// Why it is not in force, where it is not.
    pub message: String,
    /// By replica.
    pub replicas: BTreeMap<String, ReplicaStatus>,
}

/// What one replica enforces.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaStatus {
    /// `metadata.generation` that is in force there.
    pub observed_generation: i64,
    /// RFC 3339; replicas that were not seen for long are forgotten.
    pub last_seen: String,
    /// Why this generation is not in force there, where it is not.
    pub problem: String,
}

/// Allows something for some time. Honoured only from the namespaces that the policy names.
#[allow(clippy::duplicated_attributes, reason = "columns of one type each")]
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "imgscan.dev",
    version = "v1alpha1",
    kind = "CredentialException",
    plural = "credentialexceptions",
    namespaced,
    status = "ExceptionStatus",
    shortname = "credex",
    category = "imgscan",
    printcolumn(name = "Active", type_ = "string", json_path = r#".status.conditions[?(@.type=="Active")].status"#),
    printcolumn(name = "Why", type_ = "string", json_path = r#".status.conditions[?(@.type=="Active")].reason"#),
    printcolumn(name = "Owner", type_ = "string", json_path = ".spec.owner"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expires"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason", priority = 1)
)]
#[serde(transparent)]
pub struct CredentialExceptionSpec(pub Exception);

/// Whether an exception counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionStatus {
    /// `Active`: True, or False for the reason `Expired`, `NotHonoured` (the policy's `exceptionsFrom` lacks its namespace) or `Invalid`.
    pub conditions: Vec<Condition>,
}

/// Both definitions, for `imgscan-webhook crds`.
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![checked(CredentialPolicy::crd(), &policy_checks()), checked(CredentialException::crd(), &exception_checks())]
}

/// What types cannot say, so that the API server refuses it at once: JSON Schema by the pointer below `spec`, as
/// [`Policy::check`] and [`Exception::check`] have it.
type Checks = Vec<(&'static str, Value)>;

fn policy_checks() -> Checks {
    vec![
        ("/properties/sharing/properties/minBits", json!({"minimum": 64})),
        ("/properties/sharing/properties/scopeLabel", json!({"minLength": 1})),
        ("/properties/sharing/properties/environmentLabel", json!({"minLength": 1})),
    ]
}

fn exception_checks() -> Checks {
    let rules = json!({"x-kubernetes-validations": [
        {"rule": "size(self.fingerprints) > 0 || size(self.rules) > 0", "message": "an exception needs `fingerprints` or `rules`"},
        {"rule": "size(self.rules) == 0 || size(self.objects.kinds) > 0 || size(self.objects.names) > 0 || size(self.objects.labels) > 0",
         "message": "an exception for `rules` needs `objects` with kinds, names or labels"},
    ]});
    vec![
        ("", rules),
        ("/properties/fingerprints/items", json!({"pattern": "^[0-9a-f]{32}$"})),
        ("/properties/namespaces", json!({"minItems": 1})),
        ("/properties/reason", json!({"pattern": r"\S"})),
        ("/properties/owner", json!({"pattern": r"\S"})),
        ("/properties/expires", json!({"format": "date-time"})),
    ]
}

fn checked(definition: CustomResourceDefinition, checks: &Checks) -> CustomResourceDefinition {
    let mut whole = serde_json::to_value(definition).unwrap_or_default();
    for (pointer, more) in checks {
        let place = whole.pointer_mut(&format!("/spec/versions/0/schema/openAPIV3Schema/properties/spec{pointer}"));
        let (Some(Value::Object(place)), Value::Object(more)) = (place, more) else { continue };
        place.extend(more.clone());
    }
    serde_json::from_value(whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_in_the_schema() {
        for (definition, checks) in definitions().into_iter().zip([policy_checks(), exception_checks()]) {
            let whole = serde_json::to_value(definition).expect("JSON");
            for (pointer, more) in checks {
                let place = whole.pointer(&format!("/spec/versions/0/schema/openAPIV3Schema/properties/spec{pointer}"));
                for (key, value) in more.as_object().expect("an object") {
                    let there = place.and_then(|place| place.get(key)).expect(pointer);
                    assert!(
                        there == value || there.as_f64().is_some_and(|number| Some(number) == value.as_f64()),
                        "{pointer} {key}: {there}"
                    );
                }
            }
        }
    }
}
