-- Security record: sign-ins, ends of sessions, changes of passwords and accounts, acts of admins. Rows are appended only.
CREATE TABLE audit_events (
    id             uuid PRIMARY KEY,
    occurred_at    timestamptz NOT NULL,
    action         text NOT NULL CONSTRAINT audit_events_action_length CHECK (length(action) BETWEEN 1 AND 64),
    outcome        text NOT NULL CONSTRAINT audit_events_outcome_known CHECK (outcome IN ('success', 'failure')),
    -- Why it failed, or why a session ended.
    reason         text CONSTRAINT audit_events_reason_length CHECK (length(reason) <= 500),
    -- Keyed hash (HMAC-SHA-256) of the e-mail address, also of one that has no account.
    account        bytea CONSTRAINT audit_events_account_sha256 CHECK (octet_length(account) = 32),
    -- The account concerned. No reference: the record outlives the account.
    user_id        uuid,
    -- The admin who acted on it. NULL for the user, and for operators at the command line.
    actor_id       uuid,
    session_id     uuid,
    client_address text CONSTRAINT audit_events_client_address_length CHECK (length(client_address) <= 45),
    user_agent     text CONSTRAINT audit_events_user_agent_length CHECK (length(user_agent) <= 256),
    correlation_id text NOT NULL,
    -- State before and after an act of an admin.
    before         jsonb,
    after          jsonb
);
CREATE INDEX audit_events_by_time ON audit_events (occurred_at);
CREATE INDEX audit_events_by_account ON audit_events (account, occurred_at) WHERE account IS NOT NULL;
CREATE INDEX audit_events_by_user ON audit_events (user_id, occurred_at) WHERE user_id IS NOT NULL;
CREATE INDEX audit_events_by_address ON audit_events (client_address, occurred_at) WHERE client_address IS NOT NULL;

-- Rows are never changed, and deleted only when they are older than the shortest retention that the configuration allows.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.occurred_at < now() - interval '30 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_events_not_truncated BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
