/* Accounts and what stands between two of them. */
#include <string.h>
#include <unistd.h>

#include "api/mastodon/profile.h"
#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "app/search.h"
#include "app/setting.h"
#include "app/timeline.h"
#include "base/str.h"
#include "media/process.h"

enum { RELATIONSHIPS_MAX = 200 }; /* apps ask for two pages of followers at once */

static bool answer_account(struct http_request *rq, struct http_response *rs, struct app *app,
			   const struct store_account *a, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_account(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, a);
	return json_finish(&w, e);
}

bool api_account_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_account_get(&app, id, &a, e) &&
	       answer_account(rq, rs, &app, &a, e);
}

bool api_account_lookup(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	const char *acct;
	return param_text_required(rq, "acct", 320, &acct, e) &&
	       app_account_lookup(&app, acct, &a, e) && answer_account(rq, rs, &app, &a, e);
}

bool api_account_many(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found = {0};
	int64_t *ids;
	size_t n;
	if (!param_ids(rq, "id", 40, &ids, &n, e))
		return false;
	if (n && !app_account_get_many(&app, ids, n, &found, e))
		return false;
	found.first = 0;
	return serial_answer_accounts(rq, rs, &app, &found, e);
}

bool api_account_search(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	const char *q;
	int64_t offset = 0;
	int limit;
	bool following = false;
	if (!param_text_required(rq, "q", 500, &q, e) || !api_limit_param(rq, 40, 80, &limit, e) ||
	    !param_int(rq, "offset", 0, 10000, &offset, e) ||
	    !param_bool(rq, "following", &following, e) ||
	    !app_search_people(&app, q, limit, (int)offset, &found, e) ||
	    (following && !app_relation_only_following(&app, &found, e)))
		return false;
	found.first = 0;
	return serial_answer_accounts(rq, rs, &app, &found, e);
}

bool api_account_verify(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	struct store_user user;
	return app_account_self(&app, &a, &user, e) && api_own_answer(rq, rs, &app, &a, e);
}

static bool picture_param(struct http_request *rq, const char *name, const char **hash,
			  const char **type, struct err *e)
{
	const struct http_upload *file = NULL;
	const struct http_param *p = param_find(rq, name);
	if (p && !p->file && !p->length) { /* empty text: take it away */
		*hash = "";
		return true;
	}
	if (!param_file(rq, name, &file, e))
		return false;
	if (!file)
		return true;
	struct media_processed *m = ARENA_NEW(rq->arena, struct media_processed);
	if (!media_process(api_of(rq)->media, file->fd, m, e)) {
		err_context(e, "%s", name);
		return false;
	}
	*hash = m->hash;
	*type = m->type;
	return true;
}

bool api_flag_param(struct http_request *rq, const char *name, const bool **out, struct err *e)
{
	if (!param_given(rq, name))
		return true;
	bool *value = ARENA_NEW(rq->arena, bool);
	*out = value;
	return param_bool(rq, name, value, e);
}

static bool fields_param(struct http_request *rq, struct app_profile *p, struct err *e)
{
	struct app_field *fields = ARENA_ARRAY(rq->arena, struct app_field, APP_FIELDS_MAX);
	for (int i = 0; i < APP_FIELDS_MAX; i++) {
		const char *name_key = arena_printf(rq->arena, "fields_attributes[%d][name]", i);
		const char *value_key = arena_printf(rq->arena, "fields_attributes[%d][value]", i);
		if (!param_given(rq, name_key) && !param_given(rq, value_key))
			continue;
		p->fields = fields;
		struct app_field f = {.name = "", .value = ""};
		if (!param_text(rq, name_key, 255, &f.name, e) ||
		    !param_text(rq, value_key, 2047, &f.value, e))
			return false;
		if (*f.name)
			fields[p->field_count++] = f;
	}
	return true;
}

