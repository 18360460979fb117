//! T1 to T15 of the acceptance list; those that need no cluster are router tests.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use kube::api::PostParams;
use serde_json::{Value, json};

use crate::{
    samples::{alphanumeric, github},
    support::{Cluster, HOME},
};

type Test = fn(Arc<Cluster>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn all() -> Vec<(&'static str, Test)> {
            vec![$((stringify!($name), |cluster| Box::pin($name(cluster)))),+]
        }
    };
}

tests! {
    t08_not_ready_before_policy_and_index_are_loaded,
    t01_ephemeral_containers_are_judged_by_delta,
    t02_every_kind_and_a_custom_resource,
    t03_escapes_and_oversize_never_fail_open,
    t04_a_dry_run_leaves_no_trace,
    t05_old_violators_stay_updatable_and_deleted_ones_are_judged,
    t06_the_ca_rotates_under_load_without_a_failed_call,
    t07_a_rolling_restart_fails_no_call,
    t11_exceptions_end,
    t12_guessable_values_change_no_answer,
    events_are_counted_on_what_exists,
    shared_keys_are_refused_across_namespaces,
    the_audit_writes_one_report_for_each_object_with_findings,
    t14_without_the_api_server_reviews_are_still_answered,
    t09_no_secret_ever_leaves,
}

const ENFORCE: &str = r#"{"mode": "enforce", "exceptionsFrom": ["imgscan-system"], "sharing": {"secrets": {"write": "enforce"}}}"#;

fn enforce() -> Value {
    serde_json::from_str(ENFORCE).expect("JSON")
}

fn pod(namespace: &str, name: &str, env: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1", "env": env}]}})
}

fn literal(seed: u64) -> Value {
    json!([{"name": "GITHUB_TOKEN", "value": github(seed)}])
}

fn denied(outcome: Result<Value, String>, needle: &str) {
    match outcome {
        Ok(_) => panic!("admitted, not denied for {needle}"),
        Err(error) => assert!(error.starts_with("403") && error.contains(needle), "{error}"),
    }
}

async fn t08_not_ready_before_policy_and_index_are_loaded(cluster: Arc<Cluster>) {
    let policy = json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialPolicy"});
    cluster.api(&policy).delete("default", &Default::default()).await.expect("deleted");
    let webhook = cluster.webhook("t08", &[]);
    cluster.wait("a living replica", 30, || async { webhook.get("/healthz").await.is_some() }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (status, missing) = webhook.get("/readyz").await.expect("an answer");
    assert_eq!((status, missing.as_str()), (503, "no policy is loaded"));
    let object = json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialPolicy", "metadata": {"name": "default"}, "spec": {"mode": "enforce"}});
    cluster.create(&object).await.expect("the policy");
    cluster.wait("readiness", 60, || async { webhook.is_ready().await }).await;
    let bad = json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialPolicy", "metadata": {"name": "other"}, "spec": {"mode": "strict"}});
    assert!(cluster.create(&bad).await.is_err(), "the schema is checked");
    let status = || async {
        let policy = cluster.api(&policy).get("default").await.expect("the policy");
        serde_json::to_value(policy).expect("JSON")["status"].clone()
    };
    cluster.wait("the status", 60, || async { status().await["active"] == true }).await;
    assert_eq!(status().await["activeReplicas"], 1);
}

async fn t01_ephemeral_containers_are_judged_by_delta(cluster: Arc<Cluster>) {
    cluster.unregister().await;
    cluster.namespace("t01", &[]).await;
    let legacy = pod("t01", "legacy", literal(1));
    cluster.create(&legacy).await.expect("before the policy came");
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("t01", &[]).await;
    let (http, url) = cluster.raw();
    let debug = |name: &'static str, env: Value| {
        let body = json!({"spec": {"ephemeralContainers": [{"name": name, "image": "example.com/debug:1", "env": env}]}});
        http.patch(format!("{url}/api/v1/namespaces/t01/pods/legacy/ephemeralcontainers"))
            .header("content-type", "application/strategic-merge-patch+json")
            .body(body.to_string())
            .send()
    };
    let answer = debug("clean", json!([])).await.expect("an answer");
    assert!(answer.status().is_success(), "only the old environment is bad: {}", answer.text().await.unwrap_or_default());
    let answer = debug("bad", literal(2)).await.expect("an answer");
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("container bad, env GITHUB_TOKEN") && !text.contains(&github(2)), "{text}");
}

