//! Reads the request message, so that it can be sent again; a client stream passes unread. An own layer: tower's buffer is a queue
//! of requests.

use http_body_util::BodyExt as _;

use super::{CallBody, ClientCall, Inner, Result};
use crate::error::Error;
use crate::layer::take;

pub fn read<S: Inner + Clone>(
    (): &(),
    inner: &mut S,
    mut call: ClientCall,
) -> impl Future<Output = Result> + use<S> {
    let mut inner = take(inner);
    let is_message = call.method.is_some_and(|method| !method.streaming().client);
    async move {
        call.body = match call.body {
            CallBody::Stream(body) if is_message => {
                let read = body.collect().await.map_err(Error::from_status)?;
                CallBody::Message(read.to_bytes())
            }
            body => body,
        };
        inner.call(call).await
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use http_body_util::Full;
    use tonic::body::Body;

    use super::super::tests::{call, run};
    use super::*;
    use crate::method_registry::find;

    /// Returns whether a call to `path` can be sent again below the layer.
    async fn is_message(path: &str) -> bool {
        let call = ClientCall {
            method: find(path),
            body: CallBody::Stream(Body::new(Full::from("message"))),
            ..call()
        };
        let handler = async |call: ClientCall| {
            let copy = call.try_clone().map(|copy| copy.body);
            let is_message = matches!(copy, Some(CallBody::Message(bytes)) if bytes == "message");
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(is_message);
            Ok(response)
        };
        let response = run((), read, call, handler).await.unwrap();
        *response.extensions().get::<bool>().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn message_is_read_and_a_client_stream_is_not() {
        assert!(is_message("/carshare.auth.v1.AuthService/Login").await);
        assert!(!is_message("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo").await);
        assert!(!is_message("/carshare.elsewhere.v1.ElsewhereService/Do").await);
    }
}
