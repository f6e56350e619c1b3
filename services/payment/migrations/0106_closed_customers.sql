-- Set when the account of the guest was deleted: no card is registered or charged after that. A guest whose first event or call is the
-- deletion has no key.
ALTER TABLE customers
    ADD COLUMN closed_at timestamptz,
    ALTER COLUMN customer_key DROP NOT NULL,
    ADD CONSTRAINT customers_key_of_open CHECK (closed_at IS NOT NULL OR customer_key IS NOT NULL);
