/* Owns the event loops and the life of a request.
 *
 *   begun      the request line is there: uri_seen makes the exchange (the query is kept raw)
 *   first call headers are there: framing, route, limits; what is wrong is remembered as a refusal
 *   body calls bytes go to a buffer or to the multipart reader
 *   last call  cheap answers at once; otherwise the connection is parked and a worker has the exchange
 *   worker     authorize, handler; then the connection is resumed
 *   re-entry   the answer is queued; done: the exchange is freed
 *
 * What must stay true: an exchange belongs to one thread at a time (its `state` says whose), and a parked
 * connection cannot die, so the worker needs no lock. Event loops never block and never ask the database. */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/thread.h"
#include "http/client.h"
#include "http/exchange.h"

enum {
	ARENA_CAP_BYTES = 32 << 20,
	BODY_DEFAULT_BYTES = 64 << 10,
	BODY_BESIDE_FILE_BYTES = 8 << 20, /* a mask, a description */
	DRAIN_BODY_BYTES = 1 << 20,       /* a refused body up to this size is read and dropped */
	CONNECTION_MEMORY_BYTES =
	    24 << 10, /* a head of some hundred ids, taken apart, and the answer's */
	QUERY_MAX_BYTES = 4 << 10
};

const char *http_request_header(const struct http_request *rq, const char *name)
{
	const struct exchange *x = rq->exchange;
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

const char *http_request_cookie(struct http_request *rq, const char *name)
{
	const char *all = http_request_header(rq, "Cookie");
	size_t length = strlen(name);
	while (all && *all) {
		all += strspn(all, " ;");
		size_t n = strcspn(all, ";");
		if (n > length && all[length] == '=' && !strncmp(all, name, length))
			return arena_strndup(rq->arena, all + length + 1, n - length - 1);
		all += n;
	}
	return NULL;
}

bool http_request_id(const struct http_request *rq, size_t index, int64_t *id, struct err *e)
{
	if (index < rq->path_args_count && id_parse(rq->path_args[index], id))
		return true;
	return err_set(e, ERR_NOT_FOUND, "Record not found");
}

static void refuse(struct exchange *x, unsigned status, enum err_code code, const char *message)
{
	if (x->refused)
		return;
	x->refused = true;
	x->rs.status = status;
	err_set(&x->refusal, code, "%s", message);
}

static void refuse_err(struct exchange *x, unsigned status, const struct err *e)
{
	if (x->refused)
		return;
	x->refused = true;
	x->rs.status = status;
	x->refusal = *e;
}

/* --- begun --- */

/* A connection, for as long as it stands. */
struct visitor {
	struct hub_deadline *deadline;
	bool heard; /* it has begun to say what it wants */
};

static void visitor_heard(struct http_server *s, struct visitor *visitor)
{
	if (!visitor->heard)
		atomic_fetch_sub(&s->unheard, 1);
	visitor->heard = true;
}

static void *uri_seen(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof *x);
	if (!x)
		abort();
	x->server = cls;
	x->connection = connection;
	x->began_ns = clock_mono_ns();
	const char *query = strchr(uri, '?');
	size_t path_length = query ? (size_t)(query - uri) : strlen(uri);
	if (path_length >= sizeof x->log_path)
		path_length = sizeof x->log_path - 1;
	memcpy(x->log_path, uri, path_length);
	x->query = query && query[1] ? strdup(query + 1) : NULL;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	x->visitor = info ? info->socket_context : NULL;
	x->deadline = x->visitor ? x->visitor->deadline : NULL;
	return x;
}

/* --- first call --- */

struct framing {
	int lengths, encodings, hosts;
};

static enum MHD_Result framing_count(void *cls, enum MHD_ValueKind kind, const char *key,
				     const char *value)
{
	(void)kind;
	(void)value;
	struct framing *f = cls;
	f->lengths += str_equal_nocase(key, "Content-Length");
	f->encodings += str_equal_nocase(key, "Transfer-Encoding");
	f->hosts += str_equal_nocase(key, "Host");
	return MHD_YES;
}

