//! What runs already, judged in the background by the very functions that judge at admission, and written as reports:
//! OpenReports (`openreports.io/v1alpha1`) where the cluster has them, or else PolicyReport (`wgpolicyk8s.io/v1alpha2`).
//!
//! One report for each object *with* findings, owned by it, so that the garbage collector removes it; none for clean
//! objects, and no intermediate ones: reports must not fill etcd.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Instant,
};

use anyhow::Result;
use imgscan::{
    detect::Scratch,
    kubernetes::{Budget, Class, ObjectKey, Outcome, Prints, SharedUse, Subject, decide, observe, overdue, secret_uses},
};
use kube::{
    Client,
    api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{all, brief, is_missing, resource, to_value, watch::index};
use crate::{metrics::VerdictLabels, state::State};

const PAGE: u32 = 25;
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The kinds that are audited. Custom resources come on top (`--audit-also`).
pub fn kinds(secrets: bool, also: &[ApiResource]) -> Vec<ApiResource> {
    let mut kinds = vec![
        resource("", "v1", "ConfigMap", "configmaps"),
        resource("", "v1", "Pod", "pods"),
        resource("", "v1", "PodTemplate", "podtemplates"),
        resource("", "v1", "ReplicationController", "replicationcontrollers"),
        resource("apps", "v1", "Deployment", "deployments"),
        resource("apps", "v1", "ReplicaSet", "replicasets"),
        resource("apps", "v1", "StatefulSet", "statefulsets"),
        resource("apps", "v1", "DaemonSet", "daemonsets"),
        resource("batch", "v1", "Job", "jobs"),
        resource("batch", "v1", "CronJob", "cronjobs"),
    ];
    // First, so that what others share with them is known.
    if secrets {
        kinds.insert(0, resource("", "v1", "Secret", "secrets"));
    }
    kinds.extend(also.iter().cloned());
    kinds
}

/// The report kind that the cluster has.
async fn report_kind(client: &Client) -> Option<ApiResource> {
    let candidates = [
        resource("openreports.io", "v1alpha1", "Report", "reports"),
        resource("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports"),
    ];
    for candidate in candidates {
        if all(client, &candidate).list(&ListParams::default().limit(1)).await.is_ok() {
            return Some(candidate);
        }
    }
    None
}

/// Group and kind of a controller.
type Owner = (String, String);

/// The controller that made an object.
fn owner(object: &Value) -> Option<Owner> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    let group = owner.get("apiVersion")?.as_str()?.split_once('/').map_or("", |(group, _)| group);
    Some((group.to_owned(), owner.get("kind")?.as_str()?.to_owned()))
}

/// Audits everything once. Returns how many objects had findings.
///
/// # Errors
/// When a kind cannot be listed; reports of what was seen are written all the same, and none is removed.
pub async fn run(client: &Client, state: &Arc<State>, kinds: &[ApiResource]) -> Result<usize> {
    let start = Instant::now();
    let reports = report_kind(client).await;
    if reports.is_none() {
        tracing::warn!("the cluster has neither OpenReports nor PolicyReport; the audit only counts");
    }
    let mut written: HashSet<(String, String)> = HashSet::new();
    let mut counts: BTreeMap<(&'static str, &'static str), i64> = BTreeMap::new();
    let mut failed = None;
    let covered: HashSet<Owner> = kinds.iter().map(|kind| (kind.group.clone(), kind.kind.clone())).collect();
    let mut uncovered = HashSet::new();
    for kind in kinds {
        let owners = (&covered, &mut uncovered);
        if let Err(error) = audit_kind(client, state, kind, reports.as_ref(), &mut written, &mut counts, owners).await {
            tracing::warn!(kind = kind.kind, error = format!("{error:#}"), "kind not audited");
            failed = Some(error);
        }
    }
    state.metrics.audit_uncovered_kinds.set(i64::try_from(uncovered.len()).unwrap_or(i64::MAX));
    state.metrics.audit_violations.clear();
    for ((class, outcome), count) in counts {
        state.metrics.audit_violations.get_or_create(&VerdictLabels { class, outcome }).set(count);
    }
    state.metrics.audit_duration.set(start.elapsed().as_secs_f64());
    match failed {
        Some(error) => Err(error),
        None => {
            if let Some(kind) = &reports {
                remove_stale(client, kind, &written).await?;
            }
            state.metrics.audit_last_run.set(jiff::Timestamp::now().as_second());
            Ok(written.len())
        }
    }
}

