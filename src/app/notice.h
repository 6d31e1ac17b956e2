/* What a person is told that is no notification of Mastodon's: a token stopped, access revoked, a review decided. */
#ifndef MADANG_APP_NOTICE_H
#define MADANG_APP_NOTICE_H

#include "app/app.h"
#include "store/notice.h"

/* Inside a write. kind: "token.suspended"; target_id: what it is about; 0: nothing. */
bool app_notice(struct app *w, int64_t account_id, const char *kind, const char *text,
		int64_t target_id, struct err *e) MUST_CHECK;
/* One's own; out has room for the page's limit. */
bool app_notice_list(struct app *app, const struct store_page *page, struct store_notice *out,
		     size_t *found, struct err *e) MUST_CHECK;
bool app_notice_read(struct app *app, int64_t id, struct err *e) MUST_CHECK;

/* Whether one gets notices by mail too (at first: yes), and whether this server has mail. */
bool app_notice_mail_get(struct app *app, bool *on, bool *possible, struct err *e) MUST_CHECK;
bool app_notice_mail_set(struct app *app, bool on, struct err *e) MUST_CHECK;

#endif
