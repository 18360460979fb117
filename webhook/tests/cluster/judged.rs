//! What is refused, and in which words: T1 to T5, T11, T12.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    objects::{definition, denied, enforce, literal, object, open, pod},
    samples::{alphanumeric, github},
    support::{Cluster, HOME},
};

pub(crate) async fn t01_ephemeral_containers_are_judged_by_delta(cluster: Arc<Cluster>) {
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

pub(crate) async fn t02_every_kind_and_a_custom_resource(cluster: Arc<Cluster>) {
    cluster.namespace("t02", &[]).await;
    let crd = definition("argoproj.io", "v1alpha1", "Rollout", &open());
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
    // What else everybody may read.
    for (api_version, kind, more) in [
        ("v1", "Service", json!({"spec": {"ports": [{"port": 80}]}})),
        ("v1", "ServiceAccount", json!({})),
        ("networking.k8s.io/v1", "Ingress", json!({"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}})),
    ] {
        let mut whole = object(api_version, kind, "t02", "x");
        whole.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        cluster.create(&whole).await.expect("without annotations");
        denied(cluster.patch(&whole, &json!({"metadata": {"annotations": {"note": github(3)}}})).await, "annotation note");
    }
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "t02"}, "spec": {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": "example.com", "volumeHandle": "v", "volumeAttributes": {"token": github(3)}}}});
    denied(cluster.create(&volume).await, "volumeAttributes");
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "t02"}, "provisioner": "example.com",
        "parameters": {"restuserkey": github(3)}});
    denied(cluster.create(&class).await, "restuserkey");
    let safe = json!([
        {"name": "GITHUB_TOKEN", "valueFrom": {"secretKeyRef": {"name": "github", "key": "token"}}},
        {"name": "PASSWORD", "value": "$(GITHUB_TOKEN)"}, {"name": "DB_PASSWORD_FILE", "value": "/run/secrets/db"},
    ]);
    cluster.create(&pod("t02", "safe", safe)).await.expect("references pass");
}

pub(crate) async fn t03_escapes_and_oversize_never_fail_open(cluster: Arc<Cluster>) {
    cluster.namespace("t03", &[]).await;
    cluster.policy(enforce()).await;
    // An unoptimised build on a busy machine gets more time than the chart gives.
    let webhook = cluster.serving("t03", &["--budget=20"]).await;
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
        let answer = create("padded", 1_400_000, literal(4)).await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
        assert_eq!(status, 403, "{policy}: {}", text.chars().take(300).collect::<String>());
        assert!(text.contains("env GITHUB_TOKEN"), "judged, not given up");
    }
    let answer = create("clean", 1_400_000, json!([])).await.expect("an answer");
    assert!(answer.status().is_success(), "a large clean pod passes");
    // An update carries the object twice: 16.8 MB. It is judged, within the time that the API server waits; how long it takes in
    // an optimised build is measured by `load large`.
    let (before, spent) =
        (webhook.metric("imgscan_admission_answers_total").await, webhook.metric("controller_runtime_webhook_latency_seconds_sum").await);
    let patch = |labels: Value| {
        http.patch(format!("{url}/api/v1/namespaces/t03/pods/clean"))
            .header("content-type", "application/merge-patch+json")
            .body(json!({"metadata": {"labels": labels}}).to_string())
            .send()
    };
    let answer = patch(json!({"a": "b"})).await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    let answer = patch(json!({"token": github(4)})).await.expect("an answer");
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
    assert!(status == 403 && text.contains("label token"), "{status}");
    assert!(webhook.metric("imgscan_admission_review_bytes_sum").await > 16.8e6 * 2.0 + 8.4e6 * 3.0);
    assert_eq!(webhook.metric("imgscan_admission_undecided_total").await, 0.0);
    assert!(webhook.metric("imgscan_admission_answers_total").await - before >= 2.0);
    let each = (webhook.metric("controller_runtime_webhook_latency_seconds_sum").await - spent) / 2.0;
    crate::say(&format!("  a review of 16.8 MB took {:.0} ms here", each * 1000.0));
    assert!(each < 20.0, "{each} s: the budget of one review here");
    let peak = webhook.memory("VmHWM:");
    crate::say(&format!("  {peak} KiB at the peak"));
    assert!(peak < 256 << 10, "{peak} KiB at the peak; the chart's limit is 512 MiB");
    // Many at once whose values take far more than their bytes: they wait for each other, or are given up in words.
    let object = format!("[{}0]", "0,".repeat(2_000_000));
    let body = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","namespace":"t03","operation":"CREATE","object":{{"kind":"Pod","spec":{object}}}}}}}"#
    );
    let many = (0..16).map(|_| webhook.send(body.clone()));
    let answers = futures_util::future::join_all(many).await;
    assert!(answers.iter().all(Option::is_some), "each is answered");
    let peak = webhook.memory("VmHWM:");
    crate::say(&format!("  {peak} KiB at the peak, with 16 reviews of 2 million values each"));
    assert!(peak < 448 << 10, "{peak} KiB at the peak; the chart's limit is 512 MiB");
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
    cluster.dry_run(&pod("t03", "probe", literal(5))).await.is_err_and(|error| error.starts_with("403"))
}

