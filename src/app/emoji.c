/* The server's own emojis. Owns a copy of them in memory, under a lock, so that showing a text asks the database
 * nothing; it is read again when anything says that it may have changed, and every ten seconds. Any thread. What
 * must stay true: every change stands in the audit log, in the same transaction. */
#include "app/emoji.h"

#include "app/private.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "store/announcement.h"
#include "store/setting.h"

#include <stdlib.h>
#include <string.h>

enum { CATEGORY_MAX_CHARACTERS = 50, COPY_BYTES_MAX = 8 << 20, AGE_MS_MAX = 10000 };

/* --- the copy --- */

struct app_emojis {
	pthread_mutex_t lock;
	struct arena *arena;
	struct store_emoji *items; /* by shortcode */
	size_t count;
	uint64_t seen;
	int64_t read_at; /* 0: never */
};

struct app_emojis *app_emojis_create(void)
{
	struct app_emojis *c = calloc(1, sizeof(*c));
	if (!c)
		abort(); /* small allocations abort */
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void app_emojis_destroy(struct app_emojis *c)
{
	if (!c)
		return;
	arena_destroy(c->arena);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int by_shortcode(const void *a, const void *b)
{
	return strcmp(((const struct store_emoji *)a)->shortcode,
		      ((const struct store_emoji *)b)->shortcode);
}

/* Called with the lock. What cannot be read stays as it was until the next try. */
static void refresh(struct app *app, struct app_emojis *c)
{
	struct err e = {0};
	int64_t now = clock_house_ms();
	if (c->read_at && now - c->read_at < AGE_MS_MAX && now >= c->read_at &&
	    db_unchanged(app->core->pool, c->seen, NULL, 0))
		return;
	uint64_t seen = db_seen(app->core->pool);
	struct arena *arena = arena_create(COPY_BYTES_MAX);
	struct store_emoji *items = ARENA_ARRAY(arena, struct store_emoji, APP_EMOJIS_MAX);
	size_t count = 0;
	c->seen = seen;
	c->read_at = now;
	if (!items || !store_emoji_all(app->db, arena, items, APP_EMOJIS_MAX, &count, &e)) {
		log_warn("emojis.unread", LOG_ERR(&e));
		arena_destroy(arena);
		return;
	}
	qsort(items, count, sizeof(*items), by_shortcode);
	arena_destroy(c->arena);
	c->arena = arena;
	c->items = items;
	c->count = count;
}

static bool is_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* The next :shortcode: at or behind s; NULL: none. As Mastodon has it, no letter or colon touches it. */
static const char *next_shortcode(const char *text, const char *s, size_t *length)
{
	while ((s = strchr(s, ':'))) {
		size_t n = 0;
		while (is_letter(s[1 + n]))
			n++;
		char before = s > text ? s[-1] : ' ', after = n ? s[1 + n] : '\0';
		bool closed = after == ':' && n >= 2 && n <= APP_EMOJI_SHORTCODE_MAX;
		if (closed && !(is_letter(before) && before != '_') && before != ':' &&
		    !(is_letter(s[2 + n]) && s[2 + n] != '_') && s[2 + n] != ':') {
			*length = n;
			return s + 1;
		}
		s += n ? 1 + n : 1; /* a closing colon may open the next one */
	}
	return NULL;
}

static const struct store_emoji *find(const struct app_emojis *c, const char *name, size_t length)
{
	char key[APP_EMOJI_SHORTCODE_MAX + 1];
	memcpy(key, name, length);
	key[length] = '\0';
	const struct store_emoji wanted = {.shortcode = key};
	return c->count ? bsearch(&wanted, c->items, c->count, sizeof(*c->items), by_shortcode)
			: NULL;
}

static struct store_emoji copy_of(struct arena *arena, const struct store_emoji *m)
{
	struct store_emoji copy = *m;
	copy.shortcode = arena_strdup(arena, m->shortcode);
	copy.category = arena_strdup(arena, m->category);
	copy.hash = arena_strdup(arena, m->hash);
	copy.type = arena_strdup(arena, m->type);
	copy.static_hash = arena_strdup(arena, m->static_hash);
	copy.static_type = arena_strdup(arena, m->static_type);
	return copy;
}

size_t app_emojis_in(struct app *app, const char *const *texts, size_t text_count,
		     struct store_emoji *out, size_t room)
{
	struct app_emojis *c = app->core->emojis;
	size_t count = 0, length;
	bool locked = false;
	for (size_t t = 0; t < text_count; t++) {
		const char *text = texts[t] ? texts[t] : "", *s = text;
		for (; count < room && (s = next_shortcode(text, s, &length)); s += length + 1) {
			if (!locked) {
				pthread_mutex_lock(&c->lock);
				refresh(app, c);
				locked = true;
			}
			const struct store_emoji *m = find(c, s, length);
			bool there = false;
			for (size_t i = 0; m && i < count && !there; i++)
				there = out[i].id == m->id;
			if (m && !there)
				out[count++] = copy_of(app->arena, m);
		}
	}
	if (locked)
		pthread_mutex_unlock(&c->lock);
	return count;
}

bool app_emoji_all(struct app *app, struct store_emoji **out, size_t *count, struct err *e)
{
	*out = ARENA_ARRAY(app->arena, struct store_emoji, APP_EMOJIS_MAX);
	if (!*out)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	return store_emoji_all(app->db, app->arena, *out, APP_EMOJIS_MAX, count, e);
}

/* --- keeping them --- */

struct emoji_call {
	int64_t id;
	const struct app_emoji_form *form;
	struct store_emoji *row;
};

static bool check_shortcode(const char *s, struct err *e)
{
	size_t n = 0;
	while (is_letter(s[n]))
		n++;
	if (!s[n] && n >= 2 && n <= APP_EMOJI_SHORTCODE_MAX)
		return true;
	return err_set(e, ERR_INVALID,
		       "Validation failed: shortcode must be 2 to %d letters, digits and "
		       "underscores, without colons",
		       APP_EMOJI_SHORTCODE_MAX);
}

static bool check_side(int64_t width, int64_t height, const char *field, struct err *e)
{
	return (width <= APP_EMOJI_SIDE_MAX && height <= APP_EMOJI_SIDE_MAX) ||
	       err_set(e, ERR_INVALID, "Validation failed: %s is larger than %d pixels a side",
		       field, APP_EMOJI_SIDE_MAX);
}

static bool take_media(struct app *app, int64_t id, struct store_emoji *row, struct err *e)
{
	struct store_media m;
	if (!store_media_get(app->db, app->arena, id, &m, e))
		return false;
	if (m.account_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (m.state != STORE_MEDIA_READY || m.kind != STORE_MEDIA_IMAGE || !m.hash || m.held)
		return err_set(e, ERR_INVALID,
			       "Validation failed: media_id must be a finished picture");
	if (!check_side(m.width, m.height, "media_id", e))
		return false;
	row->hash = m.hash;
	row->type = m.type;
	row->static_hash = m.thumbnail_hash ? m.thumbnail_hash : m.hash;
	row->static_type = m.thumbnail_hash ? m.thumbnail_type : m.type;
	return true;
}

/* What the form says, into the row. */
static bool apply(struct app *app, const struct app_emoji_form *f, struct store_emoji *row,
		  struct err *e)
{
	const struct media_processed *p = f->picture;
	if (f->category && !app_check_text("category", f->category, CATEGORY_MAX_CHARACTERS, e))
		return false;
	if (p && !check_side(p->width, p->height, "image", e))
		return false;
	if (f->category)
		row->category = f->category;
	if (f->disabled)
		row->disabled = *f->disabled;
	if (f->hidden)
		row->hidden = *f->hidden;
	row->updated_at = app->now_ms;
	if (!p)
		return !f->media_id || take_media(app, f->media_id, row, e);
	row->hash = p->hash;
	row->type = p->type;
	row->static_hash = p->thumbnail_hash;
	row->static_type = p->thumbnail_type;
	return true;
}

static bool log_change(struct app *w, const struct store_emoji *m, const char *action,
		       struct err *e)
{
	return store_audit_insert(w->db, w->account_id, action, m->id, m->shortcode, w->now_ms, e);
}

static bool insert(struct app *w, void *context, struct err *e)
{
	const struct store_emoji *m = ((struct emoji_call *)context)->row;
	int64_t count;
	if (!store_emoji_count(w->db, &count, e))
		return false;
	if (count >= APP_EMOJIS_MAX)
		return err_set(e, ERR_INVALID, "There are %d emojis already: delete one first.",
			       APP_EMOJIS_MAX);
	return store_emoji_insert(w->db, m, e) && log_change(w, m, "emoji.create", e);
}

static bool change(struct app *w, void *context, struct err *e)
{
	const struct emoji_call *call = context;
	struct store_emoji old;
	if (!store_emoji_get(w->db, w->arena, call->id, &old, e))
		return false;
	*call->row = old;
	const char *action = "emoji.update";
	if (call->form->disabled && *call->form->disabled != old.disabled)
		action = old.disabled ? "emoji.enable" : "emoji.disable";
	return apply(w, call->form, call->row, e) &&
	       store_emoji_update(w->db, &old, call->row, e) && log_change(w, call->row, action, e);
}

static bool remove_emoji(struct app *w, void *context, struct err *e)
{
	struct store_emoji m;
	return store_emoji_get(w->db, w->arena, *(int64_t *)context, &m, e) &&
	       store_emoji_delete(w->db, &m, w->now_ms, e) &&
	       store_reaction_forget(w->db, m.shortcode, e) && log_change(w, &m, "emoji.delete", e);
}

/* What cannot go now goes with app_tick. */
static void empty_trash(struct app *app)
{
	struct err later = {0};
	bool more = false;
	(void)!app_trash_empty(app, &more, &later);
}

bool app_emoji_may(const struct app *app, struct err *e)
{
	return app_need_admin(app, e);
}

bool app_emoji_add(struct app *app, const struct app_emoji_form *form, struct store_emoji *out,
		   struct err *e)
{
	struct emoji_call call = {.form = form, .row = out};
	*out = (struct store_emoji){.id = id_new(), .category = "", .created_at = app->now_ms};
	if (!app_need_admin(app, e) || !check_shortcode(form->shortcode, e) ||
	    !apply(app, form, out, e))
		return false;
	if (!out->hash)
		return err_set(e, ERR_INVALID, "Validation failed: image can't be blank");
	out->shortcode = form->shortcode;
	return app_write(app, insert, &call, e);
}

bool app_emoji_change(struct app *app, int64_t id, const struct app_emoji_form *form,
		      struct store_emoji *out, struct err *e)
{
	struct emoji_call call = {.id = id, .form = form, .row = out};
	if (!app_need_admin(app, e) || !app_write(app, change, &call, e))
		return false;
	empty_trash(app);
	return true;
}

bool app_emoji_remove(struct app *app, int64_t id, struct err *e)
{
	if (!app_need_admin(app, e) || !app_write(app, remove_emoji, &id, e))
		return false;
	empty_trash(app);
	return true;
}

bool app_emoji_get(struct app *app, int64_t id, struct store_emoji *out, struct err *e)
{
	return app_need_admin(app, e) && store_emoji_get(app->db, app->arena, id, out, e);
}

bool app_emoji_list(struct app *app, const struct store_page *page, struct store_emoji *out,
		    size_t *count, struct err *e)
{
	return app_need_admin(app, e) && store_emoji_list(app->db, app->arena, page, out, count, e);
}
