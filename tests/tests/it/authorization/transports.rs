//! One call over every transport of the gateway.

use carshare_mesh::Mesh;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tonic::{Code, Status};

use super::expectation::Reply;
use crate::harness::{ErrorInfo, GrpcClient, Rest, grpc_path, rest_requests};

pub struct Transports {
    rest: Rest,
    wires: [GrpcClient; 3],
}

impl Transports {
    pub async fn connect(mesh: &Mesh) -> Self {
        Self {
            rest: Rest::of(mesh),
            wires: GrpcClient::all(mesh).await,
        }
    }

    /// Returns the reply over each transport. Every call has a token of its own.
    pub async fn call(
        &self,
        method: &MethodDescriptor,
        request: &DynamicMessage,
        token: impl Fn() -> Option<String>,
    ) -> Vec<(String, Reply)> {
        let mut replies = Vec::new();
        for (verb, path, body) in rest_requests(method, request) {
            let name = format!("{verb} {path}");
            let reply = self.over_rest(verb, &path, body, token()).await;
            replies.push((name, reply));
        }
        let path = grpc_path(method);
        for wire in &self.wires {
            let reply = over_grpc(wire, method, &path, request, token()).await;
            replies.push((format!("{:?}", wire.form), reply));
        }
        if !method.is_server_streaming() {
            replies.push((
                "Connect".to_owned(),
                self.over_connect(&path, request, token()).await,
            ));
        }
        replies
    }

    fn rest(&self, token: Option<String>) -> Rest {
        match token {
            Some(token) => self.rest.signed_in(&token),
            None => self.rest.clone(),
        }
    }

    async fn over_rest(&self, verb: Method, path: &str, body: Option<Value>, token: Option<String>) -> Reply {
        let mut request = self.rest(token).request(verb, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("a response");
        let status = code_of(response.status());
        // A stream has no end.
        if status == Code::Ok {
            return Reply { status, code: None };
        }
        let problem: Value = response.json().await.expect("a problem");
        let code = problem["code"].as_str().expect("a code").to_owned();
        Reply {
            status,
            code: Some(code),
        }
    }

    async fn over_connect(&self, path: &str, request: &DynamicMessage, token: Option<String>) -> Reply {
        let request = self
            .rest(token)
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/proto")
            .body(request.encode_to_vec());
        let response = request.send().await.expect("a response");
        if response.status().is_success() {
            return Reply {
                status: Code::Ok,
                code: None,
            };
        }
        let error: Value = response.json().await.expect("an error");
        let word = error["code"].as_str().expect("a code");
        let mut codes = (0..=16).map(Code::from_i32);
        let status = codes.find(|code| word_of(*code) == word).expect("a code of gRPC");
        Reply { status, code: None }
    }
}

/// Calls an RPC. A stream is dropped once it has begun.
pub async fn over_grpc(
    wire: &GrpcClient,
    method: &MethodDescriptor,
    path: &str,
    request: &DynamicMessage,
    token: Option<String>,
) -> Reply {
    let (message, token) = (request.encode_to_vec(), token.as_deref());
    let result = if method.is_server_streaming() {
        wire.open(path, token, message).await
    } else {
        wire.call(path, token, message).await.map(drop)
    };
    match result {
        Ok(()) => Reply {
            status: Code::Ok,
            code: None,
        },
        Err(status) => Reply {
            status: status.code(),
            code: Some(product_code(&status)),
        },
    }
}

fn product_code(status: &Status) -> String {
    let has_details = !status.details().is_empty();
    if has_details {
        ErrorInfo::from_status(status).code
    } else {
        String::new()
    }
}

/// The gRPC code of a status over REST.
fn code_of(status: StatusCode) -> Code {
    match status.as_u16() {
        200..300 => Code::Ok,
        400 | 413 | 415 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        402 | 409 | 412 => Code::FailedPrecondition,
        429 => Code::ResourceExhausted,
        501 => Code::Unimplemented,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        _ => Code::Internal,
    }
}

/// The code as Connect writes it, `permission_denied`.
fn word_of(code: Code) -> String {
    let name = format!("{code:?}");
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}
