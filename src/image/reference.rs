//! Registry references, as docker spells them.
//!
//! The grammar is the one of the [distribution project](https://github.com/distribution/reference/blob/main/regexp.go):
//! `[domain[:port]/]path[:tag][@digest]`, and a name without a domain belongs to Docker Hub.

use std::fmt;

use super::digest::Digest;

/// Docker Hub's name in references. Its API answers at [`Reference::host`].
const DOCKER_HUB: &str = "docker.io";
/// Length of a name without tag and digest; longer ones are refused, as the distribution project does.
const NAME_MAX: usize = 255;
/// Length of a tag.
const TAG_MAX: usize = 128;

/// A registry reference with nothing left out: registry, repository, and a tag or a digest or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `docker.io`, `ghcr.io`, `localhost:5000`.
    pub registry: String,
    /// `library/debian`.
    pub repository: String,
    /// `latest` where neither a tag nor a digest was given.
    pub tag: Option<String>,
    /// Wins over the tag.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Parses and normalises what a user typed, without a scheme in front.
    ///
    /// # Errors
    /// A sentence that says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a registry reference: {why}");
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).map_err(|why| wrong(&why))?)),
            None => (text, None),
        };
        // A colon behind the last slash starts a tag; one before it is a port.
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest.get(slash..).and_then(|last| last.find(':')) {
            Some(at) => (rest.get(..slash + at).unwrap_or_default(), rest.get(slash + at + 1..)),
            None => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag).map_err(|why| wrong(&why))?;
        }
        if name.is_empty() {
            return Err(wrong("it has no name"));
        }
        if name.len() > NAME_MAX {
            return Err(wrong("the name is longer than 255 characters"));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, path)) if is_registry(first) => (first, path.to_owned()),
            _ => (DOCKER_HUB, name.to_owned()),
        };
        check_registry(registry).map_err(|why| wrong(&why))?;
        let registry = if registry == "index.docker.io" || registry == "registry-1.docker.io" { DOCKER_HUB } else { registry };
        let repository = if registry == DOCKER_HUB && !repository.contains('/') { format!("library/{repository}") } else { repository };
        check_repository(&repository).map_err(|why| wrong(&why))?;
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some("latest".to_owned()),
        };
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }

    /// Host and port of the API.
    pub fn host(&self) -> &str {
        if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether the first component of a name is a registry: it has a dot or a port, or is `localhost`.
fn is_registry(component: &str) -> bool {
    component == "localhost" || component.contains(['.', ':']) || component.chars().any(|c| c.is_ascii_uppercase())
}

fn check_registry(registry: &str) -> Result<(), String> {
    let host = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("the IPv6 address has no closing bracket")?;
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("the IPv6 address is wrong".to_owned());
            }
            return match port.strip_prefix(':') {
                None if port.is_empty() => Ok(()),
                Some(port) if port.parse::<u16>().is_ok() => Ok(()),
                _ => Err("the port is not a number up to 65535".to_owned()),
            };
        }
        None => match registry.split_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => host,
            Some(_) => return Err("the port is not a number up to 65535".to_owned()),
            None => registry,
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if host.split('.').all(label) { Ok(()) } else { Err(format!("`{host}` is not a host name")) }
}

fn check_repository(repository: &str) -> Result<(), String> {
    for component in repository.split('/') {
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inner = |c: char| ends(c) || matches!(c, '.' | '_' | '-');
        if component.chars().any(|c| c.is_ascii_uppercase()) {
            return Err("a repository is written in lower case".to_owned());
        }
        if !component.starts_with(ends) || !component.ends_with(ends) || !component.chars().all(inner) || component.contains("..") {
            return Err(format!("`{component}` is not a component of a repository name"));
        }
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), String> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if tag.len() > TAG_MAX || !tag.starts_with(first) || !tag.chars().all(|c| first(c) || c == '.' || c == '-') {
        return Err("the tag may hold letters, digits, `_`, `.` and `-`, 128 at the most".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        Reference::parse(text).expect("a reference").to_string()
    }

    #[test]
    fn names_of_docker_hub_are_completed() {
        assert_eq!(normal("debian"), "docker.io/library/debian:latest");
        assert_eq!(normal("debian:12"), "docker.io/library/debian:12");
        assert_eq!(normal("grafana/grafana"), "docker.io/grafana/grafana:latest");
        assert_eq!(normal("docker.io/debian"), "docker.io/library/debian:latest");
        assert_eq!(normal("index.docker.io/library/debian"), "docker.io/library/debian:latest");
        assert_eq!(Reference::parse("debian").expect("a reference").host(), "registry-1.docker.io");
    }

    #[test]
    fn hosts_ports_tags_and_digests() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(normal("localhost/app"), "localhost/app:latest");
        assert_eq!(normal("localhost:5000/a/b:v1"), "localhost:5000/a/b:v1");
        assert_eq!(normal("[::1]:5000/app"), "[::1]:5000/app:latest");
        assert_eq!(normal(&format!("host:5000/repo@{digest}")), format!("host:5000/repo@{digest}"));
        assert_eq!(normal(&format!("ghcr.io/a/b:1@{digest}")), format!("ghcr.io/a/b:1@{digest}"));
        assert_eq!(normal("localhost:5000"), "docker.io/library/localhost:5000", "as docker reads it");
    }

    #[test]
    fn what_is_no_reference_is_refused_with_a_reason() {
        for text in [
            "",
            "/",
            "a//b",
            "Debian",
            "ghcr.io/App",
            "a:b:c",
            "a/../b",
            "..",
            "host:99999/a",
            "a@sha256:12",
            "a@md5:00",
            "a b",
            "a/b?x=1",
            "ghcr.io/a/b#",
            "-a",
            "a:",
        ] {
            assert!(Reference::parse(text).is_err(), "`{text}`");
        }
    }
}
