//! Load of the webhook on this machine: client and server in one process, over TLS on loopback.
//!
//!     cargo run --release -p imgscan-webhook --example load -- reviews [FOLDER OF MANIFESTS]
//!     cargo run --release -p imgscan-webhook --example load -- rate REVIEWS_PER_SECOND [FOLDER OF MANIFESTS]
//!     cargo run --release -p imgscan-webhook --example load -- large
//!     cargo run --release -p imgscan-webhook --example load -- index
//!
//! `reviews` sends AdmissionReviews for 20 seconds over 16 connections and prints rate and latencies; with a folder, each
//! object of its manifests in turn, else a typical pod. `rate` asks so many times a second for 10 seconds over 64 connections, and
//! counts each latency from the moment at which the review was due: one that waits for a late connection counts as slow. `large`
//! sends the largest legal reviews, 8.4 MB (a creation) and 16.8 MB (an update) of escapes, one after the other. `index` puts 30,000 Secrets of 32 KB in the index and prints memory.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use imgscan::{
    detect::{Engine, Scratch},
    fingerprint::Fingerprinter,
    kubernetes::{Documents, Policy},
};
use imgscan_webhook::{
    cluster::watch,
    router, server,
    state::{Limits, State},
    tls,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// How to ask.
#[derive(Clone, Copy)]
struct Load {
    seconds: u64,
    connections: usize,
    /// Reviews a second; as fast as they are answered otherwise.
    rate: Option<u32>,
}

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("reviews") => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
            runtime.block_on(reviews(bodies(args.next().as_deref()), Load { seconds: 20, connections: 16, rate: None }));
        }
        Some("rate") => {
            let rate = args.next().and_then(|text| text.parse().ok()).filter(|rate| *rate > 0).expect("reviews a second");
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
            runtime.block_on(reviews(bodies(args.next().as_deref()), Load { seconds: 10, connections: 64, rate: Some(rate) }));
        }
        Some("large") => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
            for old in [false, true] {
                runtime.block_on(reviews(vec![padded(old)], Load { seconds: 10, connections: 1, rate: None }));
            }
        }
        Some("index") => index(),
        _ => say("usage: load reviews [FOLDER] | load rate REVIEWS_PER_SECOND [FOLDER] | load large | load index"),
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(line: &str) {
    println!("{line}");
}

fn state() -> Arc<State> {
    let prints = Fingerprinter::with_key(&[7; 32]).expect("long enough");
    let state = State::new(Engine::new(Vec::new()), prints, Fingerprinter::built_in(), Limits::default(), false);
    state.set_policy(Policy::default());
    state.ready.index.store(true, Ordering::Release);
    Arc::new(state)
}

/// Kibibytes of this process, by the name of a line in /proc/self/status.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line));
    value.and_then(|text| text.trim().split(' ').next()).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn index() {
    let state = state();
    let mut scratch = Scratch::default();
    let before = memory("VmRSS:");
    let start = Instant::now();
    let mut seed = 1u64;
    let mut text = |length: usize| -> String {
        (0..length)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678901"[usize::try_from(seed % 64).expect("small")])
            })
            .collect()
    };
    for number in 0..30_000 {
        let encode = |value: String| serde_json::to_value(k8s_openapi::ByteString(value.into_bytes())).expect("base64");
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("secret-{number}"), "namespace": format!("team-{}", number % 300)},
            "data": {"token": encode(text(40)), "password": encode(text(32)), "api-key": encode(text(48)), "client-secret": encode(text(40)), "blob": encode(text(31_000))}});
        watch::index(&state, &secret, &mut scratch);
    }
    let (objects, prints) = (state.index().objects(), state.index().fingerprints());
    say(&format!(
        "{objects} Secrets, {prints} fingerprints in {:.1} s; resident {} KiB (before {before}), peak {} KiB",
        start.elapsed().as_secs_f64(),
        memory("VmRSS:"),
        memory("VmHWM:")
    ));
}

fn review(object: &Value) -> Vec<u8> {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"0c9a8d74-9cb7-44dd-b98e-09fd62def2f4","kind":{{"group":"","version":"v1","kind":{}}},"namespace":"{namespace}","operation":"CREATE","userInfo":{{"username":"jane"}},"object":{object},"oldObject":null,"dryRun":false}}}}"#,
        object["kind"]
    )
    .into_bytes()
}

