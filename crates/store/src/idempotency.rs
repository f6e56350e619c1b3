//! Idempotent calls: the reply is stored in the transaction of the effect, by caller, method and idempotency key.
//!
//! Rows live for a day. A repeat of the same request gets the stored reply, another request with the same key is refused, and
//! a repeat that arrives while the first call runs waits for it, under a lock of the key.

use carshare_chassis::identity::Caller;
use carshare_chassis::rpc::CallContext;
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::db::Db;
use crate::error::Error;
use crate::transaction::{StoredReply, Tx};

/// How long a reply is stored.
const RETENTION: TimeDelta = TimeDelta::hours(24);

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

    /// Returns the id of the resource that a call creates, for work outside of the transaction, such as calls to peers: it is
    /// the same in every repeat of a call with a key, so that peers recognise them. A call without a key gets a new id.
    ///
    /// The id of a call with a key is a UUID of version 8 that begins with `time` in milliseconds, as version 7 does, so
    /// that ids of near times are near in an index; the rest is a hash of caller, method, key and request. `time` must
    /// therefore be a function of the request. Two calls with the same key, request and caller that are more than a day
    /// apart get the same id too, although the second one is not a repeat.
    pub fn resource_id(&self, ctx: &CallContext, time: DateTime<Utc>) -> Uuid {
        match Call::of(ctx) {
            Some(call) => call.resource_id(time),
            None => self.environment().ids.next(),
        }
    }

    /// Returns the reply of a call that was answered before: for a repeat that must not do its work outside of the
    /// transaction again, or whose work fails because it was done. Refuses a key that was used with another request.
    pub async fn find_reply<R: Message + Default>(&self, ctx: &CallContext) -> Result<Option<R>, Error> {
        let Some(call) = Call::of(ctx) else {
            return Ok(None);
        };
        let sql = "SELECT request_hash, reply FROM idempotency \
            WHERE caller = $1 AND method = $2 AND key = $3 AND expires_at > $4";
        let now = self.environment().clock.now();
        let values = [
            call.caller.clone().into(),
            call.method.into(),
            call.key.clone().into(),
            now.into(),
        ];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        call.replayed(self.conn().query_one_raw(statement).await?)
    }
}

async fn run_once<D, R, E, F>(tx: &Tx, (call, input, work): &(Call, D, F)) -> Result<R, E>
where
    R: Message + Default,
    E: From<Error>,
    F: AsyncFn(&Tx, &D) -> Result<R, E>,
{
    if let Some(reply) = call.lock(tx).await? {
        return Ok(reply);
    }
    let reply = work(tx, input).await?;
    tx.store_reply(StoredReply {
        caller: call.caller.clone(),
        method: call.method,
        key: call.key.clone(),
        request_hash: call.request_hash,
        reply: reply.encode_to_vec(),
        expires_at: tx.now() + RETENTION,
    });
    Ok(reply)
}

/// A call with an idempotency key.
struct Call {
    caller: String,
    method: &'static str,
    key: String,
    request_hash: [u8; 32],
    former_hashes: Vec<[u8; 32]>,
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
            former_hashes: ctx.former_hashes.clone(),
        })
    }

    /// Hashes caller, method and key, none of which contains a zero byte.
    fn hasher(&self) -> Sha256 {
        [self.caller.as_str(), self.method, self.key.as_str()]
            .iter()
            .fold(Sha256::new(), |hasher, part| {
                hasher.chain_update(part).chain_update([0])
            })
    }

    fn resource_id(&self, time: DateTime<Utc>) -> Uuid {
        let hash: [u8; 32] = self.hasher().chain_update(self.request_hash).finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        bytes[..6].copy_from_slice(&time.timestamp_millis().to_be_bytes()[2..]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Locks the key until the transaction ends, so that a repeat waits here, and returns the stored reply. Refuses a key that
    /// was used with another request.
    async fn lock<R: Message + Default>(&self, tx: &Tx) -> Result<Option<R>, Error> {
        let hash: [u8; 32] = self.hasher().finalize().into();
        let mut lock = [0; 8];
        lock.copy_from_slice(&hash[..8]);
        let values = [
            i64::from_be_bytes(lock).into(),
            self.caller.clone().into(),
            self.method.into(),
            self.key.clone().into(),
            tx.now().into(),
        ];
        let sql = "SELECT request_hash, reply FROM lock_idempotency_key($1, $2, $3, $4, $5)";
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        self.replayed(tx.conn().query_one_raw(statement).await?)
    }

    /// Decodes the stored reply of a repeat.
    fn replayed<R: Message + Default>(&self, row: Option<QueryResult>) -> Result<Option<R>, Error> {
        let Some(row) = row else { return Ok(None) };
        let request_hash: Vec<u8> = row.try_get("", "request_hash")?;
        let mut hashes = self.former_hashes.iter().chain([&self.request_hash]);
        if !hashes.any(|hash| request_hash == hash) {
            return Err(Error::KeyReused);
        }
        metrics::counter!("idempotent_repeats_total", "method" => self.method).increment(1);
        let reply: Vec<u8> = row.try_get("", "reply")?;
        let reply = R::decode(reply.as_slice()).map_err(|error| {
            Error::Internal(anyhow::Error::new(error).context("a kept reply cannot be read"))
        })?;
        Ok(Some(reply))
    }
}
