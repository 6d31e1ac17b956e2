/* Owns the threads that fetch the pages of links. What must stay true: a page is read only as far as its head, through
 * outbound.h, which keeps private networks closed; one slow page holds up one thread, and that not for long. */
#include "jobs/cards.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/card.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "jobs/page.h"
#include "json/read.h"
#include "makers/outbound.h"

enum {
	THREADS = 3,
	ARENA_CAP = 8 << 20,
	LEASE_MS = 3 * 60 * 1000,
	TIMEOUT_S = 10,
	OEMBED_BYTES_MAX = 64 << 10,
	WAIT_NS = 500 * 1000 * 1000,
};

struct cards {
	struct cards_options options;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;
	struct worker {
		struct cards *cards;
		struct db *db;
		pthread_t thread;
	} workers[THREADS];
	int started;
};

static bool going(void *context)
{
	struct cards *c = context;
	pthread_mutex_lock(&c->lock);
	bool stop = c->stop;
	pthread_mutex_unlock(&c->lock);
	return !stop;
}

/* --- one page --- */

struct visit {
	struct cards *cards;
	struct arena *a;
	struct page_reader *reader;
	int64_t card_id;
	bool enough; /* the rest is not of interest */
};

static bool visit_going(void *context)
{
	return going(((struct visit *)context)->cards);
}

static bool on_bytes(void *context, const char *content_type, const char *bytes, size_t length)
{
	struct visit *v = context;
	if (!v->reader && page_is_html(content_type))
		v->reader = page_reader_create(v->a, content_type);
	v->enough = !v->reader || !page_reader_feed(v->reader, bytes, length);
	return !v->enough;
}

enum outcome { OUTCOME_SAYS, OUTCOME_NOTHING, OUTCOME_LATER };

static enum outcome judge(const struct visit *v, bool answered, long status, const struct err *e)
{
	if (v->enough || (answered && status == 200))
		return v->reader ? OUTCOME_SAYS : OUTCOME_NOTHING;
	if (answered)
		return status == 429 || status >= 500 ? OUTCOME_LATER : OUTCOME_NOTHING;
	return e->code == ERR_IO || e->code == ERR_CANCELLED ? OUTCOME_LATER : OUTCOME_NOTHING;
}

static enum outcome visit_page(struct visit *v, const char *url, struct page_says *says)
{
	static const char *const headers[] = {"Accept: text/html, application/xhtml+xml;q=0.9",
					      NULL};
	struct outbound_answer answer = {0};
	struct err e = {0};
	const struct outbound_request q = {
	    .method = "GET",
	    .url = url,
	    .headers = headers,
	    .trusted = v->cards->options.private_addresses,
	    .bytes_max = 2 * PAGE_BYTES_MAX,
	    .timeout_s = TIMEOUT_S,
	    .going = visit_going,
	    .data = on_bytes,
	    .context = v,
	};
	bool answered = outbound_fetch(&q, &answer, &e);
	enum outcome outcome = judge(v, answered, answer.status, &e);
	if (outcome == OUTCOME_SAYS)
		page_reader_end(v->reader, says);
	if (!answered && !v->enough)
		log_info("card.failed", LOG_INT("card", v->card_id), LOG_ERR(&e));
	page_reader_destroy(v->reader);
	v->reader = NULL;
	buf_finish(&answer.body);
	return outcome;
}

