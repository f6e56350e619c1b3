//! `carshare.event_log.v1.EventLogService`: lets other services read this service's outbox by position.

use carshare_chassis::rpc::{self, CallContext};
use carshare_proto::event_log::v1 as pb;
use carshare_proto::event_log::v1::event_log_service_server::EventLogService;
use tonic::{Request, Response, Status};

use crate::db::Db;
use crate::error::Error;

/// Page size when the request names none.
const DEFAULT_PAGE_SIZE: i64 = 500;

/// Serves the outbox of a database.
pub(crate) struct EventLog {
    pub(crate) db: Db,
}

#[tonic::async_trait]
impl EventLogService for EventLog {
    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        rpc::unary(&self.db, request, list_events).await
    }
}

/// Records how far the calling service has read, then returns what follows.
async fn list_events(
    db: &Db,
    ctx: CallContext,
    request: pb::ListEventsRequest,
) -> Result<pb::ListEventsResponse, carshare_chassis::Error> {
    let reader = ctx.service()?;
    let limit = match request.page_size {
        0 => DEFAULT_PAGE_SIZE,
        size => size.into(),
    };
    let (events, last_position) = db
        .read_outbox(reader, request.after_position, limit)
        .await
        .map_err(|error: Error| error)?;
    Ok(pb::ListEventsResponse {
        events: events
            .into_iter()
            .map(|event| event.envelope.into_proto(event.position))
            .collect(),
        last_position,
    })
}
