//! `ListBookingPaymentSteps`: what became of the payments of a booking, for its timeline.

use anyhow::Context as _;
use carshare_chassis::proto_types::{timestamp, uuid};
use carshare_chassis::request_context;
use carshare_chassis::rpc::CallContext;
use carshare_proto::payment::v1 as pb;

use crate::App;
use crate::domain::ids::BookingId;
use crate::error::Error;
use crate::store::steps::{self, Step};

pub(super) async fn handle(
    app: &App,
    _: CallContext,
    request: pb::ListBookingPaymentStepsRequest,
) -> Result<pb::ListBookingPaymentStepsResponse, Error> {
    let booking = BookingId(uuid("booking_id", &request.booking_id)?);
    let steps = steps::list(app.db.conn(), booking).await?;
    let steps = steps.into_iter().map(convert).collect::<Result<_, _>>()?;
    Ok(pb::ListBookingPaymentStepsResponse { steps })
}

fn convert(step: Step) -> Result<pb::BookingPaymentStep, Error> {
    let trace_id = request_context::trace_id(step.correlation_id.as_deref(), step.traceparent.as_deref());
    Ok(pb::BookingPaymentStep {
        step: Some(pb::PaymentStep {
            kind: kind(&step.kind)?.into(),
            amount: step.amount_krw,
            failure_code: step.failure_code,
            charge_id: step.charge_id.map(|id| id.to_string()),
        }),
        occurred_at: Some(timestamp(step.occurred_at)),
        correlation_id: step.correlation_id,
        trace_id,
    })
}

fn kind(word: &str) -> Result<pb::PaymentStepKind, Error> {
    let name = format!("PAYMENT_STEP_KIND_{}", word.to_uppercase());
    let kind = pb::PaymentStepKind::from_str_name(&name);
    Ok(kind.with_context(|| format!("unknown step {word}"))?)
}
