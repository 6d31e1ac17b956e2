/* Private to app/: the core, writing with events, and what the nouns share. */
#ifndef MADANG_APP_PRIVATE_H
#define MADANG_APP_PRIVATE_H

#include "app/app.h"
#include "app/job.h"
#include "app/notification.h"
#include "app/quota.h"
#include "base/network.h"

#include <pthread.h>
#include <stdatomic.h>

#define APP_EVENTS_MAX 4096

struct app_events {
	struct app_event *items; /* in the arena */
	size_t count;
	size_t room;
	bool behind; /* there is work for app_tick */
};

/* How far the trimming of a kind of timeline is. */
struct app_trim {
	int64_t cursor;
	int64_t at;
};
typedef bool app_trim_fn(struct db *w, int64_t *cursor, int keep, struct err *e);

struct app_core {
	struct db_pool *pool;
	struct app_config config;
	struct app_hooks hooks;
	struct app_limiter *limiter;
	struct app_token_uses *token_uses;
	struct app_closed_networks *closed;
	struct app_emojis *emojis;
	struct app_known *known;
	struct app_viewers *viewers;
	struct app_activity_kept *activity;
	pthread_mutex_t hashing;    /* argon2id takes 64 MiB: one at a time */
	struct app_trim trim_homes; /* these are app_tick's own; one thread */
	struct app_trim trim_lists;
	int64_t expired_at;
	int64_t trends_due_at;
};

/* Runs fn in a transaction with *w: who asks, a handle that writes, and events that are published when the
 * outermost transaction has committed. fn may run more than once: it must set its results, never add. */
typedef bool app_write_fn(struct app *w, void *context, struct err *e);
bool app_write(struct app *app, app_write_fn *fn, void *context, struct err *e) MUST_CHECK;
/* Only inside app_write. Texts and recipients must live in the arena. */
void app_emit(struct app *w, const struct app_event *event);

bool app_need_account(const struct app *app, struct err *e) MUST_CHECK;   /* ERR_UNAUTHORIZED */
bool app_need_moderator(const struct app *app, struct err *e) MUST_CHECK; /* ERR_FORBIDDEN */
bool app_need_admin(const struct app *app, struct err *e) MUST_CHECK;     /* ERR_FORBIDDEN */
/* ERR_INVALID naming the field where text is not UTF-8 or too long. */
bool app_check_text(const char *field, const char *text, size_t characters_max,
		    struct err *e) MUST_CHECK;

/* Too many tries of one key in ten minutes? Counts this one. */
struct app_limiter *app_limiter_create(void);
void app_limiter_destroy(struct app_limiter *limiter);
bool app_limiter_allow(struct app_limiter *limiter, const char *key, int tries_max, int64_t now_ms);
void app_limiter_clear(struct app_limiter *limiter, const char *key);

/* secret.c: random secrets and their hashes. */
const char *app_secret_new(struct arena *arena); /* 256 bits, URL-safe */
const char *app_secret_hash(struct arena *arena, const char *purpose, const char *secret);
const char *app_totp_secret_new(struct arena *arena);
/* Whether code counts at now; *step: which step it is. */
bool app_totp_matches(const char *secret, const char *code, int64_t now_ms, int64_t *step);

/* auth.c: the password of who asks, once more; tries are limited. */
bool app_need_password(struct app *app, const char *password, struct err *e) MUST_CHECK;
/* recovery.c */
struct app_recovery;
const char *app_recovery_hash(struct arena *arena, const char *typed); /* NULL: not of that form */
bool app_recovery_make(struct app *w, struct app_recovery *out, struct err *e) MUST_CHECK;

/* network.c: who may not come in. */
enum { APP_RULES_MAX = 2000 };
struct app_closed_networks;
struct app_closed_networks *app_closed_networks_create(void);
void app_closed_networks_destroy(struct app_closed_networks *closed); /* NULL-safe */
/* Addresses, and words in lists with a space between ("" has every word). */
bool app_networks_valid(const char *list);
bool app_networks_have(const char *list, const char *ip);
/* What counts as one network: 192.0.2.0/24, 2001:db8::/48. */
void app_network_of(const char *ip, char out[NETWORK_TEXT_SIZE]);
bool app_words_have(const char *list, const char *word);

