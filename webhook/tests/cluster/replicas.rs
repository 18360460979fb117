//! Several replicas behind one Service: T6, T7, and a leader that dies.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    objects::{enforce, literal, object, pod},
    replica::{Service, Webhook},
    samples::github,
    support::{Cluster, HOME},
};

/// What a load saw.
struct Seen {
    calls: u32,
    /// When, and what the API server said.
    failures: Vec<(Instant, String)>,
    took: Duration,
}

impl Seen {
    fn rate(&self) -> f64 {
        f64::from(self.calls) / self.took.as_secs_f64()
    }

    fn words(&self) -> String {
        let first = self.failures.first().map(|(_, text)| text.chars().take(300).collect::<String>());
        format!("{} of {} calls failed ({:.0}/s): {}", self.failures.len(), self.calls, self.rate(), first.unwrap_or_default())
    }
}

/// Creates pods in dry runs, 200 a second where the machine can. A failure is what is not the webhook's own answer.
async fn load(cluster: &Arc<Cluster>, namespace: &'static str, stop: Arc<AtomicBool>) -> Seen {
    const WORKERS: u32 = 16;
    let start = Instant::now();
    let calls = Arc::new(AtomicU32::new(0));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for _ in 0..WORKERS {
        let (cluster, calls, failures, stop) = (Arc::clone(cluster), Arc::clone(&calls), Arc::clone(&failures), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(u64::from(1000 * WORKERS / 200)));
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !stop.load(Ordering::Relaxed) {
                pace.tick().await;
                let outcome = cluster.dry_run(&pod(namespace, "load", literal(9))).await;
                calls.fetch_add(1, Ordering::Relaxed);
                match outcome {
                    Err(error) if error.contains("env GITHUB_TOKEN") => {}
                    Err(error) => failures.lock().expect("no panic").push((Instant::now(), error)),
                    Ok(_) => failures.lock().expect("no panic").push((Instant::now(), "admitted".to_owned())),
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let failures = std::mem::take(&mut *failures.lock().expect("no panic"));
    Seen { calls: calls.load(Ordering::Relaxed), failures, took: start.elapsed() }
}

/// A load in the background, and how to end it.
fn loading(cluster: &Arc<Cluster>, namespace: &'static str) -> (Arc<AtomicBool>, tokio::task::JoinHandle<Seen>) {
    let stop = Arc::new(AtomicBool::new(false));
    let (cluster, flag) = (Arc::clone(cluster), Arc::clone(&stop));
    (stop, tokio::spawn(async move { load(&cluster, namespace, flag).await }))
}

async fn ended((stop, running): (Arc<AtomicBool>, tokio::task::JoinHandle<Seen>)) -> Seen {
    stop.store(true, Ordering::Relaxed);
    let seen = running.await.expect("no panic");
    crate::say(&format!("  {}", seen.words()));
    seen
}

pub(crate) async fn t06_the_ca_rotates_under_load_without_a_failed_call(cluster: Arc<Cluster>) {
    cluster.namespace("t06", &[]).await;
    cluster.policy(enforce()).await;
    // A CA lives 30 s here, so that it is renewed after 20 s, with the leaves every 7 s.
    forget_ca(&cluster).await;
    let service = Service::start().await;
    let flags = ["--ca-life=30", "--leaf-life=10", "--ca-overlap=3"];
    let replicas = cluster.serving_behind(&service, &["t06a", "t06b"], &flags).await;
    let running = loading(&cluster, "t06");
    tokio::time::sleep(Duration::from_secs(45)).await;
    let seen = ended(running).await;
    let steps: usize = replicas.iter().map(|replica| replica.lines("the CA took a step")).sum();
    assert!(steps >= 4, "made, staged, switched, dropped: {steps}");
    for replica in &replicas {
        assert!(replica.lines("leaf renewed") >= 4, "each replica renews its own");
    }
    assert!(seen.rate() > 20.0, "{}", seen.words());
    assert!(seen.failures.is_empty(), "{}", seen.words());
}

/// The next replica makes a new CA, by its own flags.
async fn forget_ca(cluster: &Cluster) {
    let secret = object("v1", "Secret", HOME, "imgscan-webhook-ca");
    let _ = cluster.api(&secret).delete("imgscan-webhook-ca", &Default::default()).await;
}

pub(crate) async fn t07_a_rolling_restart_fails_no_call(cluster: Arc<Cluster>) {
    cluster.namespace("t07", &[]).await;
    forget_ca(&cluster).await;
    cluster.policy(enforce()).await;
    let service = Service::start().await;
    let mut replicas = cluster.serving_behind(&service, &["t07a", "t07b"], &["--drain=3"]).await;
    let running = loading(&cluster, "t07");
    tokio::time::sleep(Duration::from_secs(2)).await;
    // maxSurge 1, maxUnavailable 0: a new one is ready before an old one goes.
    for name in ["t07c", "t07d"] {
        let new = cluster.webhook(name, &["--drain=3"]);
        cluster.wait("the new replica", 60, || async { new.is_ready().await }).await;
        service.add(&new);
        replicas.push(new);
        let old = replicas.remove(0);
        old.terminate();
        cluster.wait("draining", 10, || async { old.get("/readyz").await.is_none_or(|(status, _)| status == 503) }).await;
        cluster.wait("its end", 20, || async { old.get("/healthz").await.is_none() }).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let seen = ended(running).await;
    assert!(seen.rate() > 20.0, "{}", seen.words());
    assert!(seen.failures.is_empty(), "{}", seen.words());
    let mut asked = 0;
    for replica in &replicas {
        asked += usize::from(replica.metric("controller_runtime_webhook_requests_total").await > 0.0);
    }
    assert!(asked > 0, "the new ones took over");
}

async fn leader(replicas: &[Webhook]) -> Option<usize> {
    for (number, replica) in replicas.iter().enumerate() {
        if replica.metric("leader_election_master_status").await > 0.0 {
            return Some(number);
        }
    }
    None
}

/// A node that is lost takes the calls with it that were under way there; nothing more, and its work is taken over.
pub(crate) async fn a_killed_leader_is_replaced(cluster: Arc<Cluster>) {
    cluster.namespace("killed", &[]).await;
    cluster.policy(enforce()).await;
    let service = Service::start().await;
    let mut replicas = cluster.serving_behind(&service, &["killed-a", "killed-b"], &[]).await;
    cluster.wait("a leader", 40, || async { leader(&replicas).await.is_some() }).await;
    let number = leader(&replicas).await.expect("a leader");
    let running = loading(&cluster, "killed");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut lost = replicas.remove(number);
    let killed = Instant::now();
    lost.kill();
    cluster.wait("another leader", 40, || async { leader(&replicas).await.is_some() }).await;
    let seen = ended(running).await;
    // Two seconds are what readiness probes and endpoints take; in a cluster it is the probe's period.
    let late = seen.failures.iter().filter(|(at, _)| at.saturating_duration_since(killed) > Duration::from_secs(2)).count();
    assert_eq!(late, 0, "{}", seen.words());
    assert!(seen.failures.len() < 64, "those under way, and those before the endpoint went: {}", seen.words());
}

/// Two replicas give the same answers: one key, one CA, one policy, and an index each from the same watch.
pub(crate) async fn replicas_share_nothing_but_the_cluster(cluster: Arc<Cluster>) {
    for name in ["same-a", "same-b"] {
        cluster.namespace(name, &[]).await;
    }
    cluster.policy(enforce()).await;
    cluster.watch_secrets(true).await;
    let service = Service::start().await;
    let replicas = cluster.serving_behind(&service, &["same-1", "same-2"], &["--watch-secrets"]).await;
    let mut secret = object("v1", "Secret", "same-a", "s");
    secret["stringData"] = json!({"token": github(10)});
    cluster.create(&secret).await.expect("the first holder");
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "x", "namespace": "same-b", "operation": "CREATE",
        "dryRun": true, "object": pod("same-b", "x", literal(10))}});
    let (first, second) = (&replicas[0], &replicas[1]);
    let both = || async { (first.review(&review).await.expect("an answer"), second.review(&review).await.expect("an answer")) };
    cluster
        .wait("the watches", 20, || async {
            let (one, other) = both().await;
            one == other && one["status"]["message"].as_str().is_some_and(|text| text.contains("shared-credential"))
        })
        .await;
    let mut leaders = 0;
    for replica in &replicas {
        leaders += usize::from(replica.metric("leader_election_master_status").await > 0.0);
    }
    assert!(leaders <= 1, "{leaders} leaders");
    drop(replicas);
    cluster.watch_secrets(false).await;
}
