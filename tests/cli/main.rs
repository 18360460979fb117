//! Black-box tests: images built in code, read by the library's door or by the real binary.

mod cache;
mod credentials;
mod docs;
mod exits;
mod findings;
mod gaps;
mod k8s;
mod memory;
mod mission;
mod notations;
mod places;
mod proofs;
mod quiet;
mod references;
mod registry;
mod reports;
mod rules;
mod secrecy;
mod settings;
mod sources;
mod support;
mod variables;
