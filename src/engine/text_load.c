/* Makes a tokenizer out of tokenizer.json. Vocabulary and merges are read straight from the text
 * (text_json.h), the rest as a JSON tree that lives only here; what stays is in the tokenizer's arena, a
 * few large blocks. Whatever the file asks for that this family does not use
 * (other normalizers, general regular expressions, …) is refused, never guessed at. */
#include "engine/text_parts.h"

#include "base/file.h"
#include "base/str.h"
#include "engine/jsonfile.h"
#include "engine/shape.h"
#include "engine/text_json.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX    (64 << 20)
#define ARENA_BYTES_MAX   (512 << 20)
#define CONTENT_BYTES_MAX 4096
#define ADDED_MAX         8192
#define PATTERN_BYTES_MAX 16384
#define PROBES_MAX        512

struct loader {
	struct engine_text *t;
	struct engine_text_span vocab, merges;
	char *strings; /* room for the contents of all tokens */
	size_t strings_left;
	struct err *e;
};

static const char *type_of(const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	return type ? type : "";
}

static bool unsupported(struct loader *l, const char *what)
{
	return err_set(l->e, ERR_UNSUPPORTED, "%s of this kind is not supported", what);
}

/* Puts an id into the index. */
static bool index_token(struct loader *l, int32_t id)
{
	struct engine_text *t = l->t;
	const struct engine_token *token = &t->tokens[id];
	uint32_t at = engine_text_hash(token->content, token->length);
	for (int i = 0; i < PROBES_MAX; i++, at++) {
		uint32_t *slot = &t->index[at & t->index_mask];
		if (*slot == 0) {
			*slot = (uint32_t)id + 1;
			return true;
		}
		const struct engine_token *other = &t->tokens[*slot - 1];
		if (token->kind == TOKEN_VOCAB && other->length == token->length &&
		    !memcmp(other->content, token->content, token->length))
			return err_set(l->e, ERR_INVALID, "tokens %d and %d are the same", id,
				       (int)(other - t->tokens));
	}
	return err_set(l->e, ERR_INVALID, "its tokens fall on one place of the table");
}

static bool check_id(struct loader *l, json_int_t n, int32_t *id)
{
	if (n < 0 || n >= ENGINE_VOCAB_MAX)
		return err_set(l->e, ERR_INVALID, "a token's id is not a number from 0 to %d",
			       ENGINE_VOCAB_MAX - 1);
	*id = (int32_t)n;
	return true;
}

static bool read_id(struct loader *l, const json_t *value, int32_t *id)
{
	return check_id(l, json_is_integer(value) ? json_integer_value(value) : -1, id);
}

/* An id may be named twice (vocabulary and added token), but only for the same content. */
static bool add_token(struct loader *l, int32_t id, const char *content, size_t length,
		      enum engine_token_kind kind)
{
	struct engine_token *token = &l->t->tokens[id];
	if (length == 0 || length > CONTENT_BYTES_MAX)
		return err_set(l->e, ERR_INVALID, "token %d is empty or longer than %d bytes", id,
			       CONTENT_BYTES_MAX);
	if (token->kind != TOKEN_NONE) {
		if (token->length != length || memcmp(token->content, content, length) != 0)
			return err_set(l->e, ERR_INVALID, "two tokens have the id %d", id);
		token->kind = kind;
		return true;
	}
	if (length + 1 > l->strings_left)
		return err_set(l->e, ERR_INTERNAL, "tokens grew while they were read");
	memcpy(l->strings, content, length); /* the block is zeroed: it ends there */
	*token = (struct engine_token){l->strings, (uint32_t)length, kind};
	l->strings += length + 1;
	l->strings_left -= length + 1;
	return index_token(l, id);
}

/* What make_room() counts. */
struct census {
	size_t count, bytes;
	int32_t top; /* the largest id */
};

