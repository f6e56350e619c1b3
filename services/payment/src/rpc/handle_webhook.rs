//! `HandleWebhook`: the provider says that something changed. Nothing in it is believed (it carries no signature): it names a
//! payment, which the worker then reads from the provider. Every message is answered with success, so that the provider
//! does not send it again: unknown ones, repeated ones and nonsense too.

use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use super::convert;
use crate::App;
use crate::domain::webhook::Notice;
use crate::error::Error;
use crate::jobs;
use crate::store::{payments, webhooks};

/// The provider's id of a delivery, the same on every attempt.
const TRANSMISSION_ID: &str = "tosspayments-webhook-transmission-id";

/// Answers.
pub(super) async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::HandleWebhookRequest,
) -> Result<pb::HandleWebhookResponse, Error> {
    let Some(notice) = request
        .payload
        .and_then(|payload| Notice::read(&convert::json(payload)))
    else {
        tracing::debug!("a webhook that names no payment");
        return Ok(pb::HandleWebhookResponse {});
    };
    let transmission_id = ctx
        .metadata
        .get(TRANSMISSION_ID)
        .filter(|id| id.len() <= 100)
        .map(str::to_owned);
    let delivery_id = transmission_id.unwrap_or_else(|| hex::encode(ctx.request_hash));
    let input = (notice, delivery_id);
    app.db
        .transaction("webhooks.receive", input, receive)
        .await?;
    Ok(pb::HandleWebhookResponse {})
}

async fn receive(tx: &Tx, (notice, delivery_id): &(Notice, String)) -> Result<(), Error> {
    let (order_id, payment_key) = (notice.order_id.as_deref(), notice.payment_key.as_deref());
    let Some(payment) = payments::find_by_provider(tx.conn(), order_id, payment_key).await? else {
        return Ok(());
    };
    if !webhooks::insert(tx, delivery_id, payment.id, &notice.event_type).await? {
        return Ok(());
    }
    payments::mark(tx, payment.id).await?;
    tx.notify_job(jobs::payments::NAME);
    Ok(())
}
