//! `imgscan k8s`: the webhook's verdicts on files.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{
    Document, Documents,
    decision::{Decision, Outcome, decide},
    exception::Exception,
    message::{CROSS_ENVIRONMENT_RULE, SHARED_RULE},
    observe::{Budget, Observation, Prints, observe},
    policy::{NamespaceFacts, Policy},
    sharing::{Index, ObjectKey, SharedUse, credentials},
    workload::{Subject, secret_uses},
};
use crate::{
    Secret,
    detect::{Engine, Rule, Scratch, Shape},
    finding::{Confidence, Finding, Location, LocationKind, Place, Severity, Skip, State},
    fingerprint::Fingerprinter,
    report::{Coverage, ImageReport, Suppressed},
};

/// The namespace of objects that name none, as `kubectl` assumes.
const DEFAULT_NAMESPACE: &str = "default";

/// Judges manifests as the webhook would when they are created, one report a file. Sharing is judged across all files, and so
/// are exceptions: `CredentialException`s among the objects count by the same rules as in a cluster, besides `exceptions`.
/// Labels of namespaces come from the `Namespace` objects among the files.
///
/// A finding that the webhook would only warn of, or only count, is reported as well; its evidence says which.
pub fn judge<'a>(
    files: impl Iterator<Item = (String, Cow<'a, str>)>,
    policy: &Policy,
    exceptions: &[Exception],
    engine: &Engine,
    fingerprints: &Fingerprinter,
    now: Timestamp,
) -> Vec<ImageReport> {
    let mut exceptions = exceptions.to_vec();
    let mut namespaces: HashMap<String, NamespaceFacts> = HashMap::new();
    let mut reports = Vec::new();
    let mut read: Vec<(usize, Document)> = Vec::new();
    for (path, text) in files {
        let documents = Documents::parse(&text);
        let mut coverage = Coverage { files: 1, bytes: text.len() as u64, ..Coverage::default() };
        if let Some(problem) = documents.problem {
            coverage.skipped.push(Skip { layer: None, path: Some(path.clone()), reason: problem, bytes: None });
        }
        for document in documents.objects {
            let subject = Subject::of(&document.object);
            if subject.is_core("Namespace") {
                let labels = subject.labels.into_iter().flatten();
                let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
                let facts = NamespaceFacts { name: subject.name.to_owned(), labels: Some(labels) };
                namespaces.insert(subject.name.to_owned(), facts);
            }
            if subject.kind == "CredentialException" {
                match Exception::from_object(&document.object) {
                    Ok(exception) => exceptions.push(exception),
                    Err(error) => {
                        coverage.skipped.push(Skip { layer: None, path: Some(path.clone()), reason: error.to_string(), bytes: None });
                    }
                }
                continue;
            }
            read.push((reports.len(), document));
        }
        reports.push(ImageReport {
            reference: path,
            digest: None,
            platform: None,
            findings: Vec::new(),
            suppressed: Suppressed::default(),
            coverage,
        });
    }
    let mut scratch = Scratch::default();
    let prints = Prints { report: fingerprints, cluster: fingerprints };
    let mut index = Index::default();
    for facts in namespaces.values() {
        index.set_namespace(&facts.name, facts.labels.clone().unwrap_or_default());
    }
    // First everything is observed, since sharing is judged against the whole set.
    let mut observed = Vec::with_capacity(read.len());
    for (_, document) in &read {
        let subject = Subject::of(&document.object);
        // It forgets who gave up before, and so does the search of a Secret's values below.
        let mut found = observe(&document.object, None, engine, prints, Budget::default(), &mut scratch);
        let key = ObjectKey::of(&subject, namespace_of(&subject));
        let held = if subject.is_core("Secret") {
            let held = credentials(&document.object, &policy.sharing, engine, fingerprints, &mut scratch);
            if scratch.gave_up() {
                let name = super::literals::clean(subject.name, 200);
                found.gaps.push(format!(
                    "the values of Secret {name} have too many beginnings of credentials; not all were followed to their end"
                ));
            }
            index.apply(&document.object, key.clone(), held.clone());
            held
        } else {
            index.apply_literals(&document.object, key.clone(), &found.found);
            Vec::new()
        };
        observed.push((found, key, held));
    }
    for ((report, document), (seen, key, held)) in read.iter().zip(observed) {
        let Some(report) = reports.get_mut(*report) else { continue };
        let subject = Subject::of(&document.object);
        let mut shared = index.of_secret(&key, &held, &[], &document.object, &policy.sharing);
        shared.extend(index.of_literals(&key, &seen.found, &policy.sharing));
        shared.extend(index.of_uses(&key, &secret_uses(&document.object), &policy.sharing));
        let unknown = NamespaceFacts { name: key.namespace.to_string(), labels: Some(Default::default()) };
        let facts = namespaces.get(&*key.namespace).unwrap_or(&unknown);
        let decision = decide(policy, &exceptions, facts, &subject, &seen.found, &shared, now);
        report.suppressed.refuted += seen.refuted;
        for gap in seen.gaps {
            report.coverage.skipped.push(Skip { layer: None, path: Some(report.reference.clone()), reason: gap, bytes: None });
        }
        add(report, document, decision, seen.found, &shared);
    }
    for report in &mut reports {
        report.findings.sort_by(|a, b| {
            let rank = |f: &Finding| (std::cmp::Reverse(f.severity), std::cmp::Reverse(f.confidence));
            rank(a).cmp(&rank(b)).then_with(|| a.places.cmp(&b.places)).then_with(|| a.rule.id.cmp(&b.rule.id))
        });
    }
    reports
}