static bool save_preferences(struct http_request *rq, struct app *app, struct err *e)
{
	static const char *const privacies[] = {"public", "unlisted", "private", "direct", NULL};
	static const char *const policies[] = {"public", "followers", "nobody", NULL};
	int privacy = -1, policy = -1;
	const char *language = NULL;
	const bool *sensitive = NULL;
	if (!param_choice(rq, "source[privacy]", privacies, &privacy, e) ||
	    !param_choice(rq, "source[quote_policy]", policies, &policy, e) ||
	    !param_text(rq, "source[language]", 8, &language, e) ||
	    !api_flag_param(rq, "source[sensitive]", &sensitive, e))
		return false;
	return (privacy < 0 ||
		app_preference_set(app, "posting:default:visibility", privacies[privacy], e)) &&
	       (policy < 0 ||
		app_preference_set(app, "posting:default:quote_policy", policies[policy], e)) &&
	       (!language || app_preference_set(app, "posting:default:language", language, e)) &&
	       (!sensitive || app_preference_set(app, "posting:default:sensitive",
						 *sensitive ? "true" : "false", e));
}

bool api_profile_params(struct http_request *rq, struct app_profile *p, struct err *e)
{
	return param_text(rq, "display_name", APP_NAME_CHARACTERS, &p->display_name, e) &&
	       param_text(rq, "note", APP_BIO_CHARACTERS, &p->note, e) &&
	       api_flag_param(rq, "bot", &p->bot, e) &&
	       api_flag_param(rq, "locked", &p->locked, e) &&
	       api_flag_param(rq, "discoverable", &p->discoverable, e) &&
	       api_flag_param(rq, "indexable", &p->indexable, e) &&
	       api_flag_param(rq, "hide_collections", &p->hide_collections, e) &&
	       param_text(rq, "avatar_description", APP_PICTURE_CHARACTERS, &p->avatar_description,
			  e) &&
	       param_text(rq, "header_description", APP_PICTURE_CHARACTERS, &p->header_description,
			  e) &&
	       fields_param(rq, p, e) &&
	       picture_param(rq, "avatar", &p->avatar_hash, &p->avatar_type, e) &&
	       picture_param(rq, "header", &p->header_hash, &p->header_type, e);
}

bool api_account_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_profile p = {0};
	struct store_account a;
	return api_profile_params(rq, &p, e) && save_preferences(rq, &app, e) &&
	       api_domains_save(rq, &app, "attribution_domains", e) &&
	       app_account_update(&app, &p, &a, e) && api_own_answer(rq, rs, &app, &a, e);
}

static bool answer_relation(struct http_request *rq, struct http_response *rs, struct app *app,
			    const struct app_relation *r, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_relation(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, r);
	return json_finish(&w, e);
}

