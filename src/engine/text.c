/* Uses a tokenizer: encode, decode, look up. The tokenizer does not change after it was loaded; the
 * working memory of an encode belongs to its call. What must stay true: ids that come out lie within
 * the vocabulary, whatever text goes in. */
#include "engine/text.h"

#include "base/str.h"
#include "engine/text_parts.h"

#include <string.h>

uint32_t engine_byte_to_code(unsigned char byte)
{
	if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)
		return byte;
	if (byte <= 32)
		return 0x100u + byte;
	if (byte <= 160)
		return 0x100u + 33 + (byte - 127u);
	return 0x100u + 67; /* 173 */
}

int engine_code_to_byte(uint32_t code)
{
	if (code < 0x100)
		return engine_byte_to_code((unsigned char)code) == code ? (int)code : -1;
	if (code <= 0x100 + 32)
		return (int)code - 0x100;
	if (code < 0x100 + 67)
		return (int)code - 0x100 - 33 + 127;
	return code == 0x100 + 67 ? 173 : -1;
}

size_t engine_utf8_put(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	out[0] = (char)(0xc0 | code >> 6);
	out[1] = (char)(0x80 | (code & 0x3f));
	return 2;
}

uint32_t engine_text_hash(const char *content, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)content[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

int32_t engine_text_find(const struct engine_text *t, const char *content, size_t length)
{
	uint32_t at = engine_text_hash(content, length);
	for (;; at++) { /* ends: at least half of the slots are empty */
		uint32_t slot = t->index[at & t->index_mask];
		if (slot == 0)
			return -1;
		const struct engine_token *token = &t->tokens[slot - 1];
		if (token->length == length && !memcmp(token->content, content, length))
			return (int32_t)slot - 1;
	}
}

void engine_text_close(struct engine_text *t)
{
	if (t)
		arena_destroy(t->arena); /* t itself lies in it */
}

int32_t engine_text_id(const struct engine_text *t, const char *content)
{
	return engine_text_find(t, content, strlen(content));
}

int32_t engine_text_vocab(const struct engine_text *t)
{
	return t->token_count;
}

struct encoder {
	const struct engine_text *t;
	struct engine_bpe_scratch scratch;
	int32_t *ids;
	size_t count, max;
};

static bool add_id(struct encoder *c, int32_t id)
{
	if (c->count == c->max)
		return false;
	c->ids[c->count++] = id;
	return true;
}

static bool encode_piece(void *data, const char *piece, size_t length)
{
	struct encoder *c = data;
	size_t n;
	if (!engine_bpe_encode(&c->t->bpe, &c->scratch, piece, length, c->ids + c->count,
			       c->max - c->count, &n))
		return false;
	c->count += n;
	return true;
}

/* The longest added token that begins here. */
static const struct engine_added *added_at(const struct engine_text *t, bool late, const char *text,
					   size_t length)
{
	unsigned char byte = (unsigned char)*text;
	const struct engine_added *a = &t->added[t->added_by_byte[byte].first];
	for (uint32_t i = 0; i < t->added_by_byte[byte].count; i++, a++) {
		if (a->late == late && a->length <= length && !memcmp(a->content, text, a->length))
			return a;
	}
	return NULL;
}

/* Cuts out the added tokens, those that are not "normalized" first, the others in what is left. */
static bool encode_added(struct encoder *c, bool late, const char *text, size_t length)
{
	size_t gap = 0;
	for (size_t at = 0; at <= length;) {
		const struct engine_added *a =
		    at < length ? added_at(c->t, late, text + at, length - at) : NULL;
		if (!a && at < length) {
			at++;
			continue;
		}
		bool ok =
		    late ? engine_splits_run(&c->t->splits, text + gap, at - gap, encode_piece, c)
			 : encode_added(c, true, text + gap, at - gap);
		if (!ok || (a && !add_id(c, a->id)))
			return false;
		if (!a)
			break;
		at += a->length;
		gap = at;
	}
	return true;
}

static bool encode_all(struct encoder *c, struct engine_text_options options, const char *text,
		       size_t length)
{
	const struct engine_text *t = c->t;
	for (size_t i = 0; options.template && i < t->before_count; i++) {
		if (!add_id(c, t->before[i]))
			return false;
	}
	if (options.specials ? !encode_added(c, false, text, length)
			     : !engine_splits_run(&t->splits, text, length, encode_piece, c))
		return false;
	for (size_t i = 0; options.template && i < t->after_count; i++) {
		if (!add_id(c, t->after[i]))
			return false;
	}
	return true;
}

bool engine_text_encode(const struct engine_text *t, struct engine_text_options options,
			const char *text, size_t length, int32_t *ids, size_t ids_max,
			size_t *count, struct err *e)
{
	if (length > ENGINE_TEXT_BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "the text has %zu bytes; at most %d can be read",
			       length, ENGINE_TEXT_BYTES_MAX);
	if (!str_is_utf8(text, length))
		return err_set(e, ERR_INVALID, "the text is not valid UTF-8");
	struct encoder c = {.t = t, .ids = ids, .max = ids_max};
	if (!engine_bpe_scratch_init(&c.scratch, length, e))
		return false;
	bool ok = encode_all(&c, options, text, length);
	engine_bpe_scratch_finish(&c.scratch);
	if (!ok)
		return err_set(e, ERR_TOO_LARGE, "the text is longer than %zu tokens", ids_max);
	*count = c.count;
	return true;
}

/* The bytes that a vocabulary entry stands for; the entry itself where it is not of the byte table. */
static void add_bytes(const struct engine_token *token, struct buf *out)
{
	uint32_t code;
	for (size_t i = 0, n; i < token->length; i += n) {
		n = str_utf8_next(token->content + i, token->length - i, &code);
		if (n == 0 || engine_code_to_byte(code) < 0) {
			buf_add(out, token->content, token->length);
			return;
		}
	}
	for (size_t i = 0, n; i < token->length; i += n) {
		n = str_utf8_next(token->content + i, token->length - i, &code);
		buf_add_char(out, (char)engine_code_to_byte(code));
	}
}

void engine_text_decode(const struct engine_text *t, const int32_t *ids, size_t count,
			struct buf *out)
{
	struct buf bytes;
	buf_init(&bytes, out->cap);
	for (size_t i = 0; i < count; i++) {
		if (ids[i] < 0 || ids[i] >= t->token_count)
			continue;
		const struct engine_token *token = &t->tokens[ids[i]];
		if (token->kind == TOKEN_VOCAB)
			add_bytes(token, &bytes);
		else if (token->kind == TOKEN_ADDED)
			buf_add(&bytes, token->content, token->length);
	}
	for (size_t i = 0, n; i < bytes.length; i += n) {
		n = str_utf8_next(bytes.data + i, bytes.length - i, NULL);
		if (n)
			buf_add(out, bytes.data + i, n);
		else
			buf_add_str(out, "\xef\xbf\xbd");
		n += n == 0;
	}
	out->failed = out->failed || bytes.failed;
	buf_finish(&bytes);
}
