//! Worker threads and allocator of a process.

use std::num::NonZero;

use anyhow::Context as _;
use mimalloc::MiMalloc;
use tokio::runtime::{Builder, Runtime};

use crate::config;

/// Allocator of every binary that links this crate, cheaper than glibc's for many small allocations of several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// CPUs from which a process takes one worker thread per CPU. The processes of a mesh share a smaller machine, where a second worker
/// in each costs more in wake-ups between threads than it adds.
const CPUS_FOR_MANY_WORKERS: usize = 4;

/// Starts the runtime of a process that shares the machine with the other processes of the mesh. `name` is the name of its threads.
pub fn build(name: &'static str, config: config::Runtime) -> anyhow::Result<Runtime> {
    with_workers(name, worker_threads(config, cpus()))
}

/// Starts the runtime of a process that hosts the whole mesh: one worker per CPU, unless configured.
pub fn build_for_all(name: &'static str, config: config::Runtime) -> anyhow::Result<Runtime> {
    let workers = match config.worker_threads {
        0 => cpus(),
        configured => configured,
    };
    with_workers(name, workers)
}

fn with_workers(name: &'static str, workers: usize) -> anyhow::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .thread_name(name)
        .build()
        .context("cannot start the runtime")
}

/// Respects the CPU limit of a container (cgroup quota), rounded down.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn worker_threads(config: config::Runtime, cpus: usize) -> usize {
    match config.worker_threads {
        0 if cpus < CPUS_FOR_MANY_WORKERS => 1,
        0 => cpus,
        configured => configured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_machine_gets_one_worker_and_a_configured_number_wins() {
        let workers = |worker_threads, cpus| super::worker_threads(config::Runtime { worker_threads }, cpus);
        assert_eq!([1, 2, 3, 4, 16].map(|cpus| workers(0, cpus)), [1, 1, 1, 4, 16]);
        assert_eq!([workers(3, 1), workers(1, 16)], [3, 1]);
    }

    #[test]
    fn runtime_has_the_configured_workers() {
        let runtime = build("test", config::Runtime { worker_threads: 2 }).unwrap();
        assert_eq!(runtime.metrics().num_workers(), 2);
    }
}
