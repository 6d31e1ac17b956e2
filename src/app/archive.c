/* One account's archive, written while it is read. Any thread, with its own handle. What must stay true: memory holds
 * one page of posts and one block of a file; what waits for approval, and what its asker may not see, is not in it. */
#include "app/export.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/account.h"
#include "app/post.h"
#include "app/private.h"
#include "base/id.h"
#include "json/write.h"
#include "media/media.h"
#include "store/lineage.h"
#include "store/setting.h"

enum { PAGE = 40, PAGE_ARENA_CAP = 16 << 20, ITEM_MAX = 1 << 20, BLOCK = 64 << 10 };

struct packing {
	struct app app; /* in the owner's name; its arena is that of a page */
	bool own;
	const struct store_account *account;
	struct media_store *media;
	const struct app_sink *sink;
	struct archive *zip;
	struct err why; /* of the sink */
};

/* What the last page held is gone, and so is what the view kept of its owner's filters. */
static void turn_page(struct packing *p)
{
	arena_reset(p->app.arena);
	p->app.filters = NULL;
}

/* --- the container --- */

static la_ssize_t on_bytes(struct archive *zip, void *context, const void *bytes, size_t length)
{
	struct packing *p = context;
	if (p->sink->write(p->sink->context, bytes, length, &p->why))
		return (la_ssize_t)length;
	archive_set_error(zip, EIO, "%s", "nobody takes it");
	return -1;
}

static bool fail(struct packing *p, struct err *e)
{
	if (p->why.code != ERR_NONE)
		*e = p->why;
	else
		err_set(e, ERR_INTERNAL, "the archive cannot be written");
	return err_detail(e, "libarchive: %s", archive_error_string(p->zip));
}

static bool begin_entry(struct packing *p, const char *name, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	if (!entry)
		abort();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, (time_t)(p->app.now_ms / 1000), 0);
	bool ok = archive_write_header(p->zip, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	return ok || fail(p, e);
}

static bool add_bytes(void *context, const void *bytes, size_t length, struct err *e)
{
	struct packing *p = context;
	return !length || archive_write_data(p->zip, bytes, length) == (la_ssize_t)length ||
	       fail(p, e);
}

static bool add_text(struct packing *p, const char *text, struct err *e)
{
	return add_bytes(p, text, strlen(text), e);
}

static const char *extension(const char *type)
{
	static const char *const known[][2] = {{"image/webp", ".webp"}, {"image/jpeg", ".jpg"},
					       {"image/png", ".png"},   {"image/gif", ".gif"},
					       {"video/mp4", ".mp4"},   {"video/webm", ".webm"}};
	for (size_t i = 0; type && i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i][0], type))
			return known[i][1];
	return "";
}

static const char *file_name(struct packing *p, int64_t id, const char *type)
{
	char text[ID_TEXT_SIZE];
	return arena_printf(p->app.arena, "media_attachments/%s%s", id_format(text, id),
			    extension(type));
}

/* A picture that has gone meanwhile is left out. */
static bool add_object(struct packing *p, const char *name, const char *hash, struct err *e)
{
	char block[BLOCK];
	int fd;
	uint64_t size;
	if (!media_open(p->media, hash, &fd, &size, e))
		return e->code == ERR_NOT_FOUND;
	bool ok = begin_entry(p, name, e);
	ssize_t n = 0;
	while (ok && (n = read(fd, block, sizeof block)) > 0)
		ok = add_bytes(p, block, (size_t)n, e);
	close(fd);
	return ok && (n == 0 || err_set(e, ERR_IO, "a picture cannot be read"));
}

/* --- ActivityPub --- */

static const char *followers(struct packing *p)
{
	return arena_printf(p->app.arena, "%s/followers", p->account->uri);
}

static void put_list(struct json_writer *w, const char *key, const char *one)
{
	json_put_array(w, key);
	if (one)
		json_put_str(w, NULL, one);
	json_put_end(w);
}

