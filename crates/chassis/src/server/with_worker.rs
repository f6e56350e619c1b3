//! A server with the background work of its service in one process.

use std::future::Future;

use anyhow::anyhow;
use tokio::net::TcpListener;
use tokio::task::JoinError;

use super::Server;
use crate::task::{self, Shutdown};

impl Server {
    /// Runs [`Server::serve`] and the background work of the service: relay, consumer, jobs. `None` for a process that only
    /// serves RPCs.
    ///
    /// The work starts with the server and is stopped when the server has drained, so that the events of the last calls are
    /// still published. Work that ends before, by a panic, an error or by itself, ends the process with an error: a process that
    /// serves RPCs and does no work would look healthy.
    pub async fn serve_with_worker<W, F>(
        self,
        work: Option<W>,
        listener: impl Into<Option<TcpListener>>,
        shutdown: Shutdown,
    ) -> anyhow::Result<()>
    where
        W: FnOnce(Shutdown) -> F,
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let Some(work) = work else {
            return self.serve(listener, shutdown).await;
        };
        // A child signal: the end of this server must not stop others that wait for the same signal.
        let (stop, drained) = (shutdown.child(), Shutdown::new());
        let mut working = task::spawn("worker", work(drained.clone()));
        let stopping = async {
            let early = tokio::select! {
                () = stop.cancelled() => None,
                ended = &mut working => Some(ended),
            };
            stop.trigger();
            early
        };
        let serving = async {
            let served = self.serve(listener, stop.clone()).await;
            // A server that cannot start has to end `stopping` too.
            stop.trigger();
            served
        };
        let (served, early) = tokio::join!(serving, stopping);
        drained.trigger();
        if let Some(ended) = early {
            return served.and(Err(ended_early(ended)));
        }
        working.await??;
        served
    }
}

fn ended_early(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Error {
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) => anyhow!("the background work ended by itself"),
        Err(error) => anyhow!(error).context("the background work failed"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::Environment;
    use crate::config::Common;

    fn server() -> Server {
        Server::new("test", &Common::default(), Environment::system())
    }

    #[tokio::test]
    async fn work_is_stopped_after_the_server_and_waited_for() {
        let (shutdown, finished) = (Shutdown::new(), Arc::new(AtomicBool::new(false)));
        let finishing = Arc::clone(&finished);
        let work = |drained: Shutdown| async move {
            drained.cancelled().await;
            tokio::task::yield_now().await;
            finishing.store(true, Ordering::SeqCst);
            Ok(())
        };
        shutdown.trigger();
        server()
            .serve_with_worker(Some(work), None, shutdown)
            .await
            .unwrap();
        assert!(finished.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn panic_of_the_work_ends_the_process_with_an_error() {
        let work = |_: Shutdown| async { panic!("on purpose") };
        let ended = server()
            .serve_with_worker(Some(work), None, Shutdown::new())
            .await;
        let error = format!("{:#}", ended.unwrap_err());
        assert!(error.starts_with("the background work failed"), "{error}");
    }

    #[tokio::test]
    async fn work_that_ends_by_itself_is_an_error() {
        let work = |_: Shutdown| async { Ok(()) };
        let ended = server()
            .serve_with_worker(Some(work), None, Shutdown::new())
            .await;
        assert_eq!(
            ended.unwrap_err().to_string(),
            "the background work ended by itself"
        );
    }

    #[tokio::test]
    async fn error_of_the_work_ends_the_process() {
        let work = |_: Shutdown| async { Err(anyhow!("the schema is old")) };
        let ended = server()
            .serve_with_worker(Some(work), None, Shutdown::new())
            .await;
        assert_eq!(ended.unwrap_err().to_string(), "the schema is old");
    }

    #[tokio::test]
    async fn server_that_cannot_start_does_not_wait_for_a_signal() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut common = Common::default();
        common.admin.listen = Some(taken.local_addr().unwrap());
        let server = Server::new("test", &common, Environment::system());
        let work = |drained: Shutdown| async move {
            drained.cancelled().await;
            Ok(())
        };
        let ended = server.serve_with_worker(Some(work), None, Shutdown::new()).await;
        assert!(ended.is_err());
    }
}
