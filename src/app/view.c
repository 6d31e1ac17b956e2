/* Posts as one viewer may see them: a whole page is loaded with a handful of queries, however long it is. Any
 * thread; no state. What must stay true: this file alone decides who sees a post (visible) and who sees a
 * prompt (app_post_prompt_visible); every list of posts goes through it. */
#include "app/known.h"
#include "app/post.h"
#include "app/private.h"
#include "app/viewer.h"
#include "store/follow.h"
#include "store/lineage.h"
#include "store/note.h"
#include "store/oauth.h"
#include "store/pin.h"
#include "store/review.h"

#include <stdlib.h>
#include <string.h>

enum { POSTS_MAX = 5000, REFERENCES_MAX = 3000 };

/* Everything that is known about one page. Arrays are sorted by their id. */
struct page_data {
	struct app *app;
	enum app_view mode;
	const struct app_known_post **known; /* what was asked for, and what that refers to */
	struct store_post *posts;            /* their rows, at the same places */
	size_t post_count;
	size_t post_room;
	const struct store_account **accounts;
	size_t account_count;
	struct store_media *media;
	size_t media_count;
	struct store_mention *mentions;
	size_t mention_count;
	struct store_relation *relations; /* sorted by account */
	size_t relation_count;
	unsigned *flags; /* one for each of posts, at the same place */
	struct store_poll *polls;
	size_t poll_count;
	int64_t *hidden; /* accounts of domains that the viewer hides; sorted */
	size_t hidden_count;
	struct store_oauth_app *apps; /* sorted */
	size_t app_count;
	struct store_review *reviews;
	size_t review_count;
	struct app_post *views; /* one for each of posts, at the same place */
};

int app_ids_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

size_t app_ids_sort_unique(int64_t *ids, size_t count)
{
	size_t kept = 0;
	qsort(ids, count, sizeof(*ids), app_ids_compare);
	for (size_t i = 0; i < count; i++)
		if (ids[i] != 0 && (kept == 0 || ids[kept - 1] != ids[i]))
			ids[kept++] = ids[i];
	return kept;
}

/* The structs compared here begin with their id, so the bytes of the first member are the key. */
static void *find(const void *items, size_t count, size_t size, int64_t id)
{
	return count ? bsearch(&id, items, count, size, app_ids_compare) : NULL;
}

static int compare_accounts(const void *a, const void *b)
{
	return app_ids_compare(*(const struct store_account *const *)a,
			       *(const struct store_account *const *)b);
}

static const struct store_account *find_account(const struct page_data *d, int64_t id)
{
	struct store_account wanted = {.id = id};
	const struct store_account *key = &wanted;
	const struct store_account **found = d->account_count
						 ? bsearch(&key, d->accounts, d->account_count,
							   sizeof(*d->accounts), compare_accounts)
						 : NULL;
	return found ? *found : NULL;
}

static struct store_post *find_post(const struct page_data *d, int64_t id)
{
	return id ? find(d->posts, d->post_count, sizeof(*d->posts), id) : NULL;
}

