/* Reading the small JSON files of a model with limits: numbers and strings out of objects, with
 * errors that name the key. For the loaders of this folder only. */
#ifndef MADANG_ENGINE_JSONFILE_H
#define MADANG_ENGINE_JSONFILE_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/* what: the name of the input in error messages. Duplicate keys are errors. The caller must
 * json_decref() the result. */
json_t *engine_json_parse(const char *text, size_t length, const char *what,
			  struct err *e) MUST_CHECK;

/* Each reads object[key] into *out where the key is there and not null, leaves *out alone where it
 * is not, and fails where it is of another type or outside [min, max]. object may be NULL (nothing
 * is there). */
bool engine_json_int(const json_t *object, const char *key, int min, int max, int *out,
		     struct err *e) MUST_CHECK;
bool engine_json_double(const json_t *object, const char *key, double min, double max, double *out,
			struct err *e) MUST_CHECK;
bool engine_json_float(const json_t *object, const char *key, double min, double max, float *out,
		       struct err *e) MUST_CHECK;
bool engine_json_bool(const json_t *object, const char *key, bool *out, struct err *e) MUST_CHECK;
/* Copies at most size - 1 bytes; a longer string is an error. */
bool engine_json_string(const json_t *object, const char *key, char *out, size_t size,
			struct err *e) MUST_CHECK;
/* object[key] where it is an object; *out = NULL where the key is not there; fails on other types.
 */
bool engine_json_object(const json_t *object, const char *key, const json_t **out,
			struct err *e) MUST_CHECK;

#endif
