//! Unary calls by path with raw bytes, which generated clients cannot send.

use bytes::{Buf as _, BufMut as _};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

use super::{GrpcClient, with_token};

/// A codec that passes bytes through.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}

impl GrpcClient {
    /// Calls the unary RPC at this path, `/carshare.booking.v1.BookingService/GetBooking`.
    pub async fn call(&self, path: &str, token: Option<&str>, message: Vec<u8>) -> Result<Vec<u8>, Status> {
        let request = match token {
            Some(token) => with_token(token, message),
            None => Request::new(message),
        };
        self.send(path, request).await
    }

    /// The same for a request with its own metadata.
    pub async fn send(&self, path: &str, request: Request<Vec<u8>>) -> Result<Vec<u8>, Status> {
        let mut client = tonic::client::Grpc::new(self.transport());
        client
            .ready()
            .await
            .map_err(|error| Status::unknown(error.to_string()))?;
        let reply = client
            .unary(request, path.parse().expect("a path"), Bytes)
            .await?;
        Ok(reply.into_inner())
    }

    /// Calls a server-streaming RPC, and drops the stream once it has begun.
    pub async fn open(&self, path: &str, token: Option<&str>, message: Vec<u8>) -> Result<(), Status> {
        let request = match token {
            Some(token) => with_token(token, message),
            None => Request::new(message),
        };
        let mut client = tonic::client::Grpc::new(self.transport());
        let is_ready = client.ready().await;
        is_ready.map_err(|error| Status::unknown(error.to_string()))?;
        let opened = client
            .server_streaming(request, path.parse().expect("a path"), Bytes)
            .await;
        opened.map(drop)
    }
}