/* What a proxy in front might read differently than we do is refused, and the connection with it. */
static void check_framing(struct exchange *x)
{
	struct framing f = {0};
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, framing_count, &f);
	if (f.lengths > 1 || f.encodings > 1 || (f.lengths && f.encodings) || f.hosts > 1) {
		x->close = true;
		refuse(x, 400, ERR_INVALID, "the request's framing is ambiguous");
	}
}

static void take_rate(struct exchange *x)
{
	struct http_server *s = x->server;
	enum http_rate class = x->rq.route->rate;
	const struct http_rate_limit *limit = &s->options.rates[class];
	if (limit->per_s <= 0)
		return;
	const char *who =
	    class == RATE_SIGN_IN ? NULL : http_request_header(&x->rq, "Authorization");
	x->rate = rate_take(s->rates, class, who ? who : x->rq.client_ip,
			    &(struct rate_rule){.per_s = limit->per_s, .burst = limit->burst},
			    clock_mono_ns());
	x->rated = true;
	if (!x->rate.allowed) {
		char why[80];
		snprintf(why, sizeof why, "Too many requests: try again in %d s", x->rate.reset_s);
		refuse(x, 429, ERR_LIMIT, why);
	}
}

static size_t body_limit(const struct exchange *x)
{
	size_t body_max = x->rq.route ? x->rq.route->body_max : 0;
	if (body_max == HTTP_BODY_FILE)
		return x->server->options.upload_bytes_max + BODY_BESIDE_FILE_BYTES;
	return body_max ? body_max : BODY_DEFAULT_BYTES;
}

static void choose_body(struct exchange *x, uint64_t length)
{
	size_t body_max = body_limit(x);
	if (length > body_max) {
		refuse(x, 413, ERR_TOO_LARGE, "the request is too large");
		return;
	}
	const char *type = http_request_header(&x->rq, "Content-Type");
	buf_init(&x->body, body_max);
	if (!type || !*type || !strncasecmp(type, "application/json", 16)) {
		x->body_kind = BODY_JSON;
	} else if (!strncasecmp(type, "application/x-www-form-urlencoded", 33)) {
		x->body_kind = BODY_FORM;
	} else if (!strncasecmp(type, "multipart/form-data", 19)) {
		const char *at = strcasestr(type, "boundary=");
		char boundary[256] = "";
		if (at) {
			at += 9;
			bool quoted = *at == '"';
			at += quoted;
			size_t n = strcspn(at, quoted ? "\"" : "; \t");
			snprintf(boundary, sizeof boundary, "%.*s", (int)n, at);
		}
		struct multipart_options options = {.boundary = boundary,
						    .temp_dir = x->server->options.temp_dir,
						    .file_bytes_max =
							x->server->options.upload_bytes_max,
						    .text_bytes_max = BODY_DEFAULT_BYTES * 4};
		struct err e = {0};
		x->body_kind = BODY_MULTIPART;
		x->multipart = multipart_create(x->rq.arena, &options, &e);
		if (!x->multipart)
			refuse_err(x, 400, &e);
	} else if (length) {
		refuse(
		    x, 415, ERR_INVALID,
		    "the body must be JSON, a form (application/x-www-form-urlencoded) or multipart/form-data");
	}
}

/* Whether the client hangs on to a body that is refused anyway and too large to be read. */
static bool body_hopeless(const struct exchange *x, uint64_t length)
{
	return x->refused && length > DRAIN_BODY_BYTES;
}

static enum MHD_Result answer_refusal(struct exchange *x)
{
	http_response_error(&x->rs, &x->rq, &x->refusal);
	return send_answer(x);
}