async fn audit_kind(
    client: &Client,
    state: &Arc<State>,
    kind: &ApiResource,
    reports: Option<&ApiResource>,
    written: &mut HashSet<(String, String)>,
    counts: &mut BTreeMap<(&'static str, &'static str), i64>,
    (covered, uncovered): (&HashSet<Owner>, &mut HashSet<Owner>),
) -> Result<()> {
    let api = all(client, kind);
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = match api.list(&params).await {
            Ok(page) => page,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => anyhow::bail!("{}", brief(&error)),
        };
        let next = page.metadata.continue_.clone().filter(|token| !token.is_empty());
        for object in page.items {
            let mut object = to_value(&object);
            object["apiVersion"] = Value::String(kind.api_version.clone());
            object["kind"] = Value::String(kind.kind.clone());
            // What a controller made is judged at the object that it was made from, if that is audited at all.
            match owner(&object) {
                Some(owner) if covered.contains(&owner) => continue,
                Some(owner) if uncovered.insert(owner.clone()) => {
                    let (group, kind) = owner;
                    tracing::warn!(group, kind, "pods of a kind that is not audited, nor perhaps judged at admission; see --audit-also");
                }
                Some(_) | None => {}
            }
            let worker = Arc::clone(state);
            let (object, results) = tokio::task::spawn_blocking(move || {
                let results = results(&worker, &object);
                (object, results)
            })
            .await?;
            for result in &results {
                *counts.entry((result.class, result.outcome)).or_default() += 1;
            }
            if results.is_empty() {
                continue;
            }
            let name = report_name(&object);
            let subject = Subject::of(&object);
            written.insert((subject.namespace.to_owned(), name.clone()));
            if let Some(reports) = reports {
                let report = report(reports, &object, &name, &results);
                let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), subject.namespace, reports);
                let params = PatchParams::apply("imgscan-webhook-audit").force();
                if let Err(error) = api.patch(&name, &params, &Patch::Apply(report)).await {
                    tracing::warn!(error = brief(&error), "report not written");
                }
            }
        }
        match next {
            Some(token) => params = ListParams::default().limit(PAGE).continue_token(&token),
            None => return Ok(()),
        }
    }
}

/// One line of a report. Says nothing that its reader could not see in the object itself, besides that others hold the same.
struct Line {
    class: &'static str,
    outcome: &'static str,
    rule: String,
    severity: &'static str,
    text: String,
    properties: BTreeMap<&'static str, String>,
}