async fn t02_every_kind_and_a_custom_resource(cluster: Arc<Cluster>) {
    cluster.namespace("t02", &[]).await;
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "rollouts.argoproj.io"}, "spec": {
        "group": "argoproj.io", "scope": "Namespaced", "names": {"kind": "Rollout", "plural": "rollouts"},
        "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    cluster.create(&crd).await.expect("a definition");
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("t02", &[]).await;
    let template = |restart: &str| json!({"metadata": {"labels": {"app": "x"}}, "spec": {"restartPolicy": restart, "containers": [{"name": "app", "image": "example.com/app:1", "env": literal(3)}]}});
    let selector = json!({"matchLabels": {"app": "x"}});
    let apps = |kind: &str| json!({"apiVersion": "apps/v1", "kind": kind, "spec": {"selector": selector, "template": template("Always"), "serviceName": "x"}});
    let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {"selector": selector, "template": template("Always")}});
    let simple =
        |kind: &str| json!({"apiVersion": "apps/v1", "kind": kind, "spec": {"selector": selector, "template": template("Always")}});
    let objects = [
        pod("t02", "x", literal(3)),
        json!({"apiVersion": "v1", "kind": "PodTemplate", "template": template("Always")}),
        json!({"apiVersion": "v1", "kind": "ReplicationController", "spec": {"selector": {"app": "x"}, "template": template("Always")}}),
        simple("ReplicaSet"),
        simple("Deployment"),
        apps("StatefulSet"),
        daemon,
        json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": template("Never")}}),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template("Never")}}}}),
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"template": template("Always")}}),
    ];
    for mut object in objects {
        object["metadata"] = json!({"name": "x", "namespace": "t02"});
        denied(cluster.create(&object).await, "env GITHUB_TOKEN");
    }
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "t02"}, "data": {".env": format!("A=1\nGITHUB_TOKEN={}\n", github(3))}});
    denied(cluster.create(&map).await, "data .env");
    let mut args = pod("t02", "args", json!([]));
    args["spec"]["containers"][0]["args"] = json!(["serve", "--token", github(3)]);
    denied(cluster.create(&args).await, "args[2]");
    let mut probe = pod("t02", "probe", json!([]));
    probe["spec"]["containers"][0]["livenessProbe"] =
        json!({"httpGet": {"path": "/", "port": 80, "httpHeaders": [{"name": "Authorization", "value": format!("token {}", github(3))}]}});
    denied(cluster.create(&probe).await, "livenessProbe");
    let safe = json!([
        {"name": "GITHUB_TOKEN", "valueFrom": {"secretKeyRef": {"name": "github", "key": "token"}}},
        {"name": "PASSWORD", "value": "$(GITHUB_TOKEN)"}, {"name": "DB_PASSWORD_FILE", "value": "/run/secrets/db"},
    ]);
    cluster.create(&pod("t02", "safe", safe)).await.expect("references pass");
}

async fn t03_escapes_and_oversize_never_fail_open(cluster: Arc<Cluster>) {
    cluster.namespace("t03", &[]).await;
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("t03", &[]).await;
    let (http, url) = cluster.raw();
    // Sent as it is: a client library would escape it and meet the API server's own limit.
    let create = |name: &str, pad: usize, env: Value| {
        let mut pod = pod("t03", name, env);
        // Annotations hold 256 KiB at the most; the padding goes where the API sets no limit.
        pod["spec"]["containers"][0]["args"] = json!(["<".repeat(pad)]);
        http.post(format!("{url}/api/v1/namespaces/t03/pods")).header("content-type", "application/json").body(pod.to_string()).send()
    };
    for policy in ["Fail", "Ignore"] {
        cluster.register(webhook.port, policy).await;
        cluster.wait("the CA in the new configuration", 30, || async { reaches(&cluster).await }).await;
        let start = std::time::Instant::now();
        let answer = create("padded", 1_400_000, literal(4)).await.expect("an answer");
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}: within the webhook's timeoutSeconds, in a debug build too");
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
        assert_eq!(status, 403, "{policy}: {}", text.chars().take(300).collect::<String>());
        assert!(text.contains("env GITHUB_TOKEN"), "judged, not given up");
    }
    let answer = create("clean", 1_400_000, json!([])).await.expect("an answer");
    assert!(answer.status().is_success(), "a large clean pod passes");
    let rss = std::fs::read_to_string(format!("/proc/{}/status", webhook.child.id())).expect("a status");
    let peak: u64 = rss
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|t| t.trim().trim_end_matches(" kB").trim().parse().ok())
        .expect("a number");
    assert!(peak < 400 << 10, "{peak} KiB at the peak");
    drop(webhook);
    let small = cluster.serving("t03small", &["--max-body=1048576"]).await;
    cluster.register(small.port, "Ignore").await;
    cluster.wait("the CA in the new configuration", 30, || async { reaches(&cluster).await }).await;
    let answer = create("over", 1_400_000, json!([])).await.expect("an answer");
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
    assert!(status == 403 && text.contains("could not judge"), "over the limit it is denied in words: {status}");
}

