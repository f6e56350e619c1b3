-- Coupons of hosts and of the platform. Rows stay: bookings name their code, which nobody gets again.
CREATE TABLE coupons (
    -- In upper case.
    code            text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{4,20}$'),
    -- Order of coupons of the same time in lists.
    id              uuid NOT NULL,
    -- Nil: of the platform.
    host_id         uuid NOT NULL,
    percent         integer CHECK (percent BETWEEN 1 AND 90),
    amount_krw      bigint CHECK (amount_krw > 0),
    -- Of the price before the coupon. 0 = none.
    min_price_krw   bigint NOT NULL CHECK (min_price_krw >= 0),
    -- Times of the booking's creation: from inclusive, until exclusive.
    valid_from      timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL,
    -- NULL = unlimited.
    max_redemptions integer CHECK (max_redemptions > 0),
    -- Number of its coupon_redemptions that are not released.
    redeemed        integer NOT NULL DEFAULT 0 CHECK (redeemed >= 0),
    -- The only car for which it is valid; NULL = all of the host, or of the platform.
    vehicle_id      uuid,
    -- The only guest who can redeem it: compensation by the platform for a cancellation of a host. NULL = everybody.
    guest_id        uuid,
    disabled_at     timestamptz,
    created_by      uuid NOT NULL,
    created_at      timestamptz NOT NULL,

    CONSTRAINT coupons_have_one_value CHECK (num_nonnulls(percent, amount_krw) = 1),
    CONSTRAINT coupons_of_platform_are_amounts
        CHECK (host_id <> '00000000-0000-0000-0000-000000000000' OR amount_krw IS NOT NULL),
    CONSTRAINT coupons_of_guests_are_of_platform
        CHECK (guest_id IS NULL OR host_id = '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT coupons_begin_before_they_end CHECK (valid_from < valid_until),
    -- The second lock: the statement that redeems a coupon counts up to the maximum.
    CONSTRAINT coupons_within_maximum CHECK (redeemed <= max_redemptions)
);

CREATE INDEX coupons_of_host ON coupons (host_id, created_at DESC, id DESC);

CREATE INDEX coupons_of_guest ON coupons (guest_id, created_at DESC, id DESC) WHERE guest_id IS NOT NULL;

-- Which booking has redeemed which coupon.
CREATE TABLE coupon_redemptions (
    booking_id  uuid PRIMARY KEY REFERENCES bookings (id),
    code        text NOT NULL REFERENCES coupons (code),
    guest_id    uuid NOT NULL,
    -- Taken off the price when it was booked. A change of the booking can lower it.
    amount_krw  bigint NOT NULL CHECK (amount_krw >= 0),
    created_at  timestamptz NOT NULL,
    -- Set when the booking ends without having taken place for a reason that the guest does not answer for.
    released_at timestamptz
);

-- A guest redeems a coupon once at a time.
CREATE UNIQUE INDEX coupon_redemptions_one_per_guest ON coupon_redemptions (code, guest_id) WHERE released_at IS NULL;
