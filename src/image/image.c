/* Owns libvips' start and end. vips computes lazily: opening a picture reads its header only, so limits
 * are checked before a pixel is decoded. Any thread; each call holds its own images. */
#include "image/image.h"

#include <string.h>

#include <vips/vips.h>

#include "base/str.h"
#include "image/origin.h"

#define BYTES_MAX     ((size_t)32 << 20)
#define PIXELS_MAX    50000000
#define SIDE_MAX      16384
#define XMP_BYTES_MAX (64u << 10)
#define JPEG_QUALITY  92
#define WEBP_QUALITY  90

/* vips warns on stderr about what a call then fails with, too. */
static void drop_warning(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
	(void)domain;
	(void)level;
	(void)message;
	(void)data;
}

bool image_init(struct err *e)
{
	if (VIPS_INIT("madang"))
		return err_set(e, ERR_INTERNAL, "the picture library does not start");
	g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, drop_warning, NULL);
	vips_block_untrusted_set(TRUE);
	vips_cache_set_max(0);   /* pictures are seldom the same twice */
	vips_concurrency_set(1); /* parallel over pictures, not within one */
	return true;
}

void image_finish(void)
{
	vips_shutdown();
}

enum image_format image_format_of(const char *path)
{
	static const struct {
		const char *extension;
		enum image_format format;
	} known[] = {{"png", IMAGE_FORMAT_PNG},
		     {"jpg", IMAGE_FORMAT_JPEG},
		     {"jpeg", IMAGE_FORMAT_JPEG},
		     {"webp", IMAGE_FORMAT_WEBP}};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
		if (str_equal_nocase(dot + 1, known[i].extension))
			return known[i].format;
	return IMAGE_FORMAT_NONE;
}

const char *image_format_mime(enum image_format format)
{
	static const char *const names[] = {"application/octet-stream", "image/png", "image/jpeg",
					    "image/webp"};
	return names[format];
}

static bool fail(struct err *e, enum err_code code, const char *message)
{
	char *lines = vips_error_buffer_copy(); /* and clears it */
	err_set(e, code, "%s", message);
	err_detail(e, "vips: %s", g_strdelimit(g_strchomp(lines), "\n", ';'));
	g_free(lines);
	return false;
}

/* One step of a chain: where it worked (rc is 0), *next takes the place of *image. */
static bool step(VipsImage **image, int rc, VipsImage *const *next)
{
	if (rc)
		return false;
	g_object_unref(*image);
	*image = *next;
	return true;
}

/* Upright, sRGB, 8 bits, no transparency. */
static bool normalize(VipsImage **image)
{
	VipsImage *next = NULL;
	if (!step(image, vips_autorot(*image, &next, NULL), &next))
		return false;
	if (vips_image_get_typeof(*image, VIPS_META_ICC_NAME) &&
	    vips_icc_transform(*image, &next, "srgb", "embedded", TRUE, NULL) == 0) {
		g_object_unref(*image);
		*image = next;
	}
	vips_error_clear(); /* a broken profile is left aside: the picture itself may be good */
	if (!step(image, vips_colourspace(*image, &next, VIPS_INTERPRETATION_sRGB, NULL), &next))
		return false;
	if (vips_image_hasalpha(*image)) {
		VipsArrayDouble *white = vips_array_double_newv(3, 255.0, 255.0, 255.0);
		int rc = vips_flatten(*image, &next, "background", white, NULL);
		vips_area_unref(VIPS_AREA(white));
		if (!step(image, rc, &next))
			return false;
	}
	return step(image, vips_cast_uchar(*image, &next, NULL), &next);
}

