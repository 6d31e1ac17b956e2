/* Reads the training's configuration. Pure but for the file, any thread. */
#include "train/config.h"

#include "base/file.h"
#include "json/read.h"

#include <string.h>

#define FIELD_STR(m, ...)  JSON_FIELD_STR(struct train_config, m, #m, __VA_ARGS__)
#define FIELD_INT(m, ...)  JSON_FIELD_INT(struct train_config, m, #m, __VA_ARGS__)
#define FIELD_REAL(m, ...) JSON_FIELD_REAL(struct train_config, m, #m, __VA_ARGS__)

static const struct json_field FIELDS[] = {
    FIELD_STR(model, .min = 1, .max = 4000),
    FIELD_STR(out, .required = true, .min = 1, .max = 4000),
    FIELD_STR(base, .max = 4000),
    FIELD_STR(init, .max = 4000),
    FIELD_STR(part, .max = 40),
    FIELD_STR(optimizer, .max = 40),
    FIELD_STR(schedule, .max = 40),
    FIELD_STR(kernels, .max = 40),
    FIELD_INT(batch, .min = 1, .max = 65536),
    FIELD_INT(micro_tokens, .min = 32, .max = 65536),
    FIELD_INT(steps, .min = 1, .max = 1e9),
    FIELD_INT(seed, .min = 0, .max = 1e15),
    FIELD_INT(threads, .min = 1, .max = TRAIN_THREADS_MAX),
    FIELD_INT(nice, .min = 0, .max = 19),
    FIELD_INT(warmup_steps, .min = 0, .max = 1e9),
    FIELD_INT(log_steps, .min = 1, .max = 1e6),
    FIELD_INT(pad_id, .min = 0, .max = 65535),
    FIELD_INT(muon_steps, .min = 1, .max = 20),
    FIELD_INT(sample_steps, .min = 0, .max = 1e9),
    JSON_FIELD_STRS(struct train_config, prompts, "prompts", .max = TRAIN_PROMPTS_MAX),
    FIELD_REAL(minutes, .min = 0, .max = 1e6),
    FIELD_REAL(lr, .min = 0, .max = 10),
    FIELD_REAL(table_lr, .min = 0, .max = 10),
    FIELD_REAL(cooldown, .min = 0, .max = 1),
    FIELD_REAL(beta1, .min = 0, .max = .999999),
    FIELD_REAL(beta2, .min = 0, .max = .999999),
    FIELD_REAL(momentum, .min = 0, .max = .999999),
    FIELD_REAL(weight_decay, .min = 0, .max = 10),
    FIELD_REAL(clip, .min = 0, .max = 1e9),
    FIELD_REAL(ema, .min = 0, .max = .9999999),
    FIELD_REAL(caption_dropout, .min = 0, .max = 1),
    FIELD_REAL(code_jitter, .min = 0, .max = 1),
    FIELD_REAL(code_noise, .min = 0, .max = 1),
    FIELD_REAL(checkpoint_minutes, .min = .01, .max = 1e6),
};
static const size_t FIELD_COUNT = sizeof(FIELDS) / sizeof(FIELDS[0]);

static const struct json_field SHARD_FIELDS[] = {
    JSON_FIELD_STR(struct train_shard_config, name, "name", .required = true, .min = 1, .max = 40),
    JSON_FIELD_STR(struct train_shard_config, path, "path", .required = true, .min = 1,
		   .max = 4000),
    JSON_FIELD_REAL(struct train_shard_config, weight, "weight", .min = 0, .max = 1e9),
};

static bool known(const struct json_value *root, struct err *e)
{
	for (size_t i = 0; root->kind == JSON_KIND_OBJECT && i < root->length; i++) {
		bool found = strcmp(root->members[i].name, "shards") == 0;
		for (size_t j = 0; j < FIELD_COUNT && !found; j++)
			found = strcmp(root->members[i].name, FIELDS[j].name) == 0;
		if (!found)
			return err_set(e, ERR_INVALID, "no such setting: %s",
				       root->members[i].name);
	}
	return true;
}

