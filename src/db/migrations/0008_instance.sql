-- What the server shows of itself: its own emojis and documents; and what accounts and uploads need beside them.

CREATE TABLE emojis (
	id BIGINT PRIMARY KEY,
	shortcode TEXT NOT NULL,
	category TEXT NOT NULL DEFAULT '',
	hash TEXT NOT NULL,                      -- of the object; it may move
	type TEXT NOT NULL,
	static_hash TEXT NOT NULL,
	static_type TEXT NOT NULL,
	disabled BOOLEAN NOT NULL DEFAULT FALSE, -- shown nowhere
	hidden BOOLEAN NOT NULL DEFAULT FALSE,   -- shown where it is written, but not offered
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX emojis_shortcode ON emojis (shortcode);

-- Texts in Markdown. Of the terms of service there is one for each day on which they changed; the others have no day.
CREATE TABLE documents (
	kind SMALLINT NOT NULL,
	day TEXT NOT NULL DEFAULT '',            -- 2026-01-31
	text TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (kind, day)
);

ALTER TABLE accounts ADD COLUMN indexable BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE accounts ADD COLUMN hide_collections BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE accounts ADD COLUMN avatar_description TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN header_description TEXT NOT NULL DEFAULT '';
UPDATE accounts SET indexable = discoverable;

-- When its post was deleted so that it can be written anew; a day later it goes.
ALTER TABLE media ADD COLUMN detached_at BIGINT;
CREATE INDEX media_detached ON media (detached_at) WHERE detached_at IS NOT NULL;
