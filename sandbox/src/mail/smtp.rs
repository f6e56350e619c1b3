//! The SMTP server. Lines, messages, recipients and waits are bounded; faults of [`crate::Provider::Smtp`] apply to a complete message, with
//! the recipient's address as path.

mod session;

use std::time::Duration;

use carshare_chassis::task::{self, Shutdown};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use self::session::{Session, Step};
use crate::state::App;

/// Upper bound of a line, RFC 5321 §4.5.3.1.
const MAX_LINE_BYTES: u64 = 1_000;
/// Upper bound of a message, as announced by SIZE.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Longest wait for the next line.
const LINE_TIMEOUT: Duration = Duration::from_mins(1);

/// Accepts connections until the shutdown is triggered, which ends open ones too.
pub(crate) async fn run(listener: TcpListener, app: App, shutdown: Shutdown) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                continue;
            }
        };
        let (app, shutdown) = (app.clone(), shutdown.clone());
        task::spawn("sandbox.smtp.connection", async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                ended = converse(socket, app) => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "SMTP connection ended early");
                    }
                }
            }
        });
    }
}

async fn converse(mut socket: TcpStream, app: App) -> std::io::Result<()> {
    let (read, mut write) = socket.split();
    let mut lines = BufReader::new(read);
    let mut session = Session::default();
    write.write_all(b"220 sandbox ESMTP\r\n").await?;
    while let Some(line) = next_line(&mut lines).await? {
        let reply = match session.handle(&line) {
            Step::More => continue,
            Step::Reply(reply) => reply.to_owned(),
            Step::Quit => return write.write_all(b"221 bye\r\n").await,
            Step::Accept(envelope) => match session::accept(&app, envelope).await {
                Some(reply) => reply,
                None => return Ok(()),
            },
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Reads a line without its CRLF; `None` at the end, and for one that is too long, which ends the connection.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut bounded = lines.take(MAX_LINE_BYTES);
    tokio::time::timeout(LINE_TIMEOUT, bounded.read_until(b'\n', &mut line)).await??;
    Ok(line.strip_suffix(b"\r\n").map(<[u8]>::to_vec))
}
