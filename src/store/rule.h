/* The server's lists: domains, e-mail domains and addresses, networks, words. One row a line of a list. */
#ifndef MADANG_STORE_RULE_H
#define MADANG_STORE_RULE_H

#include "store/page.h"

enum store_rule_kind {
	STORE_RULE_DOMAIN,       /* level: enum store_domain_level */
	STORE_RULE_ALLOW,        /* domains that may federate where only those may */
	STORE_RULE_EMAIL_DOMAIN, /* level 1: sign-ups need approval; 0: are refused */
	STORE_RULE_EMAIL,        /* name: the hash of an address */
	STORE_RULE_NETWORK,      /* name: 192.0.2.0/24; level: enum store_network_level */
	STORE_RULE_WORD,         /* level: enum store_word_level */
	STORE_RULES
};
enum store_domain_level { STORE_DOMAIN_SILENCE, STORE_DOMAIN_SUSPEND, STORE_DOMAIN_NOOP };
enum { STORE_DOMAIN_REJECT_MEDIA = 1, STORE_DOMAIN_REJECT_REPORTS = 2, STORE_DOMAIN_OBFUSCATE = 4 };
enum store_network_level {
	STORE_NETWORK_APPROVAL,
	STORE_NETWORK_NO_SIGN_UP,
	STORE_NETWORK_NO_ACCESS
};
enum store_word_level { STORE_WORD_HOLD, STORE_WORD_REFUSE };
enum { STORE_WORD_WHOLE = 1 };

struct store_rule {
	int64_t id;
	enum store_rule_kind kind;
	const char *name;
	int level;
	int flags;
	const char *comment;
	const char *public_comment;
	int64_t expires_at; /* 0: never */
	int64_t created_at;
};
/* ERR_CONFLICT where the name is listed already. */
bool store_rule_insert(struct db *w, const struct store_rule *rule, struct err *e) MUST_CHECK;
bool store_rule_update(struct db *w, const struct store_rule *rule, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_rule_get(struct db *db, struct arena *arena, enum store_rule_kind kind, int64_t id,
		    struct store_rule *out, struct err *e) MUST_CHECK;
bool store_rule_find(struct db *db, struct arena *arena, enum store_rule_kind kind,
		     const char *name, struct store_rule *out, bool *found,
		     struct err *e) MUST_CHECK;
bool store_rule_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_rule_list(struct db *db, struct arena *arena, enum store_rule_kind kind,
		     const struct store_page *page, struct store_rule *out, size_t *found,
		     struct err *e) MUST_CHECK;
/* All that count now, up to room. */
bool store_rule_all(struct db *db, struct arena *arena, enum store_rule_kind kind, int64_t now_ms,
		    struct store_rule *out, size_t room, size_t *found, struct err *e) MUST_CHECK;

/* Posts that wait for a moderator. */
struct store_held {
	int64_t post_id;
	int64_t account_id;
	int visibility; /* what it will be */
	const char *reason;
	int64_t created_at;
};
bool store_held_insert(struct db *w, const struct store_held *held, struct err *e) MUST_CHECK;
bool store_held_get(struct db *db, struct arena *arena, int64_t post_id, struct store_held *out,
		    struct err *e) MUST_CHECK;
bool store_held_list(struct db *db, struct arena *arena, const struct store_page *page,
		     struct store_held *out, size_t *found, struct err *e) MUST_CHECK;
bool store_held_count(struct db *db, int64_t account_id, int64_t *count, struct err *e) MUST_CHECK;
/* The post gets its visibility and the row goes. */
bool store_held_release(struct db *w, const struct store_held *held, struct err *e) MUST_CHECK;

/* The audit log, newest first. account_id, target_id 0: any. */
struct store_audit {
	int64_t id;
	int64_t account_id;
	const char *action;
	int64_t target_id;
	const char *detail;
	int64_t created_at;
};
bool store_audit_list(struct db *db, struct arena *arena, int64_t account_id, int64_t target_id,
		      const struct store_page *page, struct store_audit *out, size_t *found,
		      struct err *e) MUST_CHECK;

#endif
