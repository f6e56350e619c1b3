//! Limits the time until the first bytes of a connection.
//!
//! hyper waiting without limit for the bytes by which it distinguishes HTTP/1 from HTTP/2, and for the preface of HTTP/2; its own timers
//! begin after them. Without this, silent connections would be kept until the process has no file descriptors left.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Length of HTTP/2's preface. A request of HTTP/1.1, which names its host, is longer.
const PREFACE_BYTES: usize = 24;

/// A stream whose reads fail when its first bytes take too long. Later reads and all writes pass unchanged.
pub(super) struct FirstByteTimeout<I> {
    stream: I,
    /// Bytes still missing and the timer; `None` when all were read.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<I> FirstByteTimeout<I> {
    pub(super) fn new(stream: I, timeout: Duration) -> Self {
        Self {
            stream,
            waiting: Some((PREFACE_BYTES, Box::pin(tokio::time::sleep(timeout)))),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for FirstByteTimeout<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some((missing, timeout)) = &mut this.waiting else {
            return polled;
        };
        *missing = missing.saturating_sub(buffer.filled().len() - before);
        if *missing == 0 {
            this.waiting = None;
        } else if polled.is_pending() && timeout.poll_unpin(cx).is_ready() {
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "no request")));
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for FirstByteTimeout<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
