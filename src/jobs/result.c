/* Turns finished pixels into objects: WebP with the origin inside, a thumbnail where it pays, the tokens for
 * remixing, a BlurHash. Runs on the drawing thread. */
#include <stdio.h>
#include <string.h>

#include "image/blurhash.h"
#include "jobs/parts.h"

enum { THUMBNAIL_SIDE = 480, TINY_SIDE = 32, FILE_MAX_BYTES = 64 << 20 };

static bool put_image(struct media_store *media, const struct image *image,
		      const struct image_origin *origin, const char **hash, int64_t *size,
		      struct arena *a, struct err *e)
{
	struct buf file;
	char text[MEDIA_HASH_SIZE];
	buf_init(&file, FILE_MAX_BYTES);
	bool ok = image_encode(image, IMAGE_FORMAT_WEBP, origin, &file, e) &&
		  media_put(media, file.data, file.length, text, e);
	if (ok) {
		*hash = arena_strdup(a, text);
		*size = (int64_t)file.length;
	}
	buf_finish(&file);
	return ok;
}

static void fit(const struct image *in, int side, int *width, int *height)
{
	int longest = in->width > in->height ? in->width : in->height;
	*width = longest <= side ? in->width : in->width * side / longest;
	*height = longest <= side ? in->height : in->height * side / longest;
	*width = *width < 1 ? 1 : *width;
	*height = *height < 1 ? 1 : *height;
}

static bool store_one(struct media_store *media, struct arena *a, const struct store_job *job,
		      const struct maker_info *info, const struct maker_picture *p,
		      struct store_media *out, struct err *e)
{
	char seed[24] = "", text[MEDIA_HASH_SIZE];
	struct image small;
	int width, height;
	int64_t size;
	if (p->has_seed)
		snprintf(seed, sizeof seed, "%llu", (unsigned long long)p->seed);
	const struct image_origin origin = {
	    .style = job->style, .model = info->model, .seed = p->has_seed ? seed : NULL};
	*out = (struct store_media){.type = "image/webp",
				    .width = p->image.width,
				    .height = p->image.height,
				    .has_seed = p->has_seed,
				    .seed = (int64_t)p->seed};
	if (!put_image(media, &p->image, &origin, &out->hash, &out->size_bytes, a, e))
		return false;
	fit(&p->image, THUMBNAIL_SIDE, &width, &height);
	if (width != p->image.width) {
		if (!image_resize(a, &p->image, width, height, false, &small, e) ||
		    !put_image(media, &small, NULL, &out->thumbnail_hash, &size, a, e))
			return false;
		out->thumbnail_type = "image/webp";
		out->thumbnail_width = width;
		out->thumbnail_height = height;
	}
	fit(&p->image, TINY_SIDE, &width, &height);
	if (!image_resize(a, &p->image, width, height, false, &small, e))
		return false;
	char *blurhash = arena_alloc(a, BLURHASH_SIZE);
	blurhash_make(small.rgb, small.width, small.height, blurhash);
	out->blurhash = blurhash;
	if (p->token_count) {
		if (!media_put(media, p->tokens, p->token_count * sizeof *p->tokens, text, e))
			return false;
		out->tokens_hash = arena_strdup(a, text);
	}
	return true;
}

bool result_store(struct media_store *media, struct arena *a, const struct store_job *job,
		  const struct maker_info *info, const struct maker_picture *pictures, int count,
		  struct store_media *out, struct err *e)
{
	for (int i = 0; i < count; i++)
		if (!store_one(media, a, job, info, &pictures[i], &out[i], e))
			return false;
	return true;
}
