//! Images of a daemon that speaks the Docker API: dockerd, and podman's compatible socket. They are exported as a stream.
//!
//! API: [`GET /images/{name}/get`](https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Image/operation/ImageGet).

use std::path::PathBuf;

use reqwest::{StatusCode, Url};

use super::{ImageError, OpenOptions, Opened, archive::Expected, http, stream};

/// Whose image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daemon {
    Docker,
    Podman,
}

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Socket(PathBuf),
    Tcp(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

/// Opens the export of `name`.
pub(crate) fn open(daemon: Daemon, name: &str, reference: &str, options: &OpenOptions) -> Result<Opened, ImageError> {
    let addresses = addresses(daemon, |name| std::env::var(name).ok()).map_err(ImageError::Unreadable)?;
    let runtime = http::runtime()?;
    let mut tried = Vec::new();
    for address in addresses {
        if let Address::Socket(path) = &address {
            let why = if cfg!(not(unix)) { Some("sockets need unix") } else { (!path.exists()).then_some("not there") };
            if let Some(why) = why {
                tried.push(format!("{address} ({why})"));
                continue;
            }
        }
        match runtime.block_on(export(&address, name)) {
            Ok(response) if response.status().is_success() => {
                let body = http::Body::new(runtime, response);
                return Ok(stream::open(Box::new(body), Expected::Any, reference, options));
            }
            Ok(response) if response.status() == StatusCode::NOT_FOUND => {
                let tool = daemon.tool();
                return Err(ImageError::Unreadable(format!(
                    "the daemon at {address} has no image {name}; see `{tool} images`, run `{tool} pull {name}`, or scan it in its registry without `{tool}:`"
                )));
            }
            Ok(response) => tried.push(format!("{address} (answered {})", response.status())),
            Err(error) => tried.push(format!("{address} ({})", http::describe(error))),
        }
    }
    let variable = daemon.variable();
    Err(ImageError::Unreadable(format!(
        "cannot reach a {} daemon; tried {}; {}, or set {variable} to its address",
        daemon.tool(),
        tried.join(", "),
        daemon.start()
    )))
}

async fn export(address: &Address, name: &str) -> Result<reqwest::Response, reqwest::Error> {
    // Proxies are for the network, not for a daemon.
    let builder = http::client().no_proxy().tls_certs_only([]);
    let (builder, host) = match address {
        #[cfg(unix)]
        Address::Socket(path) => (builder.unix_socket(path.clone()), "localhost"),
        #[cfg(not(unix))]
        Address::Socket(_) => (builder, "localhost"),
        Address::Tcp(host) => (builder, host.as_str()),
    };
    let url = format!("http://{host}/images/{name}/get");
    // A daemon is silent while it gathers the layers.
    builder.read_timeout(http::SILENCE * 5).build()?.get(url).send().await
}

impl Daemon {
    fn tool(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    fn start(self) -> &'static str {
        match self {
            Self::Docker => "start it",
            Self::Podman => "start it with `systemctl --user start podman.socket` or `podman system service`",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Docker => "DOCKER_HOST",
            Self::Podman => "CONTAINER_HOST",
        }
    }
}

/// The address that the environment names, or else the usual sockets.
fn addresses(daemon: Daemon, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Address>, String> {
    let name = daemon.variable();
    if let Some(host) = variable(name).filter(|host| !host.is_empty()) {
        let tls = daemon == Daemon::Docker && variable("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
        return parse(&host, daemon, tls).map(|address| vec![address]);
    }
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let (home, run) = (folder("HOME"), folder("XDG_RUNTIME_DIR"));
    let mut sockets = Vec::new();
    match daemon {
        Daemon::Docker => {
            sockets.push(PathBuf::from("/var/run/docker.sock"));
            sockets.extend(run.map(|run| run.join("docker.sock")));
            // Docker Desktop, its older versions, Colima, Rancher Desktop, OrbStack.
            let inside = [
                ".docker/run/docker.sock",
                ".docker/desktop/docker.sock",
                ".colima/default/docker.sock",
                ".rd/docker.sock",
                ".orbstack/run/docker.sock",
            ];
            sockets.extend(home.iter().flat_map(|home| inside.map(|path| home.join(path))));
        }
        Daemon::Podman => {
            sockets.extend(run.map(|run| run.join("podman/podman.sock")));
            sockets.push(PathBuf::from("/run/podman/podman.sock"));
            sockets.extend(home.map(|home| home.join(".local/share/containers/podman/machine/podman.sock")));
        }
    }
    Ok(sockets.into_iter().map(Address::Socket).collect())
}

fn parse(host: &str, daemon: Daemon, tls: bool) -> Result<Address, String> {
    let (name, tool) = (daemon.variable(), daemon.tool());
    let instead = format!("save the image with `{tool} save` and scan docker-archive:FILE");
    match host.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Address::Socket(PathBuf::from(path))),
        Some(("tcp" | "http", _)) if tls => Err(format!("{name} asks for TLS with client certificates, which is not supported; {instead}")),
        Some(("tcp" | "http", rest)) => {
            let rest = rest.trim_end_matches('/');
            let plain = |url: Url| url.path() == "/" && url.username().is_empty() && url.password().is_none();
            let valid = Url::parse(&format!("http://{rest}/")).is_ok_and(plain);
            if valid { Ok(Address::Tcp(rest.to_owned())) } else { Err(format!("{name} holds an address that cannot be used")) }
        }
        Some(("ssh", _)) => Err(format!(
            "{name} is an ssh address, which is not supported; forward the socket (`ssh -N -L /tmp/{tool}.sock:SOCKET HOST`) and set {name}=unix:///tmp/{tool}.sock, or {instead}"
        )),
        // Not quoted: an ssh URL may hold a password.
        _ => Err(format!("{name} is neither unix:///PATH nor tcp://HOST:PORT; {instead}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_first() {
        let from = |daemon, pairs: &[(&str, &str)]| {
            addresses(daemon, |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        let socket = |path: &str| Address::Socket(PathBuf::from(path));
        assert_eq!(from(Daemon::Docker, &[("DOCKER_HOST", "unix:///x.sock")]), Ok(vec![socket("/x.sock")]));
        assert_eq!(from(Daemon::Docker, &[("DOCKER_HOST", "tcp://127.0.0.1:2375")]), Ok(vec![Address::Tcp("127.0.0.1:2375".to_owned())]));
        assert_eq!(
            from(Daemon::Podman, &[("DOCKER_HOST", "unix:///x.sock"), ("XDG_RUNTIME_DIR", "/run/user/1")]),
            Ok(vec![socket("/run/user/1/podman/podman.sock"), socket("/run/podman/podman.sock")])
        );
        let usual = from(Daemon::Docker, &[("HOME", "/h")]).expect("the usual sockets");
        assert!(usual.starts_with(&[socket("/var/run/docker.sock"), socket("/h/.docker/run/docker.sock")]));
        let secret = from(Daemon::Docker, &[("DOCKER_HOST", "ssh://me:hunter2@host")]).expect_err("not supported");
        assert!(secret.contains("ssh address") && secret.contains("docker save") && !secret.contains("hunter2"), "{secret}");
        let other = from(Daemon::Podman, &[("CONTAINER_HOST", "npipe://x")]).expect_err("not supported");
        assert!(other.contains("CONTAINER_HOST is neither unix:///PATH nor tcp://HOST:PORT") && other.contains("podman save"), "{other}");
        assert!(from(Daemon::Docker, &[("DOCKER_HOST", "tcp://host:2376"), ("DOCKER_TLS_VERIFY", "1")]).is_err());
        assert!(from(Daemon::Docker, &[("DOCKER_HOST", "tcp://u:p@host")]).is_err());
    }
}