/// Whether the API server gets answers: with `Ignore`, an unreachable webhook would admit.
async fn reaches(cluster: &Cluster) -> bool {
    let params = PostParams { dry_run: true, ..PostParams::default() };
    cluster.create_with(&pod("t03", "probe", literal(5)), &params).await.is_err_and(|error| error.starts_with("403"))
}

async fn t04_a_dry_run_leaves_no_trace(cluster: Arc<Cluster>) {
    for name in ["t04a", "t04b"] {
        cluster.namespace(name, &[]).await;
    }
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("t04", &[]).await;
    let secret = |namespace: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "stringData": {"token": github(6)}});
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    cluster.create_with(&secret("t04a"), &dry).await.expect("a dry run");
    cluster.create_with(&secret("t04b"), &dry).await.expect("nothing was remembered");
    cluster.create(&secret("t04a")).await.expect("the first holder");
    denied(cluster.create_with(&secret("t04b"), &dry).await, "shared-credential");
    let (_, metrics) = webhook.get("/metrics").await.expect("metrics");
    assert!(metrics.contains("imgscan_index_fingerprints 1"), "{metrics}");
}

async fn t05_old_violators_stay_updatable_and_deleted_ones_are_judged(cluster: Arc<Cluster>) {
    cluster.unregister().await;
    cluster.namespace("t05", &[]).await;
    let mut old = pod("t05", "old", literal(7));
    old["metadata"]["finalizers"] = json!(["example.com/hold"]);
    cluster.create(&old).await.expect("before the policy came");
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("t05", &[]).await;
    cluster.patch(&old, &json!({"metadata": {"labels": {"a": "b"}}})).await.expect("a label");
    cluster.api(&old).delete("old", &Default::default()).await.expect("deletion begins");
    let bad = cluster.patch(&old, &json!({"metadata": {"annotations": {"note": github(8)}}})).await;
    denied(bad, "annotation note");
    cluster.patch(&old, &json!({"metadata": {"finalizers": null}})).await.expect("the finalizer goes");
}

async fn t06_the_ca_rotates_under_load_without_a_failed_call(cluster: Arc<Cluster>) {
    cluster.namespace("t06", &[]).await;
    cluster.policy(enforce()).await;
    // A CA lives 30 s here, so that it is renewed after 20 s, with the leaf every 7 s.
    let secrets = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": HOME}});
    let _ = cluster.api(&secrets).delete("imgscan-webhook-ca", &Default::default()).await;
    let webhook = cluster.serving("t06", &["--ca-life=30", "--leaf-life=10", "--ca-overlap=3"]).await;
    let (calls, failures) = load(&cluster, "t06", Duration::from_secs(45), 8).await;
    let steps = std::fs::read_to_string(&webhook.log).unwrap_or_default().matches("the CA took a step").count();
    assert!(steps >= 4, "made, staged, switched, dropped: {steps}");
    assert!(calls > 200, "{calls}");
    assert_eq!(failures, 0, "of {calls}");
}

