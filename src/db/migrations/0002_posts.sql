-- What people say and make: posts, pictures, drawing jobs, and what follows from them.

CREATE TABLE posts (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	uri TEXT NOT NULL,
	url TEXT NOT NULL,
	local BOOLEAN NOT NULL,
	visibility SMALLINT NOT NULL,
	text TEXT NOT NULL DEFAULT '',           -- as written
	content TEXT NOT NULL DEFAULT '',        -- safe HTML
	spoiler_text TEXT NOT NULL DEFAULT '',
	sensitive BOOLEAN NOT NULL DEFAULT FALSE,
	language TEXT,
	in_reply_to_id BIGINT REFERENCES posts (id) ON DELETE SET NULL,
	in_reply_to_account_id BIGINT,
	thread_id BIGINT NOT NULL,               -- the first post of the conversation
	boost_of_id BIGINT REFERENCES posts (id) ON DELETE CASCADE,
	quote_of_id BIGINT REFERENCES posts (id) ON DELETE SET NULL,
	remix_of_id BIGINT,                      -- stays when that post is deleted: lineage has its tombstone
	remixable BOOLEAN NOT NULL DEFAULT TRUE,
	prompt_visibility SMALLINT NOT NULL DEFAULT 0,
	made BOOLEAN NOT NULL DEFAULT FALSE,     -- carries a picture that was made here
	style TEXT,                              -- of its first made picture
	media_count SMALLINT NOT NULL DEFAULT 0,
	mention_count SMALLINT NOT NULL DEFAULT 0,
	tags TEXT NOT NULL DEFAULT '',           -- as written, one space between
	app_id BIGINT,
	replies_count BIGINT NOT NULL DEFAULT 0,
	boosts_count BIGINT NOT NULL DEFAULT 0,
	favourites_count BIGINT NOT NULL DEFAULT 0,
	remixes_count BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	edited_at BIGINT
);
CREATE UNIQUE INDEX posts_uri ON posts (uri);
CREATE INDEX posts_of_account ON posts (account_id, id);
CREATE INDEX posts_thread ON posts (thread_id, id);
CREATE INDEX posts_replies ON posts (in_reply_to_id) WHERE in_reply_to_id IS NOT NULL;
CREATE UNIQUE INDEX posts_boosts ON posts (boost_of_id, account_id) WHERE boost_of_id IS NOT NULL;
CREATE INDEX posts_quotes ON posts (quote_of_id) WHERE quote_of_id IS NOT NULL;
CREATE INDEX posts_public ON posts (id)
	WHERE visibility = 0 AND boost_of_id IS NULL AND in_reply_to_id IS NULL;
CREATE INDEX posts_public_local ON posts (id)
	WHERE visibility = 0 AND boost_of_id IS NULL AND in_reply_to_id IS NULL AND local;
CREATE INDEX posts_public_media ON posts (id)
	WHERE visibility = 0 AND boost_of_id IS NULL AND media_count > 0;
CREATE INDEX posts_made ON posts (id) WHERE visibility = 0 AND made;
CREATE INDEX posts_made_style ON posts (style, id) WHERE visibility = 0 AND made;

