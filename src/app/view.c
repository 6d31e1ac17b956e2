/* Posts as one viewer may see them: a whole page is loaded with a handful of queries, however long it is. Any
 * thread; no state. What must stay true: this file alone decides who sees a post (visible) and who sees a
 * prompt (app_post_prompt_visible); every list of posts goes through it. */
#include "app/post.h"
#include "app/private.h"
#include "store/follow.h"
#include "store/lineage.h"
#include "store/note.h"
#include "store/pin.h"
#include "store/review.h"

#include <stdlib.h>
#include <string.h>

enum { POSTS_MAX = 5000, REFERENCES_MAX = 3000 };

/* Everything that is known about one page. Arrays are sorted by their id. */
struct page_data {
	struct app *app;
	enum app_view mode;
	struct store_post *posts; /* the rows, and what they refer to */
	size_t post_count;
	size_t post_room;
	struct store_account *accounts;
	size_t account_count;
	struct store_media *media;
	size_t media_count;
	struct store_mention *mentions;
	size_t mention_count;
	struct store_relation *relations;
	size_t relation_count;
	struct store_lineage *lineage;
	size_t lineage_count;
	unsigned *flags; /* one for each of posts, at the same place */
	int64_t *pinned; /* sorted */
	size_t pinned_count;
	int64_t *muted_threads; /* sorted */
	size_t muted_count;
	struct store_poll *polls;
	size_t poll_count;
	int64_t *hidden; /* accounts of domains that the viewer hides; sorted */
	size_t hidden_count;
	struct store_review *reviews;
	size_t review_count;
	struct app_post *views; /* one for each of posts, at the same place */
};

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static size_t sort_unique(int64_t *ids, size_t count)
{
	size_t kept = 0;
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++)
		if (ids[i] != 0 && (kept == 0 || ids[kept - 1] != ids[i]))
			ids[kept++] = ids[i];
	return kept;
}

/* The structs compared here begin with their id, so the bytes of the first member are the key. */
static void *find(const void *items, size_t count, size_t size, int64_t id)
{
	return count ? bsearch(&id, items, count, size, compare_ids) : NULL;
}

static const struct store_account *find_account(const struct page_data *d, int64_t id)
{
	return find(d->accounts, d->account_count, sizeof(*d->accounts), id);
}

static struct store_post *find_post(const struct page_data *d, int64_t id)
{
	return id ? find(d->posts, d->post_count, sizeof(*d->posts), id) : NULL;
}

static bool related(const struct page_data *d, int64_t account_id, enum store_relation_kind kind)
{
	for (size_t i = 0; i < d->relation_count; i++) {
		const struct store_relation *r = &d->relations[i];
		if (r->account_id == account_id && r->kind == kind &&
		    !(r->expires_at && r->expires_at <= d->app->now_ms))
			return true;
	}
	return false;
}

static bool has_id(const int64_t *ids, size_t count, int64_t id)
{
	return count && bsearch(&id, ids, count, sizeof(*ids), compare_ids);
}

/* Where the rows of one post begin in an array that is sorted by post. */
static size_t first_of(const void *items, size_t count, size_t size, size_t offset, int64_t post_id)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t at;
		memcpy(&at, (const char *)items + middle * size + offset, sizeof(at));
		if (at < post_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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

/* Loads the posts that those from `from` on refer to. */
static bool load_references(struct page_data *d, size_t from, struct err *e)
{
	int64_t *ids = ARENA_ARRAY(d->app->arena, int64_t, 3 * (d->post_count - from) + 1);
	size_t count = 0, missing = 0, found = 0;
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = from; i < d->post_count; i++) {
		ids[count++] = d->posts[i].boost_of_id;
		ids[count++] = d->posts[i].quote_of_id;
		ids[count++] = d->posts[i].remix_of_id;
	}
	count = sort_unique(ids, count);
	for (size_t i = 0; i < count; i++) {
		bool have = false;
		for (size_t k = 0; k < d->post_count && !have; k++)
			have = d->posts[k].id == ids[i];
		if (!have)
			ids[missing++] = ids[i];
	}
	if (missing > d->post_room - d->post_count)
		missing = d->post_room - d->post_count;
	if (!store_post_get_many(d->app->db, d->app->arena, ids, missing, d->posts + d->post_count,
				 &found, e))
		return false;
	d->post_count += found;
	return true;
}

static bool load_mentions_and_media(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	size_t count = 0;
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		if (d->posts[i].mention_count > 0)
			ids[count++] = d->posts[i].id;
	if (!store_mention_of_posts(app->db, app->arena, ids, count, &d->mentions,
				    &d->mention_count, e))
		return false;
	count = 0;
	for (size_t i = 0; i < d->post_count; i++)
		if (d->posts[i].media_count > 0)
			ids[count++] = d->posts[i].id;
	return store_media_of_posts(app->db, app->arena, ids, count, &d->media, &d->media_count, e);
}

