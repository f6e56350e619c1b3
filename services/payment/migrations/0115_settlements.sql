-- Settlements: what hosts are paid of their payments, by one bank transfer each.

CREATE TABLE settlements (
    id                 uuid        PRIMARY KEY,
    host_id            uuid        NOT NULL,
    amount_krw         bigint      NOT NULL CHECK (amount_krw > 0),
    payment_count      bigint      NOT NULL CHECK (payment_count > 0),
    state              text        NOT NULL CHECK (state IN ('created', 'paid')),
    -- Of the bank transfer.
    transfer_reference text        CHECK (length(transfer_reference) BETWEEN 1 AND 64),
    created_at         timestamptz NOT NULL,
    paid_at            timestamptz,
    -- The admin who reported the bank transfer.
    paid_by            uuid,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT settlements_paid CHECK (
        (state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (transfer_reference IS NOT NULL)
        AND (state = 'paid') = (paid_by IS NOT NULL)
    )
);

CREATE INDEX settlements_of_host ON settlements (host_id, id DESC);
CREATE INDEX settlements_unpaid ON settlements (id DESC) WHERE state = 'created';
CREATE INDEX settlements_updated_at ON settlements (updated_at);

-- What a settlement pays of one payment. The items of a payment are numbered from 1, and each starts from what the one before it has settled:
-- that two settlements settle the same won violates a constraint. Rows are immutable; corrections are items of later settlements.
CREATE TABLE settlement_items (
    payment_id         uuid    NOT NULL REFERENCES payments (id),
    number             integer NOT NULL CHECK (number > 0),
    previous_number    integer GENERATED ALWAYS AS (nullif(number - 1, 0)) STORED,
    settlement_id      uuid    NOT NULL REFERENCES settlements (id),
    -- Of the payment at the time of the settlement.
    refunded_krw       bigint  NOT NULL CHECK (refunded_krw >= 0),
    fee_krw            bigint  NOT NULL CHECK (fee_krw >= 0),
    -- Won settled of the payment before and after the settlement.
    settled_before_krw bigint  NOT NULL,
    settled_krw        bigint  NOT NULL CHECK (settled_krw >= 0),
    amount_krw         bigint  NOT NULL CHECK (amount_krw <> 0),
    PRIMARY KEY (payment_id, number),
    CONSTRAINT settlement_items_amount CHECK (amount_krw = settled_krw - settled_before_krw),
    CONSTRAINT settlement_items_first CHECK (number > 1 OR settled_before_krw = 0),
    CONSTRAINT settlement_items_result UNIQUE (payment_id, number, settled_krw),
    CONSTRAINT settlement_items_follow FOREIGN KEY (payment_id, previous_number, settled_before_krw)
        REFERENCES settlement_items (payment_id, number, settled_krw),
    CONSTRAINT settlement_items_of_settlement UNIQUE (settlement_id, payment_id)
);

CREATE TRIGGER settlement_items_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_items
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_reject_change();

-- What settlements have settled of the host's share so far, as the last item of the payment says. The release before inserts without naming it.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE payments ADD COLUMN settled_krw bigint NOT NULL DEFAULT 0;
-- Time of the latest payout that the payment was part of.
ALTER TABLE payments ADD COLUMN settled_at timestamptz;

-- Payments of which something is to be settled, now or later. A concurrent build would wait for the migrations of the other schemas.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX payments_to_settle ON payments (host_id)
    WHERE paid_at IS NOT NULL AND amount_krw - refunded_krw - fee_krw <> settled_krw;

-- A transaction of the ledger is of a payment or of a settlement. The release before inserts those of payments, and reads by the payment.
-- squawk-ignore ban-drop-not-null
ALTER TABLE ledger_transactions ALTER COLUMN payment_id DROP NOT NULL;
ALTER TABLE ledger_transactions ADD COLUMN settlement_id uuid;
-- squawk-ignore ban-drop-constraint
ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_kind_check;
-- It allows all that the release before inserts.
-- squawk-ignore ban-new-write-restriction
ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_kind CHECK (
    kind IN ('capture', 'refund') AND payment_id IS NOT NULL AND settlement_id IS NULL
    OR kind IN ('settlement', 'payout') AND payment_id IS NULL AND settlement_id IS NOT NULL
) NOT VALID;
-- squawk-ignore ban-new-write-restriction
ALTER TABLE ledger_transactions ADD CONSTRAINT ledger_of_settlement
    FOREIGN KEY (settlement_id) REFERENCES settlements (id) NOT VALID;
-- A settlement is posted once, and paid once.
-- squawk-ignore require-concurrent-index-creation, ban-new-write-restriction
CREATE UNIQUE INDEX ledger_settlement_posted_once ON ledger_transactions (settlement_id, kind) WHERE settlement_id IS NOT NULL;
