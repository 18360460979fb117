//! Answers: whom they deny, what they say, and what they never say.

use serde_json::{Value, json};

use crate::{
    samples::{alphanumeric, github},
    support::Replica,
};

fn pod(env: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "team"}, "spec": {"containers": [{"name": "web", "image": "i", "env": env}]}})
}

fn secret(name: &str, namespace: &str, value: &str) -> Value {
    let data = serde_json::to_value(k8s_openapi::ByteString(value.as_bytes().to_vec())).expect("base64");
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": {"token": data}})
}

#[tokio::test]
async fn a_denial_says_where_what_and_how_to_fix_it() {
    let replica = Replica::new("{mode: enforce, exceptionsFrom: [security]}");
    let token = github(1);
    let response = replica.review("team", &pod(json!([{"name": "GITHUB_TOKEN", "value": token}])), None, false).await;
    assert_eq!((&response["allowed"], &response["status"]["code"]), (&json!(false), &json!(403)));
    let message = response["status"]["message"].as_str().expect("a message");
    for part in [
        "container web, env GITHUB_TOKEN (/spec/containers/0/env/0/value)",
        "rule github-pat",
        "secretKeyRef",
        "key: GITHUB_TOKEN",
        "CredentialException in namespace security",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(response["auditAnnotations"]["denied"].as_str().is_some_and(|text| text.starts_with("github-pat:")));
    let everything = format!("{response}{}", replica.metrics());
    assert!(!everything.contains(&token) && !everything.contains(&token[4..20]), "no value, nor a part of it");
}

#[tokio::test]
async fn each_fix_is_offered_as_the_policy_prefers() {
    for (fix, needle) in
        [("externalSecret", "kind: ExternalSecret"), ("vault", "vault.hashicorp.com/agent-inject"), ("csi", "secrets-store.csi.k8s.io")]
    {
        let replica = Replica::new(&format!("{{mode: enforce, fix: {fix}}}"));
        let response = replica.review("team", &pod(json!([{"name": "GITHUB_TOKEN", "value": github(1)}])), None, false).await;
        assert!(response["status"]["message"].as_str().is_some_and(|text| text.contains(needle)), "{fix}");
    }
}

#[tokio::test]
async fn warnings_keep_the_limits_of_the_api() {
    let replica = Replica::new("mode: warn");
    let env: Vec<Value> = (0..200).map(|n| json!({"name": format!("TOKEN_{n}_{}", "x".repeat(100)), "value": github(n)})).collect();
    let response = replica.review("team", &pod(json!(env)), None, false).await;
    assert_eq!(response["allowed"], true);
    let warnings: Vec<&str> = response["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).collect();
    assert!(warnings.iter().all(|text| text.chars().count() <= 120));
    assert!(warnings.iter().map(|text| text.len()).sum::<usize>() <= 4096);
    assert!(warnings.last().is_some_and(|text| text.contains("more")), "nothing is left out silently");
}

#[tokio::test]
async fn modes_thresholds_and_namespaces() {
    let object = pod(json!([{"name": "GITHUB_TOKEN", "value": github(1)}]));
    for (policy, allowed, warnings) in [
        ("mode: off", true, 0),
        ("mode: audit", true, 0),
        ("mode: warn", true, 1),
        ("mode: enforce", false, 0),
        ("{mode: enforce, classes: {literal: warn}}", true, 1),
        ("{mode: enforce, namespaces: [{names: ['te*'], mode: audit}]}", true, 0),
        ("{mode: warn, namespaces: [{names: [team], mode: enforce}]}", false, 0),
    ] {
        let response = Replica::new(policy).review("team", &object, None, false).await;
        assert_eq!((&response["allowed"], response["warnings"].as_array().map_or(0, Vec::len)), (&json!(allowed), warnings), "{policy}");
    }
    let replica = Replica::new("mode: enforce");
    replica.state.index_mut().set_namespace("team", [("imgscan.dev/mode".to_owned(), "warn".to_owned())].into());
    assert_eq!(replica.review("team", &object, None, false).await["allowed"], true, "the namespace's label");
    let replica = Replica::new("{mode: enforce, labelPower: raise}");
    replica.state.index_mut().set_namespace("team", [("imgscan.dev/mode".to_owned(), "off".to_owned())].into());
    assert_eq!(replica.review("team", &object, None, false).await["allowed"], false, "a tenant's label does not weaken");
}

#[tokio::test]
async fn an_update_is_judged_by_what_it_adds() {
    let replica = Replica::new("mode: enforce");
    let old = pod(json!([{"name": "GITHUB_TOKEN", "value": github(1)}]));
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    labelled["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(replica.review("team", &labelled, Some(&old), false).await["allowed"], true);
    let changed = pod(json!([{"name": "GITHUB_TOKEN", "value": github(2)}]));
    assert_eq!(replica.review("team", &changed, Some(&old), false).await["allowed"], false);
    let mut moved = pod(json!([]));
    moved["spec"]["containers"][0]["args"] = json!(["--token", github(1)]);
    assert_eq!(replica.review("team", &moved, Some(&old), false).await["allowed"], true, "nothing leaks that did not before");
}

#[tokio::test]
async fn sharing_is_judged_across_secrets_literals_and_references() {
    let replica = Replica::new("{mode: enforce, classes: {literal: audit}, sharing: {secrets: {write: enforce}}}");
    let token = github(3);
    let dry = replica.review("a", &secret("s", "a", &token), None, true).await;
    assert_eq!((&dry["allowed"], replica.state.index().objects()), (&json!(true), 0), "a dry run leaves no trace");
    assert_eq!(replica.review("a", &secret("s", "a", &token), None, false).await["allowed"], true);
    let other = replica.review("b", &secret("s", "b", &token), None, false).await;
    let message = other["status"]["message"].as_str().expect("denied");
    assert!(message.contains("shared-credential") && message.contains("data token"), "{message}");
    let literal = replica.review("b", &pod(json!([{"name": "T", "value": token}])), None, false).await;
    assert_eq!(literal["allowed"], false, "a literal is compared as well");
    let reference = pod(json!([{"name": "T", "valueFrom": {"secretKeyRef": {"name": "s", "key": "token"}}}]));
    assert_eq!(replica.review("a", &reference, None, false).await["allowed"], true, "one holder only");
    assert_eq!(replica.state.index().objects(), 1, "what was denied is not remembered");
}

#[tokio::test]
async fn guessable_values_change_no_answer_and_probing_is_limited() {
    let replica = Replica::new("{mode: enforce, sharing: {secrets: {write: enforce}, probesPerHour: 2}}");
    replica.review("a", &secret("weak", "a", "Summer2024!"), None, false).await;
    let same = replica.review("b", &secret("x", "b", "Summer2024!"), None, true).await;
    assert_eq!(same, replica.review("b", &secret("x", "b", "Winter2025?"), None, true).await, "equal or not, the same answer");
    for seed in 0..4 {
        replica.review("a", &secret(&format!("s{seed}"), "a", &alphanumeric(seed + 50, 40)), None, false).await;
    }
    let mut messages = Vec::new();
    for seed in 0..4 {
        let response = replica.review("b", &secret("x", "b", &alphanumeric(seed + 50, 40)), None, true).await;
        messages.push(response["status"]["message"].as_str().unwrap_or_default().to_owned());
    }
    assert!(messages[0].contains("shared-credential") && messages[3].contains("try again later"), "{messages:?}");
    let unrelated = replica.review("b", &secret("x", "b", &alphanumeric(99, 40)), None, true).await;
    assert_eq!(unrelated["allowed"], false, "the answer no longer depends on what others hold");
    let literal = replica.review("b", &pod(json!([{"name": "GITHUB_TOKEN", "value": github(77)}])), None, true).await;
    assert!(literal["status"]["message"].as_str().is_some_and(|text| text.contains("try again later")), "nor for literals");
    assert_eq!(replica.review("b", &pod(json!([])), None, true).await["allowed"], true, "what compares nothing passes");
    assert!(replica.metrics().contains("imgscan_admission_probes_limited_total 4"));
}

#[tokio::test]
async fn probing_is_limited_as_far_as_answers_tell_something() {
    let seeds = || (0..4).map(|seed| alphanumeric(seed + 50, 40));
    for (policy, allowed, told) in [
        ("{mode: enforce, sharing: {secrets: {write: warn}, probesPerHour: 2}}", true, true),
        ("{mode: warn, sharing: {secrets: {write: enforce}, probesPerHour: 2}}", true, true),
        (
            "{mode: enforce, classes: {shared: audit, crossEnvironment: audit}, sharing: {secrets: {write: enforce}, probesPerHour: 2}}",
            true,
            false,
        ),
        ("{mode: enforce, sharing: {secrets: {write: audit}, probesPerHour: 2}}", true, false),
        ("{mode: enforce, sharing: {secrets: {write: enforce}, probesPerHour: 2}}", false, true),
    ] {
        let replica = Replica::new(policy);
        for (n, value) in seeds().enumerate() {
            replica.review("a", &secret(&format!("s{n}"), "a", &value), None, false).await;
        }
        for value in seeds() {
            replica.review("b", &secret("x", "b", &value), None, true).await;
        }
        // The audit annotations are in the API server's audit log, which no tenant reads.
        let told_to_user = |mut response: Value| {
            response.as_object_mut().expect("an object").remove("auditAnnotations");
            response
        };
        let known = told_to_user(replica.review("b", &secret("x", "b", &alphanumeric(50, 40)), None, true).await);
        let unknown = told_to_user(replica.review("b", &secret("x", "b", &alphanumeric(99, 40)), None, true).await);
        assert_eq!(known, unknown, "held elsewhere or not, the same answer: {policy}");
        assert_eq!(unknown["allowed"], allowed, "a mode that never refuses does not refuse probing: {policy}");
        assert_eq!(unknown.to_string().contains("try again later"), told, "{policy}");
    }
}

#[tokio::test]
async fn deletions_of_collections_are_forgotten_by_what_is_deleted() {
    let replica = Replica::new("mode: warn");
    for name in ["s1", "s2"] {
        replica.review("a", &secret(name, "a", &alphanumeric(7, 40)), None, false).await;
    }
    let delete = |name: &str, old: &Value| {
        format!(
            r#"{{"kind":"AdmissionReview","request":{{"uid":"u-1","kind":{{"group":"","kind":"Secret"}},"name":"{name}","namespace":"a","operation":"DELETE","object":null,"oldObject":{old},"dryRun":false}}}}"#
        )
    };
    assert_eq!(replica.state.index().objects(), 2);
    replica.send(delete("", &secret("s1", "a", "x"))).await;
    assert_eq!(replica.state.index().objects(), 1);
    replica.send(delete("s2", &secret("s2", "a", "x"))).await;
    assert_eq!(replica.state.index().objects(), 0);
}

#[tokio::test]
async fn an_update_that_makes_a_value_weigh_more_is_new() {
    let replica = Replica::new("mode: enforce");
    let value = alphanumeric(31, 24);
    let old = pod(json!([{"name": "NOTE", "value": value}]));
    let new = pod(json!([{"name": "DB_PASSWORD", "value": value}]));
    assert_eq!(replica.review("team", &old, None, false).await["allowed"], true);
    assert_eq!(replica.review("team", &new, Some(&old), false).await["allowed"], false);
}

#[tokio::test]
async fn passwords_that_people_choose_change_no_answer_however_long() {
    let replica = Replica::new("{mode: enforce, sharing: {secrets: {write: enforce}}}");
    let auth = |password: &str| {
        let auth = serde_json::to_value(k8s_openapi::ByteString(format!("robot:{password}").into_bytes())).expect("base64");
        let mut object = secret("pull", "a", &json!({"auths": {"registry.corp.io": {"auth": auth}}}).to_string());
        object["type"] = json!("kubernetes.io/dockerconfigjson");
        object
    };
    replica.review("a", &secret("s", "a", "SuperSecretPassword2024!"), None, false).await;
    replica.review("a", &auth("Summer2024!"), None, false).await;
    assert_eq!(replica.state.index().fingerprints(), 0, "nothing to compare with");
    for (same, other) in [
        (secret("x", "b", "SuperSecretPassword2024!"), secret("x", "b", "SuperSecretPassword2023!")),
        (auth("Summer2024!"), auth("Winter2025?")),
    ] {
        assert_eq!(replica.review("b", &same, None, true).await, replica.review("b", &other, None, true).await);
    }
}

#[tokio::test]
async fn fixes_fit_their_field_and_quote_nothing_of_the_value() {
    let replica = Replica::new("mode: enforce");
    let password = alphanumeric(5, 24);
    let container = |extra: Value| {
        let mut object = pod(json!([]));
        for (key, value) in extra.as_object().into_iter().flatten() {
            object["spec"]["containers"][0][key] = value.clone();
        }
        object
    };
    for (object, needle) in [
        (container(json!({"command": ["mysqldump", format!("-p{password}"), github(9)]})), "in its place"),
        (
            container(
                json!({"livenessProbe": {"httpGet": {"port": 1, "httpHeaders": [{"name": "Authorization", "value": format!("Bearer {}", github(9))}]}}}),
            ),
            "probes cannot refer",
        ),
        (container(json!({"env": [{"name": github(9), "value": github(9)}]})), "secretKeyRef"),
        (json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"token": github(9)}}), "secretRef"),
    ] {
        let response = replica.review("team", &object, None, false).await;
        let message = response["status"]["message"].as_str().expect("denied");
        assert!(message.contains(needle), "{needle} in {message}");
        let everything = response.to_string();
        assert!(!everything.contains(&password) && !everything.contains(&github(9)), "{message}");
    }
}

