//! `GetBookingTimeline`: what happened to a booking, from its history, its payment and its notifications.
//!
//! Payment and notification are asked at the same time. One that does not answer is named, and the rest is returned: the page of a
//! booking is needed most when something is down.

use carshare_chassis::identity::{Role, UserCaller};
use carshare_chassis::proto_types::{timestamp, to_datetime};
use carshare_chassis::request_context;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_proto::booking::v1::timeline_entry::Entry;
use carshare_proto::notification::v1::{BookingNotification, ListBookingNotificationsRequest};
use carshare_proto::payment::v1::{BookingPaymentStep, ListBookingPaymentStepsRequest};
use tonic::Status;

use super::{authorization, convert};
use crate::App;
use crate::domain::BookingId;
use crate::error::Error;
use crate::store::status_history;

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::GetBookingTimelineRequest,
) -> Result<pb::BookingTimeline, Error> {
    let id = BookingId::parse("booking_id", &request.booking_id)?;
    let user = ctx.user()?;
    authorization::find_visible(app, id, user).await?;
    let (history, payment, notification) = tokio::join!(
        status_history::list(app.db.conn(), id),
        payment_steps(app, id),
        notifications(app, id, user),
    );
    let changes: Result<Vec<_>, Error> = history?.into_iter().map(change).collect();
    let mut timeline = pb::BookingTimeline {
        entries: changes?,
        unreachable: Vec::new(),
    };
    for (service, answer) in [("payment", payment), ("notification", notification)] {
        match answer {
            Ok(entries) => timeline.entries.extend(entries),
            Err(status) => {
                tracing::warn!(service, code = ?status.code(), "a timeline lacks the entries of a service");
                timeline.unreachable.push(service.to_owned());
            }
        }
    }
    timeline
        .entries
        .sort_by_key(|entry| to_datetime(entry.occurred_at));
    Ok(timeline)
}

fn change(row: status_history::Model) -> Result<pb::TimelineEntry, Error> {
    let trace_id = request_context::trace_id(row.correlation_id.as_deref(), row.traceparent.as_deref());
    Ok(pb::TimelineEntry {
        occurred_at: Some(timestamp(row.changed_at)),
        entry: Some(Entry::StatusChange(convert::status_change(&row)?)),
        correlation_id: row.correlation_id,
        trace_id,
    })
}

async fn payment_steps(app: &App, id: BookingId) -> Result<Vec<pb::TimelineEntry>, Status> {
    let booking_id = id.to_string();
    let mut payment = app.payment.clone();
    let reply = payment.list_booking_payment_steps(ListBookingPaymentStepsRequest { booking_id });
    Ok(reply
        .await?
        .into_inner()
        .steps
        .into_iter()
        .map(payment_step)
        .collect())
}

fn payment_step(step: BookingPaymentStep) -> pb::TimelineEntry {
    pb::TimelineEntry {
        occurred_at: step.occurred_at,
        entry: step.step.map(Entry::Payment),
        correlation_id: step.correlation_id,
        trace_id: step.trace_id,
    }
}

/// Lists the notifications that the caller may see: their own, or as an admin all.
async fn notifications(
    app: &App,
    id: BookingId,
    user: &UserCaller,
) -> Result<Vec<pb::TimelineEntry>, Status> {
    let booking_id = id.to_string();
    let mut notification = app.notification.clone();
    let reply = notification.list_booking_notifications(ListBookingNotificationsRequest { booking_id });
    let (sees_all, own) = (user.role == Role::Admin, user.id.to_string());
    let all = reply.await?.into_inner().notifications.into_iter();
    Ok(all
        .filter(|each| sees_all || each.notification.as_ref().is_some_and(|sent| sent.user_id == own))
        .map(sent_notification)
        .collect())
}

fn sent_notification(sent: BookingNotification) -> pb::TimelineEntry {
    pb::TimelineEntry {
        occurred_at: sent.created_at,
        entry: sent.notification.map(Entry::Notification),
        correlation_id: sent.correlation_id,
        trace_id: sent.trace_id,
    }
}
