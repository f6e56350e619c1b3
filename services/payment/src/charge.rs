//! Charges: the steps that the worker and `ProcessPayment` share.
//!
//! An attempt has three steps: [`begin_attempt`] commits its row, [`call_provider`] charges or confirms, [`apply_result`]
//! applies the result in one transaction with ledger and events. A crash between two of them leaves an open attempt, which
//! [`reconcile`] resolves before another one begins. A worker that hangs past its claim and continues may repeat a call, under
//! the same idempotency key, but changes nothing that another worker has decided since.

mod apply_result;
mod begin_attempt;
mod call_provider;
mod checkout;
mod reconcile;

pub use apply_result::AttemptResult;
pub use checkout::{BegunCheckout, CheckoutResult, begin_checkout, finish_checkout};
pub use reconcile::reconcile;
