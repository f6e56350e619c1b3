//! The accept loop. `axum::serve` cannot be used, because no handler of it can close the connection without a reply, which
//! the fault `lost_reply` needs.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use carshare_chassis::task::{self, Shutdown};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// Time for open requests to finish after the shutdown was triggered.
const DRAIN: Duration = Duration::from_secs(1);

/// Response extension: the connection is closed instead of sending the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DropConnection;

/// Serves `router` until the shutdown is triggered, then drains.
pub(crate) async fn run(listener: TcpListener, router: Router, shutdown: Shutdown) {
    let connections = GracefulShutdown::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => spawn_connection(&connections, socket, router.clone()),
                Err(error) => tracing::warn!(%error, "accept failed"),
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::info!("connections left open at the end of the drain");
    }
}

fn spawn_connection(connections: &GracefulShutdown, socket: TcpStream, router: Router) {
    // Replies are small and tests wait for them. An error here only costs latency.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), request));
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder
        .serve_connection(TokioIo::new(socket), service)
        .into_owned();
    let connection = connections.watch(connection);
    task::spawn("sandbox.connection", async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended early");
        }
    });
}

/// Handles the request in a task of its own, so that it completes although the client disconnects.
async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, io::Error> {
    let request = request.map(Body::new);
    let handled = task::spawn("sandbox.request", async move {
        let Ok::<_, Infallible>(response) = router.oneshot(request).await;
        response
    });
    let response = handled.await.map_err(io::Error::other)?;
    if response.extensions().get::<DropConnection>().is_some() {
        return Err(io::Error::other("the fault switch closes this connection"));
    }
    Ok(response)
}
