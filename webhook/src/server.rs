//! Connections: TLS, HTTP/1.1 and HTTP/2, and an end that fails no call.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::tls::Current;

/// Connections at a time: the API servers keep a handful. Each may hold a connection window of unread bytes.
const MAX_CONNECTIONS: usize = 512;
/// For the handshake, and for the headers of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// For what is in flight at the end.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Serves until `stop` says so, then lets what is in flight finish: no new connections, GOAWAY on the old.
pub async fn serve(listener: TcpListener, tls: Option<Current>, router: Router, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: waiting helps, spinning does not.
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let _ = stream.set_nodelay(true);
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            match tls {
                None => connection(stream, router, watcher).await,
                Some(current) => {
                    let Some(config) = current.load_full() else { return };
                    if let Ok(Ok(stream)) = timeout(PATIENCE, TlsAcceptor::from(config).accept(stream)).await {
                        connection(stream, router, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    if timeout(LAST_WORDS, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut off");
    }
}

async fn connection<S>(stream: S, router: Router, watcher: hyper_util::server::graceful::Watcher)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(250)
        .keep_alive_interval(Duration::from_secs(30))
        // A 17 MB review must not wait long for window updates, and who may connect must not fill the memory.
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(512 << 10);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).into_owned();
    // An error here is the peer's: a reset, a bad frame. Nothing to do.
    let _ = watcher.watch(connection).await;
}

/// Listens; port 0 takes a free one.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn listen(address: &str) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Whether something accepts connections there.
pub async fn reachable(address: &str) -> bool {
    matches!(timeout(Duration::from_secs(1), TcpStream::connect(address)).await, Ok(Ok(_)))
}
