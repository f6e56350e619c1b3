//! Deletion of an account: what follows its request, in the call that made it or, after a crash or without an answer, in the job.
//!
//! Booking decides, because only there no booking can come in between: it closes the user, for good, or refuses. Then the account is
//! deleted or the request withdrawn. Each step can be repeated by any process at any time. A refused attempt closes nothing any more, so a
//! withdrawn request leaves no closed user behind, however late an earlier call arrives.

use std::time::Duration;

use carshare_chassis as chassis;
use carshare_proto::auth::v1 as pb;
use carshare_proto::booking::v1::CloseUserRequest;
use carshare_proto::options::v1::Role;
use carshare_store::Tx;

use crate::App;
use crate::audit::{self, Action, Entry, Origin};
use crate::domain::EndReason;
use crate::error::Error;
use crate::jobs::sweep_profile_images;
use crate::store::deletions::{self, Deletion};
use crate::store::profile_images;
use crate::store::revocations::{self, Revoked};
use crate::{email_address, session};

/// When a deletion without an answer is looked at again by the caller; the job needs a minute.
const RETRY_AFTER: Duration = Duration::from_mins(1);

struct Step {
    deletion: Deletion,
    origin: Origin,
}

/// Completes or withdraws a requested deletion.
///
/// # Errors
/// [`Error::BookingsOpen`] when it was withdrawn. `UNAVAILABLE` when booking has not answered: the job repeats it.
pub async fn finish(app: &App, deletion: Deletion, origin: Origin) -> Result<(), Error> {
    let request = CloseUserRequest {
        user_id: deletion.user().to_string(),
        attempt: deletion.attempt,
    };
    let decided = app.booking.clone().close_user(request).await;
    let decided = decided
        .map_err(|status| unknown(&format!("{:?}", status.code())))?
        .into_inner();
    let step = Step { deletion, origin };
    if decided.is_closed {
        let revoked = app.db.transaction("users.delete", step, delete).await?;
        app.revoker.copy_tokens(revoked).await;
        sweep_profile_images::delete_abandoned_now(app, deletion.user()).await;
        return Ok(());
    }
    app.db
        .transaction("users.withdraw_deletion", step, withdraw)
        .await?;
    match decided.open_bookings {
        0 => Err(unknown("a later attempt decides")),
        count => Err(Error::BookingsOpen(count)),
    }
}

fn unknown(cause: &str) -> Error {
    chassis::Error::unavailable(format!("the deletion is not decided: {cause}"), RETRY_AFTER).into()
}

/// Deletes the account and ends its sessions, and returns its revoked access tokens. An account that is gone stays so.
async fn delete(tx: &Tx, Step { deletion, origin }: &Step) -> Result<Vec<Revoked>, Error> {
    let id = deletion.user();
    let Some(user) = email_address::lock(tx, id).await? else {
        return Ok(Vec::new());
    };
    session::end_all(tx, id, None, EndReason::AccountDeleted, origin).await?;
    let revoked = revocations::list_of_user(tx.conn(), id, tx.now()).await?;
    profile_images::abandon_shown(tx, id, None).await?;
    audit::record(tx, origin, &Entry::success(Action::AccountDelete).user(id)).await?;
    deletions::delete_account(tx, id, &user.email).await?;
    tx.publish(&pb::UserDeleted {
        user_id: id.to_string(),
        role: Role::from(user.role).into(),
    });
    Ok(revoked)
}

async fn withdraw(tx: &Tx, Step { deletion, origin }: &Step) -> Result<(), Error> {
    if deletions::withdraw(tx, deletion).await? {
        let entry = Entry::failure(Action::AccountDelete, "bookings_open");
        audit::record(tx, origin, &entry.user(deletion.user())).await?;
    }
    Ok(())
}
