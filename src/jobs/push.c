/* Owns the thread that sends Web Push messages, one after the other. What must stay true: a message leaves the
 * queue only after the service has answered; a subscription ends only where the service says that it is gone. */
#include "jobs/push.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/account.h"
#include "app/push.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "jobs/webpush.h"
#include "json/write.h"
#include "makers/outbound.h"

enum {
	ARENA_CAP = 8 << 20,
	LEASE_MS = 60 * 1000,
	TIMEOUT_S = 15,
	ANSWER_MAX = 64 << 10,
	WAIT_NS_MAX = 1000 * 1000 * 1000,
	TTL_S = 48 * 60 * 60,
	RETRY_MS = 2 * 1000,
	BODY_TEXT_MAX = 400,
};

struct push {
	struct push_options options;
	struct db *db;
	const char *public_key, *private_key; /* in keys */
	struct arena *keys;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	bool woken, stop;
};

/* --- what it says --- */

/* In the person's language; the name of who did it goes before. */
static const char *title(struct arena *a, const struct app_push_message *m)
{
	static const struct {
		enum app_notification_kind kind;
		const char *en, *ko, *ja;
	} lines[] = {
	    {APP_NOTIFY_MENTION, "%s mentioned you", "%s 님이 나를 언급했습니다",
	     "%sさんからの返信"},
	    {APP_NOTIFY_REBLOG, "%s boosted your post", "%s 님이 내 글을 부스트했습니다",
	     "%sさんがブーストしました"},
	    {APP_NOTIFY_FAVOURITE, "%s liked your post", "%s 님이 내 글을 좋아합니다",
	     "%sさんがお気に入りに登録しました"},
	    {APP_NOTIFY_FOLLOW, "%s follows you", "%s 님이 나를 팔로우합니다",
	     "%sさんにフォローされました"},
	    {APP_NOTIFY_FOLLOW_REQUEST, "%s wants to follow you", "%s 님이 팔로우를 요청했습니다",
	     "%sさんからのフォローリクエスト"},
	    {APP_NOTIFY_STATUS, "%s posted", "%s 님이 글을 올렸습니다", "%sさんが投稿しました"},
	    {APP_NOTIFY_QUOTE, "%s quoted your post", "%s 님이 내 글을 인용했습니다",
	     "%sさんに引用されました"},
	    {APP_NOTIFY_UPDATE, "%s edited a post", "%s 님이 글을 고쳤습니다",
	     "%sさんが投稿を編集しました"},
	    {APP_NOTIFY_QUOTED_UPDATE, "%s edited a post you quoted",
	     "%s 님이 인용한 글을 고쳤습니다", "%sさんが引用元を編集しました"},
	    {APP_NOTIFY_REMIX, "%s remixed your picture", "%s 님이 내 그림을 리믹스했습니다",
	     "%sさんがリミックスしました"},
	    {APP_NOTIFY_SIGN_UP, "%s signed up", "%s 님이 가입했습니다", "%sさんが登録しました"},
	    {APP_NOTIFY_POLL, "A poll of %s has ended", "%s 님의 투표가 끝났습니다",
	     "%sさんのアンケートが終了しました"},
	    {APP_NOTIFY_REPORT, "%s sent a report", "%s 님이 신고했습니다", "%sさんが通報しました"},
	    {APP_NOTIFY_WARNING, "A word from the moderators, %s", "%s 님, 운영자가 알립니다",
	     "%sさん、運営からのお知らせ"},
	};
	const struct store_account *from = m->notification.account;
	const char *name = from->display_name && *from->display_name ? from->display_name
								     : app_account_acct(a, from);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (lines[i].kind != m->notification.kind)
			continue;
		const char *format = str_starts(m->locale, "ko")   ? lines[i].ko
				     : str_starts(m->locale, "ja") ? lines[i].ja
								   : lines[i].en;
		const char *at = strstr(format, "%s");
		return arena_printf(a, "%.*s%s%s", (int)(at - format), format, name, at + 2);
	}
	return name;
}

