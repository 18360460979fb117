//! What the user typed, parsed. The only IO is asking whether a path exists, to tell a file from a repository of that name.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::image::{Digest, Reference};

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

/// Endings that make a bare argument a path.
const ARCHIVE_ENDINGS: [&str; 8] = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.zstd", ".tzst", ".tar.xz", ".tar.bz2"];

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some((scheme, rest)) = text.split_once(':') {
            let path = |rest: &str| {
                if rest.is_empty() { Err(TargetError(format!("`{text}` has no path after `{scheme}:`"))) } else { Ok(PathBuf::from(rest)) }
            };
            match scheme {
                "registry" => return registry(rest),
                "docker" if rest.starts_with("//") => return registry(rest.trim_start_matches('/')),
                "docker" | "docker-daemon" => return Ok(Self::Docker(daemon(rest)?)),
                "podman" => return Ok(Self::Podman(daemon(rest)?)),
                "oci" => return with_tag(path(rest)?, rest).map(|(path, tag)| Self::OciLayout(path, tag)),
                "oci-archive" => return with_tag(path(rest)?, rest).map(|(path, tag)| Self::OciArchive(path, tag)),
                "oci-dir" => return Ok(Self::OciLayout(path(rest)?, None)),
                "docker-archive" => return Ok(Self::DockerArchive(path(rest)?)),
                "dir" => return Ok(Self::Dir(path(rest)?)),
                "http" | "https" if rest.starts_with("//") => {
                    return Err(TargetError(format!(
                        "an image is named without `{scheme}://`, as in registry/image:tag; plain HTTP needs --insecure"
                    )));
                }
                _ => {}
            }
        }
        bare(text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tagged = |f: &mut fmt::Formatter<'_>, scheme: &str, path: &Path, tag: &Option<String>| match tag {
            Some(tag) if Digest::parse(tag).is_ok() => write!(f, "{scheme}:{}@{tag}", path.display()),
            Some(tag) => write!(f, "{scheme}:{}:{tag}", path.display()),
            None => write!(f, "{scheme}:{}", path.display()),
        };
        match self {
            Self::Registry(reference) => f.write_str(reference),
            Self::OciLayout(path, None) if path.to_string_lossy().contains(':') => write!(f, "oci-dir:{}", path.display()),
            Self::OciLayout(path, tag) => tagged(f, "oci", path, tag),
            Self::OciArchive(path, tag) => tagged(f, "oci-archive", path, tag),
            Self::DockerArchive(path) => write!(f, "docker-archive:{}", path.display()),
            Self::Archive(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("-"),
            Self::Docker(reference) => write!(f, "docker:{reference}"),
            Self::Podman(reference) => write!(f, "podman:{reference}"),
            Self::Dir(path) => write!(f, "dir:{}", path.display()),
        }
    }
}

/// An argument without a scheme: a path to an archive, or a registry reference.
fn bare(text: &str) -> Result<Target, TargetError> {
    let path = Path::new(text);
    let is_path = text.starts_with(['/', '.', '~']) || text.contains('\\');
    let is_archive = ARCHIVE_ENDINGS.iter().any(|ending| text.ends_with(ending));
    if (is_path || is_archive) && path.is_dir() {
        return Err(TargetError(format!("`{text}` is a directory; write oci:{text} for an OCI layout, dir:{text} for a directory tree")));
    }
    if (is_path || is_archive) && path.exists() {
        return Ok(Target::Archive(path.to_owned()));
    }
    if is_path {
        return Err(TargetError(format!("there is no file `{text}`")));
    }
    if is_archive {
        return Err(TargetError(format!("there is no file `{text}`; for an image of that name in a registry write registry:{text}")));
    }
    registry(text).map_err(|error| match (path.is_dir(), path.exists()) {
        (true, _) => TargetError(format!("`{text}` is a directory; write oci:{text} for an OCI layout, dir:{text} for a directory tree")),
        (_, true) => {
            TargetError(format!("`{text}` is a file; an archive of an image is scanned with docker-archive:{text} or oci-archive:{text}"))
        }
        _ => error,
    })
}

fn registry(text: &str) -> Result<Target, TargetError> {
    Reference::parse(text).map(|reference| Target::Registry(reference.to_string())).map_err(TargetError)
}

