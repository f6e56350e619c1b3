//! Integration tests: server and workers with all layers, real PostgreSQL and Redis, Toss simulated over HTTP, a manual
//! clock, and crashing processes.
#![expect(clippy::unwrap_used, reason = "test helpers fail like the tests")]

mod booking;
mod booking_ends;
mod card_changes;
mod cards;
mod change_charges;
mod change_refunds;
mod changes;
mod charge_failures;
mod charges;
mod check_settlement;
mod checkout;
mod checkout_failures;
mod claim_charges;
mod crashes;
mod erasure;
mod harness;
mod in_flight;
mod instance;
mod key_removal;
mod ledger;
mod list_filters;
mod log_capture;
mod paused_provider;
mod payouts;
mod queries;
mod reads;
mod reconciliation;
mod refunds;
mod reseal;
mod secrets;
mod settlement_books;
mod settlements;
mod settling;
mod simulation;
mod steps;
mod toss_sandbox;
mod webhooks;
