//! The HTTP client of registries and daemons, and a response's body as a blocking reader.

use std::{
    io::{self, Read},
    pin::Pin,
    sync::{Arc, Once},
    time::Duration,
};

use futures_util::TryStreamExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    runtime::Runtime,
};
use tokio_util::io::StreamReader;

use super::{ImageError, metadata};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long a peer may say nothing.
pub(crate) const SILENCE: Duration = Duration::from_secs(60);

/// A runtime of its own for one registry or daemon: readers on worker threads wait for it.
pub(crate) fn runtime() -> Result<Arc<Runtime>, ImageError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("imgscan-net").enable_all().build();
    runtime.map(Arc::new).map_err(|source| ImageError::reading("the network", source))
}

/// What every client has: rustls with ring, no redirects (they are followed by hand, without credentials), timeouts.
pub(crate) fn client() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails where the program that uses this library has installed one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .user_agent(concat!("imgscan/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(metadata::Resolver)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .referer(false)
}

/// An error of the client without its URL: signed redirect targets carry credentials in the query.
pub(crate) fn describe(error: reqwest::Error) -> String {
    use std::error::Error;
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        texts.push(inner.to_string());
        cause = inner.source();
    }
    // The outer ones say that a request failed, which is known; causes often repeat each other.
    let first = texts.iter().position(|text| !text.starts_with("error sending request") && !text.starts_with("client error"));
    let mut said: Vec<&String> = Vec::new();
    for text in texts.iter().skip(first.unwrap_or(0)) {
        if !said.iter().any(|earlier| earlier.contains(text.as_str())) {
            said.push(text);
        }
    }
    said.into_iter().map(String::as_str).collect::<Vec<_>>().join(": ")
}

/// A URL as it may stand in a message: scheme, host and path.
pub(crate) fn without_query(url: &reqwest::Url) -> String {
    format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// A response's body.
pub(crate) struct Body {
    runtime: Arc<Runtime>,
    stream: Pin<Box<dyn AsyncRead + Send>>,
}

impl Body {
    pub(crate) fn new(runtime: Arc<Runtime>, response: reqwest::Response) -> Self {
        let stream = response.bytes_stream().map_err(|error| io::Error::other(describe(error)));
        Self { runtime, stream: Box::pin(StreamReader::new(stream)) }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.stream.read(buffer))
    }
}
