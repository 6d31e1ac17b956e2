/* A proposed description of a picture of one's own. The request is parked while the describer looks, so no worker waits;
 * what comes back is stored nowhere: it becomes the description when its owner sends it as one. Handlers run
 * on workers, answers on the describer's thread. */
#include "api/studio/routes.h"
#include "app/media.h"
#include "jobs/describer.h"

/* In the request's arena. */
struct proposal {
	struct http_request *rq;
	struct http_response *rs;
	struct describer *describer;
};

static void answer(void *context, const char *text, const struct err *failure)
{
	struct proposal *p = context;
	struct http_request *rq = p->rq;
	struct err e = *failure;
	struct json_writer w = api_json(p->rs);
	bool ok = text != NULL;
	if (ok) {
		json_put_object(&w, NULL);
		json_put_str(&w, "description", text);
		json_put_str(&w, "model", describer_model(p->describer));
		json_put_end(&w);
		ok = json_finish(&w, &e);
	}
	if (!ok) {
		p->rs->body.failed = false;
		http_response_error(p->rs, rq, &e);
	}
	http_request_resume(rq);
}

bool api_media_propose(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct api *api = api_of(rq);
	struct store_media media;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_media_get(&app, id, &media, e))
		return false;
	if (!api->describer)
		return err_set(e, ERR_UNSUPPORTED,
			       "This server has no model that can look at pictures");
	if (media.kind != STORE_MEDIA_IMAGE || media.state != STORE_MEDIA_READY || !media.hash)
		return err_set(e, ERR_INVALID, "This is not a picture that is ready to be seen");
	struct proposal *p = ARENA_NEW(rq->arena, struct proposal);
	*p = (struct proposal){rq, rs, api->describer};
	const struct describer_order order = {
	    .account_id = app.account_id, .hash = media.hash, .context = p, .done = answer};
	http_response_park(rs);
	struct err refused;
	if (!describer_ask(api->describer, &order, &refused))
		answer(p, NULL, &refused);
	return true;
}
