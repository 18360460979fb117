//! The router without a network: reviews in, answers out.

mod hostile;
mod support;
