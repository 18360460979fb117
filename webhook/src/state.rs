//! What all requests share.

use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use imgscan::{
    detect::Engine,
    fingerprint::Fingerprinter,
    kubernetes::{Exception, Index, NamespaceFacts, Policy, Standing},
};
use tokio::sync::Semaphore;

use crate::{
    body::{Bounds, Room},
    events::Events,
    metrics::Metrics,
    probes::Probes,
};

/// The policy in force, with the exceptions of the cluster.
#[derive(Default)]
pub struct Active {
    /// The policy.
    pub policy: Policy,
    /// All valid exceptions; the policy decides which count.
    pub exceptions: Vec<Exception>,
}

/// Limits of one replica.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one review.
    pub body: usize,
    /// Bytes of all reviews in flight.
    pub bodies: usize,
    /// Bytes that decoding them may take, together.
    pub decoded: usize,
    /// Time for one review, from its first byte.
    pub budget: Duration,
    /// Reviews that are judged at a time.
    pub workers: usize,
    /// Bytes up to which a review is judged where it arrived: handing it to another thread costs more than judging it.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        Self { body: 48 << 20, bodies: 160 << 20, decoded: 192 << 20, budget: Duration::from_millis(4000), workers, at_once: 16 << 10 }
    }
}

/// What readiness asks for.
#[derive(Default)]
pub struct Ready {
    /// A policy is in force.
    pub policy: AtomicBool,
    /// Namespaces, exceptions and the index are loaded.
    pub index: AtomicBool,
    /// A certificate is served.
    pub certificate: AtomicBool,
    /// The process is about to end.
    pub draining: AtomicBool,
}

impl Ready {
    /// Whether requests may come; what is missing otherwise.
    pub fn missing(&self) -> Option<&'static str> {
        let is = |flag: &AtomicBool| flag.load(Ordering::Acquire);
        if is(&self.draining) {
            Some("draining")
        } else if !is(&self.policy) {
            Some("no policy is loaded")
        } else if !is(&self.index) {
            Some("namespaces, exceptions and the index are not loaded")
        } else if !is(&self.certificate) {
            Some("no certificate is loaded")
        } else {
            None
        }
    }
}

/// Shared by all requests and watches.
pub struct State {
    /// The compiled rules.
    pub engine: Engine,
    /// With the key of the cluster.
    pub index_prints: Fingerprinter,
    /// The ids of reports: the same as the command line's.
    pub report_prints: Fingerprinter,
    /// Swapped by the watch.
    pub active: ArcSwap<Active>,
    /// The generation of the policy that was last seen, and why it is not in force here, where it is not.
    pub seen: ArcSwapOption<(i64, String)>,
    /// One writer at a time.
    index: RwLock<Index>,
    /// Numbers.
    pub metrics: Metrics,
    /// Who asks too much.
    pub probes: Probes,
    /// Events that wait to be written; unset where nobody writes them.
    pub events: OnceLock<Events>,
    /// What readiness asks for.
    pub ready: Ready,
    /// Limits.
    pub limits: Limits,
    /// Bytes in flight.
    pub bounds: Bounds,
    /// Bytes of decoded reviews.
    pub decoded: Room,
    /// One permit for each review that is being judged.
    pub workers: Arc<Semaphore>,
    /// Of those, the ones that are judged where they arrived.
    pub at_once: Arc<Semaphore>,
    /// Whether the labels of namespaces are known from a watch. Without, all are taken to have none.
    pub watches_namespaces: bool,
}

impl State {
    /// With an empty index and the default policy, not ready.
    pub fn new(
        engine: Engine,
        index_prints: Fingerprinter,
        report_prints: Fingerprinter,
        limits: Limits,
        watches_namespaces: bool,
    ) -> Self {
        Self {
            engine,
            index_prints,
            report_prints,
            active: ArcSwap::default(),
            seen: ArcSwapOption::default(),
            index: RwLock::default(),
            metrics: Metrics::default(),
            probes: Probes::default(),
            events: OnceLock::new(),
            ready: Ready::default(),
            bounds: Bounds::new(limits.body, limits.bodies),
            decoded: Room::new(limits.decoded),
            workers: Arc::new(Semaphore::new(limits.workers.max(1))),
            at_once: Arc::new(Semaphore::new(limits.workers.saturating_sub(1))),
            limits,
            watches_namespaces,
        }
    }

    /// For questions.
    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For changes.
    pub fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a policy in force.
    pub fn set_policy(&self, policy: Policy) {
        self.active.rcu(|active| Active { policy: policy.clone(), exceptions: active.exceptions.clone() });
        self.metrics.policy_loaded.set(1);
        self.ready.policy.store(true, Ordering::Release);
    }

    /// Replaces the exceptions.
    pub fn set_exceptions(&self, exceptions: Vec<Exception>) {
        self.active.rcu(|active| Active { policy: active.policy.clone(), exceptions: exceptions.clone() });
    }

    /// Exceptions that are in force at `now`.
    pub fn exceptions_in_force(&self, now: jiff::Timestamp) -> usize {
        let active = self.active.load();
        active.exceptions.iter().filter(|exception| exception.standing(&active.policy, now) == Standing::Active).count()
    }

    /// What is known of a namespace.
    pub fn facts(&self, namespace: &str) -> NamespaceFacts {
        let labels = match self.index().namespace(namespace) {
            Some(labels) => Some(labels.clone()),
            None if self.watches_namespaces && !namespace.is_empty() => None,
            None => Some(Default::default()),
        };
        NamespaceFacts { name: namespace.to_owned(), labels }
    }
}
