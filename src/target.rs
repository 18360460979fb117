//! What the user typed, parsed. No IO.

use std::{path::PathBuf, str::FromStr};

/// Something to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A registry reference, Docker Hub names normalised: `docker.io/library/debian:latest`.
    Registry(String),
    /// An OCI layout directory, with a tag or digest where one was given.
    OciLayout(PathBuf, Option<String>),
    /// An OCI archive, with a tag where one was given.
    OciArchive(PathBuf, Option<String>),
    /// A `docker save` archive.
    DockerArchive(PathBuf),
    /// A `.tar` whose kind its content tells.
    Archive(PathBuf),
    /// An archive on standard input, read once.
    Stdin,
    /// An image of a daemon that speaks the Docker API, by the usual sockets.
    Docker(String),
    /// An image of podman, by its compatible socket.
    Podman(String),
    /// A directory tree.
    Dir(PathBuf),
}

/// Why a target's spelling cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(pub String);

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Err(TargetError(format!("`{text}` is not understood")))
    }
}
