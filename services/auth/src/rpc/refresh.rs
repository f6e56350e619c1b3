//! `Refresh`: exchanges a refresh token for a new pair.
//!
//! Each token is valid once. A second use means that two parties have it, so its session is ended: in the same transaction,
//! which is committed although the call fails. A session lives for an absolute time from its login, and no longer without a refresh than
//! its newest token.

use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::audit::{Action, Entry, Origin};
use crate::domain::{EndReason, RefreshToken, SessionId, TokenHash, TokenUse};
use crate::error::Error;
use crate::issuer::Signer;
use crate::sealed_reply::{Sealed, SealedReply};
use crate::session;
use crate::store::{sessions, users};

struct Input {
    token: TokenHash,
    signer: Signer,
    origin: Origin,
    reply: SealedReply<StoredReply>,
}

/// The stored reply, which repeats with the same idempotency key return.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredReply {
    /// `None` when the token was used before.
    #[prost(message, optional, tag = "1")]
    renewed: Option<pb::AuthResponse>,
    /// UUID of the token's session.
    #[prost(bytes = "vec", tag = "2")]
    session: Vec<u8>,
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::RefreshRequest,
) -> Result<pb::AuthResponse, Error> {
    let origin = Origin::from(&context);
    let (context, reply) = app.replies.prepare(context);
    let token = RefreshToken::from(request.refresh_token).hash();
    let input = Input {
        token,
        signer: app.issuer.signer().await?,
        origin: origin.clone(),
        reply: reply.clone(),
    };
    let stored = app.db.idempotent(&context, "sessions.refresh", input, rotate);
    let stored = stored.await;
    if let Err(Error::InvalidRefreshToken) = stored {
        record_refusal(app, token, &origin).await?;
    }
    let outcome = reply.open(&stored?)?;
    match outcome.renewed {
        Some(renewed) => Ok(renewed),
        None => Err(reused(app, &outcome.session).await),
    }
}

/// Records a refused token that was issued. Others concern nobody.
async fn record_refusal(app: &App, token: TokenHash, origin: &Origin) -> Result<(), Error> {
    let Some(found) = sessions::lock_by_token(app.db.conn(), token).await? else {
        return Ok(());
    };
    let reason = if found.token.session_ended_at.is_some() {
        "session_ended"
    } else {
        "expired"
    };
    let entry = Entry::failure(Action::Refresh, reason);
    let entry = entry.user(found.user_id).session(found.id);
    app.audit.record(origin, entry).await
}

async fn rotate(tx: &Tx, input: &Input) -> Result<Sealed, Error> {
    let locked = sessions::lock_by_token(tx.conn(), input.token)
        .await?
        .ok_or(Error::InvalidRefreshToken)?;
    let session_expires_at = input.signer.session_expires_at(locked.created_at);
    let renewed = match locked.token.within(session_expires_at).next_use(tx.now()) {
        TokenUse::Invalid => return Err(Error::InvalidRefreshToken),
        TokenUse::Reused => {
            session::end(tx, locked.id, EndReason::Reuse, &input.origin).await?;
            None
        }
        TokenUse::Rotate => {
            let user = users::find(tx.conn(), locked.user_id)
                .await?
                .ok_or(Error::InvalidRefreshToken)?;
            let rotated = session::rotate(tx, &input.signer, &user, &locked, input.token, &input.origin);
            let issued = rotated.await?;
            Some(convert::auth_response(&user, &issued))
        }
    };
    Ok(input.reply.seal(&StoredReply {
        renewed,
        session: locked.id.0.as_bytes().to_vec(),
    })?)
}

/// Copies the revoked access tokens of the ended session and returns the error of the call.
async fn reused(app: &App, session: &[u8]) -> Error {
    let Ok(session) = Uuid::from_slice(session).map(SessionId) else {
        return Error::RefreshTokenReused;
    };
    metrics::counter!("auth_refresh_tokens_reused_total").increment(1);
    tracing::warn!(session_id = %session, "refresh token reused, session ended");
    app.revoker.copy_session(session).await;
    Error::RefreshTokenReused
}
