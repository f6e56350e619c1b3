//! The generated clients over each protocol of the gateway: native gRPC, gRPC-web and gRPC-web-text.

mod raw;

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes, BytesMut};
use carshare_mesh::Mesh;
use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use futures::{Stream, StreamExt as _, stream};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _, service_fn};

use super::Rest;

type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// Flag of the gRPC-web frame with the trailers.
const TRAILERS: u8 = 0x80;
/// Length of the flag and the length before each frame.
const PREFIX_BYTES: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 with trailers.
    Native,
    /// Trailers in the last frame of the body, for browsers.
    Web,
    /// gRPC-web in base64.
    WebText,
}

/// A client of one gateway over one protocol.
#[derive(Clone)]
pub struct GrpcClient {
    pub form: Protocol,
    transport: Transport,
}

impl GrpcClient {
    pub async fn connect(mesh: &Mesh, form: Protocol) -> Self {
        let gateway = mesh.gateway().to_owned();
        if form == Protocol::Native {
            let endpoint = Channel::from_shared(gateway).expect("a URI");
            return Self::over(endpoint.connect().await.expect("the gateway speaks h2c"));
        }
        let transport = web(gateway, form == Protocol::WebText);
        Self { form, transport }
    }

    /// A client over a native channel, which may go to a service itself.
    pub fn over(channel: Channel) -> Self {
        Self {
            form: Protocol::Native,
            transport: BoxCloneSyncService::new(channel.map_err(BoxError::from)),
        }
    }

    /// A client over each protocol.
    pub async fn all(mesh: &Mesh) -> [Self; 3] {
        [
            Self::connect(mesh, Protocol::Native).await,
            Self::connect(mesh, Protocol::Web).await,
            Self::connect(mesh, Protocol::WebText).await,
        ]
    }

    pub fn transport(&self) -> Transport {
        self.transport.clone()
    }

    pub fn auth(&self) -> AuthServiceClient<Transport> {
        AuthServiceClient::new(self.transport())
    }

    pub fn vehicle(&self) -> VehicleServiceClient<Transport> {
        VehicleServiceClient::new(self.transport())
    }

    pub fn booking(&self) -> BookingServiceClient<Transport> {
        BookingServiceClient::new(self.transport())
    }

    pub fn payment(&self) -> PaymentServiceClient<Transport> {
        PaymentServiceClient::new(self.transport())
    }

    pub fn notification(&self) -> NotificationServiceClient<Transport> {
        NotificationServiceClient::new(self.transport())
    }
}

/// A request with an access token.
pub fn with_token<M>(token: &str, message: M) -> tonic::Request<M> {
    let mut request = tonic::Request::new(message);
    let bearer = format!("Bearer {token}").parse().expect("ASCII");
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// A request with the access token of a REST session.
pub fn with_session<M>(rest: &Rest, message: M) -> tonic::Request<M> {
    with_token(rest.token(), message)
}

/// gRPC-web as browsers send it: gRPC frames in the body of a POST; the response body ends with the trailers.
fn web(gateway: String, in_text: bool) -> Transport {
    let http = reqwest::Client::builder().build().expect("a client");
    BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
        let (http, gateway) = (http.clone(), gateway.clone());
        async move {
            let (head, body) = request.into_parts();
            let frames = body.collect().await?.to_bytes();
            let body = if in_text {
                STANDARD.encode(&frames).into()
            } else {
                frames
            };
            let url = format!("{gateway}{}", head.uri.path());
            let reply = http
                .post(url)
                .headers(web_headers(head.headers, in_text))
                .body(body)
                .send()
                .await?;
            Ok(from_web(reply, in_text))
        }
    }))
}

fn web_headers(mut headers: HeaderMap, in_text: bool) -> HeaderMap {
    let media = HeaderValue::from_static(media_type(in_text));
    headers.remove("te");
    headers.insert(ACCEPT, media.clone());
    headers.insert(CONTENT_TYPE, media);
    headers.insert("x-grpc-web", HeaderValue::from_static("1"));
    headers
}

fn media_type(in_text: bool) -> &'static str {
    if in_text {
        "application/grpc-web-text+proto"
    } else {
        "application/grpc-web+proto"
    }
}

fn from_web(reply: reqwest::Response, in_text: bool) -> Response<Body> {
    assert_eq!(reply.status().as_u16(), 200, "gRPC-web errors have status 200");
    assert_eq!(reply.headers()[CONTENT_TYPE], media_type(in_text));
    let headers = reply.headers().clone();
    let frames = frames(reply.bytes_stream().boxed(), in_text);
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    *response.headers_mut() = headers;
    response
}

/// The received part of a response.
struct Arrived<S> {
    body: S,
    in_text: bool,
    /// Undecoded base64.
    text: BytesMut,
    bytes: BytesMut,
}

/// The frames of a gRPC-web body as HTTP frames.
fn frames(
    body: impl Stream<Item = reqwest::Result<Bytes>> + Send + Unpin + 'static,
    in_text: bool,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
    let arrived = Arrived {
        body,
        in_text,
        text: BytesMut::new(),
        bytes: BytesMut::new(),
    };
    stream::unfold(arrived, async |mut arrived| {
        let frame = arrived.next().await?;
        Some((Ok(frame), arrived))
    })
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Arrived<S> {
    async fn next(&mut self) -> Option<Frame<Bytes>> {
        loop {
            if let Some(frame) = self.take() {
                return Some(frame);
            }
            let chunk = self.body.next().await?.expect("an open response");
            self.add(&chunk);
        }
    }

    /// Chunks are encoded separately, so padding can stand in the middle: decodes four letters at a time.
    fn add(&mut self, chunk: &[u8]) {
        if !self.in_text {
            return self.bytes.extend_from_slice(chunk);
        }
        self.text.extend_from_slice(chunk);
        while self.text.len() >= 4 {
            let three = STANDARD.decode(self.text.split_to(4)).expect("base64");
            self.bytes.extend_from_slice(&three);
        }
    }

    fn take(&mut self) -> Option<Frame<Bytes>> {
        let prefix = self.bytes.first_chunk::<PREFIX_BYTES>()?;
        let (flag, length) = (prefix[0], (&prefix[1..]).get_u32() as usize);
        if self.bytes.len() < PREFIX_BYTES + length {
            return None;
        }
        let mut frame = self.bytes.split_to(PREFIX_BYTES + length).freeze();
        if flag == TRAILERS {
            frame.advance(PREFIX_BYTES);
            return Some(Frame::trailers(trailers(&frame)));
        }
        Some(Frame::data(frame))
    }
}

fn trailers(block: &[u8]) -> HeaderMap {
    let text = std::str::from_utf8(block).expect("ASCII");
    let pairs = text.split("\r\n").filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_str(value.trim()).expect("a value"))
        })
        .collect()
}
