//! The canonical log line: one for each RPC, with everything a search needs and nothing that came from outside.

use tonic::Code;
use tracing::Level;

use crate::method_registry::Method;

/// The canonical log line.
pub(super) struct Line<'a> {
    pub(super) rpc: &'a str,
    pub(super) code: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) cause: Option<&'a str>,
    pub(super) duration_ms: f64,
    pub(super) caller: Option<&'a str>,
    pub(super) user_id: Option<String>,
    pub(super) peer: Option<&'a str>,
}

impl Line<'_> {
    pub(super) fn write(&self, level: Level) {
        // The level of an event is part of its call site, so each level is one.
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    rpc = self.rpc,
                    code = self.code,
                    reason = self.reason,
                    cause = self.cause,
                    duration_ms = self.duration_ms,
                    caller = self.caller,
                    user_id = self.user_id.as_deref(),
                    peer = self.peer,
                    "rpc"
                )
            };
        }
        match level {
            Level::ERROR => line!(error),
            Level::WARN => line!(warn),
            Level::INFO => line!(info),
            _ => line!(debug),
        }
    }
}

/// Defects are errors, absent dependencies and missed deadlines warnings, refusals and successes information.
pub(super) fn level(method: &Method, code: Code) -> Level {
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => Level::ERROR,
        Code::Unavailable | Code::DeadlineExceeded => Level::WARN,
        _ if method.is_infrastructure() => Level::DEBUG,
        _ => Level::INFO,
    }
}