static const char *words(struct arena *a, const struct app_notification *n)
{
	const char *text = n->post ? (n->post->row.spoiler_text && *n->post->row.spoiler_text
					  ? n->post->row.spoiler_text
					  : n->post->row.text)
				   : n->account->note;
	if (!text)
		return "";
	return arena_strndup(a, text, str_utf8_cut(text, strlen(text), BODY_TEXT_MAX));
}

static bool write_text(struct push *p, struct arena *a, const struct app_push_message *m,
		       struct buf *out, struct err *e)
{
	const struct app_notification *n = &m->notification;
	const char *type = app_notification_name(n->kind);
	char id[ID_TEXT_SIZE];
	struct json_writer w;
	json_begin(&w, out);
	json_put_object(&w, NULL);
	json_put_str(&w, "access_token", ""); /* only its hash is known here */
	json_put_str(&w, "preferred_locale", m->locale);
	json_put_id(&w, "notification_id", n->id);
	json_put_str(&w, "notification_type", type ? type : "mention");
	json_put_str(&w, "icon",
		     arena_printf(a, "%s/avatars/%s.svg", p->options.base_url,
				  id_format(id, n->account->id)));
	json_put_str(&w, "title", title(a, m));
	json_put_str(&w, "body", words(a, n));
	json_put_end(&w);
	return json_finish(&w, e);
}

/* --- sending --- */

static bool urgent(enum app_notification_kind kind)
{
	return kind == APP_NOTIFY_MENTION || kind == APP_NOTIFY_REPORT ||
	       kind == APP_NOTIFY_WARNING || kind == APP_NOTIFY_FOLLOW_REQUEST;
}

