//! Follows policies, exceptions, namespaces and, where the operator allows it, Secrets.

use std::{
    collections::{BTreeMap, HashSet},
    future::Future,
    sync::{Arc, atomic::Ordering},
};

use futures_util::StreamExt;
use imgscan::{
    detect::Scratch,
    kubernetes::{Exception, ObjectKey, Policy, Source, Subject, credentials},
};
use kube::{
    Client,
    api::DynamicObject,
    runtime::{WatchStreamExt, watcher, watcher::Event},
};
use serde_json::Value;

use super::{GROUP, all, resource, status, to_value};
use crate::{state::State, wipe::Wiped};

/// Where a watch says its name once it has delivered all there is.
pub type Loaded = tokio::sync::mpsc::Sender<&'static str>;

/// Objects a page: a Secret may hold 1 MiB.
const PAGE: u32 = 25;

/// Whoever lists must get on or be started again; errors are retried with backoff for ever. `loaded` is told the name beside it
/// once `on` has taken all that a list brings.
async fn follow<F, R>(client: &Client, kind: kube::api::ApiResource, loaded: Option<(Loaded, &'static str)>, mut on: F)
where
    F: FnMut(Event<DynamicObject>) -> R,
    R: Future<Output = ()>,
{
    let config = watcher::Config::default().page_size(PAGE);
    let mut events = std::pin::pin!(watcher(all(client, &kind), config).default_backoff());
    let mut broken = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                broken = false;
                let is_whole = matches!(event, Event::InitDone);
                on(event).await;
                if let Some((loaded, name)) = loaded.as_ref().filter(|_| is_whole) {
                    let _ = loaded.try_send(name);
                }
            }
            // The error may quote an object. It comes again with each attempt, also where the cluster does not know the kind.
            Err(_) if broken => {}
            Err(_) => {
                broken = true;
                tracing::warn!(kind = kind.kind, "watch broke off; it is started again until it works");
            }
        }
    }
}

/// Keeps the named policy in force. One that is deleted or invalid leaves the last good one in force.
pub async fn policy(client: Client, state: Arc<State>, name: String, replica: String) {
    let kind = resource(GROUP, "v1alpha1", "CredentialPolicy", "credentialpolicies");
    let mut known = None;
    follow(&client, kind, None, |event| {
        let changed = match event {
            Event::Apply(object) | Event::InitApply(object) if object.metadata.name.as_deref() == Some(&name) => {
                let generation = object.metadata.generation.unwrap_or_default();
                let is_new = known != Some((object.metadata.uid.clone(), generation));
                known = Some((object.metadata.uid.clone(), generation));
                is_new.then(|| (generation, to_value(&object)))
            }
            Event::Delete(object) if object.metadata.name.as_deref() == Some(&name) => {
                tracing::error!("the policy was deleted; its last version stays in force until this replica restarts");
                None
            }
            _ => None,
        };
        let problem = changed.as_ref().map(|(generation, object)| {
            let spec = object.get("spec").cloned().unwrap_or_default();
            let policy = serde_json::from_value::<Policy>(spec).map_err(|error| error.to_string());
            let policy = policy.and_then(|policy| policy.check().map(|()| policy).map_err(|error| error.to_string()));
            match policy {
                Ok(policy) => {
                    state.set_policy(policy);
                    tracing::info!(generation, "policy in force");
                    String::new()
                }
                Err(problem) => {
                    tracing::error!(generation, "the policy is invalid; the last good one stays in force");
                    problem
                }
            }
        });
        let is_new = changed.is_some();
        if let (Some((generation, _)), Some(problem)) = (changed, problem) {
            state.seen.store(Some(Arc::new((generation, problem))));
        }
        let (client, state, name, replica) = (client.clone(), Arc::clone(&state), name.clone(), replica.clone());
        async move {
            if is_new {
                status::of_replica(&client, &state, &name, &replica).await;
            }
        }
    })
    .await;
}

/// Keeps the exceptions. `loaded`, where readiness waits for them, is told once all are known: before, what they allow would be
/// refused.
pub async fn exceptions(client: Client, state: Arc<State>, loaded: Option<Loaded>) {
    let kind = resource(GROUP, "v1alpha1", "CredentialException", "credentialexceptions");
    let mut known: BTreeMap<(String, String), Exception> = BTreeMap::new();
    let mut fresh = BTreeMap::new();
    follow(&client, kind, loaded.map(|loaded| (loaded, "exceptions")), |event| {
        let key = |object: &DynamicObject| {
            (object.metadata.namespace.clone().unwrap_or_default(), object.metadata.name.clone().unwrap_or_default())
        };
        let set = |map: &mut BTreeMap<(String, String), Exception>, object: &DynamicObject| match Exception::from_object(&to_value(object))
        {
            Ok(exception) => {
                map.insert(key(object), exception);
            }
            Err(_) => {
                map.remove(&key(object));
                tracing::warn!("an exception is invalid and allows nothing");
            }
        };
        let publish = match event {
            Event::Init => {
                fresh.clear();
                false
            }
            Event::InitApply(object) => {
                set(&mut fresh, &object);
                false
            }
            Event::InitDone => {
                known = std::mem::take(&mut fresh);
                true
            }
            Event::Apply(object) => {
                set(&mut known, &object);
                true
            }
            Event::Delete(object) => {
                known.remove(&key(&object));
                true
            }
        };
        if publish {
            state.set_exceptions(known.values().cloned().collect());
        }
        std::future::ready(())
    })
    .await;
}

