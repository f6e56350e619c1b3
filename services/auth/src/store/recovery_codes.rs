//! Table `recovery_codes`: hashes of the codes that replace a code of the authenticator app once.

use carshare_store::Tx;
use sea_orm::IntoActiveModel as _;
use sea_orm::entity::prelude::*;

use crate::domain::{RecoveryCode, UserId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub code_hash: Vec<u8>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Replaces all codes of a user.
pub async fn replace(tx: &Tx, user: UserId, codes: &[RecoveryCode]) -> Result<(), Error> {
    delete_all(tx, user).await?;
    let rows = codes.iter().map(|code| {
        let row = Model {
            user_id: user.0,
            code_hash: code.hash().to_vec(),
        };
        row.into_active_model()
    });
    Entity::insert_many(rows)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Uses a code up. `false` when the user has no such code.
pub async fn delete(tx: &Tx, user: UserId, code: &RecoveryCode) -> Result<bool, Error> {
    let deleted = Entity::delete_by_id((user.0, code.hash().to_vec()));
    Ok(deleted.exec(tx.conn()).await?.rows_affected > 0)
}

pub async fn delete_all(tx: &Tx, user: UserId) -> Result<(), Error> {
    let all = Entity::delete_many().filter(Column::UserId.eq(user.0));
    all.exec(tx.conn()).await?;
    Ok(())
}