static bool census_add(struct loader *l, struct census *c, int32_t id, size_t length)
{
	c->count++;
	c->bytes += length + 1;
	c->top = id > c->top ? id : c->top;
	return c->count <= ENGINE_VOCAB_MAX ||
	       err_set(l->e, ERR_TOO_LARGE, "more than %d tokens", ENGINE_VOCAB_MAX);
}

/* Goes through vocab: counts (c) or, with NULL, adds the tokens. */
static bool each_vocab(struct loader *l, struct census *c)
{
	struct engine_text_reader r;
	char content[CONTENT_BYTES_MAX];
	engine_text_read(&r, l->vocab, '{');
	while (engine_text_more(&r, '}')) {
		int32_t id = -1;
		size_t length = engine_text_string(&r, content, sizeof(content));
		engine_text_expect(&r, ':');
		int32_t number = engine_text_number(&r);
		if (r.bad)
			break;
		if (!check_id(l, number, &id) || (c && !census_add(l, c, id, length)) ||
		    (!c && !add_token(l, id, content, length, TOKEN_VOCAB)))
			return false;
	}
	return !r.bad ||
	       err_set(l->e, ERR_INVALID,
		       "vocab must be an object of tokens and their ids (numbers from 0 to %d)",
		       ENGINE_VOCAB_MAX - 1);
}

/* Room for all tokens: counts ids and bytes first. */
static bool make_room(struct loader *l, const json_t *added)
{
	struct engine_text *t = l->t;
	struct census c = {.top = -1};
	size_t slots = 16;
	if (!each_vocab(l, &c))
		return false;
	for (size_t i = 0; i < json_array_size(added); i++) {
		const json_t *entry = json_array_get(added, i);
		int32_t id = -1;
		if (!read_id(l, json_object_get(entry, "id"), &id) ||
		    !census_add(l, &c, id, json_string_length(json_object_get(entry, "content"))))
			return false;
	}
	while (slots < 2 * c.count)
		slots *= 2;
	t->token_count = c.top + 1;
	t->tokens = ARENA_ARRAY(t->arena, struct engine_token, (size_t)t->token_count);
	t->index = ARENA_ARRAY(t->arena, uint32_t, slots);
	t->index_mask = (uint32_t)slots - 1;
	l->strings = ARENA_ARRAY(t->arena, char, c.bytes + 1);
	l->strings_left = c.bytes;
	if (!t->tokens || !t->index || !l->strings)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for %zu tokens", c.count);
	return true;
}

static bool load_vocab(struct loader *l)
{
	if (!each_vocab(l, NULL))
		return false;
	for (int byte = 0; byte < 256; byte++) {
		char utf8[4];
		size_t n = engine_utf8_put(utf8, engine_byte_to_code((unsigned char)byte));
		int32_t id = engine_text_find(l->t, utf8, n);
		if (id < 0)
			return err_set(l->e, ERR_INVALID,
				       "vocab lacks byte %d: not a byte-level model", byte);
		l->t->bpe.byte_id[byte] = id;
	}
	return true;
}

static int compare_added(const void *a, const void *b)
{
	const struct engine_added *x = a, *y = b;
	unsigned char p = (unsigned char)*x->content, q = (unsigned char)*y->content;
	if (p != q)
		return p < q ? -1 : 1;
	return x->length > y->length ? -1 : x->length < y->length;
}

