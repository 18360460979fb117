//! Writes the Events that wait: one object for each that is the same, counted up for an hour.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Event;
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{brief, is_missing};
use crate::{
    events::{Events, Key, Occurrences},
    state::State,
};

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(5);
/// Writes in a round.
const WRITES: usize = 20;
/// API servers forget Events after an hour; so does this.
const LIFE: Duration = Duration::from_secs(3600);
/// Events that are remembered; beyond, the same becomes a second object.
const REMEMBERED: usize = 5000;

/// What was written already.
struct Written {
    name: String,
    count: u32,
    since: Instant,
}

/// Writes for ever; from now on, decisions are noted.
pub async fn keep(client: Client, state: Arc<State>, replica: String) {
    let events = state.events.get_or_init(Events::default);
    let mut written: HashMap<Key, Written> = HashMap::new();
    let mut round = tokio::time::interval(EVERY);
    loop {
        round.tick().await;
        written.retain(|_, known| known.since.elapsed() < LIFE);
        for (key, occurrences) in events.take(WRITES) {
            let api: Api<Event> = Api::namespaced(client.clone(), &key.regarding.namespace);
            if let Err(error) = write(&api, &mut written, key, occurrences, &replica).await {
                state.metrics.events_dropped.inc();
                tracing::warn!(error = brief(&error), "event not written");
            }
        }
    }
}

async fn write(
    api: &Api<Event>,
    written: &mut HashMap<Key, Written>,
    key: Key,
    occurrences: Occurrences,
    replica: &str,
) -> kube::Result<()> {
    // Whole seconds: `lastTimestamp` has no fractions.
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap_or_default().to_string();
    if let Some(known) = written.get_mut(&key) {
        let count = known.count.saturating_add(occurrences.count);
        let change = json!({"count": count, "lastTimestamp": now, "message": occurrences.message});
        match api.patch(&known.name, &PatchParams::default(), &Patch::Merge(change)).await {
            Ok(_) => {
                known.count = count;
                return Ok(());
            }
            // Someone removed it; it is made anew.
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let about = &key.regarding;
    let event = json!({
        "metadata": {"generateName": "imgscan-", "namespace": about.namespace},
        "involvedObject": {"apiVersion": about.api_version, "kind": about.kind, "namespace": about.namespace, "name": about.name, "uid": about.uid},
        "type": "Warning", "reason": key.reason, "message": occurrences.message, "count": occurrences.count,
        "firstTimestamp": now, "lastTimestamp": now,
        "source": {"component": "imgscan-webhook"}, "reportingComponent": "imgscan.dev/webhook", "reportingInstance": replica,
    });
    let event: Event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
    let created = api.create(&PostParams::default(), &event).await?;
    if written.len() < REMEMBERED {
        let name = created.metadata.name.unwrap_or_default();
        written.insert(key, Written { name, count: occurrences.count, since: Instant::now() });
    }
    Ok(())
}