static bool going(void *context)
{
	struct push *p = context;
	pthread_mutex_lock(&p->lock);
	bool stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static enum app_push_result judge(const struct outbound_answer *answer)
{
	if (answer->status >= 200 && answer->status < 300)
		return APP_PUSH_SENT;
	if (answer->status == 404 || answer->status == 410)
		return APP_PUSH_GONE;
	if (answer->status == 429 || answer->status >= 500)
		return APP_PUSH_LATER;
	return APP_PUSH_REFUSED;
}

/* *retry_ms: what the service asked for, 0 where it did not say. */
static enum app_push_result send_one(struct push *p, struct arena *a,
				     const struct app_push_message *m, int64_t *retry_ms)
{
	struct err e = {0};
	struct buf text;
	struct webpush_request request = {0};
	struct outbound_answer answer = {0};
	enum app_push_result result = APP_PUSH_REFUSED;
	buf_init(&text, 2 * WEBPUSH_TEXT_MAX);
	bool ok = write_text(p, a, m, &text, &e);
	if (ok) {
		const struct webpush_message message = {
		    .text = text.data,
		    .length = text.length,
		    .p256dh = m->subscription.p256dh,
		    .auth = m->subscription.auth,
		    .standard = m->subscription.standard,
		    .endpoint = m->subscription.endpoint,
		    .subject = p->options.base_url,
		    .public_key = p->public_key,
		    .private_key = p->private_key,
		    .now_ms = clock_house_ms(),
		};
		ok = webpush_seal(a, &message, &request, &e);
	}
	if (ok) {
		const char *headers[8] = {arena_printf(a, "TTL: %d", TTL_S),
					  urgent(m->notification.kind) ? "Urgency: high"
								       : "Urgency: normal"};
		for (int i = 0; request.headers[i]; i++)
			headers[2 + i] = request.headers[i];
		const struct outbound_request q = {
		    .method = "POST",
		    .url = m->subscription.endpoint,
		    .authorization = request.authorization,
		    .headers = headers,
		    .content_type = "application/octet-stream",
		    .body = request.body.data,
		    .body_length = request.body.length,
		    .trusted = p->options.private_addresses,
		    .bytes_max = ANSWER_MAX,
		    .timeout_s = TIMEOUT_S,
		    .going = going,
		    .context = p,
		};
		ok = outbound_fetch(&q, &answer, &e);
		if (ok)
			result = judge(&answer);
		else if (e.code == ERR_IO || e.code == ERR_CANCELLED)
			result = APP_PUSH_LATER;
		*retry_ms = 1000 * (int64_t)answer.retry_after_s;
		buf_finish(&answer.body);
	}
	if (!ok)
		log_info("push.failed", LOG_INT("subscription", m->subscription.id), LOG_ERR(&e));
	buf_finish(&request.body);
	buf_finish(&text);
	return result;
}

/* False: nothing was due. */
static bool step(struct push *p, struct arena *a)
{
	struct app app;
	struct app_push_message m;
	struct err e = {0};
	bool claimed = false;
	app_init(&app, p->options.core, p->db, a);
	if (!app_push_claim(&app, LEASE_MS, &m, &claimed, &e)) {
		log_warn("push.queue", LOG_ERR(&e));
		return false;
	}
	if (!claimed)
		return false;
	int64_t retry_ms = 0;
	enum app_push_result result = m.obsolete ? APP_PUSH_REFUSED : send_one(p, a, &m, &retry_ms);
	if (!retry_ms)
		retry_ms = (int64_t)RETRY_MS << (2 * m.row.attempts);
	app.now_ms = clock_house_ms();
	if (!app_push_done(&app, &m, result, retry_ms, &e))
		log_warn("push.queue", LOG_ERR(&e));
	if (result == APP_PUSH_GONE)
		log_info("push.gone", LOG_INT("subscription", m.row.subscription_id));
	return true;
}

static void run(void *context)
{
	struct push *p = context;
	struct arena *a = arena_create(ARENA_CAP);
	while (going(p)) {
		bool more = step(p, a);
		arena_reset(a);
		if (more)
			continue;
		/* Messages of other processes, and those that are due later, are found by looking. */
		int64_t until = clock_mono_ns() + WAIT_NS_MAX;
		pthread_mutex_lock(&p->lock);
		while (!p->woken && !p->stop && thread_wait_until(&p->some, &p->lock, until))
			;
		p->woken = false;
		pthread_mutex_unlock(&p->lock);
	}
	arena_destroy(a);
}

void push_wake(struct push *p)
{
	pthread_mutex_lock(&p->lock);
	p->woken = true;
	pthread_cond_signal(&p->some);
	pthread_mutex_unlock(&p->lock);
}

const char *push_public_key(const struct push *p)
{
	return p->public_key;
}

static bool load_keys(struct push *p, struct err *e)
{
	struct app app;
	const char *public_key, *private_key;
	app_init(&app, p->options.core, p->db, p->keys);
	if (!app_push_keys_get(&app, &p->public_key, &p->private_key, e))
		return false;
	if (p->public_key[0])
		return true;
	return webpush_keys(p->keys, &public_key, &private_key, e) &&
	       app_push_keys_keep(&app, public_key, private_key, e) &&
	       app_push_keys_get(&app, &p->public_key, &p->private_key, e);
}

struct push *push_start(const struct push_options *options, struct err *e)
{
	struct push *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	p->options = *options;
	p->keys = arena_create(1 << 20);
	pthread_mutex_init(&p->lock, NULL);
	thread_cond_init(&p->some);
	p->db = db_open(options->pool, e);
	if (p->db && load_keys(p, e) && thread_start(&p->thread, "push", run, p, e))
		return p;
	db_close(p->db);
	arena_destroy(p->keys);
	free(p);
	return NULL;
}

void push_stop(struct push *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->some);
	pthread_mutex_unlock(&p->lock);
	thread_join(p->thread);
	db_close(p->db);
	arena_destroy(p->keys);
	pthread_cond_destroy(&p->some);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
