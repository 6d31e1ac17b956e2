/* Owns nothing: conversion of tensors to f32 and the search for NaN and infinities. Any thread.
 * Data may be unaligned, so every load goes through memcpy, which compiles to plain moves. */
#include "engine/safetensors.h"

#include <string.h>

int64_t engine_tensor_row_size(const struct engine_tensor *t)
{
	int64_t n = 1;
	for (int i = 1; i < t->ndim; i++)
		n *= t->shape[i]; /* cannot overflow: the bytes were counted when the file was
				     opened */
	return n;
}

size_t engine_tensor_row_bytes(const struct engine_tensor *t)
{
	int64_t n = engine_tensor_row_size(t);
	if (t->dtype == ENGINE_I4)
		return (size_t)((n + 31) / 32 * 16);
	return (size_t)n * engine_dtype_size(t->dtype);
}

size_t engine_tensor_scale_bytes(const struct engine_tensor *t)
{
	if (!t->scale)
		return 0;
	return t->dtype == ENGINE_I4 ? engine_tensor_row_bytes(t) / 16 * sizeof(uint16_t)
				     : sizeof(float);
}

static float f32_at(const unsigned char *p, size_t i)
{
	float v;
	memcpy(&v, p + 4 * i, 4);
	return v;
}

static uint16_t u16_at(const unsigned char *p, size_t i)
{
	uint16_t v;
	memcpy(&v, p + 2 * i, 2);
	return v;
}

static float bits_f32(uint32_t bits)
{
	float v;
	memcpy(&v, &bits, 4);
	return v;
}

static float f16_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff) << 13;
	if (rest >= 0x0f800000u) /* infinity, NaN */
		return bits_f32(sign | 0x70000000u | rest);
	/* Moving the exponent's bias by a multiplication treats subnormal numbers rightly as well.
	 */
	return bits_f32(sign | rest) * 0x1p112f;
}

static void i8_rows(const struct engine_tensor *t, int64_t row, int64_t rows, int64_t width,
		    float *out)
{
	const int8_t *q = (const int8_t *)t->data + row * width;
	for (int64_t r = 0; r < rows; r++) {
		float scale = t->scale ? f32_at(t->scale, (size_t)(row + r)) : 1.0f;
		for (int64_t i = 0; i < width; i++)
			out[r * width + i] = (float)q[r * width + i] * scale;
	}
}

static void i4_rows(const struct engine_tensor *t, int64_t row, int64_t rows, int64_t width,
		    float *out)
{
	size_t bytes = engine_tensor_row_bytes(t);
	for (int64_t r = row; r < row + rows; r++, out += width) {
		const unsigned char *q = (const unsigned char *)t->data + (size_t)r * bytes;
		for (int64_t i = 0; i < width; i++) {
			unsigned char pair = q[i / 32 * 16 + i % 16];
			int value = (i % 32 < 16 ? pair & 15 : pair >> 4) - 8;
			size_t block = (size_t)r * (bytes / 16) + (size_t)(i / 32);
			out[i] = (float)value * f16_f32(u16_at(t->scale, block));
		}
	}
}

void engine_tensor_rows_f32(const struct engine_tensor *t, int64_t row, int64_t rows, float *out)
{
	int64_t width = engine_tensor_row_size(t);
	size_t n = (size_t)(rows * width);
	const unsigned char *p = t->data;
	p += (size_t)(row * width) * engine_dtype_size(t->dtype);
	switch (t->dtype) {
	case ENGINE_F32:
		if (n)
			memcpy(out, p, n * sizeof(float));
		break;
	case ENGINE_F16:
		for (size_t i = 0; i < n; i++)
			out[i] = f16_f32(u16_at(p, i));
		break;
	case ENGINE_BF16:
		for (size_t i = 0; i < n; i++)
			out[i] = bits_f32((uint32_t)u16_at(p, i) << 16);
		break;
	case ENGINE_I8:
		i8_rows(t, row, rows, width, out);
		break;
	case ENGINE_I4:
		i4_rows(t, row, rows, width, out);
		break;
	default:
		__builtin_unreachable(); /* engine_weights_get() hands out no other */
	}
}

/* The index of the first element whose exponent bits are all ones (NaN or infinity); n if none. */
static size_t first_bad_16(const unsigned char *p, size_t n, uint16_t exponent)
{
	for (size_t i = 0; i < n; i++) {
		if ((u16_at(p, i) & exponent) == exponent)
			return i;
	}
	return n;
}

static size_t first_bad_32(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t v;
		memcpy(&v, p + 4 * i, 4);
		if ((v & 0x7f800000u) == 0x7f800000u)
			return i;
	}
	return n;
}

bool engine_tensor_check_finite(const struct engine_tensor *t, struct err *e)
{
	size_t size = engine_dtype_size(t->dtype), n = size ? t->bytes / size : 0, bad = n;
	if (t->dtype == ENGINE_F32)
		bad = first_bad_32(t->data, n);
	else if (t->dtype == ENGINE_F16)
		bad = first_bad_16(t->data, n, 0x7c00);
	else if (t->dtype == ENGINE_BF16)
		bad = first_bad_16(t->data, n, 0x7f80);
	if (bad < n)
		return err_set(e, ERR_INVALID, "tensor %.100s: value %zu is not a finite number",
			       t->name, bad);
	size_t rows = (size_t)t->shape[0] * engine_tensor_scale_bytes(t);
	rows /= t->dtype == ENGINE_I4 ? sizeof(uint16_t) : sizeof(float);
	bad = t->dtype == ENGINE_I4 ? first_bad_16(t->scale, rows, 0x7c00)
				    : first_bad_32(t->scale, rows);
	if (bad < rows)
		return err_set(e, ERR_INVALID,
			       "tensor %.100s_scale: value %zu is not a finite number", t->name,
			       bad);
	return true;
}

bool engine_tensor_load_f32(const struct engine_tensor *t, float *out, struct err *e)
{
	if (!engine_tensor_check_finite(t, e))
		return false;
	engine_tensor_rows_f32(t, 0, t->ndim ? t->shape[0] : 1, out);
	return true;
}