/// Keeps the labels of namespaces. `loaded` is told once all are known.
pub async fn namespaces(client: Client, state: Arc<State>, loaded: Loaded) {
    let kind = resource("", "v1", "Namespace", "namespaces");
    let mut seen = HashSet::new();
    follow(&client, kind, Some((loaded, "namespaces")), |event| {
        match event {
            Event::Init => seen.clear(),
            Event::InitApply(object) | Event::Apply(object) => {
                let name = object.metadata.name.clone().unwrap_or_default();
                state.index_mut().set_namespace(&name, object.metadata.labels.unwrap_or_default());
                seen.insert(name);
            }
            Event::Delete(object) => {
                let name = object.metadata.name.unwrap_or_default();
                seen.remove(&name);
                state.index_mut().remove_namespace(&name);
            }
            Event::InitDone => state.index_mut().retain_namespaces(&seen),
        }
        std::future::ready(())
    })
    .await;
}

/// Keeps the fingerprints of one core kind, `Secret` or `ConfigMap`. Each object is reduced to fingerprints and dropped.
pub async fn held(client: Client, state: Arc<State>, source: Source, loaded: Loaded) {
    let kind = match source {
        Source::Secret => resource("", "v1", "Secret", "secrets"),
        Source::ConfigMap | Source::Literal => resource("", "v1", "ConfigMap", "configmaps"),
    };
    let named = kind.clone();
    let loaded = (loaded, if source == Source::Secret { "secrets" } else { "config maps" });
    let mut scratch = Scratch::default();
    // What a further list brings, so that what went meanwhile is forgotten. The first one needs none, and is the largest.
    let mut relisted: Option<HashSet<ObjectKey>> = None;
    let mut begun = false;
    follow(&client, kind, Some(loaded), |event| {
        match event {
            Event::Init => {
                relisted = begun.then(HashSet::new);
                begun = true;
            }
            Event::InitApply(object) | Event::Apply(object) => {
                let key = index(&state, &Wiped::listed(object, &named), &mut scratch);
                if let Some(seen) = &mut relisted {
                    seen.insert(key);
                }
            }
            Event::Delete(object) => {
                let key = ObjectKey {
                    namespace: object.metadata.namespace.unwrap_or_default().into(),
                    source,
                    name: object.metadata.name.unwrap_or_default().into(),
                };
                state.index_mut().remove(&key);
            }
            Event::InitDone => {
                if let Some(seen) = relisted.take() {
                    state.index_mut().retain(source, &seen);
                }
            }
        }
        std::future::ready(())
    })
    .await;
}

/// Puts what a Secret or ConfigMap holds in the index.
pub fn index(state: &State, object: &Value, scratch: &mut Scratch) -> ObjectKey {
    let subject = Subject::of(object);
    let key = ObjectKey::of(&subject, subject.namespace);
    let active = state.active.load();
    if subject.is_core("Secret") {
        let held = credentials(object, &active.policy.sharing, &state.engine, &state.index_prints, scratch);
        state.index_mut().apply(object, key.clone(), held);
    } else {
        let prints = imgscan::kubernetes::Prints { report: &state.report_prints, cluster: &state.index_prints };
        let observed = imgscan::kubernetes::observe(object, None, &state.engine, prints, Default::default(), scratch);
        state.index_mut().apply_literals(object, key.clone(), &observed.found);
    }
    key
}

/// Opens readiness once `count` watches have delivered all there is.
pub async fn ready(state: Arc<State>, mut loaded: tokio::sync::mpsc::Receiver<&'static str>, count: usize) {
    // A watch that starts again says so again; it counts once.
    let mut done = HashSet::new();
    while let Some(watch) = loaded.recv().await {
        if done.insert(watch) && done.len() == count {
            state.ready.index.store(true, Ordering::Release);
            tracing::info!("namespaces, exceptions and index loaded");
        }
    }
}

#[cfg(test)]
mod tests {
    use imgscan::{detect::Engine, fingerprint::Fingerprinter};

    use super::*;

    #[tokio::test]
    async fn a_watch_that_starts_again_opens_no_readiness_for_another() {
        let prints = || Fingerprinter::with_key(&[7; 32]).expect("long enough");
        let state = Arc::new(State::new(Engine::new(Vec::new()), prints(), prints(), Default::default(), true));
        let (loaded, receiver) = tokio::sync::mpsc::channel(8);
        let waiting = tokio::spawn(ready(Arc::clone(&state), receiver, 2));
        for watch in ["namespaces", "namespaces", "namespaces"] {
            loaded.send(watch).await.expect("waits");
        }
        tokio::task::yield_now().await;
        assert!(!state.ready.index.load(Ordering::Acquire));
        loaded.send("secrets").await.expect("waits");
        drop(loaded);
        waiting.await.expect("no panic");
        assert!(state.ready.index.load(Ordering::Acquire));
    }
}
