//! `POST /validate`, and the second port: `/healthz`, `/readyz`, `/metrics`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use imgscan::kubernetes::{Decision, undecided};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    admit::{Judged, judge},
    body,
    metrics::{AnswerLabels, ReasonLabels, VALIDATE, Webhook, WebhookCode},
    review::{Answer, Prefix, Request, decode, weight},
    state::State,
};

/// What the work may take longer than its budget to notice that it is over; well below the fifth of the API server's patience
/// that is left then.
const GRACE: Duration = Duration::from_millis(150);

/// What the API server talks to.
pub fn router(state: Arc<State>) -> Router {
    Router::new().route("/validate", post(validate)).route("/healthz", get(|| async { "ok" })).with_state(state)
}

/// What the kubelet and Prometheus talk to, in plain HTTP.
pub fn operations(state: Arc<State>) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(readyz)).route("/metrics", get(metrics)).with_state(state)
}

async fn readyz(Shared(state): Shared<Arc<State>>) -> Response {
    match state.ready.missing() {
        None => "ok".into_response(),
        Some(missing) => (StatusCode::SERVICE_UNAVAILABLE, missing).into_response(),
    }
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    {
        let index = state.index();
        state.metrics.index_objects.set(i64::try_from(index.objects()).unwrap_or(i64::MAX));
        state.metrics.index_fingerprints.set(i64::try_from(index.fingerprints()).unwrap_or(i64::MAX));
    }
    let in_force = state.exceptions_in_force(jiff::Timestamp::now());
    state.metrics.exceptions.set(i64::try_from(in_force).unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.encode()).into_response()
}

/// Always 200 with a decision.
async fn validate(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery, headers: HeaderMap, body: Body) -> Response {
    let start = Instant::now();
    let webhook = Webhook { webhook: VALIDATE };
    state.metrics.in_flight.get_or_create(&webhook).inc();
    let deadline = start + budget(state.limits.budget, query.as_deref());
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let patience = deadline.saturating_duration_since(Instant::now());
    let body = body::read(body, length, &state.bounds, patience).await;
    state.metrics.review_bytes.observe(body.bytes.len() as f64);
    let (answer, dry_run, undecided) = answer(Arc::clone(&state), body, deadline).await;
    let json = answer.to_json();
    state.metrics.in_flight.get_or_create(&webhook).dec();
    state.metrics.latency.get_or_create(&webhook).observe(start.elapsed().as_secs_f64());
    state.metrics.requests.get_or_create(&WebhookCode { webhook: VALIDATE, code: 200 }).inc();
    let labels =
        AnswerLabels { answer: if undecided { "undecided" } else { answer.word() }, dry_run: if dry_run { "true" } else { "false" } };
    state.metrics.answers.get_or_create(&labels).inc();
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

/// The API server says how long it waits (`?timeout=10s`); the answer must come well before.
fn budget(own: Duration, query: Option<&str>) -> Duration {
    let timeout = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let seconds = timeout.and_then(|text| text.strip_suffix('s')).and_then(|text| text.parse::<f64>().ok());
    match seconds {
        Some(seconds) if (0.1..=60.0).contains(&seconds) => own.min(Duration::from_secs_f64(seconds * 0.8)),
        _ => own,
    }
}

async fn answer(state: Arc<State>, body: body::Body, deadline: Instant) -> (Answer, bool, bool) {
    let prefix = Prefix::of(&body.bytes);
    if let Some(problem) = body.problem {
        return give_up(&state, prefix, "too-large", problem);
    }
    let body = Arc::new(body);
    let Some(room) = room(&state, &body, deadline).await else {
        return give_up(&state, prefix, "busy", "the webhook is busy");
    };
    let patience = deadline.saturating_duration_since(Instant::now());
    let Ok(Ok(permit)) = tokio::time::timeout(patience, Arc::clone(&state.workers).acquire_owned()).await else {
        return give_up(&state, prefix, "busy", "the webhook is busy");
    };
    let small = body.bytes.len() <= state.limits.at_once;
    // One thread at least must be free to answer probes, however long a small review takes.
    let here = if small { Arc::clone(&state.at_once).try_acquire_owned().ok() } else { None };
    let (worker, at_once) = (Arc::clone(&state), here.is_some());
    let work = move || {
        // Held as long as the work goes on, even where nobody waits for it any more.
        let _held = (permit, room, here);
        let request: Request = decode(&body.bytes)?;
        drop(body);
        let judged = judge(&worker, &request, deadline, jiff::Timestamp::now());
        Ok::<_, &'static str>((request.uid, request.dry_run, judged))
    };
    let judged = if at_once {
        // What is shared is behind locks that do not mind a panic; the scratch memory is cleared before each use.
        catch_unwind(AssertUnwindSafe(work)).map_err(drop)
    } else {
        // The work looks at the clock itself; should it not, the answer is given without it, and not by the API server.
        let judged = tokio::time::timeout_at((deadline + GRACE).into(), tokio::task::spawn_blocking(work));
        let Ok(judged) = judged.await else { return give_up(&state, prefix, "out-of-time", "the time for one review ran out") };
        judged.map_err(drop)
    };
    match judged {
        Ok(Ok((uid, dry_run, Judged { decision, undecided }))) => {
            log(&uid, &decision);
            if let Some(reason) = undecided {
                state.metrics.undecided.get_or_create(&ReasonLabels { reason }).inc();
            }
            (Answer::new(uid, decision), dry_run, undecided.is_some())
        }
        Ok(Err(problem)) => give_up(&state, prefix, "undecodable", problem),
        // A panic. Its message may hold a part of the object, so it is not repeated.
        Err(()) => {
            state.metrics.panics.inc();
            give_up(&state, prefix, "internal", "an internal error; please report it")
        }
    }
}

/// Room for what decoding takes: a body of a megabyte can hold objects of a hundred. Small ones are bounded by their number.
async fn room(state: &State, body: &Arc<body::Body>, deadline: Instant) -> Option<Option<OwnedSemaphorePermit>> {
    if body.bytes.len() <= body::SMALL {
        return Some(None);
    }
    let counted = Arc::clone(body);
    let weight = tokio::task::spawn_blocking(move || weight(&counted.bytes)).await.ok()?;
    let patience = deadline.saturating_duration_since(Instant::now());
    tokio::time::timeout(patience, state.decoded.acquire(weight)).await.ok()?.map(Some)
}

/// Decides by the policy what was not judged.
fn give_up(state: &State, prefix: Prefix, reason: &'static str, problem: &str) -> (Answer, bool, bool) {
    let facts = state.facts(&prefix.namespace);
    let decision = undecided(&state.active.load().policy, &facts, problem);
    state.metrics.undecided.get_or_create(&ReasonLabels { reason }).inc();
    tracing::warn!(uid = prefix.uid, reason, allowed = decision.allowed, "review not judged");
    (Answer::new(prefix.uid, decision), false, true)
}

/// Rules and fingerprints, never an object.
fn log(uid: &str, decision: &Decision) {
    if !decision.allowed || !decision.warnings.is_empty() {
        let denied = decision.audit.get("denied").map(String::as_str).unwrap_or_default();
        let warned = decision.audit.get("warned").map(String::as_str).unwrap_or_default();
        tracing::info!(uid, allowed = decision.allowed, denied, warned, "review");
    }
}
