/* Those who wait for a picture over /v1: requests that are parked until their job has ended, and streams that
 * are sent what can be seen of it. They hold no worker: one thread of its own makes their answers. */
#ifndef MADANG_API_OPENAI_WAITING_H
#define MADANG_API_OPENAI_WAITING_H

#include "api/api.h"
#include "makers/maker.h"

struct waiting;

enum { WAITING_PARTIALS_MAX = 3 };

/* What is to be answered when the job has ended. */
struct waiting_order {
	int64_t job_id, account_id;
	bool edit; /* of a picture, for the names of the events */
	bool url;  /* addresses instead of bytes */
	enum image_format format;
	int quality;       /* of JPEG and WebP; 0: the usual */
	int width, height; /* 0: as it was drawn */
	int partials;
	double cost; /* of one picture */
	int64_t input_text_tokens, input_image_tokens;
};

struct waiting *waiting_start(struct api *api, struct err *e);
/* Answers everybody that the server stops. Before the HTTP server's end. */
void waiting_stop(struct waiting *w);
void waiting_destroy(struct waiting *w); /* NULL-safe; after the HTTP server's end */

/* The request is answered when its job has ended. */
void waiting_park(struct waiting *w, const struct waiting_order *order, struct http_request *rq,
		  struct http_response *rs);
/* The same as server-sent events. */
void waiting_stream(struct waiting *w, const struct waiting_order *order, struct http_response *rs);

/* Whether anybody waits who wants to see this job before it has ended. Any thread. */
bool waiting_watched(struct waiting *w, int64_t job_id);
void waiting_seen(struct waiting *w, int64_t job_id, double progress, const struct image *image);
/* It has another state. */
void waiting_changed(struct waiting *w, int64_t job_id);

/* {"url": …} of a picture as it was ordered. */
const char *waiting_url(struct api *api, struct arena *a, const struct store_media *m,
			const struct waiting_order *order);

#endif
