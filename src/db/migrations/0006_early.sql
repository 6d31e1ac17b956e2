-- Early access: tokens for programs, programmes with cohorts, what is taken away and given back, the review desk,
-- feedback and the credit it earns, and what a person is told of all this.

-- Programmes open makers: one that any programme names is closed to everybody else, also after its end.
CREATE TABLE programmes (
	id BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	makers TEXT NOT NULL DEFAULT '',         -- names with a space between; '': closes nothing
	models TEXT NOT NULL DEFAULT '',
	tasks TEXT NOT NULL DEFAULT '',
	places BIGINT NOT NULL DEFAULT 0,        -- 0: no limit
	starts_at BIGINT,
	ends_at BIGINT,
	terms TEXT NOT NULL DEFAULT '',
	terms_at BIGINT NOT NULL,                -- when the terms were last changed: older consent does not count
	review BOOLEAN NOT NULL DEFAULT FALSE,   -- before publishing
	review_hours BIGINT NOT NULL DEFAULT 48,
	questions TEXT NOT NULL DEFAULT '',      -- of the feedback form, one a line
	listed BOOLEAN NOT NULL DEFAULT TRUE,    -- people may find it and apply
	revocation_id BIGINT,
	created_at BIGINT NOT NULL
);

CREATE TABLE cohorts (
	id BIGINT PRIMARY KEY,
	programme_id BIGINT NOT NULL REFERENCES programmes (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	places BIGINT NOT NULL DEFAULT 0,
	opens_at BIGINT,                         -- NULL: not yet
	revocation_id BIGINT,
	created_at BIGINT NOT NULL
);
CREATE INDEX cohorts_of_programme ON cohorts (programme_id, id);

-- state: 0 applied, 1 invited, 2 active, 3 declined, 4 left
CREATE TABLE members (
	id BIGINT PRIMARY KEY,
	programme_id BIGINT NOT NULL REFERENCES programmes (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	cohort_id BIGINT REFERENCES cohorts (id) ON DELETE SET NULL,
	state SMALLINT NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	terms_accepted_at BIGINT,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX members_once ON members (programme_id, account_id);
CREATE INDEX members_of_account ON members (account_id);
CREATE INDEX members_of_cohort ON members (cohort_id) WHERE cohort_id IS NOT NULL;

-- state: 0 active, 1 asks its owner for confirmation, 2 suspended. Revoked for good: revoked_at; by an
-- administrator, until it is undone: revocation_id.
CREATE TABLE tokens (
	id BIGINT PRIMARY KEY,
	token_hash TEXT NOT NULL,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	programme_id BIGINT REFERENCES programmes (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	hint TEXT NOT NULL,
	scopes TEXT NOT NULL,
	makers TEXT NOT NULL DEFAULT '',
	tasks TEXT NOT NULL DEFAULT '',
	networks TEXT NOT NULL DEFAULT '',
	origins TEXT NOT NULL DEFAULT '',
	state SMALLINT NOT NULL DEFAULT 0,
	reason TEXT,
	use_count BIGINT NOT NULL DEFAULT 0,
	used_at BIGINT,
	used_network TEXT,
	watched_from BIGINT NOT NULL,            -- uses before it do not count as a leak: made, or confirmed
	expires_at BIGINT,
	revoked_at BIGINT,
	revocation_id BIGINT,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX tokens_token ON tokens (token_hash);
CREATE INDEX tokens_of_account ON tokens (account_id, id);
CREATE INDEX tokens_of_programme ON tokens (programme_id) WHERE programme_id IS NOT NULL;

-- Where a token was used, by the minute: what the detection of leaks looks at. Kept for a week.
CREATE TABLE token_uses (
	token_id BIGINT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
	minute BIGINT NOT NULL,
	network TEXT NOT NULL,
	agent TEXT NOT NULL,
	uses BIGINT NOT NULL,
	PRIMARY KEY (token_id, minute, network, agent)
);
CREATE INDEX token_uses_age ON token_uses (minute);

CREATE INDEX jobs_of_token ON jobs (token_id) WHERE token_id IS NOT NULL AND state < 2;
CREATE INDEX jobs_of_programme ON jobs (programme_id) WHERE programme_id IS NOT NULL AND state < 2;

-- kind: 0 token, 1 account, 2 cohort, 3 programme
CREATE TABLE revocations (
	id BIGINT PRIMARY KEY,
	kind SMALLINT NOT NULL,
	target_id BIGINT NOT NULL,
	message TEXT NOT NULL DEFAULT '',
	tokens BIGINT NOT NULL DEFAULT 0,
	members BIGINT NOT NULL DEFAULT 0,
	jobs BIGINT NOT NULL DEFAULT 0,
	account_id BIGINT,                       -- who did it
	created_at BIGINT NOT NULL,
	undone_at BIGINT
);
CREATE INDEX revocations_unfinished ON revocations (id) WHERE jobs < 0;
CREATE INDEX revocations_now ON revocations (kind, target_id) WHERE undone_at IS NULL;

-- A picture that waits for approval: its file is served to its owner and the reviewers only.
ALTER TABLE media ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX media_held ON media (hash) WHERE held;
CREATE INDEX media_held_thumbnail ON media (thumbnail_hash) WHERE held;

-- A post that waits: the row in posts is direct and mentions nobody; here is how it will be.
-- state: 0 pending, 1 changes asked for, 2 approved, 3 refused
CREATE TABLE reviews (
	id BIGINT PRIMARY KEY,
	post_id BIGINT REFERENCES posts (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	programme_id BIGINT NOT NULL REFERENCES programmes (id) ON DELETE CASCADE,
	visibility SMALLINT NOT NULL,
	state SMALLINT NOT NULL DEFAULT 0,
	reason TEXT,
	deadline_at BIGINT,
	reviewer_id BIGINT,
	created_at BIGINT NOT NULL,
	decided_at BIGINT
);
CREATE UNIQUE INDEX reviews_of_post ON reviews (post_id);
CREATE INDEX reviews_of_account ON reviews (account_id, id);
CREATE INDEX reviews_desk ON reviews (deadline_at, id) WHERE state < 2;

-- state: 0 open, 1 accepted, 2 declined
CREATE TABLE feedback (
	id BIGINT PRIMARY KEY,
	programme_id BIGINT NOT NULL REFERENCES programmes (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	media_id BIGINT,
	post_id BIGINT,
	answers TEXT NOT NULL DEFAULT '',        -- one a line, breaks written as \n
	text TEXT NOT NULL DEFAULT '',
	state SMALLINT NOT NULL DEFAULT 0,
	credits BIGINT NOT NULL DEFAULT 0,
	reason TEXT,
	created_at BIGINT NOT NULL,
	decided_at BIGINT
);
CREATE INDEX feedback_of_account ON feedback (account_id, id);
CREATE INDEX feedback_state ON feedback (state, id);

-- The ledger: every transfer is two entries that add up to nothing. Account 0 is the house, from which credits
-- come and to which they go; nobody else's balance is ever below nothing. Entries outlive their accounts.
CREATE TABLE credit_entries (
	id BIGINT PRIMARY KEY,
	transfer_id BIGINT NOT NULL,
	account_id BIGINT NOT NULL,
	amount BIGINT NOT NULL,
	balance BIGINT NOT NULL,
	reason TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX credit_entries_of_account ON credit_entries (account_id, id);
CREATE TABLE credit_balances (
	account_id BIGINT PRIMARY KEY,
	balance BIGINT NOT NULL,
	CHECK (account_id = 0 OR balance >= 0)
);

-- What a person is told that is no notification of Mastodon's.
CREATE TABLE notices (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	text TEXT NOT NULL,
	target_id BIGINT,
	read BOOLEAN NOT NULL DEFAULT FALSE,
	created_at BIGINT NOT NULL
);
CREATE INDEX notices_of_account ON notices (account_id, id);
