/* `madang serve`: makes the parts of the house in order, wires what happens in one to the others, waits for a
 * signal while the chores are done once a second, and takes all apart in the opposite order. Main thread. */
#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/exports.h"
#include "api/kept.h"
#include "api/live.h"
#include "api/openai/waiting.h"
#include "api/studio/job.h"
#include "api/studio/load.h"
#include "app/auth.h"
#include "app/known.h"
#include "app/rule.h"
#include "app/setting.h"
#include "app/token.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "bus/relay.h"
#include "cli/cli.h"
#include "cli/house.h"
#include "cli/makers.h"
#include "cli/wire.h"
#include "http/mail.h"
#include "http/server.h"
#include "image/image.h"
#include "jobs/cards.h"
#include "jobs/describer.h"
#include "jobs/jobs.h"
#include "jobs/push.h"
#include "jobs/uploads.h"
#include "makers/outbound.h"

enum { ARENA_CAP = 16 << 20, PAGE_MAX_BYTES = 1 << 20, DRAIN_MS = 10000, PROXIES_MAX = 64 };

struct serve {
	struct arena *arena;
	struct house house;
	struct api api;
	struct maker *makers[CLI_MAKERS_MAX];
	size_t makers_count;
	struct maker *describer; /* of its own model; NULL: there is none */
	struct http_routes tables[API_TABLES];
	const char *web_dir;
	struct push *push;
	struct cards *cards;
	unsigned networks_swept; /* the list whose closed networks have no streams any more */
	struct db *db;           /* for the chores */
	pthread_t chores;        /* the thread that does them */
	struct relay *relay;
	struct mail *mail; /* NULL: there is no SMTP */
	struct network proxies[PROXIES_MAX];
	size_t proxies_count;
};

/* --- what the rules tell the rest of the house --- */

/* The same for what has happened here and for what has happened in another process. */
static void spread(void *context, const struct app_event *event)
{
	struct serve *s = context;
	if (s->api.jobs && event->type == APP_EVENT_JOB_WAITING)
		jobs_wake(s->api.jobs);
	if (s->api.jobs && event->type == APP_EVENT_SETTINGS)
		jobs_refresh(s->api.jobs);
	if (event->type == APP_EVENT_SETTINGS)
		app_networks_changed(s->house.core);
	if (s->api.live && event->type != APP_EVENT_JOB_WAITING)
		live_event(s->api.live, event);
	if (event->type == APP_EVENT_NOTIFICATION && s->push)
		push_wake(s->push);
}

static void on_event(void *context, const struct app_event *event)
{
	spread(context, event);
	wire_event(((struct serve *)context)->relay, event);
}

/* The chores wait a second for nothing: this ends it. */
static void on_behind(void *context)
{
	pthread_kill(((struct serve *)context)->chores, SIGUSR1);
}

static bool on_event_commit(void *context, struct db *w, const struct app_event *event,
			    struct err *e)
{
	return wire_event_commit(((struct serve *)context)->relay, w, event, e);
}

static void on_preview(void *context, const char *text)
{
	struct serve *s = context;
	if (s->api.jobs)
		jobs_heard(s->api.jobs, text);
}

/* Another process says something. On the relay's thread. */
static void on_heard(void *context, const char *kind, const char *text)
{
	struct serve *s = context;
	const struct wire_hearing hearing = {
	    .context = s, .pool = s->house.pool, .event = spread, .preview = on_preview};
	wire_heard(&hearing, kind, text);
}

static void on_tell(void *context, const char *text)
{
	wire_preview(((struct serve *)context)->relay, text);
}

static bool on_admit(void *context, struct app *app, const struct app_job_new *form, struct err *e)
{
	struct serve *s = context;
	return s->api.jobs ? jobs_admit(s->api.jobs, app, form, e)
			   : err_set(e, ERR_BUSY, "Nothing can be drawn here yet. Try again.");
}

static void on_promise(void *context, struct store_job *job, const struct store_job_ahead *ahead)
{
	struct serve *s = context;
	if (s->api.jobs)
		jobs_promise(s->api.jobs, job, ahead);
}

static bool on_admit_address(void *context, const char *ip)
{
	const struct api *api = context;
	return app_networks_admit(api->core, ip, clock_house_ms());
}