/// Creates pods in dry runs, each over a connection of its own every now and then. Calls, and those that did not get the
/// webhook's answer.
async fn load(cluster: &Arc<Cluster>, namespace: &'static str, time: Duration, workers: u32) -> (u32, u32) {
    let (calls, failures) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for _ in 0..workers {
        let (cluster, calls, failures, stop) = (Arc::clone(cluster), Arc::clone(&calls), Arc::clone(&failures), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let params = PostParams { dry_run: true, ..PostParams::default() };
            while !stop.load(Ordering::Relaxed) {
                let outcome = cluster.create_with(&pod(namespace, "load", literal(9)), &params).await;
                calls.fetch_add(1, Ordering::Relaxed);
                if !outcome.is_err_and(|error| error.contains("env GITHUB_TOKEN")) {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("no panic");
    }
    (calls.load(Ordering::Relaxed), failures.load(Ordering::Relaxed))
}

async fn t07_a_rolling_restart_fails_no_call(cluster: Arc<Cluster>) {
    cluster.namespace("t07", &[]).await;
    cluster.policy(enforce()).await;
    let first = cluster.serving("t07a", &["--drain=8"]).await;
    let busy = {
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move { load(&cluster, "t07", Duration::from_secs(20), 8).await })
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let second = cluster.webhook("t07b", &[]);
    cluster.wait("the second replica", 60, || async { second.is_ready().await }).await;
    // What the endpoint's controller does: the new one first, then the old one drains.
    let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "imgscan-webhook"}});
    let current = cluster.api(&object).get("imgscan-webhook").await.expect("the configuration");
    let mut webhooks = serde_json::to_value(current).expect("JSON")["webhooks"].clone();
    for webhook in webhooks.as_array_mut().expect("a list") {
        webhook["clientConfig"]["url"] = json!(format!("https://127.0.0.1:{}/validate", second.port));
    }
    first.terminate();
    cluster.patch(&object, &json!({"webhooks": webhooks})).await.expect("changed");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(first.get("/readyz").await.map(|(status, _)| status), Some(503), "draining");
    let (calls, failures) = busy.await.expect("no panic");
    assert!(calls > 100, "{calls}");
    assert_eq!(failures, 0, "of {calls}");
    assert!(first.get("/healthz").await.is_none(), "it has ended");
}

async fn t11_exceptions_end(cluster: Arc<Cluster>) {
    for name in ["t11", "t11home"] {
        cluster.namespace(name, &[]).await;
    }
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("t11", &[]).await;
    let object = pod("t11", "x", literal(10));
    let error = cluster.create(&object).await.expect_err("denied");
    let fingerprint = error.split("id ").nth(1).and_then(|rest| rest.get(..32)).expect("an id").to_owned();
    let exception = |home: &str, name: &str, expires: &str| {
        json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialException", "metadata": {"name": name, "namespace": home}, "spec": {
            "fingerprints": [fingerprint], "namespaces": ["t11"], "reason": "migration", "owner": "jane", "expires": expires}})
    };
    let soon = |seconds: i64| jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + seconds).expect("a time").to_string();
    cluster.create(&exception("t11home", "foreign", &soon(3600))).await.expect("stored");
    cluster.create(&exception(HOME, "expired", &soon(-1))).await.expect("stored");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    denied(cluster.create_with(&object, &dry).await, "GITHUB_TOKEN");
    cluster.create(&exception(HOME, "good", &soon(30))).await.expect("stored");
    cluster.wait("the exception", 8, || async { cluster.create_with(&object, &dry).await.is_ok() }).await;
    // The status says which count, and so does the metric.
    let standing = |home: &'static str, name: &'static str| {
        let cluster = Arc::clone(&cluster);
        async move {
            let kind = json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialException", "metadata": {"namespace": home}});
            let stored = serde_json::to_value(cluster.api(&kind).get(name).await.expect("stored")).expect("JSON");
            stored["status"]["conditions"][0]["reason"].as_str().unwrap_or_default().to_owned()
        }
    };
    let in_force = |count: u32| {
        let webhook = &webhook;
        async move { webhook.get("/metrics").await.expect("metrics").1.contains(&format!("imgscan_exceptions {count}\n")) }
    };
    assert!(in_force(1).await, "the good one alone");
    cluster.wait("its status", 25, || async { standing(HOME, "good").await == "Active" }).await;
    assert_eq!(standing("t11home", "foreign").await, "NotHonoured");
    assert_eq!(standing(HOME, "expired").await, "Expired");
    cluster.wait("its end", 40, || async { cluster.create_with(&object, &dry).await.is_err() }).await;
    assert!(in_force(0).await, "it has ended");
    cluster.wait("its status", 25, || async { standing(HOME, "good").await == "Expired" }).await;
}

