/* The folder of named models. Owns what lies in it: links that `add` made and folders that `add --quant` or
 * nobody else filled. Main thread. What must stay true: a name is a plain word, so no path leads out of the
 * folder; nothing outside of it is ever removed. */
#include "cli/models.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/quantize.h"
#include "json/write.h"

#define NAME_BYTES_MAX 64
#define SIDE_BYTES_MAX ((size_t)64 << 20) /* a tokenizer.json has some megabytes */
#define MODELS_MAX     1000

bool models_read_quant(const char *name, enum engine_quant *quant, struct err *e)
{
	static const char *const NAMES[] = {[ENGINE_QUANT_FILE] = "file",
					    [ENGINE_QUANT_F32] = "f32",
					    [ENGINE_QUANT_BF16] = "bf16",
					    [ENGINE_QUANT_INT8] = "int8",
					    [ENGINE_QUANT_INT4] = "int4"};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (strcmp(name, NAMES[i]) == 0) {
			*quant = (enum engine_quant)i;
			return true;
		}
	return err_set(e, ERR_INVALID, "--quant: '%.40s' is not file, f32, bf16, int8 or int4",
		       name);
}

bool models_read_device(const char *name, enum engine_device *device, struct err *e)
{
	bool cuda = strcmp(name, "cuda") == 0;
	if (!cuda && strcmp(name, "cpu") != 0)
		return err_set(e, ERR_INVALID, "device: '%.40s' is not cpu or cuda", name);
	*device = cuda ? ENGINE_DEVICE_CUDA : ENGINE_DEVICE_CPU;
	return true;
}

static const char *folder(struct arena *a)
{
	const char *models = getenv("MADANG_MODELS"), *data = getenv("XDG_DATA_HOME"),
		   *home = getenv("HOME");
	if (models && *models)
		return models;
	if (data && *data == '/')
		return arena_printf(a, "%s/madang/models", data);
	return home && *home == '/' ? arena_printf(a, "%s/.local/share/madang/models", home) : NULL;
}

static bool is_name(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n > NAME_BYTES_MAX || *name == '.' || *name == '-')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

const char *models_path(struct arena *a, const char *name)
{
	const char *models = folder(a);
	return models && is_name(name) ? arena_printf(a, "%s/%s", models, name) : NULL;
}

/* NULL and *e where there is none. */
static const char *path_for(struct arena *a, const char *name, struct err *e)
{
	const char *path = models_path(a, name);
	if (!is_name(name))
		err_set(e, ERR_INVALID,
			"'%.60s' is no name for a model: small letters, digits, '.', '_' and "
			"'-', at most %d",
			name, NAME_BYTES_MAX);
	else if (!path)
		err_set(e, ERR_NOT_FOUND,
			"there is no folder for models: set HOME or MADANG_MODELS");
	return path;
}

/* "Janus-Pro 1B" gives "janus-pro-1b". */
static const char *name_of(struct arena *a, const char *dir)
{
	const char *slash = strrchr(dir, '/');
	char *name = arena_strdup(a, slash ? slash + 1 : dir);
	for (char *c = name; *c; c++) {
		*c = str_lower(*c);
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *c))
			*c = '-';
	}
	return name;
}

static bool make_folders(struct arena *a, const char *path, struct err *e)
{
	char *part = arena_strdup(a, path);
	for (char *c = part + 1;; c++) {
		if (*c && *c != '/')
			continue;
		char was = *c;
		*c = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST)
			return err_set(e, ERR_IO, "can't make the folder %s: %s", part,
				       strerror(errno));
		*c = was;
		if (!was)
			return true;
	}
}

static bool is_side_file(const char *name)
{
	static const char *const WEIGHTS[] = {".safetensors", ".index.json", ".bin",
					      ".pt",          ".pth",        ".gguf"};
	if (strcmp(name, "memory.safetensors") == 0)
		return true;
	for (size_t i = 0; i < sizeof WEIGHTS / sizeof *WEIGHTS; i++)
		if (str_ends(name, WEIGHTS[i]))
			return false;
	return *name != '.';
}

/* Everything beside the weights: the configuration, the tokenizer, the card, the licence. */
static bool copy_side_files(struct arena *a, const char *dir, const char *to, struct err *e)
{
	DIR *d = opendir(dir);
	bool ok = true;
	if (!d)
		return err_set(e, ERR_IO, "can't read %s: %s", dir, strerror(errno));
	for (struct dirent *entry; ok && (entry = readdir(d));) {
		struct arena *one = arena_create(SIDE_BYTES_MAX + (1u << 20));
		const char *from = arena_printf(a, "%s/%s", dir, entry->d_name);
		struct file_bytes bytes;
		struct stat st;
		if (is_side_file(entry->d_name) && stat(from, &st) == 0 && S_ISREG(st.st_mode) &&
		    (size_t)st.st_size <= SIDE_BYTES_MAX)
			ok = file_read(one, from, SIDE_BYTES_MAX, &bytes, e) &&
			     file_write(arena_printf(a, "%s/%s", to, entry->d_name), bytes.data,
					bytes.length, e);
		arena_destroy(one);
	}
	closedir(d);
	return ok;
}

