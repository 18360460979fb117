//! Requests to one registry: scheme, authorization, redirects, retries.

use std::time::Duration;

use futures_util::TryStreamExt;
use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION, RANGE},
};
use tokio::{io::AsyncReadExt, sync::Mutex, time::timeout};
use tokio_util::io::StreamReader;

use super::{
    auth::{self, Challenge},
    credentials::{self, Credentials, Found},
    refused,
    retry::{Backoff, is_temporary, retry_after},
    tls,
};
use crate::image::{ImageError, OpenOptions, http, metadata, reference::Reference};

/// Redirects of one request.
const REDIRECTS: u32 = 5;
/// How long a manifest or token may take, all attempts together.
const DOCUMENT: Duration = Duration::from_secs(300);

/// A connection to one repository.
pub(super) struct Transport {
    pub(super) reference: Reference,
    client: reqwest::Client,
    base: Url,
    insecure: bool,
    found: Found,
    authorization: Mutex<Authorization>,
}

/// What requests carry, and how often it was renewed: of many readers that meet a 401 only the first renews.
#[derive(Default, Clone)]
struct Authorization {
    renewed: u32,
    value: Option<HeaderValue>,
}

impl Transport {
    /// Builds the client, and finds out whether the registry speaks TLS where it need not.
    pub(super) async fn connect(reference: Reference, options: &OpenOptions) -> Result<Self, ImageError> {
        let host = reference.host().to_owned();
        let url = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/"))
                .map_err(|_| ImageError::Unreadable(format!("`{host}` is not the address of a registry")))
        };
        let secure = url("https")?;
        let loopback = is_loopback(&secure);
        let client = client(options, loopback)?;
        // What was found in a file for `host` must not be kept for a token service of somebody else: see `token_service`.
        let found = credentials::find(&reference);
        let value = match &found.credentials {
            Credentials::Bearer(token) => auth::bearer(token.expose()),
            _ => None,
        };
        let base = if loopback || options.insecure {
            match client.get(secure.join("v2/").unwrap_or_else(|_| secure.clone())).send().await {
                Ok(_) => secure,
                Err(error) => {
                    let plain = url("http")?;
                    match client.get(plain.join("v2/").unwrap_or_else(|_| plain.clone())).send().await {
                        // A TLS server answers 400 to plain HTTP.
                        Ok(response) if response.status() != StatusCode::BAD_REQUEST => plain,
                        _ => return Err(unreachable(&reference, error)),
                    }
                }
            }
        } else {
            secure
        };
        let authorization = Mutex::new(Authorization { renewed: 0, value });
        Ok(Self { reference, client, base, insecure: options.insecure, found, authorization })
    }

    /// A small body and what the registry says its digest is.
    pub(super) async fn document(&self, path: &str, accept: Option<&str>, limit: u64) -> Result<(Vec<u8>, Option<String>), ImageError> {
        let mut backoff = Backoff::default();
        let work = async {
            loop {
                let response = self.get(path, accept, 0).await?;
                let digest = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok()).map(str::to_owned);
                match body(response, limit).await {
                    Ok(Some(bytes)) => return Ok((bytes, digest)),
                    Ok(None) => {
                        return Err(ImageError::Unreadable(format!("{path} is larger than {limit} bytes, the most that is read")));
                    }
                    Err(error) => match backoff.next(None) {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => return Err(ImageError::reading(path, error)),
                    },
                }
            }
        };
        timeout(DOCUMENT, work)
            .await
            .unwrap_or_else(|_| Err(ImageError::Unreadable(format!("registry {} took too long to send {path}", self.reference.registry))))
    }

    /// A successful response to `GET path`, from byte `from` on where the registry can do that.
    pub(super) async fn get(&self, path: &str, accept: Option<&str>, from: u64) -> Result<Response, ImageError> {
        let mut backoff = Backoff::default();
        let mut renewed = false;
        loop {
            let authorization = self.authorization.lock().await.clone();
            let pause = match self.follow(path, accept, from, authorization.value).await {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    self.renew(authorization.renewed, &response).await?;
                    continue;
                }
                Ok(response) if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                    return Err(self.unauthorized());
                }
                Ok(response) if is_temporary(response.status()) => match backoff.next(retry_after(response.headers())) {
                    Some(pause) => pause,
                    None => return Err(self.refused(response, path).await),
                },
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => return Err(self.refused(response, path).await),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Connection(error)) if error.is_builder() => return Err(unreachable(&self.reference, error)),
                Err(Failure::Connection(error)) => match backoff.next(None).filter(|_| !is_certificate(&error)) {
                    Some(pause) => pause,
                    None => return Err(unreachable(&self.reference, error)),
                },
            };
            tracing::debug!(registry = %self.reference.registry, pause = ?pause, "the request is sent again");
            tokio::time::sleep(pause).await;
        }
    }

    /// One request, its redirects followed. Only the registry itself sees the authorization.
    async fn follow(&self, path: &str, accept: Option<&str>, from: u64, authorization: Option<HeaderValue>) -> Result<Response, Failure> {
        let mut url = self.base.clone();
        url.set_path(path);
        for _ in 0..=REDIRECTS {
            let mut request = self.client.get(url.clone());
            if let Some(accept) = accept {
                request = request.header(ACCEPT, accept);
            }
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            if let (Some(value), true) = (&authorization, url.origin() == self.base.origin()) {
                request = request.header(AUTHORIZATION, value.clone());
            }
            let response = request.send().await.map_err(Failure::Connection)?;
            let target = response.status().is_redirection().then(|| response.headers().get(LOCATION)).flatten();
            let Some(target) = target else { return Ok(response) };
            let next = target.to_str().ok().and_then(|target| url.join(target).ok());
            let next = next.filter(|next| matches!(next.scheme(), "http" | "https"));
            let Some(next) = next else {
                return Err(Failure::Final(ImageError::Unreadable(format!("registry {} redirects to no URL", self.reference.registry))));
            };
            if url.scheme() == "https" && next.scheme() == "http" && !self.insecure {
                return Err(Failure::Final(ImageError::Unreadable(format!(
                    "registry {} redirects from TLS to plain HTTP ({}); --insecure accepts that",
                    self.reference.registry,
                    http::without_query(&next)
                ))));
            }
            if metadata::is_literal(&next) && !metadata::is_literal(&self.base) {
                return Err(Failure::Final(ImageError::Unreadable(format!(
                    "registry {} redirects to the metadata service of a cloud ({})",
                    self.reference.registry,
                    http::without_query(&next)
                ))));
            }
            url = next;
        }
        Err(Failure::Final(ImageError::Unreadable(format!("registry {} redirects {path} in circles", self.reference.registry))))
    }

    /// Answers the challenge of a 401.
    async fn renew(&self, seen: u32, response: &Response) -> Result<(), ImageError> {
        let mut authorization = self.authorization.lock().await;
        if authorization.renewed != seen {
            return Ok(());
        }
        authorization.value = Some(match auth::challenge(response.headers()) {
            Some(Challenge::Basic) => match &self.found.credentials {
                Credentials::Basic { user, password } => auth::basic(user, password).ok_or_else(|| self.unauthorized())?,
                _ => return Err(self.unauthorized()),
            },
            Some(Challenge::Bearer { realm, service }) => {
                let work = self.token(&realm, service.as_deref());
                timeout(DOCUMENT, work)
                    .await
                    .map_err(|_| ImageError::Unreadable(format!("the token service of {} took too long", self.reference.registry)))??
            }
            None => return Err(self.unauthorized()),
        });
        authorization.renewed += 1;
        Ok(())
    }

    async fn token(&self, realm: &str, service: Option<&str>) -> Result<HeaderValue, ImageError> {
        let registry = &self.reference.registry;
        let wrong = |why: String| ImageError::Unreadable(format!("the token service of registry {registry} {why}"));
        let realm = self.token_service(realm).map_err(&wrong)?;
        let scope = format!("repository:{}:pull", self.reference.repository);
        let mut backoff = Backoff::default();
        loop {
            let request = auth::token_request(&self.client, realm.clone(), service, &scope, &self.found.credentials);
            let request = request.ok_or_else(|| wrong("cannot be asked".to_owned()))?;
            let asked = match self.client.execute(request).await {
                Ok(response) if response.status().is_success() => {
                    let answer = body(response, auth::ANSWER).await.ok().flatten().and_then(|answer| auth::token(&answer));
                    return answer.ok_or_else(|| wrong("gave no token".to_owned()));
                }
                Ok(response) if is_temporary(response.status()) => Ok(retry_after(response.headers()))
                    .and_then(|asked| backoff.next(asked).ok_or_else(|| wrong(format!("answered {}", response.status())))),
                Ok(response) if matches!(response.status().as_u16(), 400 | 401 | 403) => return Err(self.unauthorized()),
                Ok(response) => return Err(wrong(format!("answered {}", response.status()))),
                Err(error) => match backoff.next(None) {
                    Some(pause) => Ok(pause),
                    None => Err(wrong(format!("cannot be reached: {}", http::describe(error)))),
                },
            };
            tokio::time::sleep(asked?).await;
        }
    }

    /// The token service may be another host: that is how the protocol works. But credentials do not leave TLS for it.
    fn token_service(&self, realm: &str) -> Result<Url, String> {
        let url = Url::parse(realm).map_err(|_| "has an address that is no URL".to_owned())?;
        match url.scheme() {
            _ if metadata::is_literal(&url) && !metadata::is_literal(&self.base) => {
                Err(format!("is the metadata service of a cloud ({}), which is not asked", http::without_query(&url)))
            }
            "https" => Ok(url),
            "http" if self.base.scheme() == "http" || self.insecure => Ok(url),
            _ => Err(format!("is not on TLS ({}); --insecure accepts that", http::without_query(&url))),
        }
    }

    fn unauthorized(&self) -> ImageError {
        let registry = &self.reference.registry;
        let place = &self.found.place;
        let mut text = match self.found.credentials {
            Credentials::Anonymous if place.is_empty() => {
                format!(
                    "unauthorized for {}: there is no HOME to look for credentials in; set DOCKER_CONFIG or REGISTRY_AUTH_FILE",
                    self.reference
                )
            }
            Credentials::Anonymous => format!(
                "unauthorized for {}: found no credentials for {registry} in {place}; run `docker login {registry}`, or check the name",
                self.reference
            ),
            _ => format!(
                "unauthorized for {}: registry {registry} refused the credentials from {place}; they may be expired or lack the right to pull; run `docker login {registry}`",
                self.reference
            ),
        };
        for problem in &self.found.problems {
            text.push_str("; ");
            text.push_str(problem);
        }
        ImageError::Unreadable(text)
    }

    async fn refused(&self, response: Response, path: &str) -> ImageError {
        let status = response.status();
        let body = body(response, 64 << 10).await.ok().flatten().unwrap_or_default();
        refused(&self.reference, status, error_code(&body).as_deref(), path)
    }
}

