//! The authorization matrix, generated from the contract: every RPC × caller × transport. A new RPC needs no line here.

pub mod callers;
mod expectation;
mod peers;
mod transports;

use carshare_mesh::{Mesh, Options, PeerTransport};
use carshare_proto::contract;
use futures::{StreamExt as _, stream};
use prost_reflect::MethodDescriptor;

use crate::harness::{Ids, SEALING_KEY, example_request, grpc_path, start};
use callers::{Caller, Callers};
use expectation::{Expected, expected};
use transports::Transports;

/// Calls at the same time.
const CONCURRENCY: usize = 8;

/// A mesh whose services have ports of their own, without limits of requests.
pub async fn mesh() -> Mesh {
    let options = Options {
        peers: PeerTransport::Tls,
        ..Options::temporary()
    };
    let options = options
        .with_env("AUTH__PASSWORDS__BCRYPT_COST", "4")
        .with_env("GATEWAY__ADMIN__LISTEN", "127.0.0.1:0")
        .with_env(SEALING_KEY.0, SEALING_KEY.1)
        .with_env("GATEWAY__LIMITS__PER_MINUTE_BY_ADDRESS", "1000000")
        .with_env("GATEWAY__LIMITS__PER_HOUR_BY_USER", "1000000")
        .with_env("GATEWAY__LIMITS__CLASS_FACTOR", "100000");
    start(options).await
}

/// Calls every RPC as each of these callers over every transport. Returns the number of calls, and what differs from the
/// expectation.
async fn compare(transports: &Transports, callers: &Callers, kinds: &[Caller]) -> (usize, Vec<String>) {
    let cells = contract::methods().flat_map(|method| {
        let cell = |caller: &Caller| Some((method.clone(), *caller, expected(&method, *caller)?));
        kinds.iter().filter_map(cell).collect::<Vec<_>>()
    });
    let compared = stream::iter(cells)
        .map(async |(method, caller, expected)| {
            deviations(transports, callers, &method, caller, expected).await
        })
        .buffer_unordered(CONCURRENCY);
    compared
        .fold((0, Vec::new()), async |(calls, mut found), (more, deviations)| {
            found.extend(deviations);
            (calls + more, found)
        })
        .await
}

/// Returns the number of calls, and the replies that differ from the expectation.
async fn deviations(
    transports: &Transports,
    callers: &Callers,
    method: &MethodDescriptor,
    caller: Caller,
    expected: Expected,
) -> (usize, Vec<String>) {
    let call = async |ids: &Ids| {
        let request = example_request(method, ids);
        transports.call(method, &request, || callers.token(caller)).await
    };
    // Admitted callers own nothing and name nothing that exists, so that calls do not disturb one another.
    let unknown = call(&Ids::new()).await;
    let replies = if caller.is_stranger() {
        call(&callers.ids).await
    } else {
        unknown.clone()
    };
    let deviations = replies
        .iter()
        .zip(&unknown)
        .filter(|((_, reply), (_, unknown))| !expected.allows(reply) || reply != unknown);
    let described = deviations.map(|((transport, reply), (_, unknown))| {
        let path = grpc_path(method);
        format!(
            "{path} as {caller:?} over {transport}: {reply:?}, not {expected:?}; of an unknown id {unknown:?}"
        )
    });
    (replies.len(), described.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_admits_the_callers_of_its_access_option_only() {
    let mesh = mesh().await;
    let callers = Callers::prepare(&mesh).await;
    let transports = Transports::connect(&mesh).await;

    let (first, found) = compare(&transports, &callers, &Caller::STRANGERS).await;
    assert!(found.is_empty(), "{} of {first}: {found:#?}", found.len());
    // Strangers had no effect, and their calls named resources that exist.
    callers.assert_owners_find_their_resources().await;

    let (second, found) = compare(&transports, &callers, &Caller::OTHERS).await;
    assert!(found.is_empty(), "{} of {second}: {found:#?}", found.len());
    assert!(first + second > 1_000, "only {first} and {second} calls");
    println!("{first} calls of strangers, {second} others");
}
