//! `serve`: puts the parts together.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use imgscan::{
    detect::Engine,
    fingerprint::Fingerprinter,
    kubernetes::{Policy, Source},
};
use tokio::sync::{mpsc, watch};

use crate::{
    args::Serve,
    cluster::{self, audit, ca, key, lease, status, watch as follow},
    metrics::LeaseName,
    router, server,
    state::{Limits, State},
    tls::{Current, Files, read},
};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When an address is taken, a file that the flags name cannot be used, or the API server cannot be asked for the key.
pub async fn serve(args: Serve) -> Result<()> {
    let limits = Limits { body: args.max_body, bodies: args.max_bodies, budget: args.budget, ..Limits::default() };
    let client = if args.standalone { None } else { Some(kube::Client::try_default().await.context("no way to the API server")?) };
    let index_prints = match &client {
        Some(client) => Fingerprinter::with_key(key::load(client, &args.namespace, &format!("{}-key", args.service)).await?.expose())?,
        None => {
            let mut key = [0u8; 32];
            getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
            Fingerprinter::with_key(&key)?
        }
    };
    let report_prints = match &args.fingerprint_key {
        Some(path) => Fingerprinter::with_key(&read(path)?)?,
        None => Fingerprinter::built_in(),
    };
    let state = Arc::new(State::new(Engine::new(Vec::new()), index_prints, report_prints, limits, client.is_some()));
    if let Some(path) = &args.policy_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        state.set_policy(Policy::parse(&text)?);
    }
    let current = Current::default();
    let has_files = args.tls_certificate.is_some();
    if let (Some(certificate), Some(key)) = (args.tls_certificate.clone(), args.tls_key.clone()) {
        let files = Files { certificate, key, client_ca: args.client_ca.clone() };
        files.load()?;
        tokio::spawn(files.follow(Arc::clone(&current), Arc::clone(&state), Duration::from_secs(5)));
    }
    let (end, ending) = watch::channel(false);
    match client {
        Some(client) => with_cluster(client, &args, &state, &current, has_files, &ending),
        None => state.ready.index.store(true, Ordering::Release),
    }
    let reviews = server::listen(&args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let operations =
        server::listen(&args.listen_operations).await.with_context(|| format!("cannot listen on {}", args.listen_operations))?;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(server::serve(reviews, Some(current), router::router(Arc::clone(&state)), stopped));
    let (stop_operations, stopped) = watch::channel(false);
    let operating = tokio::spawn(server::serve(operations, None, router::operations(Arc::clone(&state)), stopped));
    tracing::info!(address = args.listen, "serving");
    signal().await?;
    // Readiness fails first, and reviews are still answered until no API server sends any more.
    state.ready.draining.store(true, Ordering::Release);
    let _ = end.send(true);
    tracing::info!(seconds = args.drain.as_secs_f64(), "draining");
    tokio::time::sleep(args.drain).await;
    let _ = stop.send(true);
    let _ = serving.await;
    let _ = stop_operations.send(true);
    let _ = operating.await;
    Ok(())
}

