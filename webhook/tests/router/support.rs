//! A router with a policy, and how to ask it.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use imgscan::{detect::Engine, fingerprint::Fingerprinter, kubernetes::Policy};
use imgscan_webhook::{
    router,
    state::{Limits, State},
};
use serde_json::Value;
use tower::ServiceExt;

/// A replica without a cluster.
pub(crate) struct Replica {
    pub(crate) state: Arc<State>,
    router: Router,
}

impl Replica {
    /// With the given policy (YAML).
    pub(crate) fn new(policy: &str) -> Self {
        Self::with_limits(policy, Limits::default())
    }

    pub(crate) fn with_limits(policy: &str, limits: Limits) -> Self {
        let prints = Fingerprinter::with_key(&[7; 32]).expect("long enough");
        let state = Arc::new(State::new(Engine::new(Vec::new()), prints, Fingerprinter::built_in(), limits, false));
        state.set_policy(Policy::parse(policy).expect("a valid policy"));
        state.ready.index.store(true, Ordering::Release);
        Self { router: router::router(Arc::clone(&state)), state }
    }

    /// Sends a body; the answer's `response`.
    pub(crate) async fn send(&self, body: impl Into<Body>) -> Value {
        let request =
            Request::post("/validate?timeout=10s").header("content-type", "application/json").body(body.into()).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::OK, "always 200");
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        let review: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(review["kind"], "AdmissionReview");
        review["response"].clone()
    }

    /// Sends a review of an object in a namespace.
    pub(crate) async fn review(&self, namespace: &str, object: &Value, old: Option<&Value>, dry_run: bool) -> Value {
        let response = self.send(review(namespace, object, old, dry_run)).await;
        assert_eq!(response["uid"], "u-1");
        response
    }

    /// Everything that operators can read.
    pub(crate) fn metrics(&self) -> String {
        self.state.metrics.encode()
    }
}

/// A review with its keys in the API server's order: what identifies the request comes before the object.
pub(crate) fn review(namespace: &str, object: &Value, old: Option<&Value>, dry_run: bool) -> String {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let old = old.unwrap_or(&Value::Null);
    let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u-1","kind":{{"group":"","version":"v1","kind":{kind}}},"name":{name},"namespace":"{namespace}","operation":"{operation}","userInfo":{{"username":"jane"}},"object":{object},"oldObject":{old},"dryRun":{dry_run}}}}}"#
    )
}
