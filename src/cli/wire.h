/* What a process tells the others of the same house, and hears from them. */
#ifndef MADANG_CLI_WIRE_H
#define MADANG_CLI_WIRE_H

#include "app/app.h"
#include "bus/relay.h"

/* app_hooks.event: tells the others, unless they were told in the transaction. */
void wire_event(struct relay *relay, const struct app_event *event);
/* app_hooks.event_commit. */
MUST_CHECK bool wire_event_commit(struct relay *relay, struct db *w, const struct app_event *event,
				  struct err *e);
/* db_on_change: this process has changed something, and whoever keeps what it read must hear of it. */
void wire_changed(struct relay *relay, const db_key *keys, size_t count);
/* What can be seen of a picture (jobs_hooks.tell). */
void wire_preview(struct relay *relay, const char *text);

/* relay_hooks.heard: hands what was told to one of these, on the relay's thread. */
struct wire_hearing {
	void *context;
	struct db_pool *pool; /* told what others have changed */
	void (*event)(void *context, const struct app_event *event);
	void (*preview)(void *context, const char *text); /* NULL: nobody watches here */
};
void wire_heard(const struct wire_hearing *hearing, const char *kind, const char *text);

#endif
