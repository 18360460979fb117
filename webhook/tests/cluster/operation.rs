//! Readiness, client certificates, and what happens when something is down: T8, T14.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    authority::authority,
    objects::{denied, enforce, literal, object, pod},
    support::{Cluster, HOME},
};

pub(crate) async fn t08_not_ready_before_policy_and_index_are_loaded(cluster: Arc<Cluster>) {
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
    let status = || async {
        let policy = cluster.api(&policy).get("default").await.expect("the policy");
        serde_json::to_value(policy).expect("JSON")["status"].clone()
    };
    cluster.wait("the status", 60, || async { status().await["active"] == true }).await;
    assert_eq!(status().await["activeReplicas"], 1);
    // Without the right to read Secrets, an index that is to hold them is never complete.
    let blind = cluster.webhook("t08blind", &["--watch-secrets"]);
    cluster.wait("everything else", 30, || async { status().await["activeReplicas"] == 2 }).await;
    let (status_code, missing) = blind.get("/readyz").await.expect("an answer");
    assert_eq!((status_code, missing.as_str()), (503, "namespaces, exceptions and the index are not loaded"));
    // Who ends takes himself out of the status, and leaves the lease to others.
    drop((blind, webhook));
    cluster.wait("the replicas' end", 10, || async { status().await["replicas"].as_object().is_none_or(|all| all.is_empty()) }).await;
    let lease = cluster.api(&object_of_lease()).get("imgscan-webhook-leader").await.expect("the lease");
    assert_eq!(lease.data["spec"]["holderIdentity"], json!(""));
}

fn object_of_lease() -> Value {
    object("coordination.k8s.io/v1", "Lease", HOME, "imgscan-webhook-leader")
}

pub(crate) async fn only_an_api_server_with_a_certificate_is_answered(cluster: Arc<Cluster>) {
    cluster.namespace("clients", &[]).await;
    cluster.policy(enforce()).await;
    let path = cluster.folder.path().join("client-ca.crt");
    std::fs::copy(cluster.folder.path().join("ca.crt"), &path).expect("a file");
    let flag = format!("--client-ca={}", path.display());
    // The API server shows its certificate: admission goes on.
    let webhook = cluster.serving("clients", &[&flag]).await;
    denied(cluster.create(&pod("clients", "x", literal(10))).await, "env GITHUB_TOKEN");
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u", "operation": "CREATE"}});
    assert!(webhook.review(&review).await.is_none(), "nobody else is answered");
    assert!(webhook.is_ready().await, "probes need no certificate");
    let read = |name: &str| std::fs::read(cluster.folder.path().join(name)).expect("a file");
    let pem = [read("server.key"), read("server.crt")].concat();
    let with_certificate = || {
        let identity = reqwest::Identity::from_pem(&pem).expect("an identity");
        let http = reqwest::Client::builder().identity(identity).tls_danger_accept_invalid_certs(true).build().expect("a client");
        http.post(format!("https://127.0.0.1:{}/validate", webhook.port)).body(review.to_string()).send()
    };
    assert!(with_certificate().await.is_ok(), "as the API server");
    // The file is followed: under another CA, that certificate is worth nothing for new connections.
    std::fs::write(&path, authority("another").0).expect("a file");
    cluster.wait("the new CA", 30, || async { with_certificate().await.is_err() }).await;
    cluster.unregister().await;
}

pub(crate) async fn t14_without_the_api_server_reviews_are_still_answered(cluster: Arc<Cluster>) {
    cluster.policy(enforce()).await;
    let webhook = cluster.serving("t14", &[]).await;
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-14", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "x", "namespace": "default", "operation": "CREATE",
        "object": pod("default", "x", literal(14))}});
    let allowed = || async { webhook.review(&review).await.expect("an answer")["allowed"].clone() };
    assert_eq!(allowed().await, false);
    // The store hangs: what is loaded stays in force, nothing waits for the API server, and the watches go on afterwards.
    cluster.hold_etcd(true);
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_secs(8) {
        let asked = std::time::Instant::now();
        assert_eq!(allowed().await, false);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        assert!(webhook.is_ready().await, "ready all the same");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    cluster.hold_etcd(false);
    cluster.wait("the API server", 60, || async { cluster.ready().await }).await;
    cluster.policy(json!({"mode": "audit"})).await;
    cluster.wait("the new policy", 60, || async { allowed().await == true }).await;
    cluster.policy(enforce()).await;
    let secret = object("v1", "Secret", "default", "t14");
    cluster.create(&secret).await.expect("while it is up");
    let port = webhook.port;
    drop(webhook);
    // A webhook that is down decides by its failurePolicy: Fail refuses, Ignore admits.
    cluster.register(port, "Fail").await;
    cluster.wait("Fail", 20, || async { cluster.dry_run(&pod("default", "down", json!([]))).await.is_err() }).await;
    let refused = cluster.create(&pod("default", "down", json!([]))).await.expect_err("refused");
    assert!(refused.contains("failed calling webhook"), "{refused}");
    // A cluster can restart all the same: its own namespaces, the webhook's, nodes, leases, volumes, new namespaces, deletions.
    for namespace in ["kube-system", HOME] {
        let mut own = object("v1", "ConfigMap", namespace, "while-it-is-down");
        own["data"] = json!({"a": "b"});
        cluster.create(&own).await.expect(namespace);
        cluster.dry_run(&pod(namespace, "own", json!([]))).await.map_or_else(
            // The pod is not restricted, which is another plugin's affair.
            |error| assert!(namespace == HOME && error.contains("PodSecurity"), "{error}"),
            drop,
        );
    }
    cluster.namespace("t14new", &[]).await;
    cluster.create(&object("v1", "ServiceAccount", "t14new", "default")).await.expect("what each namespace gets");
    let mut node = object("v1", "Node", "", "n1");
    node["metadata"].as_object_mut().expect("an object").remove("namespace");
    cluster.create(&node).await.expect("a node");
    cluster.create(&object("coordination.k8s.io/v1", "Lease", "default", "l")).await.expect("a lease");
    cluster.api(&secret).delete("t14", &Default::default()).await.expect("deletions never wait");
    cluster.register(port, "Ignore").await;
    cluster.wait("Ignore", 20, || async { cluster.create(&pod("default", "down", json!([]))).await.is_ok() }).await;
    // The way out that the documentation gives.
    cluster.register(port, "Fail").await;
    cluster.wait("Fail", 20, || async { cluster.dry_run(&pod("default", "out", json!([]))).await.is_err() }).await;
    cluster.unregister().await;
    cluster.wait("the way out", 20, || async { cluster.create(&pod("default", "out", json!([]))).await.is_ok() }).await;
}
