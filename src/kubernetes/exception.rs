//! Exceptions: who allowed what, where, why, and until when. The one matcher of webhook, audit and command line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    policy::{Policy, PolicyError, glob},
    workload::Subject,
};
use crate::{fingerprint::Fingerprint, secret::veiled};

/// Spec of a `CredentialException`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// Allowed credentials, by the id that denials and reports name.
    #[serde(default)]
    pub fingerprints: Vec<String>,
    /// Allowed rules. They need `objects` with a kind, a name or a label: a rule is never excepted everywhere.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Only in these objects. Empty selects all, which only fingerprints may use.
    #[serde(default)]
    pub objects: ObjectSelector,
    /// Only in these namespaces; `*` stands for any text.
    pub namespaces: Vec<String>,
    /// Why, for the next person who reads it.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// RFC 3339. From then on it allows nothing.
    pub expires: String,
    /// Namespace that it lives in: the policy says which count.
    #[serde(skip)]
    pub home: String,
    /// Its name.
    #[serde(skip)]
    pub name: String,
}

/// Whether an exception counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Active,
    /// It did until `expires`.
    Expired,
    /// The policy honours none from its namespace.
    NotHonoured,
    /// It is not what it must be.
    Invalid,
}

/// Selects objects. What is given must match; nothing given selects all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectSelector {
    /// `Deployment`, which also selects what its controllers make of it.
    pub kinds: Vec<String>,
    /// Names; `*` stands for any text.
    pub names: Vec<String>,
    /// Labels of the object.
    pub labels: BTreeMap<String, String>,
}

impl ObjectSelector {
    fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.names.is_empty() && self.labels.is_empty()
    }

    fn matches(&self, subject: &Subject<'_>) -> bool {
        let selected = |kind: &str, name: &str| {
            (self.kinds.is_empty() || self.kinds.iter().any(|selected| selected == kind))
                && (self.names.is_empty() || self.names.iter().any(|pattern| glob(pattern, name)))
        };
        // What is allowed in a Deployment is allowed in the ReplicaSets and pods that it becomes.
        subject.origins().any(|(kind, name)| selected(kind, name))
            && self.labels.iter().all(|(key, value)| subject.label(key) == Some(value))
    }
}

impl Exception {
    /// Reads a `CredentialException` object.
    ///
    /// # Errors
    /// [`PolicyError`], saying what is wrong with it.
    pub fn from_object(object: &Value) -> Result<Self, PolicyError> {
        let spec = object.get("spec").cloned().unwrap_or_default();
        let mut exception: Self =
            serde_json::from_value(spec).map_err(|error| PolicyError(veiled(&format!("the exception is not understood: {error}"))))?;
        let subject = Subject::of(object);
        exception.home = subject.namespace.to_owned();
        exception.name = subject.name.to_owned();
        exception.check()?;
        Ok(exception)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`PolicyError`], saying what to change.
    pub fn check(&self) -> Result<(), PolicyError> {
        let problem = if self.expires().is_none() {
            "`expires` is no RFC 3339 time such as 2027-01-31T00:00:00Z"
        } else if self.reason.trim().is_empty() || self.owner.trim().is_empty() {
            "an exception needs a reason and an owner"
        } else if self.namespaces.is_empty() {
            "an exception needs `namespaces`"
        } else if self.fingerprints.is_empty() && self.rules.is_empty() {
            "an exception needs `fingerprints` or `rules`"
        } else if !self.rules.is_empty() && self.objects.is_empty() {
            "an exception for `rules` needs `objects` with kinds, names or labels"
        } else if self.fingerprints.iter().any(|text| Fingerprint::parse(text).is_none()) {
            "a fingerprint is 32 lower-case hex digits"
        } else {
            return Ok(());
        };
        Err(PolicyError(problem.to_owned()))
    }