pub(crate) async fn t04_a_dry_run_leaves_no_trace(cluster: Arc<Cluster>) {
    for name in ["t04a", "t04b"] {
        cluster.namespace(name, &[]).await;
    }
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("t04", &[]).await;
    let secret = |namespace: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "stringData": {"token": github(6)}});
    cluster.dry_run(&secret("t04a")).await.expect("a dry run");
    cluster.dry_run(&secret("t04b")).await.expect("nothing was remembered");
    cluster.create(&secret("t04a")).await.expect("the first holder");
    denied(cluster.dry_run(&secret("t04b")).await, "shared-credential");
    let (_, metrics) = webhook.get("/metrics").await.expect("metrics");
    assert!(metrics.contains("imgscan_index_fingerprints 1"), "{metrics}");
    let events = cluster.api(&object("v1", "Event", "t04b", "")).list(&Default::default()).await.expect("a list");
    assert!(events.items.is_empty(), "a dry run's denial is no Event");
}

pub(crate) async fn t05_old_violators_stay_updatable_and_deleted_ones_are_judged(cluster: Arc<Cluster>) {
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

pub(crate) async fn t11_exceptions_end(cluster: Arc<Cluster>) {
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
    denied(cluster.dry_run(&object).await, "GITHUB_TOKEN");
    cluster.create(&exception(HOME, "good", &soon(30))).await.expect("stored");
    cluster.wait("the exception", 8, || async { cluster.dry_run(&object).await.is_ok() }).await;
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
    cluster.wait("its end", 40, || async { cluster.dry_run(&object).await.is_err() }).await;
    assert!(in_force(0).await, "it has ended");
    cluster.wait("its status", 25, || async { standing(HOME, "good").await == "Expired" }).await;
}

pub(crate) async fn t12_guessable_values_change_no_answer(cluster: Arc<Cluster>) {
    for name in ["t12a", "t12b", "t12c"] {
        cluster.namespace(name, &[]).await;
    }
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("t12", &[]).await;
    let secret = |namespace: &str, value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "stringData": {"password": value}});
    cluster.create(&secret("t12a", "Summer2024!")).await.expect("stored");
    let (same, other) = (cluster.dry_run(&secret("t12b", "Summer2024!")).await, cluster.dry_run(&secret("t12b", "Winter2025?")).await);
    assert!(same.is_ok() && other.is_ok(), "equal or not, the answer is the same");
    let strong = alphanumeric(11, 40);
    cluster.create(&secret("t12c", &strong)).await.expect("stored");
    let error = cluster.dry_run(&secret("t12b", &strong)).await.expect_err("denied");
    assert!(!error.contains("t12c") && !error.contains(&strong), "{error}");
}

pub(crate) async fn shared_keys_are_refused_across_namespaces(cluster: Arc<Cluster>) {
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
    cluster.watch_secrets(true).await;
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
    cluster.watch_secrets(false).await;
}