/* Computes the pipeline and copies its pixels to the arena. */
static bool compute(struct arena *a, VipsImage *image, struct image *out, struct err *e)
{
	if (image->Bands != 3 || image->BandFmt != VIPS_FORMAT_UCHAR)
		return err_set(e, ERR_INVALID,
			       "the picture's colours are of a kind that can't be read");
	size_t size = 0;
	void *pixels = vips_image_write_to_memory(image, &size);
	if (!pixels)
		return fail(e, ERR_INVALID, "the picture is damaged");
	uint8_t *rgb = arena_try(a, size, 1);
	if (rgb)
		memcpy(rgb, pixels, size);
	g_free(pixels);
	if (!rgb)
		return err_set(e, ERR_TOO_LARGE, "the picture does not fit in memory");
	*out = (struct image){.width = image->Xsize, .height = image->Ysize, .rgb = rgb};
	return true;
}

bool image_known(const void *bytes, size_t length)
{
	static const char *const loaders[] = {
	    "VipsForeignLoadPngBuffer", "VipsForeignLoadJpegBuffer", "VipsForeignLoadWebpBuffer",
	    "VipsForeignLoadNsgifBuffer"};
	const char *loader = vips_foreign_find_load_buffer(bytes, length);
	bool known = false;
	for (size_t i = 0; loader && i < sizeof loaders / sizeof *loaders; i++)
		known = known || strcmp(loader, loaders[i]) == 0;
	return known;
}

static VipsImage *open_bytes(const void *bytes, size_t length, struct err *e)
{
	if (!image_known(bytes, length)) {
		fail(e, ERR_INVALID, "not a PNG, JPEG, WebP or GIF picture");
		return NULL;
	}
	VipsImage *image =
	    vips_image_new_from_buffer(bytes, length, "", "access", VIPS_ACCESS_RANDOM, "fail_on",
				       VIPS_FAIL_ON_TRUNCATED, NULL);
	if (!image)
		fail(e, ERR_INVALID, "the picture is damaged");
	return image;
}

bool image_decode(struct arena *a, const void *bytes, size_t length,
		  const struct image_decode_options *options, struct image *out, struct err *e)
{
	struct image_decode_options o = options ? *options : (struct image_decode_options){0};
	size_t bytes_max = o.bytes_max ? o.bytes_max : BYTES_MAX;
	int64_t pixels_max = o.pixels_max ? o.pixels_max : PIXELS_MAX;
	bool done = false;
	if (length > bytes_max)
		return err_set(e, ERR_TOO_LARGE, "the picture's file is over %zu bytes", bytes_max);
	VipsImage *image = open_bytes(bytes, length, e), *square = NULL;
	if (!image)
		return false;
	if ((int64_t)image->Xsize * image->Ysize > pixels_max)
		err_set(e, ERR_TOO_LARGE,
			"the picture is %d x %d pixels; at most %lld in all are read", image->Xsize,
			image->Ysize, (long long)pixels_max);
	else if (!normalize(&image))
		fail(e, ERR_INVALID, "the picture is damaged");
	else if (o.square > 0 &&
		 !step(&image,
		       vips_thumbnail_image(image, &square, o.square, "height", o.square, "crop",
					    VIPS_INTERESTING_CENTRE, NULL),
		       &square))
		fail(e, ERR_INVALID, "the picture is damaged");
	else
		done = compute(a, image, out, e);
	g_object_unref(image);
	return done;
}

/* Borrows the pixels: the image must be gone before them. */
static VipsImage *wrap(const struct image *in)
{
	size_t size = (size_t)in->width * (size_t)in->height * 3;
	VipsImage *image =
	    vips_image_new_from_memory(in->rgb, size, in->width, in->height, 3, VIPS_FORMAT_UCHAR);
	if (image)
		image->Type = VIPS_INTERPRETATION_sRGB;
	return image;
}

