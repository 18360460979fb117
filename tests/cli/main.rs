//! Black-box tests: images built in code, read by the library's door or by the real binary.

mod credentials;
mod registry;
mod sources;
mod support;
