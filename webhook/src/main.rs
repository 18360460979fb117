//! The webhook server.

fn main() {}
