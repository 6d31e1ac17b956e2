/* PreviewCard: what a page says of itself. */
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "base/str.h"

static void put_authors(struct serial *s, const struct store_card *c)
{
	json_put_array(s->w, "authors");
	if (c->author_name[0]) {
		json_put_object(s->w, NULL);
		json_put_str(s->w, "name", c->author_name);
		json_put_str(s->w, "url", c->author_url);
		json_put_null(s->w, "account");
		json_put_end(s->w);
	}
	json_put_end(s->w);
}

/* No picture and no frame of others: see docs/decisions.md. */
void serial_card_members(struct serial *s, const struct store_card *c)
{
	struct json_writer *w = s->w;
	bool named = c->provider_name[0] != '\0';
	json_put_str(w, "url", c->url);
	json_put_str(w, "title", c->title);
	json_put_str(w, "description", c->description);
	json_put_str(w, "language", c->language);
	json_put_str(w, "type", "link");
	json_put_str(w, "author_name", c->author_name);
	json_put_str(w, "author_url", c->author_url);
	json_put_str(w, "provider_name", named || !c->publisher ? c->provider_name : c->publisher);
	json_put_str(w, "provider_url",
		     c->publisher ? arena_printf(s->app->arena, "%s://%s",
						 str_starts(c->url, "https:") ? "https" : "http",
						 c->publisher)
				  : "");
	json_put_str(w, "html", "");
	json_put_int(w, "width", 0);
	json_put_int(w, "height", 0);
	json_put_null(w, "image");
	json_put_str(w, "image_description", "");
	json_put_str(w, "embed_url", "");
	json_put_null(w, "blurhash");
	json_put_time(w, "published_at", c->published_at);
	put_authors(s, c);
}
