/* Owns a piece of the terminal: the picture's lines and, below them, the bar. Main thread. The lines are
 * made once, by printing them empty; each update moves up, draws, and comes back to the bar. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/preview.h"

#define BAR_CELLS        30
#define SCREEN_BYTES_MAX ((size_t)8 << 20)
#define PICTURE_EVERY_NS 100000000

struct progress {
	bool terminal;
	struct preview *preview;
	bool opened; /* the picture's lines are there */
	int64_t started_ns, picture_ns;
	struct buf out;
};

struct progress *progress_create(void)
{
	struct progress *p = calloc(1, sizeof *p);
	const char *term = getenv("TERM");
	if (!p)
		abort();
	p->terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
	p->preview = preview_create(STDERR_FILENO);
	buf_init(&p->out, SCREEN_BYTES_MAX);
	return p;
}

static void flush(struct progress *p)
{
	const char *at = p->out.data;
	size_t left = p->out.failed ? 0 : p->out.length;
	while (left) {
		ssize_t n = write(STDERR_FILENO, at, left);
		if (n <= 0)
			break; /* what can't be shown is not worth an error */
		at += n;
		left -= (size_t)n;
	}
	buf_clear(&p->out);
}

void progress_destroy(struct progress *p)
{
	if (!p)
		return;
	if (p->terminal && p->started_ns) {
		buf_add_str(&p->out, "\r\x1b[K");
		flush(p);
	}
	preview_destroy(p->preview);
	buf_finish(&p->out);
	free(p);
}

bool progress_wants_picture(const struct progress *p)
{
	return p->preview && clock_mono_ns() - p->picture_ns >= PICTURE_EVERY_NS;
}

static void add_picture(struct progress *p, const uint8_t *rgb, int width, int height)
{
	int rows = preview_rows(p->preview);
	if (!p->opened) {
		for (int i = 0; i < rows; i++)
			buf_add_char(&p->out, '\n');
		p->opened = true;
	}
	buf_printf(&p->out,
		   "\r\x1b[%dA\x1b"
		   "7",
		   rows);
	preview_render(p->preview, rgb, width, height, &p->out);
	buf_printf(&p->out,
		   "\x1b[0m\x1b"
		   "8\x1b[%dB\r",
		   rows);
	p->picture_ns = clock_mono_ns();
}

static void add_bar(struct progress *p, int64_t done, int64_t total)
{
	double share = total > 0 ? (double)done / (double)total : 0;
	double spent = (double)(clock_mono_ns() - p->started_ns) / 1e9;
	int filled = (int)(share * BAR_CELLS);
	buf_add_str(&p->out, "\r\x1b[K[");
	for (int i = 0; i < BAR_CELLS; i++)
		buf_add_char(&p->out, i < filled ? '#' : '.');
	buf_printf(&p->out, "] %3d %%", (int)(share * 100));
	if (done > 0 && done < total)
		buf_printf(&p->out, "  %.1f s left", spent / share * (1 - share));
}

void progress_show(struct progress *p, int64_t done, int64_t total, const uint8_t *rgb, int width,
		   int height)
{
	if (!p->terminal)
		return;
	if (!p->started_ns)
		p->started_ns = clock_mono_ns();
	if (rgb && p->preview)
		add_picture(p, rgb, width, height);
	add_bar(p, done, total);
	flush(p);
}
