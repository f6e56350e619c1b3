//! Limits the size of a request message while its body is read. Client streams have no limit: each of their messages is limited by
//! tonic's decoder. An own layer: tower-http's fails outside gRPC.

use super::{Inner, ServerCall};
use crate::message_limit::limited;

pub fn limit<S: Inner>(max_message_bytes: &usize, inner: &mut S, mut call: ServerCall) -> S::Future {
    if !call.method.streaming().client {
        let lang = call.context.lang();
        call.request = call.request.map(|body| limited(body, *max_message_bytes, lang));
    }
    inner.call(call)
}

#[cfg(test)]
mod tests {
    use http::Response;
    use http_body_util::{BodyExt as _, Full};
    use tonic::Code;
    use tonic::body::Body;

    use super::super::tests::{LOGIN, REFLECTION, call, run};
    use super::*;

    /// Returns how a body fails that has a message of 11 bytes, above the limit of 10.
    async fn read(path: &str) -> Option<Code> {
        let mut call = call(path);
        *call.request.body_mut() = Body::new(Full::from(vec![0; 5 + 11]));
        let handler = async |call: ServerCall| {
            let code = call
                .request
                .into_body()
                .collect()
                .await
                .err()
                .map(|status| status.code());
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(code);
            Ok(response)
        };
        let response = run(10, limit, call, handler).await.unwrap();
        *response.extensions().get::<Option<Code>>().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn message_above_the_limit_is_too_large_except_in_a_client_stream() {
        assert_eq!(read(LOGIN).await, Some(Code::ResourceExhausted));
        assert_eq!(read(REFLECTION).await, None);
    }
}