fn namespace_of<'a>(subject: &Subject<'a>) -> &'a str {
    if subject.namespace.is_empty() { DEFAULT_NAMESPACE } else { subject.namespace }
}

fn add(report: &mut ImageReport, document: &Document, decision: Decision, found: Vec<Observation>, shared: &[SharedUse]) {
    let path = report.reference.clone();
    let place = |pointer: &str, inner: &[String]| {
        let position = document.position(pointer);
        let mut location = Location::new(LocationKind::Manifest);
        location.path = Some(path.clone());
        location.line = Some(position.line);
        location.column = Some(position.column);
        location.name = Some(pointer.to_owned());
        location.inner = inner.to_vec();
        Place { layer: None, location, state: State::Live }
    };
    let subject = Subject::of(&document.object);
    let whose = |container: Option<&str>, label: &str| {
        let container = container.map(|name| format!(", container {name}")).unwrap_or_default();
        super::literals::clean(&format!("{} {}{container}, {label}", subject.kind, subject.name), 200)
    };
    let mut found: Vec<Option<Observation>> = found.into_iter().map(Some).collect();
    for verdict in decision.verdicts {
        let word = match verdict.outcome {
            Outcome::Ignored => {
                report.suppressed.low_confidence += 1;
                continue;
            }
            Outcome::Excepted => {
                report.suppressed.ignored += 1;
                continue;
            }
            Outcome::Audited => "the policy admits and counts it (audit)",
            Outcome::Warned => "the policy admits it with a warning (warn)",
            Outcome::Denied => "the policy denies it (enforce)",
        };
        if !verdict.class.is_sharing() {
            let Some(o) = found.get_mut(verdict.index).and_then(Option::take) else { continue };
            let mut places: Vec<Place> = vec![place(&o.pointer, &o.inner)];
            places.extend(o.also.iter().map(|pointer| place(pointer, &o.inner)));
            let mut evidence = vec![whose(o.container.as_deref(), &o.label), word.to_owned()];
            evidence.extend(o.evidence);
            report.findings.push(Finding {
                rule: o.rule,
                severity: o.severity,
                confidence: o.confidence,
                fingerprint: o.fingerprint,
                redacted: o.secret.redacted(o.visible),
                evidence,
                places,
            });
        } else if let Some(s) = shared.get(verdict.index) {
            let rule = sharing_rule(s.crosses_environments);
            let mut holders: Vec<String> = s.admin.iter().map(|key| format!("also held in namespace {}", key.namespace)).collect();
            holders.dedup();
            holders.truncate(10);
            let mut evidence = vec![whose(s.container.as_deref(), &s.label), word.to_owned()];
            evidence.extend(holders);
            report.findings.push(Finding {
                severity: rule.severity,
                confidence: rule.confidence,
                rule,
                fingerprint: s.fingerprint.clone(),
                // The value itself stands in the object that holds it; here it is only referred to.
                redacted: Secret::new(b"").redacted(0),
                evidence,
                places: vec![place(&s.pointer, &[])],
            });
        }
    }
}