static bool load_added(struct loader *l, const json_t *list)
{
	struct engine_text *t = l->t;
	t->added_count = json_array_size(list);
	t->added = ARENA_ARRAY(t->arena, struct engine_added, t->added_count + 1);
	if (!t->added)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for the added tokens");
	for (size_t i = 0; i < t->added_count; i++) {
		const json_t *entry = json_array_get(list, i),
			     *content = json_object_get(entry, "content");
		bool special = false, normalized = false, single = false, left = false,
		     right = false;
		if (!engine_json_bool(entry, "special", &special, l->e) ||
		    !engine_json_bool(entry, "normalized", &normalized, l->e) ||
		    !engine_json_bool(entry, "single_word", &single, l->e) ||
		    !engine_json_bool(entry, "lstrip", &left, l->e) ||
		    !engine_json_bool(entry, "rstrip", &right, l->e))
			return false;
		if (single || left || right)
			return unsupported(l, "an added token with single_word, lstrip or rstrip");
		int32_t id = (int32_t)json_integer_value(json_object_get(entry, "id"));
		const char *text = json_string_value(content);
		size_t length = json_string_length(content);
		if (!text)
			return err_set(l->e, ERR_INVALID, "an added token has no content");
		if (!add_token(l, id, text, length, special ? TOKEN_SPECIAL : TOKEN_ADDED))
			return false;
		t->added[i] = (struct engine_added){t->tokens[id].content, length, id, normalized};
	}
	qsort(t->added, t->added_count, sizeof(*t->added), compare_added);
	for (size_t i = t->added_count; i-- > 0;) {
		unsigned char first = (unsigned char)*t->added[i].content;
		t->added_by_byte[first].first = (uint32_t)i;
		t->added_by_byte[first].count++;
	}
	return true;
}

/* The next merge, "a b" or ["a", "b"], as its two contents in one piece. */
static void read_merge(struct engine_text_reader *r, char *joined, size_t size, size_t *left,
		       size_t *length)
{
	*left = *length = 0;
	if (engine_text_peek(r) == '[') {
		engine_text_expect(r, '[');
		*left = engine_text_string(r, joined, size);
		engine_text_expect(r, ',');
		*length = *left + engine_text_string(r, joined + *left, size - *left);
		engine_text_expect(r, ']');
		return;
	}
	*length = engine_text_string(r, joined, size);
	const char *space = memchr(joined, ' ', *length);
	if (!space) {
		r->bad = true;
		return;
	}
	*left = (size_t)(space - joined);
	(*length)--;
	memmove(joined + *left, space + 1, *length - *left);
}

static bool load_merges(struct loader *l)
{
	struct engine_text_reader r;
	char joined[2 * CONTENT_BYTES_MAX];
	size_t count = 0, left, length;
	int32_t rank = 0;
	engine_text_read(&r, l->merges, '[');
	for (struct engine_text_reader counter = r; engine_text_more(&counter, ']'); count++)
		read_merge(&counter, joined, sizeof(joined), &left, &length);
	if (count > ENGINE_VOCAB_MAX)
		return err_set(l->e, ERR_TOO_LARGE, "more than %d merges", ENGINE_VOCAB_MAX);
	if (!engine_bpe_init(l->t->arena, &l->t->bpe, count, l->e))
		return false;
	for (; engine_text_more(&r, ']'); rank++) {
		read_merge(&r, joined, sizeof(joined), &left, &length);
		if (r.bad)
			break;
		struct engine_merge merge = {engine_text_find(l->t, joined, left),
					     engine_text_find(l->t, joined + left, length - left),
					     rank, engine_text_find(l->t, joined, length)};
		if (merge.left < 0 || merge.right < 0 || merge.id < 0)
			return err_set(l->e, ERR_INVALID, "merge %d names a token that vocab lacks",
				       rank);
		if (!engine_bpe_add(&l->t->bpe, merge, l->e))
			return false;
	}
	return !r.bad || err_set(l->e, ERR_INVALID, "merge %d is not a pair of tokens", rank);
}

/* Of the model's options, those that would change the result. */
static bool check_model(struct loader *l, const json_t *model)
{
	bool ignore_merges = false;
	if (strcmp(type_of(model), "BPE") != 0)
		return unsupported(l, "a model other than BPE");
	if (!engine_json_bool(model, "ignore_merges", &ignore_merges, l->e))
		return false;
	const char *prefix = json_string_value(json_object_get(model, "continuing_subword_prefix"));
	const char *suffix = json_string_value(json_object_get(model, "end_of_word_suffix"));
	const json_t *dropout = json_object_get(model, "dropout");
	if (ignore_merges || (prefix && *prefix) || (suffix && *suffix) ||
	    (dropout && !json_is_null(dropout)))
		return unsupported(l,
				   "a BPE model with ignore_merges, dropout, a prefix or a suffix");
	return true;
}

