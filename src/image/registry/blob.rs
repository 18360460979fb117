//! A blob as a blocking reader that goes on where a connection broke.

use std::{
    io::{self, Read},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use reqwest::{StatusCode, header::CONTENT_RANGE};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::{Registry, retry::Backoff};
use crate::image::{ImageError, digest::Digest, http};

/// How often one blob may break off, however much came in between.
const RESUMES: u32 = 50;
/// How long the registry may make us wait for one blob, beside the time for its size.
const WAIT: Duration = Duration::from_secs(600);
/// Bytes a second that every registry should reach.
const SLOWEST: u64 = 50_000;

/// Reads `GET /v2/NAME/blobs/DIGEST`. Its digest is checked by whoever reads, over all parts.
pub(super) struct Blob {
    registry: Arc<Registry>,
    path: String,
    size: Option<u64>,
    position: u64,
    stream: Option<Pin<Box<dyn AsyncRead + Send>>>,
    backoff: Backoff,
    resumes: u32,
    waited: Duration,
}

impl Blob {
    /// Sends the first request, so that a blob that is not there is known at once.
    pub(super) fn open(registry: Arc<Registry>, digest: &Digest, size: Option<u64>) -> Result<Self, ImageError> {
        let path = format!("/v2/{}/blobs/{digest}", registry.transport.reference.repository);
        let mut blob = Self {
            registry: Arc::clone(&registry),
            path,
            size,
            position: 0,
            stream: None,
            backoff: Backoff::default(),
            resumes: 0,
            waited: Duration::ZERO,
        };
        registry.runtime.block_on(blob.request())?;
        Ok(blob)
    }

    /// Opens the stream at `position`.
    async fn request(&mut self) -> Result<(), ImageError> {
        let response = self.registry.transport.get(&self.path, None, self.position).await?;
        let resumed = response.status() == StatusCode::PARTIAL_CONTENT;
        if resumed {
            let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !range.starts_with(&format!("bytes {}-", self.position)) {
                return Err(ImageError::Unreadable(format!(
                    "registry {} sent another part of {} than was asked for",
                    self.registry.transport.reference.registry, self.path
                )));
            }
        }
        let stream = response.bytes_stream().map_err(|error| io::Error::other(http::describe(error)));
        let mut stream: Pin<Box<dyn AsyncRead + Send>> = Box::pin(StreamReader::new(stream));
        if !resumed && self.position > 0 {
            // The registry cannot continue: what was read before comes again, and is passed over.
            let mut again = (&mut stream).take(self.position);
            let passed = tokio::io::copy(&mut again, &mut tokio::io::sink()).await;
            if passed.map_err(|source| ImageError::reading(&self.path, source))? < self.position {
                return Err(ImageError::reading(&self.path, io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.stream = Some(stream);
        Ok(())
    }

    async fn next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let error = match &mut self.stream {
                Some(stream) => match stream.read(buffer).await {
                    Ok(0) if self.size.is_some_and(|size| self.position < size) => {
                        io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended within the blob")
                    }
                    Ok(count) => {
                        self.position += count as u64;
                        if count > 0 {
                            self.backoff.reset();
                        }
                        return Ok(count);
                    }
                    Err(error) => error,
                },
                None => match self.request().await {
                    Ok(()) => continue,
                    Err(ImageError::Io { source, .. }) => source,
                    Err(error) => return Err(io::Error::other(error)),
                },
            };
            self.stream = None;
            self.resumes += 1;
            let pause = self.backoff.next(None).filter(|_| self.resumes <= RESUMES);
            let Some(pause) = pause else {
                return Err(io::Error::new(
                    error.kind(),
                    format!("registry {} broke off {} again and again: {error}", self.registry.transport.reference.registry, self.path),
                ));
            };
            tracing::debug!(path = %self.path, position = self.position, "a blob broke off; it is continued");
            tokio::time::sleep(pause).await;
        }
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = WAIT + Duration::from_secs(self.size.unwrap_or(0) / SLOWEST);
        let left = limit.saturating_sub(self.waited);
        let started = Instant::now();
        let runtime = Arc::clone(&self.registry.runtime);
        let result = runtime.block_on(async { tokio::time::timeout(left, self.next(buffer)).await });
        self.waited += started.elapsed();
        result.unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "registry {} is too slow: {} took longer than {} s",
                    self.registry.transport.reference.registry,
                    self.path,
                    limit.as_secs()
                ),
            ))
        })
    }
}
