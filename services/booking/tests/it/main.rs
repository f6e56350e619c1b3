//! Integration tests of the booking service: the real server with all its layers, PostgreSQL, Redis and a manual clock. Stubs
//! answer for the vehicle, payment and notification services over real gRPC.
#![expect(clippy::unwrap_used, reason = "test helpers panic as tests do")]

mod approve_reject;
mod cancel;
mod cancellation_policies;
mod car_lost;
mod change_answers;
mod change_deadlines;
mod change_payments;
mod change_refunds;
mod change_requests;
mod changes;
mod close_user;
mod count_live;
mod create;
mod create_cancelled;
mod create_interrupted;
mod create_refused;
mod create_review;
mod erasure;
mod events;
mod exact_place;
mod faults;
mod guest_limits;
mod handover;
mod handover_chain;
mod handover_photos;
mod handover_refused;
mod harness;
mod instant_book;
mod lifecycle;
mod list_orders;
mod list_reviews;
mod list_search;
mod moderate_review;
mod notification_stub;
mod open_requests;
mod payment_stub;
mod quotes;
mod races;
mod reads;
mod sagas;
mod statements;
mod timeline;
mod timers;
mod vehicle_stub;
