//! Registry references, as docker spells them.
//!
//! The grammar is the one of the [distribution project](https://github.com/distribution/reference/blob/main/regexp.go), by the
//! library that Rust's registry clients share: `[domain[:port]/]path[:tag][@digest]`, and a name without a domain belongs to
//! Docker Hub.

use std::{borrow::Cow, fmt};

use super::digest::Digest;

/// Docker Hub's name in references. Its API answers at [`Reference::host`].
const DOCKER_HUB: &str = "docker.io";
/// Stands in for an IPv6 address while the rest is parsed.
const IPV6: &str = "ipv6.invalid";

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
        let shown = Self::veiled(text);
        let wrong = |why: &str| format!("`{shown}` is not a registry reference: {why}");
        if matches!(shown, Cow::Owned(_)) {
            return Err(wrong("a user and a password are not part of it; they come from `docker login` or `podman login`"));
        }
        // The library's grammar has no IPv6 addresses: one is parsed under another name.
        let (address, plain) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (Some(address), format!("{IPV6}{rest}")),
            Some(_) => return Err(wrong("the IPv6 address is wrong")),
            None => (None, text.to_owned()),
        };
        // The name, without a tag, a digest or a host in front. The library finds no form in `Ubuntu:1`, and lets upper case pass in
        // a first component that it takes for no registry.
        let name = plain.split('@').next().unwrap_or_default();
        let path =
            name.split_once('/').filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost").map_or(name, |(_, path)| path);
        let repository = path.rsplit_once(':').map_or(path, |(repository, _)| repository);
        if repository.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(wrong("a repository is written in lower case"));
        }
        let parsed = oci_distribution::Reference::try_from(plain.as_str()).map_err(|why| wrong(explain(&why)))?;
        let registry = match address {
            Some(address) => parsed.registry().replacen(IPV6, &format!("[{address}]"), 1),
            None if parsed.registry() == "registry-1.docker.io" => DOCKER_HUB.to_owned(),
            None => parsed.registry().to_owned(),
        };
        let port = registry.rsplit_once(']').map_or(registry.as_str(), |(_, rest)| rest).split_once(':');
        if port.is_some_and(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(wrong("the port is not a number up to 65535"));
        }
        let digest = parsed.digest().map(Digest::parse).transpose().map_err(|why| wrong(&why))?;
        // The library adds `latest` where neither was given; with a digest a tag is only what the user typed.
        Ok(Self { registry, repository: parsed.repository().to_owned(), tag: parsed.tag().map(str::to_owned), digest })
    }

    /// What a user typed, with asterisks for a user and a password in front of a host: they must not get into logs.
    pub fn veiled(text: &str) -> Cow<'_, str> {
        // Behind a user stands a host with a name, behind a name a digest.
        let before_host = |at: &usize| text.get(at + 1..).is_some_and(|rest| rest.contains('/'));
        let Some(at) = text.rmatch_indices('@').map(|(at, _)| at).find(before_host) else { return Cow::Borrowed(text) };
        let start = text.get(..at).and_then(|user| user.find("//")).map_or(0, |at| at + 2);
        Cow::Owned(format!("{}****{}", text.get(..start).unwrap_or_default(), text.get(at..).unwrap_or_default()))
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

/// The library's reasons, for people.
fn explain(error: &oci_distribution::ParseError) -> &'static str {
    use oci_distribution::ParseError;
    match error {
        ParseError::NameContainsUppercase => "a repository is written in lower case",
        ParseError::NameEmpty => "it has no name",
        ParseError::NameTooLong => "the name is longer than 255 characters",
        ParseError::TagInvalidFormat => "the tag may hold letters, digits, `_`, `.` and `-`, 128 at the most",
        ParseError::DigestInvalidFormat | ParseError::DigestInvalidLength => "a digest is `sha256:` and 64 hex digits",
        ParseError::DigestUnsupported => "only sha256 and sha512 digests are known",
        ParseError::ReferenceInvalidFormat => "it is not of the form HOST[:PORT]/NAME[:TAG][@DIGEST]",
    }
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
    fn users_and_passwords_are_refused_and_not_repeated() {
        for text in ["app:Mirabelle7@host/app:1", "//app:Mira@belle7@host/app", "Mirabelle7@host:5000/a/b@sha256:00"] {
            let error = Reference::parse(text).expect_err("no reference");
            assert!(error.contains("docker login") && error.contains("****@host") && !error.contains("belle"), "{error}");
        }
        assert_eq!(Reference::veiled("host/app@sha256:00"), "host/app@sha256:00");
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
        for text in ["Debian", "Debian:12", "ghcr.io/App:V1", "localhost:5000/App"] {
            assert!(Reference::parse(text).is_err_and(|why| why.contains("lower case")), "`{text}`");
        }
        assert_eq!(normal("app:V1"), "docker.io/library/app:V1", "a tag may have upper case");
    }
}
