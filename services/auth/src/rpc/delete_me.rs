//! `DeleteMe`: deletes the caller's account, unless money or a booking is open.
//!
//! The credentials are verified first, so that only their owner learns what is open. Without an idempotency guard: after a success the
//! session of a repeat has ended, and before that each step can be repeated.

use std::sync::Arc;

use carshare_chassis as chassis;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_proto::payment::v1::CheckSettlementRequest;
use carshare_store::Tx;

use crate::App;
use crate::audit::Action;
use crate::deletion;
use crate::domain::{MfaCode, UserId};
use crate::error::Error;
use crate::login_attempts;
use crate::mfa::{self, Reauthenticated};
use crate::store::deletions::{self, Deletion};

struct Input {
    verified: Reauthenticated,
    code: Option<MfaCode>,
    sealer: Arc<Sealer>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::DeleteMeRequest,
) -> Result<pb::DeleteMeResponse, Error> {
    let id = UserId(context.user()?.id);
    let action = Action::AccountDeleteRequest;
    let verified = mfa::reauthenticate(app, action, &context, request.current_password).await?;
    let attempt = verified.attempt.clone();
    let given = request.mfa_code.unwrap_or_default();
    let input = Input {
        code: mfa::begin_attempt(app, &verified.user, Some(&given)).await?,
        verified,
        sealer: Arc::clone(&app.sealer),
    };
    let verified = app.db.transaction("users.verify_deletion", input, verify).await;
    mfa::record_refusal(app, &attempt, id, &verified).await?;
    verified?;
    if let Err(error) = check_settlement(app, id).await {
        app.login_attempts
            .refuse(&attempt, id, "payments_unsettled")
            .await?;
        return Err(error);
    }
    let requested = app
        .db
        .transaction("users.request_deletion", id, request_deletion)
        .await?;
    deletion::finish(app, requested, attempt.origin).await?;
    Ok(pb::DeleteMeResponse {})
}

async fn verify(tx: &Tx, input: &Input) -> Result<(), Error> {
    let Reauthenticated { user, hash, attempt } = &input.verified;
    mfa::lock_verified(tx, user, hash).await?;
    login_attempts::succeed(tx, attempt, user.id).await?;
    match &input.code {
        Some(code) => mfa::verify(tx, &input.sealer, user.id, code).await,
        None => Ok(()),
    }
}

/// Asks payment what is unsettled. Later nothing becomes so but by a live booking or an unfinished refund, which booking counts.
async fn check_settlement(app: &App, user: UserId) -> Result<(), Error> {
    let mut payment = app.payment.clone();
    let user_id = user.to_string();
    let reply = payment.check_settlement(CheckSettlementRequest { user_id }).await;
    let unsettled = reply.map_err(chassis::Error::from_status)?.into_inner();
    if unsettled.payments_in_progress == 0 && unsettled.payable_amount == 0 {
        return Ok(());
    }
    Err(Error::PaymentsUnsettled {
        payments: unsettled.payments_in_progress,
        payable_krw: unsettled.payable_amount,
    })
}

async fn request_deletion(tx: &Tx, user: &UserId) -> Result<Deletion, Error> {
    deletions::request(tx, *user).await?.ok_or(Error::UserNotFound)
}
