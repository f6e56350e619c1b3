//! Table `devices`.

use std::fmt;

use anyhow::Context as _;
use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{FromQueryResult as _, QueryOrder as _, raw_sql};

use crate::domain::device::Platform;
use crate::domain::ids::{DeviceId, SessionId, UserId};
use crate::error::Error;
use crate::store::deliveries;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "devices")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account that registered the token last.
    pub user_id: Uuid,
    /// The session whose end deletes the device; `None` for devices registered before it was stored.
    pub session_id: Option<Uuid>,
    /// FCM registration token.
    pub token: String,
    pub platform: String,
    pub created_at: DateTimeUtc,
    /// Time of the latest registration.
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl fmt::Debug for Model {
    /// Omits the token: whoever has it can send pushes to the device.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// Registers a token for the user and session. A known token moves to them and keeps its id.
pub async fn upsert(
    tx: &Tx,
    (user, session): (UserId, SessionId),
    token: &str,
    platform: Platform,
) -> Result<Model, Error> {
    let (id, user_id, session_id) = (tx.new_id(), user.0, session.0);
    let (platform, now) = (platform.as_str(), tx.now());
    let upsert = Model::find_by_statement(raw_sql!(
        Postgres,
        r#"INSERT INTO devices (id, user_id, session_id, token, token_sha256, platform, created_at, updated_at)
           VALUES ({id}, {user_id}, {session_id}, {token}, sha256(convert_to({token}, 'UTF8')), {platform},
                   {now}, {now})
           ON CONFLICT ON CONSTRAINT devices_token
           DO UPDATE SET user_id = {user_id}, session_id = {session_id}, platform = {platform}, updated_at = {now}
           RETURNING id, user_id, session_id, token, platform, created_at, updated_at"#
    ));
    let row = upsert.one(tx.conn()).await?;
    Ok(row.context("an upserted device is missing")?)
}

/// Lists the devices of a user, newest first.
pub async fn list_of_user(conn: &impl ConnectionTrait, user: UserId) -> Result<Vec<Model>, Error> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user.0))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id);
    Ok(rows.all(conn).await?)
}

/// Serializes the registrations of a user, so that none exceeds the bound of [`delete_surplus`].
pub async fn lock(tx: &Tx, user: UserId) -> Result<(), Error> {
    let user_id = user.0;
    let lock = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended('devices.' || {user_id}::text, 0))"
    );
    tx.conn().execute_raw(lock).await?;
    Ok(())
}

/// Deletes the user's devices that were registered longest ago, so that `max` remain with `newest`, and drops their pending deliveries.
pub async fn delete_surplus(tx: &Tx, user: UserId, newest: DeviceId, max: u32) -> Result<(), Error> {
    let (user_id, newest, others) = (user.0, newest.0, i64::from(max) - 1);
    let delete = raw_sql!(
        Postgres,
        r#"DELETE FROM devices WHERE id IN
               (SELECT id FROM devices WHERE user_id = {user_id} AND id <> {newest}
                ORDER BY updated_at DESC, id DESC OFFSET {others})
           RETURNING id, user_id, session_id, token, platform, created_at, updated_at"#
    );
    for device in Model::find_by_statement(delete).all(tx.conn()).await? {
        deliveries::drop_for_device(tx, DeviceId(device.id)).await?;
    }
    Ok(())
}

/// Deletes a device if it still has this token.
pub async fn delete(tx: &Tx, id: DeviceId, token: &str) -> Result<(), Error> {
    Entity::delete_by_id(id.0)
        .filter(Column::Token.eq(token))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Deletes a device of the user and drops its pending deliveries. `false` when the user has no such device.
pub async fn delete_of_user(tx: &Tx, id: DeviceId, user: UserId) -> Result<bool, Error> {
    let deleted = Entity::delete_by_id(id.0).filter(Column::UserId.eq(user.0));
    if deleted.exec(tx.conn()).await?.rows_affected == 0 {
        return Ok(false);
    }
    deliveries::drop_for_device(tx, id).await?;
    Ok(true)
}

/// Deletes the devices of a session and drops their pending deliveries.
pub async fn delete_of_session(tx: &Tx, session: SessionId) -> Result<(), Error> {
    delete_all(tx, Column::SessionId.eq(session.0)).await
}

/// Deletes the devices of a user and drops their pending deliveries.
pub async fn delete_all_of_user(tx: &Tx, user: UserId) -> Result<(), Error> {
    delete_all(tx, Column::UserId.eq(user.0)).await
}

async fn delete_all(tx: &Tx, matching: SimpleExpr) -> Result<(), Error> {
    let deleted = Entity::delete_many().filter(matching);
    for device in deleted.exec_with_returning(tx.conn()).await? {
        deliveries::drop_for_device(tx, DeviceId(device.id)).await?;
    }
    Ok(())
}
