//! One call that fails, made over REST and each gRPC protocol.

use carshare_mesh::Mesh;
use carshare_proto::errors::{self, ErrorSpec};
use prost::Message;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tonic::{Code, Status};

use crate::harness::{ErrorInfo, GrpcClient, Response, Rest};

/// REST and gRPC clients of one mesh.
pub struct Clients {
    pub rest: Rest,
    pub wires: [GrpcClient; 3],
}

/// A call as a REST request and as an RPC.
pub struct Case {
    method: Method,
    path: String,
    body: Value,
    rpc: String,
    message: Vec<u8>,
}

/// Names of invalid fields and the rules they break.
pub type Faults = &'static [(&'static str, &'static str)];

/// Texts of internals that no response may contain.
const SECRETS: [&str; 22] = [
    "sqlx",
    "sea_orm",
    "SeaORM",
    "SQLSTATE",
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "violates",
    "constraint",
    "relation \"",
    "postgres",
    "panicked",
    "backtrace",
    ".rs:",
    "tonic",
    "hyper",
    "h2 protocol",
    "tcp connect",
    "127.0.0.1",
    "redis",
    "serde",
    "prost",
];

impl Clients {
    pub async fn of(mesh: &Mesh) -> Self {
        Self {
            rest: Rest::of(mesh),
            wires: GrpcClient::all(mesh).await,
        }
    }
}

impl Case {
    /// `rpc` is `booking.BookingService/GetBooking`.
    pub fn get(path: impl Into<String>, rpc: &str, message: impl Message) -> Self {
        Self::new(Method::GET, path.into(), Value::Null, rpc, message)
    }

    pub fn delete(path: impl Into<String>, rpc: &str, message: impl Message) -> Self {
        Self::new(Method::DELETE, path.into(), Value::Null, rpc, message)
    }

    pub fn post(path: impl Into<String>, body: Value, rpc: &str, message: impl Message) -> Self {
        Self::new(Method::POST, path.into(), body, rpc, message)
    }

    pub fn put(path: impl Into<String>, body: Value, rpc: &str, message: impl Message) -> Self {
        Self::new(Method::PUT, path.into(), body, rpc, message)
    }

    fn new(method: Method, path: String, body: Value, rpc: &str, message: impl Message) -> Self {
        let (package, method_of) = rpc.split_once('.').expect("a package");
        Self {
            method,
            path,
            body,
            rpc: format!("/carshare.{package}.v1.{method_of}"),
            message: message.encode_to_vec(),
        }
    }

    /// Asserts that every client gets this error of the catalogue, with the same facts and texts. `who`: the signed-in caller.
    pub async fn expect_error(&self, clients: &Clients, who: Option<&Rest>, code: &str) -> ErrorInfo {
        let spec = errors::by_code(code).expect("a code of the catalogue");
        let token = who.map(Rest::token);
        let info = self.over_rest(&clients.rest, token, spec).await;
        let texts = [&spec.ko, &spec.en].map(|text| {
            let metadata = info.metadata.iter();
            errors::fill(
                text,
                metadata.map(|(name, value)| (name.as_str(), value.as_str())),
            )
        });
        assert_eq!([&info.ko, &info.en], [&texts[0], &texts[1]], "{self:?}");
        for wire in &clients.wires {
            let status = wire.call(&self.rpc, token, self.message.clone()).await;
            let status = status.expect_err("an error");
            assert_no_internals(&format!(
                "{} {}",
                status.message(),
                String::from_utf8_lossy(status.details())
            ));
            assert_eq!(self.over_grpc(&status, spec), info, "{self:?} {:?}", wire.form);
        }
        info
    }

    async fn over_rest(&self, rest: &Rest, token: Option<&str>, spec: &ErrorSpec) -> ErrorInfo {
        let ask = async |language: Option<&str>| {
            let mut request = rest.request(self.method.clone(), &self.path);
            if !self.body.is_null() {
                request = request.json(&self.body);
            }
            request = token
                .into_iter()
                .fold(request, reqwest::RequestBuilder::bearer_auth);
            request = language.into_iter().fold(request, |request, language| {
                request.header("accept-language", language)
            });
            let response = Response::of(request).await;
            assert_eq!(response.headers["content-language"], language.unwrap_or("ko"));
            assert_eq!(
                response.headers.contains_key("www-authenticate"),
                spec.http == 401,
                "{self:?}"
            );
            let problem = response.expect_error(spec.http, &spec.code);
            assert_no_internals(&problem.to_string());
            problem
        };
        ErrorInfo::from_problems(&ask(None).await, &ask(Some("en")).await)
    }

    fn over_grpc(&self, status: &Status, spec: &ErrorSpec) -> ErrorInfo {
        assert_eq!(status.code(), spec.grpc, "{self:?}: {status:?}");
        let info = ErrorInfo::from_status(status);
        assert!(
            [&info.ko, &info.en].contains(&&status.message().to_owned()),
            "{self:?}: {status:?}"
        );
        info
    }

    /// Asserts the error of an RPC that has no REST route, in each gRPC protocol.
    pub async fn expect_grpc_error(
        &self,
        clients: &Clients,
        who: Option<&Rest>,
        code: Code,
        product_code: &str,
    ) {
        for wire in &clients.wires {
            let status = wire
                .call(&self.rpc, who.map(Rest::token), self.message.clone())
                .await;
            let status = status.expect_err("an error");
            let info = ErrorInfo::from_status(&status);
            assert_eq!(
                (status.code(), info.code.as_str()),
                (code, product_code),
                "{self:?} {:?}",
                wire.form
            );
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} = {}", self.method, self.path, self.rpc)
    }
}

/// Sends a JSON request over REST and asserts its error. `target`: `POST /v1/bookings`.
pub async fn expect_rest_error(
    rest: &Rest,
    target: &str,
    body: impl Into<reqwest::Body>,
    (status, code): (u16, &str),
) -> Value {
    let (method, path) = target.split_once(' ').expect("a method and a path");
    let request = rest.request(method.parse().expect("a method"), path);
    let request = request.header(CONTENT_TYPE, "application/json").body(body);
    let problem = Response::of(request).await.expect_error(status, code);
    assert_no_internals(&problem.to_string());
    problem
}

/// Names of the fields in a problem and the rules they break.
pub fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default();
            (text("field"), text("rule"))
        })
        .collect()
}

#[track_caller]
pub fn assert_no_internals(text: &str) {
    let found = internals_in(text);
    assert!(found.is_none(), "{found:?} is exposed: {text}");
}

/// Returns the first text of internals.
pub fn internals_in(text: &str) -> Option<&'static str> {
    SECRETS.into_iter().find(|secret| text.contains(secret))
}
