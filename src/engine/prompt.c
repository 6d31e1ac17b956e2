/* Sequences of the families. Pure functions; any thread.
 *
 *   Madang   draw, vary    bos text... style boi [kept tokens]
 *            with a source bos text... source style, src, source tokens, style boi
 *            recalled      bos text... style, src, recalled tokens, style boi [kept tokens]
 *   Janus                  bos "<|User|>: text\n\n<|Assistant|>:" boi [kept tokens]
 *   LlamaGen               class [kept tokens]
 *
 * The unguided stream has pad (or no class) where the guided one has what it is to be guided by. */
#include "engine/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_TOKENS_MAX 2048

struct builder {
	struct engine_prompt *p;
	const struct engine_shape *shape;
	const struct engine_text *text;
	const struct engine_request *request;
	int32_t pad;
	struct err *e;
};

static void add(struct builder *b, struct engine_element guided, struct engine_element unguided)
{
	b->p->guided[b->p->length] = guided;
	b->p->unguided[b->p->length++] = unguided;
}

static struct engine_element text_element(int32_t id)
{
	return (struct engine_element){ENGINE_ELEMENT_TEXT, id, -1};
}

static void add_text(struct builder *b, int32_t id)
{
	add(b, text_element(id), text_element(id));
}

static void add_guiding(struct builder *b, int32_t id)
{
	add(b, text_element(id), text_element(b->pad));
}

static void add_image(struct builder *b, const int32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct engine_element el = {ENGINE_ELEMENT_IMAGE, ids[i], (int32_t)i};
		add(b, el, el);
	}
}

/* A special token that the model cannot do without. */
static bool special(const struct builder *b, const char *what, const char *content, int32_t *id)
{
	*id = content[0] ? engine_text_id(b->text, content) : -1;
	if (*id >= 0 && *id < b->shape->llm.vocab)
		return true;
	return err_set(b->e, ERR_INVALID, "the model's tokenizer has no %s token \"%s\"", what,
		       content);
}

static bool style_token(const struct builder *b, const char *field, const char *style,
			const char *any, int32_t *id)
{
	const struct engine_shape *s = b->shape;
	if (!style || !style[0])
		return special(b, "style", any, id);
	for (int i = 0; i < s->style_count; i++)
		if (strcmp(s->styles[i].name, style) == 0)
			return special(b, "style", s->styles[i].token, id);
	return err_set(b->e, ERR_INVALID, "%s: this model has no style \"%.40s\"", field, style);
}

static bool encode(const struct builder *b, const char *prompt, bool specials, int32_t *ids,
		   size_t *count)
{
	struct engine_text_options options = {.specials = specials};
	if (!engine_text_encode(b->text, options, prompt, strlen(prompt), ids, TEXT_TOKENS_MAX,
				count, b->e))
		return err_context(b->e, "prompt");
	return true;
}

static bool build_madang(struct builder *b, const int32_t *source, const int32_t *recalled,
			 size_t kept)
{
	const struct engine_special_tokens *t = &b->shape->tokens;
	int32_t ids[TEXT_TOKENS_MAX], bos, boi, src, style = 0, source_style = 0;
	size_t count, length = (size_t)b->shape->prompt_length;
	bool styled = b->shape->style_count > 0 || t->style_any[0];
	bool changes =
	    b->request->task == ENGINE_TASK_RESTYLE || b->request->task == ENGINE_TASK_EDIT;
	bool reads_source = changes || recalled;
	/* What is changed keeps its style unless another is asked for; what is recalled is in the style asked for. */
	const char *to = b->request->style, *from = changes ? b->request->source_style : to;
	const char *any = changes && t->source_any[0] ? t->source_any : t->style_any;
	if (changes && (!to || !to[0]))
		to = from;

	if (!special(b, "first", t->bos, &bos) || !special(b, "picture", t->boi, &boi) ||
	    (styled && !style_token(b, "style", to, any, &style)) ||
	    !encode(b, b->request->prompt ? b->request->prompt : "", false, ids, &count))
		return false;
	add_text(b, bos);
	for (size_t i = 0; i < length; i++)
		add_guiding(b, i < count ? ids[i] : b->pad);
	if (reads_source) {
		if (!special(b, "source", t->src, &src) ||
		    (styled && !style_token(b, "source_style", from, any, &source_style)))
			return false;
		if (styled)
			add_text(b, source_style);
		add_text(b, src);
		add_image(b, changes ? source : recalled, (size_t)b->shape->image.tokens);
	}
	if (styled && reads_source)
		add_text(b, style);
	else if (styled)
		add_guiding(b, style);
	add_text(b, boi);
	add_image(b, source, kept);
	return true;
}

/* Added tokens cut the text before anything else is done to it, so the pieces between them can be
 * encoded one by one: the person's own words never become control tokens. */
