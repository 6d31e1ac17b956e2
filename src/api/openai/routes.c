/* Every route of the OpenAI-compatible API. Sorted by path, then method. What is not here is answered with 404
 * and words that say so, because SDKs show them. */
#include "api/openai/routes.h"

#define ROW(method_, path_, scope_, rate_, body_max_, handler_)                         \
	{                                                                               \
		.method = method_, .path = "/v1" path_, .scope = scope_, .rate = rate_, \
		.body_max = (size_t)(body_max_), .handler = handler_                    \
	}

static const struct http_route ROWS[] = {
    ROW("DELETE", "/*", "-", RATE_READ, MIB, api_openai_absent),
    ROW("GET", "/*", "-", RATE_READ, MIB, api_openai_absent),
    ROW("POST", "/*", "-", RATE_READ, MIB, api_openai_absent),
    ROW("POST", "/images/edits", "write:media", RATE_WRITE, HTTP_BODY_FILE, api_image_edit),
    ROW("POST", "/images/generations", "write:media", RATE_WRITE, MIB, api_image_generate),
    ROW("POST", "/images/variations", "write:media", RATE_WRITE, HTTP_BODY_FILE, api_image_vary),
    ROW("GET", "/models", "read", RATE_READ, MIB, api_model_list),
    ROW("GET", "/models/:id", "read", RATE_READ, MIB, api_model_get),
};

const struct http_routes API_OPENAI_ROUTES = {.rows = ROWS, .count = sizeof ROWS / sizeof *ROWS};
