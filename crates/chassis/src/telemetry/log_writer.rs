//! Writes log lines to stdout from a thread of its own, many lines at a time, so that a slow reader of the log delays no call.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Upper bound of the lines that wait for the thread; more are dropped and counted.
const CAPACITY_BYTES: usize = 4 << 20;
/// Time that a line waits for others to be written with.
const COLLECT_TIME: Duration = Duration::from_millis(10);

/// The writer of the process's log.
static LOG: OnceLock<LogWriter> = OnceLock::new();

/// Makes `writer` the one of [`flush_log`]; only the first one is.
pub(super) fn flush_at_exit(writer: LogWriter) {
    let _ = LOG.set(writer);
}

/// Writes the log lines that are still buffered, before the process ends.
pub(crate) fn flush_log() {
    if let Some(writer) = LOG.get() {
        writer.flush();
    }
}

/// Handle of the thread. Cheap to clone. Lines are written in the order in which they are logged.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<u8>>,
    /// Notified when the first line waits.
    has_lines: Condvar,
    /// Locked while lines are written.
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    /// Lines that are being written, or an empty buffer to be used again.
    lines: Vec<u8>,
}

impl LogWriter {
    /// Starts the thread.
    pub(super) fn start(to: impl Write + Send + 'static) -> anyhow::Result<Self> {
        let writer = Self::new(to);
        let of_thread = writer.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || of_thread.run())
            .context("cannot start the thread that writes the log")?;
        Ok(writer)
    }

    fn new(to: impl Write + Send + 'static) -> Self {
        let out = Out {
            to: Box::new(to),
            lines: Vec::new(),
        };
        Self(Arc::new(Shared {
            waiting: Mutex::default(),
            has_lines: Condvar::new(),
            out: Mutex::new(out),
        }))
    }

    fn run(&self) {
        loop {
            let waiting = lock(&self.0.waiting);
            let waiting = self.0.has_lines.wait_while(waiting, |lines| lines.is_empty());
            drop(waiting);
            std::thread::sleep(COLLECT_TIME);
            self.flush();
        }
    }

    /// Writes the waiting lines; waits while the thread writes.
    pub(super) fn flush(&self) {
        self.write_to(lock(&self.0.out));
    }

    /// Writes the waiting lines, unless the thread is writing: then stdout may be blocked, and the thread writes them next.
    fn flush_unless_blocked(&self) {
        match self.0.out.try_lock() {
            Ok(out) => self.write_to(out),
            Err(TryLockError::Poisoned(out)) => self.write_to(out.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn write_to(&self, mut out: MutexGuard<'_, Out>) {
        let out = &mut *out;
        std::mem::swap(&mut out.lines, &mut *lock(&self.0.waiting));
        // Nobody reads the log of a process whose stdout is closed.
        let _ = out.to.write_all(&out.lines).and_then(|()| out.to.flush());
        out.lines.clear();
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = lock(&self.0.waiting);
        if waiting.len() + line.len() > CAPACITY_BYTES {
            metrics::counter!("log_lines_dropped_total").increment(1);
            return;
        }
        if waiting.is_empty() {
            self.0.has_lines.notify_one();
        }
        waiting.extend_from_slice(line);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writer of one line.
pub(crate) struct LineWriter<'a> {
    writer: &'a LogWriter,
    /// An error is written at once, in case that the process is about to end.
    is_error: bool,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.push(line);
        if self.is_error {
            self.writer.flush_unless_blocked();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter {
            writer: self,
            is_error: false,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter {
            writer: self,
            is_error: *metadata.level() == Level::ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Sends what is written.
    struct Written(Sender<String>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written() -> (Written, Receiver<String>) {
        let (sender, receiver) = channel();
        (Written(sender), receiver)
    }

    fn write(writer: &LogWriter, line: &str, is_error: bool) {
        let mut line_writer = LineWriter { writer, is_error };
        line_writer.write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn thread_writes_lines_in_order() {
        let (out, received) = written();
        let writer = LogWriter::start(out).unwrap();
        let mut all = String::new();
        for round in 0..3 {
            write(&writer, &format!("{round}a\n"), false);
            write(&writer, &format!("{round}b\n"), false);
            while !all.ends_with(&format!("{round}b\n")) {
                all += &received.recv().unwrap();
            }
        }
        assert_eq!(all, "0a\n0b\n1a\n1b\n2a\n2b\n");
    }

    #[test]
    fn error_is_written_at_once_with_the_lines_before_it() {
        let (out, received) = written();
        let writer = LogWriter::new(out);
        write(&writer, "info\n", false);
        assert!(received.try_recv().is_err());
        write(&writer, "error\n", true);
        assert_eq!(received.try_recv().unwrap(), "info\nerror\n");
    }

    #[test]
    fn blocked_output_delays_no_line_and_drops_those_above_the_capacity() {
        let (out, received) = written();
        let writer = LogWriter::new(out);
        let blocked = writer.0.out.lock().unwrap();
        write(&writer, "error\n", true);
        write(&writer, &"x".repeat(CAPACITY_BYTES), false);
        write(&writer, "late\n", false);
        drop(blocked);
        writer.flush();
        assert_eq!(received.try_recv().unwrap(), "error\nlate\n");
    }
}
