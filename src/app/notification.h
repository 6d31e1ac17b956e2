/* Notifications. */
#ifndef MADANG_APP_NOTIFICATION_H
#define MADANG_APP_NOTIFICATION_H

#include "app/post.h"
#include "store/notification.h"
#include "store/report.h"

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
#define APP_NOTIFY_ALL ((1u << APP_NOTIFY_KINDS) - 1)
/* Those that are shown together: ten people like one post. */
#define APP_NOTIFY_GROUPABLE                                                              \
	(1u << APP_NOTIFY_REBLOG | 1u << APP_NOTIFY_FAVOURITE | 1u << APP_NOTIFY_FOLLOW | \
	 1u << APP_NOTIFY_SIGN_UP)
/* Mastodon's name: "mention", "reblog", … NULL for what apps do not know (remix). */
const char *app_notification_name(enum app_notification_kind kind);

struct app_notification {
	int64_t id;
	enum app_notification_kind kind;
	int64_t created_at;
	const char *group_key;
	bool filtered;
	const struct store_account *account;
	const struct app_post *post;        /* may be NULL */
	const struct store_report *report;  /* admin.report */
	const struct store_strike *strike;  /* moderation_warning */
	const struct store_account *target; /* of the report or the strike */
};
struct app_notifications {
	struct app_notification *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};

/* kinds: a bit for each kind that is wanted; 0: all. */
struct app_notification_filter {
	unsigned kinds;
	int64_t from_account_id; /* 0: anybody */
	bool include_filtered;
	unsigned grouped; /* which kinds to show in groups */
};
bool app_notification_list(struct app *app, const struct app_notification_filter *filter,
			   const struct store_page *page, struct app_notifications *out,
			   struct err *e) MUST_CHECK;
bool app_notification_get(struct app *app, int64_t id, struct app_notification *out,
			  struct err *e) MUST_CHECK;
bool app_notification_dismiss(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_notification_clear(struct app *app, struct err *e) MUST_CHECK;
/* Those after the marker "notifications", counted up to `limit`; groups count once. */
bool app_notification_unread(struct app *app, const struct app_notification_filter *filter,
			     int limit, int64_t *count, struct err *e) MUST_CHECK;

/* --- groups (notification_group.c) --- */

#define APP_NOTIFY_SAMPLES 8
struct app_notification_group {
	const char *key;
	int64_t count;
	int64_t page_min_id;
	struct app_notification newest; /* its kind, post, time */
	int64_t sample_ids[APP_NOTIFY_SAMPLES];
	size_t sample_count;
};
struct app_notification_groups {
	struct app_notification_group *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
	struct store_accounts accounts; /* each once */
	const struct app_post **posts;  /* each once */
	size_t post_count;
};
bool app_notification_group_list(struct app *app, const struct app_notification_filter *filter,
				 const struct store_page *page, struct app_notification_groups *out,
				 struct err *e) MUST_CHECK;
bool app_notification_group_get(struct app *app, const char *key,
				struct app_notification_groups *out, struct err *e) MUST_CHECK;
bool app_notification_group_accounts(struct app *app, const char *key,
				     const struct store_page *page, struct store_accounts *out,
				     struct err *e) MUST_CHECK;
bool app_notification_group_dismiss(struct app *app, const char *key, struct err *e) MUST_CHECK;

/* --- policy and requests (notification_policy.c) --- */

struct app_notification_policy {
	enum store_notification_verdict verdicts[STORE_POLICIES];
	int64_t pending_requests;
	int64_t pending_notifications;
};
bool app_notification_policy_get(struct app *app, struct app_notification_policy *out,
				 struct err *e) MUST_CHECK;
/* verdicts < 0: as it is. */
bool app_notification_policy_set(struct app *app, const int verdicts[STORE_POLICIES],
				 struct app_notification_policy *out, struct err *e) MUST_CHECK;

struct app_notification_request {
	struct store_notification_request row;
	const struct store_account *account;
	const struct app_post *last_post; /* may be NULL */
};
struct app_notification_requests {
	struct app_notification_request *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};
bool app_notification_requests(struct app *app, const struct store_page *page,
			       struct app_notification_requests *out, struct err *e) MUST_CHECK;
bool app_notification_request_get(struct app *app, int64_t id, struct app_notification_request *out,
				  struct err *e) MUST_CHECK;
/* Accept: what was kept back is shown, and what comes is let through. Dismiss: it is deleted. Those that are not
 * there (any more) are passed over. */
bool app_notification_request_answer(struct app *app, const int64_t *ids, size_t count, bool accept,
				     struct err *e) MUST_CHECK;

#endif
