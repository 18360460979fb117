//! Runs the real binary in a scrubbed environment and reads its JSON report.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// One run of imgscan.
pub(crate) struct Run {
    command: Command,
    report: Value,
}

impl Run {
    pub(crate) fn new(home: &Path) -> Self {
        let binary = std::env::var_os("IMGSCAN_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_imgscan")), PathBuf::from);
        let mut command = Command::new(binary);
        command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        command.args(["scan", "--format", "json", "--no-cache", "--progress", "none"]);
        Self { command, report: Value::Null }
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, file: &Path) -> Self {
        self.command.stdin(std::fs::File::open(file).expect("the archive is there"));
        self
    }

    /// Scans; the image must have findings and be covered as a whole.
    pub(crate) fn scan(mut self, target: &str) -> Self {
        let output = self.command.arg(target).output().expect("imgscan runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "findings, exit 1: {target}: {said}");
        self.report = serde_json::from_slice(&output.stdout).expect("a JSON report");
        self
    }

    /// Scans what cannot be read; returns the message.
    pub(crate) fn fails(mut self, target: &str) -> String {
        let output = self.command.arg(target).output().expect("imgscan runs");
        assert_eq!(output.status.code(), Some(2), "a target that cannot be read, exit 2");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub(crate) fn images(&self) -> impl Iterator<Item = &Value> {
        self.report["images"].as_array().into_iter().flatten()
    }

    pub(crate) fn findings(&self) -> impl Iterator<Item = &Value> {
        self.images().take(1).flat_map(|image| image["findings"].as_array().into_iter().flatten())
    }

    pub(crate) fn platforms(&self) -> Vec<&str> {
        self.images().filter_map(|image| image["platform"].as_str()).collect()
    }

    /// What must be the same from every source: everything but the digests of compressed blobs.
    pub(crate) fn comparable(&self) -> BTreeSet<String> {
        self.findings()
            .map(|finding| {
                let place = |at: &Value| format!("{} {} {}", at["layer"]["index"], at["layer"]["diff_id"], at["location"]);
                let others: Vec<_> = finding["also_at"].as_array().into_iter().flatten().map(place).collect();
                format!(
                    "{} {} {} {} {} {} {others:?}",
                    finding["rule"],
                    finding["fingerprint"],
                    finding["severity"],
                    finding["confidence"],
                    finding["state"],
                    place(finding)
                )
            })
            .collect()
    }
}