/* Where the rows of one post (or account) begin in an array that is sorted by it. */
static size_t first_of(const void *items, size_t count, size_t size, size_t offset, int64_t id)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t at;
		memcpy(&at, (const char *)items + middle * size + offset, sizeof(at));
		if (at < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int compare_relations(const void *a, const void *b)
{
	const struct store_relation *x = a, *y = b;
	return app_ids_compare(&x->account_id, &y->account_id);
}

static bool related(const struct page_data *d, int64_t account_id, enum store_relation_kind kind)
{
	for (size_t i = first_of(d->relations, d->relation_count, sizeof(*d->relations),
				 offsetof(struct store_relation, account_id), account_id);
	     i < d->relation_count && d->relations[i].account_id == account_id; i++) {
		const struct store_relation *r = &d->relations[i];
		if (r->kind == kind && !(r->expires_at && r->expires_at <= d->app->now_ms))
			return true;
	}
	return false;
}

static bool has_id(const int64_t *ids, size_t count, int64_t id)
{
	return count && bsearch(&id, ids, count, sizeof(*ids), app_ids_compare);
}

static size_t first_mention(const struct page_data *d, int64_t post_id)
{
	return first_of(d->mentions, d->mention_count, sizeof(*d->mentions),
			offsetof(struct store_mention, post_id), post_id);
}

static bool mentioned(const struct page_data *d, int64_t post_id, int64_t account_id)
{
	for (size_t i = first_mention(d, post_id);
	     i < d->mention_count && d->mentions[i].post_id == post_id; i++)
		if (d->mentions[i].account_id == account_id)
			return true;
	return false;
}

bool app_post_prompt_visible(const struct app *app, const struct store_post *post, bool studio)
{
	if (app->account_id != 0 && app->account_id == post->account_id)
		return true;
	switch (post->prompt_visibility) {
	case STORE_PROMPT_PUBLIC:
		return true;
	case STORE_PROMPT_REMIXERS:
		return studio && post->remixable && app->account_id != 0;
	case STORE_PROMPT_PRIVATE:
		return false;
	}
	return false;
}

bool app_media_says_prompt(const struct store_media *media)
{
	return media->prompt && media->description && !strcmp(media->prompt, media->description);
}

/* The proposed description of a picture is its prompt; nobody wrote it for others to read. */
static void hide_prompt(struct store_media *media)
{
	if (app_media_says_prompt(media))
		media->description = "";
	media->prompt = NULL;
}

/* Carries a picture that waits for approval: nobody but its author knows of it, whatever else its row says. */
static bool held(const struct page_data *d, const struct store_post *post)
{
	for (size_t i = first_of(d->media, d->media_count, sizeof(*d->media),
				 offsetof(struct store_media, post_id), post->id);
	     i < d->media_count && d->media[i].post_id == post->id; i++)
		if (d->media[i].held)
			return true;
	return false;
}

static bool visible(const struct page_data *d, const struct store_post *post)
{
	int64_t viewer = d->app->account_id;
	const struct store_account *author = find_account(d, post->account_id);
	if (author && d->mode == APP_VIEW_STAFF)
		return true;
	if (!author || author->state != STORE_ACCOUNT_ACTIVE)
		return false;
	if (viewer == post->account_id && viewer != 0)
		return true;
	if (post->visibility == STORE_VISIBILITY_HELD || held(d, post) ||
	    related(d, post->account_id, STORE_RELATION_BLOCKED_BY))
		return false;
	if (d->mode == APP_VIEW_LIST && (related(d, post->account_id, STORE_RELATION_BLOCKING) ||
					 related(d, post->account_id, STORE_RELATION_MUTING) ||
					 has_id(d->hidden, d->hidden_count, post->account_id)))
		return false;
	/* Who is limited is come across by followers only; who looks for them finds them. */
	if (d->mode == APP_VIEW_LIST && author->limited &&
	    !related(d, post->account_id, STORE_RELATION_FOLLOWING) &&
	    !mentioned(d, post->id, viewer))
		return false;
	if (post->visibility <= STORE_VISIBILITY_UNLISTED)
		return true;
	if (viewer == 0)
		return false;
	return mentioned(d, post->id, viewer) ||
	       (post->visibility == STORE_VISIBILITY_PRIVATE &&
		related(d, post->account_id, STORE_RELATION_FOLLOWING));
}

static bool too_much(struct err *e)
{
	return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
}

static int compare_known(const void *a, const void *b)
{
	const struct app_known_post *x = *(const struct app_known_post *const *)a;
	const struct app_known_post *y = *(const struct app_known_post *const *)b;
	return app_ids_compare(&x->row.id, &y->row.id);
}

/* Adds those of these posts that there are. */
static bool add_posts(struct page_data *d, const int64_t *ids, size_t count, struct err *e)
{
	const struct app_known_post **found =
	    ARENA_ARRAY(d->app->arena, const struct app_known_post *, count + 1);
	if (!found)
		return too_much(e);
	if (!app_known_load(d->app, ids, count, found, e))
		return false;
	for (size_t i = 0; i < count && d->post_count < d->post_room; i++)
		if (found[i])
			d->known[d->post_count++] = found[i];
	return true;
}

/* Adds the posts that those from `from` on refer to. */
static bool add_references(struct page_data *d, size_t from, struct err *e)
{
	int64_t *ids = ARENA_ARRAY(d->app->arena, int64_t, 3 * (d->post_count - from) + 1);
	size_t count = 0, missing = 0;
	if (!ids)
		return too_much(e);
	for (size_t i = from; i < d->post_count; i++) {
		ids[count++] = d->known[i]->row.boost_of_id;
		ids[count++] = d->known[i]->row.quote_of_id;
		ids[count++] = d->known[i]->row.remix_of_id;
	}
	count = app_ids_sort_unique(ids, count);
	for (size_t i = 0; i < count; i++) {
		bool have = false;
		for (size_t k = 0; k < d->post_count && !have; k++)
			have = d->known[k]->row.id == ids[i];
		if (!have)
			ids[missing++] = ids[i];
	}
	return missing == 0 || add_posts(d, ids, missing, e);
}

/* Each account once, in order. */
static bool take_accounts(struct page_data *d, struct err *e)
{
	size_t count = 0, kept = 0, room = d->post_count;
	for (size_t i = 0; i < d->post_count; i++)
		room += d->known[i]->mentioned_count;
	const struct store_account **all =
	    ARENA_ARRAY(d->app->arena, const struct store_account *, room + 1);
	d->accounts = ARENA_ARRAY(d->app->arena, const struct store_account *, room + 1);
	if (!all || !d->accounts)
		return too_much(e);
	for (size_t i = 0; i < d->post_count; i++) {
		if (d->known[i]->author)
			all[count++] = d->known[i]->author;
		for (size_t m = 0; m < d->known[i]->mentioned_count; m++)
			all[count++] = &d->known[i]->mentioned[m];
	}
	qsort(all, count, sizeof(*all), compare_accounts);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || d->accounts[kept - 1]->id != all[i]->id)
			d->accounts[kept++] = all[i];
	d->account_count = kept;
	return true;
}

