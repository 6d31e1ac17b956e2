/* The built front end, read into memory once: with its types, its ETags and gzip copies. */
#ifndef MADANG_HTTP_FILES_H
#define MADANG_HTTP_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct files;

struct files_entry {
	const char *path; /* "/assets/index-4f1c.js" */
	const char *content_type;
	const char *etag;
	const char *bytes, *gzip; /* gzip NULL: not worth it */
	size_t length, gzip_length;
	bool immutable; /* its name changes with its content */
};

/* At most 4,096 files and 128 MiB. A folder that is missing is an empty one. */
struct files *files_load(const char *dir, struct err *e);
void files_destroy(struct files *f);                                           /* NULL-safe */
const struct files_entry *files_find(const struct files *f, const char *path); /* NULL: none */

/* "image/webp" for "a.webp"; "application/octet-stream" where it is not known. */
const char *files_content_type(const char *path);

#endif
