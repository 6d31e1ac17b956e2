/* What the studio offers; where a picture comes from; what others have made. */
#include <string.h>

#include "api/studio/load.h"
#include "api/studio/quota.h"
#include "api/studio/routes.h"
#include "app/job.h"
#include "app/lineage.h"
#include "app/programme.h"
#include "app/timeline.h"
#include "jobs/jobs.h"

/* What people call the styles. One that is not here goes by the model's own name. */
static const struct {
	const char *name, *en, *ko, *ja;
} STYLE_LABELS[] = {
    {"3d", "3D", "3D", "3D"},
    {"cartoon", "Cartoon", "만화", "漫画"},
    {"flat", "Flat", "플랫", "フラット"},
    {"ink", "Ink", "펜화", "ペン画"},
    {"pixel", "Pixel art", "픽셀 아트", "ドット絵"},
    {"simple", "Simple", "심플", "シンプル"},
};

static const char *const EXAMPLES[][3] = {
    {"a rocket in space", "우주에 있는 로켓", "宇宙のロケット"},
    {"portrait of a smiling woman with long hair", "웃는 긴 머리 여자 초상화",
     "笑顔の長い髪の女性の似顔絵"},
    {"three strawberries", "딸기 세 개", "三つのいちご"},
    {"a sunflower on a blue background", "파란 배경의 해바라기", "青い背景のひまわり"},
    {"a ghost at night", "밤하늘 아래의 유령", "夜の幽霊"},
    {"a panda at the beach", "바닷가에 있는 판다", "海辺のパンダ"},
};

static void put_label(struct json_writer *w, const char *key, const char *en, const char *ko,
		      const char *ja)
{
	json_put_object(w, key);
	json_put_str(w, "en", en);
	json_put_str(w, "ko", ko);
	json_put_str(w, "ja", ja);
	json_put_end(w);
}

static void put_style(struct json_writer *w, const char *name)
{
	json_put_object(w, NULL);
	json_put_str(w, "name", name);
	size_t i = 0, n = sizeof STYLE_LABELS / sizeof *STYLE_LABELS;
	while (i < n && strcmp(STYLE_LABELS[i].name, name))
		i++;
	if (i < n)
		put_label(w, "label", STYLE_LABELS[i].en, STYLE_LABELS[i].ko, STYLE_LABELS[i].ja);
	else
		put_label(w, "label", name, name, name);
	json_put_end(w);
}

/* Through which programme who asks may draw with it; *refused: it needs one, and there is none. */
static bool put_programme(struct json_writer *w, struct app *app, const struct maker_info *m,
			  bool *refused, struct err *e)
{
	struct app_programme p;
	int64_t id = 0;
	struct err why = {0};
	*refused = !app_programme_find(app, m->id, m->model, "draw", 0, &id, &why);
	if ((*refused && why.code != ERR_FORBIDDEN) ||
	    (id && !app_programme_get(app, id, &p, &why))) {
		*e = why;
		return false;
	}
	if (!id) {
		json_put_null(w, "programme");
		return true;
	}
	json_put_object(w, "programme");
	json_put_id(w, "id", id);
	json_put_str(w, "name", p.row.name);
	json_put_str(w, "review", p.row.review ? "before_publish" : "none");
	json_put_end(w);
	return true;
}

static bool put_maker(struct json_writer *w, struct app *app, struct jobs *jobs,
		      const struct maker_info *m, struct err *e)
{
	static const char *const tasks[] = {"draw", "restyle", "vary", "edit"};
	bool given = !m->remote;
	if (m->remote && app->account_id && !app_consent_get(app, m->id, &given, e))
		return false;
	json_put_object(w, NULL);
	json_put_str(w, "id", m->id);
	json_put_str(w, "name", m->name);
	json_put_str(w, "model", m->model);
	json_put_str(w, "kind", m->remote ? "remote" : "builtin");
	const char *closed = jobs_maker_reason(jobs, app->arena, m->id);
	bool refused;
	if (!put_programme(w, app, m, &refused, e))
		return false;
	json_put_bool(w, "available", !closed && !refused);
	json_put_str(w, "reason", closed ? closed : refused ? "programme" : NULL);
	json_put_array(w, "styles");
	for (size_t i = 0; i < m->styles_count; i++)
		put_style(w, m->styles[i]);
	json_put_end(w);
	json_put_array(w, "tasks");
	for (int i = 0; i < 4; i++)
		if (m->tasks[i])
			json_put_str(w, NULL, tasks[i]);
	json_put_end(w);
	json_put_array(w, "controls");
	if (m->has_style)
		json_put_str(w, NULL, "style");
	if (m->has_seed)
		json_put_str(w, NULL, "seed");
	if (m->has_guidance)
		json_put_str(w, NULL, "guidance");
	if (m->has_region)
		json_put_str(w, NULL, "region");
	if (m->has_mask)
		json_put_str(w, NULL, "mask");
	if (m->count_max > 1)
		json_put_str(w, NULL, "count");
	json_put_end(w);
	json_put_int(w, "sources_max", m->sources_max > 1 ? m->sources_max : 1);
	json_put_int(w, "count_max", m->count_max);
	json_put_int(w, "prompt_length_max", m->prompt_length_max);
	json_put_int(w, "width", m->width);
	json_put_int(w, "height", m->height);
	json_put_bool(w, "consent_required", m->remote);
	json_put_bool(w, "consent_given", given);
	json_put_str(w, "host", m->host);
	json_put_end(w);
	return true;
}