async fn events_are_counted_on_what_exists(cluster: Arc<Cluster>) {
    cluster.namespace("events", &[]).await;
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("events", &[]).await;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    denied(cluster.create_with(&pod("events", "dry", literal(15)), &dry).await, "GITHUB_TOKEN");
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

async fn t12_guessable_values_change_no_answer(cluster: Arc<Cluster>) {
    for name in ["t12a", "t12b", "t12c"] {
        cluster.namespace(name, &[]).await;
    }
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("t12", &[]).await;
    let secret = |namespace: &str, value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "stringData": {"password": value}});
    cluster.create(&secret("t12a", "Summer2024!")).await.expect("stored");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let (same, other) =
        (cluster.create_with(&secret("t12b", "Summer2024!"), &dry).await, cluster.create_with(&secret("t12b", "Winter2025?"), &dry).await);
    assert!(same.is_ok() && other.is_ok(), "equal or not, the answer is the same");
    let strong = alphanumeric(11, 40);
    cluster.create(&secret("t12c", &strong)).await.expect("stored");
    let error = cluster.create_with(&secret("t12b", &strong), &dry).await.expect_err("denied");
    assert!(!error.contains("t12c") && !error.contains(&strong), "{error}");
}

async fn shared_keys_are_refused_across_namespaces(cluster: Arc<Cluster>) {
    let scope = ("imgscan.dev/credential-scope", "shop");
    cluster.namespace("shop-a", &[scope, ("imgscan.dev/environment", "prod")]).await;
    cluster.namespace("shop-b", &[scope, ("imgscan.dev/environment", "prod")]).await;
    cluster.namespace("shop-dev", &[scope, ("imgscan.dev/environment", "dev")]).await;
    cluster.namespace("stranger", &[]).await;
    let secret = |namespace: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "github", "namespace": namespace}, "stringData": {"token": github(12)}});
    cluster.unregister().await;
    for namespace in ["shop-a", "shop-b", "shop-dev", "stranger"] {
        cluster.create(&secret(namespace)).await.expect("before the policy came");
    }
    cluster.policy(enforce()).await;
    let rights = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "watch-secrets"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]});
    cluster.create(&rights).await.expect("a role");
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "watch-secrets"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "watch-secrets"},
        "subjects": [{"kind": "ServiceAccount", "name": "imgscan-webhook", "namespace": HOME}]});
    cluster.create(&binding).await.expect("a binding");
    let _webhook = cluster.serving("shared", &["--watch-secrets"]).await;
    let reference = json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "github", "key": "token"}}}]);
    for (namespace, needle) in [("stranger", "shared-credential"), ("shop-dev", "cross-environment-credential")] {
        let error = cluster.create(&pod(namespace, "x", reference.clone())).await.expect_err("denied");
        assert!(error.contains(needle) && error.contains("Secret github, key token"), "{error}");
        assert!(!error.contains("shop-a") && !error.contains("shop-b"), "no other namespace is named: {error}");
    }
    // Once the two others are gone, the two of one scope may share.
    for namespace in ["stranger", "shop-dev"] {
        cluster.api(&secret(namespace)).delete("github", &Default::default()).await.expect("deleted");
    }
    cluster.wait("the index", 10, || async { cluster.create(&pod("shop-a", "x", reference.clone())).await.is_ok() }).await;
}

