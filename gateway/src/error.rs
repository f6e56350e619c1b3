//! A "no" on its way to a client: of the gateway itself, or of a service. Each front shows it in its own form.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use carshare_chassis::Error;
use tonic::{Code, Status};

use crate::problem::Problem;
use crate::request_context::{Exchange, Front};

/// A refusal, by whom it was given.
#[derive(Debug)]
pub enum GatewayError {
    Ours(Error),
    /// A service's, with the details it put there.
    Theirs(Status),
}

/// Left in the extensions of an answer that is a refusal, for the log line and the metrics.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The stable code, `BOOKING002`.
    pub code: String,
}

impl From<Error> for GatewayError {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<Status> for GatewayError {
    fn from(status: Status) -> Self {
        Self::Theirs(status)
    }
}

impl GatewayError {
    /// A peer that cannot be reached, or broke off before it answered.
    pub fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Theirs(Status::from_error(error.into()))
    }

    /// Converts to a problem response.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Ours(error) => Problem::from_error(error),
            Self::Theirs(status) => Problem::from_status(status),
        }
    }

    /// The answer to the client, in the form of its front.
    pub fn answer(self, exchange: &Exchange) -> Response {
        self.log(exchange);
        let problem = self.problem();
        let refused = Refused {
            code: problem.code().to_owned(),
        };
        let mut response = match exchange.front {
            Front::Rest => problem.answer(exchange),
            Front::Grpc => self.status(exchange).into_http::<Body>(),
        };
        response.extensions_mut().insert(refused);
        response
    }

    /// Converts to a gRPC status. A service's status is passed on as it is; one without details of ours gets them here.
    fn status(self, exchange: &Exchange) -> Status {
        match self {
            Self::Ours(error) => error.into_status(exchange.lang),
            Self::Theirs(status) if status.details().is_empty() => {
                Error::from_status(status).into_status(exchange.lang)
            }
            Self::Theirs(status) => status,
        }
    }

    /// Logs defects and outages with their cause; other errors are in the request's log line.
    fn log(&self, exchange: &Exchange) {
        let correlation_id = exchange.correlation_id.as_str();
        match self {
            Self::Ours(error) if is_trouble(error.code()) => {
                tracing::warn!(correlation_id, error = ?error, "the gateway refuses");
            }
            Self::Theirs(status) if status.details().is_empty() => {
                tracing::warn!(correlation_id, status = ?status, "a peer failed");
            }
            _ => {}
        }
    }
}

/// When to come back to something that is away and did not say for how long.
pub const UNAVAILABLE_RETRY_AFTER: Duration = Duration::from_secs(1);

fn is_trouble(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unavailable | Code::DeadlineExceeded)
}