/// Why a request got no answer that counts.
enum Failure {
    Connection(reqwest::Error),
    Final(ImageError),
}

/// The code of a registry's error. Its message is not shown: it may quote what was sent.
fn error_code(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let code = body.pointer("/errors/0/code")?.as_str()?;
    (code.len() <= 40 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')).then(|| code.to_ascii_lowercase())
}

/// A body of `limit` bytes at the most; `None` where it is longer.
async fn body(response: Response, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    if response.content_length().is_some_and(|length| length > limit) {
        return Ok(None);
    }
    let stream = response.bytes_stream().map_err(|error| std::io::Error::other(http::describe(error)));
    let mut bytes = Vec::new();
    StreamReader::new(stream).take(limit + 1).read_to_end(&mut bytes).await?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

fn client(options: &OpenOptions, loopback: bool) -> Result<reqwest::Client, ImageError> {
    let builder = || {
        let builder = http::client().tls_danger_accept_invalid_certs(options.insecure);
        // As Go's clients do: what is on this machine is not asked for through a proxy.
        if loopback { builder.no_proxy() } else { builder }
    };
    let built = match &options.ca_cert {
        Some(path) if !options.insecure => {
            builder().tls_backend_preconfigured(tls::with_authorities(path).map_err(ImageError::Unreadable)?).build()
        }
        // A container from scratch has no certificates at all; plain HTTP works without.
        _ => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
    };
    built.map_err(|error| ImageError::Unreadable(format!("the HTTP client cannot be built: {}", http::describe(error))))
}

/// `localhost`, 127.0.0.0/8 and `[::1]`, where docker too accepts plain HTTP.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_certificate(error: &reqwest::Error) -> bool {
    use std::error::Error;
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if text.contains("certificate") || text.contains("InvalidContentType") {
            return true;
        }
        cause = inner.source();
    }
    false
}

