-- Uploads that are not processed yet. Until then what came in is an object of its own, counted like any other; the row
-- goes, and the object with it, when the media row is ready or has failed.
CREATE TABLE uploads (
	media_id BIGINT PRIMARY KEY REFERENCES media (id),
	account_id BIGINT NOT NULL,
	hash TEXT NOT NULL,                      -- of the object, as it was sent
	attempts SMALLINT NOT NULL DEFAULT 0,
	worker TEXT,                             -- who processes it
	due_at BIGINT NOT NULL                   -- not before; while somebody processes it: when that one counts as dead
);
CREATE INDEX uploads_due ON uploads (due_at, media_id);
CREATE INDEX uploads_of_account ON uploads (account_id);
CREATE INDEX uploads_of_worker ON uploads (worker) WHERE worker IS NOT NULL;
