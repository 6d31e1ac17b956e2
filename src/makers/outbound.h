/* Requests to servers of others, with limits on time and size. An address that nobody in this house has
 * configured never leads into private networks, whatever it resolves or redirects to. */
#ifndef MADANG_MAKERS_OUTBOUND_H
#define MADANG_MAKERS_OUTBOUND_H

#include "base/buf.h"
#include "base/err.h"

struct outbound_request {
	const char *method;        /* "GET", "POST" */
	const char *url;           /* http or https */
	const char *authorization; /* sent to this host only, never after a redirect; may be NULL */
	const char *const
	    *headers; /* whole lines, NULL at the end, to this host only; may be NULL */
	const char *content_type;
	const char *body; /* may be NULL */
	size_t body_length;
	/* Set by an administrator: it, and only it, may be in a private network. Redirects of it may not. */
	bool trusted;
	size_t bytes_max; /* of the answer */
	int timeout_s;
	/* Called about once a second and as bytes come; false ends the request with ERR_CANCELLED. */
	bool (*going)(void *context);
	/* Where set, takes the body as it comes instead of `body` of the answer; false: ERR_INVALID. */
	bool (*data)(void *context, const char *content_type, const char *bytes, size_t length);
	void *context;
};

struct outbound_answer {
	long status;
	char content_type[128];
	int retry_after_s; /* 0: not said */
	struct buf body;   /* the caller's to finish, also on failure */
};

/* True for every answer, whatever its status. ERR_IO: no answer; the message says why, for people. */
MUST_CHECK bool outbound_fetch(const struct outbound_request *request,
			       struct outbound_answer *answer, struct err *e);

/* Whether an address belongs to loopback, a private, link-local, shared or reserved network. */
struct sockaddr;
bool outbound_is_private(const struct sockaddr *address);

/* Whether url goes on where base, which has no slash at its end, ends: never at another port or host that begins
 * alike. */
bool outbound_is_under(const char *url, const char *base);

/* Once, before other threads. */
void outbound_init(void);

#endif