/* Copies what is known, in the order of the posts: views change their copies. */
static bool take_known(struct page_data *d, struct err *e)
{
	struct arena *arena = d->app->arena;
	size_t mentions = 0, media = 0;
	qsort(d->known, d->post_count, sizeof(*d->known), compare_known);
	for (size_t i = 0; i < d->post_count; i++) {
		mentions += d->known[i]->mention_count;
		media += d->known[i]->media_count;
	}
	d->posts = ARENA_ARRAY(arena, struct store_post, d->post_count + 1);
	d->mentions = ARENA_ARRAY(arena, struct store_mention, mentions + 1);
	d->media = ARENA_ARRAY(arena, struct store_media, media + 1);
	if (!d->posts || !d->mentions || !d->media)
		return too_much(e);
	for (size_t i = 0; i < d->post_count; i++) {
		const struct app_known_post *k = d->known[i];
		d->posts[i] = k->row;
		for (size_t m = 0; m < k->mention_count; m++)
			d->mentions[d->mention_count++] = k->mentions[m];
		for (size_t m = 0; m < k->media_count; m++)
			d->media[d->media_count++] = k->media[m];
	}
	return take_accounts(d, e);
}

/* Whom one follows matters only where there is something for followers. */
static bool wants_follows(const struct page_data *d)
{
	bool follows = false;
	for (size_t i = 0; i < d->post_count; i++)
		follows |= d->posts[i].visibility == STORE_VISIBILITY_PRIVATE ||
			   d->posts[i].quote_policy == STORE_QUOTE_FOLLOWERS;
	for (size_t i = 0; i < d->account_count; i++)
		follows |= d->accounts[i]->limited;
	return follows;
}

