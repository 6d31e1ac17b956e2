/* Request bodies: forms, JSON, multipart (in pieces of any size), and typed reading of what they became. The
 * first byte chooses the kind, the second how multipart is cut. */
#include <unistd.h>

#include "http/body.h"
#include "http/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct http_params *p)
{
	struct http_request rq = {.arena = p->arena, .params = p->items, .params_count = p->count};
	for (size_t i = 0; i < p->count && i < 32; i++) {
		const char *name = p->items[i].name, *text = NULL, **texts;
		const struct http_upload *file = NULL;
		int64_t n = 0, *ids;
		double real = 0;
		bool flag = false;
		size_t count;
		struct err e = {0};
		bool any = param_text(&rq, name, 100, &text, &e);
		any |= param_int(&rq, name, -5, 5, &n, &e);
		any |= param_real(&rq, name, -5, 5, &real, &e);
		any |= param_bool(&rq, name, &flag, &e);
		any |= param_id(&rq, name, &n, &e);
		any |= param_ids(&rq, name, 8, &ids, &count, &e);
		any |= param_texts(&rq, name, 8, 50, &texts, &count, &e);
		any |= param_file(&rq, name, &file, &e);
		(void)any;
	}
}

static bool feed(struct http_params *p, const char *bytes, size_t size, size_t step, struct err *e)
{
	struct multipart_options o = {
	    .boundary = "B", .temp_dir = "/tmp", .file_bytes_max = 4096, .text_bytes_max = 4096};
	struct multipart *m = multipart_create(p->arena, &o, e);
	bool ok = true;
	for (size_t i = 0; ok && i < size; i += step)
		ok = multipart_feed(m, p, bytes + i, size - i < step ? size - i : step, e);
	ok = ok && multipart_end(m, e);
	multipart_finish(m);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct http_params p = {.arena = arena_create(4 << 20)};
	const char *bytes = (const char *)data + 2;
	struct err e = {0};
	bool ok = data[0] % 3 == 0   ? form_parse(&p, bytes, size - 2, &e)
		  : data[0] % 3 == 1 ? json_body_parse(&p, bytes, size - 2, &e)
				     : feed(&p, bytes, size - 2, data[1] + 1u, &e);
	if (ok)
		read_all(&p);
	else if (e.code == ERR_NONE || !e.message[0])
		__builtin_trap(); /* a failure says why */
	params_finish(&p);
	arena_destroy(p.arena);
	return 0;
}
