/* Notifications. */
#ifndef MADANG_APP_NOTIFICATION_H
#define MADANG_APP_NOTIFICATION_H

#include "app/post.h"

enum app_notification_kind {
	APP_NOTIFY_MENTION,
	APP_NOTIFY_REBLOG,
	APP_NOTIFY_FAVOURITE,
	APP_NOTIFY_FOLLOW,
	APP_NOTIFY_FOLLOW_REQUEST,
	APP_NOTIFY_STATUS, /* somebody one asked to hear of has posted */
	APP_NOTIFY_QUOTE,
	APP_NOTIFY_UPDATE,
	APP_NOTIFY_REMIX, /* ours: somebody remixed a picture; to apps it is a quote-like "mention" */
	APP_NOTIFY_SIGN_UP,
	APP_NOTIFY_POLL,
	APP_NOTIFY_QUOTED_UPDATE,
	APP_NOTIFY_REPORT,  /* admin.report */
	APP_NOTIFY_WARNING, /* moderation_warning */
	APP_NOTIFY_KINDS,
};
/* Mastodon's name: "mention", "reblog", … NULL for what apps do not know (remix). */
const char *app_notification_name(enum app_notification_kind kind);

struct app_notification {
	int64_t id;
	enum app_notification_kind kind;
	int64_t created_at;
	const struct store_account *account;
	const struct app_post *post; /* may be NULL */
};
struct app_notifications {
	struct app_notification *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};

/* kinds: a bit for each kind that is wanted; 0: all. */
bool app_notification_list(struct app *app, unsigned kinds, int64_t from_account_id,
			   const struct store_page *page, struct app_notifications *out,
			   struct err *e) MUST_CHECK;
bool app_notification_get(struct app *app, int64_t id, struct app_notification *out,
			  struct err *e) MUST_CHECK;
bool app_notification_dismiss(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_notification_clear(struct app *app, struct err *e) MUST_CHECK;
/* Those after the marker "notifications", counted up to `limit`. */
bool app_notification_unread(struct app *app, int limit, int64_t *count, struct err *e) MUST_CHECK;

#endif
