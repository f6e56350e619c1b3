//! Serves `grpc.health.v1` from the readiness checks, which run when a client asks: a server that nobody asks queries nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::health::Readiness;

/// Time for which the result of the checks is used again, and interval at which a watched status is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Returns the health service of these names: full names of services, and `""` for the server. Other names are `NOT_FOUND`.
pub fn service(statuses: BTreeMap<String, CachedStatus>) -> HealthServer<impl Health> {
    HealthServer::new(GrpcHealth { statuses })
}

struct GrpcHealth {
    statuses: BTreeMap<String, CachedStatus>,
}

/// A serving status that clones share.
#[derive(Clone)]
pub struct CachedStatus {
    readiness: Readiness,
    stop: CancellationToken,
    /// Locked while the checks run, so that callers at the same time cause one run.
    last: Arc<Mutex<Option<(Instant, ServingStatus)>>>,
}

impl CachedStatus {
    /// `stop` fires when the server begins to drain.
    pub fn new(readiness: Readiness, stop: CancellationToken) -> Self {
        Self {
            readiness,
            stop,
            last: Arc::default(),
        }
    }

    async fn get(&self) -> ServingStatus {
        if self.readiness.draining().now_or_never().is_some() || self.stop.is_cancelled() {
            return ServingStatus::NotServing;
        }
        let mut last = self.last.lock().await;
        if let Some((at, status)) = *last
            && at.elapsed() < CHECK_INTERVAL
        {
            return status;
        }
        let status = if self.readiness.report().await.is_ready() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        *last = Some((Instant::now(), status));
        status
    }

    /// Returns the first status that is not `known`.
    async fn changed_from(&self, known: Option<ServingStatus>) -> ServingStatus {
        loop {
            let status = self.get().await;
            if Some(status) != known {
                return status;
            }
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                () = self.readiness.draining(), if status == ServingStatus::Serving => {}
            }
        }
    }
}

impl GrpcHealth {
    fn find(&self, request: &Request<HealthCheckRequest>) -> Result<CachedStatus, Status> {
        let status = self.statuses.get(&request.get_ref().service).cloned();
        status.ok_or_else(|| Status::not_found("service not registered"))
    }
}

#[tonic::async_trait]
impl Health for GrpcHealth {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.find(&request)?;
        Ok(Response::new(response(status.get().await)))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let changes = stream::unfold((self.find(&request)?, None), async |(status, known)| {
            let now = status.changed_from(known).await;
            Some((Ok(response(now)), (status, Some(now))))
        });
        Ok(Response::new(changes.boxed()))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