/* ["ko", "en"] becomes "ko en"; an empty text, all of them. NULL where nothing is said. */
static bool languages_param(struct http_request *rq, const char **out, struct err *e)
{
	const char **codes, *joined = "";
	size_t n;
	if (!param_texts(rq, "languages", 20, 3, &codes, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		joined = arena_printf(rq->arena, *joined ? "%s %s" : "%s%s", joined, codes[i]);
	if (n > 0)
		*out = joined;
	return true;
}

bool api_account_follow(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_relation r;
	const bool *reblogs = NULL, *notify = NULL;
	const char *languages = NULL;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && api_flag_param(rq, "reblogs", &reblogs, e) &&
	       api_flag_param(rq, "notify", &notify, e) && languages_param(rq, &languages, e) &&
	       app_follow(&app, id, reblogs, notify, &r, e) &&
	       (!languages || app_follow_languages(&app, id, languages, &r, e)) &&
	       answer_relation(rq, rs, &app, &r, e);
}

bool api_account_mute(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_relation r;
	bool notifications = true;
	int64_t id, duration = 0;
	return http_request_id(rq, 0, &id, e) &&
	       param_bool(rq, "notifications", &notifications, e) &&
	       param_int(rq, "duration", 0, 10 * 366 * 86400, &duration, e) &&
	       app_mute(&app, id, notifications, duration, &r, e) &&
	       answer_relation(rq, rs, &app, &r, e);
}

static bool accept_request(struct app *app, int64_t id, struct app_relation *r, struct err *e)
{
	return app_follow_request_answer(app, id, true, r, e);
}

static bool reject_request(struct app *app, int64_t id, struct app_relation *r, struct err *e)
{
	return app_follow_request_answer(app, id, false, r, e);
}

/* The changes that need nothing but the account, by the last word of the path. */
bool api_account_relation(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const struct {
		const char *word;
		bool (*change)(struct app *app, int64_t id, struct app_relation *out,
			       struct err *e);
	} changes[] = {
	    {"authorize", accept_request}, {"block", app_block},
	    {"reject", reject_request},    {"remove_from_followers", app_remove_follower},
	    {"unblock", app_unblock},      {"unfollow", app_unfollow},
	    {"unmute", app_unmute}};
	struct app app = api_app(rq);
	struct app_relation r;
	int64_t id;
	const char *word = strrchr(rq->route->path, '/') + 1;
	if (!http_request_id(rq, 0, &id, e))
		return false;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (!strcmp(changes[i].word, word))
			return changes[i].change(&app, id, &r, e) &&
			       answer_relation(rq, rs, &app, &r, e);
	return err_set(e, ERR_INTERNAL, "no such change");
}

bool api_account_relationships(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t *ids;
	size_t n, found = 0, some;
	if (!param_ids(rq, "id", RELATIONSHIPS_MAX, &ids, &n, e))
		return false;
	struct app_relation *r = ARENA_ARRAY(rq->arena, struct app_relation, n + 1);
	for (size_t i = 0; i < n; i += DB_IDS_MAX, found += some)
		if (!app_relation_get_many(&app, ids + i, n - i < DB_IDS_MAX ? n - i : DB_IDS_MAX,
					   r + found, &some, e))
			return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) { /* in the order in which they were asked for, each once */
		size_t k = 0, before = 0;
		while (before < i && ids[before] != ids[i])
			before++;
		while (k < found && r[k].account_id != ids[i])
			k++;
		if (before == i && k < found)
			serial_relation(&s, NULL, &r[k]);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

typedef bool list_of_account(struct app *app, int64_t id, const struct store_page *page,
			     struct store_accounts *out, struct err *e);
typedef bool list_of_self(struct app *app, const struct store_page *page,
			  struct store_accounts *out, struct err *e);

static bool answer_list(struct http_request *rq, struct http_response *rs,
			list_of_account *of_account, list_of_self *of_self, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	struct store_page page;
	int64_t id = 0;
	if (!api_page_params(rq, 40, 80, &page, e) ||
	    (of_account && !http_request_id(rq, 0, &id, e)))
		return false;
	if (!(of_account ? of_account(&app, id, &page, &found, e)
			 : of_self(&app, &page, &found, e)))
		return false;
	return serial_answer_accounts(rq, rs, &app, &found, e);
}

bool api_account_followers(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_list(rq, rs, app_followers, NULL, e);
}

bool api_account_following(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_list(rq, rs, app_following, NULL, e);
}

bool api_block_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_list(rq, rs, NULL, app_blocks, e);
}

bool api_mute_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	struct store_page page;
	if (!api_page_params(rq, 40, 40, &page, e) || !app_mutes(&app, &page, &found, e))
		return false;
	struct app_relation relations[DB_IDS_MAX];
	int64_t ids[DB_IDS_MAX] = {0};
	size_t n = 0;
	for (size_t i = 0; i < found.count; i++)
		ids[i] = found.items[i].id;
	if (found.count && !app_relation_get_many(&app, ids, found.count, relations, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++) {
		int64_t expires = 0;
		for (size_t k = 0; k < n; k++)
			if (relations[k].account_id == ids[i])
				expires = relations[k].muting_expires_at;
		serial_account_muted(&s, NULL, &found.items[i], expires);
	}
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

bool api_follow_request_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_list(rq, rs, NULL, app_follow_requests, e);
}

bool api_account_statuses(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_timeline_filter filter = {0};
	struct store_page page;
	struct app_posts posts = {0};
	bool pinned = false;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !api_page_params(rq, 20, 40, &page, e) ||
	    !param_bool(rq, "only_media", &filter.only_media, e) ||
	    !param_bool(rq, "exclude_replies", &filter.exclude_replies, e) ||
	    !param_bool(rq, "exclude_reblogs", &filter.exclude_boosts, e) ||
	    !param_bool(rq, "pinned", &pinned, e) || !param_text(rq, "tagged", 100, &filter.tag, e))
		return false;
	if (!(pinned ? app_timeline_pinned(&app, id, &page, &posts, e)
		     : app_timeline_account(&app, id, &filter, &page, &posts, e)))
		return false;
	return serial_answer_posts(rq, rs, &app, &posts, e);
}
