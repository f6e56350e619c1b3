//! A row of `bookings`. What the columns mean stands in the migration.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bookings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub version: i64,
    pub vehicle_id: Uuid,
    pub guest_id: Uuid,
    pub host_id: Uuid,
    pub starts_at: DateTimeUtc,
    pub ends_at: DateTimeUtc,
    pub hourly_rate_krw: i64,
    pub total_krw: i64,
    pub platform_fee_krw: i64,
    pub refund_full_until_s: i32,
    pub refund_part_until_s: i32,
    pub refund_part_bps: i32,
    pub vehicle_snapshot: Vec<u8>,
    #[sea_orm(column_type = "Text")]
    pub status: String,
    #[sea_orm(column_type = "Text")]
    pub payment_status: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub guest_message: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub host_response: Option<String>,
    pub respond_by: DateTimeUtc,
    pub payment_due_at: Option<DateTimeUtc>,
    pub confirmed_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub cancellation_reason: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub cancellation_message: Option<String>,
    pub refund_krw: Option<i64>,
    pub cancelled_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

/// It has none: no service reads another's tables, and the history is read by itself.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