/* The jobs' hooks are called with the whole server. */
static bool on_watched(void *context, int64_t job_id)
{
	return job_watched(&((struct serve *)context)->api, job_id);
}

static void on_seen(void *context, int64_t job_id, int index, double progress,
		    const struct image *image, double rows)
{
	job_seen(&((struct serve *)context)->api, job_id, index, progress, image, rows);
}

static void on_moved(void *context)
{
	job_moved(&((struct serve *)context)->api);
}

static void on_load(void *context)
{
	load_changed(&((struct serve *)context)->api);
}

/* Nobody knows what has ended or changed meanwhile: every stream is cut, whoever comes back shows its token
 * again, and nothing that is kept counts. */
static void on_missed(void *context)
{
	struct serve *s = context;
	db_changed(s->house.pool, NULL, 0);
	app_networks_changed(s->house.core);
	kept_trust(s->api.kept, relay_connected(s->relay));
	app_known_trust(s->api.core, relay_connected(s->relay));
	live_missed(s->api.live);
	if (s->api.jobs)
		jobs_wake(s->api.jobs);
}

static void on_change(void *context, const db_key *keys, size_t count)
{
	wire_changed(((struct serve *)context)->relay, keys, count);
}

static bool on_object_delete(void *context, const char *hash, struct err *e)
{
	struct serve *s = context;
	return media_delete(s->api.media, hash, e);
}

static bool on_mail(void *context, const char *to, const char *subject, const char *text,
		    struct err *e)
{
	struct serve *s = context;
	return mail_send(s->mail, to, subject, text, e);
}

/* --- start --- */

static bool is_folder_with(const char *dir, const char *file)
{
	char path[4300];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	return !access(path, R_OK);
}

/* The front end: as configured, or web/dist beside the build folder or under the working directory. */
static const char *find_web(struct serve *s)
{
	if (s->house.config.web)
		return s->house.config.web;
	char program[4000];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	for (int up = 0; n > 0 && up < 2; up++) {
		program[n] = '\0';
		char *slash = strrchr(program, '/');
		n = slash ? slash - program : 0;
	}
	if (n > 0) {
		const char *dir = arena_printf(s->arena, "%.*s/web/dist", (int)n, program);
		if (is_folder_with(dir, "index.html"))
			return dir;
	}
	return is_folder_with("web/dist", "index.html") ? "web/dist" : NULL;
}

static bool load_page(struct serve *s, struct err *e)
{
	s->web_dir = find_web(s);
	if (!s->web_dir) {
		log_warn("serve.no_front_end");
		return true;
	}
	struct file_bytes bytes;
	if (!file_read(s->arena, arena_printf(s->arena, "%s/index.html", s->web_dir),
		       PAGE_MAX_BYTES, &bytes, e))
		return false;
	s->api.page = bytes.data;
	return true;
}

/* The same after a restart, different for each process. */
static const char *worker_name(struct serve *s)
{
	const struct config *c = &s->house.config;
	char host[128] = "", folder[4096];
	gethostname(host, sizeof host - 1);
	if (!realpath(c->data, folder))
		snprintf(folder, sizeof folder, "%s", c->data);
	return arena_printf(s->arena, "serve:%s:%s:%s", host, s->house.port, folder);
}

static bool start_uploads(struct serve *s, struct err *e)
{
	const struct uploads_options o = {.core = s->house.core,
					  .pool = s->house.pool,
					  .media = s->api.media,
					  .worker = worker_name(s),
					  .wait_ms = (int)s->house.config.upload_wait_ms};
	s->api.uploads = uploads_start(&o, e);
	return s->api.uploads != NULL;
}

static bool start_jobs(struct serve *s, struct err *e)
{
	const struct config *c = &s->house.config;
	struct jobs_options o = {.core = s->house.core,
				 .pool = s->house.pool,
				 .media = s->api.media,
				 .makers = s->makers,
				 .makers_count = s->makers_count,
				 .watch_only = !c->draw,
				 .worker = worker_name(s),
				 .lease_ms = (int)c->lease_s * 1000,
				 .load_wait_s = (double)c->load_wait_s,
				 .hooks = {.context = s,
					   .watched = on_watched,
					   .seen = on_seen,
					   .moved = on_moved,
					   .load = on_load}};
	if (db_pool_kind(s->house.pool) == DB_POSTGRES)
		o.hooks.tell = on_tell;
	s->api.jobs = jobs_start(&o, e);
	return s->api.jobs != NULL;
}

