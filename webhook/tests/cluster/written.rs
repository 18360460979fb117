//! What the webhook writes: Events, reports, and nowhere a secret (T9).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    objects::{canaries, definition, denied, enforce, literal, object, pod},
    samples::github,
    support::Cluster,
};

pub(crate) async fn events_are_counted_on_what_exists(cluster: Arc<Cluster>) {
    cluster.namespace("events", &[]).await;
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("events", &[]).await;
    denied(cluster.dry_run(&pod("events", "dry", literal(15))).await, "GITHUB_TOKEN");
    for number in 0..12 {
        denied(cluster.create(&pod("events", &format!("x{number}"), literal(15))).await, "GITHUB_TOKEN");
    }
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "0c9a8d74-9cb7-44dd-b98e-09fd62def2f4", "controller": true});
    let mut owned = pod("events", "web-1", literal(15));
    owned["metadata"]["ownerReferences"] = json!([owner]);
    denied(cluster.create(&owned).await, "GITHUB_TOKEN");
    let clean = pod("events", "clean", json!([]));
    cluster.create(&clean).await.expect("clean");
    denied(cluster.patch(&clean, &json!({"metadata": {"annotations": {"note": github(15)}}})).await, "annotation note");
    let kind = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "events"}});
    let list = || async {
        let list = cluster.api(&kind).list(&Default::default()).await.expect("a list");
        list.items.into_iter().map(|event| serde_json::to_value(event).expect("JSON")).collect::<Vec<_>>()
    };
    let counts = || async {
        let mut counts: Vec<(String, u64)> = list()
            .await
            .iter()
            .map(|event| {
                let about = &event["involvedObject"];
                (format!("{}/{}", about["kind"], about["name"]).replace('"', ""), event["count"].as_u64().unwrap_or_default())
            })
            .collect();
        counts.sort();
        counts
    };
    let wanted =
        [("Namespace/events", 12), ("Pod/clean", 1), ("ReplicaSet/web", 1)].map(|(about, count)| (about.to_owned(), count)).to_vec();
    cluster.wait("the events", 20, || async { counts().await == wanted }).await;
    let all = serde_json::to_string(&list().await).expect("JSON");
    assert!(all.contains("CredentialDenied") && all.contains("github-pat") && !all.contains(&github(15)), "{all}");
    // What repeats counts up, in a later round too.
    denied(cluster.create(&pod("events", "again", literal(15))).await, "GITHUB_TOKEN");
    let later = ("Namespace/events".to_owned(), 13);
    cluster.wait("the count", 20, || async { counts().await.contains(&later) }).await;
    assert_eq!(list().await.len(), 3);
}

