/* Recovery codes of the second factor. */
#include "api/studio/recovery.h"

#include "api/api.h"
#include "api/studio/routes.h"

enum { PASSWORD_MAX = 200 };

void recovery_put(struct json_writer *w, const struct app_recovery *recovery)
{
	json_put_array(w, "recovery_codes");
	for (int i = 0; i < APP_RECOVERY_CODES; i++)
		json_put_str(w, NULL, recovery->codes[i]);
	json_put_end(w);
}

bool api_recovery_left(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t left;
	if (!app_recovery_left(&app, &left, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_int(&w, "left", left);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_recovery_renew(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_recovery recovery;
	const char *password;
	if (!param_text_required(rq, "password", PASSWORD_MAX, &password, e) ||
	    !app_recovery_renew(&app, password, &recovery, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	recovery_put(&w, &recovery);
	json_put_end(&w);
	return json_finish(&w, e);
}
