//! Every format from the real binary, and no secret in any channel.

use serde_json::json;

use crate::{
    exits::leaky,
    support::{
        image::{Changeset, Image},
        imgscan::Imgscan,
        samples::{Random, github_token},
    },
};

pub(crate) const FORMATS: [&str; 7] = ["table", "json", "sarif", "junit", "gitlab", "markdown", "html"];

#[test]
fn one_scan_writes_several_reports() {
    let mut run = Imgscan::new().file("a.tar", leaky().build().oci_archive("a")).args(["a.tar", "--format", "json"]);
    for format in FORMATS {
        run = run.args(["-o", &format!("{format}=out.{format}")]);
    }
    let (outcome, files) = run.run_and_read(FORMATS.map(|format| format!("out.{format}")).as_slice());
    let outcome = outcome.exits(1);
    assert_eq!(files[1], outcome.stdout, "the same report");
    assert!(files[0].contains("CRITICAL (1)"), "{}", files[0]);
    assert!(files[2].contains("\"version\": \"2.1.0\""));
    assert!(files[3].starts_with("<?xml") && files[3].contains("<failure type=\"critical\""));
    assert!(files[4].contains("\"secret_detection\""));
    assert!(files[5].starts_with("<!-- imgscan -->"));
    assert!(files[6].starts_with("<!doctype html>"));
    for file in &files {
        assert!(file.contains("github-pat"), "{file}");
    }
    assert!(outcome.stderr.contains("note: 1 critical in 1 layer, 1 file"), "{}", outcome.stderr);
}

#[test]
fn quiet_says_nothing_of_a_clean_image() {
    let outcome = Imgscan::new().file("a.tar", crate::exits::clean().build().oci_archive("a")).args(["-q", "a.tar"]).run().exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    let outcome = Imgscan::new().file("a.tar", leaky().build().oci_archive("a")).args(["-q", "a.tar"]).run().exits(1);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_report_says_where() {
    let report = Imgscan::new().file("a.tar", leaky().build().oci_archive("a")).args(["--format", "json", "a.tar"]).run().exits(1).json();
    assert_eq!(report["schema_version"], 1);
    let finding = &report["images"][0]["findings"][0];
    assert_eq!(finding["rule"], "github-pat");
    assert_eq!(finding["redacted"], "ghp_****");
    assert_eq!(finding["state"], "live");
    assert_eq!(finding["layer"]["index"], 0);
    assert_eq!(finding["location"]["kind"], "file");
    assert_eq!(finding["location"]["path"], "app/.env");
    assert_eq!(finding["location"]["line"], 1);
    assert!(finding["fix"]["steps"].as_array().is_some_and(|steps| steps.len() >= 3));
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    let run = |variable: &str| {
        let run = Imgscan::new().file("a.tar", leaky().build().oci_archive("a")).arg("a.tar");
        if variable.is_empty() { run.run() } else { run.env(variable, "1").run() }
    };
    assert!(!run("").stdout.contains('\u{1b}'));
    assert!(run("CLICOLOR_FORCE").stdout.contains("\u{1b}["));
    assert!(!run("NO_COLOR").stdout.contains('\u{1b}'));
}

/// Secrets in every kind of place; no run of any format, however talkative, may print a recognisable part of one.
#[test]
fn no_channel_holds_a_secret() {
    let tokens: Vec<String> = (10..24).map(github_token).collect();
    let password = Random::new(5).base62(20);
    let mut next = tokens.iter();
    let mut token = || next.next().expect("enough").as_str();
    let image = Image::new()
        .env(&format!("GITHUB_TOKEN={}", token()))
        .env(&format!("DB_PASSWORD={password}"))
        .label("token", token())
        .cmd(&["server", "--token", token()])
        .entrypoint(&["sh", "-c", &format!("TOKEN={} exec server", token())])
        .config("OnBuild", json!([format!("RUN echo {}", token())]))
        .field("author", json!(format!("me <{}@example.com>", token())))
        .annotation("com.example.token", token())
        .history(&format!("ENV GITHUB_TOKEN={}", token()))
        .layer(
            &format!("RUN |1 TOKEN={} /bin/sh -c make # buildkit", token()),
            Changeset::new()
                .file("app/.env", format!("GITHUB_TOKEN={}\nDB_PASSWORD={password}\n", token()))
                .file(&format!("srv/{}", token()), "x")
                .file("app/mcp.json", json!({"mcpServers": {"a": {"env": {"GITHUB_TOKEN": token()}}}}).to_string())
                .file("app/url", format!("https://user:{password}@db.example.com/\nhttps://x:{}@github.com/a/b\n", token())),
        )
        .layer("RUN rm /app/.env", Changeset::new().whiteout("app/.env"));
    let archive = image.build().oci_archive("canary");
    for format in FORMATS {
        let outcome = Imgscan::new()
            .file("a.tar", &archive)
            .args([
                "--format",
                format,
                "-vvv",
                "--progress",
                "plain",
                "--min-confidence",
                "low",
                "--show-refuted",
                "--show-public",
                "a.tar",
            ])
            .run()
            .exits(1);
        for secret in tokens.iter().map(|token| &token[4..]).chain([password.as_str()]) {
            for start in 0..secret.len() - 8 {
                let part = &secret[start..start + 8];
                assert!(!outcome.stdout.contains(part), "{format}: {part} in {}", outcome.stdout);
                assert!(!outcome.stderr.contains(part), "{format}: {part} in {}", outcome.stderr);
            }
        }
    }
}

#[test]
fn jobs_do_not_change_a_byte() {
    let mut image = Image::new();
    for layer in 0..6 {
        let mut changes = Changeset::new();
        for file in 0..5 {
            changes = changes.file(&format!("srv/{layer}/{file}.env"), format!("GITHUB_TOKEN={}\n", github_token(layer * 3 + file)));
        }
        image = image.layer("COPY . /srv # buildkit", changes);
    }
    let archive = image.build().oci_archive("a");
    for format in FORMATS {
        let run =
            |jobs: &str| Imgscan::new().file("a.tar", &archive).args(["--format", format, "--jobs", jobs, "a.tar"]).run().exits(1).stdout;
        let one = run("1");
        assert!(one == run("8"), "{format}");
        assert!(one == run("3"), "{format}");
    }
}

#[test]
fn a_directory_is_read_without_a_layer() {
    let run = Imgscan::new()
        .file("context/app/.env", format!("GITHUB_TOKEN={}\n", github_token(1)))
        .file("imgscan.toml", "min-confidence = \"high\"\n")
        .args(["--format", "json", "dir:context"]);
    let report = run.run().exits(1).json();
    let finding = &report["images"][0]["findings"][0];
    assert_eq!(finding["rule"], "github-pat");
    assert_eq!(finding["layer"], json!(null));
    assert_eq!(finding["location"]["path"], "app/.env");
    assert_eq!(finding["location"]["line"], 1);
    assert_eq!(report["images"][0]["coverage"]["files"], 1);
}
