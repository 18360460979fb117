//! The router without a network: reviews in, answers out.

mod admission;
mod hostile;
#[path = "../made/samples.rs"]
mod samples;
mod serving;
mod support;