static void put_audience(struct packing *p, struct json_writer *w, const struct app_post *post)
{
	static const char everybody[] = "https://www.w3.org/ns/activitystreams#Public";
	enum store_visibility v = post->row.visibility;
	if (v <= STORE_VISIBILITY_UNLISTED) {
		bool open = v == STORE_VISIBILITY_PUBLIC;
		put_list(w, "to", open ? everybody : followers(p));
		put_list(w, "cc", open ? followers(p) : everybody);
		return;
	}
	json_put_array(w, "to");
	if (v == STORE_VISIBILITY_PRIVATE)
		json_put_str(w, NULL, followers(p));
	for (size_t i = 0; i < post->mention_count; i++)
		json_put_str(w, NULL, post->mentions[i]->uri);
	json_put_end(w);
	put_list(w, "cc", NULL);
}

static void put_attachment(struct packing *p, struct json_writer *w, const struct app_post *post,
			   const struct store_media *m)
{
	if (m->held || !m->hash)
		return;
	json_put_object(w, NULL);
	json_put_str(w, "type", "Document");
	json_put_str(w, "mediaType", m->type);
	json_put_str(w, "url", file_name(p, m->id, m->type));
	json_put_str(w, "name", m->description);
	json_put_str(w, "blurhash", m->blurhash);
	json_put_int(w, "width", m->width);
	json_put_int(w, "height", m->height);
	if (m->maker) {
		bool open = p->own || post->row.prompt_visibility == STORE_PROMPT_PUBLIC;
		json_put_object(w, "madang");
		json_put_str(w, "maker", m->maker);
		json_put_str(w, "model", m->model);
		json_put_str(w, "style", m->style);
		json_put_str(w, "prompt", open ? m->prompt : NULL);
		if (m->has_seed)
			json_put_int(w, "seed", m->seed);
		json_put_end(w);
	}
	json_put_end(w);
}

static void put_tags(struct packing *p, struct json_writer *w, const struct app_post *post)
{
	json_put_array(w, "tag");
	for (size_t i = 0; i < post->mention_count; i++) {
		json_put_object(w, NULL);
		json_put_str(w, "type", "Mention");
		json_put_str(w, "href", post->mentions[i]->uri);
		json_put_str(w, "name",
			     arena_printf(p->app.arena, "@%s",
					  app_account_acct(p->app.arena, post->mentions[i])));
		json_put_end(w);
	}
	for (const char *at = post->row.tags; at && *at;) {
		size_t n = strcspn(at, " ");
		json_put_object(w, NULL);
		json_put_str(w, "type", "Hashtag");
		json_put_str(w, "name", arena_printf(p->app.arena, "#%.*s", (int)n, at));
		json_put_end(w);
		at += n + (at[n] == ' ');
	}
	json_put_end(w);
}

