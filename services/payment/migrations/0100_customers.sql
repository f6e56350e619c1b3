-- Guests as known to the payment provider, and their registered cards.

CREATE TABLE customers (
    guest_id     uuid        PRIMARY KEY,
    -- Unguessable: it suffices to register a card for the guest.
    customer_key text        NOT NULL UNIQUE CHECK (length(customer_key) BETWEEN 2 AND 50),
    created_at   timestamptz NOT NULL
);

CREATE TABLE payment_methods (
    id                 uuid        PRIMARY KEY,
    guest_id           uuid        NOT NULL REFERENCES customers (guest_id),
    method             text        NOT NULL,
    -- Masked by the provider; an unmasked number is never stored.
    card_number        text        NOT NULL CHECK (card_number = '' OR card_number LIKE '%*%'),
    card_issuer_code   text        NOT NULL,
    -- chassis::encryption, bound to the id of the row. The provider does not return the key again.
    billing_key_sealed bytea       NOT NULL,
    -- SHA-256 of the key, to recognise a card that is registered again.
    billing_key_hash   bytea       NOT NULL UNIQUE,
    created_at         timestamptz NOT NULL,
    -- Set when the provider rejects the key permanently.
    disabled_at        timestamptz
);

-- Ids are in the order of creation: the newest enabled method of a guest is the default.
CREATE INDEX payment_methods_of_guest ON payment_methods (guest_id, id DESC) WHERE disabled_at IS NULL;