/* token.c */
struct app_identity;
struct app_token_uses *app_token_uses_create(void);
void app_token_uses_destroy(struct app_token_uses *uses); /* NULL-safe */
bool app_token_authenticate(struct app *app, const char *secret, struct app_identity *out,
			    struct err *e) MUST_CHECK;
/* May the token that asks, if any, have this drawn? */
bool app_token_admit(struct app *app, const struct app_job_new *form, struct err *e) MUST_CHECK;
/* Tokens that stand in a text that others can read are suspended. */
bool app_token_seen_in(struct app *app, const char *text, struct err *e) MUST_CHECK;

/* figure.c */
struct app_activity_kept *app_activity_create(void);
void app_activity_destroy(struct app_activity_kept *kept); /* NULL-safe */

/* media.c: a row as it is to be inserted, in the name of who asks; and what is known of what was processed. */
struct media_processed;
bool app_media_fill(struct app *app, const struct store_media *media, struct store_media *out,
		    struct err *e) MUST_CHECK;
struct store_media app_media_of(const struct media_processed *done);

/* emoji.c */
struct app_emojis *app_emojis_create(void);
void app_emojis_destroy(struct app_emojis *emojis); /* NULL-safe */

/* programme.c: sets app->programme_id; ERR_FORBIDDEN where a programme is needed and none is there. */
bool app_programme_admit(struct app *app, const struct app_job_new *form, struct err *e) MUST_CHECK;

/* notification.c: tells a local account, unless it does not want to hear from there. */
bool app_notify(struct app *w, int64_t account_id, enum app_notification_kind kind,
		int64_t from_account_id, int64_t post_id, struct err *e) MUST_CHECK;
/* The same for what no policy keeps back: a report or a strike (subject_id), a sign-up (0). */
bool app_notify_about(struct app *w, int64_t account_id, enum app_notification_kind kind,
		      int64_t from_account_id, int64_t subject_id, struct err *e) MUST_CHECK;
/* What the rows tell of; those whose account or post is not to be seen are left out. At most STORE_PAGE_MAX. */
bool app_notifications_fill(struct app *app, const struct store_notification *rows, size_t count,
			    struct app_notifications *out, struct err *e) MUST_CHECK;
/* NULL where it stands alone. */
const char *app_notification_group_key(struct arena *arena, const struct store_notification *n);
const struct store_account *app_accounts_find(const struct store_accounts *accounts, int64_t id);
/* notification_policy.c: what the account's policy says; relations: between it and the sender. */
struct store_relation;
bool app_notification_judge(struct app *w, const struct store_notification *n,
			    const struct store_relation *relations, size_t count,
			    enum store_notification_verdict *out, struct err *e) MUST_CHECK;
/* The words of an account carry it: what millions of posts say must not stand between a name and its account. */
#define APP_NAME_PREFIX "_u"
/* search_index.c: cuts what waits into words, a batch of it. *more becomes true where there is more. */
bool app_search_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;
/* push.c: one message for each subscription that wants to hear of it. */
bool app_push_enqueue(struct app *w, const struct store_notification *n, struct err *e) MUST_CHECK;

/* post.c: a post that is checked and ready to be written. */
struct app_draft {
	struct store_post row;
	const struct store_media *media; /* rows to attach, in order */
	size_t media_count;
	int64_t *mention_ids;
	size_t mention_count;
	const char **tags; /* as written */
	size_t tag_count;
	int64_t quote_account_id;
	int64_t remix_account_id; /* 0: that post is gone */
	struct store_poll *poll;  /* NULL: none */
	const char *idempotency_key;
	bool
	    pending; /* carries a held picture: waits for approval, and then is of this visibility */
	enum store_visibility visibility;
	enum store_visibility wanted;       /* its visibility, should it wait for a moderator */
	const char *hold_reason;            /* why it does; NULL: it does not */
	const struct store_account *author; /* as app_hold_judge has read it; NULL: it has not */
	int64_t
	    existing_id; /* set by app_draft_write: the post that this key made before; 0: none */
};
/* media: rows already known (they may be inserted later in the same transaction); else form->media_ids. */
bool app_draft_prepare(struct app *app, const struct app_post_new *form,
		       const struct store_media *media, size_t media_count, struct app_draft *out,
		       struct err *e) MUST_CHECK;
