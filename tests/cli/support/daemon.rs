//! A daemon that speaks as much of the Docker API as an export needs, on a socket.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::{net::UnixListener, runtime::Runtime};

type Exports = Arc<BTreeMap<String, Vec<u8>>>;

/// A running daemon; it ends when dropped.
pub(crate) struct Daemon(Option<Runtime>);

impl Daemon {
    /// Listens on `socket`, and has these images: name to what `docker save` would write.
    pub(crate) fn start(socket: &Path, exports: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let exports: Exports = Arc::new(exports.into_iter().map(|(name, export)| (name.to_owned(), export)).collect());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(async { UnixListener::bind(socket) }).expect("a socket");
        let router = Router::new().fallback(answer).with_state(exports);
        drop(runtime.spawn(async move { axum::serve(listener, router).await }));
        Self(Some(runtime))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(State(exports): State<Exports>, request: Request) -> Response {
    let name = request.uri().path().strip_prefix("/images/").and_then(|path| path.strip_suffix("/get"));
    match name.and_then(|name| exports.get(name)) {
        Some(export) => export.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
