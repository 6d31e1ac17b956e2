-- Who is here: accounts (local and remote), the people behind the local ones, what they sign in with.
-- Times are milliseconds since 1970 in UTC. Ids are made by the program and ordered by time.
-- A line that begins with "-- sqlite:" or "-- postgres:" counts for that database only.

CREATE TABLE accounts (
	id BIGINT PRIMARY KEY,
	username TEXT NOT NULL,
	domain TEXT NOT NULL DEFAULT '',         -- '' for the accounts of this server
-- Lower case, for looking up; compared by bytes, so that a prefix is a range.
-- sqlite: username_key TEXT NOT NULL,
-- postgres: username_key TEXT COLLATE "C" NOT NULL,
	uri TEXT NOT NULL,
	url TEXT NOT NULL,
	inbox_uri TEXT,
	shared_inbox_uri TEXT,
	outbox_uri TEXT,
	followers_uri TEXT,
	public_key TEXT,
	private_key TEXT,
	display_name TEXT NOT NULL DEFAULT '',
	note TEXT NOT NULL DEFAULT '',           -- the text of a local account, the safe HTML of a remote one
	fields TEXT NOT NULL DEFAULT '',         -- "name<TAB>value<LF>" each
	avatar_hash TEXT,
	avatar_type TEXT,
	header_hash TEXT,
	header_type TEXT,
	avatar_remote_url TEXT,
	header_remote_url TEXT,
	bot BOOLEAN NOT NULL DEFAULT FALSE,
	locked BOOLEAN NOT NULL DEFAULT FALSE,
	discoverable BOOLEAN NOT NULL DEFAULT TRUE,
	role SMALLINT NOT NULL DEFAULT 0,
	state SMALLINT NOT NULL DEFAULT 0,
	followers_count BIGINT NOT NULL DEFAULT 0,
	following_count BIGINT NOT NULL DEFAULT 0,
	posts_count BIGINT NOT NULL DEFAULT 0,
	last_post_at BIGINT,
	fetched_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_name ON accounts (username_key, domain);
CREATE UNIQUE INDEX accounts_uri ON accounts (uri);
CREATE INDEX accounts_state ON accounts (state, id) WHERE domain = '';

CREATE TABLE users (
	account_id BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	totp_secret TEXT,
	totp_pending TEXT,
	totp_last_step BIGINT NOT NULL DEFAULT 0,
	locale TEXT NOT NULL DEFAULT 'en',
	confirmed BOOLEAN NOT NULL DEFAULT FALSE,
	approved BOOLEAN NOT NULL DEFAULT FALSE,
	reason TEXT,
	invitation_id BIGINT,
	last_sign_in_at BIGINT,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email_key);

-- One-time links: set-up, password reset, confirmation of an address. Only the hash of the code is kept.
CREATE TABLE one_time_codes (
	code_hash TEXT PRIMARY KEY,
	purpose SMALLINT NOT NULL,
	account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX one_time_codes_account ON one_time_codes (account_id);

CREATE TABLE sessions (
	id BIGINT PRIMARY KEY,
	token_hash TEXT NOT NULL,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	ip TEXT NOT NULL DEFAULT '',
	agent TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE oauth_apps (
	id BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	website TEXT,
	redirect_uris TEXT NOT NULL,             -- one a line
	scopes TEXT NOT NULL,
	client_id TEXT NOT NULL,
	client_secret_hash TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX oauth_apps_client ON oauth_apps (client_id);

CREATE TABLE oauth_grants (
	code_hash TEXT PRIMARY KEY,
	app_id BIGINT NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	redirect_uri TEXT NOT NULL,
	scopes TEXT NOT NULL,
	code_challenge TEXT,
	expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_grants_account ON oauth_grants (account_id);
CREATE INDEX oauth_grants_app ON oauth_grants (app_id);

CREATE TABLE oauth_tokens (
	id BIGINT PRIMARY KEY,
	token_hash TEXT NOT NULL,
	app_id BIGINT REFERENCES oauth_apps (id) ON DELETE CASCADE,
	account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE, -- NULL: client credentials
	name TEXT NOT NULL DEFAULT '',
	scopes TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT,
	expires_at BIGINT,
	revoked_at BIGINT
);
CREATE UNIQUE INDEX oauth_tokens_token ON oauth_tokens (token_hash);
CREATE INDEX oauth_tokens_account ON oauth_tokens (account_id, id);
CREATE INDEX oauth_tokens_app ON oauth_tokens (app_id);

CREATE TABLE invitations (
	id BIGINT PRIMARY KEY,
	code TEXT NOT NULL,
	account_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
	uses BIGINT NOT NULL DEFAULT 0,
	uses_max BIGINT NOT NULL DEFAULT 0,      -- 0: no limit
	expires_at BIGINT,
	revoked BOOLEAN NOT NULL DEFAULT FALSE,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitations_code ON invitations (code);
CREATE INDEX invitations_account ON invitations (account_id);

CREATE TABLE follows (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	local BOOLEAN NOT NULL,                  -- the follower lives here and has a home timeline
	reblogs BOOLEAN NOT NULL DEFAULT TRUE,
	notify BOOLEAN NOT NULL DEFAULT FALSE,
	uri TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, target_id)
);
CREATE INDEX follows_of_account ON follows (account_id, id);
CREATE INDEX follows_of_target ON follows (target_id, id);
CREATE INDEX follows_fanout ON follows (target_id, account_id) WHERE local;

CREATE TABLE follow_requests (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	reblogs BOOLEAN NOT NULL DEFAULT TRUE,
	notify BOOLEAN NOT NULL DEFAULT FALSE,
	uri TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, target_id)
);
CREATE INDEX follow_requests_of_target ON follow_requests (target_id, id);

CREATE TABLE blocks (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	uri TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, target_id)
);
CREATE INDEX blocks_of_account ON blocks (account_id, id);
CREATE INDEX blocks_of_target ON blocks (target_id);

CREATE TABLE mutes (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	id BIGINT NOT NULL,
	notifications BOOLEAN NOT NULL DEFAULT TRUE,
	expires_at BIGINT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, target_id)
);
CREATE INDEX mutes_of_account ON mutes (account_id, id);
CREATE INDEX mutes_of_target ON mutes (target_id);

CREATE TABLE settings (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE preferences (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (account_id, name)
);

CREATE TABLE markers (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	timeline TEXT NOT NULL,
	last_read_id BIGINT NOT NULL,
	version BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, timeline)
);

CREATE TABLE audit_log (
	id BIGINT PRIMARY KEY,
	account_id BIGINT,                       -- who did it; NULL: the program or the command line
	action TEXT NOT NULL,
	target_id BIGINT,
	detail TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL
);