/* Most people hide nobody: asked first, it spares them the lists of ids. */
static bool hides_nobody(struct app *app, uint64_t seen, bool *nobody, struct err *e)
{
	bool any = false;
	*nobody = app_viewer_has_none(app, APP_VIEWER_HIDES_NOBODY);
	if (*nobody)
		return true;
	if (!store_relation_hides(app->db, app->account_id, &any, e))
		return false;
	*nobody = !any;
	if (*nobody)
		app_viewer_keep_none(app, seen, APP_VIEWER_HIDES_NOBODY);
	return true;
}

/* What will end by itself is read each time. */
static void keep_relations(struct page_data *d, uint64_t seen, const int64_t *authors, size_t count,
			   const struct store_relation *found, size_t found_count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned bits = 0;
		bool ends = false;
		for (size_t k = 0; k < found_count; k++) {
			if (found[k].account_id != authors[i])
				continue;
			bits |= 1u << found[k].kind;
			ends |= found[k].expires_at != 0;
		}
		if (!ends)
			app_viewer_keep(d->app, seen, APP_VIEWER_AUTHOR, &authors[i], &bits, 1);
	}
}

static bool load_relations(struct page_data *d, const int64_t *authors, size_t count, struct err *e)
{
	struct app *app = d->app;
	uint64_t seen = db_seen(app->core->pool);
	bool nobody = false;
	d->relations = ARENA_ARRAY(app->arena, struct store_relation, 7 * count + 1);
	unsigned *bits = ARENA_ARRAY(app->arena, unsigned, count + 1);
	int64_t *missing = ARENA_ARRAY(app->arena, int64_t, count + 1);
	if (!d->relations || !bits || !missing)
		return too_much(e);
	size_t unknown = app_viewer_known(app, APP_VIEWER_AUTHOR, authors, count, bits, missing);
	for (size_t i = 0; i < count; i++)
		for (unsigned kind = STORE_RELATION_FOLLOWING; kind <= STORE_RELATION_MUTING;
		     kind++)
			if (bits[i] & (1u << kind))
				d->relations[d->relation_count++] =
				    (struct store_relation){.account_id = authors[i],
							    .kind = (enum store_relation_kind)kind};
	if (unknown > 0 && !wants_follows(d) && !hides_nobody(app, seen, &nobody, e))
		return false;
	for (size_t done = 0; done < unknown && !nobody; done += DB_IDS_MAX) {
		size_t piece = unknown - done < DB_IDS_MAX ? unknown - done : DB_IDS_MAX, found = 0;
		struct store_relation *into = d->relations + d->relation_count;
		if (!store_relation_get(app->db, app->account_id, missing + done, piece, into,
					&found, e))
			return false;
		keep_relations(d, seen, missing + done, piece, into, found);
		d->relation_count += found;
	}
	qsort(d->relations, d->relation_count, sizeof(*d->relations), compare_relations);
	return true;
}

/* Which accounts are of domains that the viewer hides: asked once for each domain of the page. */
static bool load_hidden(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	bool *hides = ARENA_ARRAY(app->arena, bool, d->account_count + 1);
	d->hidden = ARENA_ARRAY(app->arena, int64_t, d->account_count + 1);
	if (!hides || !d->hidden)
		return too_much(e);
	for (size_t i = 0; app->account_id && i < d->account_count; i++) {
		const char *domain = d->accounts[i]->domain;
		size_t same = 0;
		if (!domain[0])
			continue;
		while (same < i && strcmp(d->accounts[same]->domain, domain) != 0)
			same++;
		if (same < i)
			hides[i] = hides[same];
		else if (!store_hidden_domain_has(app->db, app->account_id, domain, &hides[i], e))
			return false;
		if (hides[i])
			d->hidden[d->hidden_count++] = d->accounts[i]->id;
	}
	return true;
}