static enum MHD_Result first_call(struct exchange *x, const char *url, const char *method)
{
	struct http_server *s = x->server;
	struct http_request *rq = &x->rq;
	unsigned char random[8];
	x->started = true;
	atomic_fetch_add(&s->active, 1);
	if (x->visitor) /* counted as the one or the other at every moment: see drain */
		visitor_heard(s, x->visitor);
	rq->exchange = x;
	rq->arena = arena_create(ARENA_CAP_BYTES);
	rq->context = s->options.context;
	x->params.arena = rq->arena;
	http_response_init(&x->rs, rq->arena);
	rand_bytes(random, sizeof random);
	codec_hex(rq->id, random, sizeof random);
	x->head = !strcmp(method, "HEAD");
	rq->method = arena_strdup(rq->arena, x->head ? "GET" : method);
	rq->path = arena_strdup(rq->arena, url);
	client_address(x);
	if (s->options.admit && !s->options.admit(rq->context, rq->client_ip))
		refuse(x, 403, ERR_FORBIDDEN, "Your network may not use this server.");
	check_framing(x);
	if (strstr(x->log_path, "%00") || !str_is_utf8(rq->path, strlen(rq->path)))
		refuse(x, 400, ERR_INVALID, "the path is not valid");
	if (x->query && strlen(x->query) > QUERY_MAX_BYTES)
		refuse(x, 414, ERR_TOO_LARGE, "the query is too long");
	const char *length_text = http_request_header(rq, "Content-Length");
	uint64_t length = length_text ? strtoull(length_text, NULL, 10) : 0;
	struct http_match m = router_find(s->router, rq->arena, rq->method, rq->path);
	rq->route = m.route;
	memcpy(rq->path_args, m.args, sizeof m.args);
	rq->path_args_count = m.args_count;
	if (!m.route && m.path_known && strcmp(method, "OPTIONS"))
		refuse(x, 405, ERR_UNSUPPORTED, "this path does not take this method");
	if (m.route && m.route->rate ==
			   RATE_SIGN_IN) /* a path may hold the code of a link: the log must not */
		snprintf(x->log_path, sizeof x->log_path, "%s", m.route->path);
	if (m.route)
		take_rate(x);
	choose_body(x, length);
	hub_deadline_set(x->deadline, s->options.idle_timeout_s + (int64_t)(length >> 14));
	if (body_hopeless(x, length)) {
		x->close = true;
		return answer_refusal(x);
	}
	return MHD_YES;
}

/* --- body --- */

static void body_call(struct exchange *x, const char *bytes, size_t length)
{
	struct err e = {0};
	x->body_bytes += length;
	if (x->body_bytes > body_limit(x))
		refuse(x, 413, ERR_TOO_LARGE, "the request is too large");
	if (x->refused)
		return;
	if (x->body_kind == BODY_MULTIPART) {
		if (!multipart_feed(x->multipart, &x->params, bytes, length, &e))
			refuse_err(x, e.code == ERR_INVALID ? 400 : http_status_of(e.code), &e);
	} else if (x->body_kind == BODY_NONE) {
		refuse(x, 415, ERR_INVALID, "the body must be JSON, a form or multipart/form-data");
	} else {
		buf_add(&x->body, bytes, length);
		if (x->body.failed)
			refuse(x, 413, ERR_TOO_LARGE, "the request is too large");
	}
}

static void body_end(struct exchange *x)
{
	struct err e = {0};
	bool ok = true;
	if (x->query)
		ok = form_parse(&x->params, x->query, strlen(x->query), &e);
	if (ok && x->body_kind == BODY_MULTIPART && x->multipart)
		ok = multipart_end(x->multipart, &e);
	else if (ok && x->body.length && x->body_kind == BODY_FORM)
		ok = form_parse(&x->params, x->body.data, x->body.length, &e);
	else if (ok && x->body.length)
		ok = json_body_parse(&x->params, x->body.data, x->body.length, &e);
	if (!ok)
		refuse_err(x, e.code == ERR_INVALID ? 400 : http_status_of(e.code), &e);
	x->rq.params = x->params.items;
	x->rq.params_count = x->params.count;
}

/* --- worker --- */

static void run_exchange(void *worker, void *item)
{
	struct exchange *x = item;
	struct http_server *s = x->server;
	struct err e = {0};
	x->rq.worker = worker;
	log_set_context("req", x->rq.id);
	http_handler_fn handler = x->rq.route ? x->rq.route->handler : s->options.page;
	bool ok = !x->rq.route || !s->options.authorize || s->options.authorize(&x->rq, &x->rs, &e);
	ok = ok && handler(&x->rq, &x->rs, &e);
	if (!ok) {
		if (e.code == ERR_NONE)
			err_set(&e, ERR_INTERNAL, "something went wrong on our side");
		if (e.detail[0] || e.code == ERR_INTERNAL || e.code == ERR_IO)
			log_warn("http.failed", LOG_STR("path", x->log_path), LOG_ERR(&e));
		http_response_error(&x->rs, &x->rq, &e);
	}
	log_set_context(NULL, NULL);
	if (!ok || !x->rs.parked) {
		x->state = EXCHANGE_DONE;
		MHD_resume_connection(x->connection);
	} else {
		http_request_resume(&x->rq);
	}
}

