/* BlurHash: a picture as about thirty characters, to show while the real one loads. */
#ifndef MADANG_IMAGE_BLURHASH_H
#define MADANG_IMAGE_BLURHASH_H

#include <stdint.h>

#define BLURHASH_SIZE 64

/* rgb: a small copy of the picture (32 pixels a side are plenty), 8-bit sRGB; 4 by 3 components. */
void blurhash_make(const uint8_t *rgb, int width, int height, char text[BLURHASH_SIZE]);

#endif
