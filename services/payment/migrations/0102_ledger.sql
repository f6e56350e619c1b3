-- The double-entry ledger. Entries are signed won: positive is debit, negative is credit. Rows are immutable; corrections
-- are further transactions.

CREATE TABLE ledger_accounts (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- 'provider_clearing', 'platform_fee', 'host_payable:<host id>'
    code text   NOT NULL UNIQUE,
    kind text   NOT NULL CHECK (kind IN ('asset', 'liability', 'revenue'))
);

CREATE TABLE ledger_transactions (
    id          uuid        PRIMARY KEY,
    payment_id  uuid        NOT NULL REFERENCES payments (id),
    kind        text        NOT NULL CHECK (kind IN ('capture', 'refund')),
    -- Identifies the posting, so that it is made once: the order id of a capture, the id of a refund.
    ref         text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT ledger_posted_once UNIQUE (payment_id, kind, ref)
);

CREATE INDEX ledger_transactions_occurred_at ON ledger_transactions (occurred_at);
CREATE UNIQUE INDEX ledger_one_capture ON ledger_transactions (payment_id) WHERE kind = 'capture';

CREATE TABLE ledger_entries (
    transaction_id uuid   NOT NULL REFERENCES ledger_transactions (id),
    account_id     bigint NOT NULL REFERENCES ledger_accounts (id),
    amount_krw     bigint NOT NULL CHECK (amount_krw <> 0),
    PRIMARY KEY (transaction_id, account_id)
);

CREATE INDEX ledger_entries_of_account ON ledger_entries (account_id);

CREATE FUNCTION ledger_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted  uuid;
    entries bigint;
    total   numeric;
BEGIN
    IF TG_TABLE_NAME = 'ledger_transactions' THEN posted := NEW.id; ELSE posted := NEW.transaction_id; END IF;
    SELECT count(*), coalesce(sum(amount_krw), 0) INTO entries, total
      FROM ledger_entries WHERE transaction_id = posted;
    IF entries < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % has % entries that sum to %', posted, entries, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_transactions_balanced AFTER INSERT ON ledger_transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balance();
CREATE CONSTRAINT TRIGGER ledger_entries_balanced AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_balance();

CREATE FUNCTION ledger_reject_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is immutable: % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_immutable';
END $$;

CREATE TRIGGER ledger_transactions_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_reject_change();
CREATE TRIGGER ledger_entries_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_reject_change();