/* Whoever comes second hands the answer over: the worker may still be on its way out of the handler. */
void http_request_resume(struct http_request *rq)
{
	struct exchange *x = rq->exchange;
	if (atomic_fetch_add(&x->resumers, 1) == 0)
		return;
	x->state = EXCHANGE_DONE;
	MHD_resume_connection(x->connection);
}

/* --- last call --- */

static bool wants_page(const struct exchange *x)
{
	const char *accept = http_request_header(&x->rq, "Accept");
	return !strcmp(x->rq.method, "GET") && !str_starts(x->rq.path, "/api/") && accept &&
	       (strstr(accept, "text/html") || strstr(accept, "*/*"));
}

static enum MHD_Result answer_options(struct exchange *x)
{
	x->rs.status = 204;
	http_response_header(&x->rs, "Access-Control-Allow-Methods",
			     "GET, POST, PUT, PATCH, DELETE, OPTIONS");
	http_response_header(
	    &x->rs, "Access-Control-Allow-Headers",
	    "Authorization, Content-Type, Idempotency-Key, X-CSRF-Token, Last-Event-ID");
	http_response_header(&x->rs, "Access-Control-Max-Age", "86400");
	return send_answer(x);
}

static enum MHD_Result last_call(struct exchange *x)
{
	struct http_server *s = x->server;
	enum MHD_Result result;
	body_end(x);
	if (x->refused)
		return answer_refusal(x);
	if (!strcmp(x->rq.method, "OPTIONS"))
		return answer_options(x);
	if (!x->rq.route && !strcmp(x->rq.method, "GET")) {
		if (!strcmp(x->rq.path, "/health") || !strcmp(x->rq.path, "/metrics")) {
			x->rs.content_type = "text/plain; charset=utf-8";
			if (x->rq.path[1] == 'h')
				buf_add_str(&x->rs.body, "OK");
			else
				send_metrics(s, &x->rs.body);
			return send_answer(x);
		}
		if (strcmp(x->rq.path, "/index.html") && send_file(x, x->rq.path, &result))
			return result;
		if (wants_page(x) && !s->options.page && send_file(x, "/index.html", &result))
			return result;
	}
	if (!x->rq.route && !(s->options.page && wants_page(x))) {
		refuse(x, 404, ERR_NOT_FOUND, "Record not found");
		return answer_refusal(x);
	}
	if (x->rq.route && s->options.quick && s->options.quick(&x->rq, &x->rs))
		return send_answer(x);
	hub_deadline_set(x->deadline, 0);
	x->state = EXCHANGE_QUEUED;
	MHD_suspend_connection(x->connection);
	bool reads = !strcmp(x->rq.method, "GET");
	if (!worker_pool_add(s->workers, reads ? WORKER_READS : WORKER_WRITES, x)) {
		struct err e;
		err_set(&e, ERR_BUSY, "the server is busy: try again in a moment");
		http_response_error(&x->rs, &x->rq, &e);
		x->state = EXCHANGE_DONE;
		MHD_resume_connection(x->connection);
	}
	return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *bytes,
			      size_t *length, void **con_cls)
{
	(void)cls;
	(void)connection;
	(void)version;
	struct exchange *x = *con_cls;
	if (!x->started)
		return first_call(x, url, method);
	if (x->state == EXCHANGE_DONE)
		return send_answer(x);
	if (*length) {
		body_call(x, bytes, *length);
		*length = 0;
		return MHD_YES;
	}
	return last_call(x);
}

