-- A change of the password ends the other sessions.
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_known;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_known CHECK (end_reason IN ('logout', 'reuse', 'password_change'));
