//! Faults of servers, connections, processes and clocks under a fleet with two replicas of every process: requests that were
//! accepted are completed once, and nothing has to be repaired by hand.

mod backlog;
mod clock_skew;
mod isolation;
mod password;
mod postgres;
mod suspension;
mod transport;

use carshare_mesh::{Fleet, Options, Replica};

use crate::harness::{Servers, Setup};

/// A fleet on servers of its own, with short waits between attempts.
async fn fleet(env: &[(&str, &str)]) -> (Servers, Setup<Fleet>) {
    let servers = Servers::start().await;
    let short = [
        ("AUTH__PASSWORDS__BCRYPT_COST", "6"),
        ("PAYMENT__WORKER__CLAIM_TIMEOUT_MS", "1000"),
        ("PAYMENT__WORKER__POLL_INTERVAL_MS", "200"),
    ];
    let env = short.iter().chain(env);
    let options = env.fold(Options::temporary(), |options, (name, value)| {
        options.with_env(name, value)
    });
    let setup = Setup::fleet_on(&servers, options).await;
    (servers, setup)
}

/// Kills processes and starts them again.
fn restart(setup: &mut Setup<Fleet>, replicas: &[Replica]) {
    for replica in replicas {
        setup.mesh.restart(*replica).expect("it runs");
    }
}
