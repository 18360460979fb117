//! What people read: denial texts and warnings. They name places, rules and fixes; never a value, and never the name of
//! anything in another namespace. They may end up in a ReplicaSet's status, where everyone with read access sees them.

mod snippet;

use super::{
    decision::{Decision, Outcome, Verdict},
    literals::clean,
    observe::Observation,
    policy::{Class, Policy},
    sharing::SharedUse,
    workload::Subject,
};

/// Characters of one warning; the API server may cut longer ones.
pub const MAX_WARNING: usize = 120;
/// Characters of all warnings of one answer together.
pub const MAX_WARNINGS_TOTAL: usize = 4096;
/// Findings that a denial text spells out.
const SPELLED_OUT: usize = 10;
/// Rule id of a credential that several namespaces hold.
pub(super) const SHARED_RULE: &str = "shared-credential";
/// Rule id of one that several environments hold.
pub(super) const CROSS_ENVIRONMENT_RULE: &str = "cross-environment-credential";

/// Fills in the texts of a decision.
pub(super) fn explain(decision: &mut Decision, policy: &Policy, subject: &Subject<'_>, found: &[Observation], shared: &[SharedUse]) {
    let of = |outcome: Outcome| decision.verdicts.iter().filter(move |verdict| verdict.outcome == outcome);
    let denied: Vec<&Verdict> = of(Outcome::Denied).collect();
    let mut message = String::new();
    if !denied.is_empty() {
        let kind = clean(subject.kind, 63);
        message = format!("imgscan denies this {kind}: {}.", count(denied.len(), "credential problem"));
        for verdict in denied.iter().take(SPELLED_OUT) {
            message.push_str("\n- ");
            message.push_str(&line(verdict, found, shared, policy));
        }
        if denied.len() > SPELLED_OUT {
            message.push_str(&format!("\n- and {} more", denied.len() - SPELLED_OUT));
        }
        if let Some(literal) = denied.iter().find(|verdict| !verdict.class.is_sharing()).and_then(|verdict| found.get(verdict.index)) {
            message.push_str("\nFix:\n");
            message.push_str(&snippet::of(policy.fix, literal));
        }
        if denied.iter().any(|verdict| verdict.class.is_sharing()) {
            message.push_str("\nGive each namespace a credential of its own, so that one leak opens one door.");
        }
        if let Some(home) = policy.exceptions_from.first() {
            message.push_str(&format!("\nTo allow one for a while, a CredentialException in namespace {} names its id.", clean(home, 63)));
        }
    }
    let mut warnings: Vec<String> = Vec::new();
    let mut total = 0;
    let warned: Vec<&Verdict> = of(Outcome::Warned).collect();
    for (position, verdict) in warned.iter().enumerate() {
        let text = cut(&format!("imgscan: {}", short_line(verdict, found, shared)));
        let more = format!("imgscan: and {} more", warned.len() - position);
        // Room for the closing line is always kept.
        if total + text.len() + more.len() > MAX_WARNINGS_TOTAL {
            warnings.push(more);
            break;
        }
        total += text.len();
        warnings.push(text);
    }
    for (name, outcome) in
        [("denied", Outcome::Denied), ("warned", Outcome::Warned), ("audited", Outcome::Audited), ("excepted", Outcome::Excepted)]
    {
        let mut words: Vec<String> = of(outcome).map(|verdict| audit_word(verdict, found, shared)).collect();
        words.truncate(SPELLED_OUT);
        if !words.is_empty() {
            decision.audit.insert(name.to_owned(), words.join(","));
        }
    }
    decision.message = message;
    decision.warnings = warnings;
    scrub(decision, found);
}

/// Takes out values that a careless author also used as a name: a variable, a container, a key. Words are left alone, and so
/// is what a name could be by chance.
fn scrub(decision: &mut Decision, found: &[Observation]) {
    for observation in found.iter().filter(|observation| observation.strength >= 32 && observation.secret.len() >= 8) {
        let Ok(value) = std::str::from_utf8(observation.secret.expose()) else { continue };
        for text in std::iter::once(&mut decision.message).chain(&mut decision.warnings).chain(decision.audit.values_mut()) {
            if text.contains(value) {
                *text = text.replace(value, "****");
            }
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Cut to the length of a warning.
pub(super) fn cut(text: &str) -> String {
    clean(text, MAX_WARNING - 1)
}

fn place(container: Option<&str>, label: &str) -> String {
    match container {
        Some(name) => format!("container {}, {label}", clean(name, 63)),
        None => label.to_owned(),
    }
}

fn line(verdict: &Verdict, found: &[Observation], shared: &[SharedUse], policy: &Policy) -> String {
    if !verdict.class.is_sharing() {
        let Some(o) = found.get(verdict.index) else { return String::new() };
        let (place, redacted) = (place(o.container.as_deref(), &o.label), o.secret.redacted(o.visible));
        let pointer = clean(&o.pointer, 300);
        format!("{place} ({pointer}): {} {redacted} [rule {}, id {}]", o.rule.title, o.rule.id, o.fingerprint)
    } else {
        let Some(s) = shared.get(verdict.index) else { return String::new() };
        let place = place(s.container.as_deref(), &s.label);
        let pointer = clean(&s.pointer, 300);
        let (what, rule) = if s.crosses_environments {
            ("the same credential is used in another environment", CROSS_ENVIRONMENT_RULE)
        } else {
            ("the same credential is used in another namespace", SHARED_RULE)
        };
        let label = clean(&policy.sharing.scope_label, 100);
        format!("{place} ({pointer}): {what}, outside this namespace's {label} [rule {rule}, id {}]", s.fingerprint)
    }
}

fn short_line(verdict: &Verdict, found: &[Observation], shared: &[SharedUse]) -> String {
    if !verdict.class.is_sharing() {
        let Some(o) = found.get(verdict.index) else { return String::new() };
        format!("{}: {} [{}]", place(o.container.as_deref(), &o.label), o.rule.title, o.rule.id)
    } else {
        let Some(s) = shared.get(verdict.index) else { return String::new() };
        let what = if s.crosses_environments { "shared with another environment" } else { "shared with another namespace" };
        format!("{}: {what}", place(s.container.as_deref(), &s.label))
    }
}

fn audit_word(verdict: &Verdict, found: &[Observation], shared: &[SharedUse]) -> String {
    let id = if !verdict.class.is_sharing() {
        found.get(verdict.index).map(|o| format!("{}:{}", o.rule.id, o.fingerprint))
    } else {
        let rule = if verdict.class == Class::CrossEnvironment { CROSS_ENVIRONMENT_RULE } else { SHARED_RULE };
        shared.get(verdict.index).map(|s| format!("{rule}:{}", s.fingerprint))
    };
    id.unwrap_or_default()
}
