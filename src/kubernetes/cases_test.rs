//! Odd but legal objects: what must be denied, with the very place, and what must pass.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Policy, judge};
use crate::{detect::Engine, detect::samples::fill, fingerprint::Fingerprinter};

fn password() -> String {
    fill("{alnum:24}", 5)
}

fn token() -> String {
    fill("ghp_{alnum:30}{crc32-base62}", 5)
}

/// JSON pointers of what is denied.
fn denied(object: &Value) -> Vec<String> {
    let files = std::iter::once(("x.json".to_owned(), Cow::Owned(object.to_string())));
    let now = "2026-06-01T00:00:00Z".parse().expect("a time");
    let reports = judge(files, &Policy::default(), &[], &Engine::new(Vec::new()), &Fingerprinter::built_in(), now);
    assert!(reports[0].coverage.skipped.is_empty(), "{object}");
    let is_denied = |evidence: &[String]| evidence.iter().any(|text| text.contains("denies"));
    let findings = reports[0].findings.iter().filter(|finding| is_denied(&finding.evidence));
    let mut pointers: Vec<String> =
        findings.flat_map(|finding| finding.places.iter().filter_map(|place| place.location.name.clone())).collect();
    pointers.sort();
    pointers
}

fn pod(container: Value) -> Value {
    let mut container = container;
    container["name"] = json!("web");
    container["image"] = json!("i");
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}})
}

fn resource(group: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "x"}, "spec": spec})
}

#[test]
fn command_lines_are_read_as_a_whole() {
    let (password, token) = (password(), token());
    for (command, place) in [
        (json!(["mysqldump", "-uroot", format!("-p{password}"), "db"]), "/2"),
        (json!(["redis-cli", "-a", password, "ping"]), "/2"),
        (json!(["curl", "-u", format!("admin:{password}"), "https://api.corp.io/x"]), "/2"),
        (json!(["curl", "-H", format!("Authorization: Bearer {password}{password}"), "https://api.corp.io/x"]), "/2"),
        (json!(["sh", "-c", format!("redis-cli -a {password} ping")]), "/2"),
        (json!(["sh", "-ec", format!("export DB_PASSWORD={password}\nexec ./run")]), "/2"),
        (json!(["env", format!("DB_PASSWORD={password}"), "./run"]), "/1"),
        (json!(["./run", "--db-password", password]), "/2"),
        (json!(["./run", format!("--db-password={password}")]), "/1"),
        (json!(["git", "clone", format!("https://bot:{token}@github.com/o/r.git")]), "/2"),
    ] {
        let exec = json!({"livenessProbe": {"exec": {"command": command}}, "lifecycle": {"preStop": {"exec": {"command": command}}}});
        let expected = |field: &str| format!("/spec/containers/0/{field}{place}");
        assert_eq!(denied(&pod(json!({"command": command}))), [expected("command")], "{command}");
        assert_eq!(denied(&pod(json!({"args": command}))), [expected("args")], "{command}");
        assert_eq!(denied(&pod(exec)), [expected("lifecycle/preStop/exec/command"), expected("livenessProbe/exec/command")], "{command}");
    }
    let split = pod(json!({"command": ["redis-cli"], "args": ["-a", password, "ping"]}));
    assert_eq!(denied(&split), ["/spec/containers/0/args/1"], "the arguments belong to the command");
    for reference in [
        json!(["redis-cli", "-a", "$(REDIS_PASSWORD)", "ping"]),
        json!(["mysqladmin", "ping", "-uroot", "-p$MYSQL_ROOT_PASSWORD"]),
        json!(["sh", "-c", "mysqladmin ping -uroot -p${MYSQL_ROOT_PASSWORD} && curl -u \"$USER:$PASSWORD\" http://x/"]),
        json!(["./run", "--password-file", "/run/secrets/password", "--token=$(TOKEN)"]),
    ] {
        assert!(denied(&pod(json!({"command": reference}))).is_empty(), "{reference}");
    }
}

#[test]
fn custom_resources_hide_nothing() {
    let (password, token) = (password(), token());
    for (object, expected) in [
        (resource("dapr.io", "Component", json!({"metadata": [{"name": "redisPassword", "value": password}]})), "/spec/metadata/0/value"),
        (
            resource("keda.sh", "ScaledObject", json!({"triggers": [{"metadata": {"password": password}}]})),
            "/spec/triggers/0/metadata/password",
        ),
        (resource("tekton.dev", "Task", json!({"params": [{"name": "db-password", "default": password}]})), "/spec/params/0/default"),
        (resource("x.io", "Thing", json!({"vars": [{"key": "DB_PASSWORD", "value": password}]})), "/spec/vars/0/value"),
        (resource("x.io", "Thing", json!({"oauth": {"secret": password}})), "/spec/oauth/secret"),
        (resource("x.io", "Thing", json!({"uid": token})), "/spec/uid"),
        (resource("x.io", "Thing", json!({"encryptedData": {"a": token}})), "/spec/encryptedData/a"),
        (resource("x.io", "Thing", json!({"openAPIV3Schema": {"default": token}})), "/spec/openAPIV3Schema/default"),
        (resource("x.io", "Thing", json!({"managedFields": [token]})), "/spec/managedFields/0"),
        (
            resource(
                "argoproj.io",
                "Workflow",
                json!({"templates": [{"script": {"image": "i", "source": format!("redis-cli -a {password} ping\nx\n")}}]}),
            ),
            "/spec/templates/0/script/source",
        ),
        (
            resource("tekton.dev", "Task", json!({"steps": [{"image": "i", "script": format!("#!/bin/sh\nmysql -p{password} db\n")}]})),
            "/spec/steps/0/script",
        ),
    ] {
        assert_eq!(denied(&object), [expected], "{object}");
    }
    for object in [
        resource(
            "x.io",
            "Thing",
            json!({"secret": "prod-db-credentials", "secrets": ["registry-pull-secret-2024", "db"], "secretName": "tls-prod"}),
        ),
        resource("bitnami.com", "SealedSecret", json!({"encryptedData": {"password": fill("{b64:400}", 1)}})),
        resource(
            "external-secrets.io",
            "ExternalSecret",
            json!({"data": [{"secretKey": "password", "remoteRef": {"key": "prod/db", "property": "password"}}]}),
        ),
        resource(
            "keda.sh",
            "ScaledObject",
            json!({"triggers": [{"metadata": {"passwordFromEnv": "RABBITMQ_PASSWORD", "hostFromEnv": "HOST"}}]}),
        ),
    ] {
        assert!(denied(&object).is_empty(), "{object}");
    }
}

#[test]
fn lists_in_lists_are_taken_apart() {
    let pod = pod(json!({"env": [{"name": "GITHUB_TOKEN", "value": token()}]}));
    let list = |items: Value| json!({"apiVersion": "v1", "kind": "List", "items": items});
    assert_eq!(denied(&list(json!([list(json!([pod]))]))), ["/spec/containers/0/env/0/value"]);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": password()}});
    assert!(denied(&list(json!([list(json!([secret]))]))).is_empty(), "a Secret is a Secret however deep");
    // Items of a typed list carry neither apiVersion nor kind.
    let typed = json!({"apiVersion": "v1", "kind": "SecretList", "items": [{"metadata": {"name": "s"}, "data": {"password": "aHVudGVyMmh1bnRlcjI="}}]});
    assert!(denied(&typed).is_empty());
    let maps =
        json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "c"}, "data": {"db.password": password()}}]});
    assert_eq!(denied(&maps), ["/data/db.password"]);
}
