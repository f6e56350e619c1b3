//! Counts calls by peer, RPC and code, and records a failure in the span. An own layer: tower has none.

use futures::FutureExt as _;
use tonic::{Code, Status};

use super::{ClientCall, Inner, Result, call::rpc};
use crate::telemetry::rpc_metrics::client_calls;

pub fn record<S: Inner>((): &(), inner: &mut S, call: ClientCall) -> impl Future<Output = Result> + use<S> {
    let (peer, method, span) = (call.peer, call.method, call.span.clone());
    inner.call(call).map(move |result| {
        let code = match &result {
            Ok(response) => {
                Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
            }
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                tracing::debug!(parent: &span, ?error, "call failed");
                error.code()
            }
        };
        match method.and_then(|method| method.client_metrics(peer)) {
            Some(metrics) => metrics.calls(rpc(method), code).increment(1),
            None => client_calls(peer, rpc(method), code).increment(1),
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;

    use super::super::tests::{call, ok, run};
    use super::*;
    use crate::error::Error;
    use crate::telemetry::prometheus;

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_by_code() {
        prometheus::recorder();
        let unavailable = async |_| Ok(Status::unavailable("").into_http());
        let not_found = async |_| Err(Error::new(Common::NotFound));
        let call = || ClientCall {
            peer: "counted",
            ..call()
        };
        run((), record, call(), ok).await.unwrap();
        run((), record, call(), unavailable).await.unwrap();
        run((), record, call(), not_found).await.unwrap_err();
        let page = prometheus::render();
        for code in ["OK", "UNAVAILABLE", "NOT_FOUND"] {
            let line = format!(
                r#"rpc_client_calls_total{{peer="counted",rpc="rpc.vehicle.place_hold",code="{code}"}} 1"#
            );
            assert!(page.contains(&line), "{line} in {page}");
        }
    }
}
