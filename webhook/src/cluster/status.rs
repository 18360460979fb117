//! The policy's status: what each replica enforces, and the sum.

use std::{sync::Arc, time::Duration};

use kube::{
    Client,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{GROUP, all, brief, end, resource, to_value};
use crate::state::State;

/// Between two looks at the status.
const EVERY: Duration = Duration::from_secs(15);
/// Looks between two signs of life.
const ALIVE: u32 = 4;
/// Replicas that gave no sign of life for so many seconds are forgotten.
const FORGOTTEN: i64 = 200;

fn kind() -> kube::api::ApiResource {
    resource(GROUP, "v1alpha1", "CredentialPolicy", "credentialpolicies")
}

/// Says what this replica enforces. Each replica owns its own entry.
pub async fn of_replica(client: &Client, state: &State, policy: &str, replica: &str) {
    let Some(seen) = state.seen.load_full() else { return };
    let (generation, problem) = &*seen;
    let entry = json!({"observedGeneration": generation, "lastSeen": jiff::Timestamp::now().to_string(), "problem": problem});
    patch(client, policy, json!({"status": {"replicas": {replica: entry}}})).await;
}

async fn patch(client: &Client, policy: &str, change: Value) {
    let params = PatchParams::default();
    if let Err(error) = all(client, &kind()).patch_status(policy, &params, &Patch::Merge(change)).await {
        tracing::warn!(error = brief(&error), "status not written");
    }
}

/// Says every minute that this replica lives and, on the leader, sums up. At the end the replica takes itself out.
pub async fn keep(
    client: Client,
    state: Arc<State>,
    policy: String,
    replica: String,
    leads: watch::Receiver<bool>,
    mut ending: watch::Receiver<bool>,
) {
    let mut round = 0u32;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = end(&mut ending) => {
                patch(&client, &policy, json!({"status": {"replicas": {&replica: null}}})).await;
                return;
            }
        }
        round = round.wrapping_add(1);
        let Ok(object) = all(&client, &kind()).get(&policy).await else { continue };
        let object = to_value(&object);
        let status = object.get("status").cloned().unwrap_or_default();
        // Who was out of reach for long was forgotten, and enters itself again.
        if round.is_multiple_of(ALIVE) || status.pointer("/replicas").and_then(|all| all.get(&replica)).is_none() {
            of_replica(&client, &state, &policy, &replica).await;
        }
        if *leads.borrow() {
            let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
            if let Some(change) = sum(&status, generation, jiff::Timestamp::now()) {
                patch(&client, &policy, json!({"status": change})).await;
            }
        }
    }
}

/// What to change in the status, if anything.
fn sum(status: &Value, generation: i64, now: jiff::Timestamp) -> Option<Value> {
    let mut change = json!({});
    let (mut active, mut known, mut message) = (0, 0, String::new());
    let mut gone = json!({});
    for (name, replica) in status.get("replicas").and_then(Value::as_object).into_iter().flatten() {
        let seen = replica.get("lastSeen").and_then(Value::as_str).and_then(|text| text.parse::<jiff::Timestamp>().ok());
        if seen.is_none_or(|seen| now.as_second() - seen.as_second() > FORGOTTEN) {
            gone[name] = Value::Null;
            continue;
        }
        known += 1;
        let problem = replica.get("problem").and_then(Value::as_str).unwrap_or_default();
        if problem.is_empty() && replica.get("observedGeneration").and_then(Value::as_i64) == Some(generation) {
            active += 1;
        } else if !problem.is_empty() {
            message = problem.to_owned();
        }
    }
    let wanted = [("active", json!(known > 0 && active == known)), ("activeReplicas", json!(active)), ("message", json!(message))];
    for (key, value) in wanted {
        if status.get(key) != Some(&value) {
            change[key] = value;
        }
    }
    if gone.as_object().is_some_and(|gone| !gone.is_empty()) {
        change["replicas"] = gone;
    }
    change.as_object().is_some_and(|change| !change.is_empty()).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_counts_replicas_and_forgets_the_dead() {
        let now: jiff::Timestamp = "2026-01-01T00:10:00Z".parse().expect("time");
        let status = json!({"active": true, "replicas": {
            "a": {"observedGeneration": 2, "lastSeen": "2026-01-01T00:09:00Z", "problem": ""},
            "b": {"observedGeneration": 1, "lastSeen": "2026-01-01T00:09:00Z", "problem": ""},
            "c": {"observedGeneration": 1, "lastSeen": "2025-12-31T00:00:00Z", "problem": ""},
        }});
        let change = sum(&status, 2, now).expect("a change");
        assert_eq!(change, json!({"active": false, "activeReplicas": 1, "message": "", "replicas": {"c": null}}));
        let settled = json!({"active": true, "activeReplicas": 1, "message": "", "replicas": {"a": {"observedGeneration": 2, "lastSeen": "2026-01-01T00:09:00Z"}}});
        assert_eq!(sum(&settled, 2, now), None);
    }
}
