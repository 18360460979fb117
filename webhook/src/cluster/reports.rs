//! Reports of the audit: OpenReports (`openreports.io/v1alpha1`) where the cluster has them, or else PolicyReport
//! (`wgpolicyk8s.io/v1alpha2`); their cluster-scoped twins for objects without a namespace.
//!
//! One report for each object *with* findings, owned by it, so that the garbage collector removes it; none for clean
//! objects, and no intermediate ones: reports must not fill etcd.
//! Sources: <https://github.com/openreports/reports-api>, <https://github.com/kubernetes-sigs/wg-policy-prototypes>.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use imgscan::kubernetes::Subject;
use kube::{
    Client,
    api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{all, brief, resource};

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// One line of a report. Says nothing that its reader could not see in the object itself, besides that others hold the same.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) outcome: &'static str,
    pub(super) rule: String,
    pub(super) severity: &'static str,
    pub(super) text: String,
    pub(super) properties: BTreeMap<&'static str, String>,
}

/// Namespace and name of a report.
pub(super) type Place = (String, String);

/// The kinds of reports that the cluster has.
pub(super) struct Reports {
    namespaced: ApiResource,
    cluster: ApiResource,
}

impl Reports {
    /// Looks what the cluster has.
    pub(super) async fn find(client: &Client) -> Option<Self> {
        let candidates = [
            ("openreports.io", "v1alpha1", ("Report", "reports"), ("ClusterReport", "clusterreports")),
            ("wgpolicyk8s.io", "v1alpha2", ("PolicyReport", "policyreports"), ("ClusterPolicyReport", "clusterpolicyreports")),
        ];
        for (group, version, namespaced, cluster) in candidates {
            let of = |(kind, plural)| resource(group, version, kind, plural);
            let reports = Self { namespaced: of(namespaced), cluster: of(cluster) };
            if all(client, &reports.namespaced).list(&ListParams::default().limit(1)).await.is_ok() {
                return Some(reports);
            }
        }
        None
    }

    /// Where the report of an object is: stable for the object's life, by its kind and uid.
    pub(super) fn place(object: &Value) -> Place {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        (Subject::of(object).namespace.to_owned(), format!("imgscan-{kind}-{uid}"))
    }

    fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        match namespace {
            "" => all(client, &self.cluster),
            namespace => Api::namespaced_with(client.clone(), namespace, &self.namespaced),
        }
    }

    /// Writes the report of an object.
    pub(super) async fn write(&self, client: &Client, object: &Value, lines: &[Line]) {
        let (namespace, name) = Self::place(object);
        let report = self.report(object, &name, lines);
        let params = PatchParams::apply("imgscan-webhook-audit").force();
        if let Err(error) = self.api(client, &namespace).patch(&name, &params, &Patch::Apply(report)).await {
            tracing::warn!(error = brief(&error), "report not written");
        }
    }

    fn report(&self, object: &Value, name: &str, lines: &[Line]) -> Value {
        let subject = Subject::of(object);
        let kind = if subject.namespace.is_empty() { &self.cluster } else { &self.namespaced };
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let now = json!({"seconds": jiff::Timestamp::now().as_second(), "nanos": 0});
        let results: Vec<Value> = lines
            .iter()
            .map(|line| {
                json!({
                    "source": "imgscan", "policy": format!("imgscan-{}", line.class), "rule": line.rule, "category": "Credentials",
                    "severity": line.severity, "result": if line.outcome == "denied" { "fail" } else { "warn" }, "message": line.text,
                    "properties": line.properties, "timestamp": now,
                })
            })
            .collect();
        let failed = lines.iter().filter(|line| line.outcome == "denied").count();
        let mut report = json!({
            "apiVersion": kind.api_version, "kind": kind.kind,
            "metadata": {
                "name": name, "labels": {MANAGED_BY: "imgscan"},
                "ownerReferences": [{"apiVersion": api_version, "kind": subject.kind, "name": subject.name, "uid": uid}],
            },
            "scope": {"apiVersion": api_version, "kind": subject.kind, "name": subject.name, "uid": uid},
            "results": results,
            "summary": {"pass": 0, "fail": failed, "warn": lines.len() - failed, "error": 0, "skip": 0},
        });
        if !subject.namespace.is_empty() {
            report["metadata"]["namespace"] = json!(subject.namespace);
            report["scope"]["namespace"] = json!(subject.namespace);
        }
        // PolicyReport has it in its results alone.
        if kind.group == "openreports.io" {
            report["source"] = json!("imgscan");
        }
        report
    }

    /// Removes reports of objects that have no findings any more. Those of deleted objects go by their owner.
    pub(super) async fn remove_stale(&self, client: &Client, written: &HashSet<Place>) -> Result<()> {
        for kind in [&self.namespaced, &self.cluster] {
            let mut params = ListParams::default().labels(&format!("{MANAGED_BY}=imgscan")).limit(500);
            loop {
                let page = match all(client, kind).list_metadata(&params).await {
                    Ok(page) => page,
                    // Not every cluster that has the one has the other.
                    Err(error) if super::is_missing(&error) => break,
                    Err(error) => anyhow::bail!("{}", brief(&error)),
                };
                for report in page.items {
                    let place = (report.metadata.namespace.unwrap_or_default(), report.metadata.name.unwrap_or_default());
                    if !written.contains(&place) {
                        let _ = self.api(client, &place.0).delete(&place.1, &DeleteParams::default()).await;
                    }
                }
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => params = params.continue_token(&token),
                    None => break,
                }
            }
        }
        Ok(())
    }
}
