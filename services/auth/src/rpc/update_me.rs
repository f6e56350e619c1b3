//! `UpdateMe`: changes the fields of the caller's account that are present. A change to the present values changes nothing.
//!
//! `user.updated` carries the public profile, so a new phone number alone publishes nothing.

use carshare_chassis::etag;
use carshare_chassis::rpc::CallContext;
use carshare_proto::auth::v1 as pb;
use carshare_store::Tx;
use uuid::Uuid;

use super::convert;
use crate::App;
use crate::domain::{Phone, UserId};
use crate::error::Error;
use crate::events;
use crate::store::{profile_images, users};

/// Fields of an account to change; `None` leaves a field as it is.
pub(super) struct Change {
    pub(super) id: UserId,
    pub(super) name: Option<String>,
    pub(super) phone: Option<Phone>,
    pub(super) image: ImageChange,
    /// Tag that the account must have.
    pub(super) etag: Option<String>,
}

/// What happens to the profile image of an account.
pub(super) enum ImageChange {
    Keep,
    /// Shows an uploaded image at this URL.
    Show {
        image: Uuid,
        url: String,
    },
    Remove,
}

impl Change {
    /// Returns a change of nothing.
    pub(super) fn of(id: UserId) -> Self {
        Self {
            id,
            name: None,
            phone: None,
            image: ImageChange::Keep,
            etag: None,
        }
    }
}

pub async fn handle(
    app: &App,
    context: CallContext,
    request: pb::UpdateMeRequest,
) -> Result<pb::User, Error> {
    let change = Change {
        name: request.name.as_deref().map(convert::name).transpose()?,
        etag: request.etag,
        phone: request.phone.as_deref().map(convert::phone).transpose()?,
        ..Change::of(UserId(context.user()?.id))
    };
    app.db.idempotent(&context, "users.update", change, update).await
}

/// Applies a change, and publishes `user.updated` when the public profile differs.
pub(super) async fn update(tx: &Tx, change: &Change) -> Result<pb::User, Error> {
    let before = users::lock(tx.conn(), change.id)
        .await?
        .ok_or(Error::UserNotFound)?;
    if let Some(etag) = &change.etag {
        etag::check(etag, convert::user(&before).etag.as_deref())?;
    }
    let mut user = before.clone();
    user.name = change.name.clone().unwrap_or(user.name);
    user.phone = change.phone.clone().unwrap_or(user.phone);
    match &change.image {
        ImageChange::Keep => {}
        ImageChange::Show { image, url } => {
            if !profile_images::show(tx, user.id, *image).await? {
                return Err(Error::ImageNotUploaded);
            }
            user.profile_image_url = Some(url.clone());
        }
        ImageChange::Remove => {
            profile_images::abandon_shown(tx, user.id, None).await?;
            user.profile_image_url = None;
        }
    }
    if user != before {
        users::update(tx, &user).await?;
    }
    if convert::profile(&user) != convert::profile(&before) {
        tx.publish(&events::updated(&user));
    }
    Ok(convert::user(&user))
}