-- The answer to an Idempotency-Key, kept for a day. kind: 0 a post, 1 a job.
CREATE TABLE idempotency_keys (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	kind SMALLINT NOT NULL,
	key TEXT NOT NULL,
	result_id BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, kind, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE post_tombstones (
	uri TEXT PRIMARY KEY,
	post_id BIGINT NOT NULL,
	deleted_at BIGINT NOT NULL
);

CREATE TABLE mentions (
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	PRIMARY KEY (post_id, account_id)
);
CREATE INDEX mentions_of_account ON mentions (account_id, post_id);

CREATE TABLE tags (
	id BIGINT PRIMARY KEY,
-- Folded, for looking up; compared by bytes, so that a prefix is a range.
-- sqlite: name TEXT NOT NULL,
-- postgres: name TEXT COLLATE "C" NOT NULL,
	display TEXT NOT NULL,                   -- as first written
	posts_count BIGINT NOT NULL DEFAULT 0,
	last_post_at BIGINT,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX tags_name ON tags (name);

CREATE TABLE post_tags (
	tag_id BIGINT NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	PRIMARY KEY (tag_id, post_id)
);
CREATE INDEX post_tags_of_post ON post_tags (post_id);

-- Drawing jobs. The row is the truth; whoever draws holds a lease on it.
CREATE TABLE jobs (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	state SMALLINT NOT NULL,
	task SMALLINT NOT NULL,
	prompt TEXT NOT NULL,
	style TEXT,
	seed BIGINT,                             -- NULL until the maker has chosen one
	count SMALLINT NOT NULL,
	guidance DOUBLE PRECISION NOT NULL,
	strength DOUBLE PRECISION NOT NULL DEFAULT 0,
	region_x DOUBLE PRECISION NOT NULL DEFAULT 0,
	region_y DOUBLE PRECISION NOT NULL DEFAULT 0,
	region_width DOUBLE PRECISION NOT NULL DEFAULT 0,
	region_height DOUBLE PRECISION NOT NULL DEFAULT 0,
	source_media_id BIGINT,
	source_post_id BIGINT,
	reply_to_post_id BIGINT,                 -- answer this post with the picture (@draw)
	maker TEXT NOT NULL,
	model TEXT,
	programme TEXT,
	prompt_visibility SMALLINT NOT NULL DEFAULT 0,
	turn DOUBLE PRECISION NOT NULL,          -- the place in the fair order: virtual start time
	attempts SMALLINT NOT NULL DEFAULT 0,
	lease BIGINT NOT NULL DEFAULT 0,         -- changes with every claim; the right to finish
	lease_until BIGINT NOT NULL DEFAULT 0,
	worker TEXT,
	error_code TEXT,
	error_message TEXT,
	hidden BOOLEAN NOT NULL DEFAULT FALSE,   -- taken out of the history by its owner
	created_at BIGINT NOT NULL,
	started_at BIGINT,
	finished_at BIGINT
);
CREATE INDEX jobs_of_account ON jobs (account_id, id);
CREATE INDEX jobs_queue ON jobs (maker, turn, id) WHERE state = 0;
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 1;
CREATE INDEX jobs_active ON jobs (account_id) WHERE state < 2;

-- Fair order over accounts: when each account's last job ends in virtual time, and how far the queue is
-- (the row of account 0).
CREATE TABLE job_turns (
	account_id BIGINT PRIMARY KEY,
	turn DOUBLE PRECISION NOT NULL
);

CREATE TABLE media (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	post_id BIGINT REFERENCES posts (id) ON DELETE SET NULL,
	position SMALLINT NOT NULL DEFAULT 0,
	state SMALLINT NOT NULL,                 -- 0 ready, 1 pending, 2 failed
	kind SMALLINT NOT NULL,
	type TEXT NOT NULL,                      -- MIME
	hash TEXT,                               -- of the object; NULL while pending or remote
	size BIGINT NOT NULL DEFAULT 0,
	width BIGINT NOT NULL DEFAULT 0,
	height BIGINT NOT NULL DEFAULT 0,
	duration_ms BIGINT NOT NULL DEFAULT 0,
	thumbnail_hash TEXT,
	thumbnail_type TEXT,
	thumbnail_width BIGINT NOT NULL DEFAULT 0,
	thumbnail_height BIGINT NOT NULL DEFAULT 0,
	blurhash TEXT,
	description TEXT NOT NULL DEFAULT '',
	focus_x DOUBLE PRECISION NOT NULL DEFAULT 0,
	focus_y DOUBLE PRECISION NOT NULL DEFAULT 0,
	remote_url TEXT,
	job_id BIGINT REFERENCES jobs (id) ON DELETE SET NULL,
	job_index SMALLINT NOT NULL DEFAULT 0,
	maker TEXT,
	model TEXT,
	style TEXT,
	seed BIGINT,
	prompt TEXT,
	tokens_hash TEXT,                        -- the picture's tokens, an object of their own
	source_media_id BIGINT,
	source_post_id BIGINT,
	error_message TEXT,
	created_at BIGINT NOT NULL
);
CREATE INDEX media_of_post ON media (post_id, position) WHERE post_id IS NOT NULL;
CREATE INDEX media_of_account ON media (account_id, id);
CREATE UNIQUE INDEX media_of_job ON media (job_id, job_index) WHERE job_id IS NOT NULL;
CREATE INDEX media_drafts ON media (id) WHERE post_id IS NULL;

-- How many rows name an object. At zero it moves to the trash, and the file is deleted after the commit.
CREATE TABLE objects (
	hash TEXT PRIMARY KEY,
	refs BIGINT NOT NULL
);
CREATE TABLE object_trash (
	hash TEXT PRIMARY KEY,
	created_at BIGINT NOT NULL
);

CREATE TABLE favourites (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	uri TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, post_id)
);
CREATE INDEX favourites_of_account ON favourites (account_id, id);
CREATE INDEX favourites_of_post ON favourites (post_id, id);

CREATE TABLE bookmarks (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	post_id BIGINT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, post_id)
);
CREATE INDEX bookmarks_of_account ON bookmarks (account_id, id);
CREATE INDEX bookmarks_of_post ON bookmarks (post_id);

CREATE TABLE notifications (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	kind SMALLINT NOT NULL,
	from_account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	post_id BIGINT REFERENCES posts (id) ON DELETE CASCADE,
	created_at BIGINT NOT NULL
);
CREATE INDEX notifications_of_account ON notifications (account_id, id);
CREATE INDEX notifications_of_post ON notifications (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX notifications_from ON notifications (from_account_id);
CREATE UNIQUE INDEX notifications_once ON notifications (account_id, kind, from_account_id, post_id)
	WHERE post_id IS NOT NULL;

-- The newest posts of each local account's home, written when they are posted. Rows of deleted posts stay
-- until they are trimmed; reading joins them away. via_id: whose post or boost brought it here.
CREATE TABLE home (
	account_id BIGINT NOT NULL,
	post_id BIGINT NOT NULL,
	via_id BIGINT NOT NULL,
	PRIMARY KEY (account_id, post_id)
-- sqlite: ) WITHOUT ROWID;
-- postgres: );

-- Posts whose fan-out is not finished: the last follower that was served.
CREATE TABLE fanout (
	post_id BIGINT PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
	cursor BIGINT NOT NULL
);

-- The tree of remixes. A row outlives its post, as a tombstone without words.
CREATE TABLE lineage (
	post_id BIGINT PRIMARY KEY,
	parent_id BIGINT,
	root_id BIGINT NOT NULL,
	account_id BIGINT,
	deleted BOOLEAN NOT NULL DEFAULT FALSE,
	created_at BIGINT NOT NULL
);
CREATE INDEX lineage_root ON lineage (root_id, post_id);
CREATE INDEX lineage_parent ON lineage (parent_id) WHERE parent_id IS NOT NULL;
