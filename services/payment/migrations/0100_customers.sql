-- Guests as the payment provider knows them, and the cards they registered.

CREATE TABLE customers (
    guest_id     uuid        PRIMARY KEY,
    -- Unguessable: whoever knows it can open the registration window in the guest's name.
    customer_key text        NOT NULL UNIQUE CHECK (length(customer_key) BETWEEN 2 AND 50),
    created_at   timestamptz NOT NULL
);

CREATE TABLE payment_methods (
    id                 uuid        PRIMARY KEY,
    guest_id           uuid        NOT NULL REFERENCES customers (guest_id),
    method             text        NOT NULL,
    -- As the provider masks it; a whole number is never stored.
    card_number        text        NOT NULL CHECK (card_number = '' OR card_number LIKE '%*%'),
    card_issuer_code   text        NOT NULL,
    -- chassis::seal, bound to the id of the row. The key itself cannot be looked up again at the provider.
    billing_key_sealed bytea       NOT NULL,
    -- SHA-256 of the key, to recognise one that is registered again.
    billing_key_hash   bytea       NOT NULL UNIQUE,
    created_at         timestamptz NOT NULL,
    -- Set when the provider said that the key is of no use any more.
    disabled_at        timestamptz
);

-- Ids are in the order of creation: the newest live method of a guest is the default.
CREATE INDEX payment_methods_of_guest ON payment_methods (guest_id, id DESC) WHERE disabled_at IS NULL;
