/* Turns bytes from outside into a tree in the arena. jansson parses, but first a scan of our own counts
 * levels and values, so that neither its recursion nor its memory can be driven by the input; then its
 * tree is copied and freed. Any thread. */
#include "json/read.h"

#include <jansson.h>
#include <string.h>

static const struct json_limits LIMITS = {
    .bytes_max = 1 << 20, .values_max = 50000, .depth_max = 32};

/* Counts without understanding: what is wrong JSON is found by the parser, but anything that passes here
 * is bounded. Every value but the first follows a '[', '{', ',' or ':' outside a string. */
static bool check_limits(const char *text, size_t length, const struct json_limits *limits,
			 struct err *e)
{
	size_t values = 1;
	int depth = 0;
	bool in_string = false;
	if (length > limits->bytes_max)
		return err_set(e, ERR_TOO_LARGE, "the JSON is over %zu bytes", limits->bytes_max);
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			values++;
			if (++depth > limits->depth_max)
				return err_set(e, ERR_TOO_LARGE,
					       "the JSON is nested over %d levels",
					       limits->depth_max);
		} else if (c == ']' || c == '}') {
			depth--;
		} else if (c == ',') {
			values++;
		}
	}
	if (values > limits->values_max)
		return err_set(e, ERR_TOO_LARGE, "the JSON has over %zu values",
			       limits->values_max);
	return true;
}

static bool copy_value(struct arena *a, json_t *from, struct json_value *to);

static bool copy_array(struct arena *a, json_t *from, struct json_value *to)
{
	struct json_value *items = ARENA_ARRAY(a, struct json_value, json_array_size(from));
	if (!items)
		return false;
	to->length = json_array_size(from);
	to->items = items;
	for (size_t i = 0; i < to->length; i++)
		if (!copy_value(a, json_array_get(from, i), &items[i]))
			return false;
	return true;
}

static const char *copy_text(struct arena *a, const char *s, size_t length)
{
	char *p = arena_try(a, length + 1, 1);
	if (p)
		memcpy(p, s, length);
	return p;
}

static bool copy_object(struct arena *a, json_t *from, struct json_value *to)
{
	struct json_member *m = ARENA_ARRAY(a, struct json_member, json_object_size(from));
	if (!m)
		return false;
	to->length = json_object_size(from);
	to->members = m;
	const char *name;
	json_t *value;
	json_object_foreach(from, name, value)
	{
		m->name = copy_text(a, name, strlen(name));
		if (!m->name || !copy_value(a, value, &m->value))
			return false;
		m++;
	}
	return true;
}

static bool copy_value(struct arena *a, json_t *from, struct json_value *to)
{
	switch (json_typeof(from)) {
	case JSON_OBJECT:
		to->kind = JSON_KIND_OBJECT;
		return copy_object(a, from, to);
	case JSON_ARRAY:
		to->kind = JSON_KIND_ARRAY;
		return copy_array(a, from, to);
	case JSON_STRING:
		to->kind = JSON_KIND_STR;
		to->length = json_string_length(from);
		to->s = copy_text(a, json_string_value(from), to->length);
		return to->s != NULL;
	case JSON_INTEGER:
		to->kind = JSON_KIND_INT;
		to->integer = json_integer_value(from);
		return true;
	case JSON_REAL:
		to->kind = JSON_KIND_REAL;
		to->real = json_real_value(from);
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		to->kind = JSON_KIND_BOOL;
		to->boolean = json_is_true(from);
		return true;
	case JSON_NULL:
		break;
	}
	to->kind = JSON_KIND_NULL;
	return true;
}

bool json_parse(struct arena *a, const char *text, size_t length, const struct json_limits *limits,
		const struct json_value **out, struct err *e)
{
	json_error_t error;
	if (!check_limits(text, length, limits ? limits : &LIMITS, e))
		return false;
	json_t *root =
	    json_loadb(text ? text : "", length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root)
		return err_set(e, ERR_INVALID, "the JSON is not valid: %s (line %d, column %d)",
			       error.text, error.line, error.column);
	struct json_value *value = ARENA_ARRAY(a, struct json_value, 1);
	bool copied = value && copy_value(a, root, value);
	json_decref(root);
	if (!copied)
		return err_set(e, ERR_TOO_LARGE, "the JSON does not fit in memory");
	*out = value;
	return true;
}

const struct json_value *json_get(const struct json_value *v, const char *name)
{
	if (!v || v->kind != JSON_KIND_OBJECT)
		return NULL;
	for (size_t i = 0; i < v->length; i++)
		if (strcmp(v->members[i].name, name) == 0)
			return &v->members[i].value;
	return NULL;
}

const char *json_get_str(const struct json_value *v, const char *name, const char *otherwise)
{
	const struct json_value *m = json_get(v, name);
	return m && m->kind == JSON_KIND_STR ? m->s : otherwise;
}

double json_get_number(const struct json_value *v, const char *name, double otherwise)
{
	const struct json_value *m = json_get(v, name);
	if (m && m->kind == JSON_KIND_INT)
		return (double)m->integer;
	return m && m->kind == JSON_KIND_REAL ? m->real : otherwise;
}

int64_t json_get_int(const struct json_value *v, const char *name, int64_t otherwise)
{
	const struct json_value *m = json_get(v, name);
	return m && m->kind == JSON_KIND_INT ? m->integer : otherwise;
}

bool json_get_bool(const struct json_value *v, const char *name, bool otherwise)
{
	const struct json_value *m = json_get(v, name);
	return m && m->kind == JSON_KIND_BOOL ? m->boolean : otherwise;
}
