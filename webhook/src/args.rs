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
}

/// `serve`.
#[derive(Group)]
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
    /// Policy file instead of the cluster's CredentialPolicy.
    #[arg(long)]
    pub policy_file: Option<PathBuf>,
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