bool image_resize(struct arena *a, const struct image *in, int width, int height, bool sharp,
		  struct image *out, struct err *e)
{
	if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX)
		return err_set(e, ERR_INVALID, "a picture's side must be 1 to %d pixels", SIDE_MAX);
	VipsImage *image = wrap(in), *next = NULL;
	bool done = false, blocks = sharp && width % in->width == 0 && height % in->height == 0;
	if (!image)
		return fail(e, ERR_NO_MEMORY, "no memory for the picture");
	int rc =
	    blocks ? vips_zoom(image, &next, width / in->width, height / in->height, NULL)
		   : vips_resize(image, &next, (double)width / in->width, "vscale",
				 (double)height / in->height, "kernel", VIPS_KERNEL_LANCZOS3, NULL);
	if (!step(&image, rc, &next))
		fail(e, ERR_INTERNAL, "the picture can't be resized");
	else
		done = compute(a, image, out, e);
	g_object_unref(image);
	return done;
}

/* A copy of `image` that carries the XMP packet; vips' images are shared, so the original must not. */
static VipsImage *with_xmp(VipsImage *image, const struct image_origin *origin)
{
	VipsImage *copy = NULL;
	struct buf xmp;
	buf_init(&xmp, XMP_BYTES_MAX);
	origin_xmp(origin, &xmp);
	if (vips_copy(image, &copy, NULL) == 0 && !xmp.failed)
		vips_image_set_blob_copy(copy, VIPS_META_XMP_NAME, xmp.data, xmp.length);
	buf_finish(&xmp);
	return copy;
}

bool image_encode(const struct image *in, enum image_format format,
		  const struct image_origin *origin, struct buf *out, struct err *e)
{
	return image_encode_at(in, format, 0, origin, out, e);
}

bool image_encode_at(const struct image *in, enum image_format format, int quality,
		     const struct image_origin *origin, struct buf *out, struct err *e)
{
	void *bytes = NULL;
	size_t length = 0;
	int rc = -1;
	VipsImage *plain = wrap(in), *image = NULL;
	if (plain)
		image = origin ? with_xmp(plain, origin) : g_object_ref(plain);
	if (!image) {
		g_clear_object(&plain);
		return fail(e, ERR_NO_MEMORY, "no memory for the picture");
	}
	if (format == IMAGE_FORMAT_PNG)
		rc = vips_pngsave_buffer(plain, &bytes, &length, "compression", 6, NULL);
	else if (format == IMAGE_FORMAT_JPEG)
		rc = vips_jpegsave_buffer(image, &bytes, &length, "Q",
					  quality ? quality : JPEG_QUALITY, "subsample_mode",
					  VIPS_FOREIGN_SUBSAMPLE_OFF, NULL);
	else if (format == IMAGE_FORMAT_WEBP)
		rc = vips_webpsave_buffer(image, &bytes, &length, "Q",
					  quality ? quality : WEBP_QUALITY, "smart_subsample", TRUE,
					  NULL);
	g_object_unref(image);
	g_object_unref(plain);
	if (rc)
		return fail(e, ERR_INTERNAL, "the picture can't be encoded");
	if (format == IMAGE_FORMAT_PNG && origin)
		origin_png(origin, bytes, length, out);
	else
		buf_add(out, bytes, length);
	g_free(bytes);
	return out->failed ? err_set(e, ERR_TOO_LARGE, "the picture's file is too large") : true;
}

static VipsImage *alpha_of(VipsImage *image)
{
	VipsImage *upright = NULL, *plain = NULL, *last = NULL;
	/* 16 bits become 8 on the way. */
	if (vips_autorot(image, &upright, NULL) == 0 &&
	    vips_colourspace(upright, &plain, VIPS_INTERPRETATION_sRGB, NULL) == 0) {
		VipsImage *band = NULL;
		if (vips_extract_band(plain, &band, plain->Bands - 1, NULL) == 0 &&
		    vips_cast_uchar(band, &last, NULL) != 0)
			last = NULL;
		g_clear_object(&band);
	}
	g_clear_object(&plain);
	g_clear_object(&upright);
	return last;
}

