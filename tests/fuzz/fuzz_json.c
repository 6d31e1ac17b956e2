/* Any bytes: a tree or an error; what is read can be written and read again. */
#include <stdlib.h>

#include "json/read.h"
#include "json/write.h"

static void write_value(struct json_writer *w, const char *key, const struct json_value *v)
{
	switch (v->kind) {
	case JSON_KIND_NULL:
		json_put_null(w, key);
		break;
	case JSON_KIND_BOOL:
		json_put_bool(w, key, v->boolean);
		break;
	case JSON_KIND_INT:
		json_put_int(w, key, v->integer);
		break;
	case JSON_KIND_REAL:
		json_put_real(w, key, v->real);
		break;
	case JSON_KIND_STR:
		json_put_strn(w, key, v->s, v->length);
		break;
	case JSON_KIND_ARRAY:
		json_put_array(w, key);
		for (size_t i = 0; i < v->length; i++)
			write_value(w, NULL, &v->items[i]);
		json_put_end(w);
		break;
	case JSON_KIND_OBJECT:
		json_put_object(w, key);
		for (size_t i = 0; i < v->length; i++)
			write_value(w, v->members[i].name, &v->members[i].value);
		json_put_end(w);
		break;
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const struct json_limits limits = {
	    .bytes_max = 1 << 16, .values_max = 5000, .depth_max = 30};
	const struct json_value *v, *again;
	struct arena *a = arena_create(8 << 20);
	struct err e;
	if (json_parse(a, (const char *)data, size, &limits, &v, &e)) {
		struct json_writer w;
		struct buf out;
		buf_init(&out, 8 << 20);
		json_begin(&w, &out);
		write_value(&w, NULL, v);
		if (!json_finish(&w, &e) || !json_parse(a, out.data, out.length, NULL, &again, &e))
			abort();
		buf_finish(&out);
	}
	arena_destroy(a);
	return 0;
}
