/* What one notes about others, whom one shows on one's profile, which domains one hides, whom one might want to know. */
#ifndef MADANG_APP_NOTE_H
#define MADANG_APP_NOTE_H

#include "app/relation.h"

enum { APP_NOTE_CHARACTERS = 2000 };

bool app_note_set(struct app *app, int64_t id, const char *comment, struct app_relation *out,
		  struct err *e) MUST_CHECK;
/* Only whom one follows; unfollowing ends it. */
bool app_endorse(struct app *app, int64_t id, struct app_relation *out, struct err *e) MUST_CHECK;
bool app_unendorse(struct app *app, int64_t id, struct app_relation *out, struct err *e) MUST_CHECK;
/* Of any account. */
bool app_endorsements(struct app *app, int64_t id, const struct store_page *page,
		      struct store_accounts *out, struct err *e) MUST_CHECK;

bool app_hidden_domain_add(struct app *app, const char *domain, struct err *e) MUST_CHECK;
bool app_hidden_domain_remove(struct app *app, const char *domain, struct err *e) MUST_CHECK;
struct app_hidden_domains {
	const char *items[STORE_PAGE_MAX];
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};
bool app_hidden_domains(struct app *app, const struct store_page *page,
			struct app_hidden_domains *out, struct err *e) MUST_CHECK;

bool app_directory(struct app *app, bool by_age, bool only_local, int limit, int offset,
		   struct store_accounts *out, struct err *e) MUST_CHECK;
/* friends[i]: known to those one follows. Room for STORE_PAGE_MAX. */
bool app_suggestions(struct app *app, int limit, struct store_accounts *out, bool *friends,
		     struct err *e) MUST_CHECK;
bool app_suggestion_dismiss(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_familiar_followers(struct app *app, int64_t id, struct store_accounts *out,
			    struct err *e) MUST_CHECK;

#endif
