/* Makes picture tokenizers out of names (see synthetic_vq.h). One thread. Must stay true: the values are
 * those of golden/full_shapes.json, bit for bit. */
#include "synthetic_vq.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TENSORS_MAX 1024

struct piece {
	char name[128];
	int shape[4], ndim;
	bool int8;
};

struct list {
	struct piece pieces[TENSORS_MAX];
	int count;
	bool int8, rms;
};

static void fatal(const char *what)
{
	fprintf(stderr, "synthetic model: %s\n", what);
	abort();
}

static void add(struct list *l, const char *name, int ndim, const int shape[4], bool int8)
{
	if (l->count == TENSORS_MAX)
		fatal("too many tensors");
	struct piece *p = &l->pieces[l->count++];
	snprintf(p->name, sizeof(p->name), "%s", name);
	memcpy(p->shape, shape, sizeof(p->shape));
	p->ndim = ndim;
	p->int8 = int8;
}

static void add_conv(struct list *l, const char *prefix, const char *part, int out, int in,
		     int side)
{
	char name[128];
	snprintf(name, sizeof(name), "gen_vision_model.%s%s.weight", prefix, part);
	add(l, name, 4, (int[4]){out, in, side, side}, l->int8);
	snprintf(name, sizeof(name), "gen_vision_model.%s%s.bias", prefix, part);
	add(l, name, 1, (int[4]){out, 1, 1, 1}, false);
}

static void add_norm(struct list *l, const char *prefix, const char *part, int channels)
{
	char name[128];
	snprintf(name, sizeof(name), "gen_vision_model.%s%s.weight", prefix, part);
	add(l, name, 1, (int[4]){channels, 1, 1, 1}, false);
	if (l->rms)
		return;
	snprintf(name, sizeof(name), "gen_vision_model.%s%s.bias", prefix, part);
	add(l, name, 1, (int[4]){channels, 1, 1, 1}, false);
}

static void add_res(struct list *l, const char *prefix, int in, int out)
{
	add_norm(l, prefix, ".norm1", in);
	add_conv(l, prefix, ".conv1", out, in, 3);
	add_norm(l, prefix, ".norm2", out);
	add_conv(l, prefix, ".conv2", out, out, 3);
	if (in != out)
		add_conv(l, prefix, ".nin_shortcut", out, in, 1);
}

static void add_attention(struct list *l, const char *prefix, int channels)
{
	add_norm(l, prefix, ".norm", channels);
	add_conv(l, prefix, ".q", channels, channels, 1);
	add_conv(l, prefix, ".k", channels, channels, 1);
	add_conv(l, prefix, ".v", channels, channels, 1);
	add_conv(l, prefix, ".proj_out", channels, channels, 1);
}

static void add_middle(struct list *l, const char *coder, int channels, bool attention)
{
	char prefix[64];
	for (int i = 0; i < 3; i++) {
		snprintf(prefix, sizeof(prefix), "%s.mid.%d", coder, i);
		if (i != 1)
			add_res(l, prefix, channels, channels);
		else if (attention)
			add_attention(l, prefix, channels);
	}
}

static void add_stage(struct list *l, const char *stage, int blocks, int in, int out,
		      bool attention)
{
	char prefix[96];
	for (int j = 0; j < blocks; j++) {
		snprintf(prefix, sizeof(prefix), "%s.res.%d", stage, j);
		add_res(l, prefix, j == 0 ? in : out, out);
		snprintf(prefix, sizeof(prefix), "%s.attn.%d", stage, j);
		if (attention)
			add_attention(l, prefix, out);
	}
}

static void add_decoder(struct list *l, const struct engine_vq_shape *s)
{
	char stage[64];
	int at = s->base_channels * s->multiplier[s->stages - 1];
	add_conv(l, "", "post_quant_conv", s->latent_channels, s->code_dim, 1);
	add_conv(l, "decoder", ".conv_in", at, s->latent_channels, 3);
	add_middle(l, "decoder", at, s->attention);
	for (int i = 0; i < s->stages; i++) {
		int out = s->base_channels * s->multiplier[s->stages - 1 - i];
		snprintf(stage, sizeof(stage), "decoder.conv_blocks.%d", i);
		add_stage(l, stage, s->res_blocks + 1, at, out, i == 0 && s->attention);
		if (i < s->stages - 1)
			add_conv(l, stage, ".upsample.conv", out, out, 3);
		at = out;
	}
	add_norm(l, "decoder", ".norm_out", at);
	add_conv(l, "decoder", ".conv_out", 3 * s->patch * s->patch, at, 3);
}

