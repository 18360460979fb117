//! What runs already, judged in the background by the very functions that judge at admission, and written as reports.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Instant,
};

use anyhow::Result;
use imgscan::{
    detect::Scratch,
    kubernetes::{Budget, Class, ObjectKey, Outcome, Prints, SharedUse, Subject, controller, decide, observe, overdue, secret_uses},
};
use kube::{
    Client,
    api::{ApiResource, ListParams},
};
use serde_json::Value;

use super::{
    all, brief, is_missing,
    reports::{Line, Reports},
    resource,
    watch::index,
};
use crate::{metrics::VerdictLabels, state::State, wipe::Wiped};

const PAGE: u32 = 25;
/// Kinds that controllers make from the template in their owner.
const FROM_TEMPLATES: [&str; 7] = ["Pod", "ReplicaSet", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet", "Job"];

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
        resource("", "v1", "Service", "services"),
        resource("", "v1", "ServiceAccount", "serviceaccounts"),
        resource("networking.k8s.io", "v1", "Ingress", "ingresses"),
        resource("", "v1", "PersistentVolume", "persistentvolumes"),
        resource("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
    ];
    // First, so that what others share with them is known.
    if secrets {
        kinds.insert(0, resource("", "v1", "Secret", "secrets"));
    }
    kinds.extend(also.iter().cloned());
    kinds
}

/// Group and kind of a controller.
type Owner = (String, String);

/// The controller that made an object.
fn owner(object: &Value) -> Option<Owner> {
    let owner = controller(object)?;
    let group = owner.get("apiVersion")?.as_str()?.split_once('/').map_or("", |(group, _)| group);
    Some((group.to_owned(), owner.get("kind")?.as_str()?.to_owned()))
}

/// Audits everything once. Returns how many objects had findings.
///
/// # Errors
/// When a kind cannot be listed; reports of what was seen are written all the same, and none is removed.
pub async fn run(client: &Client, state: &Arc<State>, kinds: &[ApiResource]) -> Result<usize> {
    let start = Instant::now();
    let reports = Reports::find(client).await;
    if reports.is_none() {
        tracing::warn!("the cluster has neither OpenReports nor PolicyReport; the audit only counts");
    }
    let mut written = HashSet::new();
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
            if let Some(reports) = &reports {
                reports.remove_stale(client, &written).await?;
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
    reports: Option<&Reports>,
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
            let object = Wiped::listed(object, kind);
            // What a controller made from a template is judged there, if that is audited at all. Other things that have an
            // owner (a ConfigMap, a Service) were not copied from it.
            match owner(&object).filter(|_| FROM_TEMPLATES.contains(&kind.kind.as_str())) {
                Some(owner) if covered.contains(&owner) => continue,
                // The kubelet's own pods belong to their node.
                Some((_, kind)) if kind == "Node" => {}
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
            if let Some(reports) = reports {
                reports.write(client, &object, &results).await;
            }
            written.insert(Reports::place(&object));
        }
        match next {
            Some(token) => params = ListParams::default().limit(PAGE).continue_token(&token),
            None => return Ok(()),
        }
    }
}

fn results(state: &State, object: &Value) -> Vec<Line> {
    let active = state.active.load();
    let subject = Subject::of(object);
    let facts = state.facts(subject.namespace);
    let now = jiff::Timestamp::now();
    let mut scratch = Scratch::default();
    let prints = Prints { report: &state.report_prints, cluster: &state.index_prints };
    let observed = observe(object, None, &state.engine, prints, Budget::default(), &mut scratch);
    let key = ObjectKey::of(&subject, subject.namespace);
    if subject.is_core("Secret") {
        index(state, object, &mut scratch);
    } else if !subject.namespace.is_empty() {
        state.index_mut().apply_literals(object, key.clone(), &observed.found);
    }
    let sharing = &active.policy.sharing;
    // What belongs to no namespace shares nothing between namespaces.
    let shared: Vec<SharedUse> = if subject.namespace.is_empty() {
        Vec::new()
    } else {
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
        let (rule, severity, text) = if !verdict.class.is_sharing() {
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
