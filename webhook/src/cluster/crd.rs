//! The custom resources. Their schema comes from the policy's own types, so that they cannot drift apart.

use std::collections::BTreeMap;

use imgscan::kubernetes::{Exception, Policy};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    vec![CredentialPolicy::crd(), CredentialException::crd()]
}
