-- Announcements that come later, cards of links, what trends and what moderators say of it, imports.

ALTER TABLE announcements ADD COLUMN scheduled_at BIGINT;
CREATE INDEX announcements_due ON announcements (scheduled_at) WHERE scheduled_at IS NOT NULL;
CREATE INDEX announcements_over ON announcements (ends_at) WHERE published AND ends_at IS NOT NULL;

-- What a page says of itself, fetched once for everybody who links to it. state: 0 waits, 1 there, 2 it says nothing.
CREATE TABLE cards (
	id BIGINT PRIMARY KEY,
	url TEXT NOT NULL,
	publisher_id BIGINT NOT NULL,
	state SMALLINT NOT NULL DEFAULT 0,
	attempts SMALLINT NOT NULL DEFAULT 0,
	due_at BIGINT NOT NULL,
	type SMALLINT NOT NULL DEFAULT 0,        -- 0 link, 1 photo, 2 video
	title TEXT NOT NULL DEFAULT '',
	description TEXT NOT NULL DEFAULT '',
	author_name TEXT NOT NULL DEFAULT '',
	author_url TEXT NOT NULL DEFAULT '',
	provider_name TEXT NOT NULL DEFAULT '',
	language TEXT,
	published_at BIGINT,
	image_hash TEXT,
	image_type TEXT,
	image_width BIGINT NOT NULL DEFAULT 0,
	image_height BIGINT NOT NULL DEFAULT 0,
	image_description TEXT NOT NULL DEFAULT '',
	blurhash TEXT,
	fetched_at BIGINT,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX cards_url ON cards (url);
CREATE INDEX cards_due ON cards (due_at, id) WHERE state = 0;
CREATE TABLE post_cards (
	post_id BIGINT PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
	card_id BIGINT NOT NULL REFERENCES cards (id) ON DELETE CASCADE
);
CREATE INDEX post_cards_of_card ON post_cards (card_id, post_id);

-- Whose pages they are: hosts. Made by the first link there.
CREATE TABLE publishers (
	id BIGINT PRIMARY KEY,
	domain TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX publishers_domain ON publishers (domain);

-- Who used what on which day since 1970: one row an account, kept for a fortnight. kind: 1 tags, 2 links (as in trends).
CREATE TABLE trend_uses (
	kind SMALLINT NOT NULL,
	subject_id BIGINT NOT NULL,
	day BIGINT NOT NULL,
	account_id BIGINT NOT NULL,
	uses BIGINT NOT NULL,
	PRIMARY KEY (kind, subject_id, day, account_id)
);
CREATE INDEX trend_uses_day ON trend_uses (day, kind, subject_id);

-- What moderators have decided. kind: 0 posts, 1 tags, 2 links, 3 publishers.
CREATE TABLE trend_reviews (
	kind SMALLINT NOT NULL,
	subject_id BIGINT NOT NULL,
	allowed BOOLEAN NOT NULL,
	account_id BIGINT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (kind, subject_id)
);

-- Lists that a person brings along. kind: 0 follows, 1 blocks, 2 mutes, 3 domain blocks, 4 bookmarks, 5 lists.
-- state: 0 runs, 1 finished, 2 cancelled. phase: 0 its rows, 1 what is not in it goes.
CREATE TABLE imports (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	kind SMALLINT NOT NULL,
	overwrite BOOLEAN NOT NULL,
	state SMALLINT NOT NULL DEFAULT 0,
	phase SMALLINT NOT NULL DEFAULT 0,
	position BIGINT NOT NULL DEFAULT 0,      -- how far it is
	total BIGINT NOT NULL,
	imported BIGINT NOT NULL DEFAULT 0,
	removed BIGINT NOT NULL DEFAULT 0,
	failed BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	finished_at BIGINT
);
CREATE INDEX imports_of_account ON imports (account_id, id);
CREATE INDEX imports_running ON imports (id) WHERE state = 0;
CREATE TABLE import_rows (
	import_id BIGINT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
	position BIGINT NOT NULL,
	name TEXT NOT NULL,                      -- whom or what, folded
	list TEXT NOT NULL DEFAULT '',
	options TEXT NOT NULL DEFAULT '',        -- further fields, a tab between
	error TEXT,
	PRIMARY KEY (import_id, position)
);
CREATE INDEX import_rows_name ON import_rows (import_id, list, name);
