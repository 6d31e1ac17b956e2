/* `madang worker`: draws for a house whose server runs elsewhere. It shares the database and the pictures' folder
 * with it, claims jobs, and tells the others what can be seen; it serves nobody. Main thread. */
#include <curl/curl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/setting.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/house.h"
#include "cli/makers.h"
#include "cli/wire.h"
#include "image/image.h"
#include "jobs/jobs.h"
#include "makers/outbound.h"

enum { ARENA_CAP = 16 << 20 };

struct worker {
	struct arena *arena;
	struct house house;
	struct media_store *media;
	struct relay *relay;
	struct jobs *jobs;
	struct maker *makers[CLI_MAKERS_MAX];
	size_t makers_count;
};

/* --- what is told and heard --- */

static void spread(void *context, const struct app_event *event)
{
	struct worker *w = context;
	if (!w->jobs)
		return;
	if (event->type == APP_EVENT_JOB_WAITING)
		jobs_wake(w->jobs);
	else if (event->type == APP_EVENT_JOB)
		jobs_doubt(w->jobs, event->job_id);
	else if (event->type == APP_EVENT_SETTINGS)
		jobs_refresh(w->jobs);
}

static void on_event(void *context, const struct app_event *event)
{
	wire_event(((struct worker *)context)->relay, event);
}

static bool on_event_commit(void *context, struct db *db, const struct app_event *event,
			    struct err *e)
{
	return wire_event_commit(((struct worker *)context)->relay, db, event, e);
}

static bool on_object_delete(void *context, const char *hash, struct err *e)
{
	return media_delete(((struct worker *)context)->media, hash, e);
}

static void on_change(void *context, const db_key *keys, size_t count)
{
	wire_changed(((struct worker *)context)->relay, keys, count);
}

static void on_heard(void *context, const char *kind, const char *text)
{
	struct worker *w = context;
	wire_heard(&(struct wire_hearing){.context = w, .pool = w->house.pool, .event = spread},
		   kind, text);
}

static void on_missed(void *context)
{
	struct worker *w = context;
	jobs_wake(w->jobs);
	jobs_refresh(w->jobs);
}

static void on_tell(void *context, const char *text)
{
	wire_preview(((struct worker *)context)->relay, text);
}

/* --- start --- */

/* The house's own address, as its server has left it: what is posted from here (answers of @draw) carries it. */
static bool open_house(struct worker *w, const struct app_hooks *hooks, struct err *e)
{
	const char *url = NULL;
	struct app app;
	if (!house_open(w->arena, &w->house, hooks, e))
		return false;
	if (w->house.config.url)
		return true;
	struct db *db = db_open(w->house.pool, e);
	if (db)
		app_init(&app, w->house.core, db, w->arena);
	bool ok = db && app_setting_get(&app, HOUSE_SETTING_URL, &url, e);
	db_close(db);
	if (!ok || !url)
		return ok && err_set(e, ERR_INVALID,
				     "no server has used this database yet: start one first, or "
				     "give its address with --url");
	house_close(&w->house);
	w->house.config.url = url;
	return house_open(w->arena, &w->house, hooks, e);
}

static bool start_jobs(struct worker *w, struct err *e)
{
	const struct config *c = &w->house.config;
	char host[128] = "";
	gethostname(host, sizeof host - 1);
	if (!w->makers_count)
		return err_set(e, ERR_INVALID,
			       "there is nothing here to draw with: give --model, "
			       "or the address of a maker");
	const struct jobs_options o = {
	    .core = w->house.core,
	    .pool = w->house.pool,
	    .media = w->media,
	    .makers = w->makers,
	    .makers_count = w->makers_count,
	    .worker = arena_printf(w->arena, "worker:%s:%d:%08llx", host, (int)getpid(),
				   (unsigned long long)(rand_u64() >> 32)),
	    .lease_ms = (int)c->lease_s * 1000,
	    .load_wait_s = (double)c->load_wait_s,
	    .hooks = {.context = w, .tell = on_tell}};
	w->jobs = jobs_start(&o, e);
	return w->jobs != NULL;
}

static bool start(struct worker *w, struct err *e)
{
	const struct app_hooks hooks = {.context = w,
					.event = on_event,
					.event_commit = on_event_commit,
					.object_delete = on_object_delete};
	const struct relay_hooks relay = {.context = w, .heard = on_heard, .missed = on_missed};
	struct config *c = &w->house.config;
	if (!c->database || !*c->database || str_starts(c->database, "sqlite:"))
		return err_set(e, ERR_INVALID,
			       "a worker shares a PostgreSQL with its server: give --database "
			       "postgres://…");
	if (!c->media || !*c->media)
		return err_set(e, ERR_INVALID,
			       "give the folder of the pictures, that it shares with its server, "
			       "with --media");
	c->data = c->media;
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "the cryptography library cannot start");
	outbound_init();
	if (!image_init(e) || !open_house(w, &hooks, e))
		return false;
	w->relay = relay_create(w->house.pool);
	db_on_change(w->house.pool, on_change, w);
	w->media = media_store_open(c->media, e);
	return w->media && cli_make_makers(w->arena, c, w->makers, &w->makers_count, e) &&
	       start_jobs(w, e) && relay_start(w->relay, &relay, e);
}

static void stop(struct worker *w)
{
	relay_deafen(w->relay);
	jobs_stop(w->jobs); /* tells the others that its jobs wait again */
	relay_destroy(w->relay);
	for (size_t i = 0; i < w->makers_count; i++)
		maker_destroy(w->makers[i]);
	house_close(&w->house);
	media_store_close(w->media);
}

static int run(struct worker *w)
{
	struct err e = {0};
	sigset_t signals;
	int got = 0;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	bool ok = start(w, &e);
	if (ok) {
		printf("Drawing for %s\n", w->house.base_url);
		fflush(stdout);
		log_info("worker.started", LOG_STR("name", jobs_worker_name(w->jobs)),
			 LOG_INT("slots", jobs_slots(w->jobs)));
		sigwait(&signals, &got);
		log_info("worker.stopping", LOG_INT("signal", got));
	}
	stop(w);
	return ok ? CLI_EXIT_DONE : cli_fail(&e);
}

int cli_worker(int argc, char **argv)
{
	struct worker w = {.arena = arena_create(ARENA_CAP)};
	struct err e = {0};
	int positional = 0, rc;
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return cli_help("usage: madang worker --database postgres://… --media DIR "
					"[--makers builtin] [options]\n",
					config_table());
	if (!config_load(w.arena, argc, argv, &positional, &w.house.config, &e)) {
		rc = cli_fail(&e);
	} else if (positional) {
		err_set(&e, ERR_INVALID, "worker takes options only, not '%.60s'", argv[0]);
		rc = cli_fail(&e);
	} else {
		rc = run(&w);
	}
	arena_destroy(w.arena);
	return rc;
}
