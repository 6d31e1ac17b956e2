/* Accounts, local and remote. */
#ifndef MADANG_STORE_ACCOUNT_H
#define MADANG_STORE_ACCOUNT_H

#include "store/page.h"

enum store_role { STORE_ROLE_USER, STORE_ROLE_MODERATOR, STORE_ROLE_ADMIN, STORE_ROLE_OWNER };

enum store_account_state {
	STORE_ACCOUNT_ACTIVE,
	STORE_ACCOUNT_PENDING, /* an administrator has to let them in */
	STORE_ACCOUNT_SUSPENDED,
	STORE_ACCOUNT_DELETED,
};

struct store_account {
	int64_t id;
	const char *username;
	const char *domain; /* "" for the accounts of this server */
	const char *uri;
	const char *url;
	const char *display_name; /* "" where none is set */
	const char *note;         /* text (local) or safe HTML (remote) */
	const char *fields;       /* "name\tvalue\n" each */
	const char *avatar_hash;  /* NULL: none; so are the others */
	const char *avatar_type;
	const char *header_hash;
	const char *header_type;
	const char *avatar_remote_url;
	const char *header_remote_url;
	const char *avatar_description; /* "" where none is set */
	const char *header_description;
	bool bot;
	bool locked;
	bool discoverable;
	bool indexable;        /* its public posts are found by others' searches */
	bool hide_collections; /* whom it follows and who follows it is its own business */
	enum store_role role;
	enum store_account_state state;
	bool limited;    /* only followers come across it */
	bool sensitized; /* all its media count as sensitive */
	bool disabled;   /* may not sign in */
	int64_t followers_count;
	int64_t following_count;
	int64_t posts_count;
	int64_t last_post_at; /* 0: never */
	int64_t created_at;
	int64_t updated_at;
};

/* What only federation needs. */
struct store_account_keys {
	const char *public_key;
	const char *private_key;
	const char *inbox_uri;
	const char *shared_inbox_uri;
	const char *outbox_uri;
	const char *followers_uri;
};

struct store_accounts {
	struct store_account *items;
	size_t count;
	int64_t
	    first; /* the page's keys (ids of follows, favourites, …), for min_id and max_id of the */
	int64_t last; /* pages beside it; 0 where the page is empty */
	bool more;    /* there may be older ones */
};

/* The columns that store_account_take reads, and how to read them; `a` is the table's name in the query. */
#define STORE_ACCOUNT_COLUMNS                                                                              \
	"a.id, a.username, a.domain, a.uri, a.url, a.display_name, a.note, a.fields, a.avatar_hash, "      \
	"a.avatar_type, a.header_hash, a.header_type, a.avatar_remote_url, a.header_remote_url, a.bot, "   \
	"a.locked, a.discoverable, a.role, a.state, a.followers_count, a.following_count, "                \
	"a.posts_count, a.last_post_at, a.created_at, a.updated_at, a.limited, a.sensitized, a.disabled, " \
	"a.indexable, a.hide_collections, a.avatar_description, a.header_description"
void store_account_take(struct db_stmt *q, struct arena *arena, struct store_account *account);
/* Reads a whole list whose rows are (key, account columns), and ends q. */
bool store_accounts_read(struct db_stmt *q, struct arena *arena, const struct store_page *page,
			 struct store_accounts *out, struct err *e) MUST_CHECK;

bool store_account_insert(struct db *w, const struct store_account *account,
			  const struct store_account_keys *keys, struct err *e) MUST_CHECK;
bool store_account_update(struct db *w, const struct store_account *account,
			  struct err *e) MUST_CHECK;

/* ERR_NOT_FOUND where there is none. */
bool store_account_get(struct db *db, struct arena *arena, int64_t id, struct store_account *out,
		       struct err *e) MUST_CHECK;
bool store_account_find(struct db *db, struct arena *arena, const char *username,
			const char *domain, struct store_account *out, struct err *e) MUST_CHECK;
/* Those of `ids` that exist, in no order. out has room for `count`. */
bool store_account_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			    struct store_account *out, size_t *found, struct err *e) MUST_CHECK;

bool store_account_set_role(struct db *w, int64_t id, enum store_role role,
			    struct err *e) MUST_CHECK;
bool store_account_set_state(struct db *w, int64_t id, enum store_account_state state,
			     struct err *e) MUST_CHECK;
/* All three at once, as the account's struct says. */
bool store_account_set_limits(struct db *w, const struct store_account *account,
			      struct err *e) MUST_CHECK;
bool store_account_add_followers(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;
bool store_account_add_following(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;
bool store_account_add_posts(struct db *w, int64_t id, int64_t delta, int64_t last_post_at,
			     struct err *e) MUST_CHECK;

/* Active accounts whose name begins with `prefix` (folded), best first. */
bool store_account_search(struct db *db, struct arena *arena, const char *prefix,
			  const char *domain, int limit, int offset, struct store_accounts *out,
			  struct err *e) MUST_CHECK;
/* Local accounts of one state, newest first; q: a part of the name or NULL. */
bool store_account_list_local(struct db *db, struct arena *arena, enum store_account_state state,
			      const char *q, const struct store_page *page,
			      struct store_accounts *out, struct err *e) MUST_CHECK;
/* Local accounts with a role. */
bool store_account_staff(struct db *db, int64_t *ids, size_t room, size_t *found,
			 struct err *e) MUST_CHECK;
bool store_account_count_local(struct db *db, int64_t *count, struct err *e) MUST_CHECK;

#endif
