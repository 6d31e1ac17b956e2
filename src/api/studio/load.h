/* How busy it is, as JSON and as an event. */
#ifndef MADANG_API_STUDIO_LOAD_H
#define MADANG_API_STUDIO_LOAD_H

#include "api/api.h"
#include "jobs/jobs.h"

#define LOAD_TOPIC "load" /* on the bus: a struct live_message */

/* jobs NULL: nothing is drawn here, and it is calm. */
void load_put(struct json_writer *w, const char *key, struct jobs *jobs);
/* Only the members, into an object that is open. */
void load_put_members(struct json_writer *w, struct jobs *jobs, const struct jobs_load *l);

/* jobs_hooks.load; context: struct api. */
void load_changed(void *context);

#endif
