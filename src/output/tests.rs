//! One built report through every format.

use std::sync::Arc;

use super::*;
use crate::{
    Secret,
    detect::{Rule, rule},
    finding::{Finding, LayerId, Location, LocationKind, Place, Severity, Skip, State},
    fingerprint::Fingerprinter,
    report::{Coverage, ImageReport, Suppressed, held::Why},
};

const RULES: &str = r#"
provider = "example"
name = "Example Cloud"
docs = "https://docs.example.com/tokens"

[[rule]]
id = "example-token"
title = "Example Cloud token"
severity = "critical"
confidence = "high"
pattern = 'exmpl_[a-z0-9]{32}'
anchors = ["exmpl_"]
unlocks = "Every project of the organisation"
rotate = "https://console.example.com/tokens"
instead = "A workload identity"

[[rule]]
id = "example-password"
title = "Database password"
severity = "high"
confidence = "medium"
names = ["password"]
value = '.{8,}'
unlocks = "The database"
"#;

/// Never written down as a whole, so that no scanner trips over this file.
fn value() -> String {
    ["exmpl", "0123456789abcdef0123456789abcdef"].join("_")
}

fn rules() -> Vec<Arc<Rule>> {
    rule::parse("example.toml", RULES).map_err(|error| error.to_string()).expect("valid rules")
}

fn layer(index: u32, created_by: &str) -> Arc<LayerId> {
    Arc::new(LayerId {
        index,
        digest: format!("sha256:{}", format!("{index:x}").repeat(64)),
        diff_id: Some(format!("sha256:{}", "d".repeat(64))),
        created_by: Some(created_by.to_owned()),
    })
}

fn at(path: &str, line: u32, name: &str) -> Location {
    Location {
        path: Some(path.to_owned()),
        line: Some(line),
        column: Some(7),
        name: Some(name.to_owned()),
        ..Location::new(LocationKind::File)
    }
}

fn finding(rule: &Arc<Rule>, value: &str, places: Vec<Place>) -> Finding {
    let secret = Secret::new(value.as_bytes());
    let fingerprint = Fingerprinter::built_in().of_value(&secret, false).expect("not guessable");
    let evidence = vec!["checksum valid".to_owned(), "named like a credential".to_owned()];
    Finding {
        rule: Arc::clone(rule),
        severity: rule.severity,
        confidence: rule.confidence,
        fingerprint,
        redacted: secret.redacted(6),
        evidence,
        places,
    }
}

/// Two findings, one of them deleted and in three places; hostile names; two gaps.
fn image() -> ImageReport {
    let rules = rules();
    let copy = layer(1, "COPY . /app # buildkit");
    let hostile = "srv/\u{1b}[31m<script>alert(1)</script>|`x`\u{202e}";
    let token = finding(
        &rules[0],
        &value(),
        vec![
            Place { layer: Some(Arc::clone(&copy)), location: at("app/.env", 12, "API_TOKEN"), state: State::Deleted { by: 3 } },
            Place {
                layer: None,
                location: Location { name: Some("API_TOKEN".to_owned()), ..Location::new(LocationKind::Env) },
                state: State::Live,
            },
            Place { layer: Some(layer(2, "RUN /bin/sh -c make # buildkit")), location: at(hostile, 1, "t"), state: State::Live },
        ],
    );
    let mut jar = at("app/app.jar", 4, "spring.datasource.password");
    jar.inner = vec!["BOOT-INF/classes/application.yml".to_owned()];
    let password = finding(&rules[1], "correct horse battery", vec![Place { layer: Some(copy), location: jar, state: State::Live }]);
    ImageReport {
        reference: "registry.example.com/team/app:1.2".to_owned(),
        digest: Some(format!("sha256:{}", "a".repeat(64))),
        platform: Some("linux/amd64".to_owned()),
        findings: vec![token, password],
        suppressed: Suppressed { baseline: 0, ignored: 0, public: 3, refuted: 1, low_confidence: 2 },
        coverage: Coverage {
            layers: 5,
            files: 12_345,
            bytes: 1_234_567_890,
            skipped: vec![
                Skip {
                    layer: Some(2),
                    path: Some("opt/a.zip".to_owned()),
                    reason: "the archive is encrypted".to_owned(),
                    bytes: Some(512),
                },
                Skip { layer: Some(2), path: Some("opt/b.zip".to_owned()), reason: "the archive is encrypted".to_owned(), bytes: None },
            ],
        },
    }
}

