/* Web Push as others speak it: a key pair, an encrypted message, a signed request (RFC 8188, 8291, 8292, and the
 * draft before them that older apps know). No state; any thread. */
#ifndef MADANG_JOBS_WEBPUSH_H
#define MADANG_JOBS_WEBPUSH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* A new pair of keys on P-256, base64url. */
MUST_CHECK bool webpush_keys(struct arena *a, const char **public_key, const char **private_key,
			     struct err *e);

enum { WEBPUSH_TEXT_MAX = 3000 };

struct webpush_message {
	const char *text;
	size_t length;      /* at most WEBPUSH_TEXT_MAX */
	const char *p256dh; /* the subscriber's, base64url */
	const char *auth;
	bool standard; /* aes128gcm; otherwise aesgcm */
	const char *endpoint;
	const char *subject;    /* who sends: "mailto:…" or an address */
	const char *public_key; /* the server's */
	const char *private_key;
	int64_t now_ms;
};
struct webpush_request {
	struct buf body; /* the caller's to finish, also on failure */
	const char *authorization;
	const char *headers[4]; /* whole lines; NULL at the end */
};
MUST_CHECK bool webpush_seal(struct arena *a, const struct webpush_message *m,
			     struct webpush_request *out, struct err *e);

#endif