static bool start_describer(struct serve *s, struct err *e)
{
	struct maker *maker;
	if (!cli_make_describer(s->arena, &s->house.config, s->makers, s->makers_count, &maker,
				&s->describer, e))
		return false;
	if (maker)
		s->api.describer = describer_start(maker, s->api.media, e);
	return !maker || s->api.describer;
}

static bool start_http(struct serve *s, struct err *e)
{
	static const struct http_rate_limit limits[RATE_COUNT] = {[RATE_READ] = {50, 600},
								  [RATE_WRITE] = {5, 120},
								  [RATE_UPLOAD] = {1, 60},
								  [RATE_SIGN_IN] = {0.2, 20},
								  [RATE_STREAM] = {2, 60}};
	const struct config *c = &s->house.config;
	const char *temp = arena_printf(s->arena, "%s/tmp", c->data);
	if (mkdir(temp, 0700) && errno != EEXIST)
		return err_set(e, ERR_IO, "the folder %.150s cannot be made: %s", temp,
			       strerror(errno));
	api_tables(s->tables);
	/* Each is a process of PostgreSQL that computes too, and one of its hundred connections. */
	const int writers_max = db_pool_kind(s->house.pool) == DB_POSTGRES ? 16 : 64;
	struct http_options o = {.host = s->house.host,
				 .port = s->house.port,
				 .loops = (int)c->loops,
				 .workers = (int)c->workers,
				 .workers_max = c->workers_max ? (int)c->workers_max : writers_max,
				 .connections_max = (size_t)c->connections_max,
				 .header_timeout_s = (int)c->header_timeout_s,
				 .upload_bytes_max = s->api.upload_bytes_max,
				 .temp_dir = temp,
				 .web_dir = s->web_dir,
				 .proxies = s->proxies,
				 .proxies_count = s->proxies_count,
				 .admit = on_admit_address,
				 .tables = s->tables,
				 .tables_count = API_TABLES,
				 .context = &s->api,
				 .worker_create = api_worker_create,
				 .worker_destroy = api_worker_destroy,
				 .authorize = api_authorize,
				 .quick = api_quick,
				 .page = api_page,
				 .metrics = api_metrics};
	if (c->rate_limits)
		memcpy(o.rates, limits, sizeof limits);
	s->api.server = http_server_start(&o, e);
	return s->api.server != NULL;
}

static bool read_proxies(struct serve *s, struct err *e)
{
	const char *at = s->house.config.trusted_proxies;
	for (size_t n; at && *at; at += n + (at[n] == ',')) {
		n = strcspn(at, ",");
		size_t length = n;
		const char *word = str_trim(at, &length);
		if (s->proxies_count == PROXIES_MAX)
			return err_set(e, ERR_INVALID,
				       "trusted_proxies names more than %d networks", PROXIES_MAX);
		if (!network_parse(word, length, &s->proxies[s->proxies_count]))
			return err_set(
			    e, ERR_INVALID,
			    "trusted_proxies: '%.*s' is no address or network, as 10.0.0.0/8",
			    (int)(length < 60 ? length : 60), word);
		s->proxies_count++;
	}
	return true;
}

/* Before the first request: those that may not come in do not. */
static bool load_networks(struct serve *s, struct err *e)
{
	struct arena *a = arena_create(1 << 20);
	struct app app;
	app_init(&app, s->house.core, s->db, a);
	bool ok = app_networks_load(&app, e);
	arena_destroy(a);
	return ok;
}

/* Whom people mention to have something drawn. Only with a maker of this house: who mentions it has not been
 * asked whether the prompt may leave. */
static bool make_draw_account(struct serve *s, struct app *app, struct err *e)
{
	int64_t id;
	for (size_t i = 0; i < s->makers_count; i++) {
		const struct maker_info *m = maker_info(s->makers[i]);
		if (!m->remote)
			return app_draw_account(app, &id, e) &&
			       app_setting_set(app, "draw_maker", m->id, e);
	}
	return true;
}

