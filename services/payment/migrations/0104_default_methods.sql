-- The enabled method of a guest with the highest rank is the default. Before, it was the newest one.
ALTER TABLE payment_methods ADD COLUMN default_rank bigint;
UPDATE payment_methods SET default_rank = ranked.rank
FROM (SELECT id, row_number() OVER (PARTITION BY guest_id ORDER BY id) AS rank FROM payment_methods) ranked
WHERE ranked.id = payment_methods.id;
ALTER TABLE payment_methods ALTER COLUMN default_rank SET NOT NULL;

DROP INDEX payment_methods_of_guest;
CREATE INDEX payment_methods_of_guest ON payment_methods (guest_id, default_rank DESC, id DESC) WHERE disabled_at IS NULL;

COMMENT ON COLUMN payment_methods.disabled_at IS
    'Set when the guest deletes the method, or the provider rejects the key permanently. Attempts refer to the row.';