static void add_encoder(struct list *l, const struct engine_vq_shape *s)
{
	char stage[64];
	int at = s->encoder_base_channels;
	add_conv(l, "encoder", ".conv_in", at, 3 * s->patch * s->patch, 3);
	for (int i = 0; i < s->stages; i++) {
		int out = s->encoder_base_channels * s->multiplier[i];
		snprintf(stage, sizeof(stage), "encoder.conv_blocks.%d", i);
		add_stage(l, stage, s->res_blocks, at, out, i == s->stages - 1 && s->attention);
		if (i < s->stages - 1)
			add_conv(l, stage, ".downsample.conv", out, out, 3);
		at = out;
	}
	add_middle(l, "encoder", at, s->attention);
	add_norm(l, "encoder", ".norm_out", at);
	add_conv(l, "encoder", ".conv_out", s->latent_channels, at, 3);
	add_conv(l, "", "quant_conv", s->code_dim, s->latent_channels, 1);
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static bool ends(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);
	return n >= t && strcmp(name + n - t, tail) == 0;
}

static size_t piece_count(const struct piece *p)
{
	return (size_t)p->shape[0] * (size_t)p->shape[1] * (size_t)p->shape[2] *
	       (size_t)p->shape[3];
}

static void values(const struct piece *p, float *out)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (const char *c = p->name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	float offset = 0, scale = sqrtf(3.0f / (float)(p->shape[1] * p->shape[2] * p->shape[3]));
	if (strstr(p->name, "embedding") != NULL)
		scale = 1;
	if (ends(p->name, ".bias"))
		scale = 0.05f;
	const char *norm = strstr(p->name, ".norm");
	if (norm != NULL && ends(p->name, ".weight")) {
		scale = 0.1f;
		offset = 1;
	}
	for (size_t i = 0; i < piece_count(p); i++) {
		float u = (float)(mix(hash + i + 0x9E3779B97F4A7C15u) >> 40) * 0x1p-24f;
		out[i] = offset + scale * (2 * u - 1);
	}
}

/* What an int8 piece's scale is: the largest value is 127. */
static float quantize(const float *row, size_t count, int8_t *q)
{
	float top = 1e-9f;
	for (size_t i = 0; i < count; i++)
		top = fmaxf(top, fabsf(row[i]));
	for (size_t i = 0; i < count; i++)
		q[i] = (int8_t)lrintf(row[i] / top * 127);
	return top / 127;
}

/* Pieces lie at any address: floats go through memory of their own. */
static size_t write_piece(const struct piece *p, char *out)
{
	const size_t count = piece_count(p), row = count / (size_t)p->shape[0];
	float *all = malloc(count * sizeof(float));
	if (all == NULL)
		fatal("no memory");
	values(p, all);
	if (!p->int8)
		memcpy(out, all, count * sizeof(float));
	for (int i = 0; p->int8 && i < p->shape[0]; i++) {
		float scale = quantize(all + (size_t)i * row, row, (int8_t *)out + (size_t)i * row);
		memcpy(out + count + (size_t)i * sizeof(float), &scale, sizeof(scale));
	}
	free(all);
	return p->int8 ? count + (size_t)p->shape[0] * sizeof(float) : count * sizeof(float);
}

static size_t header(const struct list *l, char *out, size_t size, size_t *payload)
{
	size_t n = 0, at = 0;
	for (int i = 0; i < l->count; i++) {
		const struct piece *p = &l->pieces[i];
		size_t bytes = piece_count(p) * (p->int8 ? 1 : sizeof(float));
		n += (size_t)snprintf(out + n, size - n, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
				      i == 0 ? "{" : ",", p->name, p->int8 ? "I8" : "F32");
		for (int d = 0; d < p->ndim; d++)
			n += (size_t)snprintf(out + n, size - n, "%s%d", d ? "," : "", p->shape[d]);
		n += (size_t)snprintf(out + n, size - n, "],\"data_offsets\":[%zu,%zu]}", at,
				      at + bytes);
		at += bytes;
		if (!p->int8)
			continue;
		bytes = (size_t)p->shape[0] * sizeof(float);
		n += (size_t)snprintf(out + n, size - n,
				      ",\"%s_scale\":{\"dtype\":\"F32\",\"shape\":[%d],"
				      "\"data_offsets\":[%zu,%zu]}",
				      p->name, p->shape[0], at, at + bytes);
		at += bytes;
	}
	n += (size_t)snprintf(out + n, size - n, "}");
	while (n % 64 != 56)
		out[n++] = ' ';
	*payload = at;
	return n;
}

