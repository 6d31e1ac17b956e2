/* The handlers of the OpenAI-compatible API, by noun. */
#ifndef MADANG_API_OPENAI_ROUTES_H
#define MADANG_API_OPENAI_ROUTES_H

#include "api/api.h"
#include "api/row.h"
#include "makers/maker.h"

/* image.c */
HANDLER(api_image_edit);
HANDLER(api_image_generate);
HANDLER(api_image_vary);

/* model.c */
HANDLER(api_model_get);
HANDLER(api_model_list);
HANDLER(api_openai_absent);

/* The maker that a `model` names: by the model's name or by its own; the first one where none is named. NULL: *e
 * says so, and names the parameter. */
const struct maker_info *openai_maker(struct http_request *rq, struct app *app, const char *model,
				      struct err *e);
/* Fails because of one parameter, in the words of this API. Always false. */
bool openai_fail(struct http_request *rq, const char *name, struct err *e, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
