/* The encoder of the BlurHash format: a cosine transform of linear light, in base 83. Pure; any thread. */
#include "image/blurhash.h"

#include <math.h>
#include <string.h>

enum { X = 4, Y = 3 };

static double linear(uint8_t v)
{
	double x = v / 255.0;
	return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static int srgb(double x)
{
	x = fmin(fmax(x, 0), 1);
	return (int)(x <= 0.0031308 ? x * 12.92 * 255 + 0.5
				    : (1.055 * pow(x, 1 / 2.4) - 0.055) * 255 + 0.5);
}

static char *put83(char *at, int value, int digits)
{
	static const char alphabet[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = alphabet[value % 83];
		value /= 83;
	}
	return at + digits;
}

static void factor(const uint8_t *rgb, int width, int height, int fx, int fy, double out[3])
{
	double sum[3] = {0};
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			double basis = cos(M_PI * fx * x / width) * cos(M_PI * fy * y / height);
			for (int c = 0; c < 3; c++)
				sum[c] += basis * linear(rgb[3 * (y * width + x) + c]);
		}
	for (int c = 0; c < 3; c++)
		out[c] = sum[c] * (fx || fy ? 2.0 : 1.0) / (width * height);
}

static int quantise(double v, double max)
{
	double x = v / max, root = copysign(pow(fabs(x), 0.5), x);
	return (int)fmin(fmax(floor(root * 9 + 9.5), 0), 18);
}

void blurhash_make(const uint8_t *rgb, int width, int height, char text[BLURHASH_SIZE])
{
	double f[X * Y][3], biggest = 0;
	for (int y = 0; y < Y; y++)
		for (int x = 0; x < X; x++)
			factor(rgb, width, height, x, y, f[y * X + x]);
	for (int i = 1; i < X * Y; i++)
		for (int c = 0; c < 3; c++)
			biggest = fmax(biggest, fabs(f[i][c]));
	int scale = (int)fmin(fmax(floor(biggest * 166 - 0.5), 0), 82);
	double max = (scale + 1) / 166.0;
	char *at = put83(text, (X - 1) + (Y - 1) * 9, 1);
	at = put83(at, scale, 1);
	at = put83(at, srgb(f[0][0]) << 16 | srgb(f[0][1]) << 8 | srgb(f[0][2]), 4);
	for (int i = 1; i < X * Y; i++)
		at = put83(at,
			   (quantise(f[i][0], max) * 19 + quantise(f[i][1], max)) * 19 +
			       quantise(f[i][2], max),
			   2);
	*at = '\0';
}
