-- Many people, few machines: the fair order for each maker, who draws, quotas, and how long things take.

-- The fair order, for each maker: when each account's last job ends in virtual time, and how far the queue is
-- (the row of account 0). One queue's clock says nothing about another's.
DROP TABLE job_turns;
CREATE TABLE job_turns (
	maker TEXT NOT NULL,
	account_id BIGINT NOT NULL,
	turn DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (maker, account_id)
);

ALTER TABLE jobs ADD COLUMN token_id BIGINT;         -- asked with this token; NULL: in a browser
ALTER TABLE jobs ADD COLUMN programme_id BIGINT;     -- in the name of this programme
ALTER TABLE jobs ADD COLUMN weight DOUBLE PRECISION NOT NULL DEFAULT 1; -- what a picture costs in turns is 1 / weight
ALTER TABLE jobs ADD COLUMN running_max BIGINT NOT NULL DEFAULT 4; -- of its account, at the same time
ALTER TABLE jobs ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE jobs ADD COLUMN same TEXT;               -- what is asked for, hashed; NULL: not to be joined
ALTER TABLE jobs ADD COLUMN leader_id BIGINT;        -- gets the pictures of this identical job
ALTER TABLE jobs ADD COLUMN promise_low_ms BIGINT NOT NULL DEFAULT 0; -- what the person was told at first
ALTER TABLE jobs ADD COLUMN promise_high_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN promise_mean_ms BIGINT NOT NULL DEFAULT 0; -- before calibration; 0: none stands
ALTER TABLE jobs ADD COLUMN promise_kind SMALLINT NOT NULL DEFAULT 0;  -- whose calibration
DROP INDEX jobs_queue;
CREATE INDEX jobs_queue ON jobs (maker, turn, id) WHERE state = 0 AND NOT paused AND leader_id IS NULL;
CREATE INDEX jobs_running_of ON jobs (account_id) WHERE state = 1;
CREATE INDEX jobs_joined ON jobs (leader_id) WHERE leader_id IS NOT NULL;
CREATE INDEX jobs_same ON jobs (same) WHERE same IS NOT NULL AND leader_id IS NULL AND state < 2;

-- What administrators say about makers; a maker without a row is not paused and costs nothing.
CREATE TABLE maker_rules (
	maker TEXT PRIMARY KEY,
	paused BOOLEAN NOT NULL DEFAULT FALSE,
	reason TEXT NOT NULL DEFAULT '',
	cost DOUBLE PRECISION NOT NULL DEFAULT 0         -- of one picture
);

-- Every process that draws, by its heartbeat. makers: what each can do, as JSON.
CREATE TABLE workers (
	name TEXT PRIMARY KEY,
	makers TEXT NOT NULL,
	slots BIGINT NOT NULL,
	busy BIGINT NOT NULL,
	utilisation DOUBLE PRECISION NOT NULL,
	memory_free DOUBLE PRECISION NOT NULL,
	started_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL
);

-- How long things have taken: histograms with logarithmic buckets. kind: 0 seconds from the claim to the finish;
-- 1 to 4 the real wait over the expected one, by what was in front; 5 promises (bucket 0 broken, 1 kept).
CREATE TABLE service_times (
	maker TEXT NOT NULL,
	task SMALLINT NOT NULL,
	size BIGINT NOT NULL,                    -- pixels of the whole job
	kind SMALLINT NOT NULL,
	bucket SMALLINT NOT NULL,
	count DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (maker, task, size, kind, bucket)
);

CREATE TABLE groups_of_accounts (
	id BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX groups_of_accounts_name ON groups_of_accounts (name);
CREATE TABLE group_members (
	group_id BIGINT NOT NULL REFERENCES groups_of_accounts (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	PRIMARY KEY (group_id, account_id)
);
CREATE INDEX group_members_account ON group_members (account_id);

-- subject: 0 everyone, 1 a role, 2 a group, 3 a programme, 4 an account, 5 a token; subject_id: which one (of a
-- role, its number; of everyone, 0). unit: 0 pictures, 1 film seconds, 2 cost; 3 queued, 4 running, 5 weight.
CREATE TABLE quotas (
	id BIGINT PRIMARY KEY,
	subject SMALLINT NOT NULL,
	subject_id BIGINT NOT NULL,
	unit SMALLINT NOT NULL,
	amount DOUBLE PRECISION NOT NULL,
	period_ms BIGINT NOT NULL,               -- 0 for caps and weights
	steady BOOLEAN NOT NULL DEFAULT FALSE,   -- refills all the time, not at the end of the period
	shared BOOLEAN NOT NULL DEFAULT FALSE,   -- one bucket for all members
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX quotas_subject ON quotas (subject, subject_id, unit, period_ms, shared);

-- What is used up. holder_id: the account, the token, or 0 of a shared one.
CREATE TABLE quota_buckets (
	quota_id BIGINT NOT NULL REFERENCES quotas (id) ON DELETE CASCADE,
	holder_id BIGINT NOT NULL,
	used DOUBLE PRECISION NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (quota_id, holder_id)
);
-- What a job that has not ended took, to give it back.
CREATE TABLE quota_charges (
	job_id BIGINT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
	quota_id BIGINT NOT NULL REFERENCES quotas (id) ON DELETE CASCADE,
	holder_id BIGINT NOT NULL,
	amount DOUBLE PRECISION NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (job_id, quota_id)
);
CREATE INDEX quota_charges_quota ON quota_charges (quota_id);
