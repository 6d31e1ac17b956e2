/* The one reader of option text, for every table. Owns nothing; the strings it stores are borrowed
 * (argv) or copied into the caller's arena (file, environment). */
#include "config/option.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define STR_BYTES_MAX  4096
#define NAME_BYTES_MAX 64

/* "body_bytes_max" with every '_' as `separator`, upper case where asked. */
static const char *spell(char text[NAME_BYTES_MAX], const char *name, char separator, bool upper)
{
	size_t i = 0;
	for (; name[i] && i < NAME_BYTES_MAX - 1; i++) {
		char c = name[i] == '_' ? separator : name[i];
		text[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	text[i] = '\0';
	return text;
}

/* Both "body-bytes-max" and "body_bytes_max" name the row. */
static const struct option_row *find(const struct option_table *t, const char *name, size_t length)
{
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++) {
		if (r->kind == OPTION_GROUP || strlen(r->name) != length)
			continue;
		size_t i = 0;
		while (i < length &&
		       (r->name[i] == name[i] || (r->name[i] == '_' && name[i] == '-')))
			i++;
		if (i == length)
			return r;
	}
	return NULL;
}

static const struct option_row *find_letter(const struct option_table *t, char letter)
{
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++)
		if (r->letter && r->letter == letter)
			return r;
	return NULL;
}

static bool parse_bool(const char *text, bool *value)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_equal_nocase(text, words[i])) {
			*value = i % 2 == 1;
			return true;
		}
	return false;
}

/* `where` says in messages how the option was spelled. */
static bool set(const struct option_row *r, const char *where, const char *text, void *out,
		struct err *e)
{
	void *member = (char *)out + r->offset;
	size_t length_max = r->max > 0 ? (size_t)r->max : STR_BYTES_MAX;
	switch (r->kind) {
	case OPTION_STR:
		if (!str_is_utf8(text, strlen(text)))
			return err_set(e, ERR_INVALID, "%s: not valid UTF-8", where);
		if (strlen(text) < (size_t)r->min || strlen(text) > length_max)
			return err_set(e, ERR_INVALID, "%s: must be %zu to %zu bytes long", where,
				       (size_t)r->min, length_max);
		*(const char **)member = text;
		return true;
	case OPTION_INT:
		if (str_to_int(text, (int64_t)r->min, (int64_t)r->max, (int64_t *)member))
			return true;
		return err_set(e, ERR_INVALID,
			       "%s: '%.60s' is not a whole number from %.16g to %.16g", where, text,
			       r->min, r->max);
	case OPTION_REAL:
		if (str_to_double(text, r->min, r->max, (double *)member))
			return true;
		return err_set(e, ERR_INVALID, "%s: '%.60s' is not a number from %.16g to %.16g",
			       where, text, r->min, r->max);
	case OPTION_BOOL:
		if (parse_bool(text, (bool *)member))
			return true;
		return err_set(e, ERR_INVALID, "%s: '%.60s' is neither true nor false", where,
			       text);
	case OPTION_GROUP:
		break;
	}
	return err_set(e, ERR_INTERNAL, "%s: not an option", where);
}

bool option_set_initial(const struct option_table *t, void *out, struct err *e)
{
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++)
		if (r->kind != OPTION_GROUP && r->initial && !set(r, r->name, r->initial, out, e))
			return false;
	return true;
}

static bool read_line(struct arena *a, const struct option_table *t, const char *where,
		      const char *line, size_t length, void *out, struct err *e)
{
	line = str_trim(line, &length);
	if (length == 0 || *line == '#')
		return true;
	const char *equals = memchr(line, '=', length);
	if (!equals)
		return err_set(e, ERR_INVALID, "%s: not of the form `name = value`", where);
	size_t name_length = (size_t)(equals - line), value_length = length - name_length - 1;
	const char *name = str_trim(line, &name_length);
	const char *value = str_trim(equals + 1, &value_length);
	const struct option_row *r = find(t, name, name_length);
	if (!r)
		return err_set(e, ERR_INVALID, "%s: there is no option '%.*s'", where,
			       (int)(name_length < 60 ? name_length : 60), name);
	char spelled[NAME_BYTES_MAX];
	return set(r, arena_printf(a, "%s: %s", where, spell(spelled, r->name, '-', false)),
		   arena_strndup(a, value, value_length), out, e);
}

bool option_read_file(struct arena *a, const struct option_table *t, const char *path,
		      const char *text, void *out, struct err *e)
{
	for (int number = 1; *text; number++) {
		size_t length = strcspn(text, "\n");
		const char *where = arena_printf(a, "%s, line %d", path, number);
		if (!read_line(a, t, where, text, length, out, e))
			return false;
		text += length + (text[length] == '\n');
	}
	return true;
}