static bool say_hello(struct serve *s, struct err *e)
{
	struct arena *a = arena_create(1 << 20);
	struct app app;
	bool required;
	const char *code;
	app_init(&app, s->house.core, s->db, a);
	bool ok = make_draw_account(s, &app, e) &&
		  app_setting_set(&app, HOUSE_SETTING_URL, s->house.base_url, e) &&
		  app_setup_required(&app, &required, e);
	if (ok && required) {
		ok = app_setup_code(&app, &code, e);
		if (ok)
			printf(
			    "Make the first account here (the link counts once):\n  %s/setup?code=%s\n",
			    s->house.base_url, code);
	}
	if (ok)
		printf("Madang is at %s\n", s->house.base_url);
	fflush(stdout);
	arena_destroy(a);
	return ok;
}

static bool start_mail(struct serve *s, struct err *e)
{
	const struct config *c = &s->house.config;
	if (!c->smtp_url || !*c->smtp_url)
		return true;
	const struct mail_options o = {.url = c->smtp_url,
				       .user = c->smtp_user,
				       .password = c->smtp_password,
				       .from = c->smtp_from};
	return (s->mail = mail_create(&o, e)) != NULL;
}

/* Answers of fifty kilobytes come and go thousands of times a second: their pages are not given back to the system
 * between one and the next. */
static void keep_pages(void)
{
	enum { TRIM_BYTES = 8 << 20, MMAP_BYTES = 1 << 20 };
	mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
}

static bool start(struct serve *s, struct err *e)
{
	struct app_hooks hooks = {.context = s,
				  .event = on_event,
				  .event_commit = on_event_commit,
				  .behind = on_behind,
				  .object_delete = on_object_delete,
				  .job_admit = on_admit,
				  .job_promise = on_promise};
	const struct relay_hooks relay = {.context = s, .heard = on_heard, .missed = on_missed};
	keep_pages();
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "the cryptography library cannot start");
	outbound_init();
	if (!read_proxies(s, e) || !start_mail(s, e))
		return false;
	hooks.mail = s->mail ? on_mail : NULL;
	if (!image_init(e) || !house_open(s->arena, &s->house, &hooks, e))
		return false;
	s->relay = relay_create(s->house.pool);
	s->api.core = s->house.core;
	s->api.pool = s->house.pool;
	s->api.base_url = s->house.base_url;
	s->api.domain = s->house.domain;
	s->api.version = MADANG_VERSION;
	s->api.started_ms = clock_wall_ms();
	s->api.started_ns = clock_mono_ns();
	s->api.secure = !strncmp(s->house.base_url, "https:", 6);
	s->api.upload_bytes_max = (size_t)s->house.config.upload_mib_max << 20;
	s->api.events_waiting_max = (size_t)s->house.config.events_waiting_max;
	s->api.private_addresses = s->house.config.private_addresses;
	s->api.bus = bus_create();
	s->api.kept = kept_create(s->house.pool);
	app_known_trust(s->api.core, true);
	s->api.exports = exports_create(&s->api);
	if (db_pool_kind(s->house.pool) == DB_POSTGRES)
		db_on_change(s->house.pool, on_change, s);
	const char *media = s->house.config.media;
	s->api.media = media_store_open(
	    media && *media ? media : arena_printf(s->arena, "%s/media", s->house.config.data), e);
	s->db = s->api.media ? db_open(s->house.pool, e) : NULL;
	if (!s->db || !load_page(s, e) || !(s->api.waiting = waiting_start(&s->api, e)) ||
	    !(s->api.live = live_start(&s->api, e)))
		return false;
	const struct push_options push = {.core = s->house.core,
					  .pool = s->house.pool,
					  .base_url = s->house.base_url,
					  .private_addresses = s->api.private_addresses};
	s->push = push_start(&push, e);
	s->api.vapid_key = s->push ? push_public_key(s->push) : NULL;
	const struct cards_options cards = {.core = s->house.core,
					    .pool = s->house.pool,
					    .private_addresses = s->api.private_addresses};
	s->cards = s->push ? cards_start(&cards, e) : NULL;
	return s->cards && start_uploads(s, e) &&
	       cli_make_makers(s->arena, &s->house.config, s->makers, &s->makers_count, e) &&
	       start_describer(s, e) && start_jobs(s, e) && relay_start(s->relay, &relay, e) &&
	       load_networks(s, e) && start_http(s, e) && say_hello(s, e);
}