#[tokio::test]
async fn labels_of_namespaces_are_guarded() {
    let replica = Replica::new("{mode: enforce, labelEditors: [admins]}");
    let namespace = |labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": labels}});
    let old = namespace(json!({}));
    let weakened = namespace(json!({"imgscan.dev/mode": "off"}));
    assert_eq!(replica.review("", &weakened, Some(&old), false).await["allowed"], false);
    assert_eq!(replica.review("", &namespace(json!({"app": "x"})), Some(&old), false).await["allowed"], true);
}

/// The id that the command line prints for a value (`imgscan fingerprint`), and with it the id in an image and in a manifest.
#[tokio::test]
async fn the_same_id_as_in_an_image_and_in_a_manifest() {
    use imgscan::{Secret, fingerprint::Fingerprinter};
    let replica = Replica::new("mode: enforce");
    for (name, value) in [("GITHUB_TOKEN", github(1)), ("SESSION_SECRET", alphanumeric(3, 40))] {
        let id = Fingerprinter::built_in().of_value(&Secret::new(value.as_bytes()), false).expect("nobody can guess it");
        let response = replica.review("team", &pod(json!([{"name": name, "value": value}])), None, false).await;
        let message = response["status"]["message"].as_str().expect("a message");
        assert!(message.contains(&format!("id {id}]")), "{id} in {message}");
    }
}
