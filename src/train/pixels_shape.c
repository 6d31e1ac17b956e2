/* The shape of the trained decoder and the layout of its parameters. Pure but for the file, any thread. */
#include "train/pixels.h"

#include "base/file.h"
#include "json/read.h"
#include "train/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_BYTES_MAX ((size_t)1 << 20)
#define CHANNELS_MAX     2048

static struct pixels_conv conv(struct pixels_shape *s, int in, int out, int taps, int side)
{
	struct pixels_conv c = {
	    .w = s->count, .in = in, .out = out, .taps = taps, .index = s->conv_count++};
	s->count += (size_t)taps * (size_t)in * (size_t)out;
	c.b = s->count;
	s->count += (size_t)out;
	s->multiplies += (double)taps * in * out * side * side;
	return c;
}

static size_t norm(struct pixels_shape *s, int channels)
{
	size_t at = s->count;
	s->count += (size_t)channels;
	return at;
}

static struct pixels_res res(struct pixels_shape *s, int in, int out, int side)
{
	struct pixels_res r = {.norm1 = norm(s, in)};
	r.conv1 = conv(s, in, out, 9, side);
	r.norm2 = norm(s, out);
	r.conv2 = conv(s, out, out, 9, side);
	if (in != out)
		r.shortcut = conv(s, in, out, 1, side);
	return r;
}

static void lay_out(struct pixels_shape *s)
{
	int side = s->grid;
	s->post_quant = conv(s, s->level_count, s->latent, 1, side);
	s->conv_in = conv(s, s->latent, s->channels[0], 9, side);
	for (int i = 0; i < 2; i++)
		s->mid[i] = res(s, s->channels[0], s->channels[0], side);
	for (int i = 0; i < s->stages; i++) {
		const int before = s->channels[i > 0 ? i - 1 : 0], c = s->channels[i];
		for (int j = 0; j < s->blocks; j++)
			s->stage[i][j] = res(s, j ? c : before, c, side);
		if (i + 1 < s->stages) {
			side *= 2;
			s->up[i] = conv(s, c, c, 9, side);
		}
	}
	s->norm_out = norm(s, s->channels[s->stages - 1]);
	s->conv_out = conv(s, s->channels[s->stages - 1], 3 * s->patch * s->patch, 9, side);
}

static bool whole(const struct json_value *v, const char *name, int64_t low, int64_t high, int *out,
		  struct err *e)
{
	int64_t n = json_get_int(v, name, -1);
	if (n < low || n > high)
		return err_set(e, ERR_INVALID, "vq_config.%s: a number from %lld to %lld", name,
			       (long long)low, (long long)high);
	*out = (int)n;
	return true;
}

static bool list(const struct json_value *v, const char *name, int low, int high, int max, int *out,
		 int *count, struct err *e)
{
	const struct json_value *l = json_get(v, name);
	bool ok = l && l->kind == JSON_KIND_ARRAY && l->length > 0 && l->length <= (size_t)max;
	for (size_t i = 0; ok && i < l->length; i++) {
		int64_t n = l->items[i].kind == JSON_KIND_INT ? l->items[i].integer : low - 1;
		ok = n >= low && n <= high;
		out[i] = (int)n;
	}
	if (!ok)
		return err_set(e, ERR_INVALID, "vq_config.%s: 1 to %d numbers from %d to %d", name,
			       max, low, high);
	*count = (int)l->length;
	return true;
}

static bool read_numbers(struct pixels_shape *s, const struct json_value *v, struct err *e)
{
	int base = 0, blocks = 0, multiplier[PIXELS_STAGES_MAX] = {0};
	const char *quantizer = json_get_str(v, "quantizer", ""),
		   *normalization = json_get_str(v, "normalization", "");
	if (strcmp(quantizer, "fsq") != 0 || strcmp(normalization, "rms") != 0 ||
	    json_get_bool(v, "attention", true))
		return err_set(
		    e, ERR_UNSUPPORTED,
		    "only decoders with quantizer fsq, normalization rms and no attention can be "
		    "trained");
	if (!whole(v, "grid", 1, 64, &s->grid, e) ||
	    !whole(v, "latent_channels", 16, CHANNELS_MAX, &s->latent, e) ||
	    !whole(v, "base_channels", 16, CHANNELS_MAX, &base, e) ||
	    !whole(v, "num_res_blocks", 0, PIXELS_BLOCKS_MAX - 1, &blocks, e) ||
	    !whole(v, "patch_size", 1, 8, &s->patch, e) ||
	    !list(v, "fsq_levels", 2, 64, TRAIN_LEVELS_MAX, s->levels, &s->level_count, e) ||
	    !list(v, "channel_multiplier", 1, 16, PIXELS_STAGES_MAX, multiplier, &s->stages, e))
		return false;
	s->blocks = blocks + 1;
	s->codes = 1;
	for (int i = 0; i < s->level_count; i++)
		if ((s->codes *= s->levels[i]) > 65536)
			return err_set(e, ERR_INVALID,
				       "vq_config.fsq_levels: more than 65536 codes");
	for (int i = 0; i < s->stages; i++) {
		s->channels[i] = base * multiplier[s->stages - 1 - i];
		if (s->channels[i] > CHANNELS_MAX || s->channels[i] % 16 || s->latent % 16)
			return err_set(e, ERR_INVALID,
				       "vq_config: channels are multiples of 16, at most %d",
				       CHANNELS_MAX);
	}
	s->side = (s->grid << (s->stages - 1)) * s->patch;
	return true;
}

