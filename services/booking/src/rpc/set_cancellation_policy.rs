//! `SetCancellationPolicy`: a host replaces the policy of new bookings of their cars, by one that is not harsher than the platform's.
//!
//! Each change is a new version. Bookings and quotes keep theirs.

use carshare_chassis as chassis;
use carshare_chassis::rpc::CallContext;
use carshare_proto::booking::v1 as pb;
use carshare_store::Tx;

use super::{authorization, convert};
use crate::App;
use crate::domain::policy::{InvalidSteps, Step};
use crate::domain::{Steps, UserId};
use crate::error::Error;
use crate::store::cancellation_policies;

/// Seconds of an hour, and basis points of a percent.
const HOUR_S: i32 = 3_600;
const PERCENT_BPS: i32 = 100;

struct Input {
    host: UserId,
    steps: Steps,
}

pub async fn handle(
    app: &App,
    ctx: CallContext,
    request: pb::SetCancellationPolicyRequest,
) -> Result<pb::CancellationPolicy, Error> {
    let steps = request.steps.iter().map(|step| Step {
        before_start_s: step.hours_before_start * HOUR_S,
        refund_bps: step.refund_percent * PERCENT_BPS,
    });
    let input = Input {
        host: authorization::caller(&ctx)?,
        steps: Steps::new(steps.collect()).map_err(out_of_order)?,
    };
    app.db
        .idempotent(&ctx, "cancellation_policies.set", input, set)
        .await
}

async fn set(tx: &Tx, input: &Input) -> Result<pb::CancellationPolicy, Error> {
    let Input { host, steps } = input;
    cancellation_policies::lock(tx, *host).await?;
    let current = cancellation_policies::find_current(tx.conn(), *host).await?;
    let is_current = if steps.is_empty() {
        !current.is_host_policy
    } else {
        current.is_host_policy && current.steps == *steps
    };
    if is_current {
        return Ok(convert::policy(&current, None));
    }
    if !steps.is_empty() {
        let platform = cancellation_policies::find_platform(tx.conn()).await?;
        steps.check_not_harsher_than(&platform.steps)?;
    }
    cancellation_policies::insert(tx, *host, steps).await?;
    let changed = cancellation_policies::find_current(tx.conn(), *host).await?;
    Ok(convert::policy(&changed, None))
}

fn out_of_order(InvalidSteps(index): InvalidSteps) -> chassis::Error {
    chassis::Error::invalid(
        format!("steps[{index}]"),
        "앞 단계보다 대여 시작에 더 가깝고 환불 비율은 더 낮아야 합니다.",
        "must be closer to the start than the step before, and refund less",
    )
}
