-- The words of accounts got a mark of their own: all accounts are cut into words anew.
INSERT INTO search_queue (post_id) SELECT id FROM accounts WHERE state <> 3 ON CONFLICT DO NOTHING;