bool pixels_shape_read(struct pixels_shape *s, const char *path, struct err *e)
{
	static const struct json_limits limits = {
	    .bytes_max = CONFIG_BYTES_MAX, .values_max = 10000, .depth_max = 16};
	struct arena *a = arena_create(16 << 20);
	struct file_bytes file;
	const struct json_value *root, *v;
	memset(s, 0, sizeof(*s));
	bool ok = file_read(a, path, CONFIG_BYTES_MAX, &file, e) &&
		  json_parse(a, file.data, file.length, &limits, &root, e);
	if (ok) {
		v = json_get(root, "vq_config");
		ok = (v && v->kind == JSON_KIND_OBJECT) ||
		     err_set(e, ERR_INVALID, "%s has no vq_config", path);
		ok = ok && read_numbers(s, v, e);
	}
	if (ok)
		lay_out(s);
	arena_destroy(a);
	return ok;
}

struct list_of {
	struct train_param *items;
	size_t count;
};

static void add(struct list_of *l, size_t offset, int rows, int columns, const char *prefix,
		const char *name)
{
	struct train_param *p = &l->items[l->count++];
	*p = (struct train_param){.offset = offset, .rows = rows, .columns = columns};
	/* The last layers and those whose width the products of the Newton-Schulz steps can't take are tables. */
	p->kind = columns == 1                ? TRAIN_PARAM_VECTOR
		  : rows % 32 || columns % 32 ? TRAIN_PARAM_TABLE
					      : TRAIN_PARAM_MATRIX;
	snprintf(p->name, sizeof(p->name), "model.vqmodel.%s%s", prefix, name);
}

static void add_conv(struct list_of *l, const struct pixels_conv *c, const char *prefix,
		     const char *name)
{
	char full[100];
	snprintf(full, sizeof(full), "%s.weight", name);
	add(l, c->w, c->taps * c->in, c->out, prefix, full);
	snprintf(full, sizeof(full), "%s.bias", name);
	add(l, c->b, c->out, 1, prefix, full);
}

static void add_res(struct list_of *l, const struct pixels_res *r, const char *prefix)
{
	add(l, r->norm1, r->conv1.in, 1, prefix, "norm1.weight");
	add_conv(l, &r->conv1, prefix, "conv1");
	add(l, r->norm2, r->conv2.in, 1, prefix, "norm2.weight");
	add_conv(l, &r->conv2, prefix, "conv2");
	if (r->shortcut.taps)
		add_conv(l, &r->shortcut, prefix, "nin_shortcut");
}

struct train_param *pixels_shape_params(struct arena *a, const struct pixels_shape *s,
					size_t *count)
{
	struct list_of l = {ARENA_ARRAY(a, struct train_param, 3 * (size_t)PIXELS_CONVS_MAX + 8),
			    0};
	char prefix[60];
	add_conv(&l, &s->post_quant, "", "post_quant_conv");
	add_conv(&l, &s->conv_in, "decoder.", "conv_in");
	for (int i = 0; i < 2; i++) {
		snprintf(prefix, sizeof(prefix), "decoder.mid.block_%d.", i + 1);
		add_res(&l, &s->mid[i], prefix);
	}
	for (int i = 0; i < s->stages; i++) {
		for (int j = 0; j < s->blocks; j++) {
			snprintf(prefix, sizeof(prefix), "decoder.up.%d.block.%d.", i, j);
			add_res(&l, &s->stage[i][j], prefix);
		}
		snprintf(prefix, sizeof(prefix), "decoder.up.%d.upsample.", i);
		if (i + 1 < s->stages)
			add_conv(&l, &s->up[i], prefix, "conv");
	}
	add(&l, s->norm_out, s->channels[s->stages - 1], 1, "decoder.", "norm_out.weight");
	add_conv(&l, &s->conv_out, "decoder.", "conv_out");
	*count = l.count;
	return l.items;
}

static bool ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);
	return n >= m && strcmp(name + n - m, with) == 0;
}

void pixels_shape_init(const struct pixels_shape *s, const struct train_param *p, size_t count,
		       uint64_t seed, float *w)
{
	memset(w, 0, s->count * sizeof(float));
	for (size_t i = 0; i < count; i++) {
		struct train_random r = train_random_at(seed, 77, i);
		const size_t n = (size_t)p[i].rows * (size_t)p[i].columns;
		const bool norm_weight = p[i].columns == 1 && ends(p[i].name, ".weight");
		/* A block begins as the identity. */
		const float by = p[i].columns == 1 || ends(p[i].name, "conv2.weight")
				     ? 0
				     : 1.f / sqrtf((float)p[i].rows);
		for (size_t j = 0; j < n; j++)
			w[p[i].offset + j] = norm_weight ? 1.f
					     : by        ? by * train_random_normal(&r)
							 : 0;
	}
}
