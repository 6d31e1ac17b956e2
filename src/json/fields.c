/* Fills structs from objects by table (json_read). Touches only what it is given; any thread. */
#include <string.h>

#include "base/id.h"
#include "base/str.h"
#include "json/read.h"

static bool wrong_type(const struct json_field *f, const char *wanted, struct err *e)
{
	return err_set(e, ERR_INVALID, "'%s' must be %s", f->name, wanted);
}

static bool check_bounds(const struct json_field *f, double x, const char *unit, struct err *e)
{
	if (f->min == 0 && f->max == 0)
		return true;
	if (x < f->min)
		return err_set(e, ERR_INVALID, "'%s' must be at least %.15g%s", f->name, f->min,
			       unit);
	if (x > f->max)
		return err_set(e, ERR_INVALID, "'%s' must be at most %.15g%s", f->name, f->max,
			       unit);
	return true;
}

static bool to_str(const struct json_field *f, const struct json_value *v, const char **out,
		   struct err *e)
{
	if (v->kind != JSON_KIND_STR)
		return wrong_type(f, "a string", e);
	*out = v->s;
	return true;
}

static bool to_id(const struct json_field *f, const struct json_value *v, int64_t *out,
		  struct err *e)
{
	if (v->kind == JSON_KIND_INT && v->integer >= 0) {
		*out = v->integer;
		return true;
	}
	if (v->kind == JSON_KIND_STR && id_parse(v->s, out))
		return true;
	return wrong_type(f, "an id", e);
}

static bool read_str(const struct json_field *f, const struct json_value *v, void *member,
		     struct err *e)
{
	const char *s = NULL;
	if (!to_str(f, v, &s, e) ||
	    !check_bounds(f, (double)str_utf8_count(s, v->length), " characters long", e))
		return false;
	*(const char **)member = s;
	return true;
}

static bool read_number(const struct json_field *f, const struct json_value *v, void *member,
			struct err *e)
{
	if (f->kind == JSON_FIELD_KIND_INT && v->kind != JSON_KIND_INT)
		return wrong_type(f, "a whole number", e);
	if (v->kind != JSON_KIND_INT && v->kind != JSON_KIND_REAL)
		return wrong_type(f, "a number", e);
	double x = v->kind == JSON_KIND_INT ? (double)v->integer : v->real;
	if (!check_bounds(f, x, "", e))
		return false;
	if (f->kind == JSON_FIELD_KIND_INT)
		*(int64_t *)member = v->integer;
	else
		*(double *)member = x;
	return true;
}

static bool read_list(struct arena *a, const struct json_field *f, const struct json_value *v,
		      void *member, struct err *e)
{
	bool ids = f->kind == JSON_FIELD_KIND_IDS;
	if (v->kind != JSON_KIND_ARRAY)
		return wrong_type(f, ids ? "a list of ids" : "a list of strings", e);
	if (!check_bounds(f, (double)v->length, " items long", e))
		return false;
	int64_t *numbers = ids ? ARENA_ARRAY(a, int64_t, v->length) : NULL;
	const char **texts = ids ? NULL : ARENA_ARRAY(a, const char *, v->length);
	if (!numbers && !texts)
		return err_set(e, ERR_TOO_LARGE, "'%s' is too long", f->name);
	for (size_t i = 0; i < v->length; i++)
		if (ids ? !to_id(f, &v->items[i], &numbers[i], e)
			: !to_str(f, &v->items[i], &texts[i], e))
			return false;
	if (ids)
		*(struct json_ids *)member = (struct json_ids){numbers, v->length};
	else
		*(struct json_strs *)member = (struct json_strs){texts, v->length};
	return true;
}

static bool read_field(struct arena *a, const struct json_field *f, const struct json_value *v,
		       void *member, struct err *e)
{
	switch (f->kind) {
	case JSON_FIELD_KIND_STR:
		return read_str(f, v, member, e);
	case JSON_FIELD_KIND_INT:
	case JSON_FIELD_KIND_REAL:
		return read_number(f, v, member, e);
	case JSON_FIELD_KIND_BOOL:
		if (v->kind != JSON_KIND_BOOL)
			return wrong_type(f, "true or false", e);
		*(bool *)member = v->boolean;
		return true;
	case JSON_FIELD_KIND_ID:
		return to_id(f, v, member, e);
	case JSON_FIELD_KIND_STRS:
	case JSON_FIELD_KIND_IDS:
		return read_list(a, f, v, member, e);
	case JSON_FIELD_KIND_VALUE:
		*(const struct json_value **)member = v;
		return true;
	}
	return err_set(e, ERR_INTERNAL, "'%s' has no kind", f->name);
}

bool json_read(struct arena *a, const struct json_value *object, const struct json_field *fields,
	       size_t count, void *out, struct err *e)
{
	if (object->kind != JSON_KIND_OBJECT)
		return err_set(e, ERR_INVALID, "a JSON object is expected");
	for (const struct json_field *f = fields; f < fields + count; f++) {
		const struct json_value *v = json_get(object, f->name);
		void *member = (char *)out + f->offset;
		if (!v || v->kind == JSON_KIND_NULL) {
			if (f->required)
				return err_set(e, ERR_INVALID, "'%s' is missing", f->name);
			if (v && f->kind == JSON_FIELD_KIND_STR)
				*(const char **)member = NULL;
			if (v && f->kind == JSON_FIELD_KIND_VALUE)
				*(const struct json_value **)member = v;
		} else if (!read_field(a, f, v, member, e)) {
			return false;
		}
	}
	return true;
}
