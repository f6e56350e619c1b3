//! Faults of processes: killed, terminated, suspended, with a wrong clock.

use carshare_mesh::{Fleet, Replica};

use super::Run;
use crate::harness::{Dice, FakeClock, fault_lasts};

const SERVICES: [&str; 6] = ["auth", "vehicle", "booking", "payment", "notification", "gateway"];

#[derive(Clone, Copy, Debug)]
enum Fault {
    KillOne,
    KillAll,
    TerminateOne,
    SuspendOne,
    /// A clock that is behind or ahead by seconds, up to two minutes.
    SkewOne,
}

const FAULTS: [Fault; 10] = [
    Fault::KillOne,
    Fault::KillOne,
    Fault::KillOne,
    Fault::KillAll,
    Fault::TerminateOne,
    Fault::TerminateOne,
    Fault::SuspendOne,
    Fault::SuspendOne,
    Fault::SuspendOne,
    Fault::SkewOne,
];

/// Injects one fault after the other until the run is over.
pub async fn inject(fleet: &mut Fleet, dice: Dice, run: &Run) {
    while !run.is_over() {
        let fault = dice.pick(&FAULTS);
        let replicas = fleet.replicas_of(dice.pick(&SERVICES));
        let chosen = dice.pick(&replicas);
        match fault {
            Fault::KillAll => run.begins(&format!("{fault:?} {}", chosen.service)),
            _ => run.begins(&format!("{fault:?} {chosen}")),
        }
        match fault {
            Fault::KillOne => kill(fleet, &[chosen], &dice).await,
            Fault::KillAll => kill(fleet, &replicas, &dice).await,
            Fault::TerminateOne => terminate(fleet, chosen).await,
            Fault::SuspendOne => suspend(fleet, chosen, &dice).await,
            Fault::SkewOne => skew(fleet, chosen, &dice).await,
        }
        fault_lasts(dice.duration(200, 3_000)).await;
    }
}

async fn kill(fleet: &mut Fleet, replicas: &[Replica], dice: &Dice) {
    for replica in replicas {
        fleet.kill(*replica).expect("it runs");
    }
    fault_lasts(dice.duration(0, 1_500)).await;
    for replica in replicas {
        fleet.spawn(*replica).expect("it starts");
    }
}

async fn terminate(fleet: &mut Fleet, replica: Replica) {
    let process = fleet.process(replica).expect("it runs");
    process.terminate().expect("a signal");
    // A process that hangs on a fault of its servers is killed, as Kubernetes does.
    if process.wait(std::time::Duration::from_secs(10)).await.is_err() {
        println!("{replica} did not end in time");
    }
    fleet.restart(replica).expect("it starts");
}

async fn suspend(fleet: &mut Fleet, replica: Replica, dice: &Dice) {
    fleet.suspend(replica).expect("it runs");
    fault_lasts(dice.duration(500, 12_000)).await;
    fleet.resume(replica).expect("it runs");
}

async fn skew(fleet: &mut Fleet, replica: Replica, dice: &Dice) {
    // Beyond two minutes it would not start.
    let clock = FakeClock::new(&format!("{:+}s", dice.below(220) as i64 - 110));
    fleet.kill(replica).expect("it runs");
    clock.spawn(fleet, replica);
    fault_lasts(dice.duration(2_000, 8_000)).await;
    fleet.restart(replica).expect("it runs");
}
