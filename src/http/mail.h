/* Mail to people: one thread hands letters to an SMTP server (libcurl), so that nobody waits for it, and nobody
 * can tell by the wait whether there was a letter. What waits is lost with the process: whoever misses a letter
 * asks for another. */
#ifndef MADANG_HTTP_MAIL_H
#define MADANG_HTTP_MAIL_H

#include <stdbool.h>

#include "base/err.h"

struct mail;

struct mail_options {
	const char *url;      /* "smtp://mail.example.org:587" or "smtps://mail.example.org" */
	const char *user;     /* NULL: without signing in */
	const char *password; /* goes out over TLS only, but for a server on this machine */
	const char *from;     /* an address */
	const char *name;     /* of the sender, for people; may be NULL */
	int timeout_s;        /* for one letter; 0: 30 */
};

/* Copies the options. ERR_INVALID where one of them cannot be right. */
MUST_CHECK struct mail *mail_create(const struct mail_options *options, struct err *e);
/* What waits is not sent any more. NULL-safe. */
void mail_destroy(struct mail *m);

/* Takes a copy of plain UTF-8 text. ERR_BUSY: 256 letters wait already. Any thread. A letter that is not taken
 * is tried twice more, then the log says so (without its text). */
MUST_CHECK bool mail_send(struct mail *m, const char *to, const char *subject, const char *text,
			  struct err *e);

#endif
