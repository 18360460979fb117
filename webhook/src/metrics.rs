//! `/metrics`: the names that people know from controller-runtime, and imgscan's own. No label holds a namespace, an
//! object's name or a user: they would multiply without bound.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// The only webhook.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Webhook {
    /// Always `/validate`.
    pub webhook: &'static str,
}

/// By HTTP status.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct WebhookCode {
    /// Always `/validate`.
    pub webhook: &'static str,
    /// HTTP status.
    pub code: u16,
}

/// The only lease.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct LeaseName {
    /// Name of the Lease.
    pub name: String,
}

/// By answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct AnswerLabels {
    /// `allowed`, `warned`, `denied` or `undecided`.
    pub answer: &'static str,
    /// `true` for dry runs.
    pub dry_run: &'static str,
}

/// By violation.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct VerdictLabels {
    /// `literal`, `config-map`, `shared`, `cross-environment`, `rotation`.
    pub class: &'static str,
    /// `audited`, `warned`, `denied`, `excepted`.
    pub outcome: &'static str,
}

/// By reason.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ReasonLabels {
    /// `too-large`, `undecodable`, `incomplete`, `out-of-time`, `busy`, `internal`.
    pub reason: &'static str,
}

/// All metrics.
pub struct Metrics {
    registry: Registry,
    /// `controller_runtime_webhook_latency_seconds`.
    pub latency: Family<Webhook, Histogram, fn() -> Histogram>,
    /// `controller_runtime_webhook_requests_total`.
    pub requests: Family<WebhookCode, Counter>,
    /// `controller_runtime_webhook_requests_in_flight`.
    pub in_flight: Family<Webhook, Gauge>,
    /// `controller_runtime_webhook_panics_total`.
    pub panics: Counter,
    /// `leader_election_master_status`.
    pub leads: Family<LeaseName, Gauge>,
    /// `certwatcher_read_certificate_total`.
    pub certificate_reads: Counter,
    /// `certwatcher_read_certificate_errors_total`.
    pub certificate_errors: Counter,
    /// `imgscan_admission_answers_total`.
    pub answers: Family<AnswerLabels, Counter>,
    /// `imgscan_admission_verdicts_total`.
    pub verdicts: Family<VerdictLabels, Counter>,
    /// `imgscan_admission_undecided_total`.
    pub undecided: Family<ReasonLabels, Counter>,
    /// `imgscan_admission_probes_limited_total`.
    pub probes_limited: Counter,
    /// `imgscan_events_dropped_total`.
    pub events_dropped: Counter,
    /// `imgscan_admission_review_bytes`.
    pub review_bytes: Histogram,
    /// `imgscan_index_objects`.
    pub index_objects: Gauge,
    /// `imgscan_index_fingerprints`.
    pub index_fingerprints: Gauge,
    /// `imgscan_exceptions`: those that are in force.
    pub exceptions: Gauge,
    /// `imgscan_policy_loaded`.
    pub policy_loaded: Gauge,
    /// `imgscan_certificate_expiry_timestamp_seconds`.
    pub certificate_expiry: Gauge,
    /// `imgscan_audit_last_run_timestamp_seconds`.
    pub audit_last_run: Gauge,
    /// `imgscan_audit_duration_seconds`.
    pub audit_duration: Gauge<f64, AtomicU64>,
    /// `imgscan_audit_uncovered_kinds`.
    pub audit_uncovered_kinds: Gauge,
    /// `imgscan_admission_uncovered_resources`.
    pub uncovered_resources: Gauge,
    /// `imgscan_audit_violations`.
    pub audit_violations: Family<VerdictLabels, Gauge>,
}

/// Label of the only webhook.
pub const VALIDATE: &str = "/validate";

/// Up to the longest time that the API server waits.
fn seconds() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            latency: Family::new_with_constructor(seconds),
            requests: Family::default(),
            in_flight: Family::default(),
            panics: Counter::default(),
            leads: Family::default(),
            certificate_reads: Counter::default(),
            certificate_errors: Counter::default(),
            answers: Family::default(),
            verdicts: Family::default(),
            undecided: Family::default(),
            probes_limited: Counter::default(),
            events_dropped: Counter::default(),
            review_bytes: Histogram::new((0..9).map(|n| 1024.0 * f64::from(1u32 << (2 * n)))),
            index_objects: Gauge::default(),
            index_fingerprints: Gauge::default(),
            exceptions: Gauge::default(),
            policy_loaded: Gauge::default(),
            certificate_expiry: Gauge::default(),
            audit_last_run: Gauge::default(),
            audit_duration: Gauge::default(),
            audit_uncovered_kinds: Gauge::default(),
            uncovered_resources: Gauge::default(),
            audit_violations: Family::default(),
        };
        let mut registry = Registry::default();
        registry.register("controller_runtime_webhook_latency_seconds", "Time to answer a review", metrics.latency.clone());
        registry.register("controller_runtime_webhook_requests", "Reviews by HTTP status", metrics.requests.clone());
        registry.register("controller_runtime_webhook_requests_in_flight", "Reviews being answered", metrics.in_flight.clone());
        registry.register("controller_runtime_webhook_panics", "Reviews that ended in a panic", metrics.panics.clone());
        registry.register("leader_election_master_status", "1 on the replica that has the lease", metrics.leads.clone());
        registry.register("certwatcher_read_certificate", "Certificates that were loaded or made", metrics.certificate_reads.clone());
        registry.register(
            "certwatcher_read_certificate_errors",
            "Certificates that could not be loaded or made",
            metrics.certificate_errors.clone(),
        );
        registry.register("imgscan_admission_answers", "Answers", metrics.answers.clone());
        registry.register("imgscan_admission_verdicts", "Violations seen at admission", metrics.verdicts.clone());
        registry.register("imgscan_admission_undecided", "Reviews that could not be judged", metrics.undecided.clone());
        registry.register("imgscan_admission_probes_limited", "Answers that no longer told about sharing", metrics.probes_limited.clone());
        registry.register("imgscan_events_dropped", "Events that were not written: too many waited", metrics.events_dropped.clone());
        registry.register("imgscan_admission_review_bytes", "Size of reviews", metrics.review_bytes.clone());
        registry.register("imgscan_index_objects", "Objects in the fingerprint index", metrics.index_objects.clone());
        registry.register("imgscan_index_fingerprints", "Different credentials in the index", metrics.index_fingerprints.clone());
        registry.register("imgscan_exceptions", "Exceptions in force", metrics.exceptions.clone());
        registry.register("imgscan_policy_loaded", "1 when a policy is in force", metrics.policy_loaded.clone());
        registry.register(
            "imgscan_certificate_expiry_timestamp_seconds",
            "End of the serving certificate",
            metrics.certificate_expiry.clone(),
        );
        registry.register("imgscan_audit_last_run_timestamp_seconds", "End of the last audit", metrics.audit_last_run.clone());
        registry.register("imgscan_audit_duration_seconds", "Duration of the last audit", metrics.audit_duration.clone());
        registry.register(
            "imgscan_audit_uncovered_kinds",
            "Kinds of controllers whose pods run but that are not audited",
            metrics.audit_uncovered_kinds.clone(),
        );
        registry.register(
            "imgscan_admission_uncovered_resources",
            "Custom resources that can hold containers but that no rule of the webhook names",
            metrics.uncovered_resources.clone(),
        );
        registry.register("imgscan_audit_violations", "Violations of what runs already", metrics.audit_violations.clone());
        metrics.registry = registry;
        metrics
    }
}

impl Metrics {
    /// In the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
