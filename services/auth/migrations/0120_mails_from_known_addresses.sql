-- Whether a reset was requested from a client address at which the account had signed in: such requests are counted apart, so that strangers
-- do not use up those of the owner. The previous release writes none.
ALTER TABLE mails ADD COLUMN is_from_known boolean NOT NULL DEFAULT false;