/* A folder that holds files only. */
MUST_CHECK static bool remove_folder(struct arena *a, const char *path, struct err *e)
{
	DIR *d = opendir(path);
	bool ok = d != NULL;
	for (struct dirent *entry; ok && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ok = unlink(arena_printf(a, "%s/%s", path, entry->d_name)) == 0;
	if (ok)
		ok = rmdir(path) == 0;
	int number = errno;
	if (d)
		closedir(d);
	return ok || err_set(e, ERR_IO, "can't remove %s: %s", path, strerror(number));
}

static void show_share(void *context, double share)
{
	(void)context;
	fprintf(stderr, "\r%3.0f %%%s", 100 * share, share >= 0.99999 ? "\r     \r" : "");
}

/* The template of a temporary folder in the same place. */
static char *beside(struct arena *a, const char *path)
{
	size_t length = strlen(path), name;
	char *made = arena_alloc(a, length + sizeof "..XXXXXX");
	while (length > 1 && path[length - 1] == '/')
		length--;
	for (name = length; name > 0 && path[name - 1] != '/'; name--)
		;
	memcpy(made, path, name);
	made[name] = '.';
	memcpy(made + name + 1, path + name, length - name);
	memcpy(made + length + 1, ".XXXXXX", sizeof ".XXXXXX");
	return made;
}

bool models_quantize(struct arena *a, const char *dir, const char *to, enum engine_quant quant,
		     struct err *e)
{
	struct err ignored;
	struct stat st;
	char *made = beside(a, to);
	if (lstat(to, &st) == 0)
		return err_set(e, ERR_INVALID, "%.150s is there already", to);
	if (!mkdtemp(made) || chmod(made, 0755) < 0)
		return err_set(e, ERR_IO, "can't make a folder beside %.150s: %s", to,
			       strerror(errno));
	struct engine_quantize q = {.dir = dir,
				    .file = arena_printf(a, "%s/model.safetensors", made),
				    .quant = quant,
				    .progress = isatty(2) ? show_share : NULL};
	if (copy_side_files(a, dir, made, e) && engine_quantize(&q, e)) {
		if (rename(made, to) == 0)
			return true;
		err_set(e, ERR_IO, "can't make %.150s: %s", to, strerror(errno));
	}
	if (!remove_folder(a, made, &ignored))
		fprintf(stderr, "madang: %s\n", ignored.message);
	return false;
}

static void put_abilities(const struct engine_info *i, struct buf *out)
{
	buf_printf(out, "%s, %.2f thousand million weights, %d x %d pixels:", i->family,
		   (double)i->parameters / 1e9, i->width, i->height);
	buf_printf(out, "%s%s%s\n", i->can_draw_text ? " draws from text" : " draws classes",
		   i->can_encode ? ", varies" : "", i->can_describe ? ", describes" : "");
}

bool models_add(struct arena *a, const char *dir, const char *name, enum engine_quant quant,
		struct buf *out, struct err *e)
{
	char real[PATH_MAX];
	struct engine_info info;
	struct stat st;

	if (quant != ENGINE_QUANT_FILE && quant != ENGINE_QUANT_INT8 && quant != ENGINE_QUANT_INT4)
		return err_set(e, ERR_INVALID, "a model is kept as it is, in int8 or in int4");
	if (!realpath(dir, real))
		return err_set(e, ERR_NOT_FOUND, "can't find %.100s: %s", dir, strerror(errno));
	const char *path = path_for(a, name ? name : name_of(a, real), e);
	if (!path)
		return false;
	if (lstat(path, &st) == 0)
		return err_set(e, ERR_INVALID,
			       "there is a model of that name: `madang model remove %s` first",
			       strrchr(path, '/') + 1);
	if (!engine_check(real, &info, e) || !make_folders(a, folder(a), e))
		return false;
	if (quant != ENGINE_QUANT_FILE) {
		if (!models_quantize(a, real, path, quant, e))
			return false;
	} else if (symlink(real, path) < 0) {
		return err_set(e, ERR_IO, "can't link %s: %s", path, strerror(errno));
	}
	buf_printf(out, "%s  ", strrchr(path, '/') + 1);
	put_abilities(&info, out);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool models_list(struct arena *a, bool json, struct buf *out, struct err *e)
{
	const char *models = folder(a), *names[MODELS_MAX];
	DIR *d = models ? opendir(models) : NULL;
	size_t count = 0;
	struct json_writer w;

	for (struct dirent *entry; d && count < MODELS_MAX && (entry = readdir(d));)
		if (is_name(entry->d_name))
			names[count++] = arena_strdup(a, entry->d_name);
	if (d)
		closedir(d);
	qsort(names, count, sizeof *names, compare_names);
	json_begin(&w, out);
	if (json)
		json_put_array(&w, NULL);
	for (size_t i = 0; i < count; i++) {
		char real[PATH_MAX];
		const char *at = realpath(arena_printf(a, "%s/%s", models, names[i]), real);
		if (!json) {
			buf_printf(out, "%-24s %s\n", names[i], at ? at : "(its folder is gone)");
			continue;
		}
		json_put_object(&w, NULL);
		json_put_str(&w, "name", names[i]);
		json_put_str(&w, "folder", at);
		json_put_end(&w);
	}
	if (!json)
		return true;
	json_put_end(&w);
	buf_add_char(out, '\n');
	return json_finish(&w, e);
}

bool models_remove(struct arena *a, const char *name, struct buf *out, struct err *e)
{
	const char *path = path_for(a, name, e);
	struct stat st;
	if (!path)
		return false;
	if (lstat(path, &st) < 0)
		return err_set(e, ERR_NOT_FOUND, "there is no model '%s'", name);
	if (S_ISDIR(st.st_mode)) {
		if (!remove_folder(a, path, e))
			return false;
		buf_printf(out, "%s is removed, and its files\n", name);
		return true;
	}
	if (unlink(path) < 0)
		return err_set(e, ERR_IO, "can't remove %s: %s", path, strerror(errno));
	buf_printf(out, "%s is removed; its files are still where they were\n", name);
	return true;
}