/// The rule that names a shared credential in reports.
fn sharing_rule(crosses_environments: bool) -> Arc<Rule> {
    let (id, title, severity) = if crosses_environments {
        (CROSS_ENVIRONMENT_RULE, "Credential shared between environments", Severity::High)
    } else {
        (SHARED_RULE, "Credential shared across namespaces", Severity::Medium)
    };
    Arc::new(Rule {
        id: id.into(),
        provider: "kubernetes".into(),
        provider_name: "Kubernetes".into(),
        docs: "".into(),
        title: title.into(),
        severity,
        confidence: Confidence::High,
        shape: Shape::Structural,
        entropy: 0.0,
        checks: Vec::new(),
        unlocks: "The same service from every namespace that holds it, so that one leak opens all of them".into(),
        rotate: "".into(),
        instead: "A credential of its own for each namespace and environment".into(),
        samples: Vec::new(),
        near_misses: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters and digits from a seed, so that nothing in the repository looks like a credential.
    fn value(seed: u64, length: usize) -> String {
        let alphabet = b"ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..length).map(|_| char::from(alphabet[(next() % alphabet.len() as u64) as usize])).collect()
    }

    fn reports(files: &[(&str, String)], policy: &Policy) -> Vec<ImageReport> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Cow::Borrowed(text.as_str())));
        let engine = Engine::new(Vec::new());
        let now = "2026-06-01T00:00:00Z".parse().expect("a time");
        judge(files, policy, &[], &engine, &Fingerprinter::built_in(), now)
    }

    fn deployment(password: &str) -> String {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n      \
             - name: web\n        image: shop:1\n        env:\n        - name: DB_PASSWORD\n          value: \"{password}\"\n"
        )
    }

    #[test]
    fn a_finding_has_file_line_and_pointer() {
        let text = format!("---\n# a comment\n{}", deployment(&value(1, 24)));
        let reports = reports(&[("k8s/shop.yaml", text)], &Policy::default());
        let finding = &reports[0].findings[0];
        let place = &finding.primary().location;
        assert_eq!((place.kind, place.path.as_deref(), place.line), (LocationKind::Manifest, Some("k8s/shop.yaml"), Some(16)));
        assert_eq!(place.name.as_deref(), Some("/spec/template/spec/containers/0/env/0/value"));
        assert!(finding.evidence.iter().any(|text| text.contains("denies")), "{}", finding.evidence.join("; "));
    }

    #[test]
    fn sharing_is_judged_across_the_files_of_a_set() {
        let secret = |namespace: &str| {
            format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {namespace}}}\nstringData:\n  token: {}\n", value(2, 40))
        };
        let scope = |namespace: &str| {
            format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{imgscan.dev/credential-scope: x}}}}\n")
        };
        let shared = reports(&[("a.yaml", secret("a")), ("b.yaml", secret("b"))], &Policy::default());
        assert!(shared.iter().all(|report| report.findings.len() == 1 && report.findings[0].rule.id == SHARED_RULE));
        let place = &shared[0].findings[0].primary().location;
        assert_eq!((place.name.as_deref(), place.line), (Some("/stringData/token"), Some(5)));
        let scoped = reports(
            &[("a.yaml", secret("a")), ("b.yaml", secret("b")), ("n.yaml", format!("{}---\n{}", scope("a"), scope("b")))],
            &Policy::default(),
        );
        assert!(scoped.iter().all(|report| report.findings.is_empty()));
    }

    #[test]
    fn exceptions_count_until_they_expire() {
        let policy = Policy { exceptions_from: vec!["security".into()], ..Policy::default() };
        let text = deployment(&value(1, 24));
        let rule = reports(&[("x.yaml", text.clone())], &policy)[0].findings[0].rule.id.to_string();
        let exception = |expires: &str| {
            format!(
                "apiVersion: imgscan.dev/v1alpha1\nkind: CredentialException\nmetadata: {{name: e, namespace: security}}\nspec:\n  rules: [{rule}]\n  \
                 objects: {{kinds: [Deployment]}}\n  namespaces: [shop]\n  reason: r\n  owner: o\n  expires: \"{expires}\"\n"
            )
        };
        let judged = |expires: &str| reports(&[("x.yaml", format!("{text}---\n{}", exception(expires)))], &policy).remove(0);
        let valid = judged("2026-06-02T00:00:00Z");
        assert_eq!((valid.findings.len(), valid.suppressed.ignored), (0, 1), "counted, not silent");
        assert_eq!(judged("2026-06-01T00:00:00Z").findings.len(), 1);
    }

    #[test]
    fn a_secret_that_keeps_the_search_busy_is_a_gap() {
        let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {value}}}\n");
        // The second is judged after the first, with the same buffers.
        let files = [("a.yaml", secret(&"eyJh-".repeat(50_000))), ("b.yaml", secret("b"))];
        let reports = reports(&files, &Policy::default());
        let gaps = |report: &ImageReport| report.coverage.skipped.iter().map(|skip| skip.reason.clone()).collect::<Vec<_>>();
        assert!(matches!(gaps(&reports[0]).as_slice(), [gap] if gap.contains("Secret s")), "{:?}", gaps(&reports[0]));
        assert!(gaps(&reports[1]).is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let reports = reports(&[("chart/templates/x.yaml", "{{ if .Values.x }}\nkind: Pod\n{{ end }}\n".to_owned())], &Policy::default());
        assert_eq!(reports[0].coverage.skipped.len(), 1);
    }
}
