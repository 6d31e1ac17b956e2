-- The rest of the client API: edits, polls, scheduled posts, quotes, conversations, lists, followed and featured
-- tags, filters, what one notes about others.

ALTER TABLE posts ADD COLUMN quote_policy SMALLINT NOT NULL DEFAULT 0;   -- who may quote it
ALTER TABLE posts ADD COLUMN quote_state SMALLINT NOT NULL DEFAULT 0;    -- 0 is no quote
ALTER TABLE posts ADD COLUMN quotes_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE posts ADD COLUMN poll BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE posts SET quote_state = 1 WHERE quote_of_id IS NOT NULL;
UPDATE posts SET quotes_count = (SELECT COUNT(*) FROM posts q WHERE q.quote_of_id = posts.id)
	WHERE id IN (SELECT quote_of_id FROM posts WHERE quote_of_id IS NOT NULL);

-- What a post was before it was edited, and each version since. Lists hold one item a line.
CREATE TABLE post_edits (
	id BIGINT PRIMARY KEY,
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	text TEXT NOT NULL,
	content TEXT NOT NULL,
	spoiler_text TEXT NOT NULL,
	sensitive BOOLEAN NOT NULL,
	media TEXT NOT NULL,                     -- ids
	options TEXT NOT NULL,                   -- of its poll
	created_at BIGINT NOT NULL
);
CREATE INDEX post_edits_of_post ON post_edits (post_id, id);

CREATE TABLE polls (
	post_id BIGINT PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL,
	options TEXT NOT NULL,                   -- one a line
	multiple BOOLEAN NOT NULL,
	hide_totals BOOLEAN NOT NULL,
	voters_count BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL,
	closed BOOLEAN NOT NULL DEFAULT FALSE,   -- its voters are told
	told_to BIGINT NOT NULL DEFAULT 0        -- up to which voter
);
CREATE INDEX polls_open ON polls (expires_at) WHERE NOT closed;
CREATE TABLE poll_votes (
	post_id BIGINT NOT NULL REFERENCES polls (post_id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	choice SMALLINT NOT NULL,
	PRIMARY KEY (post_id, account_id, choice)
);
CREATE INDEX poll_votes_of_account ON poll_votes (account_id);

CREATE TABLE scheduled_posts (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	form TEXT NOT NULL,                      -- JSON
	scheduled_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX scheduled_posts_of_account ON scheduled_posts (account_id, id);
CREATE INDEX scheduled_posts_due ON scheduled_posts (scheduled_at);
CREATE TABLE scheduled_media (
	media_id BIGINT PRIMARY KEY REFERENCES media (id) ON DELETE CASCADE,
	scheduled_id BIGINT NOT NULL REFERENCES scheduled_posts (id) ON DELETE CASCADE
);
CREATE INDEX scheduled_media_of ON scheduled_media (scheduled_id);

CREATE TABLE pins (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, post_id)
);
CREATE INDEX pins_of_account ON pins (account_id, id);
CREATE INDEX pins_of_post ON pins (post_id);

-- Conversations whose notifications one does not want.
CREATE TABLE thread_mutes (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	thread_id BIGINT NOT NULL,
	PRIMARY KEY (account_id, thread_id)
);

-- Direct posts as each local account in them sees them: one row a thread.
CREATE TABLE conversations (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	thread_id BIGINT NOT NULL,
	last_post_id BIGINT REFERENCES posts (id) ON DELETE CASCADE,
	unread BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX conversations_thread ON conversations (thread_id, account_id);
CREATE INDEX conversations_of_account ON conversations (account_id, last_post_id);
CREATE INDEX conversations_of_post ON conversations (last_post_id);

CREATE TABLE lists (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	title TEXT NOT NULL,
	replies_policy SMALLINT NOT NULL,
	exclusive BOOLEAN NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX lists_of_account ON lists (account_id, id);
CREATE TABLE list_members (
	list_id BIGINT NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	owner_id BIGINT NOT NULL,                -- of the list: fan-out goes by followers
	id BIGINT NOT NULL,
	PRIMARY KEY (list_id, account_id)
);
CREATE INDEX list_members_order ON list_members (list_id, id);
CREATE INDEX list_members_fanout ON list_members (account_id, owner_id);
-- Written as home is, and trimmed as it is.
CREATE TABLE list_posts (
	list_id BIGINT NOT NULL,
	post_id BIGINT NOT NULL,
	via_id BIGINT NOT NULL,
	PRIMARY KEY (list_id, post_id)
-- sqlite: ) WITHOUT ROWID;
-- postgres: );

ALTER TABLE follows ADD COLUMN languages TEXT;                           -- " ko en "; NULL: all
ALTER TABLE follow_requests ADD COLUMN languages TEXT;
ALTER TABLE fanout ADD COLUMN phase SMALLINT NOT NULL DEFAULT 0;         -- 0 followers, 1 of its tags

CREATE TABLE tag_follows (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	tag_id BIGINT NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	PRIMARY KEY (account_id, tag_id)
);
CREATE INDEX tag_follows_of_account ON tag_follows (account_id, id);
CREATE INDEX tag_follows_fanout ON tag_follows (tag_id, account_id);
CREATE TABLE featured_tags (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	tag_id BIGINT NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
	name TEXT NOT NULL,                      -- as its account writes it
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX featured_tags_once ON featured_tags (account_id, tag_id);

CREATE TABLE account_notes (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	comment TEXT NOT NULL,
	PRIMARY KEY (account_id, target_id)
);
CREATE TABLE endorsements (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	PRIMARY KEY (account_id, target_id)
);
CREATE INDEX endorsements_of_account ON endorsements (account_id, id);
CREATE TABLE account_domain_blocks (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	domain TEXT NOT NULL,
	id BIGINT NOT NULL,
	PRIMARY KEY (account_id, domain)
);
CREATE INDEX account_domain_blocks_of ON account_domain_blocks (account_id, id);
CREATE TABLE suggestion_dismissals (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	PRIMARY KEY (account_id, target_id)
);
CREATE INDEX accounts_directory ON accounts (last_post_at) WHERE discoverable AND state = 0;
CREATE INDEX accounts_popular ON accounts (followers_count) WHERE discoverable AND state = 0;

CREATE TABLE filters (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	title TEXT NOT NULL,
	contexts SMALLINT NOT NULL,              -- a bit each
	action SMALLINT NOT NULL,
	made BOOLEAN NOT NULL DEFAULT FALSE,     -- catches pictures that were made by a model
	maker TEXT,                              -- of this maker only
	expires_at BIGINT,
	created_at BIGINT NOT NULL
);
CREATE INDEX filters_of_account ON filters (account_id, id);
CREATE TABLE filter_keywords (
	id BIGINT PRIMARY KEY,
	filter_id BIGINT NOT NULL REFERENCES filters (id) ON DELETE CASCADE,
	keyword TEXT NOT NULL,
	whole_word BOOLEAN NOT NULL
);
CREATE INDEX filter_keywords_of ON filter_keywords (filter_id, id);
CREATE TABLE filter_posts (
	id BIGINT PRIMARY KEY,
	filter_id BIGINT NOT NULL REFERENCES filters (id) ON DELETE CASCADE,
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX filter_posts_once ON filter_posts (filter_id, post_id);
CREATE INDEX filter_posts_of_post ON filter_posts (post_id);