struct synthetic synthetic_vq(const struct engine_vq_shape *shape, bool encoder, bool int8)
{
	static char text[512 * TENSORS_MAX];
	struct synthetic s = {0};
	struct err e = {0};
	struct list *l = calloc(1, sizeof(*l));
	if (l == NULL)
		fatal("no memory");
	l->int8 = int8;
	l->rms = shape->norm == ENGINE_NORM_RMS;
	if (shape->quantizer == ENGINE_QUANTIZER_VQ_L2)
		add(l, "gen_vision_model.quantize.embedding.weight", 2,
		    (int[4]){shape->codes, shape->code_dim, 1, 1}, false);
	add_decoder(l, shape);
	if (encoder)
		add_encoder(l, shape);
	size_t payload, n = header(l, text, sizeof(text), &payload);
	s.bytes = malloc(8 + n + payload);
	if (s.bytes == NULL)
		fatal("no memory");
	uint64_t length = n;
	memcpy(s.bytes, &length, 8);
	memcpy(s.bytes + 8, text, n);
	size_t at = 8 + n;
	for (int i = 0; i < l->count; i++)
		at += write_piece(&l->pieces[i], s.bytes + at);
	free(l);
	struct engine_safetensors *file = engine_safetensors_open_memory(s.bytes, at, &e);
	s.weights = file != NULL ? engine_weights_wrap(file, &e) : NULL;
	if (s.weights == NULL)
		fatal(e.message);
	return s;
}

void synthetic_finish(struct synthetic *s)
{
	engine_weights_close(s->weights);
	free(s->bytes);
}

struct engine_vq_shape synthetic_vq16(void)
{
	return (struct engine_vq_shape){.has_decoder = true,
					.has_encoder = true,
					.quantizer = ENGINE_QUANTIZER_VQ_L2,
					.codes = 16384,
					.code_dim = 8,
					.latent_channels = 256,
					.base_channels = 128,
					.encoder_base_channels = 128,
					.stages = 5,
					.multiplier = {1, 1, 2, 2, 4},
					.patch = 1,
					.res_blocks = 2,
					.attention = true,
					.norm = ENGINE_NORM_GROUP,
					.norm_groups = 32,
					.norm_eps = 1e-6f,
					.grid = 24,
					.image_size = 384};
}

struct engine_vq_shape synthetic_builtin(void)
{
	return (struct engine_vq_shape){.has_decoder = true,
					.has_encoder = true,
					.quantizer = ENGINE_QUANTIZER_FSQ,
					.codes = 6000,
					.code_dim = 5,
					.levels = {8, 6, 5, 5, 5},
					.latent_channels = 64,
					.base_channels = 48,
					.encoder_base_channels = 32,
					.stages = 4,
					.multiplier = {1, 2, 4, 4},
					.patch = 2,
					.res_blocks = 1,
					.attention = false,
					.norm = ENGINE_NORM_RMS,
					.norm_groups = 32,
					.norm_eps = 1e-6f,
					.grid = 12,
					.image_size = 192};
}

static void count(struct synthetic_work *w, double area, double macs)
{
	w->defined += area * macs;
	w->computed += area * macs;
}

static void count_res(struct synthetic_work *w, double area, int in, int out)
{
	count(w, area, 9.0 * out * (in + out) + (in != out ? (double)in * out : 0));
}

static void count_attention(struct synthetic_work *w, double area, int channels)
{
	count(w, area, 4.0 * channels * channels + 2.0 * area * channels);
}

struct synthetic_work synthetic_vq_work(const struct engine_vq_shape *s, int grid)
{
	struct synthetic_work w = {0};
	double area = (double)grid * grid;
	int at = s->base_channels * s->multiplier[s->stages - 1];
	count(&w, area, (double)s->latent_channels * (s->code_dim + 9.0 * at));
	count_res(&w, area, at, at);
	count_res(&w, area, at, at);
	if (s->attention)
		count_attention(&w, area, at);
	for (int i = 0; i < s->stages; i++) {
		int out = s->base_channels * s->multiplier[s->stages - 1 - i];
		for (int j = 0; j <= s->res_blocks; j++) {
			count_res(&w, area, j == 0 ? at : out, out);
			if (i == 0 && s->attention)
				count_attention(&w, area, out);
		}
		if (i < s->stages - 1) {
			area *= 4;
			w.defined += area * 9.0 * out * out;
			w.computed += area * 4.0 * out * out;
		}
		at = out;
	}
	count(&w, area, 9.0 * 3 * s->patch * s->patch * at);
	return w;
}
