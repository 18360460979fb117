//! The admission webhook: HTTP and cluster around the pure decisions of [`imgscan::kubernetes`].
//!
//! Deliberately absent: any log line or metric that holds a part of an object, and any answer but 200 to a review.

pub mod admit;
pub mod args;
pub mod body;
pub mod cluster;
pub mod events;
pub mod metrics;
pub mod probes;
pub mod review;
pub mod router;
pub mod run;
pub mod server;
pub mod state;
pub mod tls;
pub mod wipe;