static void put_poll(struct json_writer *w, const struct store_poll *poll)
{
	json_put_array(w, poll->multiple ? "anyOf" : "oneOf");
	for (size_t i = 0; i < poll->option_count; i++) {
		json_put_object(w, NULL);
		json_put_str(w, "type", "Note");
		json_put_str(w, "name", poll->options[i]);
		json_put_object(w, "replies");
		json_put_str(w, "type", "Collection");
		json_put_int(w, "totalItems", poll->votes[i]);
		json_put_end(w);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_time(w, "endTime", poll->expires_at);
	json_put_int(w, "votersCount", poll->voters_count);
}

/* Pictures that wait for approval: they are its author's, but not yet to be taken elsewhere. */
static int64_t held_count(const struct app_post *post)
{
	int64_t count = 0;
	for (size_t i = 0; i < post->media_count; i++)
		count += post->media[i].held;
	return count;
}

/* Where it stands in the tree of remixes: what it was made of, where that began, how often it was remixed. */
static void put_lineage(struct packing *p, struct json_writer *w, const struct app_post *post,
			const struct store_lineage *nodes, size_t count)
{
	char id[ID_TEXT_SIZE];
	json_put_object(w, "madang");
	json_put_str(w, "remixOf", post->has_remix_of ? post->remix_of.url : NULL);
	json_put_int(w, "remixes", post->row.remixes_count);
	json_put_int(w, "picturesHeld", held_count(post));
	json_put_object(w, "lineage");
	for (size_t i = 0; i < count; i++)
		if (nodes[i].post_id == post->row.id) {
			json_put_id(w, "parent", nodes[i].parent_id);
			json_put_id(w, "root", nodes[i].root_id);
			json_put_str(w, "url",
				     arena_printf(p->app.arena, "%s/lineage/%s",
						  p->app.core->config.base_url,
						  id_format(id, nodes[i].root_id)));
		}
	json_put_end(w);
	json_put_end(w);
}

static void put_note(struct packing *p, struct json_writer *w, const struct app_post *post,
		     const struct store_lineage *nodes, size_t count)
{
	const struct store_post *row = &post->row;
	char id[ID_TEXT_SIZE];
	json_put_object(w, "object");
	json_put_str(w, "id", row->uri);
	json_put_str(w, "type", post->poll ? "Question" : "Note");
	json_put_str(w, "url", row->url);
	json_put_str(w, "attributedTo", p->account->uri);
	json_put_str(w, "summary", *row->spoiler_text ? row->spoiler_text : NULL);
	json_put_bool(w, "sensitive", row->sensitive);
	json_put_str(w, "content", row->content);
	json_put_object(w, "source");
	json_put_str(w, "content", row->text);
	json_put_str(w, "mediaType", "text/plain");
	json_put_end(w);
	json_put_str(w, "language", row->language);
	json_put_time(w, "published", row->created_at);
	json_put_time(w, "updated", row->edited_at);
	if (row->in_reply_to_id)
		json_put_str(w, "inReplyToId", id_format(id, row->in_reply_to_id));
	if (post->quote_of)
		json_put_str(w, "quoteUrl", post->quote_of->row.uri);
	put_audience(p, w, post);
	json_put_array(w, "attachment");
	for (size_t i = 0; i < post->media_count; i++)
		put_attachment(p, w, post, &post->media[i]);
	json_put_end(w);
	put_tags(p, w, post);
	if (post->poll)
		put_poll(w, post->poll);
	put_lineage(p, w, post, nodes, count);
	json_put_end(w);
}

static bool put_activity(struct packing *p, struct buf *out, const struct app_post *post,
			 const struct store_lineage *nodes, size_t count, struct err *e)
{
	struct json_writer writer, *w = &writer;
	json_begin(w, out);
	json_put_object(w, NULL);
	json_put_str(w, "id", arena_printf(p->app.arena, "%s/activity", post->row.uri));
	json_put_str(w, "type", post->boost_of ? "Announce" : "Create");
	json_put_str(w, "actor", p->account->uri);
	json_put_time(w, "published", post->row.created_at);
	put_audience(p, w, post);
	if (post->boost_of)
		json_put_str(w, "object", post->boost_of->row.uri);
	else
		put_note(p, w, post, nodes, count);
	json_put_end(w);
	return json_finish(w, e);
}

/* --- the parts --- */

/* Others than the owner get what anybody could read. */
static bool is_for(const struct packing *p, const struct app_post *post)
{
	return p->own || post->row.visibility <= STORE_VISIBILITY_UNLISTED;
}

static bool add_page(struct packing *p, const struct store_posts *rows, struct buf *item, bool *any,
		     struct err *e)
{
	struct app_posts posts;
	struct store_lineage nodes[PAGE];
	int64_t ids[PAGE];
	size_t count = 0;
	for (size_t i = 0; i < rows->count; i++)
		ids[i] = rows->items[i].id;
	if (!app_posts_view(&p->app, rows, &posts, e) ||
	    !store_lineage_get_many(p->app.db, ids, rows->count, nodes, &count, e))
		return false;
	for (size_t i = 0; i < posts.count; i++) {
		if (!is_for(p, &posts.items[i]))
			continue;
		buf_clear(item);
		buf_add_str(item, *any ? ",\n" : "\n");
		if (!put_activity(p, item, &posts.items[i], nodes, count, e) ||
		    !add_bytes(p, item->data, item->length, e))
			return false;
		*any = true;
	}
	return true;
}

static bool add_outbox(struct packing *p, struct err *e)
{
	const struct store_post_filter filter = {
	    .account_id = p->account->id, .viewer_id = p->account->id, .viewer_follows = true};
	struct store_page page = {.limit = PAGE};
	struct store_posts rows;
	struct buf item;
	bool any = false, ok;
	buf_init(&item, ITEM_MAX);
	ok = begin_entry(p, "outbox.json", e) &&
	     add_text(
		 p,
		 "{\"@context\":\"https://www.w3.org/ns/activitystreams\",\"id\":\"outbox.json\","
		 "\"type\":\"OrderedCollection\",\"orderedItems\":[",
		 e);
	do {
		turn_page(p);
		ok = ok &&
		     store_post_of_account(p->app.db, p->app.arena, &filter, &page, &rows, e) &&
		     (!rows.count || add_page(p, &rows, &item, &any, e));
		if (ok && rows.count)
			page.max_id = rows.items[rows.count - 1].id;
	} while (ok && rows.count == PAGE);
	buf_finish(&item);
	return ok && add_text(p, "\n]}\n", e);
}

static bool add_actor(struct packing *p, struct err *e)
{
	const struct store_account *a = p->account;
	struct buf text;
	struct json_writer writer, *w = &writer;
	buf_init(&text, ITEM_MAX);
	json_begin(w, &text);
	json_put_object(w, NULL);
	json_put_str(w, "@context", "https://www.w3.org/ns/activitystreams");
	json_put_str(w, "id", a->uri);
	json_put_str(w, "type", a->bot ? "Service" : "Person");
	json_put_str(w, "url", a->url);
	json_put_str(w, "preferredUsername", a->username);
	json_put_str(w, "name", a->display_name);
	json_put_str(w, "summary", a->note);
	json_put_time(w, "published", a->created_at);
	json_put_str(w, "outbox", "outbox.json");
	json_put_str(w, "likes", "likes.json");
	json_put_str(w, "bookmarks", "bookmarks.json");
	if (a->avatar_hash)
		json_put_str(w, "icon",
			     arena_printf(p->app.arena, "avatar%s", extension(a->avatar_type)));
	if (a->header_hash)
		json_put_str(w, "image",
			     arena_printf(p->app.arena, "header%s", extension(a->header_type)));
	json_put_end(w);
	bool ok = json_finish(w, e) && begin_entry(p, "actor.json", e) &&
		  add_bytes(p, text.data, text.length, e);
	buf_finish(&text);
	return ok &&
	       (!a->avatar_hash ||
		add_object(p, arena_printf(p->app.arena, "avatar%s", extension(a->avatar_type)),
			   a->avatar_hash, e)) &&
	       (!a->header_hash ||
		add_object(p, arena_printf(p->app.arena, "header%s", extension(a->header_type)),
			   a->header_hash, e));
}

/* Posts of others, by name alone. */
static bool add_names(struct packing *p, const char *name, enum store_export kind, struct err *e)
{
	struct store_export_row rows[STORE_EXPORT_PAGE];
	size_t found = 0;
	int64_t after = 0;
	bool any = false;
	if (!begin_entry(p, name, e) ||
	    !add_text(p,
		      "{\"@context\":\"https://www.w3.org/ns/activitystreams\","
		      "\"type\":\"OrderedCollection\",\"orderedItems\":[",
		      e))
		return false;
	do {
		turn_page(p);
		if (!store_export_page(p->app.db, p->app.arena, kind, p->account->id, after, rows,
				       &found, e))
			return false;
		for (size_t i = 0; i < found; i++, any = true)
			if (!add_text(p,
				      arena_printf(p->app.arena, "%s\n\"%s\"", any ? "," : "",
						   rows[i].name),
				      e))
				return false;
		after = found ? rows[found - 1].key : 0;
	} while (found == STORE_EXPORT_PAGE);
	return add_text(p, "\n]}\n", e);
}

static bool add_lists(struct packing *p, struct err *e)
{
	const struct app_sink sink = {p, add_bytes};
	for (int i = 0; i < STORE_EXPORT_FAVOURITES; i++) {
		turn_page(p);
		const char *name =
		    arena_printf(p->app.arena, "%s.csv", app_export_name((enum store_export)i));
		if (!begin_entry(p, name, e) ||
		    !app_export_csv_of(&p->app, p->account->id, (enum store_export)i, &sink, e))
			return false;
	}
	return true;
}

/* Others than the owner get the pictures of the posts they get. */
static bool file_is_for(struct packing *p, int64_t media_id, bool *yes, struct err *e)
{
	struct store_media m;
	struct store_post post;
	*yes = p->own;
	if (p->own)
		return true;
	if (!store_media_get(p->app.db, p->app.arena, media_id, &m, e) || !m.post_id ||
	    !store_post_get(p->app.db, p->app.arena, m.post_id, &post, e))
		return e->code == ERR_NOT_FOUND || e->code == ERR_NONE;
	*yes = post.visibility <= STORE_VISIBILITY_UNLISTED;
	return true;
}

static bool add_files(struct packing *p, struct err *e)
{
	struct store_export_file rows[STORE_EXPORT_PAGE];
	size_t found = 0;
	int64_t after = 0;
	archive_write_zip_set_compression_store(p->zip); /* pictures are small already */
	do {
		turn_page(p);
		if (!store_export_files(p->app.db, p->app.arena, p->account->id, after, rows,
					&found, e))
			return false;
		for (size_t i = 0; i < found; i++) {
			struct err missing = {0};
			bool yes;
			if (!file_is_for(p, rows[i].id, &yes, &missing)) {
				*e = missing;
				return false;
			}
			if (yes &&
			    !add_object(p, file_name(p, rows[i].id, rows[i].type), rows[i].hash, e))
				return false;
		}
		after = found ? rows[found - 1].id : 0;
	} while (found == STORE_EXPORT_PAGE);
	return true;
}

/* --- the whole --- */

static bool note_down(struct app *w, void *context, struct err *e)
{
	const struct store_account *account = context;
	return store_audit_insert(w->db, w->account_id, "account.export", account->id,
				  account->username, w->now_ms, e);
}

bool app_archive_begin(struct app *app, int64_t account_id, struct store_account *account,
		       struct err *e)
{
	if (!app_need_account(app, e))
		return false;
	bool own = account_id == app->account_id;
	if ((!own && !app_need_moderator(app, e)) ||
	    !store_account_get(app->db, app->arena, account_id, account, e))
		return false;
	if (*account->domain || account->state == STORE_ACCOUNT_DELETED)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!own && account->role >= app->role)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	return own || app_write(app, note_down, account, e);
}

