//! One request to one decision. No IO; runs on a blocking thread.

use std::{cell::RefCell, collections::HashSet, time::Instant};

use imgscan::{
    detect::Scratch,
    kubernetes::{
        Budget, Class, Credential, Decision, MAX_WARNINGS_TOTAL, MODE_LABEL, Mode, NamespaceFacts, ObjectKey, Observed, Outcome, Policy,
        Prints, SharedUse, Subject, Verdict, credentials, decide, observe, secret_uses, undecided,
    },
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    metrics::VerdictLabels,
    review::{Operation, Request, UserInfo},
    state::State,
};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A decision, and whether it is one.
pub struct Judged {
    /// The answer.
    pub decision: Decision,
    /// Why it could not be judged: a label of the metric.
    pub undecided: Option<&'static str>,
}

impl Judged {
    fn plainly(decision: Decision) -> Self {
        Self { decision, undecided: None }
    }

    fn allowed() -> Self {
        Self::plainly(Decision { allowed: true, ..Decision::default() })
    }
}

/// Judges a request until `deadline`.
pub fn judge(state: &State, request: &Request, deadline: Instant, now: Timestamp) -> Judged {
    let active = state.active.load_full();
    let policy = &active.policy;
    let object = match (request.operation, &request.object) {
        (Operation::Create | Operation::Update, Some(object)) if object.is_object() => &**object,
        (Operation::Delete, _) => {
            forget(state, request);
            return Judged::allowed();
        }
        (Operation::Connect, _) => return Judged::allowed(),
        _ => {
            let facts = state.facts(&request.namespace);
            return Judged { decision: undecided(policy, &facts, "the request holds no object"), undecided: Some("undecodable") };
        }
    };
    let old = request.old_object.as_deref().filter(|old| old.is_object() && request.operation == Operation::Update);
    let subject = Subject::of(object);
    if subject.is_core("Namespace") {
        return Judged::plainly(labels(policy, &subject, old, &request.user_info));
    }
    let facts = state.facts(&request.namespace);
    if policy.mode_in(&facts) == Mode::Off {
        return Judged::allowed();
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let key = ObjectKey::of(&subject, &request.namespace);
        let budget = Budget { deadline: Some(deadline) };
        let mut review = InReview { state, policy, request, object, old, key, scratch, budget, held: None };
        let (observed, shared) = if subject.is_core("Secret") { review.secret() } else { review.literals() };
        if observed.exhausted {
            let decision = undecided(policy, &facts, "the time for one review ran out");
            return Judged { decision, undecided: Some("out-of-time") };
        }
        let mut decision = decide(policy, &active.exceptions, &facts, &subject, &observed.found, &shared, now);
        // What was found counts whatever was not read; without a denial, a gap leaves the object undecided.
        if let Some(gap) = observed.gaps.first().filter(|_| decision.allowed) {
            return Judged { decision: undecided(policy, &facts, gap), undecided: Some("incomplete") };
        }
        if let Some(limit) = review.probing(&decision, &observed, &shared, &facts) {
            // The answer no longer depends on what other namespaces hold.
            decision = limited(decide(policy, &active.exceptions, &facts, &subject, &observed.found, &[], now), limit);
        }
        if decision.allowed && !request.dry_run {
            review.remember(&observed);
        }
        count(state, &decision);
        if let Some(events) = state.events.get()
            && !events.note(request, object, &decision)
        {
            state.metrics.events_dropped.inc();
        }
        Judged::plainly(decision)
    })
}

struct InReview<'a> {
    state: &'a State,
    policy: &'a Policy,
    request: &'a Request,
    object: &'a Value,
    old: Option<&'a Value>,
    key: ObjectKey,
    scratch: &'a mut Scratch,
    budget: Budget,
    /// What a Secret holds.
    held: Option<Vec<Credential>>,
}

