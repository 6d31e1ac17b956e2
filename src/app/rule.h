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
/* What others are told of the domains that are kept out, as the setting show_domain_blocks has it: ERR_NOT_FOUND where
 * nobody is told, ERR_UNAUTHORIZED where only accounts of this server are. */
struct app_blocked_domain {
	const char *domain; /* with stars in it where the list says so */
	const char *digest; /* SHA-256 of the whole */
	enum store_domain_level level;
	const char *comment;
};
bool app_rule_domains_shown(struct app *app, struct app_blocked_domain **out, size_t *count,
			    struct err *e) MUST_CHECK;
/* The hash under which an address is listed: without dots and +tags before the @, in lower case. */
const char *app_rule_email_hash(struct arena *arena, const char *email);

/* May somebody from this address sign up? ERR_FORBIDDEN says no; *approval: only after a look. */
bool app_rule_check_sign_up(struct app *app, const char *email, bool *approval,
			    struct err *e) MUST_CHECK;
/* network.c: may this address ask anything at all? Quick, from memory; for any thread that must not wait. */
bool app_networks_admit(struct app_core *core, const char *ip, int64_t now_ms);
/* Another process has changed the list; app_tick, or the next call of app_networks_load, reads it anew. */
void app_networks_changed(struct app_core *core);
bool app_networks_load(struct app *app, struct err *e) MUST_CHECK;
/* Another one whenever the list in memory is another one. */
unsigned app_networks_version(struct app_core *core);
/* Words that are listed: ERR_INVALID for those that are refused; *hold names one that a moderator looks at. */
bool app_rule_check_text(struct app *app, const char *const *texts, size_t count, const char **hold,
			 struct err *e) MUST_CHECK;

/* SHA-256 in hex: how a blocked domain is told to those who keep lists of their own. */
const char *app_rule_digest(struct arena *arena, const char *text);

#endif