/* How the viewer stands to the authors. */
static bool load_viewer(struct page_data *d, struct err *e)
{
	size_t count = 0;
	int64_t *ids = ARENA_ARRAY(d->app->arena, int64_t, d->post_count + 1);
	if (!ids)
		return too_much(e);
	for (size_t i = 0; i < d->post_count; i++)
		ids[count++] = d->posts[i].account_id;
	count = app_ids_sort_unique(ids, count);
	if (d->app->account_id && !load_relations(d, ids, count, e))
		return false;
	return load_hidden(d, e);
}

static bool load_polls(struct page_data *d, int64_t *ids, struct err *e)
{
	struct app *app = d->app;
	size_t count = 0;
	for (size_t i = 0; i < d->post_count; i++)
		if (d->posts[i].poll)
			ids[count++] = d->posts[i].id;
	d->polls = ARENA_ARRAY(app->arena, struct store_poll, count + 1);
	if (!d->polls)
		return too_much(e);
	if (!store_poll_get_many(app->db, app->arena, ids, count, app->account_id, d->polls,
				 &d->poll_count, e))
		return false;
	qsort(d->polls, d->poll_count, sizeof(*d->polls), app_ids_compare);
	return true;
}

/* Reads what is not known yet of what the viewer has done with these posts; d->flags of the others is there. */
static bool read_marks(struct page_data *d, const int64_t *ids, size_t count, struct err *e)
{
	struct app *app = d->app;
	uint64_t seen = db_seen(app->core->pool);
	size_t mine = 0, pinned_count = 0, muted_count = 0, threads = 0;
	unsigned *flags = ARENA_ARRAY(app->arena, unsigned, count + 1);
	int64_t *own = ARENA_ARRAY(app->arena, int64_t, count + 1);
	int64_t *thread = ARENA_ARRAY(app->arena, int64_t, count + 1);
	int64_t *pinned = ARENA_ARRAY(app->arena, int64_t, count + 1);
	int64_t *muted = ARENA_ARRAY(app->arena, int64_t, count + 1);
	if (!flags || !own || !thread || !pinned || !muted)
		return too_much(e);
	if (!store_post_flags(app->db, app->account_id, ids, count, flags, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct store_post *post = find_post(d, ids[i]);
		if (post->account_id == app->account_id && !post->boost_of_id)
			own[mine++] = ids[i];
		thread[threads++] = post->thread_id;
	}
	threads = app_ids_sort_unique(thread, threads);
	if (!store_pin_of(app->db, app->account_id, own, mine, pinned, &pinned_count, e) ||
	    !store_thread_muted(app->db, app->account_id, thread, threads, muted, &muted_count, e))
		return false;
	pinned_count = app_ids_sort_unique(pinned, pinned_count);
	muted_count = app_ids_sort_unique(muted, muted_count);
	for (size_t i = 0; i < count; i++) {
		const struct store_post *post = find_post(d, ids[i]);
		if (has_id(pinned, pinned_count, ids[i]))
			flags[i] |= APP_VIEWER_PINNED;
		if (has_id(muted, muted_count, post->thread_id))
			flags[i] |= APP_VIEWER_THREAD_MUTED;
		d->flags[post - d->posts] = flags[i];
	}
	app_viewer_keep(app, seen, APP_VIEWER_POST, ids, flags, count);
	return true;
}

/* What the viewer has done with these posts. */
static bool load_marks(struct page_data *d, int64_t *ids, struct err *e)
{
	int64_t *missing = ARENA_ARRAY(d->app->arena, int64_t, d->post_count + 1);
	if (!missing)
		return too_much(e);
	for (size_t i = 0; i < d->post_count; i++)
		ids[i] = d->posts[i].id;
	size_t unknown =
	    app_viewer_known(d->app, APP_VIEWER_POST, ids, d->post_count, d->flags, missing);
	return unknown == 0 || read_marks(d, missing, unknown, e);
}

static bool load_rest(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	d->flags = ARENA_ARRAY(app->arena, unsigned, d->post_count + 1);
	if (!ids || !d->flags)
		return too_much(e);
	if (app->account_id && (!load_marks(d, ids, e) || !app_filters_load(app, e)))
		return false;
	return load_polls(d, ids, e);
}

/* Whether one's own posts wait for approval; others' reviews are nobody's business. */
static bool load_reviews(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	size_t count = 0;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	d->reviews = ARENA_ARRAY(app->arena, struct store_review, d->post_count + 1);
	if (!ids || !d->reviews)
		return too_much(e);
	for (size_t i = 0; i < d->post_count; i++)
		if (app->account_id && d->posts[i].account_id == app->account_id &&
		    d->posts[i].made)
			ids[count++] = d->posts[i].id;
	return store_review_of_posts(app->db, app->arena, ids, count, d->reviews, &d->review_count,
				     e);
}

/* Which app a post was made with is its author's business, and everybody's where everybody sees the post. */
static bool shows_app(const struct page_data *d, const struct store_post *post)
{
	return post->app_id && (post->visibility <= STORE_VISIBILITY_UNLISTED ||
				(d->app->account_id && post->account_id == d->app->account_id));
}

static bool load_apps(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	size_t count = 0;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		if (shows_app(d, &d->posts[i]))
			ids[count++] = d->posts[i].app_id;
	count = app_ids_sort_unique(ids, count);
	d->apps = ARENA_ARRAY(app->arena, struct store_oauth_app, count + 1);
	if (!d->apps)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_oauth_app_get_many(app->db, app->arena, ids, count, d->apps, &d->app_count, e))
		return false;
	qsort(d->apps, d->app_count, sizeof(*d->apps), app_ids_compare);
	return true;
}

