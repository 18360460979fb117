//! `imgscan.toml`, ignore entries, baselines, fingerprints.

use serde_json::Value;

use crate::{
    exits::leaky,
    support::{imgscan::Imgscan, samples::github_token},
};

fn room() -> Imgscan {
    Imgscan::new().file("a.tar", leaky().build().oci_archive("a"))
}

/// The fingerprint of the finding of `room`.
fn fingerprint() -> String {
    let report = room().args(["--format", "json", "a.tar"]).run().json();
    report["images"][0]["findings"][0]["fingerprint"].as_str().expect("a finding").to_owned()
}

fn ignored_by(entry: &str) -> (Value, String) {
    let outcome = room().file("imgscan.toml", format!("[[ignore]]\n{entry}\n")).args(["--format", "json", "a.tar"]).run();
    (outcome.json(), outcome.stderr)
}

#[test]
fn the_file_is_found_and_flags_win() {
    room().file("imgscan.toml", "fail-on = \"none\"\n").arg("a.tar").run().exits(0);
    room().file("imgscan.toml", "fail-on = \"none\"\n").args(["--fail-on", "high", "a.tar"]).run().exits(1);
    room().file("other.toml", "fail-on = \"none\"\n").args(["--config", "other.toml", "a.tar"]).run().exits(0);
}

#[test]
fn a_broken_file_names_the_place() {
    let outcome = room().file("imgscan.toml", "fail-on = \"high\"\nfail_on = \"high\"\n").arg("a.tar").run().exits(2);
    assert!(outcome.stderr.contains("imgscan.toml:2:1: unknown field `fail_on`"), "{}", outcome.stderr);
    let outcome = room().file("imgscan.toml", "[[ignore]]\nrule = \"github-pat\"\nreason = \"\"\n").arg("a.tar").run().exits(2);
    assert!(outcome.stderr.contains("imgscan.toml:3:10: say why"), "{}", outcome.stderr);
}

#[test]
fn ignored_findings_are_counted() {
    let by_fingerprint = format!("fingerprint = \"{}\"\nreason = \"revoked\"", fingerprint());
    for entry in [
        by_fingerprint.as_str(),
        "rule = \"github-pat\"\nreason = \"x\"",
        "path = \"**/.env\"\nimage = \"*.tar\"\nreason = \"x\"",
        "path = \"/app/*\"\nreason = \"x\"\nexpires = 2999-12-31",
    ] {
        let (report, stderr) = ignored_by(entry);
        assert_eq!(report["images"][0]["findings"].as_array().map(Vec::len), Some(0), "{entry}: {stderr}");
        assert_eq!(report["images"][0]["suppressed"]["ignored"], 1, "{entry}");
        assert!(!stderr.contains("warning"), "{entry}: {stderr}");
    }
}

#[test]
fn entries_that_do_not_fit_are_named() {
    for (entry, warning) in [
        ("rule = \"github-pat\"\nreason = \"x\"\nexpires = 2001-01-01", "imgscan.toml:1: the ignore entry ended on 2001-01-01"),
        ("path = \"srv/**\"\nreason = \"x\"", "imgscan.toml:1: the ignore entry fits no finding"),
        ("rule = \"no-such-rule\"\nreason = \"x\"", "imgscan.toml:1: there is no rule `no-such-rule`"),
        ("path = \"*\"\nreason = \"a star stays within a component\"", "fits no finding"),
    ] {
        let (report, stderr) = ignored_by(entry);
        assert_eq!(report["summary"]["critical"], 1, "{entry}");
        assert!(stderr.contains(warning), "{entry}: {stderr}");
    }
}

#[test]
fn a_baseline_knows_what_was_there() {
    let (outcome, files) = room().args(["baseline", "create", "-o", "known.json", "a.tar"]).run_and_read(&["known.json".to_owned()]);
    assert!(outcome.exits(0).stderr.contains("1 credential in known.json"));
    let known = &files[0];
    assert!(known.contains("github-pat") && known.contains("app/.env") && known.contains(&fingerprint()), "{known}");
    assert!(!known.contains(&github_token(1)[4..12]), "no value");

    let outcome = room().file("known.json", known).args(["--baseline", "known.json", "--format", "json", "a.tar"]).run().exits(0);
    assert_eq!(outcome.json()["images"][0]["suppressed"]["baseline"], 1);
    let outcome = room().file("known.json", known).args(["--baseline", "known.json", "--format", "sarif", "a.tar"]).run().exits(0);
    assert_eq!(outcome.json()["runs"][0]["results"][0]["suppressions"][0]["justification"], "known from the baseline");
    let outcome = room().file("known.json", known).args(["baseline", "show", "known.json"]).run().exits(0);
    assert!(outcome.stdout.starts_with(&fingerprint()), "{}", outcome.stdout);
    let outcome = room().file("known.json", "{\"secret\": 1").args(["--baseline", "known.json", "a.tar"]).run().exits(2);
    assert!(outcome.stderr.contains("known.json cannot be used: line 1, column 9"), "{}", outcome.stderr);
}