fn results(state: &State, object: &Value) -> Vec<Line> {
    let active = state.active.load();
    let subject = Subject::of(object);
    let facts = state.facts(subject.namespace);
    let now = jiff::Timestamp::now();
    let mut scratch = Scratch::default();
    let prints = Prints { report: &state.report_prints, cluster: &state.index_prints };
    let observed = observe(object, None, &state.engine, prints, Budget::default(), &mut scratch);
    let key: ObjectKey = if subject.is_core("Secret") || subject.is_core("ConfigMap") {
        index(state, object, &mut scratch)
    } else {
        let key = ObjectKey::of(&subject, subject.namespace);
        state.index_mut().apply_literals(object, key.clone(), &observed.found);
        key
    };
    let sharing = &active.policy.sharing;
    let shared: Vec<SharedUse> = {
        let index = state.index();
        let mut shared = index.of_literals(&key, &observed.found, sharing);
        shared.extend(index.of_uses(&key, &secret_uses(object), sharing));
        shared.extend(index.of_held(&key, sharing));
        shared
    };
    let decision = decide(&active.policy, &active.exceptions, &facts, &subject, &observed.found, &shared, now);
    let mut lines = Vec::new();
    for verdict in &decision.verdicts {
        let outcome = match verdict.outcome {
            Outcome::Ignored | Outcome::Excepted => continue,
            Outcome::Audited => "audited",
            Outcome::Warned => "warned",
            Outcome::Denied => "denied",
        };
        let mut properties = BTreeMap::new();
        let (rule, severity, text) = if matches!(verdict.class, Class::Literal | Class::ConfigMap) {
            let Some(o) = observed.found.get(verdict.index) else { continue };
            properties.insert("pointer", o.pointer.clone());
            properties.insert("fingerprint", o.fingerprint.to_string());
            let place = o.container.as_ref().map_or_else(|| o.label.clone(), |name| format!("container {name}, {}", o.label));
            (o.rule.id.to_string(), o.severity.as_str(), format!("{place}: {} {}", o.rule.title, o.secret.redacted(o.visible)))
        } else {
            let Some(s) = shared.get(verdict.index) else { continue };
            properties.insert("pointer", s.pointer.clone());
            properties.insert("fingerprint", s.fingerprint.to_string());
            let rule = if s.crosses_environments { "cross-environment-credential" } else { "shared-credential" };
            let others = if s.crosses_environments { "another environment" } else { "another namespace" };
            (rule.to_owned(), if s.crosses_environments { "high" } else { "medium" }, format!("{}: also used in {others}", s.label))
        };
        lines.push(Line { class: verdict.class.as_str(), outcome, rule, severity, text, properties });
    }
    if subject.is_core("Secret")
        && let Some((days, limit)) = overdue(object, &active.policy, &facts, now)
    {
        let text = format!("its data is {days} days old; the policy allows {limit}");
        let properties = [("ageDays", days.to_string()), ("limitDays", limit.to_string())].into();
        lines.push(Line {
            class: Class::Rotation.as_str(),
            outcome: "audited",
            rule: "rotation-overdue".to_owned(),
            severity: "medium",
            text,
            properties,
        });
    }
    lines
}

/// Stable for the object's life: its kind and uid.
fn report_name(object: &Value) -> String {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    format!("imgscan-{kind}-{uid}")
}

fn report(kind: &ApiResource, object: &Value, name: &str, lines: &[Line]) -> Value {
    let subject = Subject::of(object);
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let text = if kind.group == "openreports.io" { "description" } else { "message" };
    let now = json!({"seconds": jiff::Timestamp::now().as_second(), "nanos": 0});
    let results: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "source": "imgscan", "policy": format!("imgscan-{}", line.class), "rule": line.rule, "category": "Credentials",
                "severity": line.severity, "result": if line.outcome == "denied" { "fail" } else { "warn" }, text: line.text,
                "properties": line.properties, "timestamp": now,
            })
        })
        .collect();
    let failed = lines.iter().filter(|line| line.outcome == "denied").count();
    let mut report = json!({
        "apiVersion": kind.api_version, "kind": kind.kind,
        "metadata": {
            "name": name, "namespace": subject.namespace, "labels": {MANAGED_BY: "imgscan"},
            "ownerReferences": [{"apiVersion": api_version, "kind": subject.kind, "name": subject.name, "uid": uid}],
        },
        "scope": {"apiVersion": api_version, "kind": subject.kind, "name": subject.name, "namespace": subject.namespace, "uid": uid},
        "results": results,
        "summary": {"pass": 0, "fail": failed, "warn": lines.len() - failed, "error": 0, "skip": 0},
    });
    if kind.group == "openreports.io" {
        report["source"] = json!("imgscan");
    }
    report
}

/// Removes reports of objects that have no findings any more. Those of deleted objects go by their owner.
async fn remove_stale(client: &Client, kind: &ApiResource, written: &HashSet<(String, String)>) -> Result<()> {
    let mut params = ListParams::default().labels(&format!("{MANAGED_BY}=imgscan")).limit(500);
    loop {
        let page = all(client, kind).list_metadata(&params).await.map_err(|error| anyhow::anyhow!("{}", brief(&error)))?;
        for report in page.items {
            let (namespace, name) = (report.metadata.namespace.unwrap_or_default(), report.metadata.name.unwrap_or_default());
            if !written.contains(&(namespace.clone(), name.clone())) {
                let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, kind);
                let _ = api.delete(&name, &DeleteParams::default()).await;
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}
