//! `HandleWebhook`: schedules a check of the payment that a webhook of the provider names. Webhooks are not signed, so
//! nothing else of them is used. Every webhook with content succeeds, also unknown, repeated and invalid ones: the
//! provider repeats those that fail.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::webhook::WebhookEvent;
use crate::error::Error;
use crate::jobs;
use crate::store::{payments, webhook_deliveries};

/// Header with the id of a delivery, the same in every repeat.
const TRANSMISSION_ID_HEADER: &str = "tosspayments-webhook-transmission-id";

pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::HandleWebhookRequest,
) -> Result<pb::HandleWebhookResponse, Error> {
    let payload = request.payload.unwrap_or_default();
    if payload.fields.is_empty() {
        let refused = carshare_chassis::Error::invalid(
            "payload",
            "빈 객체일 수 없습니다.",
            "must not be an empty object",
        );
        return Err(refused.into());
    }
    let Some(event) = WebhookEvent::parse(&convert::json(payload)) else {
        tracing::debug!("webhook names no payment");
        return Ok(pb::HandleWebhookResponse {});
    };
    let transmission_id = ctx
        .metadata
        .get(TRANSMISSION_ID_HEADER)
        .filter(|id| id.len() <= 100)
        .map(str::to_owned);
    let delivery_id = transmission_id.unwrap_or_else(|| hex::encode(ctx.request_hash));
    let input = (event, delivery_id);
    app.db.transaction("webhooks.receive", input, receive).await?;
    Ok(pb::HandleWebhookResponse {})
}

async fn receive(tx: &Tx, (event, delivery_id): &(WebhookEvent, String)) -> Result<(), Error> {
    let (order_id, payment_key) = (event.order_id.as_deref(), event.payment_key.as_deref());
    let Some(payment) = payments::find_by_provider(tx.conn(), order_id, payment_key).await? else {
        return Ok(());
    };
    if !webhook_deliveries::insert(tx, delivery_id, payment.id, &event.event_type).await? {
        return Ok(());
    }
    payments::request_check(tx, payment.id).await?;
    tx.notify_job(jobs::CHARGES);
    Ok(())
}
