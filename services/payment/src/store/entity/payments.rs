//! Rows of `payments`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub booking_id: Uuid,
    pub guest_id: Uuid,
    pub host_id: Uuid,
    pub order_id: String,
    pub order_name: String,
    pub amount_krw: i64,
    pub fee_krw: i64,
    pub refunded_krw: i64,
    pub state: String,
    pub last_attempt: i32,
    pub payment_key: Option<String>,
    pub method: Option<String>,
    pub failure_code: Option<String>,
    pub due_at: DateTimeUtc,
    pub paid_at: Option<DateTimeUtc>,
    pub closed_at: Option<DateTimeUtc>,
    pub closing_refund_krw: Option<i64>,
    pub next_check_at: Option<DateTimeUtc>,
    pub checks: i32,
    pub recheck: bool,
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