bool app_draft_write(struct app *w, struct app_draft *draft, struct err *e) MUST_CHECK;
/* Does for a post that waited what writing it had left out; its row is as it shall be. */
bool app_draft_publish(struct app *w, struct app_draft *draft, struct err *e) MUST_CHECK;
/* review.c */
/* Whether the draft has to wait; then its row is made to be seen by nobody else. */
void app_review_draft(struct app_draft *draft);
/* Behind the writing of a draft that waits: it stands on the desk, and in its author's home. */
bool app_review_open(struct app *w, const struct app_draft *draft, struct err *e) MUST_CHECK;
bool app_review_pending(struct app *app, int64_t post_id, bool *pending, struct err *e) MUST_CHECK;
/* The pictures of a job have just been inserted: are they held? */
bool app_review_hold(struct app *w, const struct store_job *job, struct err *e) MUST_CHECK;
bool app_review_tick(struct app *app, struct err *e) MUST_CHECK;
bool app_revocation_tick(struct app *app, struct err *e) MUST_CHECK; /* revocation.c */
/* Whom a text mentions: fills the urls in `text`, and the draft's mentions. */
struct app_text;
bool app_draft_mentions(struct app *app, struct app_text *text, struct app_draft *out,
			struct err *e) MUST_CHECK;
/* Uploads of one's own that can be posted; those of post_id (an edit) may stand there already. */
bool app_draft_media(struct app *app, const int64_t *ids, size_t count, int64_t post_id,
		     int64_t scheduled_id, struct store_media **out, struct err *e) MUST_CHECK;
/* made, style, remix_of_id, media_count of the row, from its media. */
bool app_draft_made(struct app *app, struct app_draft *out, struct err *e) MUST_CHECK;
bool app_poll_prepare(struct app *app, const struct app_poll_new *form, struct store_poll **out,
		      struct err *e) MUST_CHECK;

/* Everything that follows from a post that is written: notifications, events, homes. */
bool app_draft_announce(struct app *w, struct app_draft *draft, struct err *e) MUST_CHECK;
/* Takes a post back, whoever's it is. */
bool app_post_remove(struct app *w, int64_t id, struct err *e) MUST_CHECK;
/* held.c: may it be seen at once? Sets row.visibility and hold_reason; ERR_INVALID: not even later. */
bool app_hold_judge(struct app *w, struct app_draft *draft, struct err *e) MUST_CHECK;
bool app_hold(struct app *w, const struct app_draft *draft, struct err *e) MUST_CHECK;
/* moderation.c, report.c */
bool app_erase_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;
bool app_notify_staff(struct app *w, enum app_notification_kind kind, int64_t from_account_id,
		      int64_t subject_id, struct err *e) MUST_CHECK;
size_t app_ids_split(const char *text, int64_t *ids, size_t room); /* one space between */
/* Fan-out of one post, the next so many. *more: not finished; app_tick does the rest. An author waits for the first
 * few: who has no more followers has reached them all when the answer comes, and who has more never waits for them. */
enum { APP_FAN_OUT_FIRST = 40, APP_FAN_OUT_CHUNK = 500 };
bool app_fan_out(struct app *w, const struct store_post *post, int phase, int64_t cursor,
		 size_t room, bool *more, struct err *e) MUST_CHECK;

/* view.c */
/* Whether its description gives the prompt away: it is the one that was proposed. */
bool app_media_says_prompt(const struct store_media *media);
/* Of ids, and of structs that begin with their id: for qsort and bsearch. */
int app_ids_compare(const void *a, const void *b);
/* In order, each once, zeros left out: returns how many remain. */
size_t app_ids_sort_unique(int64_t *ids, size_t count);
/* STAFF: a moderator looks at whatever it is. */
enum app_view { APP_VIEW_LIST, APP_VIEW_ONE, APP_VIEW_STUDIO, APP_VIEW_STAFF };
bool app_view_ids(struct app *app, const int64_t *ids, size_t count, enum app_view mode,
		  struct app_posts *out, struct err *e) MUST_CHECK;
bool app_view_rows(struct app *app, const struct store_posts *rows, enum app_view mode,
		   struct app_posts *out, struct err *e) MUST_CHECK;

bool app_posts_get_in(struct app *app, const int64_t *ids, size_t count, enum app_view mode,
		      struct app_posts *out, struct err *e) MUST_CHECK;

