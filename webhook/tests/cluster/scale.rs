//! T10: the index of a large cluster, filled by the watch of the real API server.
//!
//!     IMGSCAN_T10_SECRETS=30000 cargo test -p imgscan-webhook --test cluster t10     # the whole size; 8 GB of memory and some minutes

use std::sync::Arc;

use k8s_openapi::ByteString;
use serde_json::json;

use crate::{
    objects::{enforce, object},
    samples::alphanumeric,
    support::Cluster,
};

pub(crate) async fn t10_many_secrets_fit_in_little_memory(cluster: Arc<Cluster>) {
    let count: u64 = std::env::var("IMGSCAN_T10_SECRETS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    cluster.unregister().await;
    cluster.namespace("t10", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..16 {
        let cluster = Arc::clone(&cluster);
        tasks.spawn(async move {
            for number in (worker..count).step_by(16) {
                let encode = |length: usize, seed: u64| json!(ByteString(alphanumeric(number * 7 + seed, length).into_bytes()));
                let mut secret = object("v1", "Secret", "t10", &format!("secret-{number}"));
                secret["data"] = json!({"token": encode(40, 1), "password": encode(32, 2), "api-key": encode(48, 3), "client-secret": encode(40, 4),
                    "blob": encode(31_000, 5)});
                cluster.create(&secret).await.expect("stored");
            }
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.expect("no panic");
    }
    cluster.policy(enforce()).await;
    cluster.watch_secrets(true).await;
    let webhook = cluster.webhook("t10", &["--watch-secrets"]);
    cluster.wait("a ready replica", 600, || async { webhook.is_ready().await }).await;
    let indexed = webhook.metric("imgscan_index_objects").await;
    assert!(indexed >= count as f64, "ready, but only {indexed} of {count} are indexed");
    let (resident, peak) = (webhook.memory("VmRSS:"), webhook.memory("VmHWM:"));
    crate::say(&format!("  {count} Secrets of 32 KB: {resident} KiB resident, {peak} KiB at the peak"));
    assert!(resident < 64 << 10 && peak < 96 << 10, "{resident} KiB resident, {peak} KiB at the peak");
    drop(webhook);
    cluster.watch_secrets(false).await;
    let list = object("v1", "Secret", "t10", "");
    cluster.api(&list).delete_collection(&Default::default(), &Default::default()).await.expect("removed");
}
