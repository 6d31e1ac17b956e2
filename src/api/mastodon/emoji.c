/* The server's own emojis, as everybody may use them. Keeping them: admin/emoji.c. */
#include "app/emoji.h"
#include "api/mastodon/routes.h"
#include "api/serial.h"

bool api_emoji_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_emoji *all;
	size_t n;
	if (!app_emoji_all(&app, &all, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		if (!all[i].hidden)
			serial_emoji(&s, NULL, &all[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}
