/* Owns the list of parameters, and reads forms and JSON into it. Runs on an event loop (forms, small) or
 * wherever a fuzzer calls it; keeps nothing. Bad input is ERR_INVALID, never more. */
#include "http/body.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json/read.h"

enum { NAME_MAX_BYTES = 256, DEPTH_MAX = 8 };

bool params_add(struct http_params *p, const char *name, size_t name_length, const char *value,
		size_t value_length, enum http_param_kind kind, struct err *e)
{
	if (p->count >= HTTP_PARAMS_MAX)
		return err_set(e, ERR_INVALID, "too many parameters (at most %d)", HTTP_PARAMS_MAX);
	if (name_length > 2 && name[name_length - 2] == '[' && name[name_length - 1] == ']')
		name_length -= 2;
	if (!name_length || name_length > NAME_MAX_BYTES || memchr(name, '\0', name_length))
		return err_set(e, ERR_INVALID, "a parameter has an empty or an overlong name");
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? p->capacity * 2 : 16;
		struct http_param *items = ARENA_ARRAY(p->arena, struct http_param, capacity);
		if (!items)
			return err_set(e, ERR_TOO_LARGE, "the request is too large");
		if (p->count)
			memcpy(items, p->items, p->count * sizeof *items);
		p->items = items;
		p->capacity = capacity;
	}
	char *copy = arena_try(p->arena, 1, name_length + value_length + 2);
	if (!copy)
		return err_set(e, ERR_TOO_LARGE, "the request is too large");
	memcpy(copy, name, name_length);
	char *text = copy + name_length + 1;
	if (value_length)
		memcpy(text, value, value_length);
	p->items[p->count++] =
	    (struct http_param){.name = copy, .value = text, .length = value_length, .kind = kind};
	return true;
}

void params_finish(struct http_params *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].file)
			close(p->items[i].file->fd);
	p->count = 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place; a broken % stays as it is, as browsers do. */
static size_t form_decode(char *s, size_t length)
{
	size_t out = 0;
	for (size_t i = 0; i < length; i++) {
		int high, low;
		if (s[i] == '%' && i + 2 < length && (high = hex_digit(s[i + 1])) >= 0 &&
		    (low = hex_digit(s[i + 2])) >= 0) {
			s[out++] = (char)(high << 4 | low);
			i += 2;
		} else {
			s[out++] = s[i] == '+' ? ' ' : s[i];
		}
	}
	return out;
}

bool form_parse(struct http_params *p, const char *text, size_t length, struct err *e)
{
	char *copy = arena_try(p->arena, 1, length + 1);
	if (!copy)
		return err_set(e, ERR_TOO_LARGE, "the request is too large");
	memcpy(copy, text, length);
	for (size_t at = 0; at < length;) {
		char *pair = copy + at;
		char *end = memchr(pair, '&', length - at);
		size_t pair_length = end ? (size_t)(end - pair) : length - at;
		at += pair_length + 1;
		if (!pair_length)
			continue;
		char *equals = memchr(pair, '=', pair_length);
		size_t raw_name = equals ? (size_t)(equals - pair) : pair_length;
		size_t name_length = form_decode(pair, raw_name);
		size_t value_length =
		    equals ? form_decode(equals + 1, pair_length - raw_name - 1) : 0;
		if (!params_add(p, pair, name_length, equals ? equals + 1 : "", value_length,
				HTTP_PARAM_TEXT, e))
			return false;
	}
	return true;
}

struct flatten {
	struct http_params *params;
	struct err *e;
};

static bool flatten_value(struct flatten *f, const char *name, const struct json_value *v,
			  int depth);

static bool flatten_object(struct flatten *f, const char *name, const struct json_value *v,
			   int depth)
{
	if (depth >= DEPTH_MAX)
		return err_set(f->e, ERR_INVALID,
			       "the JSON body is nested too deeply (at most %d levels)", DEPTH_MAX);
	for (size_t i = 0; i < v->length; i++) {
		const char *key = v->members[i].name;
		if (strlen(key) > NAME_MAX_BYTES)
			return err_set(f->e, ERR_INVALID, "a parameter has an overlong name");
		char full[2 * NAME_MAX_BYTES + 4];
		int n = name ? snprintf(full, sizeof full, "%s[%s]", name, key)
			     : snprintf(full, sizeof full, "%s", key);
		if (n > NAME_MAX_BYTES)
			return err_set(f->e, ERR_INVALID, "a parameter has an overlong name");
		if (!flatten_value(f, full, &v->members[i].value, depth + 1))
			return false;
	}
	return true;
}

static bool flatten_array(struct flatten *f, const char *name, const struct json_value *v,
			  int depth)
{
	if (depth >= DEPTH_MAX)
		return err_set(f->e, ERR_INVALID,
			       "the JSON body is nested too deeply (at most %d levels)", DEPTH_MAX);
	for (size_t i = 0; i < v->length; i++) {
		const struct json_value *item = &v->items[i];
		char full[NAME_MAX_BYTES + 32];
		bool nested = item->kind == JSON_KIND_OBJECT || item->kind == JSON_KIND_ARRAY;
		snprintf(full, sizeof full, nested ? "%s[%zu]" : "%s", name, i);
		if (!flatten_value(f, full, item, depth + 1))
			return false;
	}
	return true;
}

static bool flatten_value(struct flatten *f, const char *name, const struct json_value *v,
			  int depth)
{
	char number[40] = "";
	const char *text = number;
	enum http_param_kind kind = HTTP_PARAM_NUMBER;
	switch (v->kind) {
	case JSON_KIND_OBJECT:
		return flatten_object(f, name, v, depth);
	case JSON_KIND_ARRAY:
		return flatten_array(f, name, v, depth);
	case JSON_KIND_STR:
		text = v->s;
		kind = HTTP_PARAM_TEXT;
		break;
	case JSON_KIND_INT:
		snprintf(number, sizeof number, "%lld", (long long)v->integer);
		break;
	case JSON_KIND_REAL:
		snprintf(number, sizeof number, "%.17g", v->real);
		break;
	case JSON_KIND_NULL:
		kind = HTTP_PARAM_NULL;
		break;
	case JSON_KIND_BOOL:
		text = v->boolean ? "true" : "false";
		kind = HTTP_PARAM_BOOL;
	}
	return params_add(f->params, name, strlen(name), text, strlen(text), kind, f->e);
}

bool json_body_parse(struct http_params *p, const char *text, size_t length, struct err *e)
{
	size_t blank = 0;
	while (blank < length && text[blank] && strchr(" \t\r\n", text[blank]))
		blank++;
	if (blank == length)
		return true;
	const struct json_limits limits = {
	    .bytes_max = length, .values_max = 4 * HTTP_PARAMS_MAX, .depth_max = 16};
	const struct json_value *root;
	if (!json_parse(p->arena, text, length, &limits, &root, e))
		return false;
	if (root->kind != JSON_KIND_OBJECT)
		return err_set(e, ERR_INVALID, "the body must be a JSON object");
	struct flatten f = {.params = p, .e = e};
	return flatten_object(&f, NULL, root, 0);
}
