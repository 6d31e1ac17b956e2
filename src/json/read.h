/* Reading JSON: bytes from outside become a tree in an arena (jansson parses), and tables map the members
 * of an object to the members of a struct.
 *
 *     struct draw_params { const char *prompt; int64_t n; bool stream; };
 *     static const struct json_field FIELDS[] = {
 *         JSON_FIELD_STR(struct draw_params, prompt, "prompt", .required = true, .max = 4000),
 *         JSON_FIELD_INT(struct draw_params, n, "n", .min = 1, .max = 10),
 *         JSON_FIELD_BOOL(struct draw_params, stream, "stream"),
 *     };
 *     struct draw_params p = {.n = 1};
 *     if (!json_parse(a, body, length, NULL, &value, e) ||
 *         !json_read(a, value, FIELDS, n_fields, &p, e)) …
 *
 * Members that the table does not name are ignored. Errors are ERR_INVALID (or ERR_TOO_LARGE) and name
 * the member. Everything read lives in the arena. */
#ifndef MADANG_JSON_READ_H
#define MADANG_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INT,
	JSON_KIND_REAL,
	JSON_KIND_STR,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT
};

struct json_value {
	enum json_kind kind;
	size_t length; /* bytes of a string, items of an array, members of an object */
	union {
		bool boolean;
		int64_t integer;
		double real;
		const char *s; /* valid UTF-8, NUL-terminated, without a NUL inside */
		const struct json_value *items;
		const struct json_member *members; /* in the order of the text, no name twice */
	};
};

struct json_member {
	const char *name;
	struct json_value value;
};

struct json_limits {
	size_t bytes_max;
	size_t values_max; /* strings, numbers, arrays… in all */
	int depth_max;
};

/* limits NULL: 1 MiB, 50,000 values, 32 levels. A name that stands twice in an object is an error. */
MUST_CHECK bool json_parse(struct arena *a, const char *text, size_t length,
			   const struct json_limits *limits, const struct json_value **out,
			   struct err *e);

/* The member of an object; NULL where there is none or v is no object (v may be NULL). Linear. */
const struct json_value *json_get(const struct json_value *v, const char *name);

/* The text of a member, or `otherwise` where there is none or it is no string. */
const char *json_get_str(const struct json_value *v, const char *name, const char *otherwise);

/* A number as double, INT or REAL; `otherwise` where it is neither. */
double json_get_number(const struct json_value *v, const char *name, double otherwise);
int64_t json_get_int(const struct json_value *v, const char *name, int64_t otherwise);
bool json_get_bool(const struct json_value *v, const char *name, bool otherwise);

enum json_field_kind {
	JSON_FIELD_KIND_STR,  /* const char *, also from null (then NULL) */
	JSON_FIELD_KIND_INT,  /* int64_t */
	JSON_FIELD_KIND_REAL, /* double, from any number */
	JSON_FIELD_KIND_BOOL, /* bool */
	JSON_FIELD_KIND_ID,   /* int64_t, from a decimal string or a number */
	JSON_FIELD_KIND_STRS, /* struct json_strs */
	JSON_FIELD_KIND_IDS,  /* struct json_ids */
	JSON_FIELD_KIND_VALUE /* const struct json_value *, anything */
};

struct json_strs {
	const char *const *items;
	size_t count;
};

struct json_ids {
	const int64_t *items;
	size_t count;
};

/* min and max bound numbers as they are, strings by characters, lists by items; both 0: no bounds. An
 * absent member and (but for STR) null leave the struct's member alone, so defaults are set before. */
struct json_field {
	const char *name;
	size_t offset;
	enum json_field_kind kind;
	bool required;
	double min, max;
};

#define JSON_FIELD_(kind_, ctype, type, member, name_, ...)                                        \
	{                                                                                          \
		.name = (name_),                                                                   \
		.offset = offsetof(type, member) + 0 * sizeof((ctype *)0 == &((type *)0)->member), \
		.kind = (kind_), __VA_ARGS__                                                       \
	}
#define JSON_FIELD_STR(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_STR, const char *, type, member, __VA_ARGS__, )
#define JSON_FIELD_INT(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_INT, int64_t, type, member, __VA_ARGS__, )
#define JSON_FIELD_REAL(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_REAL, double, type, member, __VA_ARGS__, )
#define JSON_FIELD_BOOL(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_BOOL, bool, type, member, __VA_ARGS__, )
#define JSON_FIELD_ID(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_ID, int64_t, type, member, __VA_ARGS__, )
#define JSON_FIELD_STRS(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_STRS, struct json_strs, type, member, __VA_ARGS__, )
#define JSON_FIELD_IDS(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_IDS, struct json_ids, type, member, __VA_ARGS__, )
#define JSON_FIELD_VALUE(type, member, ...) \
	JSON_FIELD_(JSON_FIELD_KIND_VALUE, const struct json_value *, type, member, __VA_ARGS__, )

MUST_CHECK bool json_read(struct arena *a, const struct json_value *object,
			  const struct json_field *fields, size_t count, void *out, struct err *e);

#endif
