//! A request of a random RPC over a random protocol.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use reqwest::Method;

use super::mutation::{change_bytes, change_field, change_json, frames, text};
use crate::authorization::callers::{Caller, Callers};
use crate::harness::{Dice, Ids, example_request, grpc_path, rest_requests};

/// Media types of each protocol, the usual ones first.
const REST_TYPES: [&str; 5] = [
    "application/json",
    "application/json",
    "text/plain",
    "application/json; charset=x",
    "multipart/form-data",
];
const GRPC_TYPES: [&str; 5] = [
    "application/grpc",
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+json",
    "application/grpcx",
];
const WEB_TYPES: [&str; 4] = [
    "application/grpc-web+proto",
    "application/grpc-web",
    "application/grpc-web-text",
    "application/grpc-web+thrift",
];
const CONNECT_TYPES: [&str; 4] = [
    "application/json",
    "application/proto",
    "application/connect+json",
    "application/connect+proto",
];

/// Headers that a protocol or the gateway reads, with unusual values.
const HEADERS: [(&str, &[&str]); 15] = [
    ("grpc-encoding", &["gzip", "br", "identity", "gzip, gzip"]),
    ("grpc-accept-encoding", &["gzip", "x,,gzip;q=0"]),
    (
        "grpc-timeout",
        &["1n", "99999999H", "0S", "-1S", "S", "1e3m", "1000000000u"],
    ),
    ("connect-timeout-ms", &["1", "-1", "99999999999", "x"]),
    ("connect-protocol-version", &["1", "2"]),
    ("connect-content-encoding", &["gzip", "br"]),
    ("content-encoding", &["gzip", "identity", "deflate, gzip"]),
    ("accept-language", &["en", "x-\u{fffd}", "en;q=NaN,ko;q=-1"]),
    ("if-match", &["*", "\"", "W/\"x\", \"y\""]),
    ("if-none-match", &["*", "\"x\",,"]),
    ("idempotency-key", &["", "k", "k k", "\u{fffd}"]),
    (
        "traceparent",
        &[
            "00-0-0-00",
            "ff-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff",
        ],
    ),
    (
        "x-forwarded-for",
        &["fe80::1%eth0, 1.2.3.4:99999", ",,,", "\u{fffd}"],
    ),
    ("x-anything-bin", &["%%%", "AAA", "AAA,BBBB="]),
    ("last-event-id", &["-1", "x", "99999999999999999999"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rest,
    Grpc,
    Web,
    Connect,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub kind: Kind,
    pub method: Method,
    pub path: String,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Bytes,
    pub token: Option<String>,
}

impl Request {
    pub fn generate(dice: &Dice, methods: &[MethodDescriptor], callers: &Callers) -> Self {
        let rpc = &methods[dice.below(methods.len())];
        let ids = if dice.chance(0.7) {
            callers.ids.clone()
        } else {
            Ids::new()
        };
        let mut message = example_request(rpc, &ids);
        for _ in 0..dice.below(4) {
            change_field(dice, &mut message);
        }
        let kind = dice.pick(&[Kind::Rest, Kind::Rest, Kind::Grpc, Kind::Web, Kind::Connect]);
        let mut request = match kind {
            Kind::Rest => Self::rest(dice, rpc, &message),
            Kind::Grpc => Self::framed(dice, kind, rpc, &message, dice.pick(&GRPC_TYPES)),
            Kind::Web => Self::framed(dice, kind, rpc, &message, dice.pick(&WEB_TYPES)),
            Kind::Connect => Self::connect(dice, rpc, &message),
        };
        let caller = dice.pick(&[
            Caller::Guest,
            Caller::Guest,
            Caller::Host,
            Caller::Host,
            Caller::Admin,
            Caller::Anonymous,
        ]);
        request.token = callers.token(caller);
        while dice.chance(0.3) {
            let (name, values) = dice.pick(&HEADERS);
            request.headers.push((name, dice.pick(values)));
        }
        request
    }

    /// Tokens differ from call to call.
    pub fn without_token(self) -> Self {
        Self { token: None, ..self }
    }

    fn rest(dice: &Dice, rpc: &MethodDescriptor, message: &DynamicMessage) -> Self {
        let mut routes = rest_requests(rpc, message);
        if routes.is_empty() {
            return Self::connect(dice, rpc, message);
        }
        let (method, mut path, body) = routes.swap_remove(dice.below(routes.len()));
        if dice.chance(0.3) {
            let mark = if path.contains('?') { '&' } else { '?' };
            let name = dice.pick(&[
                "page_size",
                "page_token",
                "order_by",
                "include_total",
                "lat",
                "x",
                "vehicle_id",
                "%00",
                "status",
            ]);
            let value = reqwest::Url::parse_with_params("http://x/", [(name, text(dice))]).expect("a URL");
            path = format!("{path}{mark}{}", value.query().unwrap_or_default());
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let body = if dice.chance(0.5) {
            change_json(dice, &body)
        } else {
            body.into_bytes()
        };
        // A path is generated from the values, so it may be no URI.
        let path = path.replace(|c: char| !c.is_ascii_graphic() || c == '#', "%EF");
        Self {
            kind: Kind::Rest,
            method,
            path,
            content_type: dice.pick(&REST_TYPES),
            headers: Vec::new(),
            body: body.into(),
            token: None,
        }
    }

    fn framed(
        dice: &Dice,
        kind: Kind,
        rpc: &MethodDescriptor,
        message: &DynamicMessage,
        content_type: &'static str,
    ) -> Self {
        let mut bytes = message.encode_to_vec();
        if dice.chance(0.3) {
            change_bytes(dice, &mut bytes);
        }
        let mut body = frames(dice, &bytes);
        if content_type.contains("text") {
            body = STANDARD.encode(&body).into_bytes();
            if dice.chance(0.3) {
                change_bytes(dice, &mut body);
            }
        }
        Self {
            kind,
            method: Method::POST,
            path: grpc_path(rpc),
            content_type,
            headers: Vec::new(),
            body: body.into(),
            token: None,
        }
    }

    fn connect(dice: &Dice, rpc: &MethodDescriptor, message: &DynamicMessage) -> Self {
        let content_type = dice.pick(&CONNECT_TYPES);
        let mut body = if content_type.contains("json") {
            let json = serde_json::to_string(message).unwrap_or_default();
            if dice.chance(0.5) {
                change_json(dice, &json)
            } else {
                json.into_bytes()
            }
        } else {
            message.encode_to_vec()
        };
        if content_type.contains("connect+") {
            body = frames(dice, &body);
        }
        Self {
            kind: Kind::Connect,
            method: Method::POST,
            path: grpc_path(rpc),
            content_type,
            headers: Vec::new(),
            body: body.into(),
            token: None,
        }
    }
}
