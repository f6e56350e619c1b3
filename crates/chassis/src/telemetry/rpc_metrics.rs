//! Handles of the metrics of one RPC. Looking one up by name and labels costs more than recording a value.

use std::sync::OnceLock;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tonic::Code;

use super::prometheus;
use crate::error::code_name;

/// One counter for each gRPC code, created at its first call.
type ByCode = [OnceLock<Counter>; 17];

/// Metrics of an RPC that this process serves.
#[derive(Debug)]
pub(crate) struct ServerMetrics {
    rpc: &'static str,
    pub(crate) in_flight: Gauge,
    pub(crate) duration: Histogram,
    calls: ByCode,
}

impl ServerMetrics {
    pub(crate) fn new(rpc: &'static str) -> Self {
        // A handle that is made before the recorder records nothing.
        prometheus::recorder();
        Self {
            rpc,
            in_flight: gauge!("rpc_server_in_flight", "rpc" => rpc),
            duration: histogram!("rpc_server_duration_seconds", "rpc" => rpc),
            calls: Default::default(),
        }
    }

    pub(crate) fn calls(&self, code: Code) -> &Counter {
        let create = || counter!("rpc_server_calls_total", "rpc" => self.rpc, "code" => code_name(code));
        self.calls[code as usize].get_or_init(create)
    }
}

/// Metrics of calls to an RPC of a peer.
#[derive(Debug)]
pub(crate) struct ClientMetrics {
    pub(crate) peer: &'static str,
    calls: ByCode,
}

impl ClientMetrics {
    pub(crate) fn new(peer: &'static str) -> Self {
        prometheus::recorder();
        Self {
            peer,
            calls: Default::default(),
        }
    }

    pub(crate) fn calls(&self, rpc: &'static str, code: Code) -> &Counter {
        self.calls[code as usize].get_or_init(|| client_calls(self.peer, rpc, code))
    }
}

/// Returns the counter of calls to an RPC with this result.
pub(crate) fn client_calls(peer: &'static str, rpc: &'static str, code: Code) -> Counter {
    counter!("rpc_client_calls_total", "peer" => peer, "rpc" => rpc, "code" => code_name(code))
}