fn render(format: Format, style: &table::Style) -> String {
    let rules = rules();
    let known = Held {
        finding: finding(
            &rules[0],
            &value().to_uppercase(),
            vec![Place { layer: None, location: at("etc/known", 3, "k"), state: State::Live }],
        ),
        why: Why::Baseline,
    };
    let report = Report { ruleset: "0011223344556677".to_owned(), images: vec![image()] };
    let failed = [Failed { reference: "gone:1".to_owned(), problem: "not found <b>".to_owned() }];
    let document = Document {
        report: &report,
        held: &[vec![known]],
        failed: &failed,
        judgement: verdict::Judgement { fail_on: Some(Severity::Medium), allow_incomplete: false },
    };
    let mut bytes = Vec::new();
    write(format, &document, style, &mut bytes).expect("a buffer");
    String::from_utf8(bytes).expect("UTF-8")
}

fn plain(width: usize) -> table::Style {
    table::Style { width, color: false, quiet: false }
}

#[test]
fn table_at_80_columns() {
    insta::assert_snapshot!(render(Format::Table, &plain(80)), @r##"
    registry.example.com/team/app:1.2 linux/amd64 sha256:aaaaaaaaaaaa

    CRITICAL (1)

      Example Cloud token                                              example-token
        value       exmpl_****
        confidence  high: checksum valid, named like a credential
        where       app/.env:12 (API_TOKEN)
                    layer 2 of 5 sha256:111111111111
                    COPY . /app
        state       deleted by layer 4, still extractable by anyone who can pull
        also at     2 more places
                    Env API_TOKEN (live)
                    layer 3: srv/\x1b[31m<script>alert(1)</script>|`x`\u{202e}:1 (t)
                    (live)
        unlocks     Every project of the organisation
        fix         1. Treat it as leaked: revoke or rotate it before anything else:
                       https://console.example.com/tokens
                    2. Layer 4 deletes it, but layer 2 still ships it: rebuild so
                       that it is never written, and delete the old tags from the
                       registry
                    3. Add the line `**/.env` to .dockerignore, and hand the
                       variables over at run time: `docker run --env-file .env ...`,
                       or a Kubernetes Secret with `envFrom: [{secretRef: {name:
                       app}}]`. One file per service, so that one leak is not every
                       leak
                    4. Remove `ENV API_TOKEN` from the Dockerfile. If the build
                       needs it: `RUN --mount=type=secret,id=api_token,env=API_TOKEN
                       ...`. If the program needs it: `docker run --env API_TOKEN`,
                       or in Kubernetes `env: [{name: API_TOKEN, valueFrom:
                       {secretKeyRef: {name: app, key: api_token}}}]`
                    5. Instead: A workload identity
        id          9e294abd3d72f376f9d0ddb146d6a5ad

    HIGH (1)

      Database password                                             example-password
        value       corre****
        confidence  medium: checksum valid, named like a credential
        where       app/app.jar > BOOT-INF/classes/application.yml:4
                    (spring.datasource.password)
                    layer 2 of 5 sha256:111111111111
                    COPY . /app
        state       live: every container that runs the image sees it
        unlocks     The database
        fix         1. Treat it as leaked: change it where it was issued (Example
                       Cloud) before anything else
                    2. Remove it from the sources that app.jar is built from and
                       read it at run time: a mounted configuration file, or a
                       variable (in Spring `${DB_PASSWORD}`)
                    3. Keep it in a secret manager, handed over at run time:
                       ExternalSecret or Secrets Store CSI in Kubernetes, `docker
                       secret` in Swarm, `op run`, `doppler run` or `infisical run`
                       elsewhere
        id          c9872ce49f8d0694da8c77b855c50530

    Not shown: 3 public knowledge (--show-public), 1 disproved offline
    (--show-refuted), 2 below the minimum confidence (--min-confidence low).

    NOT COVERED (2)
      2 × the archive is encrypted: layer 3: opt/a.zip, layer 3: opt/b.zip

    1 critical, 1 high in 5 layers, 12,345 files, 1.2 GB; 2 not shown; 2 things not
    covered; exit 2: 1 target could not be read
    "##);
}

#[test]
fn the_table_keeps_to_its_columns_and_obeys_no_escape_sequence() {
    for width in [40, 60, 80, 100, 120] {
        let page = render(Format::Table, &plain(width));
        for line in page.lines() {
            assert!(line.contains("https://") || unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
        }
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    }
    let colored = render(Format::Table, &table::Style { width: 80, color: true, quiet: false });
    assert!(colored.contains("\u{1b}[") && !colored.contains("\u{1b}[31m<script>"), "our colours, not the image's");
}

#[test]
fn quiet_is_the_last_line() {
    let page = render(Format::Table, &table::Style { width: 200, color: false, quiet: true });
    assert_eq!(page.lines().count(), 2, "{page}");
    assert!(page.starts_with("1 critical, 1 high in 5 layers, 12,345 files, 1.2 GB;"), "{page}");
}

#[test]
fn json_v1() {
    insta::assert_snapshot!(render(Format::Json, &plain(80)), @r##"
    {
      "schema_version": 1,
      "tool": {
        "name": "imgscan",
        "version": "0.1.0",
        "ruleset": "0011223344556677"
      },
      "images": [
        {
          "reference": "registry.example.com/team/app:1.2",
          "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "platform": "linux/amd64",
          "findings": [
            {
              "rule": "example-token",
              "provider": "example",
              "title": "Example Cloud token",
              "severity": "critical",
              "confidence": "high",
              "fingerprint": "9e294abd3d72f376f9d0ddb146d6a5ad",
              "redacted": "exmpl_****",
              "evidence": [
                "checksum valid",
                "named like a credential"
              ],
              "state": "deleted",
              "state_layer": 3,
              "layer": {
                "index": 1,
                "digest": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
                "diff_id": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
                "created_by": "COPY . /app # buildkit"
              },
              "location": {
                "kind": "file",
                "path": "app/.env",
                "line": 12,
                "column": 7,
                "name": "API_TOKEN",
                "inner": []
              },
              "also_at": [
                {
                  "layer": null,
                  "location": {
                    "kind": "env",
                    "path": null,
                    "line": null,
                    "column": null,
                    "name": "API_TOKEN",
                    "inner": []
                  },
                  "state": "live",
                  "state_layer": null
                },
                {
                  "layer": {
                    "index": 2,
                    "digest": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
                    "diff_id": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
                    "created_by": "RUN /bin/sh -c make # buildkit"
                  },
                  "location": {
                    "kind": "file",
                    "path": "srv/\u001b[31m<script>alert(1)</script>|`x`\u202e",
                    "line": 1,
                    "column": 7,
                    "name": "t",
                    "inner": []
                  },
                  "state": "live",
                  "state_layer": null
                }
              ],
              "unlocks": "Every project of the organisation",
              "fix": {
                "summary": "Revoke it, then keep .env out of the build context",
                "steps": [
                  "Treat it as leaked: revoke or rotate it before anything else: https://console.example.com/tokens",
                  "Layer 4 deletes it, but layer 2 still ships it: rebuild so that it is never written, and delete the old tags from the registry",
                  "Add the line `**/.env` to .dockerignore, and hand the variables over at run time: `docker run --env-file .env ...`, or a Kubernetes Secret with `envFrom: [{secretRef: {name: app}}]`. One file per service, so that one leak is not every leak",
                  "Remove `ENV API_TOKEN` from the Dockerfile. If the build needs it: `RUN --mount=type=secret,id=api_token,env=API_TOKEN ...`. If the program needs it: `docker run --env API_TOKEN`, or in Kubernetes `env: [{name: API_TOKEN, valueFrom: {secretKeyRef: {name: app, key: api_token}}}]`",
                  "Instead: A workload identity"
                ]
              }
            },
            {
              "rule": "example-password",
              "provider": "example",
              "title": "Database password",
              "severity": "high",
              "confidence": "medium",
              "fingerprint": "c9872ce49f8d0694da8c77b855c50530",
              "redacted": "corre****",
              "evidence": [
                "checksum valid",
                "named like a credential"
              ],
              "state": "live",
              "state_layer": null,
              "layer": {
                "index": 1,
                "digest": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
                "diff_id": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
                "created_by": "COPY . /app # buildkit"
              },
              "location": {
                "kind": "file",
                "path": "app/app.jar",
                "line": 4,
                "column": 7,
                "name": "spring.datasource.password",
                "inner": [
                  "BOOT-INF/classes/application.yml"
                ]
              },
              "also_at": [],
              "unlocks": "The database",
              "fix": {
                "summary": "Revoke it, then keep it out of app.jar",
                "steps": [
                  "Treat it as leaked: change it where it was issued (Example Cloud) before anything else",
                  "Remove it from the sources that app.jar is built from and read it at run time: a mounted configuration file, or a variable (in Spring `${DB_PASSWORD}`)",
                  "Keep it in a secret manager, handed over at run time: ExternalSecret or Secrets Store CSI in Kubernetes, `docker secret` in Swarm, `op run`, `doppler run` or `infisical run` elsewhere"
                ]
              }
            }
          ],
          "suppressed": {
            "baseline": 0,
            "ignored": 0,
            "public": 3,
            "refuted": 1,
            "low_confidence": 2
          },
          "coverage": {
            "layers": 5,
            "files": 12345,
            "bytes": 1234567890,
            "skipped": [
              {
                "layer": 2,
                "path": "opt/a.zip",
                "reason": "the archive is encrypted",
                "bytes": 512
              },
              {
                "layer": 2,
                "path": "opt/b.zip",
                "reason": "the archive is encrypted",
                "bytes": null
              }
            ]
          }
        }
      ],
      "summary": {
        "critical": 1,
        "high": 1,
        "medium": 0,
        "low": 0,
        "info": 0,
        "incomplete": true
      },
      "failed": [
        {
          "reference": "gone:1",
          "problem": "not found <b>"
        }
      ]
    }
    "##);
}

#[test]
fn junit_xml() {
    insta::assert_snapshot!(render(Format::Junit, &plain(80)), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="imgscan" tests="4" failures="3" errors="1" skipped="0">
      <testsuite name="registry.example.com/team/app:1.2 linux/amd64" tests="3" failures="3" errors="0" skipped="0">
        <testcase classname="registry.example.com/team/app:1.2 linux/amd64" name="example-password">
          <failure type="high" message="Database password: 1 credential">high corre**** (medium confidence)
    id c9872ce49f8d0694da8c77b855c50530
    at layer 2: app/app.jar &gt; BOOT-INF/classes/application.yml:4 (spring.datasource.password) (live)
    fix: Treat it as leaked: change it where it was issued (Example Cloud) before anything else
    fix: Remove it from the sources that app.jar is built from and read it at run time: a mounted configuration file, or a variable (in Spring `${DB_PASSWORD}`)
    fix: Keep it in a secret manager, handed over at run time: ExternalSecret or Secrets Store CSI in Kubernetes, `docker secret` in Swarm, `op run`, `doppler run` or `infisical run` elsewhere</failure>
        </testcase>
        <testcase classname="registry.example.com/team/app:1.2 linux/amd64" name="example-token">
          <failure type="critical" message="Example Cloud token: 1 credential">critical exmpl_**** (high confidence)
    id 9e294abd3d72f376f9d0ddb146d6a5ad
    at layer 2: app/.env:12 (API_TOKEN) (deleted)
    at Env API_TOKEN (live)
    at layer 3: srv/\x1b[31m&lt;script&gt;alert(1)&lt;/script&gt;|`x`\u{202e}:1 (t) (live)
    fix: Treat it as leaked: revoke or rotate it before anything else: https://console.example.com/tokens
    fix: Layer 4 deletes it, but layer 2 still ships it: rebuild so that it is never written, and delete the old tags from the registry
    fix: Add the line `**/.env` to .dockerignore, and hand the variables over at run time: `docker run --env-file .env ...`, or a Kubernetes Secret with `envFrom: [{secretRef: {name: app}}]`. One file per service, so that one leak is not every leak
    fix: Remove `ENV API_TOKEN` from the Dockerfile. If the build needs it: `RUN --mount=type=secret,id=api_token,env=API_TOKEN ...`. If the program needs it: `docker run --env API_TOKEN`, or in Kubernetes `env: [{name: API_TOKEN, valueFrom: {secretKeyRef: {name: app, key: api_token}}}]`
    fix: Instead: A workload identity</failure>
        </testcase>
        <testcase classname="registry.example.com/team/app:1.2 linux/amd64" name="coverage">
          <failure message="2 things not covered">layer 3: opt/a.zip: the archive is encrypted
    layer 3: opt/b.zip: the archive is encrypted</failure>
        </testcase>
      </testsuite>
      <testsuite name="gone:1" tests="1" failures="0" errors="1" skipped="0">
        <testcase classname="gone:1" name="scan">
          <error message="not found &lt;b&gt;">not found &lt;b&gt;</error>
        </testcase>
      </testsuite>
    </testsuites>
    "##);
}

#[test]
fn markdown_comment() {
    insta::assert_snapshot!(render(Format::Markdown, &plain(80)), @r##"
    <!-- imgscan -->
    ### imgscan: 1 critical, 1 high

    **Not scanned:** `gone:1`: not found &lt;b&gt;

    **`registry.example.com/team/app:1.2`** linux/amd64

    | Severity | Credential | Where | State |
    |---|---|---|---|
    | critical | Example Cloud token `exmpl_****` | `layer 2: app/.env:12 (API_TOKEN)` (+2) | deleted |
    | high | Database password `corre****` | `layer 2: app/app.jar > BOOT-INF/classes/application.yml:4 (spring.datasource.password)` | live |

    <details><summary>How to fix</summary>

    **Example Cloud token** at `layer 2: app/.env:12 (API_TOKEN)`

    1. Treat it as leaked: revoke or rotate it before anything else: <https://console.example.com/tokens>
    1. Layer 4 deletes it, but layer 2 still ships it: rebuild so that it is never written, and delete the old tags from the registry
    1. Add the line `**/.env` to .dockerignore, and hand the variables over at run time: `docker run --env-file .env ...`, or a Kubernetes Secret with `envFrom: [{secretRef: {name: app}}]`. One file per service, so that one leak is not every leak
    1. Remove `ENV API_TOKEN` from the Dockerfile. If the build needs it: `RUN --mount=type=secret,id=api_token,env=API_TOKEN ...`. If the program needs it: `docker run --env API_TOKEN`, or in Kubernetes `env: [{name: API_TOKEN, valueFrom: {secretKeyRef: {name: app, key: api_token}}}]`
    1. Instead: A workload identity

    <sub>example-token · 9e294abd3d72f376f9d0ddb146d6a5ad</sub>

    **Database password** at `layer 2: app/app.jar > BOOT-INF/classes/application.yml:4 (spring.datasource.password)`

    1. Treat it as leaked: change it where it was issued (Example Cloud) before anything else
    1. Remove it from the sources that app.jar is built from and read it at run time: a mounted configuration file, or a variable (in Spring `${DB_PASSWORD}`)
    1. Keep it in a secret manager, handed over at run time: ExternalSecret or Secrets Store CSI in Kubernetes, `docker secret` in Swarm, `op run`, `doppler run` or `infisical run` elsewhere

    <sub>example-password · c9872ce49f8d0694da8c77b855c50530</sub>

    </details>

    Not shown: 3 public knowledge (--show-public), 1 disproved offline (--show-refuted), 2 below the minimum confidence (--min-confidence low).

    <details><summary>Not covered: 2</summary>

    - layer 3: `opt/a.zip` the archive is encrypted
    - layer 3: `opt/b.zip` the archive is encrypted

    </details>

    1 critical, 1 high in 5 layers, 12,345 files, 1.2 GB; 2 not shown; 2 things not covered; exit 2: 1 target could not be read
    "##);
}

#[test]
fn sarif_is_valid_and_says_what_code_scanning_needs() {
    let log: serde_json::Value = serde_json::from_str(&render(Format::Sarif, &plain(80))).expect("JSON");
    let mut schema: serde_json::Value = serde_json::from_str(include_str!("../../testdata/schemas/sarif-2.1.0.json")).expect("JSON");
    // The published schema has a stray bracket in these, which ECMA 262 lets pass and the validator does not.
    for definition in ["run", "toolComponent"] {
        schema["definitions"][definition]["properties"]["language"]["pattern"] = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");

    let at = |pointer: &str| log.pointer(pointer).cloned().unwrap_or_default();
    let results = at("/runs/0/results");
    assert_eq!(results.as_array().map(Vec::len), Some(3), "two findings and one from the baseline");
    assert_eq!(at("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri"), "app/.env");
    assert_eq!(at("/runs/0/results/0/locations/0/physicalLocation/region/startLine"), 12);
    assert_eq!(at("/runs/0/results/0/relatedLocations/0/physicalLocation/artifactLocation/uri"), "image-config");
    let hostile = at("/runs/0/results/0/relatedLocations/1/physicalLocation/artifactLocation/uri");
    assert_eq!(hostile, "srv/%1B%5B31m%3Cscript%3Ealert%281%29%3C/script%3E%7C%60x%60%E2%80%AE");
    assert_eq!(at("/runs/0/results/0/level"), "error");
    assert!(at("/runs/0/results/0/suppressions").is_null());
    assert_eq!(at("/runs/0/results/2/suppressions/0/kind"), "external");
    assert_eq!(at("/runs/0/tool/driver/rules").as_array().map(Vec::len), Some(2), "a rule once");
    for result in results.as_array().into_iter().flatten() {
        let index = result["ruleIndex"].as_u64().expect("an index");
        assert_eq!(result["ruleId"], at(&format!("/runs/0/tool/driver/rules/{index}/id")));
        assert_eq!(result["partialFingerprints"]["imgscan/v1"].as_str().map(str::len), Some(32));
    }
    assert_eq!(at("/runs/0/invocations/0/executionSuccessful"), false);
    assert_eq!(at("/runs/0/invocations/0/toolExecutionNotifications").as_array().map(Vec::len), Some(3));
}

#[test]
fn gitlab_report_has_what_its_schema_demands() {
    let report: serde_json::Value = serde_json::from_str(&render(Format::Gitlab, &plain(80))).expect("JSON");
    let scan = &report["scan"];
    assert_eq!(scan["type"], "secret_detection");
    assert_eq!(scan["status"], "failure", "one target could not be read");
    for time in ["start_time", "end_time"] {
        assert_eq!(scan[time].as_str().map(str::len), Some("2020-01-28T03:26:02".len()));
    }
    let found = report["vulnerabilities"].as_array().expect("a list");
    assert_eq!(found.len(), 2);
    for vulnerability in found {
        assert!(vulnerability["location"]["commit"]["sha"].is_string());
        assert!(vulnerability["identifiers"][0]["value"].is_string());
        assert!(vulnerability["id"].is_string() && vulnerability["solution"].is_string());
    }
    assert_eq!(found[0]["location"]["file"], "app/.env");
    assert_eq!(found[0]["location"]["start_line"], 12);
    assert_eq!(found[0]["severity"], "Critical");
    assert!(found[1]["location"]["start_line"].is_null(), "a line within a member is no line of the file");
}

#[test]
fn the_page_is_inert() {
    let page = render(Format::Html, &plain(80));
    assert!(!page.contains("<script") && !page.contains("onerror"), "nothing of the image is mark-up");
    assert!(page.contains("srv/\\x1b[31m&lt;script&gt;alert(1)&lt;/script&gt;|`x`\\u{202e}:1 (t)"));
    let (_, css) = page.split_once("<style>").expect("a style sheet");
    let (css, _) = css.split_once("</style>").expect("its end");
    let hash = data_encoding::BASE64.encode(&<sha2::Sha256 as sha2::Digest>::digest(css));
    assert!(page.contains(&format!("default-src 'none'; style-src 'sha256-{hash}'")), "the policy names this very style sheet");
    assert!(!css.contains("url(") && !css.contains("@import"), "nothing is loaded");
    assert!(!page.contains(" style="), "the policy would ignore it");
    assert!(page.contains("<a href=\"https://console.example.com/tokens\" rel=\"noreferrer\">"));
}

#[test]
fn every_format_is_the_same_twice_and_holds_no_value() {
    for (name, format) in FORMATS {
        let page = render(*format, &plain(80));
        assert_eq!(page, render(*format, &plain(80)), "{name}");
        assert!(!page.contains("0123456789abcdef01234") && !page.contains("horse"), "{name}");
        assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{name}");
    }
}
