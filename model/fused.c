/* The norm of the picture tokenizer for training on a CPU: per-position RMS norm over channels, times a weight, then
 * x*sigmoid(x); forward and backward in one pass each over bf16 pixels [positions][channels]. Built and called by
 * fused.py. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define CHANNELS_MAX 512

static inline float wide(uint16_t h)
{
	uint32_t u = (uint32_t)h << 16;
	float f;
	memcpy(&f, &u, 4);
	return f;
}

static inline uint16_t narrow(float f)
{
	uint32_t u;
	memcpy(&u, &f, 4);
	return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

static inline __attribute__((always_inline)) void forward_of(const uint16_t *x, const float *w,
							     uint16_t *y, long positions, int c)
{
	for (long p = 0; p < positions; p++, x += c, y += c) {
		float sum = 0;
		for (int i = 0; i < c; i++) {
			float v = wide(x[i]);
			sum += v * v;
		}
		float r = 1.0f / sqrtf(sum / c + 1e-6f);
		for (int i = 0; i < c; i++) {
			float n = wide(x[i]) * r * w[i];
			y[i] = narrow(n / (1.0f + expf(-n)));
		}
	}
}

static inline __attribute__((always_inline)) void backward_of(const uint16_t *x, const float *w,
							      const uint16_t *gy, uint16_t *gx,
							      float *gw, long positions, int c)
{
	float gn[CHANNELS_MAX];
	for (long p = 0; p < positions; p++, x += c, gy += c, gx += c) {
		float sum = 0, dot = 0;
		for (int i = 0; i < c; i++) {
			float v = wide(x[i]);
			sum += v * v;
		}
		float r = 1.0f / sqrtf(sum / c + 1e-6f);
		for (int i = 0; i < c; i++) {
			float v = wide(x[i]), n = v * r * w[i], s = 1.0f / (1.0f + expf(-n));
			float g = wide(gy[i]) * (s + n * s * (1.0f - s));
			gw[i] += g * v * r;
			gn[i] = g * w[i];
			dot += gn[i] * v;
		}
		float k = dot * r * r / c;
		for (int i = 0; i < c; i++)
			gx[i] = narrow(r * (gn[i] - wide(x[i]) * k));
	}
}

/* The channel counts of this tokenizer, so that the compiler unrolls; any other count takes the plain loop. */
#define EACH(call)         \
	switch (c) {       \
	case 32:           \
		call(32);  \
		break;     \
	case 48:           \
		call(48);  \
		break;     \
	case 64:           \
		call(64);  \
		break;     \
	case 96:           \
		call(96);  \
		break;     \
	case 128:          \
		call(128); \
		break;     \
	case 192:          \
		call(192); \
		break;     \
	default:           \
		call(c);   \
		break;     \
	}

void norm_swish_forward(const uint16_t *x, const float *w, uint16_t *y, long positions, int c)
{
#define FORWARD(n) forward_of(x, w, y, positions, n)
	EACH(FORWARD)
}

void norm_swish_backward(const uint16_t *x, const float *w, const uint16_t *gy, uint16_t *gx,
			 float *gw, long positions, int c)
{
#define BACKWARD(n) backward_of(x, w, gy, gx, gw, positions, n)
	EACH(BACKWARD)
}
