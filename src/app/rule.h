/* The server's lists: who may not come in, what may not be said. Administrators keep them. */
#ifndef MADANG_APP_RULE_H
#define MADANG_APP_RULE_H

#include "app/app.h"
#include "store/rule.h"

/* Checks the name for its kind and folds it: "Example.ORG" and "example.org" are one. */
bool app_rule_add(struct app *app, const struct store_rule *form, struct store_rule *out,
		  struct err *e) MUST_CHECK;
bool app_rule_get(struct app *app, enum store_rule_kind kind, int64_t id, struct store_rule *out,
		  struct err *e) MUST_CHECK;
bool app_rule_change(struct app *app, const struct store_rule *rule, struct store_rule *out,
		     struct err *e) MUST_CHECK;
bool app_rule_remove(struct app *app, enum store_rule_kind kind, int64_t id,
		     struct err *e) MUST_CHECK;
/* out has room for the page's limit. */
bool app_rule_list(struct app *app, enum store_rule_kind kind, const struct store_page *page,
		   struct store_rule *out, size_t *count, struct err *e) MUST_CHECK;
/* The hash under which an address is listed: without dots and +tags before the @, in lower case. */
const char *app_rule_email_hash(struct arena *arena, const char *email);

/* May somebody from this address sign up? ERR_FORBIDDEN says no; *approval: only after a look. */
bool app_rule_check_sign_up(struct app *app, const char *email, bool *approval,
			    struct err *e) MUST_CHECK;
/* May this network sign in? */
bool app_rule_check_access(struct app *app, struct err *e) MUST_CHECK;
/* Words that are listed: ERR_INVALID for those that are refused; *hold names one that a moderator looks at. */
bool app_rule_check_text(struct app *app, const char *const *texts, size_t count, const char **hold,
			 struct err *e) MUST_CHECK;

#endif
