//! Diagnostics at `-v`.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Sends imgscan's own events to standard error. `RUST_LOG` is not read, and other crates stay silent at every level:
/// HTTP clients log headers, and with them registry credentials.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "imgscan=info",
        2 => "imgscan=debug",
        _ => "imgscan=trace",
    };
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(true).with_ansi(false).without_time();
    // Fails only where a subscriber is set already, and nobody else sets one.
    let _ = tracing_subscriber::registry().with(EnvFilter::new(level)).with(layer).try_init();
}
