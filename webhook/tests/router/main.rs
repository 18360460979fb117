//! The router without a network: reviews in, answers out.

mod admission;
#[path = "../made/authority.rs"]
mod authority;
mod hostile;
#[path = "../made/samples.rs"]
mod samples;
mod serving;
mod support;