static bool read_shards(struct arena *a, const struct json_value *list, struct train_config *c,
			struct err *e)
{
	if (!list || list->kind != JSON_KIND_ARRAY || list->length < 1 ||
	    list->length > TRAIN_SHARDS_MAX)
		return err_set(e, ERR_INVALID,
			       "shards: a list of 1 to %d objects with name, path and weight",
			       TRAIN_SHARDS_MAX);
	for (size_t i = 0; i < list->length; i++) {
		c->shards[i].weight = 1;
		if (!json_read(a, &list->items[i], SHARD_FIELDS, 3, &c->shards[i], e))
			return err_context(e, "shards[%zu]", i);
		if (!c->shards[i].name || !c->shards[i].path)
			return err_set(e, ERR_INVALID, "shards[%zu]: name and path may not be null",
				       i);
	}
	c->shard_count = list->length;
	return true;
}

static const struct train_config DEFAULTS = {
    .part = "transformer",
    .optimizer = "muon",
    .schedule = "stable",
    .kernels = "auto",
    .batch = 32,
    .micro_tokens = 5632,
    .seed = 1,
    .threads = 1,
    .warmup_steps = 100,
    .log_steps = 10,
    .pad_id = -1,
    .muon_steps = 5,
    .lr = 1e-3,
    .cooldown = .2,
    .beta1 = .9,
    .beta2 = .95,
    .momentum = .95,
    .weight_decay = .01,
    .clip = 1,
    .ema = .999,
    .caption_dropout = .1,
    .code_jitter = .04,
    .checkpoint_minutes = 5,
    .table_lr = -1,
};

bool train_config_read(struct arena *a, const char *path, struct train_config *c, struct err *e)
{
	struct file_bytes bytes;
	const struct json_value *root;
	*c = DEFAULTS;
	if (!file_read(a, path, 1 << 20, &bytes, e))
		return false;
	if (!json_parse(a, bytes.data, bytes.length, NULL, &root, e) || !known(root, e) ||
	    !json_read(a, root, FIELDS, FIELD_COUNT, c, e) ||
	    !read_shards(a, json_get(root, "shards"), c, e))
		return err_context(e, "%s", path);
	if (!c->model && c->base)
		c->model = arena_printf(a, "%s/config.json", c->base);
	if (!c->model || !c->out)
		return err_set(e, ERR_INVALID, "%s: needs out, and model or base", path);
	if (!c->part)
		c->part = DEFAULTS.part;
	if (!c->optimizer)
		c->optimizer = DEFAULTS.optimizer;
	if (!c->schedule)
		c->schedule = DEFAULTS.schedule;
	if (!c->kernels)
		c->kernels = DEFAULTS.kernels;
	const bool decoder = strcmp(c->part, "decoder") == 0;
	if (!decoder && strcmp(c->part, "transformer") != 0)
		return err_set(e, ERR_INVALID, "%s: part is transformer or decoder", path);
	if (strcmp(c->optimizer, "muon") != 0 && strcmp(c->optimizer, "adamw") != 0)
		return err_set(e, ERR_INVALID, "%s: optimizer is muon or adamw", path);
	if (strcmp(c->schedule, "stable") != 0 && strcmp(c->schedule, "cosine") != 0)
		return err_set(e, ERR_INVALID, "%s: schedule is stable or cosine", path);
	if ((c->steps > 0) == (c->minutes > 0))
		return err_set(e, ERR_INVALID, "%s: give either steps or minutes", path);
	if (!decoder && c->caption_dropout > 0 && c->pad_id < 0)
		return err_set(e, ERR_INVALID, "%s: caption_dropout needs pad_id, the id of <pad>",
			       path);
	if (decoder && c->sample_steps > 0)
		return err_set(e, ERR_INVALID, "%s: sample_steps is for the transformer", path);
	if (c->sample_steps > 0 && (!c->base || c->prompts.count == 0))
		return err_set(e, ERR_INVALID,
			       "%s: sample_steps needs base, a model's folder, and prompts", path);
	if (c->table_lr < 0)
		c->table_lr = c->lr;
	return true;
}
