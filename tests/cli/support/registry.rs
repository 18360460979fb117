//! A registry in this process, with the faults that real ones have.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::Engine;
use futures_util::StreamExt;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::oneshot,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{image::Built, samples::Random};

/// Who may pull.
#[derive(Debug, Clone, Default)]
pub(crate) enum Auth {
    #[default]
    Anonymous,
    /// User and password with every request.
    Basic(String, String),
    /// A token from `/token`, for everybody or for one user.
    Bearer(Option<(String, String)>),
    /// A token from `/token` for a refresh token.
    Identity(String),
}

/// What a registry does wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// So many requests are answered 429, with this `Retry-After` in seconds.
    pub(crate) too_many: AtomicU32,
    pub(crate) retry_after: u32,
    /// So many are answered 503.
    pub(crate) unavailable: AtomicU32,
    /// So many blobs are broken off half-way.
    pub(crate) broken: AtomicU32,
    /// `Range` is ignored.
    pub(crate) no_range: bool,
    /// One byte of every large blob is another.
    pub(crate) altered: bool,
    /// Tokens are good for so many requests.
    pub(crate) token_uses: Option<u32>,
    /// The address of the token service, where it is not the registry's own.
    pub(crate) realm: Option<String>,
    /// Blobs are redirected to this origin.
    pub(crate) redirect: Option<String>,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// `Basic` or `Bearer`.
    pub(crate) authorization: Option<String>,
    pub(crate) range: Option<String>,
}

#[derive(Default)]
struct Shared {
    auth: Auth,
    faults: Faults,
    /// `NAME/manifests/REFERENCE` and `NAME/blobs/DIGEST` to media type and bytes.
    content: Mutex<BTreeMap<String, (String, Bytes)>>,
    seen: Mutex<Vec<Seen>>,
    tokens: Mutex<BTreeMap<String, u32>>,
    origin: Mutex<String>,
}

/// A running registry; it ends when dropped.
pub(crate) struct Registry {
    shared: Arc<Shared>,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
}

impl Registry {
    /// Plain HTTP, open to everybody, without faults.
    pub(crate) fn open() -> Self {
        Self::start(Auth::Anonymous, Faults::default(), None)
    }

    pub(crate) fn with_auth(auth: Auth) -> Self {
        Self::start(auth, Faults::default(), None)
    }

    pub(crate) fn with_faults(faults: Faults) -> Self {
        Self::start(Auth::Anonymous, faults, None)
    }

    pub(crate) fn start(auth: Auth, faults: Faults, tls: Option<rcgen::CertifiedKey<rcgen::KeyPair>>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let host = listener.local_addr().expect("bound").to_string();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared { auth, faults, origin: Mutex::new(format!("{scheme}://{host}")), ..Shared::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        match tls {
            None => drop(runtime.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await })),
            Some(certified) => {
                let key = rustls::pki_types::PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
                let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                    .with_safe_default_protocol_versions()
                    .expect("TLS")
                    .with_no_client_auth()
                    .with_single_cert(vec![certified.cert.der().clone()], key)
                    .expect("a certificate");
                let listener = Tls { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
                drop(runtime.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await }));
            }
        }
        Self { shared, host, stop: Some(stop), runtime: Some(runtime) }
    }

    /// Stores an image; gives its reference.
    pub(crate) fn push(&self, name: &str, tag: &str, built: &Built) -> String {
        let mut content = self.shared.content.lock().expect("no panic");
        for (digest, bytes) in &built.blobs {
            let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            let media_type = value["mediaType"].as_str().unwrap_or("application/octet-stream").to_owned();
            for kind in ["manifests", "blobs"] {
                content.insert(format!("{name}/{kind}/{digest}"), (media_type.clone(), Bytes::from(bytes.clone())));
            }
            if digest == built.digest() {
                content.insert(format!("{name}/manifests/{tag}"), (media_type, Bytes::from(bytes.clone())));
            }
        }
        format!("{}/{name}:{tag}", self.host)
    }

    /// Puts any bytes under `NAME/manifests/REFERENCE` or `NAME/blobs/DIGEST`.
    pub(crate) fn put(&self, key: &str, media_type: &str, bytes: Vec<u8>) {
        self.shared.content.lock().expect("no panic").insert(key.to_owned(), (media_type.to_owned(), bytes.into()));
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no panic").clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let [authorization, range] = [header::AUTHORIZATION, header::RANGE]
        .map(|name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned));
    shared.seen.lock().expect("no panic").push(Seen {
        path: path.clone(),
        query: request.uri().query().map(str::to_owned),
        authorization: authorization.as_deref().and_then(|value| value.split(' ').next()).map(str::to_owned),
        range: range.clone(),
    });
    if path == "/token" {
        return shared.token(authorization.as_deref(), request).await;
    }
    if let Some(challenge) = shared.challenge(authorization.as_deref()) {
        return challenge;
    }
    if path == "/v2/" {
        return StatusCode::OK.into_response();
    }
    if take(&shared.faults.too_many) {
        let mut response = error(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS");
        response.headers_mut().insert(header::RETRY_AFTER, shared.faults.retry_after.into());
        return response;
    }
    if take(&shared.faults.unavailable) {
        return error(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE");
    }
    let key = path.trim_start_matches("/v2/");
    let Some((media_type, bytes)) = shared.content.lock().expect("no panic").get(key).cloned() else {
        return error(StatusCode::NOT_FOUND, if path.contains("/manifests/") { "MANIFEST_UNKNOWN" } else { "BLOB_UNKNOWN" });
    };
    let is_blob = path.contains("/blobs/");
    if let (Some(origin), true) = (&shared.faults.redirect, is_blob) {
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, format!("{origin}{path}?X-Signature=abc"))]).into_response();
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&media_type).expect("a media type"));
    if !is_blob {
        let digest = super::image::digest(&bytes);
        headers.insert("docker-content-digest", HeaderValue::from_str(&digest).expect("a digest"));
    }
    shared.blob(bytes, range.as_deref(), headers, is_blob)
}