async fn the_audit_writes_one_report_for_each_object_with_findings(cluster: Arc<Cluster>) {
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "reports.openreports.io", "annotations": {"api-approved.kubernetes.io": "unapproved, test"}}, "spec": {
        "group": "openreports.io", "scope": "Namespaced", "names": {"kind": "Report", "plural": "reports"},
        "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    cluster.create(&crd).await.expect("a definition");
    cluster.unregister().await;
    cluster.namespace("audited", &[]).await;
    cluster.create(&pod("audited", "bad", literal(13))).await.expect("before the policy came");
    cluster.create(&pod("audited", "good", json!([]))).await.expect("clean");
    let mut owned = pod("audited", "owned", literal(13));
    let owner = json!({"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "0c9a8d74-9cb7-44dd-b98e-09fd62def2f4", "controller": true});
    owned["metadata"]["ownerReferences"] = json!([owner]);
    cluster.create(&owned).await.expect("of a controller that nobody knows");
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("audit", &["--audit-every=2"]).await;
    let reports = json!({"apiVersion": "openreports.io/v1alpha1", "kind": "Report", "metadata": {"namespace": "audited"}});
    let list = || async {
        let list = cluster.api(&reports).list(&Default::default()).await.map(|list| list.items).unwrap_or_default();
        list.into_iter().map(|report| serde_json::to_value(report).expect("JSON")).collect::<Vec<_>>()
    };
    cluster.wait("the reports", 60, || async { list().await.len() >= 2 }).await;
    let found = list().await;
    assert_eq!(found.len(), 2, "none for the clean pod");
    let (_, metrics) = webhook.get("/metrics").await.expect("metrics");
    assert!(metrics.contains("imgscan_audit_uncovered_kinds 1"), "pods of an unknown kind are judged themselves, and said");
    let report = found.iter().find(|report| report["scope"]["name"] == "bad").expect("a report of the bad pod");
    assert_eq!((&report["scope"]["name"], &report["metadata"]["ownerReferences"][0]["name"]), (&json!("bad"), &json!("bad")));
    assert_eq!((&report["summary"]["fail"], &report["results"][0]["rule"]), (&json!(1), &json!("github-pat")));
    assert!(!report.to_string().contains(&github(13)));
    let bad = pod("audited", "bad", json!([]));
    cluster.api(&bad).delete("bad", &Default::default()).await.expect("deleted");
    cluster.wait("the report's end", 30, || async { list().await.iter().all(|report| report["scope"]["name"] != "bad") }).await;
}

async fn t14_without_the_api_server_reviews_are_still_answered(cluster: Arc<Cluster>) {
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("t14", &[]).await;
    let object = pod("default", "x", literal(14));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-14", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "x", "namespace": "default", "operation": "CREATE", "object": object}});
    // A webhook that is down decides by its failurePolicy: Fail refuses, Ignore admits.
    let answer = |webhook_port: u16| {
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
        let body = review.to_string();
        async move { http.post(format!("https://127.0.0.1:{webhook_port}/validate")).body(body).send().await.ok()?.json::<Value>().await.ok() }
    };
    assert_eq!(answer(webhook.port).await.expect("an answer")["response"]["allowed"], false);
    // The store hangs: what is loaded stays in force, nothing waits for the API server, and the watches go on afterwards.
    cluster.hold_etcd(true);
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_secs(8) {
        let asked = std::time::Instant::now();
        assert_eq!(answer(webhook.port).await.expect("an answer")["response"]["allowed"], false);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        assert!(webhook.is_ready().await, "ready all the same");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    cluster.hold_etcd(false);
    cluster.wait("the API server", 60, || async { cluster.ready().await }).await;
    cluster.policy(json!({"mode": "audit"})).await;
    cluster.wait("the new policy", 60, || async { answer(webhook.port).await.expect("an answer")["response"]["allowed"] == true }).await;
    cluster.policy(enforce()).await;
    let port = webhook.port;
    drop(webhook);
    cluster.register(port, "Fail").await;
    let refused = cluster.create(&pod("default", "down", json!([]))).await.expect_err("refused");
    assert!(refused.contains("failed calling webhook"), "{refused}");
    cluster.register(port, "Ignore").await;
    cluster.wait("Ignore", 20, || async { cluster.create(&pod("default", "down", json!([]))).await.is_ok() }).await;
    cluster.unregister().await;
}

/// Everything that was written by all tests before: every log at level trace, and every object that imgscan wrote.
async fn t09_no_secret_ever_leaves(cluster: Arc<Cluster>) {
    let mut written = String::new();
    for entry in std::fs::read_dir(cluster.folder.path()).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".log") && !name.starts_with("apiserver") && !name.starts_with("etcd") {
            written.push_str(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
    assert!(written.len() > 1000, "the logs are there");
    for (api_version, kind) in [
        ("openreports.io/v1alpha1", "Report"),
        ("v1", "Event"),
        ("imgscan.dev/v1alpha1", "CredentialException"),
        ("imgscan.dev/v1alpha1", "CredentialPolicy"),
        ("coordination.k8s.io/v1", "Lease"),
    ] {
        let list = cluster
            .api(&json!({"apiVersion": api_version, "kind": kind}))
            .list(&Default::default())
            .await
            .map(|list| list.items)
            .unwrap_or_default();
        written.push_str(&serde_json::to_string(&list).expect("JSON"));
    }
    for seed in 1..=15 {
        for canary in [github(seed), alphanumeric(11, 40), "Summer2024!".to_owned()] {
            let encoded = data_encoding_base64(canary.as_bytes());
            assert!(!written.contains(&canary) && !written.contains(&encoded), "a canary of seed {seed} leaked");
        }
    }
}

fn data_encoding_base64(bytes: &[u8]) -> String {
    serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec()))
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