static void completed(void *cls, struct MHD_Connection *connection, void **con_cls,
		      enum MHD_RequestTerminationCode why)
{
	struct http_server *s = cls;
	struct exchange *x = *con_cls;
	(void)connection;
	(void)why;
	if (!x)
		return;
	if (x->started && x->rq.arena) {
		send_account(x, x->answered ? x->rs.status : 499);
		atomic_fetch_sub(&s->active, 1);
		http_response_finish(&x->rs);
		multipart_finish(x->multipart);
		params_finish(&x->params);
		buf_finish(&x->body);
		arena_destroy(x->rq.arena);
	}
	if (x->deadline) /* the next request of this connection */
		hub_deadline_set(x->deadline,
				 s->options.idle_timeout_s + s->options.header_timeout_s);
	free(x->query);
	free(x);
	*con_cls = NULL;
}

static void connection_changed(void *cls, struct MHD_Connection *connection, void **socket_context,
			       enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	struct visitor *visitor = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
		    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (!(visitor = calloc(1, sizeof *visitor)))
			abort();
		visitor->deadline = hub_deadline_create(s->hub, info->connect_fd);
		hub_deadline_set(visitor->deadline, s->options.header_timeout_s);
		atomic_fetch_add(&s->unheard, 1);
		if (atomic_load(&s->arriving) > 0 && door_is_last_visitor(info->connect_fd))
			atomic_fetch_sub(&s->arriving, 1);
		*socket_context = visitor;
	} else if (visitor) {
		visitor_heard(s, visitor);
		hub_deadline_destroy(visitor->deadline);
		free(visitor);
		*socket_context = NULL;
	}
}

/* --- start and stop --- */

static void mhd_log(void *cls, const char *format, va_list args)
{
	(void)cls;
	char text[256];
	vsnprintf(text, sizeof text, format, args);
	log_debug("http.library", LOG_STR("message", text));
}