bool app_archive_write(struct app *app, const struct store_account *account,
		       struct media_store *media, const struct app_sink *sink, struct err *e)
{
	struct packing p = {.app = *app,
			    .own = account->id == app->account_id,
			    .account = account,
			    .media = media,
			    .sink = sink,
			    .zip = archive_write_new()};
	if (!p.zip)
		abort();
	p.app.account_id = account->id;
	p.app.role = STORE_ROLE_USER;
	p.app.passes = true;
	p.app.arena = arena_create(PAGE_ARENA_CAP);
	bool ok = (archive_write_set_format_zip(p.zip) == ARCHIVE_OK &&
		   archive_write_set_bytes_per_block(p.zip, BLOCK) == ARCHIVE_OK &&
		   archive_write_set_bytes_in_last_block(p.zip, 1) == ARCHIVE_OK &&
		   archive_write_open(p.zip, &p, NULL, on_bytes, NULL) == ARCHIVE_OK) ||
		  fail(&p, e);
	ok = ok && add_actor(&p, e) && add_outbox(&p, e) &&
	     (!p.own ||
	      (add_names(&p, "likes.json", STORE_EXPORT_FAVOURITES, e) &&
	       add_names(&p, "bookmarks.json", STORE_EXPORT_BOOKMARKS, e) && add_lists(&p, e))) &&
	     add_files(&p, e);
	ok = ok && (archive_write_close(p.zip) == ARCHIVE_OK || fail(&p, e));
	archive_write_free(p.zip);
	arena_destroy(p.app.arena);
	return ok;
}
