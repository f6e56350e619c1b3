//! Replies over each protocol, and what no reply may be.

use serde_json::Value;
use tonic::Code;

use crate::errors::case::internals_in;

#[derive(Debug)]
pub enum Reply {
    Rest {
        status: u16,
        content_type: String,
        body: String,
    },
    Grpc {
        http: u16,
        status: Option<i32>,
        message: String,
    },
    Connect {
        status: u16,
        body: String,
    },
    /// The connection was closed instead of a reply, which HTTP allows for what is no request.
    Closed,
}

/// Codes that name a defect of ours.
const DEFECTS: [Code; 3] = [Code::Unknown, Code::Internal, Code::DataLoss];

/// Statuses above 500 that the product documents: an RPC that does not exist, overload, and a deadline.
const DOCUMENTED: [u16; 3] = [501, 503, 504];

impl Reply {
    /// Returns what is wrong with the reply.
    pub fn fault(&self) -> Option<String> {
        match self {
            Self::Rest {
                status,
                content_type,
                body,
            } => rest_fault(*status, content_type, body),
            Self::Grpc {
                http,
                status,
                message,
            } => grpc_fault(*http, *status).or_else(|| leak(message)),
            Self::Connect { status, body } => connect_fault(*status, body),
            Self::Closed => None,
        }
    }
}

fn is_defect(status: u16) -> bool {
    status >= 500 && !DOCUMENTED.contains(&status)
}

fn rest_fault(status: u16, content_type: &str, body: &str) -> Option<String> {
    if is_defect(status) {
        return Some(format!("status {status}"));
    }
    if status < 400 {
        return None;
    }
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let is_problem = content_type.starts_with("application/problem+json") && problem["code"].is_string();
    if is_problem {
        leak(body)
    } else {
        Some("the body is no problem".to_owned())
    }
}

fn grpc_fault(http: u16, status: Option<i32>) -> Option<String> {
    match status {
        _ if is_defect(http) => Some(format!("HTTP status {http}")),
        // A request that is not gRPC is refused by HTTP.
        None if http >= 400 => None,
        None => Some("no gRPC status".to_owned()),
        Some(status) => DEFECTS
            .contains(&Code::from_i32(status))
            .then(|| format!("gRPC status {status}")),
    }
}

fn connect_fault(status: u16, body: &str) -> Option<String> {
    if is_defect(status) {
        return Some(format!("status {status}"));
    }
    if status < 400 {
        return None;
    }
    let error: Value = serde_json::from_str(body).unwrap_or_default();
    let is_defect = matches!(error["code"].as_str(), Some("internal" | "unknown" | "data_loss"));
    // Without a content type of Connect the reply is a problem or empty.
    if is_defect {
        Some("an internal error".to_owned())
    } else {
        leak(body)
    }
}

/// Returns the first text of internals in an error.
fn leak(text: &str) -> Option<String> {
    internals_in(text).map(|found| format!("{found:?} is exposed"))
}
