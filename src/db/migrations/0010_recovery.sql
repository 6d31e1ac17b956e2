-- Recovery codes of the second factor: each signs in once, where the app is not at hand. Only hashes are kept.
CREATE TABLE recovery_codes (
	account_id BIGINT NOT NULL REFERENCES users (account_id) ON DELETE CASCADE,
	code_hash TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, code_hash)
);
