//! The webhook binary against a real kube-apiserver and etcd, installed from `manifests/install.yaml`, under its own
//! service account's rights. Skips, loudly, where there is no kube-apiserver: `tests/tools/kube-apiserver.sh` builds one.
//!
//! No test harness of the compiler's: one cluster serves all tests in turn, and must be stopped at the end.

#![allow(clippy::disallowed_methods, reason = "the tests read files that they made themselves")]

#[path = "../made/samples.rs"]
mod samples;
mod support;
mod tests;

use std::process::ExitCode;

use support::{Cluster, Tools};

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if std::env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(reason) => {
            say(&format!("SKIPPED: the cluster tests did not run: {reason}"));
            say("0 passed, 0 failed, 1 skipped");
            return ExitCode::SUCCESS;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (mut passed, mut failed) = (0, 0);
    runtime.block_on(async {
        let cluster = Cluster::start(&tools).await;
        for (name, test) in tests::all() {
            if !only.is_empty() && !only.iter().any(|filter| name.contains(filter.as_str())) {
                continue;
            }
            let cluster = cluster.clone();
            let outcome = tokio::spawn(async move { test(cluster).await }).await;
            match outcome {
                Ok(()) => passed += 1,
                Err(_) => failed += 1,
            }
            say(&format!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" }));
        }
        cluster.stop();
    });
    say(&format!("{passed} passed, {failed} failed"));
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "this is the test harness")]
fn say(line: &str) {
    println!("{line}");
}