bool option_read_environment(struct arena *a, const struct option_table *t, void *out,
			     struct err *e)
{
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++) {
		char spelled[NAME_BYTES_MAX];
		if (r->kind == OPTION_GROUP)
			continue;
		const char *name = arena_printf(a, "MADANG_%s", spell(spelled, r->name, '_', true));
		const char *value = getenv(name);
		if (value && *value && !set(r, name, arena_strdup(a, value), out, e))
			return false;
	}
	return true;
}

/* Reads the option at argv[i] and, where it takes one, its value; returns how many arguments that were,
 * 0 on error. */
static int read_argument(const struct option_table *t, int argc, char **argv, int i, void *out,
			 struct err *e)
{
	const char *word = argv[i], *value = NULL;
	const struct option_row *r;
	char where[NAME_BYTES_MAX + 4];
	if (word[1] == '-') {
		size_t length = strcspn(word + 2, "=");
		r = find(t, word + 2, length);
		value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;
		snprintf(where, sizeof where, "--%.*s", (int)length, word + 2);
	} else {
		r = find_letter(t, word[1]);
		value = word[2] ? word + 2 : NULL;
		snprintf(where, sizeof where, "-%c", word[1]);
	}
	if (!r)
		return err_set(e, ERR_INVALID, "there is no option '%.60s'", word);
	int used = 1;
	if (!value && r->kind == OPTION_BOOL) {
		value = "true";
	} else if (!value) {
		if (i + 1 >= argc)
			return err_set(e, ERR_INVALID, "%s needs a value", where);
		value = argv[i + 1];
		used = 2;
	}
	return set(r, where, value, out, e) ? used : 0;
}

bool option_read_arguments(const struct option_table *t, int argc, char **argv,
			   int *positional_count, void *out, struct err *e)
{
	int kept = 0;
	bool only_positional = false;
	for (int i = 0; i < argc;) {
		if (only_positional || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[kept++] = argv[i++];
		} else if (strcmp(argv[i], "--") == 0) {
			only_positional = true;
			i++;
		} else {
			int used = read_argument(t, argc, argv, i, out, e);
			if (used == 0)
				return false;
			i += used;
		}
	}
	*positional_count = kept;
	return true;
}

static const char *value_name(const struct option_row *r)
{
	if (r->value)
		return r->value;
	return r->kind == OPTION_STR ? "TEXT" : r->kind == OPTION_BOOL ? "" : "N";
}

static const char *range(char text[64], const struct option_row *r)
{
	text[0] = '\0';
	if (r->kind == OPTION_INT || r->kind == OPTION_REAL)
		snprintf(text, 64, "%.16g to %.16g", r->min, r->max);
	return text;
}

void option_print_help(const struct option_table *t, struct buf *out)
{
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++) {
		char name[NAME_BYTES_MAX], left[NAME_BYTES_MAX + 40], allowed[64],
		    letter[8] = "    ";
		if (r->kind == OPTION_GROUP) {
			buf_printf(out, "%s%s\n", out->length ? "\n" : "", r->doc);
			continue;
		}
		if (r->letter)
			snprintf(letter, sizeof letter, "-%c, ", r->letter);
		spell(name, r->name, '-', false);
		snprintf(left, sizeof left, "%s--%s %s", letter, name, value_name(r));
		buf_printf(out, "  %-28s  %s", left, r->doc);
		range(allowed, r);
		if (*allowed)
			buf_printf(out, " (%s)", allowed);
		if (r->initial && *r->initial && r->kind != OPTION_BOOL)
			buf_printf(out, " [%s]", r->initial);
		buf_add_char(out, '\n');
	}
}

void option_print_reference(const struct option_table *t, struct buf *out)
{
	bool in_table = false;
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++) {
		char name[NAME_BYTES_MAX], variable[NAME_BYTES_MAX], allowed[64];
		if (r->kind == OPTION_GROUP) {
			buf_printf(out, "%s## %s\n\n", out->length ? "\n" : "", r->doc);
			in_table = false;
			continue;
		}
		if (!in_table)
			buf_add_str(out, "| option | variable | default | allowed | meaning |\n"
					 "| --- | --- | --- | --- | --- |\n");
		in_table = true;
		buf_printf(out, "| `--%s` | `MADANG_%s` | %s | %s | %s |\n",
			   spell(name, r->name, '-', false), spell(variable, r->name, '_', true),
			   r->initial ? r->initial : "", range(allowed, r), r->doc);
	}
}

void option_print_example(const struct option_table *t, struct buf *out)
{
	for (const struct option_row *r = t->rows; r < t->rows + t->count; r++) {
		char name[NAME_BYTES_MAX], allowed[64];
		if (r->kind == OPTION_GROUP) {
			buf_printf(out, "%s# ---- %s\n\n", out->length ? "\n" : "", r->doc);
			continue;
		}
		range(allowed, r);
		buf_printf(out, "# %s%s%s%s\n#%s = %s\n", r->doc, *allowed ? " (" : "", allowed,
			   *allowed ? ")" : "", spell(name, r->name, '-', false),
			   r->initial ? r->initial : "");
	}
}
