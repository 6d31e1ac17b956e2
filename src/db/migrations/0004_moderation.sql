-- Notifications in groups and behind a policy, moderation, search, push, announcements, emojis.

-- What moderators have decided about an account, beside its state.
ALTER TABLE accounts ADD COLUMN limited BOOLEAN NOT NULL DEFAULT FALSE;    -- seen by followers only
ALTER TABLE accounts ADD COLUMN sensitized BOOLEAN NOT NULL DEFAULT FALSE; -- its media is always sensitive
ALTER TABLE accounts ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;   -- may not sign in
CREATE INDEX accounts_staff ON accounts (id) WHERE domain = '' AND role > 0;

-- group_id: which group of the same kind it counts in; NULL: it stands alone. filtered: kept back by the policy.
ALTER TABLE notifications ADD COLUMN group_id BIGINT;
ALTER TABLE notifications ADD COLUMN filtered BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE notifications ADD COLUMN subject_id BIGINT; -- of a report or a strike
CREATE INDEX notifications_shown ON notifications (account_id, filtered, id);
CREATE INDEX notifications_of_kind ON notifications (account_id, filtered, kind, id);
CREATE INDEX notifications_sender ON notifications (account_id, filtered, from_account_id, id);
CREATE INDEX notifications_of_group ON notifications (group_id, id) WHERE group_id IS NOT NULL;

CREATE TABLE notification_groups (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	key TEXT NOT NULL,
	kind SMALLINT NOT NULL,
	post_id BIGINT REFERENCES posts (id) ON DELETE CASCADE,
	latest_id BIGINT NOT NULL,
	count BIGINT NOT NULL
);
CREATE UNIQUE INDEX notification_groups_key ON notification_groups (account_id, key);
CREATE INDEX notification_groups_latest ON notification_groups (account_id, latest_id);
CREATE INDEX notification_groups_of_kind ON notification_groups (account_id, kind, latest_id);
CREATE INDEX notification_groups_of_post ON notification_groups (post_id) WHERE post_id IS NOT NULL;

-- 0 accept, 1 filter, 2 drop. No row: Mastodon's defaults.
CREATE TABLE notification_policies (
	account_id BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
	not_following SMALLINT NOT NULL,
	not_followers SMALLINT NOT NULL,
	new_accounts SMALLINT NOT NULL,
	private_mentions SMALLINT NOT NULL,
	limited_accounts SMALLINT NOT NULL
);
CREATE TABLE notification_requests (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	from_account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	count BIGINT NOT NULL,
	last_post_id BIGINT REFERENCES posts (id) ON DELETE SET NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX notification_requests_pair ON notification_requests (account_id, from_account_id);
CREATE INDEX notification_requests_list ON notification_requests (account_id, id);
CREATE INDEX notification_requests_from ON notification_requests (from_account_id);
CREATE INDEX notification_requests_post ON notification_requests (last_post_id) WHERE last_post_id IS NOT NULL;
-- Whom the policy lets through all the same.
CREATE TABLE notification_permissions (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	from_account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, from_account_id)
);
CREATE INDEX notification_permissions_from ON notification_permissions (from_account_id);

