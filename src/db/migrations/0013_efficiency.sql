-- What each process that draws has done since it started, so that one page can show the efficiency of all of them.
ALTER TABLE workers ADD COLUMN pictures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN cpu_s DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN joules DOUBLE PRECISION;  -- NULL: this machine does not tell
ALTER TABLE workers ADD COLUMN prefixes_computed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN prefixes_shared BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN prefix_tokens_computed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN prefix_tokens_shared BIGINT NOT NULL DEFAULT 0;
