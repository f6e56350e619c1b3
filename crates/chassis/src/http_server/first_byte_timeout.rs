//! A connection whose other end has to begin soon.
//!
//! Hyper waits without limit for the bytes by which it distinguishes HTTP/1 from HTTP/2, and for HTTP/2's preface; its own timers begin
//! after them. Without this, connections that say nothing would be kept until the process has no descriptors left.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Length of HTTP/2's preface. A request of HTTP/1.1, which names its host, is longer.
const PREFACE_BYTES: usize = 24;

/// A stream whose reads fail when the first bytes take too long. Later it is as it was.
pub(super) struct Prompt<I> {
    stream: I,
    /// Bytes missing and the time they have; none when all have come.
    waits: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<I> Prompt<I> {
    pub(super) fn new(stream: I, patience: Duration) -> Self {
        Self {
            stream,
            waits: Some((PREFACE_BYTES, Box::pin(tokio::time::sleep(patience)))),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Prompt<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some((missing, patience)) = &mut this.waits else {
            return polled;
        };
        *missing = missing.saturating_sub(buffer.filled().len() - before);
        if *missing == 0 {
            this.waits = None;
        } else if polled.is_pending() && patience.poll_unpin(cx).is_ready() {
            return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "nothing was asked for")));
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Prompt<I> {
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
