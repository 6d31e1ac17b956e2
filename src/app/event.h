/* Events as text, for other processes: what one has published, another can publish again. */
#ifndef MADANG_APP_EVENT_H
#define MADANG_APP_EVENT_H

#include "app/app.h"
#include "base/buf.h"

/* Whether another process must never miss it: these go out in the transaction that they tell of. */
bool app_event_is_exact(const struct app_event *event);

void app_event_write(struct buf *out, const struct app_event *event);
bool app_event_read(struct arena *arena, const char *text, struct app_event *out,
		    struct err *e) MUST_CHECK;

#endif
