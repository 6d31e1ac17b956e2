/* Owns nothing: small helpers over jansson for the model's JSON files. Any thread. Nothing of the
 * input goes into an error message unless it is a key that we asked for. */
#include "engine/jsonfile.h"

#include <string.h>

json_t *engine_json_parse(const char *text, size_t length, const char *what, struct err *e)
{
	json_error_t je;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &je);
	if (root)
		return root;
	err_set(e, ERR_INVALID, "%s: not valid JSON (line %d, column %d)", what, je.line,
		je.column);
	/* jansson's text can quote the input: for the log only. */
	err_detail(e, "%s", je.text);
	return NULL;
}

/* NULL where there is nothing to read. */
static const json_t *present(const json_t *object, const char *key)
{
	const json_t *v = object ? json_object_get(object, key) : NULL;
	return v && !json_is_null(v) ? v : NULL;
}

bool engine_json_int(const json_t *object, const char *key, int min, int max, int *out,
		     struct err *e)
{
	const json_t *v = present(object, key);
	if (!v)
		return true;
	if (!json_is_integer(v))
		return err_set(e, ERR_INVALID, "%s must be a whole number", key);
	json_int_t n = json_integer_value(v);
	if (n < min || n > max)
		return err_set(e, ERR_INVALID, "%s is %lld, outside %d to %d", key, (long long)n,
			       min, max);
	*out = (int)n;
	return true;
}

bool engine_json_double(const json_t *object, const char *key, double min, double max, double *out,
			struct err *e)
{
	const json_t *v = present(object, key);
	if (!v)
		return true;
	if (!json_is_number(v))
		return err_set(e, ERR_INVALID, "%s must be a number", key);
	double n = json_number_value(v);
	if (!(n >= min && n <= max)) /* also refuses NaN */
		return err_set(e, ERR_INVALID, "%s is %g, outside %g to %g", key, n, min, max);
	*out = n;
	return true;
}

bool engine_json_float(const json_t *object, const char *key, double min, double max, float *out,
		       struct err *e)
{
	double n = *out;
	if (!engine_json_double(object, key, min, max, &n, e))
		return false;
	*out = (float)n;
	return true;
}

bool engine_json_bool(const json_t *object, const char *key, bool *out, struct err *e)
{
	const json_t *v = present(object, key);
	if (!v)
		return true;
	if (!json_is_boolean(v))
		return err_set(e, ERR_INVALID, "%s must be true or false", key);
	*out = json_is_true(v);
	return true;
}

bool engine_json_string(const json_t *object, const char *key, char *out, size_t size,
			struct err *e)
{
	const json_t *v = present(object, key);
	if (!v)
		return true;
	if (!json_is_string(v))
		return err_set(e, ERR_INVALID, "%s must be a string", key);
	if (json_string_length(v) >= size)
		return err_set(e, ERR_INVALID, "%s is longer than %zu bytes", key, size - 1);
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return true;
}

bool engine_json_object(const json_t *object, const char *key, const json_t **out, struct err *e)
{
	*out = present(object, key);
	if (*out && !json_is_object(*out))
		return err_set(e, ERR_INVALID, "%s must be an object", key);
	return true;
}
