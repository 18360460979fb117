//! The webhook server.

use clap::Parser;
use imgscan_webhook::{
    args::{Args, Command},
    run,
};

fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    // One provider in the whole process, chosen before anything needs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A panic's message may quote what was being read.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Args::parse().command {
        Command::Serve(serve) => runtime.block_on(run::serve(*serve)),
        Command::Crds => run::crds(),
    }
}
