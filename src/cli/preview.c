/* Owns a chafa canvas configuration fitted to the terminal. Main thread. */
#include "cli/preview.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chafa.h>

#define ROWS_MAX    20
#define ROWS_MIN    4
#define ROWS_SPARE  3 /* the status line, the shell's next prompt */
#define CELL_WIDTH  10
#define CELL_HEIGHT 20

struct preview {
	ChafaTermInfo *terminal;
	ChafaCanvasConfig *config;
	int rows;
};

/* Cells in pixels matter only to sixels and kitty: what the terminal says, or a usual size. */
static void cell_size(const struct winsize *w, int *width, int *height)
{
	*width = w->ws_xpixel / w->ws_col;
	*height = w->ws_ypixel / w->ws_row;
	if (*width < 4 || *height < 4 || *width > 100 || *height > 200) {
		*width = CELL_WIDTH;
		*height = CELL_HEIGHT;
	}
}

static ChafaPixelMode pixel_mode(const ChafaTermInfo *t)
{
	if (chafa_term_info_have_seq(t, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1))
		return CHAFA_PIXEL_MODE_KITTY;
	if (chafa_term_info_have_seq(t, CHAFA_TERM_SEQ_BEGIN_SIXELS))
		return CHAFA_PIXEL_MODE_SIXELS;
	return CHAFA_PIXEL_MODE_SYMBOLS;
}

static ChafaCanvasMode colour_mode(const ChafaTermInfo *t)
{
	const char *colours = getenv("COLORTERM");
	if (colours && (strcmp(colours, "truecolor") == 0 || strcmp(colours, "24bit") == 0))
		return CHAFA_CANVAS_MODE_TRUECOLOR;
	if (chafa_term_info_have_seq(t, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256))
		return CHAFA_CANVAS_MODE_INDEXED_240;
	return CHAFA_CANVAS_MODE_INDEXED_16;
}

static ChafaSymbolMap *symbols(void)
{
	ChafaSymbolMap *map = chafa_symbol_map_new();
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	chafa_symbol_map_add_by_tags(map, CHAFA_SYMBOL_TAG_SPACE);
	chafa_symbol_map_add_by_tags(map, utf8 ? CHAFA_SYMBOL_TAG_BLOCK : CHAFA_SYMBOL_TAG_ASCII);
	return map;
}

struct preview *preview_create(int fd)
{
	struct winsize size = {0};
	const char *term = getenv("TERM");
	if (!isatty(fd) || !term || !*term || strcmp(term, "dumb") == 0)
		return NULL;
	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return NULL;
	int cell_width, cell_height, rows = size.ws_row - ROWS_SPARE;
	cell_size(&size, &cell_width, &cell_height);
	rows = rows < ROWS_MAX ? rows : ROWS_MAX;
	if (rows * cell_height > size.ws_col * cell_width)
		rows = size.ws_col * cell_width / cell_height;
	if (rows < ROWS_MIN)
		return NULL;
	struct preview *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	setlocale(LC_CTYPE, "");
	p->rows = rows;
	gchar **environment = g_get_environ();
	p->terminal = chafa_term_db_detect(chafa_term_db_get_default(), environment);
	g_strfreev(environment);
	p->config = chafa_canvas_config_new();
	ChafaSymbolMap *map = symbols();
	chafa_canvas_config_set_symbol_map(p->config, map);
	chafa_symbol_map_unref(map);
	chafa_canvas_config_set_geometry(p->config, rows * cell_height / cell_width, rows);
	chafa_canvas_config_set_cell_geometry(p->config, cell_width, cell_height);
	chafa_canvas_config_set_pixel_mode(p->config, pixel_mode(p->terminal));
	chafa_canvas_config_set_canvas_mode(p->config, colour_mode(p->terminal));
	return p;
}

void preview_destroy(struct preview *p)
{
	if (!p)
		return;
	chafa_canvas_config_unref(p->config);
	chafa_term_info_unref(p->terminal);
	free(p);
}

int preview_rows(const struct preview *p)
{
	return p->rows;
}

void preview_render(struct preview *p, const uint8_t *rgb, int width, int height, struct buf *out)
{
	ChafaCanvas *canvas = chafa_canvas_new(p->config);
	chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, width, height, width * 3);
	GString *text = chafa_canvas_print(canvas, p->terminal);
	buf_add(out, text->str, text->len);
	g_string_free(text, TRUE);
	chafa_canvas_unref(canvas);
}