static struct MHD_Daemon *daemon_start(struct http_server *s, struct sockaddr *sa)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG | MHD_USE_TURBO |
			 (sa->sa_family == AF_INET6 ? MHD_USE_DUAL_STACK : 0);
	return MHD_start_daemon(flags, 0, NULL, NULL, handle, s, MHD_OPTION_EXTERNAL_LOGGER,
				mhd_log, NULL, MHD_OPTION_SOCK_ADDR, sa,
				MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_CONNECTION_LIMIT,
				(unsigned)(s->options.connections_max / (size_t)s->options.loops),
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->options.idle_timeout_s,
				MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_STRICT_FOR_CLIENT,
				1, MHD_OPTION_URI_LOG_CALLBACK, uri_seen, s,
				MHD_OPTION_NOTIFY_COMPLETED, completed, s,
				MHD_OPTION_NOTIFY_CONNECTION, connection_changed, s,
				MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static bool listen_on(struct http_server *s, struct err *e)
{
	const struct http_options *o = &s->options;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
	int rc = getaddrinfo(o->host, o->port, &hints, &found);
	if (rc || !found)
		return err_set(e, ERR_INVALID, "cannot listen on %s:%s: %s",
			       o->host ? o->host : "*", o->port, gai_strerror(rc));
	s->daemons = calloc((size_t)o->loops, sizeof *s->daemons);
	if (!s->daemons)
		abort();
	for (; s->daemons_count < o->loops; s->daemons_count++) {
		struct MHD_Daemon *d = daemon_start(s, found->ai_addr);
		if (!d) {
			int why = errno;
			freeaddrinfo(found);
			return err_set(e, ERR_IO, "cannot listen on %s:%s: %s",
				       o->host ? o->host : "*", o->port, strerror(why));
		}
		s->daemons[s->daemons_count] = d;
		const union MHD_DaemonInfo *info =
		    MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
		s->port = info ? info->port : 0;
		if (found->ai_addr->sa_family == AF_INET6)
			((struct sockaddr_in6 *)found->ai_addr)->sin6_port =
			    htons((uint16_t)s->port);
		else
			((struct sockaddr_in *)found->ai_addr)->sin_port = htons((uint16_t)s->port);
	}
	freeaddrinfo(found);
	return true;
}

static void set_defaults(struct http_options *o)
{
	int cpus = thread_cpu_count();
	if (!o->loops)
		o->loops = cpus > 8 ? 8 : cpus;
	if (!o->workers)
		o->workers = cpus * 2 > 4 ? cpus * 2 : 4;
	if (!o->workers_max)
		o->workers_max = 64;
	if (!o->queue_max)
		o->queue_max = 1024;
	if (!o->connections_max)
		o->connections_max = 20000;
	if (!o->header_timeout_s)
		o->header_timeout_s = 10;
	if (!o->idle_timeout_s)
		o->idle_timeout_s = 60;
	if (!o->upload_bytes_max)
		o->upload_bytes_max = 32 << 20;
	if (!o->temp_dir)
		o->temp_dir = "/tmp";
}

static void server_free(struct http_server *s)
{
	for (int i = 0; i < s->daemons_count; i++)
		MHD_stop_daemon(s->daemons[i]);
	worker_pool_destroy(s->workers);
	hub_destroy(s->hub);
	rate_table_destroy(s->rates);
	router_destroy(s->router);
	files_destroy(s->files);
	free(s->daemons);
	free(s);
}

struct http_server *http_server_start(const struct http_options *options, struct err *e)
{
	struct http_server *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->options = *options;
	set_defaults(&s->options);
	s->rates = rate_table_create();
	s->router = router_create(s->options.tables, s->options.tables_count);
	struct worker_options w = {.threads = s->options.workers,
				   .threads_max = s->options.workers_max,
				   .queue_max = s->options.queue_max,
				   .context = s->options.context,
				   .create = s->options.worker_create,
				   .destroy = s->options.worker_destroy,
				   .run = run_exchange};
	if (!(s->files = files_load(s->options.web_dir, e)) || !(s->hub = hub_create(e)) ||
	    !(s->workers = worker_pool_start(&w, e)) || !listen_on(s, e)) {
		server_free(s);
		return NULL;
	}
	return s;
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

size_t http_server_streams(const struct http_server *s)
{
	return hub_streams(s->hub);
}

static bool connected(const struct http_server *s)
{
	for (int i = 0; i < s->daemons_count; i++) {
		const union MHD_DaemonInfo *info =
		    MHD_get_daemon_info(s->daemons[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
		if (info && info->num_connections > 0)
			return true;
	}
	return false;
}

/* Waits until what was asked is answered. A connection that was taken in the last instant has not said yet what it
 * wants, and gets a while to say it; then nothing may be asked for a moment, unless nobody is there who could. */
static void drain(struct http_server *s, int64_t end)
{
	const int64_t quiet_ns = 100000000, speak_ns = 2000000000;
	const struct timespec nap = {.tv_nsec = 5000000};
	int64_t now = clock_mono_ns(), busy = now, began = now;
	while (now < end) {
		bool awaited = now - began < speak_ns &&
			       (atomic_load(&s->arriving) > 0 || atomic_load(&s->unheard) > 0);
		if (awaited || atomic_load(&s->active) > 0 || hub_streams(s->hub) > 0)
			busy = now;
		else if (now - busy >= quiet_ns || !connected(s))
			return;
		nanosleep(&nap, NULL);
		now = clock_mono_ns();
	}
}

void http_server_sweep(struct http_server *s)
{
	hub_sweep(s->hub, s->options.admit, s->options.context);
}

void http_server_stop(struct http_server *s, int drain_ms)
{
	if (!s)
		return;
	atomic_store(&s->draining, true);
	MHD_socket *listeners = calloc((size_t)s->daemons_count, sizeof *listeners);
	if (!listeners)
		abort();
	door_close(s, listeners);
	int64_t end = clock_mono_ns() + drain_ms * 1000000ll;
	const struct timespec nap = {.tv_nsec = 5000000};
	hub_close_streams(s->hub);
	drain(s, end);
	log_info("http.drained", LOG_INT("active", atomic_load(&s->active)),
		 LOG_INT("unheard", atomic_load(&s->unheard)),
		 LOG_INT("arriving", atomic_load(&s->arriving)));
	/* Whatever is parked now is with a worker; when they have ended, nothing is parked any more. */
	worker_pool_stop(s->workers);
	while (hub_streams(s->hub) > 0 && clock_mono_ns() < end + 2000000000ll)
		nanosleep(&nap, NULL);
	for (int i = 0; i < s->daemons_count; i++)
		if (listeners[i] >= 0)
			close(listeners[i]);
	free(listeners);
	server_free(s);
}