/// A pod of 1.4 MB of `<` as the API server sends it: six bytes each, and twice in an update.
fn padded(old: bool) -> Vec<u8> {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "team"},
        "spec": {"containers": [{"name": "app", "image": "i", "args": ["<".repeat(1_400_000)]}]}});
    let text = String::from_utf8_lossy(&review(&pod))
        .replace("\"oldObject\":null", &if old { format!("\"oldObject\":{pod}") } else { "\"oldObject\":null".to_owned() });
    let text = if old { text.replace("\"CREATE\"", "\"UPDATE\"") } else { text };
    text.replace('<', "\\u003c").into_bytes()
}

fn bodies(folder: Option<&str>) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    if let Some(folder) = folder {
        collect(Path::new(folder), &mut bodies);
    } else {
        let env: Vec<Value> =
            (0..12).map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value-{n}.example.com:8080")})).collect();
        let container = |name: &str| {
            json!({"name": name, "image": "registry.example.com/team/app:1.2.3", "args": ["serve", "--port=8080", "--log-level", "info"], "env": env,
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}, "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
            "resources": {"limits": {"memory": "256Mi"}}})
        };
        bodies.push(review(
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app-7d4b9c", "namespace": "team", "labels": {"app": "app"}},
            "spec": {"containers": [container("app"), container("proxy")], "volumes": [{"name": "config", "configMap": {"name": "app"}}]}}),
        ));
    }
    bodies
}

fn collect(path: &Path, bodies: &mut Vec<Vec<u8>>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a readable folder");
        entries.flatten().for_each(|entry| collect(&entry.path(), bodies));
    } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        bodies.extend(Documents::parse(&text).objects.iter().map(|document| review(&document.object)));
    }
}

async fn reviews(bodies: Vec<Vec<u8>>, load: Load) {
    let state = state();
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let current = tls::Current::default();
    current.store(Some(Arc::new(tls::config(vec![certified.cert.der().clone()], key, None).expect("a configuration"))));
    let listener = server::listen("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/validate?timeout=5s", listener.local_addr().expect("an address"));
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(server::serve(listener, Some(current), router::router(state), stopped));
    let bodies: Arc<Vec<axum::body::Bytes>> = Arc::new(bodies.into_iter().map(axum::body::Bytes::from).collect());
    let sizes: Vec<usize> = bodies.iter().map(axum::body::Bytes::len).collect();
    // Time for the handshakes.
    let begin = Instant::now() + Duration::from_millis(500);
    let end = begin + Duration::from_secs(load.seconds);
    let workers: Vec<_> = (0..load.connections)
        .map(|worker| {
            let (bodies, url) = (Arc::clone(&bodies), url.clone());
            tokio::spawn(async move {
                let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
                let warm = client.post(&url).body(bodies.first().cloned().unwrap_or_default()).send().await.expect("an answer");
                let _ = warm.bytes().await.expect("a body");
                let mut latencies = Vec::new();
                tokio::time::sleep_until(begin.into()).await;
                for turn in 0.. {
                    let number = worker + turn * load.connections;
                    let mut start = Instant::now();
                    if let Some(rate) = load.rate {
                        start = begin + Duration::from_secs_f64(number as f64 / f64::from(rate));
                        if start < end {
                            tokio::time::sleep_until(start.into()).await;
                        }
                    }
                    if start >= end {
                        break;
                    }
                    let body = bodies.get(number % bodies.len()).cloned().unwrap_or_default();
                    let answer = client.post(&url).body(body).send().await.expect("an answer");
                    assert!(answer.status().is_success());
                    let _ = answer.bytes().await.expect("a body");
                    latencies.push(start.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.await.expect("no panic"));
    }
    latencies.sort_unstable();
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    say(&format!(
        "{} reviews of {} objects ({} bytes on average): {:.0}/s; p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms; peak {} KiB",
        latencies.len(),
        bodies.len(),
        sizes.iter().sum::<usize>() / sizes.len().max(1),
        latencies.len() as f64 / load.seconds as f64,
        at(0.5),
        at(0.99),
        at(0.999),
        memory("VmHWM:")
    ));
}