/// The schema of a report as it is published, the fields that the API server would drop if they were named otherwise.
/// Sources: `config/crd` of <https://github.com/openreports/reports-api> v0.2.1 and of the policy working group's v1alpha2.
fn report(group: &str, version: &str, kind: &str, namespaced: bool) -> Value {
    let text = || json!({"type": "string"});
    let result = json!({"type": "object", "required": ["policy"], "properties": {
        "category": text(), "message": text(), "policy": text(), "rule": text(), "source": text(), "scored": {"type": "boolean"},
        "properties": {"type": "object", "additionalProperties": {"type": "string"}},
        "result": {"type": "string", "enum": ["pass", "fail", "warn", "error", "skip"]},
        "severity": {"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
        "timestamp": {"type": "object", "required": ["nanos", "seconds"], "properties": {
            "nanos": {"type": "integer", "format": "int32"}, "seconds": {"type": "integer", "format": "int64"}}}}});
    let scope =
        json!({"type": "object", "properties": {"apiVersion": text(), "kind": text(), "name": text(), "namespace": text(), "uid": text()}});
    let number = || json!({"type": "integer"});
    let mut schema = json!({"type": "object", "properties": {
        "scope": scope, "results": {"type": "array", "items": result},
        "summary": {"type": "object", "properties": {"pass": number(), "fail": number(), "warn": number(), "error": number(), "skip": number()}}}});
    if group == "openreports.io" {
        schema["properties"]["source"] = text();
    }
    let mut definition = definition(group, version, kind, &schema);
    definition["spec"]["scope"] = json!(if namespaced { "Namespaced" } else { "Cluster" });
    definition
}

pub(crate) async fn the_audit_writes_one_report_for_each_object_with_findings(cluster: Arc<Cluster>) {
    // First a cluster that has the older kind alone, then one that has both.
    for (kind, namespaced) in [("PolicyReport", true), ("ClusterPolicyReport", false)] {
        cluster.create(&report("wgpolicyk8s.io", "v1alpha2", kind, namespaced)).await.expect("a definition");
    }
    cluster.unregister().await;
    cluster.namespace("audited", &[]).await;
    cluster.create(&pod("audited", "bad", literal(13))).await.expect("before the policy came");
    cluster.create(&pod("audited", "good", json!([]))).await.expect("clean");
    let owner = |api_version: &str, kind: &str| json!([{"apiVersion": api_version, "kind": kind, "name": "w", "uid": "0c9a8d74-9cb7-44dd-b98e-09fd62def2f4", "controller": true}]);
    let mut owned = pod("audited", "owned", literal(13));
    owned["metadata"]["ownerReferences"] = owner("example.com/v1", "Widget");
    cluster.create(&owned).await.expect("of a controller that nobody knows");
    let mut from_template = pod("audited", "from-template", literal(13));
    from_template["metadata"]["ownerReferences"] = owner("apps/v1", "ReplicaSet");
    cluster.create(&from_template).await.expect("judged at its ReplicaSet");
    // A ConfigMap is no copy of its owner, whoever that is.
    let mut map = object("v1", "ConfigMap", "audited", "settings");
    map["metadata"]["ownerReferences"] = owner("apps/v1", "Deployment");
    map["data"] = json!({"app.env": format!("GITHUB_TOKEN={}\n", github(13))});
    cluster.create(&map).await.expect("before the policy came");
    let mut service = object("v1", "Service", "audited", "web");
    service["spec"] = json!({"ports": [{"port": 80}]});
    service["metadata"]["annotations"] = json!({"note": github(13)});
    cluster.create(&service).await.expect("before the policy came");
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "audited"}, "provisioner": "example.com",
        "parameters": {"restuserkey": github(13)}});
    cluster.create(&class).await.expect("before the policy came");
    // A custom resource that can hold containers and that no rule names.
    let container = json!({"type": "object", "properties": {"env": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "value": {"type": "string"}}}}}});
    let widget = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"containers": {"type": "array", "items": container}}}}});
    cluster.create(&definition("example.com", "v1", "Widget", &widget)).await.expect("a definition");
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("audit", &["--audit-every=2"]).await;
    let wanted = ["bad", "owned", "settings", "web"];
    let named = |reports: &[Value]| {
        let of_ours = reports.iter().filter(|report| report["metadata"]["namespace"] == "audited");
        let mut names: Vec<String> = of_ours.filter_map(|report| report["scope"]["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    };
    for (group, kind, cluster_kind) in
        [("wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport"), ("openreports.io/v1alpha1", "Report", "ClusterReport")]
    {
        if kind == "Report" {
            for (kind, namespaced) in [("Report", true), ("ClusterReport", false)] {
                cluster.create(&report("openreports.io", "v1alpha1", kind, namespaced)).await.expect("a definition");
            }
        }
        cluster.wait(kind, 90, || async { named(&cluster.list(group, kind).await) == wanted }).await;
        cluster
            .wait(cluster_kind, 30, || async {
                cluster.list(group, cluster_kind).await.iter().any(|report| report["scope"]["name"] == "audited")
            })
            .await;
        for report in cluster.list(group, kind).await.iter().chain(&cluster.list(group, cluster_kind).await) {
            assert_eq!(report["metadata"]["ownerReferences"][0]["name"], report["scope"]["name"]);
            assert_eq!(report["metadata"]["ownerReferences"][0]["uid"], report["scope"]["uid"]);
            assert!(!report.to_string().contains(&github(13)));
            let result = &report["results"][0];
            assert!(result["message"].as_str().is_some_and(|text| text.len() > 10), "a field that the schema lacks is dropped: {result}");
            for field in ["policy", "rule", "severity", "result", "source", "timestamp", "category"] {
                assert!(!result[field].is_null(), "{field}");
            }
        }
        let all = cluster.list(group, kind).await;
        let bad = all.iter().find(|report| report["scope"]["name"] == "bad").expect("a report of the bad pod");
        assert_eq!((&bad["summary"]["fail"], &bad["results"][0]["rule"]), (&json!(1), &json!("github-pat")));
    }
    assert_eq!(webhook.metric("imgscan_audit_uncovered_kinds").await, 1.0, "pods of an unknown kind are judged themselves, and said");
    cluster.wait("the custom resources", 30, || async { webhook.metric("imgscan_admission_uncovered_resources").await > 0.0 }).await;
    let log = std::fs::read_to_string(&webhook.log).expect("a log");
    assert!(log.lines().any(|line| line.contains("no rule names it") && line.contains("widgets")), "said by name");
    assert!(!log.lines().any(|line| line.contains("no rule names it") && line.contains("rollouts")), "what is named is not");
    let bad = pod("audited", "bad", json!([]));
    cluster.api(&bad).delete("bad", &Default::default()).await.expect("deleted");
    cluster
        .wait("the report's end", 30, || async {
            !named(&cluster.list("openreports.io/v1alpha1", "Report").await).contains(&"bad".to_owned())
        })
        .await;
}

/// MISSION.md's row on rotation: what is allowed depends on the namespace's environment (30 days in development, 90 in production).
pub(crate) async fn an_old_secret_is_in_the_audit_report(cluster: Arc<Cluster>) {
    cluster.namespace("aged-dev", &[("imgscan.dev/environment", "dev")]).await;
    cluster.namespace("aged-prod", &[("imgscan.dev/environment", "prod")]).await;
    let now = jiff::Timestamp::now();
    let secrets = [("aged-dev", "month", 40_i64), ("aged-dev", "week", 7), ("aged-prod", "month", 40), ("aged-prod", "quarter", 100)];
    for (number, (namespace, name, days)) in secrets.into_iter().enumerate() {
        let mut secret = object("v1", "Secret", namespace, name);
        let created = now - jiff::SignedDuration::from_hours(24 * days);
        secret["metadata"]["creationTimestamp"] = json!(created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        secret["metadata"]["uid"] = json!(format!("0c9a8d74-9cb7-44dd-b98e-09fd62def2f{number}"));
        secret["data"] = json!({"token": k8s_openapi::ByteString(github(40 + number as u64).into_bytes())});
        secret["type"] = json!("Opaque");
        cluster.store("secrets", &secret).await;
    }
    cluster.policy(enforce()).await;
    cluster.watch_secrets(true).await;
    let _webhook = cluster.serving("aged", &["--watch-secrets", "--audit-every=2"]).await;
    let overdue = || async {
        let mut found = Vec::new();
        for report in cluster.list("openreports.io/v1alpha1", "Report").await {
            for result in report["results"].as_array().into_iter().flatten().filter(|result| result["rule"] == "rotation-overdue") {
                let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let (scope, properties) = (&report["scope"], &result["properties"]);
                found.push([&scope["namespace"], &scope["name"], &properties["ageDays"], &properties["limitDays"]].map(of).join(" "));
            }
        }
        found.sort();
        found
    };
    cluster.wait("the reports", 60, || async { overdue().await == ["aged-dev month 40 30", "aged-prod quarter 100 90"] }).await;
    cluster.watch_secrets(false).await;
}

/// Everything that was written by all tests before: every log at the level trace, every metric, the API server's log and its
/// audit log, and every object that imgscan wrote.
pub(crate) async fn t09_no_secret_ever_leaves(cluster: Arc<Cluster>) {
    let mut written = String::new();
    for entry in std::fs::read_dir(cluster.folder.path()).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".metrics") || name.ends_with(".log") && !name.starts_with("etcd") {
            written.push_str(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
    for needle in
        ["\"level\":\"TRACE\"", "controller_runtime_webhook_latency_seconds_bucket", "\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io"]
    {
        assert!(written.contains(needle), "{needle}: what is looked through is there");
    }
    for (api_version, kind) in [
        ("openreports.io/v1alpha1", "Report"),
        ("openreports.io/v1alpha1", "ClusterReport"),
        ("wgpolicyk8s.io/v1alpha2", "PolicyReport"),
        ("v1", "Event"),
        ("imgscan.dev/v1alpha1", "CredentialException"),
        ("imgscan.dev/v1alpha1", "CredentialPolicy"),
        ("coordination.k8s.io/v1", "Lease"),
    ] {
        written.push_str(&serde_json::to_string(&cluster.list(api_version, kind).await).expect("JSON"));
    }
    let annotated = written.lines().filter(|line| line.contains("workloads.imgscan.dev/denied")).count();
    assert!(annotated > 0, "the API server's audit log has the webhook's annotations");
    for canary in canaries() {
        for form in [canary.clone(), base64(canary.as_bytes()), canary[4..24.min(canary.len())].to_owned()] {
            // A part of a weak one is a word; the whole is looked for.
            if form.len() < 16 && form != canary {
                continue;
            }
            if let Some(at) = written.find(&form) {
                let start = written[..at].rfind('\n').unwrap_or_default();
                let line: String = written[start..at].chars().take(400).collect();
                panic!("a canary leaked, behind: {line}");
            }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let value = serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec())).expect("JSON");
    value.as_str().map(str::to_owned).expect("text")
}
