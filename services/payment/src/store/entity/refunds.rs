//! Rows of `refunds`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub payment_id: Uuid,
    pub amount_krw: i64,
    pub origin: String,
    pub state: String,
    pub attempt: i32,
    pub key_spent: bool,
    pub transaction_key: Option<String>,
    pub code: Option<String>,
    pub next_check_at: Option<DateTimeUtc>,
    pub checks: i32,
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
