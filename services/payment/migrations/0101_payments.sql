-- The payment of a booking, its attempts and its refunds.

-- Bookings that ended, with or without a payment: an approval that is delivered later creates none.
CREATE TABLE closed_bookings (
    booking_id  uuid        PRIMARY KEY,
    -- Total to refund of what is captured; NULL = everything.
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
    -- The platform's share of the amount less refunds.
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
    rental_ends_at    timestamptz NOT NULL,
    -- Set when the booking has ended; closing_refund_krw is the total to refund, NULL = everything.
    closed_at         timestamptz,
    closing_refund_krw bigint      CHECK (closing_refund_krw >= 0),
    -- When the worker checks it next; NULL = nothing to do. The checks since the last definite result set the delay.
    next_check_at     timestamptz,
    checks            integer     NOT NULL DEFAULT 0,
    -- When the payment is compared with the provider next; NULL after its window.
    next_reconciliation_at timestamptz,
    -- Of the request that led to the payment: the worker continues them.
    correlation_id    text,
    traceparent       text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    version           bigint      NOT NULL DEFAULT 0,
    CONSTRAINT payments_shares CHECK (refunded_krw <= amount_krw AND fee_krw <= amount_krw - refunded_krw),
    CONSTRAINT payments_captured CHECK ((state IN ('completed', 'refunded')) = (paid_at IS NOT NULL)),
    CONSTRAINT payments_refunded CHECK (
        (state IN ('completed', 'refunded') OR refunded_krw = 0)
        AND (state <> 'refunded' OR refunded_krw > 0)
        AND (state = 'refunded' OR refunded_krw < amount_krw)
    ),
    CONSTRAINT payments_failed CHECK (state <> 'failed' OR failure_code IS NOT NULL)
);

CREATE INDEX payments_due ON payments (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payments_to_reconcile ON payments (next_reconciliation_at) WHERE next_reconciliation_at IS NOT NULL;
CREATE INDEX payments_updated_at ON payments (updated_at);
CREATE INDEX payments_of_guest ON payments (guest_id, id DESC);
CREATE INDEX payments_of_host ON payments (host_id, id DESC);
CREATE UNIQUE INDEX payments_by_key ON payments (payment_key) WHERE payment_key IS NOT NULL;

-- An attempt is committed before the provider is called, so that after a crash at any point its outcome can be looked up.
CREATE TABLE payment_attempts (
    payment_id      uuid        NOT NULL REFERENCES payments (id),
    number          integer     NOT NULL CHECK (number > 0),
    kind            text        NOT NULL CHECK (kind IN ('billing', 'checkout')),
    -- The card of a billing attempt.
    method_id       uuid        REFERENCES payment_methods (id),
    -- Key returned by the payment window of a checkout attempt.
    payment_key     text,
    -- Key of the provider's payment of the order before this attempt; a lookup that returns it says nothing about this one.
    preceding_key   text,
    idempotency_key text        NOT NULL UNIQUE,
    -- Whether the provider answered under the idempotency key: a repeat would only return that answer.
    key_spent       boolean     NOT NULL DEFAULT false,
    outcome         text        NOT NULL CHECK (outcome IN ('open', 'captured', 'declined', 'failed', 'given_up')),
    code            text,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    PRIMARY KEY (payment_id, number),
    CHECK ((kind = 'billing') = (method_id IS NOT NULL)),
    CHECK ((kind = 'checkout') = (payment_key IS NOT NULL)),
    CHECK ((outcome = 'open') = (ended_at IS NULL))
);

-- At most one attempt is open, and at most one ever captures.
CREATE UNIQUE INDEX payment_attempts_one_open ON payment_attempts (payment_id) WHERE outcome = 'open';
CREATE UNIQUE INDEX payment_attempts_one_capture ON payment_attempts (payment_id) WHERE outcome = 'captured';

CREATE TABLE refunds (
    id              uuid        PRIMARY KEY,
    payment_id      uuid        NOT NULL REFERENCES payments (id),
    amount_krw      bigint      NOT NULL CHECK (amount_krw > 0),
    -- 'booking_end': owed because the booking ended. 'provider': made in the provider's console, only recorded here.
    origin          text        NOT NULL CHECK (origin IN ('booking_end', 'provider')),
    state           text        NOT NULL CHECK (state IN ('due', 'unknown', 'done', 'void')),
    -- Number of the latest call, part of its idempotency key; 0 before the first.
    attempt         integer     NOT NULL DEFAULT 0,
    key_spent       boolean     NOT NULL DEFAULT false,
    -- The provider's id of the cancel, once completed.
    transaction_key text        UNIQUE,
    -- The latest error code of the provider.
    code            text,
    next_check_at   timestamptz,
    checks          integer     NOT NULL DEFAULT 0,
    -- Of the cancellation that led to the refund: the worker continues them.
    correlation_id  text,
    traceparent     text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         bigint      NOT NULL DEFAULT 0,
    CHECK ((state = 'done') = (transaction_key IS NOT NULL)),
    CHECK ((state IN ('due', 'unknown')) = (next_check_at IS NOT NULL))
);

CREATE UNIQUE INDEX refunds_one_per_booking_end ON refunds (payment_id) WHERE origin = 'booking_end';
CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_due ON refunds (next_check_at) WHERE next_check_at IS NOT NULL;