/* Whom one follows matters only where there is something for followers. */
static bool load_relations(struct page_data *d, const int64_t *authors, size_t count, struct err *e)
{
	struct app *app = d->app;
	bool follows = false;
	d->relations = ARENA_ARRAY(app->arena, struct store_relation, 7 * count + 1);
	if (!d->relations)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		follows |= d->posts[i].visibility == STORE_VISIBILITY_PRIVATE ||
			   d->posts[i].quote_policy == STORE_QUOTE_FOLLOWERS;
	for (size_t i = 0; i < d->account_count; i++)
		follows |= d->accounts[i].limited;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		size_t piece = count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX, found = 0;
		if (!(follows ? store_relation_get : store_relation_hiding)(
			app->db, app->account_id, authors + done, piece,
			d->relations + d->relation_count, &found, e))
			return false;
		d->relation_count += found;
	}
	return true;
}

/* Which accounts are of domains that the viewer hides: asked once for each domain of the page. */
static bool load_hidden(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	bool *hides = ARENA_ARRAY(app->arena, bool, d->account_count + 1);
	d->hidden = ARENA_ARRAY(app->arena, int64_t, d->account_count + 1);
	if (!hides || !d->hidden)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; app->account_id && i < d->account_count; i++) {
		const char *domain = d->accounts[i].domain;
		size_t same = 0;
		if (!domain[0])
			continue;
		while (same < i && strcmp(d->accounts[same].domain, domain) != 0)
			same++;
		if (same < i)
			hides[i] = hides[same];
		else if (!store_hidden_domain_has(app->db, app->account_id, domain, &hides[i], e))
			return false;
		if (hides[i])
			d->hidden[d->hidden_count++] = d->accounts[i].id;
	}
	return true;
}

static bool load_accounts(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	size_t count = 0, room = d->post_count + d->mention_count;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, room + 1);
	d->accounts = ARENA_ARRAY(app->arena, struct store_account, room + 1);
	if (!ids || !d->accounts)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		ids[count++] = d->posts[i].account_id;
	size_t authors = sort_unique(ids, count);
	int64_t *author_ids = ARENA_ARRAY(app->arena, int64_t, authors + 1);
	if (!author_ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	memcpy(author_ids, ids, authors * sizeof(*ids));
	count = authors;
	for (size_t i = 0; i < d->mention_count; i++)
		ids[count++] = d->mentions[i].account_id;
	count = sort_unique(ids, count);
	if (!store_account_get_many(app->db, app->arena, ids, count, d->accounts, &d->account_count,
				    e))
		return false;
	qsort(d->accounts, d->account_count, sizeof(*d->accounts), compare_ids);
	if (app->account_id && !load_relations(d, author_ids, authors, e))
		return false;
	return load_hidden(d, e);
}

static bool load_lineage(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	size_t count = 0;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, 2 * d->post_count + 1);
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		if (d->posts[i].made || d->posts[i].remix_of_id || d->posts[i].remixes_count > 0) {
			ids[count++] = d->posts[i].id;
			ids[count++] = d->posts[i].remix_of_id;
		}
	count = sort_unique(ids, count);
	d->lineage = ARENA_ARRAY(app->arena, struct store_lineage, count + 1);
	if (!d->lineage)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_lineage_get_many(app->db, ids, count, d->lineage, &d->lineage_count, e))
		return false;
	qsort(d->lineage, d->lineage_count, sizeof(*d->lineage), compare_ids);
	return true;
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
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_poll_get_many(app->db, app->arena, ids, count, app->account_id, d->polls,
				 &d->poll_count, e))
		return false;
	qsort(d->polls, d->poll_count, sizeof(*d->polls), compare_ids);
	return true;
}

/* What the viewer has done with these posts. */
static bool load_marks(struct page_data *d, int64_t *ids, struct err *e)
{
	struct app *app = d->app;
	size_t mine = 0;
	d->pinned = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	d->muted_threads = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	if (!d->pinned || !d->muted_threads)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		ids[i] = d->posts[i].id;
	if (!store_post_flags(app->db, app->account_id, ids, d->post_count, d->flags, e))
		return false;
	for (size_t i = 0; i < d->post_count; i++)
		if (d->posts[i].account_id == app->account_id && !d->posts[i].boost_of_id)
			ids[mine++] = d->posts[i].id;
	if (!store_pin_of(app->db, app->account_id, ids, mine, d->pinned, &d->pinned_count, e))
		return false;
	for (size_t i = 0; i < d->post_count; i++)
		ids[i] = d->posts[i].thread_id;
	size_t threads = sort_unique(ids, d->post_count);
	if (!store_thread_muted(app->db, app->account_id, ids, threads, d->muted_threads,
				&d->muted_count, e))
		return false;
	d->pinned_count = sort_unique(d->pinned, d->pinned_count);
	d->muted_count = sort_unique(d->muted_threads, d->muted_count);
	return true;
}

static bool load_rest(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	d->flags = ARENA_ARRAY(app->arena, unsigned, d->post_count + 1);
	if (!ids || !d->flags)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (app->account_id && (!load_marks(d, ids, e) || !app_filters_load(app, e)))
		return false;
	return load_polls(d, ids, e) && load_lineage(d, e);
}

