//! Sends due mails.
//!
//! A mail is claimed before it is sent and finished once the server has accepted it, so a crash in between sends it again, with the same
//! `Message-ID` and token. A mail whose token has expired is not sent any more.

use std::fmt::Display;
use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_chassis::request_context::RequestContext;
use carshare_store::{JobQueue, JobQueueOptions, Tx};
use chrono::{DateTime, Utc};

use crate::App;
use crate::domain::{Device, Email, MailKind, UserId};
use crate::error::Error;
use crate::mail::{Content, Letter, Registration, SendResult, Smtp};
use crate::store::mails::{self, Claimed};
use crate::store::{sessions, users};

/// How often an idle worker polls for mails of other replicas.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Shortest duration of a claim.
const MIN_CLAIM_TIMEOUT: Duration = Duration::from_mins(1);

/// Replies of the server that an attempt waits for: greeting, EHLO, STARTTLS, EHLO, AUTH, MAIL, RCPT, DATA, message.
const REPLIES: u32 = 10;

/// Sends mails until `shutdown`; returns at once without a server.
pub(super) async fn run(app: &App, shutdown: Shutdown) {
    let Some(smtp) = app.smtp.clone() else {
        tracing::warn!("mail.host is not set: addresses cannot be verified and passwords cannot be reset");
        return;
    };
    let config = &app.config.mail;
    let options = JobQueueOptions {
        concurrency: config.concurrency,
        claim_timeout: (config.timeout * REPLIES).max(MIN_CLAIM_TIMEOUT),
        poll_interval: POLL_INTERVAL,
    };
    let queue = MailQueue {
        app: app.clone(),
        smtp,
    };
    app.db.run_job_queue(queue, options, shutdown).await;
}

/// Table `mails` as a job queue.
struct MailQueue {
    app: App,
    smtp: Smtp,
}

impl JobQueue for MailQueue {
    const NAME: &'static str = mails::JOB;
    type Row = Claimed;
    type Error = Error;

    async fn claim(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Claimed>, Error> {
        mails::claim(self.app.db.conn(), now, until, limit).await
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        mails::next_due_at(self.app.db.conn()).await
    }

    fn id(row: &Claimed) -> impl Display + Send {
        row.id
    }

    fn request_context(row: &Claimed) -> RequestContext {
        row.request_context()
    }

    async fn work(&self, row: Claimed) -> Result<(), Error> {
        let (app, kind) = (&self.app, row.kind()?);
        let (to, token) = app.mails.open(row.id, &row.sealed)?;
        let draft = Draft {
            row: row.clone(),
            kind,
            to: to.clone(),
            per_hour: app.config.mail.per_hour,
            per_day: app.config.mail.per_day,
        };
        match app.db.transaction("mails.admit", draft, admit).await? {
            Decision::Ended(outcome) => {
                count(&row, kind, outcome, "");
                Ok(())
            }
            Decision::Send(content) => {
                let letter = Letter::new(content, row.id, to, &token, &app.config.mail);
                let result = self.smtp.send(&letter).await;
                record(app, row, kind, result).await
            }
        }
    }
}

struct Draft {
    row: Claimed,
    kind: MailKind,
    to: Email,
    per_hour: i64,
    per_day: i64,
}

enum Decision {
    Send(Content),
    /// Nothing is sent; the text is the outcome.
    Ended(&'static str),
}

/// Decides what a mail says when it is sent, and whether it is within the limits of its address.
async fn admit(tx: &Tx, draft: &Draft) -> Result<Decision, Error> {
    let row = &draft.row;
    let content = match draft.kind {
        _ if row.expires_at <= tx.now() => None,
        MailKind::Verification => verification(tx, draft).await?,
        MailKind::PasswordReset => reset(tx, draft).await?,
    };
    let outcome = match content {
        None => "not_needed",
        Some(content) if mails::admit(tx, row.id, draft.per_hour, draft.per_day).await? => {
            return Ok(Decision::Send(content));
        }
        Some(_) => "suppressed",
    };
    mails::finish(tx, row, outcome).await?;
    Ok(Decision::Ended(outcome))
}

async fn verification(tx: &Tx, draft: &Draft) -> Result<Option<Content>, Error> {
    let Some(id) = draft.row.user_id else {
        return Ok(None);
    };
    let user = users::find(tx.conn(), UserId(id)).await?;
    let Some(user) = user.filter(|user| !user.is_verified) else {
        return Ok(None);
    };
    let holder = users::find_by_email(tx.conn(), &draft.to).await?;
    if holder.is_some_and(|(holder, _)| holder.is_verified) {
        return Ok(Some(Content::AccountExists));
    }
    // A registration begins the first session.
    let first = sessions::find_first(tx.conn(), user.id).await?;
    let agent = first.and_then(|session| session.user_agent);
    Ok(Some(Content::Verify(Registration {
        at: user.created_at,
        device: Device::of(agent.as_deref()),
    })))
}

/// A reset is for the account that holds the address, as it did when it was requested.
async fn reset(tx: &Tx, draft: &Draft) -> Result<Option<Content>, Error> {
    let holder = users::find_by_email(tx.conn(), &draft.to).await?;
    let is_holder = holder.is_some_and(|(holder, _)| Some(holder.id.0) == draft.row.user_id);
    Ok(is_holder.then_some(Content::ResetPassword))
}

struct Attempt {
    row: Claimed,
    result: SendResult,
    retry_at: DateTime<Utc>,
}

/// Logs, counts and stores the result of an attempt.
async fn record(app: &App, row: Claimed, kind: MailKind, result: SendResult) -> Result<(), Error> {
    count(&row, kind, result.as_str(), result.reason());
    let attempt = Attempt {
        retry_at: app.db.environment().clock.now() + app.config.mail.retry_after(row.attempts),
        row,
        result,
    };
    app.db.transaction("mails.record", attempt, update).await
}

async fn update(tx: &Tx, attempt: &Attempt) -> Result<(), Error> {
    let row = &attempt.row;
    match &attempt.result {
        SendResult::Later(reason) if attempt.retry_at < row.expires_at => {
            mails::retry(tx, row, reason, attempt.retry_at).await
        }
        result @ (SendResult::Sent | SendResult::Rejected(_) | SendResult::Later(_)) => {
            mails::finish(tx, row, result.as_str()).await
        }
    }
}

/// Logs and counts what became of a mail, without address and token.
fn count(row: &Claimed, kind: MailKind, outcome: &'static str, reason: &str) {
    let kind = kind.as_str();
    metrics::counter!("auth_mails_total", "kind" => kind, "outcome" => outcome).increment(1);
    tracing::info!(id = %row.id, kind, outcome, reason, attempt = row.attempts, "mail");
}
