//! What the policy makes of observations and shared uses. Pure: no cluster, no clock but the one it is given.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    exception::Exception,
    literals::Field,
    message,
    observe::Observation,
    policy::{Class, Mode, NamespaceFacts, Policy, Undecided},
    sharing::SharedUse,
    workload::Subject,
};

/// What became of one violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Below the policy's thresholds, or the mode is off.
    Ignored,
    /// An exception allows it.
    Excepted,
    /// Only counted and reported.
    Audited,
    /// The requester is warned.
    Warned,
    /// The request is denied for it.
    Denied,
}

/// One violation, judged. Refers to the observation or shared use by its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What kind.
    pub class: Class,
    /// What became of it.
    pub outcome: Outcome,
    /// Position among the observations (literal classes) or shared uses (sharing classes).
    pub index: usize,
    /// The exception that allows it: namespace and name.
    pub exception: Option<String>,
}

/// The answer to one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether the object may be stored.
    pub allowed: bool,
    /// For the person who made the request; empty where it is allowed.
    pub message: String,
    /// Within the API's limits.
    pub warnings: Vec<String>,
    /// For the API server's audit log; keys without prefix.
    pub audit: BTreeMap<String, String>,
    /// All violations.
    pub verdicts: Vec<Verdict>,
}

/// Judges one object.
pub fn decide(
    policy: &Policy,
    exceptions: &[Exception],
    facts: &NamespaceFacts,
    subject: &Subject<'_>,
    found: &[Observation],
    shared: &[SharedUse],
    now: Timestamp,
) -> Decision {
    let mut verdicts = Vec::with_capacity(found.len() + shared.len());
    for (index, observation) in found.iter().enumerate() {
        let class = if observation.field == Field::Data { Class::ConfigMap } else { Class::Literal };
        let mut mode = policy.mode_of(class, facts);
        if !policy.report_from.reached(observation) {
            mode = Mode::Off;
        } else if !policy.enforce_from.reached(observation) {
            mode = mode.min(Mode::Warn);
        }
        let exception = exceptions
            .iter()
            .find(|exception| exception.allows(policy, subject, &facts.name, &observation.rule.id, Some(&observation.fingerprint), now));
        verdicts.push(verdict(class, mode, index, exception));
    }
    for (index, use_) in shared.iter().enumerate() {
        let class = if use_.crosses_environments { Class::CrossEnvironment } else { Class::Shared };
        let mode = policy.mode_of(class, facts).min(use_.at_most);
        let rule = if use_.crosses_environments { message::CROSS_ENVIRONMENT_RULE } else { message::SHARED_RULE };
        let exception =
            exceptions.iter().find(|exception| exception.allows(policy, subject, &facts.name, rule, Some(&use_.fingerprint), now));
        verdicts.push(verdict(class, mode, index, exception));
    }
    let allowed = verdicts.iter().all(|verdict| verdict.outcome != Outcome::Denied);
    let mut decision = Decision { allowed, verdicts, ..Decision::default() };
    message::explain(&mut decision, policy, subject, found, shared);
    decision
}

fn verdict(class: Class, mode: Mode, index: usize, exception: Option<&Exception>) -> Verdict {
    let outcome = match (mode, exception) {
        (Mode::Off, _) => Outcome::Ignored,
        (_, Some(_)) => Outcome::Excepted,
        (Mode::Audit, None) => Outcome::Audited,
        (Mode::Warn, None) => Outcome::Warned,
        (Mode::Enforce, None) => Outcome::Denied,
    };
    Verdict { class, outcome, index, exception: exception.map(|e| format!("{}/{}", e.home, e.name)) }
}

/// Decides a request that could not be judged. `reason` is a sentence without a final stop and holds nothing of the object.
pub fn undecided(policy: &Policy, facts: &NamespaceFacts, reason: &str) -> Decision {
    let mode = policy.mode_in(facts);
    let deny = policy.undecided == Undecided::Deny && mode == Mode::Enforce;
    let text = format!("imgscan could not judge this object: {reason}");
    let mut decision = Decision { allowed: !deny, ..Decision::default() };
    decision.audit.insert("undecided".to_owned(), reason.to_owned());
    if deny {
        decision.message = format!("{text}; the policy denies what cannot be judged (undecided: deny)");
    } else if mode >= Mode::Warn {
        decision.warnings = vec![message::cut(&text)];
    }
    decision
}
