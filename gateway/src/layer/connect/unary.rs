//! Unary calls: the body is the message, and the HTTP status says whether the call succeeded.

use std::io::Read as _;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use flate2::read::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use super::{Call, PREFIX_BYTES, envelope, error};
use crate::compression;
use crate::in_flight::Arrival;
use crate::layer::request_info::RequestInfo;
use crate::layer::{Inner, address_limit, overload};
use crate::state::{AppState, RequestsInFlight};

pub(super) async fn call<S>(
    call: Call,
    state: &AppState,
    inner: S,
    head: Parts,
    body: Body,
) -> Result<Response, Status>
where
    S: Inner<Future: Send> + Send,
{
    let message = call.read(&state.in_flight, &head, body).await?;
    let message = call.codec.decode(message, call.lang)?;
    let request = Request::from_parts(head, Body::from(envelope(0, &message)?));
    let Ok(response) = inner.oneshot(request).await;
    call.respond(response).await
}

impl Call {
    /// Reads the message, decompressed, up to the limit. Meanwhile the request has the places that the layers below give others.
    async fn read(&self, in_flight: &RequestsInFlight, head: &Parts, body: Body) -> Result<Vec<u8>, Status> {
        let refused = |error: Error| error.into_status(self.lang);
        let (arrival, ended) = Arrival::new();
        let address = RequestInfo::of(&head.extensions).client_ip;
        let _of_address = in_flight
            .by_address
            .take(address, None)
            .ok_or_else(|| refused(address_limit::refusal()))?;
        let _of_all = in_flight
            .all
            .take((), Some(&arrival))
            .ok_or_else(|| refused(overload::refusal()))?;
        let late = async {
            match ended.await {
                Ok(()) => refused(Error::new(Common::RequestTimeout)),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            message = self.read_body(body) => message,
            late = late => Err(late),
        }
    }

    async fn read_body(&self, body: Body) -> Result<Vec<u8>, Status> {
        let too_large = || Error::new(Common::TooLarge).into_status(self.lang);
        let unreadable = || Error::invalid("", "요청을 읽을 수 없습니다.", "The request cannot be read.");
        let reading = timeout(self.body_timeout, Limited::new(body, self.max_bytes).collect());
        let read = reading
            .await
            .map_err(|_| Error::new(Common::RequestTimeout).into_status(self.lang))?;
        let body = read.map_err(|error| {
            if error.is::<LengthLimitError>() {
                too_large()
            } else {
                unreadable().into_status(self.lang)
            }
        })?;
        let bytes = body.to_bytes().to_vec();
        match self.asked.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Ok(bytes),
            Some(b"gzip") => {
                let mut message = Vec::new();
                // One byte above the limit shows that there are more.
                let limit = u64::try_from(self.max_bytes)
                    .unwrap_or(u64::MAX)
                    .saturating_add(1);
                let read = GzDecoder::new(&*bytes).take(limit).read_to_end(&mut message);
                read.map_err(|_| unreadable().into_status(self.lang))?;
                if message.len() > self.max_bytes {
                    Err(too_large())
                } else {
                    Ok(message)
                }
            }
            Some(_) => Err(Status::unimplemented("supported encodings are gzip, identity")),
        }
    }

    /// Converts the response of the gRPC call.
    async fn respond(&self, response: Response) -> Result<Response, Status> {
        let (mut head, body) = response.into_parts();
        let collected = body
            .collect()
            .await
            .map_err(|error| Error::internal(error).into_status(self.lang))?;
        let trailers = collected.trailers().and_then(Status::from_header_map);
        let status = trailers.or_else(|| Status::from_header_map(&head.headers));
        let status = status.unwrap_or_else(|| Status::unknown("the response has no status"));
        for name in [
            "grpc-status",
            "grpc-message",
            "grpc-status-details-bin",
            "grpc-accept-encoding",
        ] {
            head.headers.remove(name);
        }
        let body = if status.code() == Code::Ok {
            let frame = collected.to_bytes();
            let message = self.codec.encode(frame.get(PREFIX_BYTES..).unwrap_or_default())?;
            head.headers.insert(CONTENT_TYPE, self.form.content_type());
            head.status = StatusCode::OK;
            let compressed = compression::compress(message, &mut head.headers, &self.asked);
            Body::from(compressed.map_err(|error| Error::internal(error).into_status(self.lang))?)
        } else {
            let (rendered, body) = error::response(self.form, &status).into_parts();
            head.status = rendered.status;
            head.headers.extend(rendered.headers);
            body
        };
        Ok(Response::from_parts(head, body))
    }
}