/* What was used in the last second counts too. */
static void flush_tokens(struct serve *s)
{
	struct app app;
	struct err e = {0};
	if (!s->db)
		return;
	struct arena *a = arena_create(4 << 20);
	app_init(&app, s->house.core, s->db, a);
	if (!app_token_flush(&app, &e))
		log_warn("serve.tokens", LOG_ERR(&e));
	arena_destroy(a);
}

static void stop(struct serve *s)
{
	waiting_stop(s->api.waiting);
	describer_stop(s->api.describer);
	uploads_stop(s->api.uploads);
	exports_stop(s->api.exports);
	http_server_stop(s->api.server, DRAIN_MS);
	relay_deafen(s->relay);
	jobs_stop(s->api.jobs); /* tells the others that its jobs wait again */
	relay_destroy(s->relay);
	for (size_t i = 0; i < s->makers_count; i++)
		maker_destroy(s->makers[i]);
	maker_destroy(s->describer);
	flush_tokens(s);
	live_stop(s->api.live);
	mail_destroy(s->mail);
	cards_stop(s->cards);
	push_stop(s->push);
	waiting_destroy(s->api.waiting);
	describer_destroy(s->api.describer);
	uploads_destroy(s->api.uploads);
	exports_destroy(s->api.exports);
	db_close(s->db);
	house_close(&s->house);
	media_store_close(s->api.media);
	kept_destroy(s->api.kept);
	bus_destroy(s->api.bus);
}

/* --- chores --- */

static void chores(struct serve *s)
{
	struct arena *a = arena_create(4 << 20);
	struct err e = {0};
	bool more = true;
	for (int i = 0; more && i < 100; i++) {
		struct app app;
		app_init(&app, s->house.core, s->db, a);
		if (!app_tick(&app, &more, &e)) {
			log_warn("serve.chores", LOG_ERR(&e));
			break;
		}
		arena_reset(a);
	}
	/* What was open before a network was closed ends too. */
	if (app_networks_version(s->house.core) != s->networks_swept) {
		s->networks_swept = app_networks_version(s->house.core);
		http_server_sweep(s->api.server);
	}
	arena_destroy(a);
}

static int wait_for_signal(struct serve *s, const sigset_t *signals)
{
	const struct timespec second = {.tv_sec = 1};
	for (;;) {
		int got = sigtimedwait(signals, NULL, &second);
		if (got > 0 && got != SIGUSR1)
			return got;
		chores(s);
	}
}

static int run(struct serve *s)
{
	struct err e = {0};
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	s->chores = pthread_self();
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error to report, as a full disk is */
	int64_t began = clock_mono_ns();
	bool ok = start(s, &e);
	if (ok) {
		log_info("serve.started", LOG_STR("url", s->house.base_url),
			 LOG_INT("port", http_server_port(s->api.server)),
			 LOG_INT("ms", (clock_mono_ns() - began) / 1000000),
			 LOG_INT("makers", (int64_t)s->makers_count));
		log_info("serve.stopping", LOG_INT("signal", wait_for_signal(s, &signals)));
	}
	stop(s);
	return ok ? CLI_EXIT_DONE : cli_fail(&e);
}

int cli_serve(int argc, char **argv)
{
	struct serve s = {.arena = arena_create(ARENA_CAP)};
	struct err e = {0};
	int positional = 0, rc;
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return cli_help(
			    "usage: madang serve [--data DIR] [--listen HOST:PORT] [options]\n",
			    config_table());
	if (!config_load(s.arena, argc, argv, &positional, &s.house.config, &e))
		rc = cli_fail(&e);
	else if (positional) {
		err_set(&e, ERR_INVALID, "serve takes options only, not '%.60s'", argv[0]);
		rc = cli_fail(&e);
	} else {
		rc = run(&s);
	}
	arena_destroy(s.arena);
	return rc;
}
