-- The money of a booking: one payment, its attempts at capture, its refunds.

-- Bookings that are over before or after their payment came to be. An approval that arrives late finds its end here.
CREATE TABLE closures (
    booking_id  uuid        PRIMARY KEY,
    -- Won to give back of what was captured; NULL = everything.
    refund_krw  bigint      CHECK (refund_krw >= 0),
    closed_at   timestamptz NOT NULL
);

CREATE TABLE payments (
    id                uuid        PRIMARY KEY,
    booking_id        uuid        NOT NULL UNIQUE,
    guest_id          uuid        NOT NULL,
    host_id           uuid        NOT NULL,
    order_id          text        NOT NULL UNIQUE CHECK (order_id ~ '^[A-Za-z0-9_-]{6,64}$'),
    order_name        text        NOT NULL CHECK (length(order_name) <= 100),
    amount_krw        bigint      NOT NULL CHECK (amount_krw > 0),
    -- The platform's share of what is kept after refunds.
    fee_krw           bigint      NOT NULL CHECK (fee_krw >= 0),
    refunded_krw      bigint      NOT NULL DEFAULT 0 CHECK (refunded_krw >= 0),
    state             text        NOT NULL
        CHECK (state IN ('due', 'requested', 'unknown', 'completed', 'failed', 'refunded')),
    -- Number of the latest attempt, 0 before the first.
    last_attempt      integer     NOT NULL DEFAULT 0,
    -- The provider's key of the captured payment.
    payment_key       text,
    method            text,
    failure_code      text,
    due_at            timestamptz NOT NULL,
    paid_at           timestamptz,
    -- Set when the booking is over; closing_refund_krw NULL = everything goes back.
    closed_at         timestamptz,
    closing_refund_krw bigint      CHECK (closing_refund_krw >= 0),
    -- When the worker looks at it next; NULL = nothing to do. Checks since the last definite answer set the pause.
    next_check_at      timestamptz,
    checks             integer     NOT NULL DEFAULT 0,
    -- Set by a webhook: whatever the look that is under way finds, look once more.
    recheck           boolean     NOT NULL DEFAULT false,
    -- Of the request that led to it, so that the worker's calls and events belong to it too.
    correlation_id    text,
    traceparent       text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    version           bigint      NOT NULL DEFAULT 0,
    CONSTRAINT payments_kept CHECK (refunded_krw <= amount_krw AND fee_krw <= amount_krw - refunded_krw),
    CONSTRAINT payments_captured CHECK ((state IN ('completed', 'refunded')) = (paid_at IS NOT NULL)),
    CONSTRAINT payments_refunded CHECK ((state = 'refunded') = (refunded_krw > 0)),
    CONSTRAINT payments_failed CHECK (state <> 'failed' OR failure_code IS NOT NULL)
);

CREATE INDEX payments_to_look_at ON payments (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payments_updated_at ON payments (updated_at);
CREATE INDEX payments_of_guest ON payments (guest_id, id DESC);
CREATE INDEX payments_of_host ON payments (host_id, id DESC);
CREATE UNIQUE INDEX payments_by_key ON payments (payment_key) WHERE payment_key IS NOT NULL;

-- An attempt is written before the provider is called, so that a crash at any point leaves a question to ask, never a
-- charge nobody knows of.
CREATE TABLE payment_attempts (
    payment_id      uuid        NOT NULL REFERENCES payments (id),
    number          integer     NOT NULL CHECK (number > 0),
    kind            text        NOT NULL CHECK (kind IN ('billing', 'window')),
    -- Of a billing attempt: the card.
    method_id       uuid        REFERENCES payment_methods (id),
    -- Of a window attempt: what the guest's window returned.
    payment_key     text,
    -- What the provider had for the order before this attempt; the same answer later is not about this attempt.
    preceding_key   text,
    idempotency_key text        NOT NULL UNIQUE,
    -- Whether the provider answered under the key: it would only replay that answer.
    key_spent       boolean     NOT NULL DEFAULT false,
    outcome         text        NOT NULL CHECK (outcome IN ('open', 'captured', 'declined', 'failed', 'given_up')),
    code            text,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    PRIMARY KEY (payment_id, number),
    CHECK ((kind = 'billing') = (method_id IS NOT NULL)),
    CHECK ((kind = 'window') = (payment_key IS NOT NULL)),
    CHECK ((outcome = 'open') = (ended_at IS NULL))
);

-- One call at a time, and one capture for ever.
CREATE UNIQUE INDEX payment_attempts_one_open ON payment_attempts (payment_id) WHERE outcome = 'open';
CREATE UNIQUE INDEX payment_attempts_one_capture ON payment_attempts (payment_id) WHERE outcome = 'captured';

CREATE TABLE refunds (
    id              uuid        PRIMARY KEY,
    payment_id      uuid        NOT NULL REFERENCES payments (id),
    amount_krw      bigint      NOT NULL CHECK (amount_krw > 0),
    -- 'closing': owed because the booking is over. 'provider': made over there, we only book it.
    origin          text        NOT NULL CHECK (origin IN ('closing', 'provider')),
    state           text        NOT NULL CHECK (state IN ('due', 'unknown', 'done', 'void')),
    -- Number of the latest call, part of its idempotency key; 0 before the first.
    attempt         integer     NOT NULL DEFAULT 0,
    key_spent       boolean     NOT NULL DEFAULT false,
    -- The provider's key of the cancel, once it is known to be done.
    transaction_key text        UNIQUE,
    -- The latest refusal.
    code            text,
    next_check_at    timestamptz,
    checks           integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK ((state = 'done') = (transaction_key IS NOT NULL)),
    CHECK ((state IN ('due', 'unknown')) = (next_check_at IS NOT NULL))
);

CREATE UNIQUE INDEX refunds_one_closing ON refunds (payment_id) WHERE origin = 'closing';
CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_to_look_at ON refunds (next_check_at) WHERE next_check_at IS NOT NULL;
