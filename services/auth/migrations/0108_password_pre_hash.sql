-- Passwords are hashed with HMAC-SHA-256 before bcrypt, which reads 72 bytes only. Hashes of earlier releases are kept until their
-- next login.
ALTER TABLE users DROP CONSTRAINT users_password_is_bcrypt;
ALTER TABLE users ADD CONSTRAINT users_password_is_bcrypt CHECK (
    password_hash ~ '^\$2b\$[0-9]{2}\$.{53}$'
    OR password_hash ~ '^\$bcrypt-sha256\$v=2,t=2b,r=[0-9]{1,2}\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}$'
);