CREATE TABLE reports (
	id BIGINT PRIMARY KEY,
	account_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	category SMALLINT NOT NULL,              -- 0 other, 1 spam, 2 legal, 3 violation
	comment TEXT NOT NULL DEFAULT '',
	rule_ids TEXT NOT NULL DEFAULT '',       -- one space between
	post_ids TEXT NOT NULL DEFAULT '',       -- one space between; a post may be gone
	forwarded BOOLEAN NOT NULL DEFAULT FALSE,
	assigned_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
	resolved_by BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
	resolved_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX reports_open ON reports (id) WHERE resolved_at IS NULL;
CREATE INDEX reports_of_target ON reports (target_id, id);
CREATE INDEX reports_of_account ON reports (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX reports_assigned ON reports (assigned_id) WHERE assigned_id IS NOT NULL;
CREATE INDEX reports_resolved_by ON reports (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE TABLE report_notes (
	id BIGINT PRIMARY KEY,
	report_id BIGINT NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
	account_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
	text TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX report_notes_of_report ON report_notes (report_id, id);
CREATE INDEX report_notes_of_account ON report_notes (account_id) WHERE account_id IS NOT NULL;

-- What moderators did to an account, with the reason, and what the account answers.
CREATE TABLE strikes (
	id BIGINT PRIMARY KEY,
	account_id BIGINT REFERENCES accounts (id) ON DELETE SET NULL, -- the moderator
	target_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	action SMALLINT NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	report_id BIGINT REFERENCES reports (id) ON DELETE SET NULL,
	post_ids TEXT NOT NULL DEFAULT '',
	appeal_code_hash TEXT,                   -- for those who cannot sign in
	appeal TEXT,
	appealed_at BIGINT,
	appeal_state SMALLINT NOT NULL DEFAULT 0, -- 0 none, 1 waits, 2 approved, 3 rejected
	created_at BIGINT NOT NULL
);
CREATE INDEX strikes_of_target ON strikes (target_id, id);
CREATE INDEX strikes_of_account ON strikes (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX strikes_of_report ON strikes (report_id) WHERE report_id IS NOT NULL;
CREATE INDEX strikes_appealed ON strikes (id) WHERE appeal_state = 1;
CREATE UNIQUE INDEX strikes_code ON strikes (appeal_code_hash) WHERE appeal_code_hash IS NOT NULL;

CREATE INDEX audit_log_target ON audit_log (target_id, id) WHERE target_id IS NOT NULL;

-- Posts that wait for a moderator; their visibility in posts is 4 until then.
CREATE TABLE held_posts (
	post_id BIGINT PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	visibility SMALLINT NOT NULL,
	reason TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX held_posts_of_account ON held_posts (account_id);

-- The server's lists. kind: 0 blocked domains, 1 allowed domains, 2 e-mail domains, 3 hashes of e-mail addresses,
-- 4 networks, 5 words. name: what is listed, folded. level: how much (a severity, or hold and refuse).
CREATE TABLE block_rules (
	id BIGINT PRIMARY KEY,
	kind SMALLINT NOT NULL,
	name TEXT NOT NULL,
	level SMALLINT NOT NULL DEFAULT 0,
	flags SMALLINT NOT NULL DEFAULT 0,
	comment TEXT NOT NULL DEFAULT '',
	public_comment TEXT NOT NULL DEFAULT '',
	expires_at BIGINT,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX block_rules_name ON block_rules (kind, name);
CREATE INDEX block_rules_list ON block_rules (kind, id);

CREATE TABLE announcements (
	id BIGINT PRIMARY KEY,
	text TEXT NOT NULL,
	published BOOLEAN NOT NULL DEFAULT FALSE,
	pinned BOOLEAN NOT NULL DEFAULT FALSE,
	all_day BOOLEAN NOT NULL DEFAULT FALSE,
	starts_at BIGINT,
	ends_at BIGINT,
	post_id BIGINT REFERENCES posts (id) ON DELETE SET NULL, -- a thread that goes on: the live announcement
	published_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX announcements_published ON announcements (id) WHERE published;
CREATE INDEX announcements_post ON announcements (post_id) WHERE post_id IS NOT NULL;
CREATE TABLE announcement_reads (
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	announcement_id BIGINT NOT NULL REFERENCES announcements (id) ON DELETE CASCADE,
	PRIMARY KEY (account_id, announcement_id)
);
CREATE INDEX announcement_reads_of ON announcement_reads (announcement_id);
CREATE TABLE announcement_reactions (
	announcement_id BIGINT NOT NULL REFERENCES announcements (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (announcement_id, name, account_id)
);
CREATE INDEX announcement_reactions_of ON announcement_reactions (account_id);

CREATE TABLE custom_emojis (
	id BIGINT PRIMARY KEY,
	shortcode TEXT NOT NULL,
	hash TEXT NOT NULL,
	type TEXT NOT NULL,
	category TEXT,
	visible BOOLEAN NOT NULL DEFAULT TRUE,
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX custom_emojis_shortcode ON custom_emojis (shortcode);

CREATE TABLE push_subscriptions (
	id BIGINT PRIMARY KEY,
	account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	token_id BIGINT NOT NULL,                -- of the app (oauth_tokens) or the browser (sessions)
	endpoint TEXT NOT NULL,
	p256dh TEXT NOT NULL,
	auth TEXT NOT NULL,
	standard BOOLEAN NOT NULL,               -- aes128gcm; otherwise the draft that older apps know
	policy SMALLINT NOT NULL,                -- 0 all, 1 followed, 2 follower, 3 none
	alerts BIGINT NOT NULL,                  -- a bit for each kind of notification
	created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX push_subscriptions_token ON push_subscriptions (token_id);
CREATE INDEX push_subscriptions_of_account ON push_subscriptions (account_id);
CREATE TABLE push_queue (
	id BIGINT PRIMARY KEY,
	subscription_id BIGINT NOT NULL REFERENCES push_subscriptions (id) ON DELETE CASCADE,
	notification_id BIGINT NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
	attempts SMALLINT NOT NULL DEFAULT 0,
	due_at BIGINT NOT NULL
);
CREATE INDEX push_queue_due ON push_queue (due_at, id);
CREATE INDEX push_queue_subscription ON push_queue (subscription_id);
CREATE INDEX push_queue_notification ON push_queue (notification_id);

-- What trends, counted now and then.
CREATE TABLE trends (
	kind SMALLINT NOT NULL,                  -- 0 posts, 1 tags
	rank SMALLINT NOT NULL,
	subject_id BIGINT NOT NULL,
	score BIGINT NOT NULL,
	history TEXT NOT NULL DEFAULT '',        -- of a tag: "uses,accounts" of each of seven days, newest first
	PRIMARY KEY (kind, rank)
);

-- Words of posts and accounts, as app/words.c cuts them: the same on both databases. They wait in search_queue until they are
-- indexed; triggers put them there, so that no change of words is missed.
-- sqlite: CREATE VIRTUAL TABLE post_search USING fts5(words, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'");
-- postgres: CREATE TABLE post_search (
-- postgres: 	rowid BIGINT PRIMARY KEY,
-- postgres: 	words TSVECTOR NOT NULL
-- postgres: );
-- postgres: CREATE INDEX post_search_words ON post_search USING GIN (words);
CREATE TABLE search_queue (
	post_id BIGINT PRIMARY KEY               -- or an account's id
);
-- sqlite: CREATE TRIGGER post_search_added AFTER INSERT ON posts WHEN new.boost_of_id IS NULL BEGIN
-- sqlite: 	INSERT INTO search_queue (post_id) VALUES (new.id) ON CONFLICT DO NOTHING;
-- sqlite: END;
-- sqlite: CREATE TRIGGER post_search_changed AFTER UPDATE OF text, spoiler_text, prompt_visibility, style, made ON posts BEGIN
-- sqlite: 	INSERT INTO search_queue (post_id) VALUES (new.id) ON CONFLICT DO NOTHING;
-- sqlite: END;
-- sqlite: CREATE TRIGGER post_search_described AFTER UPDATE OF description, post_id ON media WHEN new.post_id IS NOT NULL BEGIN
-- sqlite: 	INSERT INTO search_queue (post_id) VALUES (new.post_id) ON CONFLICT DO NOTHING;
-- sqlite: END;
-- sqlite: CREATE TRIGGER post_search_gone AFTER DELETE ON posts WHEN old.boost_of_id IS NULL BEGIN
-- sqlite: 	DELETE FROM post_search WHERE rowid = old.id;
-- sqlite: END;
-- sqlite: CREATE TRIGGER account_search_added AFTER INSERT ON accounts BEGIN
-- sqlite: 	INSERT INTO search_queue (post_id) VALUES (new.id) ON CONFLICT DO NOTHING;
-- sqlite: END;
-- sqlite: CREATE TRIGGER account_search_changed AFTER UPDATE OF username, display_name ON accounts
-- sqlite: 	WHEN old.username <> new.username OR old.display_name <> new.display_name BEGIN
-- sqlite: 	INSERT INTO search_queue (post_id) VALUES (new.id) ON CONFLICT DO NOTHING;
-- sqlite: END;
-- sqlite: CREATE TRIGGER account_search_gone AFTER DELETE ON accounts BEGIN
-- sqlite: 	DELETE FROM post_search WHERE rowid = old.id;
-- sqlite: END;
-- postgres: CREATE FUNCTION post_search_enqueue() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
-- postgres: 	INSERT INTO search_queue (post_id) VALUES (new.id) ON CONFLICT DO NOTHING;
-- postgres: 	RETURN NULL;
-- postgres: END $$;
-- postgres: CREATE FUNCTION post_search_enqueue_media() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
-- postgres: 	INSERT INTO search_queue (post_id) VALUES (new.post_id) ON CONFLICT DO NOTHING;
-- postgres: 	RETURN NULL;
-- postgres: END $$;
-- postgres: CREATE TRIGGER post_search_added AFTER INSERT ON posts FOR EACH ROW WHEN (new.boost_of_id IS NULL)
-- postgres: 	EXECUTE FUNCTION post_search_enqueue();
-- postgres: CREATE TRIGGER post_search_changed AFTER UPDATE OF text, spoiler_text, prompt_visibility, style, made ON posts
-- postgres: 	FOR EACH ROW EXECUTE FUNCTION post_search_enqueue();
-- postgres: CREATE FUNCTION post_search_remove() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
-- postgres: 	DELETE FROM post_search WHERE rowid = old.id;
-- postgres: 	RETURN NULL;
-- postgres: END $$;
-- postgres: CREATE TRIGGER post_search_gone AFTER DELETE ON posts FOR EACH ROW WHEN (old.boost_of_id IS NULL)
-- postgres: 	EXECUTE FUNCTION post_search_remove();
-- postgres: CREATE TRIGGER account_search_added AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION post_search_enqueue();
-- postgres: CREATE TRIGGER account_search_changed AFTER UPDATE OF username, display_name ON accounts FOR EACH ROW
-- postgres: 	WHEN (old.username <> new.username OR old.display_name <> new.display_name) EXECUTE FUNCTION post_search_enqueue();
-- postgres: CREATE TRIGGER account_search_gone AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION post_search_remove();
-- postgres: CREATE TRIGGER post_search_described AFTER UPDATE OF description, post_id ON media
-- postgres: 	FOR EACH ROW WHEN (new.post_id IS NOT NULL) EXECUTE FUNCTION post_search_enqueue_media();
INSERT INTO search_queue (post_id) SELECT id FROM posts WHERE boost_of_id IS NULL;
INSERT INTO search_queue (post_id) SELECT id FROM accounts;