/* conversation.c: a direct post reaches the conversations of those in it. */
bool app_conversation_add(struct app *w, const struct store_post *post, const int64_t *mention_ids,
			  size_t count, struct err *e) MUST_CHECK;
/* pin.c: whether the account wants to hear nothing of this post's conversation. */
bool app_thread_is_muted(struct app *w, int64_t account_id, int64_t post_id, bool *muted,
			 struct err *e) MUST_CHECK;

/* filter.c: which of the viewer's filters catch the post; the view gets its matches. */
bool app_filters_load(struct app *app, struct err *e) MUST_CHECK;
void app_filters_apply(struct app *app, struct app_post *view);

/* What app_tick does for polls and scheduled posts: one step; *more: call again at once. */
bool app_poll_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;
bool app_scheduled_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;
bool app_trend_tick(struct app *app, struct err *e) MUST_CHECK; /* trend.c */
/* Imports: a few rows; and those that ended long ago. */
bool app_import_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;
bool app_import_expire(struct app *w, struct err *e) MUST_CHECK;
/* Announcements whose time has come, or is over. */
bool app_announcement_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;

/* notice_mail.c: sends those that came. */
bool app_notice_tick(struct app *app, struct err *e) MUST_CHECK;

/* job_cancel.c: cancels those that still wait or run, in a few statements however many there are. */
bool app_job_cancel_all_in(struct app *w, const int64_t *ids, size_t count,
			   struct err *e) MUST_CHECK;

/* job_source.c */
/* May it begin with these? Sets the row's source, further and masked. */
bool app_job_source_check(struct app *app, const struct app_job_new *form, struct store_job *job,
			  struct err *e) MUST_CHECK;
bool app_job_sources_insert(struct app *w, const struct app_job_new *form, int64_t job_id,
			    struct err *e) MUST_CHECK;
bool app_job_sources_fill(struct app *app, struct app_job *job, struct err *e) MUST_CHECK;
/* What is known of a job that waits, as if it were asked for again. */
bool app_job_sources_again(struct app *app, const struct store_job *job, struct app_job_new *form,
			   struct err *e) MUST_CHECK;
/* job.c */
bool app_job_submit_in(struct app *w, const struct app_job_new *form, int64_t *job_id,
		       struct err *e) MUST_CHECK;
/* Answers a mention of @draw: queues the picture, or says why not. */
bool app_draw_mentioned(struct app *w, const struct store_post *post, struct err *e) MUST_CHECK;
/* The account id if it exists already, else 0. */
bool app_draw_find(struct app *app, int64_t *account_id, struct err *e) MUST_CHECK;

/* queue.c: places in the fair order. */
/* The turn of the next job that this account adds, and moves the account's end on. */
bool app_queue_next_turn(struct app *w, const char *maker, int64_t account_id, double cost,
			 double *turn, struct err *e) MUST_CHECK;
/* One of its jobs has left the queue without being drawn: those behind move up. */
bool app_queue_close_up(struct app *w, const char *maker, int64_t account_id, double from_turn,
			struct err *e) MUST_CHECK;
/* An identical job that others follow is gone without pictures: the first of them is drawn itself. */
bool app_queue_promote(struct app *w, const struct store_job *leader, struct err *e) MUST_CHECK;

/* quota.c */
struct app_quota_set {
	struct store_quota_holder holder;
	struct store_quota items[STORE_QUOTAS_MAX];
	size_t count;
	int64_t queued_max;
	int running_max;
	double weight;
};
bool app_quota_set_of(struct app *app, const struct store_quota_holder *holder,
		      struct app_quota_set *out, struct err *e) MUST_CHECK;
/* need: by unit. ERR_LIMIT where one of the buckets has not enough. */
bool app_quota_charge(struct app *w, const struct app_quota_set *set, int64_t job_id,
		      const double need[3], struct err *e) MUST_CHECK;
bool app_quota_refund(struct app *w, int64_t job_id, struct err *e) MUST_CHECK;

/* Up to which post the tags are counted. */
bool app_tags_counted_to(struct app *app, int64_t *id, struct err *e) MUST_CHECK;

/* Deletes the files of the trash, as far as they go. *more becomes true where there are further ones. */
bool app_trash_empty(struct app *app, bool *more, struct err *e) MUST_CHECK;

#endif
