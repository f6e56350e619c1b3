//! Getting the money: what the worker and `ProcessPayment` have in common.
//!
//! Each attempt is three steps: [`begin`] writes it down, [`call`] asks the provider, [`conclude`] applies what was heard in
//! one transaction with books and events. A crash between any two leaves an open attempt, and an open attempt is asked
//! about before anything else is done: [`look`].

mod begin;
mod call;
mod conclude;
mod look;
pub(crate) mod record;
mod window;

pub use conclude::Seen;
pub use look::look;
pub use window::{Begun, WindowResult, begin_window, run_window};
