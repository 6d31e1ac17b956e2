/* Between two accounts: follow, follow request, block, mute. */
#ifndef MADANG_APP_RELATION_H
#define MADANG_APP_RELATION_H

#include "app/app.h"

struct app_relation {
	int64_t account_id;
	bool following;
	bool showing_reblogs;
	bool notifying;
	bool followed_by;
	bool blocking;
	bool blocked_by;
	bool muting;
	bool muting_notifications;
	int64_t muting_expires_at; /* 0: for ever */
	bool requested;
	bool requested_by;
	const char *languages; /* "ko en"; "": all; of a follow or a request */
	bool domain_blocking;
	bool endorsed;
	const char *note; /* "": none */
};

/* Of the asking account to each of `ids`; unknown ids are left out. At most 40. */
bool app_relation_get_many(struct app *app, const int64_t *ids, size_t count,
			   struct app_relation *out, size_t *found, struct err *e) MUST_CHECK;
bool app_relation_get(struct app *app, int64_t id, struct app_relation *out,
		      struct err *e) MUST_CHECK;

/* Leaves out those that one does not follow. At most STORE_PAGE_MAX. */
bool app_relation_only_following(struct app *app, struct store_accounts *accounts,
				 struct err *e) MUST_CHECK;

/* All of these succeed where it is so already, and tell how things stand. reblogs, notify: NULL leaves. */
bool app_follow(struct app *app, int64_t id, const bool *reblogs, const bool *notify,
		struct app_relation *out, struct err *e) MUST_CHECK;
/* Which languages one wants to read of somebody one follows (or has asked to): "ko en"; "": all. */
bool app_follow_languages(struct app *app, int64_t id, const char *languages,
			  struct app_relation *out, struct err *e) MUST_CHECK;
bool app_unfollow(struct app *app, int64_t id, struct app_relation *out, struct err *e) MUST_CHECK;
bool app_remove_follower(struct app *app, int64_t id, struct app_relation *out,
			 struct err *e) MUST_CHECK;
bool app_block(struct app *app, int64_t id, struct app_relation *out, struct err *e) MUST_CHECK;
bool app_unblock(struct app *app, int64_t id, struct app_relation *out, struct err *e) MUST_CHECK;
bool app_mute(struct app *app, int64_t id, bool notifications, int64_t duration_s,
	      struct app_relation *out, struct err *e) MUST_CHECK;
bool app_unmute(struct app *app, int64_t id, struct app_relation *out, struct err *e) MUST_CHECK;
bool app_follow_request_answer(struct app *app, int64_t id, bool accept, struct app_relation *out,
			       struct err *e) MUST_CHECK;

bool app_followers(struct app *app, int64_t id, const struct store_page *page,
		   struct store_accounts *out, struct err *e) MUST_CHECK;
bool app_following(struct app *app, int64_t id, const struct store_page *page,
		   struct store_accounts *out, struct err *e) MUST_CHECK;
bool app_blocks(struct app *app, const struct store_page *page, struct store_accounts *out,
		struct err *e) MUST_CHECK;
bool app_mutes(struct app *app, const struct store_page *page, struct store_accounts *out,
	       struct err *e) MUST_CHECK;
bool app_follow_requests(struct app *app, const struct store_page *page, struct store_accounts *out,
			 struct err *e) MUST_CHECK;

#endif