impl Shared {
    fn blob(&self, mut bytes: Bytes, range: Option<&str>, mut headers: HeaderMap, is_blob: bool) -> Response {
        let large = is_blob && bytes.len() > 4096;
        if self.faults.altered && large {
            let mut altered = bytes.to_vec();
            let last = altered.len() - 1;
            altered[last] ^= 1;
            bytes = altered.into();
        }
        let mut status = StatusCode::OK;
        let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        if let (Some(from), false) = (from, self.faults.no_range) {
            let content_range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            headers.insert(header::CONTENT_RANGE, HeaderValue::from_str(&content_range).expect("a header"));
            status = StatusCode::PARTIAL_CONTENT;
            bytes = bytes.slice(from.min(bytes.len())..);
        }
        headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        if large && take(&self.faults.broken) {
            let half = bytes.slice(..bytes.len() / 2);
            let first = futures_util::stream::iter([Ok(half)]);
            // After a while, so that the first half has left.
            let broken = futures_util::stream::once(async {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                Err(std::io::Error::other("broken off"))
            });
            return (status, headers, Body::from_stream(first.chain(broken))).into_response();
        }
        (status, headers, bytes).into_response()
    }

    /// The 401 of a request that proves nothing.
    fn challenge(&self, authorization: Option<&str>) -> Option<Response> {
        let challenge = match &self.auth {
            Auth::Anonymous => return None,
            Auth::Basic(user, password) if authorization == Some(&basic(user, password)) => return None,
            Auth::Basic(..) => "Basic realm=\"registry\"".to_owned(),
            Auth::Bearer(_) | Auth::Identity(_) => {
                let mut tokens = self.tokens.lock().expect("no panic");
                let uses = authorization.and_then(|value| tokens.get_mut(value.strip_prefix("Bearer ")?)).filter(|uses| **uses > 0);
                if let Some(uses) = uses {
                    *uses -= 1;
                    return None;
                }
                let own = || format!("{}/token", self.origin.lock().expect("no panic"));
                let realm = self.faults.realm.clone().unwrap_or_else(own);
                format!("Bearer realm=\"{realm}\",service=\"test\",scope=\"repository:x:pull\"")
            }
        };
        let mut response = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_str(&challenge).expect("a header"));
        Some(response)
    }

    async fn token(&self, authorization: Option<&str>, request: Request) -> Response {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let allowed = match &self.auth {
            Auth::Bearer(None) => query.contains("service=test") && query.contains("scope=repository"),
            Auth::Bearer(Some((user, password))) => authorization == Some(&basic(user, password)),
            Auth::Identity(refresh) => {
                let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.unwrap_or_default();
                let body = String::from_utf8_lossy(&body);
                body.contains("grant_type=refresh_token") && body.contains(&format!("refresh_token={refresh}"))
            }
            Auth::Anonymous | Auth::Basic(..) => false,
        };
        if !allowed {
            return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
        }
        let mut tokens = self.tokens.lock().expect("no panic");
        let token = Random::new(tokens.len() as u64 + 7).base62(40);
        tokens.insert(token.clone(), self.faults.token_uses.unwrap_or(u32::MAX));
        axum::Json(serde_json::json!({"token": token})).into_response()
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, axum::Json(serde_json::json!({"errors": [{"code": code, "message": "as said"}]}))).into_response()
}

/// Counts a fault down.
fn take(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1)).is_ok()
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok((stream, address)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
