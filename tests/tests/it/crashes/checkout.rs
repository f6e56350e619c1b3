//! A guest without a card pays in the payment window, and the processes that confirm it are killed after Toss has captured.

use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::eventually_true;

use super::kill::{Call, Kill, fleet};
use crate::harness::{Deployment as _, Guest, TIMEOUT, next_slot};

const CONFIRM: &str = "/v1/payments/confirm";

#[tokio::test(flavor = "multi_thread")]
async fn payment_window_captures_once_when_processes_are_killed() {
    let mut setup = fleet().await;
    let guest = Guest::register(&setup.mesh).await;
    for kill in [
        Kill::all(&["payment"]),
        Kill::one(&["payment"]),
        Kill::all(&["gateway"]),
        Kill::all(&["booking", "payment", "gateway"]),
    ] {
        println!("{kill:?}");
        let charges = setup.mesh.sandbox().payments().len();
        let id = guest.request(&setup.car, next_slot(setup.mesh.now())).await;
        setup.host.approve(&id).await.ok(200);
        let paid = guest.checkout(&id).await;

        let lost_reply = Fault::lost_reply(Provider::Toss, CONFIRM);
        setup.mesh.sandbox().inject(lost_reply);
        let processing = Call::post(&guest.rest, "/v1/payments/process", paid).send();
        let killing = async {
            eventually_true(TIMEOUT, || async {
                let payments = setup.mesh.sandbox().payments();
                payments[charges].status == PaymentStatus::Done
            })
            .await;
            kill.run(&mut setup.mesh, &[]);
        };
        let (response, ()) = tokio::join!(processing, killing);
        assert_eq!(response.ok(200)["status"], "completed");
        guest.confirmed(&id).await;
        assert_eq!(setup.mesh.sandbox().payments().len(), charges + 1);
        setup.assert_consistent().await;
    }
}
