/* Pictures in the words of the OpenAI API: whole answers and events. */
#ifndef MADANG_API_OPENAI_ANSWER_H
#define MADANG_API_OPENAI_ANSWER_H

#include "api/openai/waiting.h"
#include "app/job.h"

/* The body of a request that was parked: every picture of the finished job. */
MUST_CHECK bool openai_put_answer(struct api *api, struct app *app,
				  const struct waiting_order *order, const struct app_job *job,
				  struct buf *out, struct err *e);
/* One event each. `file`: the encoded picture. */
void openai_put_partial(struct buf *out, const struct waiting_order *order, int index, int width,
			int height, const struct buf *file);
MUST_CHECK bool openai_put_completed(struct api *api, struct app *app,
				     const struct waiting_order *order, const struct app_job *job,
				     size_t index, struct buf *out, struct err *e);
void openai_put_stream_error(struct buf *out, const struct err *e);

/* Why a job that has failed or was cancelled brings no picture. */
void openai_job_error(const struct app_job *job, struct err *e);

/* How many tokens a text and a picture count for. */
int64_t openai_text_tokens(const char *text);
int64_t openai_picture_tokens(struct api *api, const struct store_media *m);

/* "png", "jpeg", "webp" */
const char *openai_format_name(enum image_format format);

/* A stored picture in another size and format, in a file appended to out. width 0: as it is. */
MUST_CHECK bool openai_render(struct api *api, struct arena *a, const struct store_media *m,
			      const struct waiting_order *order, struct buf *out, struct err *e);

#endif
