/* Owns the queue of letters and the one thread that sends them. What must stay true: no address and no subject
 * can bring a line break into a head, and a letter that the server has refused for good (5xx) is not repeated. */
#include "http/mail.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/thread.h"

enum { WAITING_MAX = 256, TRIES_MAX = 3, RETRY_S = 5, LETTER_BYTES_MAX = 256 << 10 };

struct letter {
	struct letter *next;
	char *to;
	char *bytes;
	size_t length, sent;
};

struct mail {
	char *url, *user, *password, *from, *name;
	int timeout_s;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct letter *first, **last;
	size_t waiting;
	atomic_bool stop;
};

static char *copy(const char *s)
{
	char *c = s && *s ? strdup(s) : NULL;
	if (s && *s && !c)
		abort();
	return c;
}

static bool is_address(const char *s)
{
	const char *at = s ? strchr(s, '@') : NULL;
	return at && at > s && at[1] && !strpbrk(s, " \t\r\n<>,;\"") && !strchr(at + 1, '@');
}

static bool is_loopback(const char *url)
{
	const char *host = strstr(url, "://");
	return host && (str_starts(host + 3, "127.") || str_starts(host + 3, "localhost") ||
			str_starts(host + 3, "[::1]"));
}

/* --- a letter --- */

/* RFC 2047 where it is not ASCII. */
static void put_words(struct buf *out, const char *text)
{
	bool plain = true;
	for (const char *c = text; *c; c++)
		plain = plain && (unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f;
	if (plain) {
		buf_add_str(out, text);
		return;
	}
	size_t left = strlen(text);
	for (bool first = true; left; first = false) { /* a word has 75 characters at most */
		size_t n = str_utf8_cut(text, left, 42);
		if (!n)
			n = left < 42 ? left : 42; /* no UTF-8: any cut is as good */
		buf_add_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		codec_base64(out, text, n);
		buf_add_str(out, "?=");
		text += n;
		left -= n;
	}
}

static void put_date(struct buf *out)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm t;
	if (gmtime_r(&now, &t))
		buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday],
			   t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
			   t.tm_sec);
}

