//! Sends generated requests as they are, and reads the replies of each protocol.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use carshare_mesh::Mesh;
use http_body_util::{BodyExt as _, Full};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use tonic::body::Body;
use tower::ServiceExt as _;

use super::reply::Reply;
use super::request::{Kind, Request};
use crate::harness::{GrpcClient, Protocol, Rest};

pub struct Sender {
    rest: Rest,
    wire: GrpcClient,
}

impl Sender {
    pub async fn connect(mesh: &Mesh) -> Self {
        Self {
            rest: Rest::of(mesh),
            wire: GrpcClient::connect(mesh, Protocol::Native).await,
        }
    }

    pub async fn send(&self, request: &Request) -> Reply {
        if request.kind == Kind::Grpc {
            return self.send_grpc(request).await;
        }
        let mut call = self
            .rest
            .request(request.method.clone(), &request.path)
            .header(CONTENT_TYPE, request.content_type)
            .body(request.body.clone());
        for (name, value) in &request.headers {
            call = call.header(*name, header_value(value));
        }
        if let Some(token) = &request.token {
            call = call.bearer_auth(token);
        }
        let Ok(response) = call.send().await else {
            return Reply::Closed;
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let is_stream =
            header("content-type").contains("event-stream") || request.path.ends_with("/Subscribe");
        // A stream does not end.
        let body = if is_stream && status == 200 {
            Bytes::new()
        } else {
            response.bytes().await.unwrap_or_default()
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        match request.kind {
            Kind::Connect => Reply::Connect { status, body },
            Kind::Web => {
                let in_text = header("content-type").contains("text");
                let body = if in_text { decoded(&body) } else { body };
                let status_text = Some(header("grpc-status")).filter(|text| !text.is_empty());
                let trailer = || {
                    body.rsplit_once("grpc-status:")
                        .map(|(_, rest)| rest.trim_start().to_owned())
                };
                let text = status_text.or_else(trailer);
                let number =
                    text.and_then(|text| text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
                let number = number.or((is_stream && status == 200).then_some(0));
                let message =
                    header("grpc-message") + body.rsplit_once("grpc-message:").map_or("", |(_, rest)| rest);
                Reply::Grpc {
                    http: status,
                    status: number,
                    message,
                }
            }
            _ => Reply::Rest {
                status,
                content_type: header("content-type"),
                body,
            },
        }
    }

    async fn send_grpc(&self, request: &Request) -> Reply {
        let mut builder = http::Request::post(&request.path)
            .header("te", "trailers")
            .header(CONTENT_TYPE, request.content_type);
        for (name, value) in &request.headers {
            builder = builder.header(*name, header_value(value));
        }
        if let Some(token) = &request.token {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let call = builder
            .body(Body::new(Full::new(request.body.clone())))
            .expect("a request");
        let Ok(response) = self.wire.transport().oneshot(call).await else {
            return Reply::Closed;
        };
        let (head, body) = response.into_parts();
        let is_stream = request.path.ends_with("/Subscribe") && !head.headers.contains_key("grpc-status");
        let trailers = if is_stream {
            Some(http::HeaderMap::from_iter([(
                "grpc-status".parse().expect("a name"),
                "0".parse().expect("a value"),
            )]))
        } else {
            body.collect()
                .await
                .ok()
                .and_then(|body| body.trailers().cloned())
        };
        let find = |name: &str| {
            let value = head.headers.get(name).or_else(|| trailers.as_ref()?.get(name))?;
            value.to_str().ok().map(str::to_owned)
        };
        Reply::Grpc {
            http: head.status.as_u16(),
            status: find("grpc-status").and_then(|status| status.parse().ok()),
            message: find("grpc-message").unwrap_or_default(),
        }
    }
}

/// Decodes base64 whose parts may each be padded.
fn decoded(text: &str) -> String {
    let quads = text.as_bytes().chunks(4);
    let bytes: Vec<u8> = quads
        .filter_map(|quad| STANDARD.decode(quad).ok())
        .flatten()
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns a value with bytes that a text of a header may not have.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).expect("no control characters")
}
