/* Who can draw what: the makers of this process and those of others that share the database.
 *
 * Makers are only ever added, so what fleet_at and fleet_find return stays as long as the fleet; whether one is
 * served at the moment is in its state. Any thread. */
#ifndef MADANG_JOBS_FLEET_H
#define MADANG_JOBS_FLEET_H

#include "app/queue.h"
#include "base/buf.h"
#include "makers/maker.h"

struct fleet;
enum { FLEET_MAKERS_MAX = 32, FLEET_REASON_MAX = 400 };

struct fleet *fleet_create(struct maker *const *makers, size_t count, bool draw);
void fleet_destroy(struct fleet *f); /* NULL-safe */

size_t fleet_count(struct fleet *f);
const struct maker_info *fleet_at(struct fleet *f, size_t i);
const struct maker_info *fleet_find(struct fleet *f, const char *id); /* NULL: there is none */
struct maker *fleet_maker(struct fleet *f,
			  const char *id); /* of this process; NULL: there is none */

struct fleet_state {
	bool here;   /* drawn by this process */
	bool paused; /* by an administrator */
	char reason[FLEET_REASON_MAX];
	double cost;
	int slots, busy; /* of all processes */
};
/* False: there is none of this name. */
bool fleet_state(struct fleet *f, const char *id, struct fleet_state *out);
bool fleet_paused(struct fleet *f, const char *id);
/* This process begins (1) or ends (-1) a job. */
void fleet_busy(struct fleet *f, const char *id, int change);
void fleet_totals(struct fleet *f, int *slots, int *busy);

/* The makers that this process draws with, as JSON for the others. */
void fleet_write(struct fleet *f, struct buf *out);
/* What the database knows of the other processes, and of the rules. */
void fleet_set_workers(struct fleet *f, const struct store_worker *workers, size_t count,
		       const char *own_name);
void fleet_set_rules(struct fleet *f, const struct store_maker_rule *rules, size_t count);

#endif
