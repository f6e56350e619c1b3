-- Set when the account of the user was deleted: the feed takes no further notification, and its notifications are deleted.
ALTER TABLE feeds ADD COLUMN closed_at timestamptz;
CREATE INDEX feeds_closed_at ON feeds (closed_at) WHERE closed_at IS NOT NULL;
