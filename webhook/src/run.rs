//! `serve`: puts the parts together.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use imgscan::{detect::Engine, fingerprint::Fingerprinter, kubernetes::Policy};
use tokio::sync::watch;

use crate::{
    args::Serve,
    router, server,
    state::{Limits, State},
    tls::{Current, Files},
};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When an address is taken, or a file that the flags name cannot be used.
pub async fn serve(args: Serve) -> Result<()> {
    let limits = Limits { body: args.max_body, bodies: args.max_bodies, budget: args.budget, ..Limits::default() };
    let mut key = [0u8; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let index_prints = Fingerprinter::with_key(&key)?;
    let report_prints = match &args.fingerprint_key {
        Some(path) => Fingerprinter::with_key(&std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?)?,
        None => Fingerprinter::built_in(),
    };
    let state = Arc::new(State::new(Engine::new(Vec::new()), index_prints, report_prints, limits, false));
    if let Some(path) = &args.policy_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        state.set_policy(Policy::parse(&text)?);
        state.ready.index.store(true, Ordering::Release);
    }
    let current = Current::default();
    if let (Some(certificate), Some(key)) = (args.tls_certificate, args.tls_key) {
        let files = Files { certificate, key, client_ca: args.client_ca };
        files.load()?;
        tokio::spawn(files.follow(Arc::clone(&current), Arc::clone(&state), Duration::from_secs(5)));
    }
    let reviews = server::listen(&args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let operations =
        server::listen(&args.listen_operations).await.with_context(|| format!("cannot listen on {}", args.listen_operations))?;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(server::serve(reviews, Some(current), router::router(Arc::clone(&state)), stopped.clone()));
    let (stop_operations, stopped) = watch::channel(false);
    let operating = tokio::spawn(server::serve(operations, None, router::operations(Arc::clone(&state)), stopped));
    tracing::info!(address = args.listen, "serving");
    signal().await?;
    // Readiness fails first, and reviews are still answered until no API server sends any more.
    state.ready.draining.store(true, Ordering::Release);
    tracing::info!(seconds = args.drain.as_secs_f64(), "draining");
    tokio::time::sleep(args.drain).await;
    let _ = stop.send(true);
    let _ = serving.await;
    let _ = stop_operations.send(true);
    let _ = operating.await;
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