/* Names that only the site's oEmbed knows. Its markup is never asked for: no stranger's frame runs here. */
static void visit_oembed(struct visit *v, struct page_says *says)
{
	static const struct json_limits limits = {
	    .bytes_max = OEMBED_BYTES_MAX, .values_max = 200, .depth_max = 8};
	struct outbound_answer answer = {0};
	struct err e = {0};
	const struct json_value *value;
	const struct outbound_request q = {
	    .method = "GET",
	    .url = says->oembed_url,
	    .trusted = v->cards->options.private_addresses,
	    .bytes_max = OEMBED_BYTES_MAX,
	    .timeout_s = TIMEOUT_S,
	    .going = visit_going,
	    .context = v,
	};
	if (outbound_fetch(&q, &answer, &e) && answer.status == 200 && !answer.body.failed &&
	    json_parse(v->a, answer.body.data ? answer.body.data : "", answer.body.length, &limits,
		       &value, &e)) {
		const struct {
			const char *name, **slot;
			size_t bytes_max;
		} known[] = {{"title", &says->title, PAGE_TITLE_MAX},
			     {"author_name", &says->author_name, PAGE_NAME_MAX},
			     {"author_url", &says->author_url, PAGE_URL_MAX},
			     {"provider_name", &says->site_name, PAGE_NAME_MAX}};
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (!(*known[i].slot)[0])
				*known[i].slot =
				    page_line(v->a, json_get_str(value, known[i].name, ""),
					      known[i].bytes_max);
		if (!str_starts(says->author_url, "https://") &&
		    !str_starts(says->author_url, "http://"))
			says->author_url = "";
	}
	buf_finish(&answer.body);
}

static bool fetch(struct cards *c, struct app *app, struct store_card *card, struct err *e)
{
	struct page_says says = {0};
	struct visit v = {.cards = c, .a = app->arena, .card_id = card->id};
	enum outcome outcome = visit_page(&v, card->url, &says);
	app->now_ms = clock_house_ms();
	if (outcome == OUTCOME_LATER)
		return app_card_later(app, card, e);
	card->title = "";
	if (outcome == OUTCOME_SAYS) {
		if (says.oembed_url[0] &&
		    !(says.title[0] && says.author_name[0] && says.site_name[0]))
			visit_oembed(&v, &says);
		card->title = says.title;
		card->description = says.description;
		card->author_name = says.author_name;
		card->author_url = says.author_url;
		card->provider_name = says.site_name;
		card->language = says.language[0] ? says.language : NULL;
		if (!clock_parse(says.published, &card->published_at))
			card->published_at = 0;
	}
	return app_card_done(app, card, e);
}

/* --- the threads --- */

/* False: nothing was due. */
static bool step(struct worker *w, struct arena *a)
{
	struct app app;
	struct err e = {0};
	struct store_card card;
	bool claimed = false;
	app_init(&app, w->cards->options.core, w->db, a);
	if (!app_card_claim(&app, LEASE_MS, &card, &claimed, &e) ||
	    (claimed && !fetch(w->cards, &app, &card, &e))) {
		log_warn("card.queue", LOG_ERR(&e));
		return false;
	}
	return claimed;
}

static void run(void *context)
{
	struct worker *w = context;
	struct cards *c = w->cards;
	struct arena *a = arena_create(ARENA_CAP);
	while (going(c)) {
		bool more = step(w, a);
		arena_reset(a);
		if (more)
			continue;
		int64_t until = clock_mono_ns() + WAIT_NS;
		pthread_mutex_lock(&c->lock);
		while (!c->stop && thread_wait_until(&c->stopped, &c->lock, until))
			;
		pthread_mutex_unlock(&c->lock);
	}
	arena_destroy(a);
}

struct cards *cards_start(const struct cards_options *options, struct err *e)
{
	struct cards *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	c->options = *options;
	pthread_mutex_init(&c->lock, NULL);
	thread_cond_init(&c->stopped);
	for (; c->started < THREADS; c->started++) {
		struct worker *w = &c->workers[c->started];
		w->cards = c;
		w->db = db_open(options->pool, e);
		if (!w->db || !thread_start(&w->thread, "cards", run, w, e)) {
			db_close(w->db);
			cards_stop(c);
			return NULL;
		}
	}
	return c;
}

void cards_stop(struct cards *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_broadcast(&c->stopped);
	pthread_mutex_unlock(&c->lock);
	for (int i = 0; i < c->started; i++) {
		thread_join(c->workers[i].thread);
		db_close(c->workers[i].db);
	}
	pthread_cond_destroy(&c->stopped);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
