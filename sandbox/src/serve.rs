//! The accept loop. It is our own, and not `axum::serve`, for one reason: a provider that dies between the effect and
//! the answer closes the connection without a byte, and a handler cannot ask axum for that.

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

/// How long open connections may finish their request after the stop.
const DRAIN: Duration = Duration::from_secs(1);

/// Mark of a response that must never reach the client: the connection is closed instead.
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
    // Answers are small and latency is what tests wait for; failing to set it changes nothing.
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

/// Runs the request in its own task: a client that hangs up does not undo what a provider has begun.
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
