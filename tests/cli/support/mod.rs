//! What the black-box tests are made with: images built in code, a registry in this process, and the binary in a clean room.

#![allow(dead_code, reason = "each test uses a part, and a part is there before its test is")]

pub(crate) mod containers;
#[cfg(unix)]
pub(crate) mod daemon;
pub(crate) mod image;
pub(crate) mod imgscan;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod samples;

/// A self-signed certificate for 127.0.0.1 and localhost, as (certificate, key).
pub(crate) fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate")
}
