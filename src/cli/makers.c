/* Makes the makers. Main thread. */
#include "cli/makers.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/models.h"

static const char *const NAMES[] = {"builtin", "openai"};

/* `names` with commas between. */
static bool is_named(const char *names, const char *name)
{
	size_t length = strlen(name);
	for (const char *s = names; *s; s += strspn(s, ", ")) {
		size_t n = strcspn(s, ", ");
		if (n == length && !memcmp(s, name, n))
			return true;
		s += n;
	}
	return false;
}

static bool check_names(const char *names, struct err *e)
{
	for (const char *s = names + strspn(names, ", "); *s; s += strspn(s, ", ")) {
		size_t n = strcspn(s, ", ");
		bool known = false;
		for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
			known = known || (strlen(NAMES[i]) == n && !memcmp(NAMES[i], s, n));
		if (!known)
			return err_set(e, ERR_INVALID,
				       "--makers: there is no maker '%.*s' (builtin, openai)",
				       n > 40 ? 40 : (int)n, s);
		s += n;
	}
	return true;
}

static bool wanted(const struct config *c, const char *name)
{
	return !c->makers || !*c->makers || is_named(c->makers, name);
}

static struct maker *open_builtin(const struct config *c, const char *dir, struct err *e)
{
	enum engine_device device;
	if (!models_read_device(c->engine_device, &device, e)) {
		err_context(e, "--engine-device");
		return NULL;
	}
	return maker_builtin_create(
	    &(struct maker_builtin_options){.dir = dir,
					    .threads = (int)c->engine_threads,
					    .cuda = device == ENGINE_DEVICE_CUDA},
	    e);
}

static bool make_builtin(struct arena *a, const struct config *c, struct maker **out, struct err *e)
{
	const char *dir;
	struct err why = {0};
	*out = NULL;
	if (c->model && !strcmp(c->model, "none")) {
		log_info("makers.no_model", LOG_STR("why", "none is wanted"));
		return true;
	}
	if (cli_find_model(a, c->model, &dir, &why)) {
		*out = open_builtin(c, dir, e);
		return *out != NULL;
	}
	if (c->model) {
		*e = why;
		return false;
	}
	log_warn("makers.no_model", LOG_ERR(&why));
	return true;
}

bool cli_make_describer(struct arena *a, const struct config *c, struct maker *const *makers,
			size_t count, struct maker **describer, struct maker **own, struct err *e)
{
	const char *dir;
	*describer = *own = NULL;
	if (c->describe_model && !strcmp(c->describe_model, "none"))
		return true;
	if (!c->describe_model || !*c->describe_model) {
		for (size_t i = 0; i < count && !*describer; i++)
			if (maker_info(makers[i])->describes)
				*describer = makers[i];
		return true;
	}
	if (!cli_find_model(a, c->describe_model, &dir, e) || !(*own = open_builtin(c, dir, e)))
		return err_context(e, "--describe-model");
	if (!maker_info(*own)->describes)
		return err_set(
		    e, ERR_INVALID,
		    "--describe-model: '%.100s' cannot look at pictures: a Janus model can", dir);
	*describer = *own;
	return true;
}

bool cli_make_makers(struct arena *a, const struct config *c, struct maker *makers[CLI_MAKERS_MAX],
		     size_t *count, struct err *e)
{
	struct maker *m;
	*count = 0;
	if (c->makers && !check_names(c->makers, e))
		return false;
	if (wanted(c, "builtin")) {
		if (!make_builtin(a, c, &m, e))
			return false;
		if (m)
			makers[(*count)++] = m;
	}
	if (c->openai_url && *c->openai_url && wanted(c, "openai")) {
		const struct maker_openai_options o = {.base_url = c->openai_url,
						       .key = c->openai_key,
						       .model = c->openai_model,
						       .name = c->openai_name,
						       .width = (int)c->openai_width,
						       .height = (int)c->openai_height,
						       .edits = c->openai_edits,
						       .masks = c->openai_masks,
						       .images = (int)c->openai_images,
						       .timeout_s = (int)c->openai_timeout_s,
						       .jobs_max = (int)c->openai_jobs_max};
		if (!(m = maker_openai_create(&o, e)))
			return false;
		makers[(*count)++] = m;
	}
	return true;
}
