/* A picture on a terminal, by libchafa: kitty's protocol or sixels where the terminal has them, coloured
 * symbols otherwise. */
#ifndef MADANG_CLI_PREVIEW_H
#define MADANG_CLI_PREVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct preview;

/* What the terminal of this descriptor can do, by its size, TERM and the locale. NULL: no pictures there
 * (no terminal, TERM=dumb, too small). */
struct preview *preview_create(int fd);
void preview_destroy(struct preview *p); /* NULL-safe */

int preview_rows(const struct preview *p); /* lines of the terminal that a picture takes */

/* Appends what draws the picture with its top left at the cursor. Where the cursor is then is not
 * defined. */
void preview_render(struct preview *p, const uint8_t *rgb, int width, int height, struct buf *out);

#endif
