/* The shapes that several routes share: Mastodon's entities, with our `madang` members. */
#ifndef MADANG_API_SERIAL_H
#define MADANG_API_SERIAL_H

#include "api/api.h"
#include "app/account.h"
#include "app/announcement.h"
#include "app/conversation.h"
#include "app/emoji.h"
#include "app/filter.h"
#include "app/followed_tag.h"
#include "app/known.h"
#include "app/notification.h"
#include "app/post.h"
#include "app/relation.h"
#include "app/review.h"
#include "app/trend.h"

/* What a shape needs to know beside the thing itself. */
struct serial {
	struct json_writer *w;
	const struct api *api;
	struct app *app; /* who looks; results of small helpers live in its arena */
	int depth;       /* of quotes: the second is named only */
	bool source;     /* statuses carry their text as written: for who redrafts */
	size_t cuts
	    [APP_PIECE_CUTS]; /* of the status written last: where its marks and its quote_approval begin and end */
};

void serial_account(struct serial *s, const char *key, const struct store_account *a);
/* The same with the end of a mute; 0: none. */
void serial_account_muted(struct serial *s, const char *key, const struct store_account *a,
			  int64_t expires_at);
/* The same with `source` and `role`: what verify_credentials gives. */
struct serial_own {
	const char *privacy;
	const char *language; /* may be NULL */
	const char *quote_policy;
	const char *attribution_domains; /* one space between */
	bool sensitive;
	int64_t follow_requests;
};
void serial_account_own(struct serial *s, const char *key, const struct store_account *a,
			const struct serial_own *own);
/* What Profile has of the account itself; the caller opens and closes the object. */
void serial_profile(struct serial *s, const struct store_account *a);
void serial_status(struct serial *s, const char *key, const struct app_post *p);
void serial_emoji(struct serial *s, const char *key, const struct store_emoji *m);
/* The same with what only administrators are shown. */
void serial_emoji_kept(struct serial *s, const char *key, const struct store_emoji *m);
/* Those of this server that stand in the texts (NULL: none). */
void serial_emojis(struct serial *s, const char *key, const char *const *texts, size_t count);
void serial_media(struct serial *s, const char *key, const struct store_media *m);
/* own: for who writes them, with the text as written. */
void serial_announcement(struct serial *s, const char *key, const struct app_announcement *a,
			 bool own);
/* The members of one; the caller opens and closes the object. */
void serial_reaction(struct serial *s, const struct app_reaction *r);
void serial_conversation(struct serial *s, const char *key, const struct app_conversation *c);
void serial_poll(struct serial *s, const char *key, const struct store_poll *p);
/* As filters v2 have it. */
void serial_filter(struct serial *s, const char *key, const struct app_filter *f);
void serial_relation(struct serial *s, const char *key, const struct app_relation *r);
void serial_notification(struct serial *s, const char *key, const struct app_notification *n);
/* Its `report` or `moderation_warning`, where it has one. */
void serial_notification_subject(struct serial *s, const struct app_notification *n);
void serial_report(struct serial *s, const char *key, const struct store_report *r,
		   const struct store_account *target);
void serial_strike(struct serial *s, const char *key, const struct store_strike *strike,
		   const struct store_account *target);
/* Ids that stand in a text with one space between, as an array; null where there are none and `or_null`. */
void serial_ids(struct serial *s, const char *key, const char *ids, bool or_null);
/* {id, username, url, acct}: who is mentioned. */
void serial_mention(struct serial *s, const char *key, const struct store_account *a);
/* The members of a PreviewCard; the caller opens and closes the object. */
void serial_card_members(struct serial *s, const struct store_card *c);
void serial_trend_history(struct serial *s, const struct store_trend_day days[STORE_TREND_DAYS]);
void serial_tag(struct serial *s, const char *key, const char *name);
/* The members of a whole Tag, as the viewer has it; the caller opens and closes the object. */
void serial_tag_members(struct serial *s, const struct app_tag *t,
			const struct app_tag_state *state);

const char *serial_avatar_url(struct serial *s, const struct store_account *a); /* never NULL */
/* Where an object is served: BASE/media/HASH.webp. NULL for NULL. */
const char *serial_object_url(struct serial *s, const char *hash, const char *type);

const char *serial_visibility(enum store_visibility v);
const char *serial_prompt_visibility(enum store_prompt_visibility v);

/* Whole answers. */
MUST_CHECK bool serial_answer_status(struct http_request *rq, struct http_response *rs,
				     struct app *app, const struct app_post *p, struct err *e);
MUST_CHECK bool serial_answer_posts(struct http_request *rq, struct http_response *rs,
				    struct app *app, const struct app_posts *posts, struct err *e);
MUST_CHECK bool serial_answer_accounts(struct http_request *rq, struct http_response *rs,
				       struct app *app, const struct store_accounts *accounts,
				       struct err *e);

#endif