/* Whether one's own posts wait for approval; others' reviews are nobody's business. */
static bool load_reviews(struct page_data *d, struct err *e)
{
	struct app *app = d->app;
	size_t count = 0;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, d->post_count + 1);
	d->reviews = ARENA_ARRAY(app->arena, struct store_review, d->post_count + 1);
	if (!ids || !d->reviews)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d->post_count; i++)
		if (app->account_id && d->posts[i].account_id == app->account_id &&
		    d->posts[i].made)
			ids[count++] = d->posts[i].id;
	return store_review_of_posts(app->db, app->arena, ids, count, d->reviews, &d->review_count,
				     e);
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
			media->prompt = NULL;
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
	view->in_lineage =
	    find(d->lineage, d->lineage_count, sizeof(*d->lineage), view->row.id) != NULL;
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
	*view = (struct app_post){.row = d->posts[i],
				  .account = find_account(d, d->posts[i].account_id)};
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
	view->pinned = has_id(d->pinned, d->pinned_count, view->row.id);
	view->muted = has_id(d->muted_threads, d->muted_count, view->row.thread_id);
	view->poll = find(d->polls, d->poll_count, sizeof(*d->polls), view->row.id);
	view->quotable = quotable(d, &view->row);
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

bool app_view_rows(struct app *app, const struct store_posts *rows, enum app_view mode,
		   struct app_posts *out, struct err *e)
{
	size_t references = rows->count < REFERENCES_MAX / 6 ? 6 * rows->count : REFERENCES_MAX;
	struct page_data d = {.app = app, .mode = mode, .post_room = rows->count + references};
	*out = (struct app_posts){.more = rows->more};
	if (rows->count == 0)
		return true;
	out->first = rows->keys ? rows->keys[0] : rows->items[0].id;
	out->last = rows->keys ? rows->keys[rows->count - 1] : rows->items[rows->count - 1].id;
	if (rows->count > POSTS_MAX)
		return err_set(e, ERR_TOO_LARGE, "This is too much at once. Please ask for less.");
	d.posts = ARENA_ARRAY(app->arena, struct store_post, d.post_room);
	if (!d.posts)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	memcpy(d.posts, rows->items, rows->count * sizeof(*d.posts));
	d.post_count = rows->count;
	size_t first_level = 0;
	if (!load_references(&d, 0, e))
		return false;
	first_level = rows->count;
	if (d.post_count > first_level && !load_references(&d, first_level, e))
		return false;
	qsort(d.posts, d.post_count, sizeof(*d.posts), compare_ids);
	if (!load_mentions_and_media(&d, e) || !load_accounts(&d, e) || !load_rest(&d, e) ||
	    !load_reviews(&d, e))
		return false;
	d.views = ARENA_ARRAY(app->arena, struct app_post, d.post_count);
	out->items = ARENA_ARRAY(app->arena, struct app_post, rows->count);
	if (!d.views || !out->items)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < d.post_count; i++)
		fill(&d, i);
	for (size_t i = 0; i < d.post_count; i++)
		link_views(&d, i);
	for (size_t i = 0; i < rows->count; i++) {
		const struct store_post *row = find_post(&d, rows->items[i].id);
		struct app_post *view = &d.views[row - d.posts];
		if (visible(&d, row) && !(row->boost_of_id && !view->boost_of))
			out->items[out->count++] = *view;
	}
	return true;
}

bool app_posts_view(struct app *app, const struct store_posts *rows, struct app_posts *out,
		    struct err *e)
{
	return app_view_rows(app, rows, APP_VIEW_LIST, out, e);
}

bool app_post_visible(struct app *app, const struct store_post *post, bool *is_visible,
		      struct err *e)
{
	struct store_post copy = *post;
	struct store_posts rows = {.items = &copy, .count = 1};
	struct app_posts posts;
	if (!app_view_rows(app, &rows, APP_VIEW_ONE, &posts, e))
		return false;
	*is_visible = posts.count == 1;
	return true;
}

static bool get_one(struct app *app, int64_t id, enum app_view mode, struct app_post *out,
		    struct err *e)
{
	struct store_post row;
	struct store_posts rows = {.items = &row, .count = 1};
	struct app_posts posts;
	if (!store_post_get(app->db, app->arena, id, &row, e) ||
	    !app_view_rows(app, &rows, mode, &posts, e))
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
	struct store_posts rows = {.items = ARENA_ARRAY(app->arena, struct store_post, count + 1)};
	struct store_posts ordered = {.items =
					  ARENA_ARRAY(app->arena, struct store_post, count + 1)};
	*out = (struct app_posts){0};
	if (!rows.items || !ordered.items)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_post_get_many(app->db, app->arena, ids, count, rows.items, &rows.count, e))
		return false;
	qsort(rows.items, rows.count, sizeof(*rows.items), compare_ids);
	bool *taken = arena_alloc(app->arena, rows.count + 1);
	for (size_t i = 0; i < count; i++) {
		struct store_post *row = find(rows.items, rows.count, sizeof(*rows.items), ids[i]);
		if (!row || taken[row - rows.items])
			continue;
		taken[row - rows.items] = true;
		ordered.items[ordered.count++] = *row;
	}
	return app_view_rows(app, &ordered, mode, out, e);
}
