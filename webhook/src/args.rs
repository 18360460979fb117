//! Flags and variables; nothing else.

use std::{path::PathBuf, time::Duration};

use clap::{Args as Group, Parser, Subcommand};

/// Validating admission webhook: literal secrets and shared keys stop at the door.
#[derive(Parser)]
#[command(version, about)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Serve AdmissionReviews.
    Serve(Box<Serve>),
    /// Print the CustomResourceDefinitions.
    Crds,
}

/// `serve`. A flag that is given twice counts as given last, so that a chart's extra arguments override its own.
#[derive(Group)]
#[command(args_override_self = true)]
pub struct Serve {
    /// Address of `POST /validate`, over TLS.
    #[arg(long, env = "IMGSCAN_LISTEN", default_value = "0.0.0.0:8443")]
    pub listen: String,
    /// Address of /healthz, /readyz and /metrics, in plain HTTP.
    #[arg(long, env = "IMGSCAN_LISTEN_OPERATIONS", default_value = "0.0.0.0:8080")]
    pub listen_operations: String,
    /// PEM chain of the serving certificate; followed.
    #[arg(long, requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM key of the serving certificate; followed.
    #[arg(long, requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// PEM bundle: serve only clients (the API server) with a certificate of this CA.
    #[arg(long)]
    pub client_ca: Option<PathBuf>,
    /// Talk to no API server: policy and certificate from files, no namespaces' labels, an index of this replica alone.
    #[arg(long, requires = "policy_file", requires = "tls_certificate")]
    pub standalone: bool,
    /// Policy file instead of the cluster's CredentialPolicy.
    #[arg(long)]
    pub policy_file: Option<PathBuf>,
    /// Name of the CredentialPolicy to follow.
    #[arg(long, default_value = "default")]
    pub policy: String,
    /// Namespace of this webhook.
    #[arg(long, env = "POD_NAMESPACE", default_value = "imgscan-system")]
    pub namespace: String,
    /// Name of this replica.
    #[arg(long, env = "POD_NAME", default_value = "replica")]
    pub replica: String,
    /// Service of this webhook: the name in its certificate, and the prefix of its Secrets and Lease.
    #[arg(long, default_value = "imgscan-webhook")]
    pub service: String,
    /// ValidatingWebhookConfiguration whose caBundle is kept; empty keeps none.
    #[arg(long, default_value = "imgscan-webhook")]
    pub webhook_configuration: String,
    /// More names or addresses for the certificate.
    #[arg(long)]
    pub tls_name: Vec<String>,
    /// Index all Secrets of the cluster by a watch; needs list and watch on Secrets. Without, the index knows what was admitted.
    #[arg(long)]
    pub watch_secrets: bool,
    /// Index all ConfigMaps by a watch.
    #[arg(long)]
    pub watch_config_maps: bool,
    /// Write Events of denials and warnings; needs create and patch on Events.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub events: bool,
    /// Seconds between audits of what runs already; 0 audits never.
    #[arg(long, default_value_t = 3600)]
    pub audit_every: u64,
    /// Audit a custom resource as well: GROUP/VERSION/KIND/PLURAL.
    #[arg(long, value_parser = resource)]
    pub audit_also: Vec<Resource>,
    /// Life of the CA; renewed after two thirds.
    #[arg(long, value_parser = long_seconds, default_value = "31536000")]
    pub ca_life: Duration,
    /// Life of a replica's certificate; renewed after two thirds.
    #[arg(long, value_parser = long_seconds, default_value = "604800")]
    pub leaf_life: Duration,
    /// Wait between the steps of a CA's rotation: longer than API servers cache the webhook's configuration.
    #[arg(long, value_parser = long_seconds, default_value = "300")]
    pub ca_overlap: Duration,
    /// Wait between two looks at the CA.
    #[arg(long, value_parser = seconds, default_value = "10")]
    pub ca_every: Duration,
    /// Key of 32 bytes or more for the fingerprints of reports; the built-in key otherwise, as the command line does.
    #[arg(long)]
    pub fingerprint_key: Option<PathBuf>,
    /// Bytes of one review.
    #[arg(long, default_value_t = 48 << 20)]
    pub max_body: usize,
    /// Bytes of all reviews in flight.
    #[arg(long, default_value_t = 160 << 20)]
    pub max_bodies: usize,
    /// Time for one review; keep it below the webhook's timeoutSeconds.
    #[arg(long, value_parser = seconds, default_value = "4")]
    pub budget: Duration,
    /// Seconds between SIGTERM and the end of accepting connections: until the endpoint is gone everywhere.
    #[arg(long, value_parser = seconds, default_value = "10")]
    pub drain: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds up to 3600".to_owned()),
    }
}

fn long_seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "a number of seconds".to_owned())
}

/// A custom resource by its names.
#[derive(Clone)]
pub struct Resource {
    /// API group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural.
    pub plural: String,
}

fn resource(text: &str) -> Result<Resource, String> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [group, version, kind, plural] => {
            Ok(Resource { group: (*group).into(), version: (*version).into(), kind: (*kind).into(), plural: (*plural).into() })
        }
        _ => Err("GROUP/VERSION/KIND/PLURAL, such as argoproj.io/v1alpha1/Rollout/rollouts".to_owned()),
    }
}
