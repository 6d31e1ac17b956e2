/* Posts: saying, showing, answering, boosting, remixing, taking back; and what a viewer gets to see. */
#ifndef MADANG_APP_POST_H
#define MADANG_APP_POST_H

#include "app/app.h"
#include "store/filter.h"
#include "store/poll.h"

/* Why a filter of the viewer's catches a post. */
struct app_filter_match {
	const struct store_filter *filter;
	const char *const
	    *keywords; /* as the filter has them; of a filter for made pictures: the maker */
	size_t keyword_count;
	bool by_post; /* the filter names this very post */
};

/* How a quote stands for the viewer. */
enum app_quote {
	APP_QUOTE_NONE,
	APP_QUOTE_ACCEPTED,
	APP_QUOTE_REVOKED,
	APP_QUOTE_DELETED,
	APP_QUOTE_UNAUTHORIZED,
	APP_QUOTE_BLOCKED,
	APP_QUOTE_MUTED,
};

struct store_review;
struct app_known_post;

/* A post as one viewer may see it: everything a Status needs, loaded for a whole page at once. */
struct app_post {
	const struct app_known_post *known; /* what is shared of it (app/known.h) */
	struct store_post row;
	const struct store_account *account;
	const struct app_post *boost_of; /* NULL: not a boost */
	const struct app_post *quote_of; /* NULL: none, or not visible to the viewer */
	const struct store_media *media; /* prompts only where the viewer may see them */
	size_t media_count;
	const struct store_account *const *mentions;
	size_t mention_count;
	bool favourited;
	bool boosted;
	bool bookmarked;
	bool pinned; /* by its author, who looks */
	bool muted;  /* its conversation, by the viewer */
	enum app_quote quote;
	bool quotable;                 /* by the viewer */
	const struct store_poll *poll; /* NULL: none */
	const struct app_filter_match *filtered;
	size_t filtered_count;
	const struct store_media *made; /* the first picture that was made here; NULL: none */
	const char *prompt;             /* of that picture, where the viewer may see it */
	bool has_remix_of;
	struct {
		int64_t id;
		bool deleted; /* only its tombstone is left */
		const char *url;
		const struct store_account *account; /* NULL when deleted or not visible */
	} remix_of;
	bool in_lineage;             /* it was remixed, or is a remix */
	const char *made_by;         /* the app's name; NULL: none, or not the viewer's business */
	const char *made_by_website; /* may be NULL */
	const struct store_review *review; /* of one's own post; NULL: it needs no approval */
};

struct app_posts {
	struct app_post *items;
	size_t count;
	int64_t
	    first; /* the keys to page by: min_id of the page before, max_id of the next; 0: empty */
	int64_t last;
	bool more;
};

/* What a post asks. Options are checked by app_draft_prepare. */
struct app_poll_new {
	const char *options[STORE_POLL_OPTIONS_MAX];
	size_t option_count;
	int64_t expires_in_s;
	bool multiple;
	bool hide_totals;
};
enum {
	APP_POLL_OPTIONS_MAX = 4,
	APP_POLL_OPTION_CHARACTERS = 50,
	APP_POLL_EXPIRES_MIN_S = 300,
	APP_POLL_EXPIRES_MAX_S = 2629746,
	APP_PINS_MAX = 5,
};

struct app_post_new {
	const char *text;
	const int64_t *media_ids;
	size_t media_count;
	int64_t in_reply_to_id;
	int64_t quote_of_id;
	enum store_visibility visibility;
	const char *spoiler_text; /* may be NULL */
	bool sensitive;
	const char *language;        /* may be NULL */
	const char *idempotency_key; /* may be NULL */
	enum store_prompt_visibility prompt_visibility;
	bool not_remixable;
	int64_t app_id;
	enum store_quote_policy quote_policy;
	const struct app_poll_new *poll; /* may be NULL */
	int64_t scheduled_id;            /* it was scheduled: its uploads are held for it */
};

bool app_post_create(struct app *app, const struct app_post_new *form, struct app_post *out,
		     struct err *e) MUST_CHECK;
/* Gives back what was deleted; out may be NULL. */
bool app_post_delete(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
/* The same, to be written anew: its author may post its pictures again for a day. Somebody else's goes whole. */
bool app_post_redraft(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND also where the viewer must not know of it. */
bool app_post_get(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
/* The same, as lists show it: ERR_NOT_FOUND also for posts of those whom the viewer blocks or mutes. */
bool app_post_get_listed(struct app *app, int64_t id, struct app_post *out,
			 struct err *e) MUST_CHECK;
/* For the studio of somebody who is about to remix it: with its prompt, where remixers may see it.
 * ERR_FORBIDDEN where its author does not want it remixed. */
bool app_post_for_remix(struct app *app, int64_t id, struct app_post *out,
			struct err *e) MUST_CHECK;
/* The rows of `ids` as the viewer may see them, in that order; those that must not be seen are left out. */
bool app_post_get_many(struct app *app, const int64_t *ids, size_t count, struct app_posts *out,
		       struct err *e) MUST_CHECK;
/* The same for rows at hand. Private to app/, and to streams that serve one row to many. */
bool app_posts_view(struct app *app, const struct store_posts *rows, struct app_posts *out,
		    struct err *e) MUST_CHECK;
bool app_post_context(struct app *app, int64_t id, struct app_posts *ancestors,
		      struct app_posts *descendants, struct err *e) MUST_CHECK;

/* One's own, on one's profile; in the newest-pin-first order of app_timeline_pinned. */
bool app_pin_add(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
bool app_pin_remove(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
/* No notifications from this conversation any more. */
bool app_thread_mute(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
bool app_thread_unmute(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;

/* Quotes of a post that stand. */
bool app_quotes(struct app *app, int64_t id, const struct store_page *page, struct app_posts *out,
		struct err *e) MUST_CHECK;
/* The author of what was quoted takes a quote of it back; *out: the quoting post. */
bool app_quote_revoke(struct app *app, int64_t id, int64_t quote_id, struct app_post *out,
		      struct err *e) MUST_CHECK;
bool app_quote_policy_set(struct app *app, int64_t id, enum store_quote_policy policy,
			  struct app_post *out, struct err *e) MUST_CHECK;

/* These succeed where it is so already; *out is the post as it is now (for a boost: the boost). */
bool app_favourite_add(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
bool app_favourite_remove(struct app *app, int64_t id, struct app_post *out,
			  struct err *e) MUST_CHECK;
bool app_bookmark_add(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
bool app_bookmark_remove(struct app *app, int64_t id, struct app_post *out,
			 struct err *e) MUST_CHECK;
bool app_boost_add(struct app *app, int64_t id, enum store_visibility visibility,
		   struct app_post *out, struct err *e) MUST_CHECK;
bool app_boost_remove(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
bool app_favourited_by(struct app *app, int64_t id, const struct store_page *page,
		       struct store_accounts *out, struct err *e) MUST_CHECK;
bool app_boosted_by(struct app *app, int64_t id, const struct store_page *page,
		    struct store_accounts *out, struct err *e) MUST_CHECK;

/* The one place that decides whether the viewer may see the prompt of a visible post. `studio`: shown in
 * the studio of someone who is about to remix it. */
bool app_post_prompt_visible(const struct app *app, const struct store_post *post, bool studio);

#endif
