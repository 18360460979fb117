//! The webhook binary against a real kube-apiserver and etcd, installed from `manifests/install.yaml`, under its own
//! service account's rights. Skips, loudly, where there is no kube-apiserver: `tests/tools/kube-apiserver.sh` builds one.
//!
//! No test harness of the compiler's: one cluster serves all tests in turn, and must be stopped at the end.

#![allow(clippy::disallowed_methods, reason = "the tests read files that they made themselves")]

#[path = "../made/authority.rs"]
mod authority;
mod certificates;
mod customs;
mod installed;
mod judged;
mod objects;
mod operation;
mod replica;
mod replicas;
#[path = "../made/samples.rs"]
mod samples;
mod scale;
mod support;
mod written;

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use support::{Cluster, Tools};

type Test = fn(Arc<Cluster>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! tests {
    ($($room:ident::$name:ident),+ $(,)?) => {
        fn all() -> Vec<(&'static str, Test)> {
            vec![$((stringify!($name), |cluster| Box::pin($room::$name(cluster)))),+]
        }
    };
}

// In this order: the last one reads what all others left behind.
tests! {
    operation::t08_not_ready_before_policy_and_index_are_loaded,
    installed::every_manifest_passes_strict_validation,
    installed::a_webhook_can_be_taken_out_again,
    installed::the_custom_resources_refuse_what_cannot_be_meant,
    installed::the_pods_are_restricted_and_the_rights_few,
    judged::t01_ephemeral_containers_are_judged_by_delta,
    judged::t02_every_kind_and_a_custom_resource,
    customs::t02_custom_resources_by_their_published_shapes,
    judged::t03_escapes_and_oversize_never_fail_open,
    judged::t04_a_dry_run_leaves_no_trace,
    judged::t05_old_violators_stay_updatable_and_deleted_ones_are_judged,
    replicas::t06_the_ca_rotates_under_load_without_a_failed_call,
    replicas::t07_a_rolling_restart_fails_no_call,
    replicas::a_killed_leader_is_replaced,
    replicas::replicas_share_nothing_but_the_cluster,
    operation::only_an_api_server_with_a_certificate_is_answered,
    scale::t10_many_secrets_fit_in_little_memory,
    judged::t11_exceptions_end,
    judged::t12_guessable_values_change_no_answer,
    judged::shared_keys_are_refused_across_namespaces,
    written::events_are_counted_on_what_exists,
    written::the_audit_writes_one_report_for_each_object_with_findings,
    written::an_old_secret_is_in_the_audit_report,
    operation::t14_without_the_api_server_reviews_are_still_answered,
    written::t09_no_secret_ever_leaves,
}

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
    let is_chosen = |name: &str| only.is_empty() || only.iter().any(|filter| name.contains(filter.as_str()));
    let chosen: Vec<_> = all().into_iter().filter(|(name, _)| is_chosen(name)).collect();
    if chosen.is_empty() {
        say("0 passed, 0 failed");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (mut passed, mut failed) = (0, 0);
    runtime.block_on(async {
        let cluster = Cluster::start(&tools).await;
        for (name, test) in chosen {
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
pub(crate) fn say(line: &str) {
    println!("{line}");
}
