//! What happens to accounts: the copy that cars show of their hosts.

use anyhow::Context as _;
use carshare_chassis::proto_types;
use carshare_proto::auth::v1::UserProfile;
use carshare_proto::options::v1::Role;
use carshare_store::{EventMetadata, Tx};
use uuid::Uuid;

use crate::domain::UserId;
use crate::error::Result;
use crate::store::people::{self, Person};

/// `user.registered`, `user.updated`: keeps what others may see now.
pub async fn told(tx: &Tx, meta: &EventMetadata, profile: Option<&UserProfile>) -> Result<()> {
    let profile = profile.context("the event has no profile")?;
    people::upsert(tx.conn(), &person(profile)?, meta.occurred_at).await
}

fn person(profile: &UserProfile) -> Result<Person> {
    Ok(Person {
        id: UserId(Uuid::parse_str(&profile.id).context("id of the profile")?),
        name: profile.name.clone(),
        role: role(profile.role())?.to_owned(),
        profile_image_url: profile.profile_image_url.clone(),
        is_verified: profile.is_verified,
        created_at: proto_types::to_datetime(profile.created_at),
    })
}

fn role(role: Role) -> Result<&'static str> {
    let role = carshare_chassis::identity::Role::try_from(role)?;
    Ok(role.as_str())
}
