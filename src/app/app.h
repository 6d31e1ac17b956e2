/* The rules: who may do what, and what follows from it.
 *
 * A core is the process's one; the server makes it, with the hooks through which the rules reach the bus,
 * the media and the queue. An `app` is who asks, in one request: it lives on the caller's stack, borrows a
 * database handle and an arena of the same thread, and is the first argument of every function here.
 * Results live in that arena. Every function decides by itself whether `account_id` may do it. */
#ifndef MADANG_APP_APP_H
#define MADANG_APP_APP_H

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "store/account.h"
#include "store/media.h"
#include "store/post.h"

struct app;
struct app_core;
struct app_job_new;
struct store_job;
struct store_job_ahead;
struct store_token;

enum app_event_type {
	APP_EVENT_POST, /* a new post (post_id, account_id, visibility, local, media): public streams; one that is
			   unlisted: whoever follows its conversation */
	APP_EVENT_HOME,         /* post_id now stands in the homes of `recipients` */
	APP_EVENT_POST_EDITED,  /* post_id */
	APP_EVENT_POST_DELETED, /* post_id, account_id */
	APP_EVENT_NOTIFICATION, /* notification_id for account_id */
	APP_EVENT_JOB,          /* job_id of account_id has another state */
	APP_EVENT_JOB_WAITING,  /* a job for `maker` waits: wake the workers */
	APP_EVENT_SIGNED_OUT, /* tokens or sessions of account_id (and of all recipients) ended: forget them,
				 cut their streams */
	APP_EVENT_ACCOUNT,               /* account_id has changed: forget what is cached */
	APP_EVENT_SETTINGS,              /* the settings have changed: read them again */
	APP_EVENT_LIST,                  /* post_id now stands in the lists of `recipients` */
	APP_EVENT_CONVERSATION,          /* conversation_id of account_id has something new */
	APP_EVENT_FILTERS,               /* the filters of account_id have changed */
	APP_EVENT_ANNOUNCEMENT,          /* announcement_id is published, or has changed */
	APP_EVENT_ANNOUNCEMENT_REACTION, /* announcement_id has more or fewer of `name` */
	APP_EVENT_ANNOUNCEMENT_DELETED,  /* announcement_id is not to be seen any more */
	APP_EVENT_TYPES                  /* how many there are */
};

struct app_event {
	enum app_event_type type;
	int64_t post_id;
	int64_t account_id;
	int64_t notification_id;
	int64_t job_id;
	int64_t conversation_id;
	int64_t announcement_id;
	int64_t thread_id; /* of a post: its conversation */
	enum store_visibility visibility;
	bool local;
	bool media;
	bool reply;
	bool boost;
	const char *tags; /* of the post, one space between */
	const char *maker;
	const char *name;          /* of a reaction */
	const int64_t *recipients; /* borrowed for the call */
	size_t recipient_count;
};

/* Called on the thread that asked, after the commit, never inside a transaction (but for event_commit). Any
 * may be NULL. */
struct app_hooks {
	void *context;
	void (*event)(void *context, const struct app_event *event);
	/* Inside the transaction, which fails with it: for the events that no other process may miss. */
	bool (*event_commit)(void *context, struct db *w, const struct app_event *event,
			     struct err *e);
	/* app_tick has something to do, on which somebody waits. */
	void (*behind)(void *context);
	/* Deletes an object that no row names any more; the trash remembers it until this succeeds. */
	bool (*object_delete)(void *context, const char *hash, struct err *e);
	/* Load: may this account add this job now? ERR_BUSY says no. */
	bool (*job_admit)(void *context, struct app *app, const struct app_job_new *form,
			  struct err *e);
	/* Hands a mail over. NULL: there is no SMTP, and links are given to the administrator. */
	bool (*mail)(void *context, const char *to, const char *subject, const char *text,
		     struct err *e);
	/* How long a job with so much in front of it will take; called inside the transaction that adds it.
	 * Sets its promise_*_ms. */
	void (*job_promise)(void *context, struct store_job *job,
			    const struct store_job_ahead *ahead);
};

struct app_config {
	const char *domain;   /* "example.org" or "localhost:8080": the accounts are @name@domain */
	const char *base_url; /* "https://example.org", without a slash at the end */
	int post_characters_max;   /* 0 means the default in brackets: [5000] */
	int post_media_max;        /* [4] */
	int prompt_characters_max; /* [1000] */
	int jobs_active_max;  /* queued and running of one account, where no quota says else [20] */
	int jobs_running_max; /* being drawn at the same time, likewise [4] */
	int job_attempts_max; /* [3] */
	int home_posts_max;   /* kept for each home timeline [800] */
	int uploads_waiting_max;     /* uploads that wait to be processed: in all [256] */
	int uploads_waiting_own_max; /* …and of one account [16] */
	int sign_in_tries_max;       /* in ten minutes, for one name and for one address [10] */
	int64_t session_ttl_ms;      /* [30 days] */
	bool password_hash_weak;     /* tests only: the cheapest argon2id */
};

/* Copies config and hooks. The pool is borrowed and must outlive the core. */
struct app_core *app_core_create(struct db_pool *pool, const struct app_config *config,
				 const struct app_hooks *hooks, struct err *e) MUST_CHECK;
void app_core_destroy(struct app_core *core); /* NULL-safe */
const struct app_config *app_core_config(const struct app_core *core);

enum app_scope {
	APP_SCOPE_READ = 1,
	APP_SCOPE_WRITE = 2,
	APP_SCOPE_FOLLOW = 4,
	APP_SCOPE_PUSH = 8,
	APP_SCOPE_ADMIN = 16,
	APP_SCOPE_ALL = 31,
};

struct app {
	struct app_core *core;
	struct db *db;
	struct arena *arena;
	int64_t now_ms;
	int64_t account_id; /* 0: nobody is signed in */
	enum store_role role;
	int64_t token_id; /* the API token that asks (store/token.h); 0: a person or an app does */
	int64_t programme_id;            /* in the name of which programme; 0: none */
	const struct store_token *token; /* the row of token_id; NULL: none */
	const char *ip;              /* for the sign-in limit and the use of tokens; may be NULL */
	const char *agent;           /* User-Agent; may be NULL */
	const char *origin;          /* Origin; may be NULL */
	struct app_filters *filters; /* private to app/: those of account_id, once they are read */
	struct app_events
	    *events; /* private to app/: what to publish after the commit; NULL outside */
	bool passes; /* reads everything once: what others ask for again stays known instead */
};

/* Fills *app for nobody, at the present time. */
void app_init(struct app *app, struct app_core *core, struct db *db, struct arena *arena);

/* Work that runs by itself, called about once a second by one thread of the server, with account_id 0:
 * goes on with fan-outs, deletes objects of the trash, trims homes, forgets what has expired. *more: call
 * again at once. */
bool app_tick(struct app *app, bool *more, struct err *e) MUST_CHECK;

#endif