fn unreachable(reference: &Reference, error: reqwest::Error) -> ImageError {
    let certificate = is_certificate(&error);
    let why = http::describe(error);
    let hint = if why.contains("InvalidContentType") {
        "it does not speak TLS; --insecure accepts plain HTTP"
    } else if certificate {
        "give its certificate authority with --ca-cert, or accept any with --insecure"
    } else {
        "check the name, the network and the proxy variables"
    };
    ImageError::Unreadable(format!("cannot reach registry {}: {why}; {hint}", reference.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_only() {
        let is = |host: &str| is_loopback(&Url::parse(&format!("https://{host}/")).expect("a URL"));
        assert!(is("localhost:5000") && is("127.0.0.1") && is("127.9.9.9:80") && is("[::1]:5000"));
        assert!(!is("localhost.evil.com") && !is("10.0.0.1") && !is("registry") && !is("127.evil.com"));
    }

    #[test]
    fn only_codes_of_errors_are_shown() {
        assert_eq!(error_code(br#"{"errors":[{"code":"TOOMANYREQUESTS","message":"m"}]}"#).as_deref(), Some("toomanyrequests"));
        assert_eq!(error_code(br#"{"errors":[{"code":"token abc","message":"m"}]}"#), None);
        assert_eq!(error_code(b"<html>"), None);
    }
}