    /// When it ends.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires.parse().ok()
    }

    /// Whether it counts at all, whatever it would allow.
    pub fn standing(&self, policy: &Policy, now: Timestamp) -> Standing {
        if self.check().is_err() {
            Standing::Invalid
        } else if self.expires().is_none_or(|end| end <= now) {
            Standing::Expired
        } else if !policy.exceptions_from.contains(&self.home) {
            Standing::NotHonoured
        } else {
            Standing::Active
        }
    }

    /// Whether this exception alone allows the violation. Two exceptions never add up.
    pub fn allows(
        &self,
        policy: &Policy,
        subject: &Subject<'_>,
        namespace: &str,
        rule: &str,
        fingerprint: Option<&Fingerprint>,
        now: Timestamp,
    ) -> bool {
        let covered = fingerprint.is_some_and(|fp| self.fingerprints.iter().any(|text| text == fp.as_str()))
            || self.rules.iter().any(|id| id == rule);
        covered
            && self.standing(policy, now) == Standing::Active
            && self.namespaces.iter().any(|pattern| glob(pattern, namespace))
            && self.objects.matches(subject)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exception(spec: Value) -> Result<Exception, PolicyError> {
        Exception::from_object(&json!({"kind": "CredentialException", "metadata": {"namespace": "security", "name": "e"}, "spec": spec}))
    }

    fn spec() -> Value {
        json!({"rules": ["r"], "objects": {"kinds": ["Pod"], "names": ["web-*"]}, "namespaces": ["team-*"], "reason": "x", "owner": "y", "expires": "2026-06-01T00:00:00Z"})
    }

    #[test]
    fn all_conditions_must_hold() {
        let policy = Policy { exceptions_from: vec!["security".into()], ..Policy::default() };
        let exception = exception(spec()).expect("valid");
        let object = json!({"kind": "Pod", "metadata": {"name": "web-1"}});
        let subject = Subject::of(&object);
        let early: Timestamp = "2026-05-31T00:00:00Z".parse().expect("time");
        let late: Timestamp = "2026-06-01T00:00:00Z".parse().expect("time");
        assert!(exception.allows(&policy, &subject, "team-a", "r", None, early));
        assert!(!exception.allows(&policy, &subject, "team-a", "r", None, late), "expired");
        assert!(!exception.allows(&policy, &subject, "other", "r", None, early), "another namespace");
        assert!(!exception.allows(&policy, &subject, "team-a", "q", None, early), "another rule");
        assert!(!exception.allows(&Policy::default(), &subject, "team-a", "r", None, early), "from a namespace that does not count");
        assert_eq!(exception.standing(&policy, early), Standing::Active);
        assert_eq!(exception.standing(&policy, late), Standing::Expired);
        assert_eq!(exception.standing(&Policy::default(), early), Standing::NotHonoured);
        let other = json!({"kind": "Pod", "metadata": {"name": "api"}});
        assert!(!exception.allows(&policy, &Subject::of(&other), "team-a", "r", None, early), "another object");
    }

    #[test]
    fn an_exception_for_a_workload_holds_for_what_it_becomes() {
        let policy = Policy { exceptions_from: vec!["security".into()], ..Policy::default() };
        let now: Timestamp = "2026-05-31T00:00:00Z".parse().expect("time");
        let allowed = |kinds: &str, object: Value| {
            let mut spec = spec();
            spec["objects"] = json!({"kinds": [kinds], "names": ["web"]});
            exception(spec).expect("valid").allows(&policy, &Subject::of(&object), "team-a", "r", None, now)
        };
        let made = |kind: &str, name: &str, by: &str, owner: &str, controller: bool| {
            json!({"kind": kind, "metadata": {"name": name, "labels": {"pod-template-hash": "7d4b9c"},
                "ownerReferences": [{"kind": by, "name": owner, "controller": controller}]}})
        };
        assert!(allowed("Deployment", json!({"kind": "Deployment", "metadata": {"name": "web"}})));
        assert!(allowed("Deployment", made("ReplicaSet", "web-7d4b9c", "Deployment", "web", true)));
        assert!(allowed("Deployment", made("Pod", "web-7d4b9c-x2x4z", "ReplicaSet", "web-7d4b9c", true)));
        assert!(allowed("CronJob", made("Pod", "web-28123456-x2x4z", "Job", "web-28123456", true)));
        assert!(allowed("StatefulSet", made("Pod", "web-0", "StatefulSet", "web", true)));
        assert!(!allowed("Deployment", made("ReplicaSet", "web-7d4b9c", "Deployment", "web", false)), "an owner that made nothing");
        assert!(!allowed("Deployment", made("Pod", "x", "ReplicaSet", "webhook-7d4b9c", true)), "another Deployment");
        assert!(!allowed("Deployment", made("Pod", "x", "StatefulSet", "web", true)), "another kind");
    }

    #[test]
    fn careless_exceptions_are_refused() {
        for (key, value) in [
            ("expires", json!("next year")),
            ("reason", json!(" ")),
            ("namespaces", json!([])),
            ("rules", json!([])),
            ("objects", json!({})),
            ("fingerprints", json!(["abc"])),
        ] {
            let mut spec = spec();
            spec[key] = value;
            assert!(exception(spec).is_err(), "{key}");
        }
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c", "ab", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