bool api_studio_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct jobs *jobs = api_of(rq)->jobs;
	size_t n = jobs ? jobs_makers(jobs) : 0;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_array(&w, "makers");
	for (size_t i = 0; i < n; i++)
		if (!put_maker(&w, &app, jobs, jobs_maker_at(jobs, i), e))
			return false;
	json_put_end(&w);
	json_put_array(&w, "examples");
	for (size_t i = 0; i < sizeof EXAMPLES / sizeof *EXAMPLES; i++) {
		json_put_object(&w, NULL);
		put_label(&w, "prompt", EXAMPLES[i][0], EXAMPLES[i][1], EXAMPLES[i][2]);
		const struct maker_info *first = n ? jobs_maker_at(jobs, 0) : NULL;
		json_put_str(&w, "style",
			     first && first->styles_count ? first->styles[i % first->styles_count]
							  : NULL);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_put_object(&w, "defaults");
	json_put_str(&w, "maker", n ? jobs_maker_at(jobs, 0)->id : NULL);
	json_put_int(&w, "count", 1);
	json_put_real(&w, "guidance", n ? jobs_maker_at(jobs, 0)->guidance : 0);
	json_put_str(&w, "prompt_visibility", "public");
	json_put_end(&w);
	json_put_bool(&w, "describes", api_of(rq)->describer != NULL);
	load_put(&w, "load", jobs);
	if (!quota_put(&w, "quota", &app, e))
		return false;
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_studio_consent(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct jobs *jobs = api_of(rq)->jobs;
	const char *maker;
	if (!param_text_required(rq, "maker", 64, &maker, e))
		return false;
	if (!jobs || !jobs_maker(jobs, maker))
		return param_fail(rq, "maker", e, "is not offered here");
	if (!app_consent_give(&app, maker, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_explore(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_timeline_filter filter = {0};
	struct app_posts posts;
	struct store_page page;
	return api_page_params(rq, 20, 40, &page, e) &&
	       param_text(rq, "style", 64, &filter.style, e) &&
	       param_text(rq, "tag", 100, &filter.tag, e) &&
	       app_timeline_explore(&app, &filter, &page, &posts, e) &&
	       serial_answer_posts(rq, rs, &app, &posts, e);
}

/* --- lineage --- */

/* The JSON writer's depth is limited: what stands deeper is left out, and the answer says "truncated". */
enum { NESTING_MAX = 10 };

static void put_node(struct serial *s, const char *key, const struct app_lineage *l, size_t at,
		     int depth, unsigned char *done)
{
	const struct app_lineage_node *n = &l->nodes[at];
	done[at] = 1;
	json_put_object(s->w, key);
	json_put_id(s->w, "id", n->id);
	if (n->post)
		serial_status(s, "status", n->post);
	else
		json_put_null(s->w, "status");
	json_put_bool(s->w, "deleted", n->deleted);
	json_put_id(s->w, "parent_id", n->parent_id);
	json_put_time(s->w, "created_at", n->created_at);
	json_put_array(s->w, "children");
	for (size_t i = at + 1; i < l->count; i++) {
		if (done[i] || l->nodes[i].parent_id != n->id)
			continue;
		if (depth < NESTING_MAX)
			put_node(s, NULL, l, i, depth + 1, done);
	}
	json_put_end(s->w);
	json_put_end(s->w);
}

bool api_lineage_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_lineage l;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_lineage_get(&app, id, &l, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	unsigned char *done = arena_alloc(rq->arena, l.count + 1);
	json_put_object(&w, NULL);
	if (l.count)
		put_node(&s, "root", &l, 0, 0, done);
	else
		json_put_null(&w, "root");
	bool deeper = false;
	for (size_t i = 0; i < l.count; i++)
		deeper = deeper || !done[i];
	json_put_id(&w, "current", id);
	json_put_int(&w, "count", l.total);
	json_put_bool(&w, "truncated", l.truncated || deeper);
	json_put_end(&w);
	return json_finish(&w, e);
}