impl InReview<'_> {
    fn secret(&mut self) -> (Observed, Vec<SharedUse>) {
        let (engine, sharing) = (&self.state.engine, &self.policy.sharing);
        self.scratch.set_deadline(self.budget.deadline);
        let mut held = |secret: &Value| credentials(secret, sharing, engine, &self.state.index_prints, self.scratch);
        let new = held(self.object);
        let old = self.old.map(&mut held).unwrap_or_default();
        let gave_up = self.scratch.gave_up();
        self.scratch.set_deadline(None);
        let shared = self.state.index().of_secret(&self.key, &new, &old, self.object, sharing);
        self.held = Some(new);
        // The annotations and labels of a Secret are as public as any.
        let mut observed = self.observe(self.old);
        observed.exhausted |= gave_up;
        (observed, shared)
    }

    fn literals(&mut self) -> (Observed, Vec<SharedUse>) {
        let observed = self.observe(self.old);
        // What belongs to no namespace (a StorageClass) shares nothing between namespaces.
        if self.request.namespace.is_empty() {
            return (observed, Vec::new());
        }
        let mut uses = secret_uses(self.object);
        if let Some(old) = self.old.filter(|_| !uses.is_empty()) {
            let before: HashSet<_> = secret_uses(old).into_iter().map(|used| (used.secret, used.key)).collect();
            uses.retain(|used| !before.contains(&(used.secret.clone(), used.key.clone())));
        }
        let index = self.state.index();
        let mut shared = index.of_literals(&self.key, &observed.found, &self.policy.sharing);
        shared.extend(index.of_uses(&self.key, &uses, &self.policy.sharing));
        (observed, shared)
    }

    fn observe(&mut self, old: Option<&Value>) -> Observed {
        let state = self.state;
        // The ids of literals are those of reports; their ids in the index are made under the cluster's key.
        let prints = Prints { report: &state.report_prints, cluster: &state.index_prints };
        observe(self.object, old, &state.engine, prints, self.budget, self.scratch)
    }

    /// Keeps what the object holds now, for the questions of others. Never called for dry runs.
    fn remember(&mut self, new: &Observed) {
        if let Some(held) = self.held.take() {
            self.state.index_mut().apply(self.object, self.key.clone(), held);
        } else if Subject::of(self.object).controller.is_none() && !self.request.namespace.is_empty() {
            // What a controller made is judged and indexed at what it was made from.
            let known = self.state.index().contains(&self.key);
            if self.old.is_none() {
                if known || !new.found.is_empty() {
                    self.state.index_mut().apply_literals(self.object, self.key.clone(), &new.found);
                }
            } else if known || !new.found.is_empty() {
                // `new` holds only what is new; the index wants all.
                let all = self.observe(None);
                if !all.exhausted {
                    self.state.index_mut().apply_literals(self.object, self.key.clone(), &all.found);
                }
            }
        }
    }

    /// Whether the user is over the limit of probing, and what an answer about sharing could weigh here at the most.
    fn probing(&self, decision: &Decision, observed: &Observed, shared: &[SharedUse], facts: &NamespaceFacts) -> Option<Mode> {
        let policy = self.policy;
        let is_secret = Subject::of(self.object).is_core("Secret");
        let classes = policy.mode_of(Class::Shared, facts).max(policy.mode_of(Class::CrossEnvironment, facts));
        let weight = if is_secret { classes.min(policy.sharing.secrets.write) } else { classes };
        if weight < Mode::Warn {
            return None;
        }
        // What the user sees, and no more: a hit that is only audited, or excepted, tells nothing.
        let told = |verdict: &&Verdict| verdict.outcome >= Outcome::Warned && verdict.class.is_sharing();
        let hits = decision.verdicts.iter().filter(told).filter_map(|verdict| shared.get(verdict.index));
        let hits = hits.map(|shared| shared.fingerprint.as_str());
        // Not whether there was a hit: that would be the answer again. Asked last: it walks the whole object.
        let compares = || {
            is_secret
                || observed.found.iter().any(|observation| observation.strength >= policy.sharing.min_bits)
                || !secret_uses(self.object).is_empty()
        };
        let user = &self.request.user_info.username;
        let limit = policy.sharing.probes_per_hour;
        let over = self.state.probes.over_limit(user, &self.request.namespace, hits, limit, Instant::now());
        (over && compares()).then(|| {
            self.state.metrics.probes_limited.inc();
            weight
        })
    }
}

/// Refuses, or warns, whatever others hold: as much as an answer about sharing could have done.
fn limited(mut decision: Decision, weight: Mode) -> Decision {
    let text = "imgscan: too many credentials of other namespaces were tried within an hour; try again later";
    if weight == Mode::Enforce {
        decision.message = if decision.allowed { text.to_owned() } else { format!("{}\n{text}", decision.message) };
        decision.allowed = false;
    } else {
        // The API server cuts what is beyond its limit for all: this one is not to be lost.
        while decision.warnings.iter().map(String::len).sum::<usize>() + text.len() > MAX_WARNINGS_TOTAL {
            decision.warnings.pop();
        }
        decision.warnings.push(text.to_owned());
    }
    decision.audit.insert("probing".to_owned(), "limited".to_owned());
    decision
}

fn forget(state: &State, request: &Request) {
    if request.dry_run {
        return;
    }
    let (group, kind) = (request.kind.group.as_str(), request.kind.kind.as_str());
    if group.is_empty() && kind == "Namespace" {
        return;
    }
    // A deletion of a collection names no object; each is told by what is deleted.
    let named = request.old_object.as_deref().map(|old| Subject::of(old).name).unwrap_or_default();
    let name = if request.name.is_empty() { named } else { &request.name };
    let subject = Subject { kind, group, namespace: &request.namespace, name, labels: None, controller: None };
    state.index_mut().remove(&ObjectKey::of(&subject, &request.namespace));
}

/// Guards the labels that weaken or group: a tenant who may edit a namespace must not exempt it.
fn labels(policy: &Policy, new: &Subject<'_>, old: Option<&Value>, user: &UserInfo) -> Decision {
    let allowed = Decision { allowed: true, ..Decision::default() };
    if policy.label_editors.is_empty() {
        return allowed;
    }
    let may = |name: &String| *name == user.username || user.groups.contains(name);
    let old = old.map(Subject::of);
    let guarded = [MODE_LABEL, policy.sharing.scope_label.as_str(), policy.sharing.environment_label.as_str()];
    let changed = guarded.iter().find(|label| new.label(label) != old.as_ref().and_then(|old| old.label(label)));
    match changed {
        Some(label) if !policy.label_editors.iter().any(may) => {
            let message = format!("imgscan: the policy lets only its labelEditors set or change the label {label} of a namespace");
            Decision { allowed: false, message, ..Decision::default() }
        }
        _ => allowed,
    }
}

fn count(state: &State, decision: &Decision) {
    for verdict in &decision.verdicts {
        let outcome = match verdict.outcome {
            Outcome::Ignored => continue,
            Outcome::Excepted => "excepted",
            Outcome::Audited => "audited",
            Outcome::Warned => "warned",
            Outcome::Denied => "denied",
        };
        state.metrics.verdicts.get_or_create(&VerdictLabels { class: verdict.class.as_str(), outcome }).inc();
    }
}