static void put_letter(const struct mail *m, struct buf *out, const char *to, const char *subject,
		       const char *text)
{
	put_date(out);
	buf_add_str(out, "From: ");
	if (m->name) {
		put_words(out, m->name);
		buf_printf(out, " <%s>\r\n", m->from);
	} else {
		buf_printf(out, "%s\r\n", m->from);
	}
	buf_printf(out, "To: %s\r\nSubject: ", to);
	put_words(out, subject);
	buf_printf(out, "\r\nMessage-ID: <%016llx%016llx@%s>\r\n", (unsigned long long)rand_u64(),
		   (unsigned long long)rand_u64(), strchr(m->from, '@') + 1);
	buf_add_str(out,
		    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n");
	struct buf body;
	buf_init(&body, LETTER_BYTES_MAX);
	codec_base64(&body, text, strlen(text));
	for (size_t at = 0; at < body.length; at += 76) {
		buf_add(out, body.data + at, body.length - at < 76 ? body.length - at : 76);
		buf_add_str(out, "\r\n");
	}
	out->failed = out->failed || body.failed;
	buf_finish(&body);
}

static void letter_free(struct letter *l)
{
	free(l->to);
	free(l->bytes);
	free(l);
}

/* --- sending --- */

static size_t read_letter(char *out, size_t size, size_t count, void *context)
{
	struct letter *l = context;
	size_t n = size * count < l->length - l->sent ? size * count : l->length - l->sent;
	memcpy(out, l->bytes + l->sent, n);
	l->sent += n;
	return n;
}

static int going(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(&((struct mail *)context)->stop);
}

/* True: done with it, for good or ill. */
static bool deliver(struct mail *m, struct letter *l)
{
	char why[CURL_ERROR_SIZE] = "";
	long code = 0;
	CURL *c = curl_easy_init();
	struct curl_slist *to = curl_slist_append(NULL, l->to);
	if (!c || !to)
		abort();
	l->sent = 0;
	curl_easy_setopt(c, CURLOPT_URL, m->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, m->from);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, read_letter);
	curl_easy_setopt(c, CURLOPT_READDATA, l);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)m->timeout_s);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, going);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, m);
	curl_easy_setopt(c, CURLOPT_USE_SSL,
			 (long)(m->user && !is_loopback(m->url) ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	if (m->user) {
		curl_easy_setopt(c, CURLOPT_USERNAME, m->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, m->password ? m->password : "");
	}
	CURLcode rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	curl_slist_free_all(to);
	curl_easy_cleanup(c);
	if (rc == CURLE_OK) {
		log_info("mail.sent");
		return true;
	}
	bool refused = code >= 500;
	log_warn(refused ? "mail.refused" : "mail.not_sent", LOG_INT("code", code),
		 LOG_STR("why", why[0] ? why : curl_easy_strerror(rc)));
	return refused;
}

/* False: the house is closing. */
static bool pause_before_retry(struct mail *m)
{
	int64_t until = clock_mono_ns() + RETRY_S * 1000000000ll;
	pthread_mutex_lock(&m->lock);
	while (!atomic_load(&m->stop) && thread_wait_until(&m->some, &m->lock, until))
		;
	pthread_mutex_unlock(&m->lock);
	return !atomic_load(&m->stop);
}

static void mail_run(void *argument)
{
	struct mail *m = argument;
	for (;;) {
		pthread_mutex_lock(&m->lock);
		while (!m->first && !atomic_load(&m->stop))
			pthread_cond_wait(&m->some, &m->lock);
		struct letter *l = atomic_load(&m->stop) ? NULL : m->first;
		if (l) {
			m->first = l->next;
			m->waiting--;
			if (!m->first)
				m->last = &m->first;
		}
		pthread_mutex_unlock(&m->lock);
		if (!l)
			return;
		for (int i = 1; !deliver(m, l) && i < TRIES_MAX && pause_before_retry(m); i++)
			;
		letter_free(l);
	}
}

bool mail_send(struct mail *m, const char *to, const char *subject, const char *text, struct err *e)
{
	struct buf b;
	if (!is_address(to) || strpbrk(subject, "\r\n"))
		return err_set(e, ERR_INVALID, "this is not an address that mail can go to");
	buf_init(&b, LETTER_BYTES_MAX);
	put_letter(m, &b, to, subject, text);
	struct letter *l = calloc(1, sizeof *l);
	if (!l)
		abort();
	l->length = b.length;
	l->bytes = buf_take(&b);
	l->to = copy(to);
	if (!l->bytes) {
		letter_free(l);
		return err_set(e, ERR_TOO_LARGE, "the letter is too long");
	}
	pthread_mutex_lock(&m->lock);
	bool room = m->waiting < WAITING_MAX;
	if (room) {
		*m->last = l;
		m->last = &l->next;
		m->waiting++;
		pthread_cond_signal(&m->some);
	}
	pthread_mutex_unlock(&m->lock);
	if (room)
		return true;
	letter_free(l);
	return err_set(e, ERR_BUSY, "Too many letters wait to be sent: try again in a moment");
}

/* --- life --- */

static void mail_free(struct mail *m)
{
	while (m->first) {
		struct letter *l = m->first;
		m->first = l->next;
		letter_free(l);
	}
	pthread_cond_destroy(&m->some);
	pthread_mutex_destroy(&m->lock);
	free(m->url);
	free(m->user);
	free(m->password);
	free(m->from);
	free(m->name);
	free(m);
}

struct mail *mail_create(const struct mail_options *o, struct err *e)
{
	if (!str_starts(o->url, "smtp://") && !str_starts(o->url, "smtps://")) {
		err_set(e, ERR_INVALID, "smtp_url: must begin with smtp:// or smtps://");
		return NULL;
	}
	if (!is_address(o->from)) {
		err_set(e, ERR_INVALID, "smtp_from: '%.100s' is not an e-mail address",
			o->from ? o->from : "");
		return NULL;
	}
	if (o->name && strpbrk(o->name, "\r\n<>\"")) {
		err_set(e, ERR_INVALID, "the sender's name must not hold <, > or \"");
		return NULL;
	}
	struct mail *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	m->url = copy(o->url);
	m->user = copy(o->user);
	m->password = copy(o->password);
	m->from = copy(o->from);
	m->name = copy(o->name);
	m->timeout_s = o->timeout_s ? o->timeout_s : 30;
	m->last = &m->first;
	pthread_mutex_init(&m->lock, NULL);
	thread_cond_init(&m->some);
	if (thread_start(&m->thread, "mail", mail_run, m, e))
		return m;
	mail_free(m);
	return NULL;
}

void mail_destroy(struct mail *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->stop, true);
	pthread_cond_broadcast(&m->some);
	pthread_mutex_unlock(&m->lock);
	thread_join(m->thread);
	mail_free(m);
}
