//! Idempotent calls: the reply is stored in the transaction of the effect, by caller, method and idempotency key.
//!
//! Rows live for a day. A repeat of the same request gets the stored reply, another request with the same key is refused, and
//! a repeat that arrives while the first call runs waits for it.

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::CallContext;
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// How long a reply is stored.
const RETENTION: TimeDelta = TimeDelta::hours(24);

/// State of a call before its work begins. See [`Db::claim`].
#[derive(Debug)]
pub enum Claim<R> {
    /// The call was answered before, with this reply.
    Replayed(R),
    /// The call was not answered. The id is for the resource it creates, and the same in every repeat.
    New(Uuid),
}

impl Db {
    /// Runs `work` like [`Db::transaction`], once per idempotency key of a caller; repeats get the stored reply. Only success is
    /// stored: after an error the call may be repeated. A call without a key runs every time.
    pub async fn idempotent<D, R, E, F>(
        &self,
        ctx: &CallContext,
        name: &'static str,
        input: D,
        work: F,
    ) -> Result<R, E>
    where
        R: Message + Default,
        E: From<Error>,
        F: AsyncFn(&Tx, &D) -> Result<R, E>,
    {
        let Some(call) = Call::of(ctx) else {
            return self.transaction(name, input, work).await;
        };
        self.transaction(name, (call, input, work), run_once).await
    }

    /// Looks up a call before work outside of the transaction, such as calls to peers: it may have been answered already, and
    /// the resource it creates needs one id for all repeats, so that peers recognise them.
    ///
    /// ```text
    /// let booking_id = match app.db.claim(&ctx).await? {
    ///     Claim::Replayed(booking) => return Ok(booking),
    ///     Claim::New(id) => id,
    /// };
    /// ```
    pub async fn claim<R: Message + Default>(&self, ctx: &CallContext) -> Result<Claim<R>, Error> {
        let Some(call) = Call::of(ctx) else {
            return Ok(Claim::New(self.environment().ids.next()));
        };
        self.transaction("idempotency.claim", call, claim).await
    }
}

async fn claim<R: Message + Default>(tx: &Tx, call: &Call) -> Result<Claim<R>, Error> {
    let row = call.lock(tx).await?;
    match row.reply {
        Some(reply) => Ok(Claim::Replayed(decode(&reply)?)),
        None => Ok(Claim::New(row.work_id)),
    }
}

async fn run_once<D, R, E, F>(tx: &Tx, (call, input, work): &(Call, D, F)) -> Result<R, E>
where
    R: Message + Default,
    E: From<Error>,
    F: AsyncFn(&Tx, &D) -> Result<R, E>,
{
    if let Some(reply) = call.lock(tx).await?.reply {
        metrics::counter!("idempotent_repeats_total", "method" => call.method).increment(1);
        return Ok(decode(&reply)?);
    }
    let reply = work(tx, input).await?;
    call.store_reply(tx, reply.encode_to_vec()).await?;
    Ok(reply)
}

/// A call with an idempotency key.
struct Call {
    caller: String,
    method: &'static str,
    key: String,
    request_hash: [u8; 32],
}

/// The stored row of a call.
struct Row {
    request_hash: Vec<u8>,
    work_id: Uuid,
    reply: Option<Vec<u8>>,
}

impl Call {
    fn of(ctx: &CallContext) -> Option<Self> {
        let key = ctx.idempotency.as_ref()?.as_str().to_owned();
        let caller = match &ctx.caller {
            Caller::Anonymous => "anonymous".to_owned(),
            Caller::User(user) => format!("user:{}", user.id),
            Caller::Service(name) => format!("service:{name}"),
        };
        Some(Self {
            caller,
            method: ctx.method,
            key,
            request_hash: ctx.request_hash,
        })
    }

    /// Inserts the call's row (or replaces an expired one) and locks it until the transaction ends: a repeat waits here.
    /// Refuses a key that was used with another request.
    async fn lock(&self, tx: &Tx) -> Result<Row, Error> {
        // ON CONFLICT DO UPDATE locks the row even when its WHERE leaves it unchanged.
        let made = "INSERT INTO idempotency AS kept (caller, method, key, request_hash, work_id, expires_at) \
            VALUES ($1, $2, $3, $4, $5, $6) \
            ON CONFLICT (caller, method, key) DO UPDATE SET request_hash = excluded.request_hash, \
            work_id = excluded.work_id, expires_at = excluded.expires_at, reply = NULL \
            WHERE kept.expires_at <= $7 \
            RETURNING request_hash, work_id, reply";
        let expires_at: DateTime<Utc> = tx.now() + RETENTION;
        let values = [
            self.request_hash.to_vec().into(),
            tx.new_id().into(),
            expires_at.into(),
            tx.now().into(),
        ];
        if let Some(row) = tx.conn().query_one_raw(self.statement(made, values)).await? {
            return Row::read(&row);
        }
        let kept = "SELECT request_hash, work_id, reply FROM idempotency WHERE caller = $1 AND method = $2 AND key = $3";
        let row = tx.conn().query_one_raw(self.statement(kept, [])).await?;
        let row = Row::read(&row.ok_or_else(|| Error::Internal(anyhow::anyhow!("a locked row is gone")))?)?;
        if row.request_hash == self.request_hash {
            Ok(row)
        } else {
            Err(Error::KeyReused)
        }
    }

    async fn store_reply(&self, tx: &Tx, reply: Vec<u8>) -> Result<(), Error> {
        let sql = "UPDATE idempotency SET reply = $4 WHERE caller = $1 AND method = $2 AND key = $3";
        tx.conn().execute_raw(self.statement(sql, [reply.into()])).await?;
        Ok(())
    }

    /// Builds a statement whose first three parameters identify this call.
    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let name = [
            self.caller.clone().into(),
            self.method.into(),
            self.key.clone().into(),
        ];
        Statement::from_sql_and_values(DbBackend::Postgres, sql, name.into_iter().chain(values))
    }
}

impl Row {
    fn read(row: &QueryResult) -> Result<Self, Error> {
        Ok(Self {
            request_hash: row.try_get("", "request_hash")?,
            work_id: row.try_get("", "work_id")?,
            reply: row.try_get("", "reply")?,
        })
    }
}

fn decode<R: Message + Default>(reply: &[u8]) -> Result<R, Error> {
    R::decode(reply)
        .map_err(|error| Error::Internal(anyhow::Error::new(error).context("a kept reply cannot be read")))
}
