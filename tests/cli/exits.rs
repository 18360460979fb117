//! Exit codes and errors: the contract with CI.

use std::process::{Command, Stdio};

use crate::support::{
    image::{Changeset, Image, Stored},
    imgscan::Imgscan,
    samples::github_token,
};

/// An image with one critical finding.
pub(crate) fn leaky() -> Image {
    let env = format!("GITHUB_TOKEN={}\n", github_token(1));
    Image::new().layer("COPY . /app # buildkit", Changeset::new().file("app/.env", env))
}

pub(crate) fn clean() -> Image {
    Image::new().layer("COPY . /app # buildkit", Changeset::new().file("app/readme.txt", "nothing to see\n"))
}

/// A layer that cannot be read.
fn gap() -> Image {
    let tar = Changeset::new().file("a", "b").tar();
    clean().layer_as("COPY x /x # buildkit", tar, Stored::Gzip).media_type("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
}

#[test]
fn nothing_found_is_0() {
    let outcome = Imgscan::new().file("a.tar", clean().build().oci_archive("a")).arg("a.tar").run().exits(0);
    assert!(outcome.stdout.contains("no credentials found in 1 layer, 1 file"), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn findings_are_1_from_the_threshold_on() {
    let run = |args: &[&str]| Imgscan::new().file("a.tar", leaky().build().oci_archive("a")).args(args).arg("a.tar").run();
    for args in [&[][..], &["--fail-on", "critical"], &["--fail-on", "low"], &["scan"]] {
        let outcome = run(args).exits(1);
        assert!(outcome.stdout.contains("CRITICAL (1)") && outcome.stdout.contains("exit 1: findings at or above"), "{}", outcome.stdout);
    }
    run(&["--fail-on", "none"]).exits(0);
}

#[test]
fn gaps_are_3_unless_they_are_accepted() {
    let run = |args: &[&str]| Imgscan::new().file("a.tar", gap().build().oci_archive("a")).args(args).arg("a.tar").run();
    let outcome = run(&[]).exits(3);
    assert!(outcome.stdout.contains("NOT COVERED (1)"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("1 thing not covered; exit 3"), "{}", outcome.stdout);
    let outcome = run(&["--allow-incomplete", "--format", "json"]).exits(0);
    assert_eq!(outcome.json()["summary"]["incomplete"], true, "accepted, but said");
}

#[test]
fn a_target_that_cannot_be_read_is_2_and_the_others_are_reported() {
    let outcome =
        Imgscan::new().file("a.tar", leaky().build().oci_archive("a")).args(["--format", "json", "gone.tar", "a.tar"]).run().exits(2);
    let report = outcome.json();
    assert_eq!(report["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["summary"]["critical"], 1);
    assert_eq!(report["failed"][0]["reference"], "gone.tar");
    assert!(outcome.stderr.contains("error: `gone.tar` cannot be scanned"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("exit 2: 1 target could not be read"), "{}", outcome.stderr);
}

#[test]
fn usage_and_files_that_do_not_fit_are_2() {
    for args in [
        &["--no-such-flag"][..],
        &[],
        &["--fail-on", "info", "a.tar"],
        &["-o", "json", "a.tar"],
        &["-o", "docx=a", "a.tar"],
        &["-o", "json=no/such/folder/a.json", "a.tar"],
        &["--config", "gone.toml", "a.tar"],
        &["--baseline", "gone.json", "a.tar"],
        &["--rules", "gone.toml", "a.tar"],
        &["--fingerprint-key", "short", "a.tar"],
        &["rules", "show", "no-such-rule"],
        &["explain", "0123456789abcdef"],
        &["baseline", "show", "short"],
    ] {
        let outcome = Imgscan::new().file("a.tar", clean().build().oci_archive("a")).file("short", "x").args(args).run().exits(2);
        assert_eq!(outcome.stdout, "", "{args:?}");
        assert!(outcome.stderr.contains("error:"), "{args:?}: {}", outcome.stderr);
    }
}

#[test]
fn help_is_on_standard_output_and_tells_the_exit_codes() {
    let outcome = Imgscan::new().arg("--help").run().exits(0);
    assert!(outcome.stdout.contains("Exit codes:") && outcome.stdout.contains("Examples:"), "{}", outcome.stdout);
    Imgscan::new().arg("--version").run().exits(0);
}

#[test]
fn a_reader_that_has_seen_enough_changes_nothing() {
    let room = Imgscan::new().file("a.tar", leaky().build().oci_archive("a"));
    let binary = std::env::var_os("IMGSCAN_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_imgscan").into());
    let mut child = Command::new(binary)
        .env_clear()
        .current_dir(room.home())
        .arg("a.tar")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "the verdict stands");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
