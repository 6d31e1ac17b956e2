/* The administrators' side of the queue: all jobs, the makers, the load. What they do stands in the audit log. */
#include "app/queue.h"

#include <string.h>

#include "api/studio/job.h"
#include "api/studio/load.h"
#include "api/studio/routes.h"
#include "base/clock.h"
#include "json/read.h"

bool api_admin_queue(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_jobs jobs;
	int64_t limit = 40, after = 0;
	if (!param_int(rq, "limit", 1, 80, &limit, e) || !param_id(rq, "after", &after, e) ||
	    !app_job_queue(&app, after, (int)limit, &jobs, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < jobs.count; i++)
		job_put(&s, NULL, &jobs.items[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_queue_clear(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t account_id = 0, cancelled;
	if (!param_id(rq, "account_id", &account_id, e))
		return false;
	if (!account_id)
		return param_fail(rq, "account_id", e, "can't be blank");
	if (!app_job_cancel_account(&app, account_id, &cancelled, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_int(&w, "cancelled", cancelled);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_queue_cancel(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_job_cancel(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_admin_queue_front(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_job job;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_queue_front(&app, id, e) ||
	    !app_job_get(&app, id, &job, e))
		return false;
	struct json_writer w = api_json(rs);
	job_put(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, NULL, &job);
	return json_finish(&w, e);
}

/* --- makers --- */

static struct jobs *need_jobs(struct http_request *rq, struct err *e)
{
	struct jobs *jobs = api_of(rq)->jobs;
	if (!jobs)
		err_set(e, ERR_BUSY, "Nothing is drawn here yet");
	return jobs;
}

static void put_service(struct json_writer *w, struct jobs *jobs, const char *id)
{
	struct jobs_service s;
	jobs_service(jobs, id, &s);
	if (s.samples > 0) {
		json_put_object(w, "service");
		json_put_int(w, "samples", (int64_t)s.samples);
		json_put_real(w, "p10_s", s.p10_s);
		json_put_real(w, "p50_s", s.p50_s);
		json_put_real(w, "p90_s", s.p90_s);
		json_put_end(w);
	} else {
		json_put_null(w, "service");
	}
	json_put_object(w, "promises");
	json_put_int(w, "kept", (int64_t)s.kept);
	json_put_int(w, "broken", (int64_t)s.broken);
	json_put_end(w);
}

/* rule NULL: as this process has read it last. */
static bool put_maker(struct json_writer *w, struct app *app, struct jobs *jobs,
		      const struct maker_info *m, const struct store_maker_rule *rule,
		      struct err *e)
{
	struct fleet_state s = {0};
	int64_t queued, drawing;
	if (!app_maker_counts(app, m->id, &queued, &drawing, e))
		return false;
	jobs_maker_state(jobs, m->id, &s);
	const char *reason = rule ? rule->reason : s.reason;
	json_put_object(w, NULL);
	json_put_str(w, "id", m->id);
	json_put_str(w, "name", m->name);
	json_put_str(w, "kind", m->remote ? "remote" : "builtin");
	json_put_bool(w, "local", s.here);
	json_put_bool(w, "paused", rule ? rule->paused : s.paused);
	json_put_str(w, "reason", reason[0] ? reason : NULL);
	json_put_real(w, "cost", rule ? rule->cost : s.cost);
	json_put_int(w, "slots", s.slots);
	json_put_int(w, "busy", s.busy);
	json_put_int(w, "queued", queued);
	json_put_int(w, "drawing", drawing);
	put_service(w, jobs, m->id);
	json_put_end(w);
	return true;
}

bool api_admin_maker_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct jobs *jobs = need_jobs(rq, e);
	if (!jobs)
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < jobs_makers(jobs); i++)
		if (!put_maker(&w, &app, jobs, jobs_maker_at(jobs, i), NULL, e))
			return false;
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_maker_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct jobs *jobs = need_jobs(rq, e);
	struct app_maker_change change = {0};
	struct store_maker_rule rule;
	bool paused = false;
	double cost = 0;
	if (!jobs || !param_bool(rq, "paused", &paused, e) ||
	    !param_text(rq, "reason", 300, &change.reason, e) ||
	    !param_real(rq, "cost", 0, 1e6, &cost, e))
		return false;
	const struct maker_info *m = jobs_maker(jobs, rq->path_args[0]);
	if (!m)
		return err_set(e, ERR_NOT_FOUND, "There is no maker of this name");
	change.paused = param_given(rq, "paused") ? &paused : NULL;
	change.cost = param_given(rq, "cost") ? &cost : NULL;
	if (!app_maker_change(&app, m->id, &change, &rule, e))
		return false;
	jobs_refresh(jobs);
	struct json_writer w = api_json(rs);
	return put_maker(&w, &app, jobs, m, &rule, e) && json_finish(&w, e);
}

/* --- load --- */

static void put_worker_makers(struct json_writer *w, struct arena *a, const char *json)
{
	const struct json_value *v;
	struct err e = {0};
	json_put_array(w, "makers");
	if (json_parse(a, json, strlen(json), NULL, &v, &e) && v->kind == JSON_KIND_ARRAY)
		for (size_t i = 0; i < v->length; i++)
			json_put_str(w, NULL, json_get_str(&v->items[i], "id", ""));
	json_put_end(w);
}

/* What all who draw have done together, and what it took. Energy only of those that can tell it. */
struct effort {
	struct store_work sum;
	int64_t joule_pictures;
};

static void add_work(struct effort *x, const struct store_work *work)
{
	x->sum.pictures += work->pictures;
	x->sum.cpu_s += work->cpu_s;
	if (work->has_joules) {
		x->sum.has_joules = true;
		x->sum.joules += work->joules;
		x->joule_pictures += work->pictures;
	}
	x->sum.prefixes_computed += work->prefixes_computed;
	x->sum.prefixes_shared += work->prefixes_shared;
	x->sum.prefix_tokens_computed += work->prefix_tokens_computed;
	x->sum.prefix_tokens_shared += work->prefix_tokens_shared;
}

static void put_worker(struct json_writer *w, struct app *app, const struct store_worker *worker,
		       bool here)
{
	json_put_object(w, NULL);
	json_put_str(w, "name", worker->name);
	put_worker_makers(w, app->arena, worker->makers);
	json_put_int(w, "slots", worker->slots);
	json_put_int(w, "busy", worker->busy);
	json_put_time(w, "seen_at", worker->seen_at);
	json_put_bool(w, "here", here);
	json_put_end(w);
}

/* On SQLite nobody else is there to be told, so this process is in no list. */
static void put_alone(struct json_writer *w, struct app *app, struct jobs *jobs)
{
	struct jobs_stats stats;
	jobs_stats(jobs, &stats);
	json_put_object(w, NULL);
	json_put_str(w, "name", jobs_worker_name(jobs));
	json_put_array(w, "makers");
	for (size_t i = 0; i < jobs_makers(jobs); i++)
		json_put_str(w, NULL, jobs_maker_at(jobs, i)->id);
	json_put_end(w);
	json_put_int(w, "slots", jobs_slots(jobs));
	json_put_int(w, "busy", stats.drawing);
	json_put_time(w, "seen_at", app->now_ms);
	json_put_bool(w, "here", true);
	json_put_end(w);
}

static bool put_workers(struct json_writer *w, struct app *app, struct jobs *jobs,
			struct effort *effort, struct err *e)
{
	struct store_worker *items;
	struct store_work own;
	size_t n;
	bool here = false;
	if (!app_worker_list(app, &items, &n, e))
		return false;
	jobs_work(jobs, &own);
	add_work(effort, &own);
	json_put_array(w, "workers");
	for (size_t i = 0; i < n; i++) {
		bool me = !strcmp(items[i].name, jobs_worker_name(jobs));
		here = here || me;
		put_worker(w, app, &items[i], me);
		if (!me)
			add_work(effort, &items[i].work);
	}
	if (!here)
		put_alone(w, app, jobs);
	json_put_end(w);
	return true;
}

static void put_figure(struct json_writer *w, const char *key, double value)
{
	if (value > 0)
		json_put_real(w, key, value);
	else
		json_put_null(w, key);
}

static void put_effort(struct json_writer *w, const struct effort *x)
{
	const struct store_work *s = &x->sum;
	put_figure(w, "pictures_per_cpu_s", s->cpu_s > 0 ? (double)s->pictures / s->cpu_s : 0);
	put_figure(w, "pictures_per_joule",
		   s->joules > 0 ? (double)x->joule_pictures / s->joules : 0);
	json_put_bool(w, "energy_readable", s->has_joules);
	json_put_object(w, "prefixes");
	json_put_int(w, "computed", s->prefixes_computed);
	json_put_int(w, "shared", s->prefixes_shared);
	json_put_int(w, "tokens_computed", s->prefix_tokens_computed);
	json_put_int(w, "tokens_shared", s->prefix_tokens_shared);
	json_put_end(w);
}

static bool answer_load(struct http_response *rs, struct app *app, struct jobs *jobs,
			const struct app_load_settings *set, struct err *e)
{
	struct jobs_load l;
	struct jobs_stats stats;
	struct effort effort = {0};
	int64_t joined;
	if (!app_job_joined(app, &joined, e))
		return false;
	jobs_load(jobs, &l);
	jobs_stats(jobs, &stats);
	if (set->level >= 0)
		l.level = (enum load_level)set->level;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	load_put_members(&w, jobs, &l);
	if (set->level >= 0)
		json_put_int(&w, "set_level", set->level);
	else
		json_put_str(&w, "set_level", "auto");
	json_put_str(&w, "banner", set->banner);
	json_put_str(&w, "banner_message", set->message);
	json_put_real(&w, "utilisation", l.utilisation);
	json_put_real(&w, "queue_age_s", l.queue_age_s);
	json_put_real(&w, "memory_free", l.memory_free);
	json_put_int(&w, "joined", joined);
	json_put_int(&w, "refused", (int64_t)stats.refused);
	if (!put_workers(&w, app, jobs, &effort, e))
		return false;
	put_effort(&w, &effort);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_load(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct jobs *jobs = need_jobs(rq, e);
	struct app_load_settings set;
	return jobs && app_load_settings_get(&app, &set, e) && answer_load(rs, &app, jobs, &set, e);
}

bool api_admin_load_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const levels[] = {"0", "1", "2", "3", "4", "auto", NULL};
	static const char *const banners[] = {"auto", "on", "off", NULL};
	struct app app = api_app(rq);
	struct jobs *jobs = need_jobs(rq, e);
	struct app_load_change change = {0};
	struct app_load_settings set;
	int level = -2, banner = -1;
	if (!jobs || !param_choice(rq, "level", levels, &level, e) ||
	    !param_choice(rq, "banner", banners, &banner, e) ||
	    !param_text(rq, "message", 300, &change.message, e))
		return false;
	int value = level == 5 ? -1 : level;
	change.level = level >= 0 ? &value : NULL;
	change.banner = banner >= 0 ? banners[banner] : NULL;
	if (!app_load_settings_change(&app, &change, &set, e))
		return false;
	jobs_refresh(jobs);
	return answer_load(rs, &app, jobs, &set, e);
}