/// Starts everything that follows or keeps something in the cluster.
fn with_cluster(
    client: kube::Client,
    args: &Serve,
    state: &Arc<State>,
    current: &Current,
    has_files: bool,
    ending: &watch::Receiver<bool>,
) {
    let (loaded, all_loaded) = mpsc::channel(8);
    // A policy from a file needs no custom resources in the cluster, so that exceptions may never come.
    let mut count = if args.policy_file.is_some() { 1 } else { 2 };
    tokio::spawn(follow::namespaces(client.clone(), Arc::clone(state), loaded.clone()));
    let awaited = args.policy_file.is_none().then(|| loaded.clone());
    tokio::spawn(follow::exceptions(client.clone(), Arc::clone(state), awaited));
    for (wanted, source) in [(args.watch_secrets, Source::Secret), (args.watch_config_maps, Source::ConfigMap)] {
        if wanted {
            count += 1;
            tokio::spawn(follow::held(client.clone(), Arc::clone(state), source, loaded.clone()));
        }
    }
    tokio::spawn(follow::ready(Arc::clone(state), all_loaded, count));
    let lease = format!("{}-leader", args.service);
    let leads = lease::compete(client.clone(), args.namespace.clone(), lease.clone(), args.replica.clone(), ending.clone());
    let gauge = state.metrics.leads.get_or_create_owned(&LeaseName { name: lease });
    let mut changes = leads.clone();
    tokio::spawn(async move {
        while changes.changed().await.is_ok() {
            gauge.set((*changes.borrow_and_update()).into());
        }
    });
    tokio::spawn(cluster::exceptions::keep(client.clone(), Arc::clone(state), leads.clone()));
    if args.events {
        tokio::spawn(cluster::events::keep(client.clone(), Arc::clone(state), args.replica.clone()));
    }
    if args.policy_file.is_none() {
        tokio::spawn(follow::policy(client.clone(), Arc::clone(state), args.policy.clone(), args.replica.clone()));
        tokio::spawn(status::keep(
            client.clone(),
            Arc::clone(state),
            args.policy.clone(),
            args.replica.clone(),
            leads.clone(),
            ending.clone(),
        ));
    }
    if !has_files {
        let (service, namespace) = (&args.service, &args.namespace);
        let mut names = vec![format!("{service}.{namespace}.svc"), format!("{service}.{namespace}.svc.cluster.local")];
        names.extend(args.tls_name.iter().cloned());
        let settings = ca::Settings {
            namespace: namespace.clone(),
            secret: format!("{service}-ca"),
            webhook: args.webhook_configuration.clone(),
            names,
            ca_life: args.ca_life,
            leaf_life: args.leaf_life,
            overlap: args.ca_overlap,
            every: args.ca_every,
            client_ca: args.client_ca.clone(),
        };
        tokio::spawn(ca::keep(client.clone(), settings, Arc::clone(current), Arc::clone(state), leads.clone()));
    }
    if args.audit_every > 0 {
        let also: Vec<_> = args.audit_also.iter().map(|r| cluster::resource(&r.group, &r.version, &r.kind, &r.plural)).collect();
        let kinds = audit::kinds(args.watch_secrets, &also);
        let (state, every) = (Arc::clone(state), Duration::from_secs(args.audit_every));
        let (configuration, mut told) = (args.webhook_configuration.clone(), BTreeSet::new());
        tokio::spawn(async move {
            loop {
                // The first audit waits until there is a policy, and for the lease.
                tokio::time::sleep(every.min(Duration::from_secs(20))).await;
                if !*leads.borrow() || state.ready.missing().is_some() {
                    continue;
                }
                match audit::run(&client, &state, &kinds).await {
                    Ok(objects) => tracing::info!(objects, "audit done"),
                    Err(error) => tracing::warn!(error = format!("{error:#}"), "audit incomplete"),
                }
                match cluster::custom::uncovered(&client, &configuration).await {
                    Ok(found) => {
                        state.metrics.uncovered_resources.set(i64::try_from(found.len()).unwrap_or(i64::MAX));
                        for (group, resource) in found.difference(&told) {
                            tracing::warn!(
                                group,
                                resource,
                                "can hold containers, and no rule names it: not judged at admission, its pods are; see webhook.customResources"
                            );
                        }
                        told = found;
                    }
                    Err(error) => tracing::warn!(error = format!("{error:#}"), "custom resources not looked through"),
                }
                tokio::time::sleep(every).await;
            }
        });
    }
}

/// Prints the CustomResourceDefinitions.
///
/// # Errors
/// When standard output is closed.
pub fn crds() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for definition in cluster::crd::definitions() {
        writeln!(out, "---\n{}", serde_yaml::to_string(&definition)?.trim_end())?;
    }
    Ok(())
}

async fn signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
