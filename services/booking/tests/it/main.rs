//! Integration tests of the booking service: the real server with all its layers, PostgreSQL, Redis and a manual clock. Stubs
//! answer for the vehicle and payment services over real gRPC.
#![expect(clippy::unwrap_used, reason = "test helpers panic as tests do")]

mod approve_reject;
mod cancel;
mod cancellation_policies;
mod car_lost;
mod close_user;
mod count_live;
mod create;
mod create_cancelled;
mod create_interrupted;
mod create_refused;
mod erasure;
mod events;
mod exact_place;
mod faults;
mod guest_limits;
mod harness;
mod lifecycle;
mod list_orders;
mod open_requests;
mod payment_stub;
mod quotes;
mod races;
mod reads;
mod sagas;
mod statements;
mod timers;
mod vehicle_stub;
