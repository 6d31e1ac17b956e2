/* Turns one upload into what is shown, with libvips. Runs in the media child only: one picture, then the
 * process ends, so what libvips keeps is not given back. */
#include "image/upload.h"

#include <string.h>
#include <vips/vips.h>

static const int64_t PIXELS_MAX = 50000000, MOVING_PIXELS_MAX = 25000000;

bool image_upload_init(struct err *e)
{
	/* Nothing goes through a temporary file: a phone's 48 megapixels would not fit into what may be written. The
	 * limit of memory holds instead. */
	g_setenv("VIPS_DISC_THRESHOLD", "2g", TRUE);
	if (VIPS_INIT("madang"))
		return err_set(e, ERR_INTERNAL, "the picture library cannot start");
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	/* Loads the coders' libraries now, while files can still be opened. */
	vips_block_untrusted_set(TRUE);
	return true;
}

/* Only words of credit stay: who made it, whose it is, what it shows. */
static void forget_metadata(VipsImage *im)
{
	static const char *const kept[] = {"exif-ifd0-Artist", "exif-ifd0-Copyright",
					   "exif-ifd0-ImageDescription", "icc-profile-data"};
	gchar **fields = vips_image_get_fields(im);
	for (int i = 0; fields && fields[i]; i++) {
		bool keep = !g_str_has_prefix(fields[i], "exif-") &&
			    strcmp(fields[i], "xmp-data") && strcmp(fields[i], "iptc-data") &&
			    strcmp(fields[i], "photoshop-data");
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
			keep = keep || !strcmp(fields[i], kept[k]);
		if (!keep)
			vips_image_remove(im, fields[i]);
	}
	g_strfreev(fields);
}

static bool broken(struct err *e)
{
	err_set(e, ERR_INVALID, "the picture cannot be read");
	err_detail(e, "%s", vips_error_buffer());
	vips_error_clear();
	return false;
}

static VipsImage *load(const void *bytes, size_t length, struct err *e)
{
	if (!image_known(bytes, length)) {
		err_set(e, ERR_INVALID, "no picture that we can read");
		return NULL;
	}
	VipsImage *im =
	    vips_image_new_from_buffer(bytes, length, "", "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
	if (!im) {
		broken(e);
		return NULL;
	}
	if ((int64_t)vips_image_get_width(im) * vips_image_get_height(im) > PIXELS_MAX) {
		err_set(e, ERR_TOO_LARGE, "too many pixels");
		return NULL;
	}
	return im;
}

static bool save(VipsImage *im, int quality, struct buf *out, struct err *e)
{
	void *bytes = NULL;
	size_t length = 0;
	if (vips_webpsave_buffer(im, &bytes, &length, "Q", quality, "effort", 3, NULL))
		return broken(e);
	buf_init(out, 64u << 20);
	buf_add(out, bytes, length);
	g_free(bytes);
	return !out->failed || err_set(e, ERR_TOO_LARGE, "the picture is too large");
}

static bool make_tiny(VipsImage *im, struct image_upload *out, struct err *e)
{
	VipsImage *small = NULL, *rgb = NULL, *flat = NULL;
	if (vips_thumbnail_image(im, &small, IMAGE_UPLOAD_TINY, "height", IMAGE_UPLOAD_TINY, "size",
				 VIPS_SIZE_BOTH, NULL) ||
	    vips_colourspace(small, &rgb, VIPS_INTERPRETATION_sRGB, NULL))
		return broken(e);
	if (vips_image_hasalpha(rgb)) {
		if (vips_flatten(rgb, &flat, NULL))
			return broken(e);
		rgb = flat;
	}
	VipsImage *bytes = NULL;
	if (vips_cast(rgb, &bytes, VIPS_FORMAT_UCHAR, NULL) || vips_image_get_bands(bytes) != 3)
		return broken(e);
	size_t length = 0;
	void *pixels = vips_image_write_to_memory(bytes, &length);
	if (!pixels || length > sizeof out->tiny)
		return broken(e);
	memcpy(out->tiny, pixels, length);
	out->tiny_width = vips_image_get_width(bytes);
	out->tiny_height = vips_image_get_height(bytes);
	g_free(pixels);
	return true;
}

static bool look_through(VipsImage *im, bool *transparent, struct err *e)
{
	VipsImage *plain = NULL, *band = NULL, *bytes = NULL;
	double least = 255;
	*transparent = false;
	if (!vips_image_hasalpha(im))
		return true;
	if (vips_colourspace(im, &plain, VIPS_INTERPRETATION_sRGB, NULL) ||
	    vips_extract_band(plain, &band, vips_image_get_bands(plain) - 1, NULL) ||
	    vips_cast(band, &bytes, VIPS_FORMAT_UCHAR, NULL) || vips_min(bytes, &least, NULL))
		return broken(e);
	*transparent = least < 255;
	return true;
}

/* All frames of a moving picture, one below the other; NULL where it stands still, or is too large to be kept
 * moving: then its first frame stands for it. */
static VipsImage *load_moving(const void *bytes, size_t length, VipsImage *first)
{
	int frames = vips_image_get_n_pages(first), width = vips_image_get_width(first),
	    height = vips_image_get_height(first);
	VipsImage *all = NULL, *clean = NULL;
	if (frames < 2 || (int64_t)width * height > MOVING_PIXELS_MAX / frames ||
	    width > IMAGE_UPLOAD_SIDE_MAX || height > IMAGE_UPLOAD_SIDE_MAX)
		return NULL;
	all = vips_image_new_from_buffer(bytes, length, "", "n", -1, "fail_on",
					 VIPS_FAIL_ON_TRUNCATED, NULL);
	if (!all || vips_copy(all, &clean, NULL)) {
		vips_error_clear();
		return NULL;
	}
	forget_metadata(clean);
	return clean;
}

bool image_upload_make(const void *bytes, size_t length, struct image_upload *out, struct err *e)
{
	VipsImage *im = load(bytes, length, e), *upright = NULL, *fitted = NULL, *copy = NULL,
		  *thumb = NULL;
	if (!im)
		return false;
	if (vips_autorot(im, &upright, NULL))
		return broken(e);
	int side = vips_image_get_width(upright) > vips_image_get_height(upright)
		       ? vips_image_get_width(upright)
		       : vips_image_get_height(upright);
	fitted = upright;
	if (side > IMAGE_UPLOAD_SIDE_MAX &&
	    vips_resize(upright, &fitted, (double)IMAGE_UPLOAD_SIDE_MAX / side, NULL))
		return broken(e);
	if (!(copy = vips_image_copy_memory(fitted)))
		return broken(e);
	VipsImage *clean = NULL;
	if (vips_copy(copy, &clean, NULL))
		return broken(e);
	forget_metadata(clean);
	VipsImage *moving = load_moving(bytes, length, im);
	if (vips_thumbnail_image(clean, &thumb, IMAGE_UPLOAD_THUMBNAIL, "height",
				 IMAGE_UPLOAD_THUMBNAIL, "size", VIPS_SIZE_DOWN, NULL))
		return broken(e);
	out->width = vips_image_get_width(clean);
	out->height = vips_image_get_height(clean);
	out->thumbnail_width = vips_image_get_width(thumb);
	out->thumbnail_height = vips_image_get_height(thumb);
	return save(moving ? moving : clean, 88, &out->picture, e) &&
	       save(thumb, 80, &out->thumbnail, e) && make_tiny(clean, out, e) &&
	       look_through(clean, &out->transparent, e);
}
