//! `ListBookingNotifications`: the notifications about a booking, for its timeline.

use carshare_chassis::proto_types::{timestamp, uuid};
use carshare_chassis::request_context;
use carshare_chassis::rpc::CallContext;
use carshare_proto::notification::v1 as pb;

use crate::App;
use crate::error::Error;
use crate::store::notifications::{self, OfBooking};

pub(super) async fn handle(
    app: &App,
    _: CallContext,
    request: pb::ListBookingNotificationsRequest,
) -> Result<pb::ListBookingNotificationsResponse, Error> {
    let booking = uuid("booking_id", &request.booking_id)?;
    let notifications = notifications::list_of_booking(app.db.conn(), booking).await?;
    Ok(pb::ListBookingNotificationsResponse {
        notifications: notifications.into_iter().map(convert).collect(),
    })
}

fn convert(row: OfBooking) -> pb::BookingNotification {
    let trace_id = request_context::trace_id(row.correlation_id.as_deref(), row.traceparent.as_deref());
    pb::BookingNotification {
        notification: Some(pb::SentNotification {
            user_id: row.user_id.to_string(),
            r#type: row.kind,
            pushed_devices: i32::try_from(row.pushed_devices).unwrap_or(i32::MAX),
            read_at: row.read_at.map(timestamp),
        }),
        created_at: Some(timestamp(row.created_at)),
        correlation_id: row.correlation_id,
        trace_id,
    }
}
