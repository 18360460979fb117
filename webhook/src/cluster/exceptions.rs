//! The status of exceptions, kept by the leader: a condition `Active`, so that nobody relies on one that has ended.

use std::{sync::Arc, time::Duration};

use imgscan::kubernetes::{Exception, Policy, Standing};
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{GROUP, all, brief, resource, to_value};
use crate::state::State;

/// Between two looks: an exception ends by the clock, not by a change that a watch would see.
const EVERY: Duration = Duration::from_secs(10);
const PAGE: u32 = 200;

/// Keeps the conditions for ever.
pub async fn keep(client: Client, state: Arc<State>, leads: watch::Receiver<bool>) {
    // With a policy from a file, the cluster may never know the resource: said once, until it works again.
    let mut failing = false;
    loop {
        tokio::time::sleep(EVERY).await;
        // Without a policy, nothing is known about which namespaces count.
        if !*leads.borrow() || state.ready.missing().is_some() {
            continue;
        }
        let failed = round(&client, &state).await.err();
        if let Some(error) = failed.as_ref().filter(|_| !failing) {
            tracing::warn!(error = brief(error), "exceptions' status not written; it is tried again");
        }
        failing = failed.is_some();
    }
}

async fn round(client: &Client, state: &State) -> kube::Result<()> {
    let kind = resource(GROUP, "v1alpha1", "CredentialException", "credentialexceptions");
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = all(client, &kind).list(&params).await?;
        let now = jiff::Timestamp::now();
        for object in &page.items {
            let object = to_value(object);
            let Some(condition) = change(&object, &state.active.load().policy, now) else { continue };
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &text("/metadata/namespace"), &kind);
            let patch = json!({"status": {"conditions": [condition]}});
            if let Err(error) = api.patch_status(&text("/metadata/name"), &PatchParams::default(), &Patch::Merge(patch)).await {
                tracing::warn!(error = brief(&error), "exception's status not written");
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}

/// The condition to write, where it differs from what is there.
fn change(object: &Value, policy: &Policy, now: jiff::Timestamp) -> Option<Value> {
    let (status, reason, message) = match Exception::from_object(object) {
        // The message says which field is wrong; serde would quote its value.
        Err(_) => ("False", "Invalid", "a field is missing or not what it must be".to_owned()),
        Ok(exception) => match exception.standing(policy, now) {
            Standing::Active => ("True", "Active", format!("until {}", exception.expires)),
            Standing::Expired => ("False", "Expired", format!("since {}", exception.expires)),
            Standing::NotHonoured => ("False", "NotHonoured", "the policy's exceptionsFrom lacks this namespace".to_owned()),
            Standing::Invalid => ("False", "Invalid", "a field is not what it must be".to_owned()),
        },
    };
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default();
    let old = object.pointer("/status/conditions").and_then(Value::as_array);
    let old = old.into_iter().flatten().find(|condition| condition.get("type").and_then(Value::as_str) == Some("Active"));
    let was = |key: &str| old.and_then(|old| old.get(key)).and_then(Value::as_str).unwrap_or_default();
    let observed = old.and_then(|old| old.get("observedGeneration")).and_then(Value::as_i64);
    if (was("status"), was("reason"), was("message"), observed) == (status, reason, message.as_str(), Some(generation)) {
        return None;
    }
    let seconds = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
    let since = if was("status") == status { was("lastTransitionTime").to_owned() } else { seconds };
    Some(json!({
        "type": "Active", "status": status, "reason": reason, "message": message, "observedGeneration": generation,
        "lastTransitionTime": since,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_written_once_for_each_change() {
        let policy = Policy { exceptions_from: vec!["security".to_owned()], ..Policy::default() };
        let (early, late) = ("2026-05-31T00:00:00Z".parse().expect("time"), "2026-06-01T00:00:00Z".parse().expect("time"));
        let mut object = json!({"metadata": {"namespace": "security", "name": "e", "generation": 3}, "spec": {
            "fingerprints": ["0123456789abcdef0123456789abcdef"], "namespaces": ["a"], "reason": "x", "owner": "y", "expires": "2026-06-01T00:00:00Z"}});
        let active = change(&object, &policy, early).expect("a condition");
        assert_eq!((&active["status"], &active["observedGeneration"]), (&json!("True"), &json!(3)));
        object["status"] = json!({"conditions": [active]});
        assert_eq!(change(&object, &policy, early), None);
        let expired = change(&object, &policy, late).expect("it ended");
        assert_eq!(
            (&expired["status"], &expired["reason"], &expired["lastTransitionTime"]),
            (&json!("False"), &json!("Expired"), &json!("2026-06-01T00:00:00Z"))
        );
        assert_eq!(change(&object, &Policy::default(), early).expect("a condition")["reason"], "NotHonoured");
        object["spec"]["owner"] = json!("");
        assert_eq!(change(&object, &policy, early).expect("a condition")["reason"], "Invalid");
    }
}
