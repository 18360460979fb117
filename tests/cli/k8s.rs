//! `imgscan k8s`: the webhook's verdicts on files.

use imgscan::detect::samples::fill;
use serde_json::json;

use crate::support::{
    image::{Changeset, Image},
    imgscan::Imgscan,
    report::{findings, scan},
    samples::github_token,
};

fn pod(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - name: app\n    image: app\n    env:\n    - name: GITHUB_TOKEN\n      {value}\n"
    )
}

#[test]
fn a_literal_is_named_with_file_line_and_pointer() {
    let literal = pod(&format!("value: {}", github_token(1)));
    let outcome = Imgscan::new()
        .file("deploy/a.yaml", format!("kind: ConfigMap\n---\n{literal}"))
        .file("deploy/notes.txt", &literal)
        .args(["k8s", "deploy", "--format", "json"])
        .run()
        .exits(1);
    let report = outcome.json();
    assert_eq!(report["images"].as_array().map(Vec::len), Some(1), "only manifests");
    let finding = &report["images"][0]["findings"][0];
    assert_eq!(finding["rule"], "github-pat");
    assert_eq!(finding["layer"], json!(null));
    assert_eq!(finding["location"]["kind"], "manifest");
    assert_eq!(finding["location"]["path"], "deploy/a.yaml");
    assert_eq!(finding["location"]["line"], 12);
    assert_eq!(finding["location"]["name"], "/spec/containers/0/env/0/value");
    assert!(!outcome.stdout.contains(&github_token(1)[4..20]));
}

#[test]
fn the_same_id_as_in_an_image() {
    let outcome = Imgscan::new().arg("fingerprint").input(github_token(1)).run().exits(0);
    let manifest = pod(&format!("value: {}", github_token(1)));
    let report = Imgscan::new().args(["k8s", "-", "--format", "json"]).input(manifest).run().exits(1).json();
    assert_eq!(report["images"][0]["findings"][0]["fingerprint"], outcome.stdout.trim_end());
}

/// One value, one id: in an image, in a manifest, and from the command line; the webhook's tests compare theirs with the last.
#[test]
fn the_same_id_in_every_place() {
    let tokens = [github_token(1), fill("postgres://app:{alnum:24}@db.acme.io/app", 2), fill("{alnum:40}", 3)];
    let id = |value: &str| Imgscan::new().arg("fingerprint").input(value).run().exits(0).stdout.trim_end().to_owned();
    let ids_of = |report: &serde_json::Value| -> Vec<String> {
        findings(report).iter().filter_map(|finding| finding["fingerprint"].as_str()).map(str::to_owned).collect()
    };
    for (name, token) in ["GITHUB_TOKEN", "DATABASE_URL", "SESSION_SECRET"].iter().zip(tokens) {
        // A URL's credential is its password.
        let value = token.split(['/', ':', '@']).nth(4).unwrap_or(&token);
        let expected = [id(value)];
        let file = Changeset::new().file("app/settings.env", format!("{name}={token}\n"));
        let image = Image::new().layer("COPY . /", file).bare_env(&format!("{name}={token}")).label("a", "b");
        assert_eq!(ids_of(&scan(&image, "medium").json()), expected, "{name} in an image");
        let manifest = pod(&format!("value: \"{token}\"")).replace("GITHUB_TOKEN", name);
        let report = Imgscan::new().args(["k8s", "-", "--format", "json"]).input(manifest).run().exits(1).json();
        assert_eq!(ids_of(&report), expected, "{name} in a manifest");
    }
}

#[test]
fn a_secret_that_keeps_the_search_busy_is_incomplete() {
    let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {}}}\n", "eyJh-".repeat(50_000));
    let report = Imgscan::new().args(["k8s", "-", "--format", "json"]).input(&*secret).run().exits(3).json();
    let skipped = report["images"][0]["coverage"]["skipped"][0]["reason"].as_str().unwrap_or_default();
    assert!(skipped.contains("Secret s") && report["summary"]["incomplete"] == json!(true), "{skipped}");
    Imgscan::new().args(["k8s", "-", "--allow-incomplete"]).input(secret).run().exits(0);
}

#[test]
fn references_pass() {
    let reference = pod("valueFrom: {secretKeyRef: {name: app, key: token}}");
    let outcome = Imgscan::new().args(["k8s", "-"]).input(reference).run().exits(0);
    assert!(outcome.stdout.contains("no credentials found"), "{}", outcome.stdout);
}

#[test]
fn what_cannot_be_read_is_said() {
    Imgscan::new().args(["k8s", "gone.yaml"]).run().exits(2);
    Imgscan::new().args(["k8s", "-"]).input("kind: Pod\nspec: {{ .Values.x }\n").run().exits(3);
    Imgscan::new().file("p.yaml", "mode: maybe\n").args(["k8s", "-", "--policy", "p.yaml"]).run().exits(2);
}