static void fill_media(struct page_data *d, struct app_post *view)
{
	size_t first = first_of(d->media, d->media_count, sizeof(*d->media),
				offsetof(struct store_media, post_id), view->row.id);
	view->media = d->media + first;
	while (first + view->media_count < d->media_count &&
	       d->media[first + view->media_count].post_id == view->row.id)
		view->media_count++;
	bool shown = app_post_prompt_visible(d->app, &view->row, d->mode == APP_VIEW_STUDIO);
	for (size_t i = 0; i < view->media_count; i++) {
		struct store_media *media = &d->media[first + i];
		if (!shown)
			hide_prompt(media);
		if (media->maker && !view->made) {
			view->made = media;
			view->prompt = media->prompt;
		}
	}
}

static void fill_mentions(struct page_data *d, struct app_post *view)
{
	const struct store_account **mentions =
	    arena_alloc(d->app->arena, ((size_t)view->row.mention_count + 1) * sizeof(*mentions));
	for (size_t i = first_mention(d, view->row.id);
	     i < d->mention_count && d->mentions[i].post_id == view->row.id &&
	     view->mention_count < (size_t)view->row.mention_count;
	     i++) {
		const struct store_account *account = find_account(d, d->mentions[i].account_id);
		if (account)
			mentions[view->mention_count++] = account;
	}
	view->mentions = mentions;
}

static void fill_lineage(struct page_data *d, struct app_post *view)
{
	const struct store_post *parent = find_post(d, view->row.remix_of_id);
	view->in_lineage = view->known->has_lineage;
	view->has_remix_of = view->row.remix_of_id != 0;
	if (!view->has_remix_of)
		return;
	view->remix_of.id = view->row.remix_of_id;
	view->remix_of.deleted = parent == NULL;
	if (parent && visible(d, parent)) {
		view->remix_of.url = parent->url;
		view->remix_of.account = find_account(d, parent->account_id);
	}
}

/* Who may quote it: its author; others what is public or unlisted, by its policy. */
static bool quotable(const struct page_data *d, const struct store_post *row)
{
	int64_t viewer = d->app->account_id;
	if (viewer == 0 || row->boost_of_id || row->visibility == STORE_VISIBILITY_DIRECT)
		return false;
	if (viewer == row->account_id)
		return true;
	if (row->visibility > STORE_VISIBILITY_UNLISTED || row->quote_policy == STORE_QUOTE_NOBODY)
		return false;
	return row->quote_policy == STORE_QUOTE_PUBLIC ||
	       related(d, row->account_id, STORE_RELATION_FOLLOWING);
}