/// A daemon takes names and image ids; an id is kept as it is, a name gets the tag that the daemon would assume.
fn daemon(text: &str) -> Result<String, TargetError> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if digits.len() >= 12 && digits.len() <= 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(text.to_owned());
    }
    let reference = Reference::parse(text).map_err(TargetError)?;
    // As typed: podman keeps `localhost/name`, docker drops `docker.io/library/`, and both complete names themselves.
    Ok(match (&reference.tag, &reference.digest) {
        (Some(tag), None) if !text.ends_with(&format!(":{tag}")) => format!("{text}:{tag}"),
        _ => text.to_owned(),
    })
}

/// `PATH`, `PATH:TAG` or `PATH@DIGEST`. The tag starts at the first colon, as skopeo has it, unless the whole is a path that exists.
fn with_tag(whole: PathBuf, text: &str) -> Result<(PathBuf, Option<String>), TargetError> {
    if whole.exists() {
        return Ok((whole, None));
    }
    if let Some((path, digest)) = text.rsplit_once('@')
        && digest.contains(':')
    {
        let digest = Digest::parse(digest).map_err(|why| TargetError(format!("`{text}`: {why}")))?;
        return Ok((PathBuf::from(path), Some(digest.to_string())));
    }
    match text.split_once(':') {
        Some((path, tag)) if !path.is_empty() && !tag.is_empty() => Ok((PathBuf::from(path), Some(tag.to_owned()))),
        Some(_) => Err(TargetError(format!("`{text}` is neither PATH nor PATH:TAG"))),
        None => Ok((whole, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Target {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_spelling_of_the_contract() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let tag = || Some("v1".to_owned());
        let registry = |text: &str| Target::Registry(text.to_owned());
        for (text, target) in [
            ("-", Target::Stdin),
            ("debian", registry("docker.io/library/debian:latest")),
            ("repo/image:tag", registry("docker.io/repo/image:tag")),
            ("registry:debian", registry("docker.io/library/debian:latest")),
            ("docker://ghcr.io/a/b:1", registry("ghcr.io/a/b:1")),
            (&format!("host:5000/repo@{digest}"), registry(&format!("host:5000/repo@{digest}"))),
            ("localhost:5000/app", registry("localhost:5000/app:latest")),
            ("oci:no/such/dir", Target::OciLayout("no/such/dir".into(), None)),
            ("oci:no/such/dir:v1", Target::OciLayout("no/such/dir".into(), tag())),
            (&format!("oci:dir@{digest}"), Target::OciLayout("dir".into(), Some(digest.clone()))),
            ("oci:dir:docker.io/a/b:v1", Target::OciLayout("dir".into(), Some("docker.io/a/b:v1".to_owned()))),
            ("oci-dir:dir:v1", Target::OciLayout("dir:v1".into(), None)),
            ("oci-archive:a.tar:v1", Target::OciArchive("a.tar".into(), tag())),
            ("docker-archive:a.tar", Target::DockerArchive("a.tar".into())),
            ("docker:app", Target::Docker("app:latest".to_owned())),
            ("docker-daemon:app:v1", Target::Docker("app:v1".to_owned())),
            ("docker:0123456789ab", Target::Docker("0123456789ab".to_owned())),
            ("podman:localhost/app:v1", Target::Podman("localhost/app:v1".to_owned())),
            ("dir:.", Target::Dir(".".into())),
        ] {
            assert_eq!(parse(text), target, "`{text}`");
            assert_eq!(parse(&target.to_string()), target, "the canonical form of `{text}` means the same");
        }
    }

    #[test]
    fn a_bare_archive_is_a_file_that_exists() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.tar", "a.tar.gz", "a.tgz", "a.tar.zst", "plain"] {
            let path = folder.path().join(name);
            std::fs::write(&path, b"").expect("writable");
            assert_eq!(parse(&path.display().to_string()), Target::Archive(path));
        }
        let error = |text: &str| Target::from_str(text).expect_err("not to be used").to_string();
        assert!(error("none.tar").contains("registry:none.tar"));
        assert!(error(&folder.path().display().to_string()).contains("dir:"));
        assert!(error("https://ghcr.io/a/b").contains("without `https://`"));
        assert!(error("oci:").contains("no path"));
        assert!(error("").contains("no name"));
        assert!(error("podman:A B").contains("not a registry reference"));
    }
}
