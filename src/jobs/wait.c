/* Owns how long pictures take. An exponential mean and spread: the last twenty or so count. Any thread. */
#include <math.h>

#include "jobs/parts.h"

static const double WEIGHT = 0.1, FIRST_GUESS_S = 6;

void wait_init(struct wait_times *w)
{
	*w = (struct wait_times){0};
	pthread_mutex_init(&w->lock, NULL);
}

void wait_finish(struct wait_times *w)
{
	pthread_mutex_destroy(&w->lock);
}

void wait_measured(struct wait_times *w, double s)
{
	pthread_mutex_lock(&w->lock);
	if (w->mean_s <= 0) {
		w->mean_s = s;
		w->spread_s = s / 2;
	} else {
		w->spread_s += WEIGHT * (fabs(s - w->mean_s) - w->spread_s);
		w->mean_s += WEIGHT * (s - w->mean_s);
	}
	pthread_mutex_unlock(&w->lock);
}

void wait_estimate(struct wait_times *w, int slots, double before, int count, int64_t *low_s,
		   int64_t *high_s)
{
	pthread_mutex_lock(&w->lock);
	double mean = w->mean_s > 0 ? w->mean_s : FIRST_GUESS_S,
	       spread = w->mean_s > 0 ? w->spread_s : mean;
	pthread_mutex_unlock(&w->lock);
	double pictures = before / (slots > 0 ? slots : 1) + count;
	double middle = pictures * mean, margin = 2 * spread * sqrt(pictures) + 0.1 * middle;
	*low_s = (int64_t)fmax(1, floor(middle - margin));
	*high_s = (int64_t)fmax(*low_s + 1, ceil(middle + margin));
}