static void fill(struct page_data *d, size_t i)
{
	struct app_post *view = &d->views[i];
	*view = (struct app_post){
	    .known = d->known[i], .row = d->posts[i], .account = d->known[i]->author};
	view->row.sensitive |= view->account && view->account->sensitized;
	fill_media(d, view);
	fill_mentions(d, view);
	fill_lineage(d, view);
	for (size_t k = 0; k < d->review_count; k++)
		if (d->reviews[k].post_id == view->row.id)
			view->review = &d->reviews[k];
	view->favourited = d->flags[i] & STORE_POST_FAVOURITED;
	view->bookmarked = d->flags[i] & STORE_POST_BOOKMARKED;
	view->boosted = d->flags[i] & STORE_POST_BOOSTED;
	view->pinned = d->flags[i] & APP_VIEWER_PINNED;
	view->muted = d->flags[i] & APP_VIEWER_THREAD_MUTED;
	view->poll = find(d->polls, d->poll_count, sizeof(*d->polls), view->row.id);
	view->quotable = quotable(d, &view->row);
	const struct store_oauth_app *made_by =
	    shows_app(d, &view->row)
		? find(d->apps, d->app_count, sizeof(*d->apps), view->row.app_id)
		: NULL;
	if (made_by) {
		view->made_by = made_by->name;
		view->made_by_website =
		    made_by->website && *made_by->website ? made_by->website : NULL;
	}
	app_filters_apply(d->app, view);
}

static enum app_quote quote_state(const struct page_data *d, const struct store_post *row,
				  const struct store_post *quote_of)
{
	if (row->quote_state == STORE_QUOTE_NONE)
		return APP_QUOTE_NONE;
	if (row->quote_state == STORE_QUOTE_REVOKED)
		return APP_QUOTE_REVOKED;
	if (!quote_of)
		return APP_QUOTE_DELETED;
	if (visible(d, quote_of))
		return APP_QUOTE_ACCEPTED;
	if (related(d, quote_of->account_id, STORE_RELATION_BLOCKING))
		return APP_QUOTE_BLOCKED;
	return related(d, quote_of->account_id, STORE_RELATION_MUTING) ? APP_QUOTE_MUTED
								       : APP_QUOTE_UNAUTHORIZED;
}

/* Boosts and quotes point at the views of what they refer to. */
static void link_views(struct page_data *d, size_t i)
{
	struct app_post *view = &d->views[i];
	const struct store_post *boost_of = find_post(d, view->row.boost_of_id);
	const struct store_post *quote_of = find_post(d, view->row.quote_of_id);
	if (boost_of && visible(d, boost_of)) {
		view->boost_of = &d->views[boost_of - d->posts];
		view->filtered = view->boost_of->filtered;
		view->filtered_count = view->boost_of->filtered_count;
	}
	view->quote = quote_state(d, &view->row, quote_of);
	if (view->quote == APP_QUOTE_ACCEPTED)
		view->quote_of = &d->views[quote_of - d->posts];
}

static bool load_page(struct page_data *d, const int64_t *ids, size_t count, struct err *e)
{
	if (count > POSTS_MAX)
		return err_set(e, ERR_TOO_LARGE, "This is too much at once. Please ask for less.");
	d->post_room = count + (count < REFERENCES_MAX / 6 ? 6 * count : REFERENCES_MAX);
	d->known = ARENA_ARRAY(d->app->arena, const struct app_known_post *, d->post_room);
	if (!d->known)
		return too_much(e);
	if (!add_posts(d, ids, count, e))
		return false;
	size_t first_level = d->post_count;
	return add_references(d, 0, e) &&
	       (d->post_count == first_level || add_references(d, first_level, e)) &&
	       take_known(d, e) && load_viewer(d, e) && load_rest(d, e) && load_reviews(d, e) &&
	       load_apps(d, e);
}