#[test]
fn a_fingerprint_is_the_reports() {
    let (one, two) = (github_token(1), github_token(2));
    let outcome = Imgscan::new().arg("fingerprint").input(format!("{one}\n\n  {two}  ")).run().exits(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "an empty line keeps its place");
    assert_eq!(lines[0], fingerprint());
    let outcome = Imgscan::new().args(["fingerprint", "-0"]).input(format!("{one}\n\0{two}\0")).run().exits(0);
    assert_eq!(outcome.stdout.lines().collect::<Vec<_>>(), [lines[0], lines[2]], "white space around a value is nothing");

    let keyed = |value: &str| {
        let run = Imgscan::new().file("key", [7; 32]).arg("fingerprint");
        let key = run.home().join("key");
        run.env("IMGSCAN_FINGERPRINT_KEY_FILE", key).input(value).run().exits(0).stdout
    };
    assert_ne!(keyed(&one).trim_end(), lines[0], "another key, another id");
    assert_eq!(keyed("hunter2").trim_end().len(), 32, "with a key every value has one");
    let outcome = Imgscan::new().arg("fingerprint").input("hunter2").run().exits(2);
    assert_eq!(outcome.stdout, "\n");
    assert!(outcome.stderr.contains("value 1 could be guessed") && !outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
}

#[test]
fn explain_shows_how_to_look_without_showing() {
    let report = room().args(["--format", "json", "a.tar"]).run().stdout;
    let outcome = Imgscan::new().args(["explain", &fingerprint()[..10], "--report", "-"]).input(report).run().exits(0);
    assert!(outcome.stdout.contains("by hand") && outcome.stdout.contains("app/.env"), "{}", outcome.stdout);
    // Of an image's config and manifest, the very place.
    for (kind, name, expression) in [
        ("env", "A\"B", r#"jq '.config.Env[] | select(startswith("A\"B="))'"#),
        ("label", "org.example/a", r#"jq '.config.Labels["org.example/a"]'"#),
        ("annotation", "it's", r#"crane manifest 'r.example.net/a:1' | jq '.annotations["it'\''s"]'"#),
        ("history", "", "jq '.history[].created_by'"),
        ("healthcheck", "", "jq '.config.Healthcheck'"),
    ] {
        let mut report = room().args(["--format", "json", "a.tar"]).run().json();
        report["images"][0]["reference"] = "r.example.net/a:1".into();
        report["images"][0]["findings"][0]["location"] =
            serde_json::json!({"kind": kind, "path": null, "line": null, "column": null, "name": name, "inner": []});
        let outcome = Imgscan::new().args(["explain", &fingerprint()[..10], "--report", "-"]).input(report.to_string()).run().exits(0);
        assert!(outcome.stdout.contains(expression), "{expression}\n{}", outcome.stdout);
    }
    let outcome = Imgscan::new().args(["explain", "github-pat"]).run().exits(0);
    assert!(outcome.stdout.contains("GitHub") && outcome.stdout.contains("revoke") || outcome.stdout.contains("rotate"));
    let outcome = Imgscan::new().args(["rules", "show", "github-pa"]).run().exits(2);
    assert!(outcome.stderr.contains("there is github-pat"), "{}", outcome.stderr);
}

#[test]
fn a_rule_file_is_tested_by_its_samples() {
    let rule = |pattern: &str| {
        format!(
            "provider = \"acme\"\nname = \"Acme\"\n[[rule]]\nid = \"acme-token\"\ntitle = \"Acme token\"\nseverity = \"high\"\nconfidence = \"high\"\n\
             pattern = '{pattern}'\nanchors = [\"acme_\"]\nunlocks = \"Acme\"\nsamples = [\"acme_{{alnum:32}}\"]\nnear_misses = [\"acme_{{alnum:8}}\"]\n"
        )
    };
    let run = |pattern: &str| Imgscan::new().file("acme.toml", rule(pattern)).args(["rules", "test", "acme.toml"]).run();
    let outcome = run("acme_[A-Za-z0-9]{32}").exits(0);
    assert!(outcome.stderr.contains("1 rule, 6 samples, 0 problems"), "{}", outcome.stderr);
    let outcome = run("acme_[A-Z]{32}").exits(1);
    assert!(outcome.stderr.contains("acme-token: sample `acme_{alnum:32}`"), "{}", outcome.stderr);
    let outcome = run("acme_[A-Z").exits(2);
    assert!(outcome.stderr.contains("the pattern does not compile"), "{}", outcome.stderr);

    let value = acme_token();
    let archive = crate::support::image::Image::new()
        .layer("COPY a /a # buildkit", crate::support::image::Changeset::new().file("a", format!("x = {value}\n")))
        .build()
        .oci_archive("a");
    let outcome = Imgscan::new()
        .file("acme.toml", rule("acme_[A-Za-z0-9]{32}"))
        .file("a.tar", archive)
        .args(["--rules", "acme.toml", "--format", "json", "a.tar"])
        .run()
        .exits(1);
    assert_eq!(outcome.json()["images"][0]["findings"][0]["rule"], "acme-token");
}

/// A token of the made-up provider.
fn acme_token() -> String {
    format!("acme_{}", crate::support::samples::Random::new(3).base62(32))
}