static bool build_janus(struct builder *b, const int32_t *source, size_t kept)
{
	const struct engine_special_tokens *t = &b->shape->tokens;
	const char *prompt = b->request->prompt ? b->request->prompt : "";
	bool roles = engine_text_id(b->text, "<|User|>") >= 0;
	int32_t ids[TEXT_TOKENS_MAX], bos, boi;
	size_t count, n;

	if (!special(b, "first", t->bos, &bos) || !special(b, "picture", t->boi, &boi))
		return false;
	prompt += strspn(prompt, " \t\r\n");
	n = strlen(prompt);
	while (n > 0 && strchr(" \t\r\n", prompt[n - 1]))
		n--;
	if (n > ENGINE_TEXT_BYTES_MAX)
		return err_set(b->e, ERR_TOO_LARGE, "prompt: longer than %d bytes",
			       ENGINE_TEXT_BYTES_MAX);
	const char *pieces[4] = {"<|User|>", "", "<|Assistant|>", ":"};
	char *middle = malloc(n + 64);
	if (!middle)
		return err_set(b->e, ERR_NO_MEMORY, "no memory for the prompt");
	snprintf(middle, n + 64, roles ? ": %.*s\n\n" : "User: %.*s\n\nAssistant:", (int)n, prompt);
	pieces[1] = middle;
	add_text(b, bos);
	bool ok = true;
	for (size_t i = roles ? 0 : 1; ok && i < (roles ? 4 : 2); i++) {
		ok = encode(b, pieces[i], i % 2 == 0, ids, &count);
		if (ok && b->p->length + count > TEXT_TOKENS_MAX)
			ok = err_set(b->e, ERR_TOO_LARGE, "prompt: more than %d tokens",
				     TEXT_TOKENS_MAX);
		for (size_t j = 0; ok && j < count; j++)
			add_guiding(b, ids[j]);
	}
	free(middle);
	if (!ok)
		return false;
	add_text(b, boi);
	add_image(b, source, kept);
	return true;
}

static bool build_class(struct builder *b, const int32_t *source, size_t kept)
{
	const char *prompt = b->request->prompt ? b->request->prompt : "", *end;
	char *stop;

	if (strncmp(prompt, "class ", 6) == 0)
		prompt += 6;
	long class = strtol(prompt, &stop, 10);
	end = stop;
	if (end == prompt || *end || class < 0 || class >= b->shape->classes)
		return err_set(
		    b->e, ERR_INVALID,
		    "prompt: this model draws classes: write \"class 0\" to \"class %d\"",
		    b->shape->classes - 1);
	add(b, (struct engine_element){ENGINE_ELEMENT_CLASS, (int32_t) class, -1},
	    (struct engine_element){ENGINE_ELEMENT_CLASS, -1, -1});
	add_image(b, source, kept);
	return true;
}

/* How many of the source's tokens stay; whole rows. */
static size_t kept_tokens(const struct builder *b)
{
	float keep = b->request->keep < 0 ? 0.5f : b->request->keep;
	int grid = b->shape->image.grid, rows = (int)(keep * (float)grid + 0.5f);
	if (b->request->task != ENGINE_TASK_VARY)
		return 0;
	if (rows >= grid)
		rows = grid - 1; /* something is drawn */
	return (size_t)(rows * grid);
}

size_t engine_prompt_positions_max(const struct engine_shape *shape)
{
	size_t tokens = (size_t)shape->image.tokens;
	if (shape->condition != ENGINE_CONDITION_TEXT)
		return (size_t)shape->prefix + tokens;
	if (shape->prompt_length > 0)
		return (size_t)shape->prompt_length + 5 + tokens +
		       (shape->tokens.src[0] ? tokens : 0);
	return TEXT_TOKENS_MAX + 2 + tokens;
}

bool engine_prompt_init(struct engine_prompt *p, const struct engine_shape *shape,
			const struct engine_text *text, const struct engine_request *request,
			const int32_t *source, const int32_t *recalled, struct err *e)
{
	struct builder b = {p, shape, text, request, -1, e};
	size_t most = engine_prompt_positions_max(shape) + (size_t)shape->image.tokens;
	bool ok;

	*p = (struct engine_prompt){0};
	p->guided = calloc(most, sizeof(*p->guided));
	p->unguided = calloc(most, sizeof(*p->unguided));
	if (!p->guided || !p->unguided) {
		engine_prompt_finish(p);
		return err_set(e, ERR_NO_MEMORY, "no memory for a prompt");
	}
	p->kept = kept_tokens(&b);
	if (shape->condition == ENGINE_CONDITION_CAPTION)
		ok = err_set(e, ERR_UNSUPPORTED,
			     "this model is guided by another text encoder, which is not here");
	else if (shape->condition == ENGINE_CONDITION_CLASS)
		ok = build_class(&b, source, p->kept);
	else if (!special(&b, "padding", shape->tokens.pad, &b.pad))
		ok = false;
	else if (shape->family == ENGINE_FAMILY_MADANG)
		ok = build_madang(&b, source, recalled, p->kept);
	else
		ok = build_janus(&b, source, p->kept);
	if (!ok)
		engine_prompt_finish(p);
	return ok;
}

void engine_prompt_finish(struct engine_prompt *p)
{
	free(p->guided);
	free(p->unguided);
	*p = (struct engine_prompt){0};
}

bool engine_prompt_count(const struct engine_shape *shape, const struct engine_text *text,
			 const char *prompt, size_t *count, struct err *e)
{
	struct builder b = {.shape = shape, .text = text, .e = e};
	int32_t ids[TEXT_TOKENS_MAX];
	*count = 0;
	return shape->condition != ENGINE_CONDITION_TEXT || encode(&b, prompt, false, ids, count);
}
