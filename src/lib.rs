//! imgscan finds credentials that were baked into OCI images, and the literal secrets of Kubernetes manifests.
//!
//! One engine ([`detect`]) serves the command line, the CI gate and the admission webhook.

mod cipher;
#[cfg(feature = "cli")]
pub mod config;
pub mod content;
#[cfg(test)]
mod damage;
pub mod detect;
pub mod finding;
pub mod fingerprint;
pub mod fix;
#[cfg(feature = "image")]
pub mod image;
pub mod kubernetes;
pub mod layer;
#[cfg(feature = "cli")]
pub mod output;
pub mod provenance;
pub mod report;
#[cfg(feature = "image")]
pub mod scan;
mod secret;
#[cfg(feature = "image")]
pub mod target;
#[cfg(test)]
mod tool;
mod vaults;

pub use secret::Secret;
