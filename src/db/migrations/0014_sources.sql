-- What an edit begins with besides its picture: further pictures, and a mask whose transparent part is to be drawn anew.
ALTER TABLE jobs ADD COLUMN further SMALLINT NOT NULL DEFAULT 0;      -- how many further pictures
ALTER TABLE jobs ADD COLUMN masked BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE media ADD COLUMN transparent BOOLEAN NOT NULL DEFAULT FALSE; -- an upload: it can be a mask
CREATE TABLE job_sources (
	job_id BIGINT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
	position SMALLINT NOT NULL,              -- 0: the mask; further pictures from 1 on
	media_id BIGINT NOT NULL,                -- may be gone once the job has ended
	PRIMARY KEY (job_id, position)
);
CREATE INDEX job_sources_of_media ON job_sources (media_id);
-- What is swept away looks here first.
CREATE INDEX jobs_open_source ON jobs (source_media_id) WHERE source_media_id IS NOT NULL AND state < 2;
-- Where a job stands, and how many an account has, is told from these indexes alone, however many wait. (SQLite looks at
-- a partial index's own condition again in each row, so the columns of that stand in it too.)
DROP INDEX jobs_queue;
CREATE INDEX jobs_queue ON jobs (maker, turn, id, account_id, task, count, state, paused, leader_id)
	WHERE state = 0 AND NOT paused AND leader_id IS NULL;
DROP INDEX jobs_active;
CREATE INDEX jobs_active ON jobs (account_id, state) WHERE state < 2;
