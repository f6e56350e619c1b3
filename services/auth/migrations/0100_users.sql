-- Accounts. E-mail addresses are stored in lower case, so that the unique constraint ignores case.
CREATE TABLE users (
    id                uuid PRIMARY KEY,
    email             text NOT NULL
                      CONSTRAINT users_email_unique UNIQUE
                      CONSTRAINT users_email_lower_case CHECK (email = lower(email) AND length(email) <= 255),
    password_hash     text NOT NULL CONSTRAINT users_password_is_bcrypt CHECK (password_hash ~ '^\$2b\$[0-9]{2}\$.{53}$'),
    name              text NOT NULL CONSTRAINT users_name_length CHECK (length(name) BETWEEN 1 AND 100),
    phone             text NOT NULL CONSTRAINT users_phone_e164 CHECK (phone ~ '^\+[1-9][0-9]{7,14}$'),
    role              text NOT NULL CONSTRAINT users_role_known CHECK (role IN ('guest', 'host', 'admin')),
    profile_image_url text,
    is_verified       boolean NOT NULL DEFAULT false,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