static bool check_normalizer(struct loader *l, const json_t *normalizer)
{
	if (!normalizer || json_is_null(normalizer))
		return true;
	const json_t *list = json_object_get(normalizer, "normalizers");
	if (strcmp(type_of(normalizer), "Sequence") != 0 || !json_is_array(list) ||
	    json_array_size(list) != 0)
		return unsupported(l, "a normalizer");
	return true;
}

static bool load_split(struct loader *l, const json_t *pre, struct engine_split *out)
{
	bool invert = false;
	const json_t *pattern = json_object_get(json_object_get(pre, "pattern"), "Regex");
	const char *behavior = json_string_value(json_object_get(pre, "behavior"));
	if (!engine_json_bool(pre, "invert", &invert, l->e))
		return false;
	if (!json_is_string(pattern) || json_string_length(pattern) > PATTERN_BYTES_MAX || invert ||
	    !behavior || strcmp(behavior, "Isolated") != 0)
		return unsupported(l, "a Split");
	return engine_split_parse(l->t->arena, json_string_value(pattern), out, l->e);
}

/* One pre-tokeniser; ByteLevel adds no split. */
static bool load_pre(struct loader *l, const json_t *pre)
{
	struct engine_splits *s = &l->t->splits;
	bool individual = false, space = true, regex = true;
	const char *type = type_of(pre);
	if (!strcmp(type, "ByteLevel")) {
		if (!engine_json_bool(pre, "add_prefix_space", &space, l->e) ||
		    !engine_json_bool(pre, "use_regex", &regex, l->e))
			return false;
		return (!space && !regex) ||
		       unsupported(l, "ByteLevel with add_prefix_space or use_regex");
	}
	if (s->count == ENGINE_SPLITS_MAX)
		return err_set(l->e, ERR_TOO_LARGE, "more than %d pre-tokenizers",
			       ENGINE_SPLITS_MAX);
	struct engine_split *out = &s->list[s->count];
	if (!strcmp(type, "Digits")) {
		if (!engine_json_bool(pre, "individual_digits", &individual, l->e))
			return false;
		*out = (struct engine_split){.kind = SPLIT_NUMERIC, .repeat = !individual};
	} else if (strcmp(type, "Split") != 0) {
		return unsupported(l, "a pre-tokenizer");
	} else if (!load_split(l, pre, out)) {
		return false;
	}
	s->count++;
	return true;
}

static bool load_pre_tokenizer(struct loader *l, const json_t *pre)
{
	if (strcmp(type_of(pre), "Sequence") != 0)
		return load_pre(l, pre);
	const json_t *list = json_object_get(pre, "pretokenizers");
	bool byte_level = false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (byte_level) /* it turns text into bytes, so nothing may follow */
			return unsupported(l, "a pre-tokenizer behind ByteLevel");
		byte_level = !strcmp(type_of(json_array_get(list, i)), "ByteLevel");
		if (!load_pre(l, json_array_get(list, i)))
			return false;
	}
	return byte_level || unsupported(l, "a pre-tokenizer without ByteLevel");
}

