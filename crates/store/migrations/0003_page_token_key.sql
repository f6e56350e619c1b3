-- Key of the authentication codes of page tokens: one for all replicas of the service, without a secret to configure. It protects
-- nothing but positions in lists, so it is not encrypted. 244 random bits: a UUID of version 4 has 122.
CREATE TABLE page_token_key (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key      bytea   NOT NULL CHECK (octet_length(key) = 32)
);
INSERT INTO page_token_key (key)
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