static bool copy_alpha(struct arena *a, VipsImage *band, struct image_alpha *out, struct err *e)
{
	size_t size = 0;
	void *bytes = vips_image_write_to_memory(band, &size);
	if (!bytes)
		return fail(e, ERR_INVALID, "the picture is damaged");
	uint8_t *alpha = arena_try(a, size, 1);
	if (alpha)
		memcpy(alpha, bytes, size);
	g_free(bytes);
	*out = (struct image_alpha){.width = band->Xsize, .height = band->Ysize, .alpha = alpha};
	return alpha || err_set(e, ERR_TOO_LARGE, "the picture does not fit in memory");
}

bool image_decode_alpha(struct arena *a, const void *bytes, size_t length, struct image_alpha *out,
			struct err *e)
{
	if (length > BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "the picture's file is over %zu bytes", BYTES_MAX);
	VipsImage *image = open_bytes(bytes, length, e);
	if (!image)
		return false;
	bool done = false;
	if ((int64_t)image->Xsize * image->Ysize > PIXELS_MAX) {
		err_set(e, ERR_TOO_LARGE, "the picture has too many pixels");
	} else if (vips_image_hasalpha(image)) {
		VipsImage *band = alpha_of(image);
		done = band ? copy_alpha(a, band, out, e)
			    : fail(e, ERR_INVALID, "the picture is damaged");
		g_clear_object(&band);
	} else {
		size_t size = (size_t)image->Xsize * (size_t)image->Ysize;
		uint8_t *alpha = arena_try(a, size, 1);
		if (alpha)
			memset(alpha, 255, size);
		*out = (struct image_alpha){
		    .width = image->Xsize, .height = image->Ysize, .alpha = alpha};
		done = alpha || err_set(e, ERR_TOO_LARGE, "the picture does not fit in memory");
	}
	g_object_unref(image);
	return done;
}

bool image_encode_alpha(const struct image_alpha *in, struct buf *out, struct err *e)
{
	size_t pixels = (size_t)in->width * (size_t)in->height, length = 0;
	void *bytes = NULL;
	uint8_t *rgba = malloc(pixels * 4);
	if (!rgba)
		return fail(e, ERR_NO_MEMORY, "no memory for the picture");
	memset(rgba, 255, pixels * 4);
	for (size_t i = 0; i < pixels; i++)
		rgba[i * 4 + 3] = in->alpha[i];
	VipsImage *image = vips_image_new_from_memory(rgba, pixels * 4, in->width, in->height, 4,
						      VIPS_FORMAT_UCHAR);
	bool ok = image && vips_pngsave_buffer(image, &bytes, &length, NULL) == 0;
	if (ok)
		buf_add(out, bytes, length);
	g_free(bytes);
	g_clear_object(&image);
	free(rgba);
	if (!ok)
		return fail(e, ERR_INTERNAL, "the picture can't be encoded");
	return out->failed ? err_set(e, ERR_TOO_LARGE, "the picture's file is too large") : true;
}

bool image_encode_mask(int width, int height, const double hole[4], struct buf *out, struct err *e)
{
	int left = (int)(hole[0] * width + 0.5), top = (int)(hole[1] * height + 0.5);
	int right = (int)((hole[0] + hole[2]) * width + 0.5);
	int bottom = (int)((hole[1] + hole[3]) * height + 0.5);
	uint8_t *alpha = malloc((size_t)width * (size_t)height);
	if (!alpha)
		return fail(e, ERR_NO_MEMORY, "no memory for the picture");
	memset(alpha, 255, (size_t)width * (size_t)height);
	for (int y = top < 0 ? 0 : top; y < bottom && y < height; y++)
		for (int x = left < 0 ? 0 : left; x < right && x < width; x++)
			alpha[(size_t)y * (size_t)width + (size_t)x] = 0;
	const struct image_alpha in = {.width = width, .height = height, .alpha = alpha};
	bool ok = image_encode_alpha(&in, out, e);
	free(alpha);
	return ok;
}