bool app_view_ids(struct app *app, const int64_t *ids, size_t count, enum app_view mode,
		  struct app_posts *out, struct err *e)
{
	struct page_data d = {.app = app, .mode = mode};
	*out = (struct app_posts){0};
	if (count == 0)
		return true;
	out->first = ids[0];
	out->last = ids[count - 1];
	if (!load_page(&d, ids, count, e))
		return false;
	d.views = ARENA_ARRAY(app->arena, struct app_post, d.post_count);
	out->items = ARENA_ARRAY(app->arena, struct app_post, count);
	if (!d.views || !out->items)
		return too_much(e);
	for (size_t i = 0; i < d.post_count; i++)
		fill(&d, i);
	for (size_t i = 0; i < d.post_count; i++)
		link_views(&d, i);
	for (size_t i = 0; i < count; i++) {
		const struct store_post *row = find_post(&d, ids[i]);
		if (!row)
			continue;
		struct app_post *view = &d.views[row - d.posts];
		if (visible(&d, row) && !(row->boost_of_id && !view->boost_of))
			out->items[out->count++] = *view;
	}
	return true;
}

bool app_view_rows(struct app *app, const struct store_posts *rows, enum app_view mode,
		   struct app_posts *out, struct err *e)
{
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, rows->count + 1);
	if (!ids)
		return too_much(e);
	for (size_t i = 0; i < rows->count; i++)
		ids[i] = rows->items[i].id;
	if (!app_view_ids(app, ids, rows->count, mode, out, e))
		return false;
	out->more = rows->more;
	if (rows->count > 0 && rows->keys) {
		out->first = rows->keys[0];
		out->last = rows->keys[rows->count - 1];
	}
	return true;
}

bool app_posts_view(struct app *app, const struct store_posts *rows, struct app_posts *out,
		    struct err *e)
{
	return app_view_rows(app, rows, APP_VIEW_LIST, out, e);
}

static bool get_one(struct app *app, int64_t id, enum app_view mode, struct app_post *out,
		    struct err *e)
{
	struct app_posts posts;
	if (!app_view_ids(app, &id, 1, mode, &posts, e))
		return false;
	if (posts.count == 0)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	*out = posts.items[0];
	return true;
}

bool app_post_get(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return get_one(app, id, APP_VIEW_ONE, out, e);
}

bool app_post_get_listed(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return get_one(app, id, APP_VIEW_LIST, out, e);
}

bool app_post_for_remix(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	if (!app_need_account(app, e) || !get_one(app, id, APP_VIEW_STUDIO, out, e))
		return false;
	return out->row.remixable || out->row.account_id == app->account_id ||
	       err_set(e, ERR_FORBIDDEN, "Its author does not want this picture remixed.");
}

bool app_post_get_many(struct app *app, const int64_t *ids, size_t count, struct app_posts *out,
		       struct err *e)
{
	return app_posts_get_in(app, ids, count, APP_VIEW_ONE, out, e);
}

bool app_posts_get_in(struct app *app, const int64_t *ids, size_t count, enum app_view mode,
		      struct app_posts *out, struct err *e)
{
	int64_t *sorted = ARENA_ARRAY(app->arena, int64_t, count + 1);
	int64_t *once = ARENA_ARRAY(app->arena, int64_t, count + 1);
	bool *taken = ARENA_ARRAY(app->arena, bool, count + 1);
	size_t unique = 0, kept = 0;
	*out = (struct app_posts){0};
	if (!sorted || !once || !taken)
		return too_much(e);
	for (size_t i = 0; i < count; i++)
		sorted[i] = ids[i];
	unique = app_ids_sort_unique(sorted, count);
	for (size_t i = 0; i < count; i++) {
		const int64_t *at = find(sorted, unique, sizeof(*sorted), ids[i]);
		if (!at || taken[at - sorted])
			continue;
		taken[at - sorted] = true;
		once[kept++] = ids[i];
	}
	return app_view_ids(app, once, kept, mode, out, e);
}
