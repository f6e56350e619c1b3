//! Integration tests of the vehicle service: the real server with all its layers, PostgreSQL, Redis, an S3 server, a stub of
//! Kakao and a manual clock. Its peers publish through their own outbox and relay.
#![expect(clippy::unwrap_used, reason = "test helpers panic as tests do")]

mod applied_changes;
mod availability;
mod booking_changes;
mod change_races;
mod check_hold;
mod confirm_hold;
mod create;
mod create_geocoding;
mod delete;
mod erasure;
mod etag;
mod events;
mod exact_place;
mod get;
mod harness;
mod hold_races;
mod hold_refused;
mod holds;
mod horizon;
mod host_profiles;
mod image_order;
mod images;
mod images_refused;
mod jobs;
mod kakao;
mod mine;
mod mine_orders;
mod pricing;
mod property;
mod ratings;
mod search;
mod search_orders;
mod search_pages;
mod statements;
mod update;