/* The ids of one special token of the template. */
static bool add_template_ids(struct loader *l, const json_t *processor, const json_t *piece,
			     bool after)
{
	struct engine_text *t = l->t;
	const char *name = json_string_value(json_object_get(piece, "id"));
	const json_t *special = json_object_get(processor, "special_tokens");
	const json_t *ids = name ? json_object_get(json_object_get(special, name), "ids") : NULL;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		int32_t id = -1, *list = after ? t->after : t->before;
		size_t *count = after ? &t->after_count : &t->before_count;
		if (!read_id(l, json_array_get(ids, i), &id))
			return false;
		if (*count == ENGINE_TEMPLATE_MAX || id >= t->token_count)
			return err_set(l->e, ERR_INVALID,
				       "post_processor names too many tokens or one that "
				       "does not exist");
		list[(*count)++] = id;
	}
	return json_array_size(ids) > 0 ||
	       err_set(l->e, ERR_INVALID, "post_processor names a special token without ids");
}

static bool load_template(struct loader *l, const json_t *processor)
{
	const json_t *single = json_object_get(processor, "single");
	bool text = false;
	for (size_t i = 0; i < json_array_size(single); i++) {
		const json_t *piece = json_array_get(single, i);
		const json_t *special = json_object_get(piece, "SpecialToken");
		if (special && !add_template_ids(l, processor, special, text))
			return false;
		text = text || !special;
	}
	return text || err_set(l->e, ERR_INVALID, "post_processor has no place for the text");
}

static bool load_post_processor(struct loader *l, const json_t *processor)
{
	const char *type = type_of(processor);
	const json_t *list = json_object_get(processor, "processors");
	if (!processor || json_is_null(processor) || !strcmp(type, "ByteLevel"))
		return true; /* ByteLevel moves offsets only */
	if (!strcmp(type, "TemplateProcessing"))
		return load_template(l, processor);
	if (strcmp(type, "Sequence") != 0)
		return unsupported(l, "a post_processor");
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!load_post_processor(l, json_array_get(list, i)))
			return false;
	}
	return true;
}

static bool load(struct loader *l, const json_t *root)
{
	const json_t *model = json_object_get(root, "model");
	const json_t *added = json_object_get(root, "added_tokens");
	if (!check_model(l, model) || !check_normalizer(l, json_object_get(root, "normalizer")))
		return false;
	if (!l->vocab.text || !l->merges.text || json_array_size(added) > ADDED_MAX)
		return err_set(l->e, ERR_INVALID,
			       "model needs vocab and merges, added_tokens may have at "
			       "most %d",
			       ADDED_MAX);
	return make_room(l, added) && load_vocab(l) && load_merges(l) && load_added(l, added) &&
	       load_pre_tokenizer(l, json_object_get(root, "pre_tokenizer")) &&
	       load_post_processor(l, json_object_get(root, "post_processor"));
}

struct engine_text *engine_text_parse(const char *json, size_t length, struct err *e)
{
	struct loader l = {.e = e};
	struct buf rest;
	buf_init(&rest, FILE_BYTES_MAX);
	engine_text_cut(json, length, &l.vocab, &l.merges, &rest);
	if (rest.failed) {
		buf_finish(&rest);
		err_set(e, ERR_TOO_LARGE, "tokenizer.json: larger than %d bytes", FILE_BYTES_MAX);
		return NULL;
	}
	json_t *root =
	    engine_json_parse(rest.data ? rest.data : "", rest.length, "tokenizer.json", e);
	buf_finish(&rest);
	if (!root)
		return NULL;
	struct arena *a = arena_create(ARENA_BYTES_MAX);
	struct engine_text *t = ARENA_NEW(a, struct engine_text);
	t->arena = a;
	l.t = t;
	bool ok = load(&l, root);
	json_decref(root);
	if (ok)
		return t;
	err_context(e, "tokenizer.json");
	engine_text_close(t);
	return NULL;
}

struct engine_text *engine_text_open(const char *path, struct err *e)
{
	struct arena *a = arena_create(FILE_BYTES_MAX + 4096);
	struct file_bytes text;
	struct engine_text *t = NULL;
	if (file_read(a, path, FILE_BYTES_MAX, &text, e))
		t = engine_text_parse(text.data, text.length, e);
	arena_destroy(a);
	return t;
}
