-- Proposed descriptions that say a prompt which is not for everybody were once indexed for everybody: these posts are cut into words anew.
INSERT INTO search_queue (post_id) SELECT DISTINCT m.post_id FROM media m JOIN posts p ON p.id = m.post_id
	WHERE p.prompt_visibility <> 0 AND m.prompt = m.description ON CONFLICT DO NOTHING;
