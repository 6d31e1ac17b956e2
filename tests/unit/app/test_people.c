/* People: set-up, sign-up, sign-in, the second factor, OAuth, relations, moderation; on both databases. */
#include "app/account.h"
#include "app/oauth.h"
#include "app/private.h"
#include "app/recovery.h"
#include "app/relation.h"
#include "app/setting.h"
#include "app/timeline.h"
#include "testapp.h"
#include "testdb.h"

#include "base/clock.h"

#include <stdio.h>

static enum db_kind kind;

static int set_up(void **state)
{
	(void)state;
	return testapp_set_up(kind);
}

static int tear_down(void **state)
{
	(void)state;
	return testapp_tear_down();
}

static const struct app_sign_up ana = {
    .username = "ana", .email = "ana@example.org", .password = "correct horse", .agreement = true};

static void set_up_link_counts_once(void **state)
{
	(void)state;
	const char *first, *code;
	struct app_session session;
	struct app_identity who;
	bool required;
	OK(app_setup_required(&t.app, &required, &t.e));
	assert_true(required);
	OK(app_setup_code(&t.app, &first, &t.e));
	OK(app_setup_code(&t.app, &code, &t.e));
	FAILS(app_setup(&t.app, first, &ana, &session, &t.e),
	      ERR_INVALID); /* a new link ends the old one */
	OK(app_setup(&t.app, code, &ana, &session, &t.e));
	assert_int_equal(session.identity.role, STORE_ROLE_OWNER);
	FAILS(app_setup(&t.app, code, &ana, &session, &t.e), ERR_FORBIDDEN);
	OK(app_setup_required(&t.app, &required, &t.e));
	assert_false(required);
	OK(app_auth_session(&t.app, session.cookie, &who, &t.e));
	assert_true(who.account_id == session.identity.account_id);
	assert_string_equal(who.csrf_token, session.identity.csrf_token);
	assert_string_not_equal(who.csrf_token, session.cookie);
}

static void sign_up_modes(void **state)
{
	(void)state;
	struct app_session session;
	struct app_settings settings;
	struct app_invitation invitation;
	struct app admin = testapp_as_admin(testapp_person("root"));
	bool pending;
	FAILS(app_sign_up(&t.app, &ana, &session, &pending, &t.e),
	      ERR_FORBIDDEN); /* by invitation at first */
	OK(app_invitation_create(&admin, 1, 0, &invitation, &t.e));
	struct app_sign_up invited = ana;
	invited.invitation = invitation.code;
	OK(app_sign_up(&t.app, &invited, &session, &pending, &t.e));
	assert_false(pending);
	assert_non_null(session.cookie);
	invited.username = "bo";
	invited.email = "bo@example.org";
	FAILS(app_sign_up(&t.app, &invited, &session, &pending, &t.e), ERR_INVALID); /* used up */
	enum app_registrations mode = APP_REGISTRATIONS_APPROVAL;
	OK(app_settings_change(&admin, &(struct app_settings_change){.registrations = &mode},
			       &settings, &t.e));
	assert_int_equal(settings.registrations, APP_REGISTRATIONS_APPROVAL);
	invited.invitation = NULL;
	invited.reason = "I like pictures";
	OK(app_sign_up(&t.app, &invited, &session, &pending, &t.e));
	assert_true(pending);
	assert_null(session.cookie);
	bool totp;
	FAILS(app_sign_in(&t.app, "bo", "correct horse", NULL, NULL, &session, &totp, &t.e),
	      ERR_FORBIDDEN);
	struct app_admin_accounts waiting;
	struct store_page page = {0};
	OK(app_admin_accounts(&admin, STORE_ACCOUNT_PENDING, NULL, &page, &waiting, &t.e));
	assert_int_equal(waiting.count, 1);
	assert_string_equal(waiting.items[0].user.reason, "I like pictures");
	OK(app_admin_approve(&admin, waiting.items[0].account.id, &t.e));
	FAILS(app_admin_approve(&admin, waiting.items[0].account.id, &t.e), ERR_CONFLICT);
	OK(app_sign_in(&t.app, "bo", "correct horse", NULL, NULL, &session, &totp, &t.e));
	mode = APP_REGISTRATIONS_CLOSED;
	OK(app_settings_change(&admin, &(struct app_settings_change){.registrations = &mode},
			       &settings, &t.e));
	FAILS(app_sign_up(&t.app, &ana, &session, &pending, &t.e), ERR_FORBIDDEN);
}

static void bad_forms(void **state)
{
	(void)state;
	int64_t id;
	struct app_sign_up forms[] = {ana, ana, ana, ana, ana, ana, ana, ana};
	forms[0].username = "";
	forms[1].username = "with space";
	forms[2].username = "a12345678901234567890123456789012345";
	forms[3].username = "draw";
	forms[4].email = "nothing";
	forms[5].email = "a@b@c";
	forms[6].password = "short";
	forms[7].display_name = "\xff";
	for (size_t i = 0; i < 8; i++)
		FAILS(app_account_create(&t.app, &forms[i], STORE_ROLE_USER, &id, &t.e),
		      ERR_INVALID);
	OK(app_account_create(&t.app, &ana, STORE_ROLE_USER, &id, &t.e));
	struct app_sign_up same_name = ana, same_email = ana;
	same_name.username = "ANA";
	same_name.email = "other@example.org";
	same_email.username = "other";
	same_email.email = "ANA@Example.org";
	FAILS(app_account_create(&t.app, &same_name, STORE_ROLE_USER, &id, &t.e), ERR_CONFLICT);
	FAILS(app_account_create(&t.app, &same_email, STORE_ROLE_USER, &id, &t.e), ERR_CONFLICT);
}

static void signing_in(void **state)
{
	(void)state;
	struct app_session session, other;
	struct app_identity who;
	bool totp;
	int64_t id = testapp_person("ana");
	OK(app_sign_in(&t.app, "ana", "password ana", NULL, "Firefox", &session, &totp, &t.e));
	OK(app_sign_in(&t.app, "Ana@Example.ORG", "password ana", NULL, NULL, &other, &totp, &t.e));
	FAILS(app_sign_in(&t.app, "ana", "wrong", NULL, NULL, &other, &totp, &t.e),
	      ERR_UNAUTHORIZED);
	FAILS(app_sign_in(&t.app, "nobody", "wrong", NULL, NULL, &other, &totp, &t.e),
	      ERR_UNAUTHORIZED);
	OK(app_auth_session(&t.app, session.cookie, &who, &t.e));
	assert_true(who.account_id == id);
	FAILS(app_auth_session(&t.app, "wrong", &who, &t.e), ERR_UNAUTHORIZED);
	struct app later = t.app;
	later.now_ms += app_core_config(t.core)->session_ttl_ms + 1;
	FAILS(app_auth_session(&later, session.cookie, &who, &t.e), ERR_UNAUTHORIZED);
	struct app self = testapp_as(id);
	OK(app_auth_session(&t.app, session.cookie, &who, &t.e));
	OK(app_sign_out(&self, who.session_id, &t.e));
	FAILS(app_auth_session(&t.app, session.cookie, &who, &t.e), ERR_UNAUTHORIZED);
	assert_int_equal(t.events[APP_EVENT_SIGNED_OUT], 1);
}

static void too_many_tries(void **state)
{
	(void)state;
	struct app_session session;
	bool totp;
	testapp_person("ana");
	for (int i = 0; i < 10; i++)
		FAILS(app_sign_in(&t.app, i % 2 ? "ana" : "ANA", "wrong", NULL, NULL, &session,
				  &totp, &t.e),
		      ERR_UNAUTHORIZED);
	FAILS(app_sign_in(&t.app, "ana", "password ana", NULL, NULL, &session, &totp, &t.e),
	      ERR_LIMIT);
	struct app later = t.app;
	later.now_ms += 11 * 60 * 1000;
	OK(app_sign_in(&later, "ana", "password ana", NULL, NULL, &session, &totp, &t.e));
}

static void passwords_change_and_reset(void **state)
{
	(void)state;
	struct app_session session, kept;
	struct app_identity who;
	struct app_oauth_token token;
	bool totp;
	int64_t id = testapp_person("ana");
	struct app self = testapp_as(id);
	OK(app_sign_in(&t.app, "ana", "password ana", NULL, NULL, &session, &totp, &t.e));
	OK(app_sign_in(&t.app, "ana", "password ana", NULL, NULL, &kept, &totp, &t.e));
	OK(app_oauth_token_create(&t.app, id, "cli", "read write", &token, &t.e));
	OK(app_auth_token(&t.app, token.access_token, &who, &t.e));
	FAILS(app_password_change(&self, kept.identity.session_id, "wrong", "new password", &t.e),
	      ERR_INVALID);
	FAILS(app_password_change(&self, kept.identity.session_id, "password ana", "short", &t.e),
	      ERR_INVALID);
	OK(app_password_change(&self, kept.identity.session_id, "password ana", "new password",
			       &t.e));
	FAILS(app_auth_session(&t.app, session.cookie, &who, &t.e), ERR_UNAUTHORIZED);
	OK(app_auth_session(&t.app, kept.cookie, &who, &t.e));
	FAILS(app_auth_token(&t.app, token.access_token, &who, &t.e), ERR_UNAUTHORIZED);
	OK(app_password_reset_ask(&t.app, "nobody@example.org", &t.e));
	assert_string_equal(t.mail, "");
	OK(app_password_reset_ask(&t.app, "ANA@example.org", &t.e));
	const char *in_mail = strstr(t.mail, "code=") + 5;
	const char *code = arena_strndup(t.arena, in_mail, strcspn(in_mail, "\n"));
	FAILS(app_password_reset(&t.app, "guess", "third password", &t.e), ERR_INVALID);
	OK(app_password_reset(&t.app, code, "third password", &t.e));
	FAILS(app_password_reset(&t.app, code, "fourth password", &t.e), ERR_INVALID);
	FAILS(app_auth_session(&t.app, kept.cookie, &who, &t.e), ERR_UNAUTHORIZED);
	OK(app_sign_in(&t.app, "ana", "third password", NULL, NULL, &session, &totp, &t.e));
	const char *url;
	FAILS(app_password_reset_link(&self, id, &url, &t.e), ERR_FORBIDDEN);
	struct app admin = testapp_as_admin(testapp_person("root"));
	OK(app_password_reset_link(&admin, id, &url, &t.e));
	assert_non_null(strstr(url, "https://yard.example/reset?code="));
}

/* RFC 6238's test vector for SHA-1: T = 59 s gives 94287082, of which we use the last six digits. */
static void one_time_codes(void **state)
{
	(void)state;
	int64_t step;
	assert_true(app_totp_matches("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "287082", 59000, &step));
	assert_true(step == 1);
	assert_false(app_totp_matches("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "287083", 59000, &step));
	assert_false(app_totp_matches("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "28708", 59000, &step));
	assert_true(app_totp_matches("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "081804",
				     INT64_C(1111111109000), &step));
}

static const char *code_now(const char *secret, int64_t now_ms)
{
	int64_t step;
	for (int i = 0; i < 1000000; i++) {
		char *code = arena_printf(t.arena, "%06d", i);
		if (app_totp_matches(secret, code, now_ms, &step) && step == now_ms / 30000)
			return code;
		if (i % 1000 == 999)
			arena_reset(t.arena);
	}
	fail();
	return NULL;
}

static void second_factor(void **state)
{
	(void)state;
	struct app_session session;
	struct app_totp totp;
	struct app self = testapp_as(testapp_person("ana"));
	bool required, enabled;
	struct app_recovery recovery;
	char secret[64], code[8];
	OK(app_totp_begin(&self, &totp, &t.e));
	snprintf(secret, sizeof(secret), "%s", totp.secret);
	assert_non_null(strstr(totp.uri, secret));
	FAILS(app_totp_confirm(&self, "abc", &recovery, &t.e), ERR_INVALID);
	snprintf(code, sizeof(code), "%s", code_now(secret, self.now_ms));
	OK(app_totp_confirm(&self, code, &recovery, &t.e));
	OK(app_totp_enabled(&self, &enabled, &t.e));
	assert_true(enabled);
	struct app nobody = self;
	nobody.account_id = 0;
	FAILS(app_sign_in(&nobody, "ana", "password ana", NULL, NULL, &session, &required, &t.e),
	      ERR_UNAUTHORIZED);
	assert_true(required);
	/* the code that switched it on counts only once */
	FAILS(app_sign_in(&nobody, "ana", "password ana", code, NULL, &session, &required, &t.e),
	      ERR_UNAUTHORIZED);
	nobody.now_ms += 60000;
	snprintf(code, sizeof(code), "%s", code_now(secret, nobody.now_ms));
	OK(app_sign_in(&nobody, "ana", "password ana", code, NULL, &session, &required, &t.e));
	FAILS(app_totp_disable(&self, "wrong", &t.e), ERR_INVALID);
	OK(app_totp_disable(&self, "password ana", &t.e));
	OK(app_totp_enabled(&self, &enabled, &t.e));
	assert_false(enabled);
}

static bool signs_in(struct app *nobody, const char *code)
{
	struct app_session session;
	bool required;
	t.e = (struct err){0};
	bool ok = app_sign_in(nobody, "ana", "password ana", code, NULL, &session, &required, &t.e);
	assert_true(ok || t.e.code == ERR_UNAUTHORIZED);
	return ok;
}

static void recovery_codes(void **state)
{
	(void)state;
	struct app self = testapp_as(testapp_person("ana")), nobody = self;
	struct app_totp totp;
	struct app_recovery first, second;
	char secret[64], code[8], kept[APP_RECOVERY_CODES][16], typed[24];
	int64_t left;
	nobody.account_id = 0;
	FAILS(app_recovery_renew(&self, "password ana", &first, &t.e), ERR_CONFLICT);
	OK(app_totp_begin(&self, &totp, &t.e));
	snprintf(secret, sizeof(secret), "%s", totp.secret);
	snprintf(code, sizeof(code), "%s", code_now(secret, self.now_ms));
	OK(app_totp_confirm(&self, code, &first, &t.e));
	for (int i = 0; i < APP_RECOVERY_CODES; i++) {
		assert_int_equal(strlen(first.codes[i]), 14);
		snprintf(kept[i], sizeof(kept[i]), "%s", first.codes[i]);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(kept[i], kept[k]);
	}
	OK(app_recovery_left(&self, &left, &t.e));
	assert_int_equal(left, 10);
	assert_false(signs_in(&nobody, "abcd-efgh-jkmn"));
	assert_true(signs_in(&nobody, kept[3]));
	assert_false(signs_in(&nobody, kept[3])); /* once */
	/* as people type: capitals, spaces instead of dashes */
	snprintf(typed, sizeof(typed), "%.4s %.4s %.4s ", kept[4], kept[4] + 5, kept[4] + 10);
	for (char *c = typed; *c; c++)
		*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	assert_true(signs_in(&nobody, typed));
	OK(app_recovery_left(&self, &left, &t.e));
	assert_int_equal(left, 8);
	FAILS(app_recovery_renew(&self, "wrong", &second, &t.e), ERR_INVALID);
	OK(app_recovery_renew(&self, "password ana", &second, &t.e));
	OK(app_recovery_left(&self, &left, &t.e));
	assert_int_equal(left, 10);
	assert_false(signs_in(&nobody, kept[0]));
	assert_true(signs_in(&nobody, second.codes[0]));
	OK(app_totp_disable(&self, "password ana", &t.e));
	OK(app_recovery_left(&self, &left, &t.e));
	assert_int_equal(left, 0);
}

static void apps_and_tokens(void **state)
{
	(void)state;
	struct store_oauth_app client;
	struct app_oauth_token token;
	struct app_identity who;
	const char *secret, *code;
	int64_t id = testapp_person("ana");
	struct app self = testapp_as(id);
	FAILS(app_oauth_app_create(&t.app, "x", "javascript:alert(1)", "read", NULL, &client,
				   &secret, &t.e),
	      ERR_INVALID);
	FAILS(app_oauth_app_create(&t.app, "", "urn:ietf:wg:oauth:2.0:oob", "read", NULL, &client,
				   &secret, &t.e),
	      ERR_INVALID);
	FAILS(app_oauth_app_create(&t.app, "x", "https://a/b", "everything", NULL, &client, &secret,
				   &t.e),
	      ERR_INVALID);
	OK(app_oauth_app_create(&t.app, "Ivory",
				"com.tapbots.Ivory.10217:/request_token\nhttps://a/b",
				"read write follow", NULL, &client, &secret, &t.e));
	struct app_oauth_request ask = {
	    .client_id = client.client_id,
	    .redirect_uri = "https://a/b",
	    .scopes = "read write:media",
	    .code_challenge =
		"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", /* RFC 7636, appendix B */
	    .code_challenge_method = "S256",
	};
	OK(app_oauth_authorize(&self, &ask, &code, &t.e));
	struct app_oauth_exchange bring = {
	    .grant_type = "authorization_code",
	    .client_id = client.client_id,
	    .code = code,
	    .redirect_uri = "https://a/b",
	    .code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	};
	OK(app_oauth_exchange(&t.app, &bring, &token, &t.e));
	FAILS(app_oauth_exchange(&t.app, &bring, &token, &t.e), ERR_INVALID); /* once */
	assert_string_equal(t.e.detail, "invalid_grant");
	OK(app_oauth_authorize(&self, &ask, &code, &t.e));
	bring.code = code;
	bring.code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX";
	FAILS(app_oauth_exchange(&t.app, &bring, &token, &t.e), ERR_INVALID);
	ask.redirect_uri = "https://evil/b";
	FAILS(app_oauth_authorize(&self, &ask, &code, &t.e), ERR_INVALID);
	ask.redirect_uri = "https://a/b";
	ask.scopes = "read push";
	FAILS(app_oauth_authorize(&self, &ask, &code, &t.e), ERR_INVALID);
	bring.client_id = "unknown";
	FAILS(app_oauth_exchange(&t.app, &bring, &token, &t.e), ERR_UNAUTHORIZED);
	struct app_oauth_exchange own = {.grant_type = "client_credentials",
					 .client_id = client.client_id,
					 .client_secret = secret,
					 .scopes = "read"};
	OK(app_oauth_exchange(&t.app, &own, &token, &t.e));
	OK(app_auth_token(&t.app, token.access_token, &who, &t.e));
	assert_true(who.account_id == 0);
	OK(app_oauth_revoke(&t.app, client.client_id, secret, token.access_token, &t.e));
	FAILS(app_auth_token(&t.app, token.access_token, &who, &t.e), ERR_UNAUTHORIZED);
	assert_true(app_scope_allows("read write", "write:media"));
	assert_true(app_scope_allows("follow", "write:follows"));
	assert_false(app_scope_allows("read write:media", "write:statuses"));
	assert_false(app_scope_allows("readwrite", "read"));
}

static void following(void **state)
{
	(void)state;
	struct app_relation r;
	struct store_accounts list;
	struct store_account account;
	struct store_page page = {0};
	int64_t a = testapp_person("ana"), b = testapp_person("bo");
	struct app ana_app = testapp_as(a), bo = testapp_as(b);
	OK(app_follow(&ana_app, b, NULL, NULL, &r, &t.e));
	assert_true(r.following && r.showing_reblogs && !r.followed_by);
	OK(app_follow(&ana_app, b, NULL, NULL, &r,
		      &t.e)); /* again: no second row, no second count */
	OK(app_relation_get(&bo, a, &r, &t.e));
	assert_true(r.followed_by && !r.following);
	OK(app_account_get(&t.app, b, &account, &t.e));
	assert_int_equal(account.followers_count, 1);
	OK(app_followers(&t.app, b, &page, &list, &t.e));
	assert_int_equal(list.count, 1);
	assert_int_equal(t.events[APP_EVENT_NOTIFICATION], 1);
	OK(app_unfollow(&ana_app, b, &r, &t.e));
	OK(app_unfollow(&ana_app, b, &r, &t.e));
	OK(app_account_get(&t.app, b, &account, &t.e));
	assert_int_equal(account.followers_count, 0);
	FAILS(app_follow(&ana_app, a, NULL, NULL, &r, &t.e), ERR_FORBIDDEN);
	FAILS(app_follow(&ana_app, 12345, NULL, NULL, &r, &t.e), ERR_NOT_FOUND);
	FAILS(app_follow(&t.app, b, NULL, NULL, &r, &t.e), ERR_UNAUTHORIZED);
}

static void locked_accounts_ask(void **state)
{
	(void)state;
	struct app_relation r;
	struct store_account account;
	struct store_accounts list;
	struct store_page page = {0};
	bool locked = true;
	int64_t a = testapp_person("ana"), b = testapp_person("bo");
	struct app ana_app = testapp_as(a), bo = testapp_as(b);
	OK(app_account_update(&bo, &(struct app_profile){.locked = &locked}, &account, &t.e));
	OK(app_follow(&ana_app, b, NULL, NULL, &r, &t.e));
	assert_true(r.requested && !r.following);
	OK(app_follow_requests(&bo, &page, &list, &t.e));
	assert_int_equal(list.count, 1);
	OK(app_follow_request_answer(&bo, a, true, &r, &t.e));
	assert_true(r.followed_by);
	FAILS(app_follow_request_answer(&bo, a, true, &r, &t.e), ERR_NOT_FOUND);
}

static void blocking_ends_everything(void **state)
{
	(void)state;
	struct app_relation r;
	struct app_post post;
	struct app_posts home;
	struct store_page page = {0};
	int64_t a = testapp_person("ana"), b = testapp_person("bo");
	struct app ana_app = testapp_as(a), bo = testapp_as(b);
	OK(app_follow(&ana_app, b, NULL, NULL, &r, &t.e));
	OK(app_follow(&bo, a, NULL, NULL, &r, &t.e));
	struct app_post said = testapp_post(b, "hello");
	OK(app_timeline_home(&ana_app, &page, &home, &t.e));
	assert_int_equal(home.count, 1);
	OK(app_block(&bo, a, &r, &t.e));
	assert_true(r.blocking && !r.following && !r.followed_by);
	FAILS(app_post_get(&ana_app, said.row.id, &post, &t.e), ERR_NOT_FOUND);
	OK(app_timeline_home(&ana_app, &page, &home, &t.e));
	assert_int_equal(home.count, 0);
	FAILS(app_follow(&ana_app, b, NULL, NULL, &r, &t.e), ERR_NOT_FOUND);
	OK(app_unblock(&bo, a, &r, &t.e));
	OK(app_follow(&ana_app, b, NULL, NULL, &r, &t.e));
	OK(app_timeline_home(&ana_app, &page, &home, &t.e));
	assert_int_equal(home.count, 1); /* the newest posts came back with the follow */
	OK(app_mute(&ana_app, b, true, 60, &r, &t.e));
	OK(app_timeline_home(&ana_app, &page, &home, &t.e));
	assert_int_equal(home.count, 0);
	ana_app.now_ms += 61000; /* the mute is over */
	OK(app_timeline_home(&ana_app, &page, &home, &t.e));
	assert_int_equal(home.count, 1);
	FAILS(app_mute(&ana_app, b, true, -1, &r, &t.e), ERR_INVALID);
}

static void profiles(void **state)
{
	(void)state;
	struct store_account account;
	struct app_field fields[APP_FIELDS_MAX];
	int64_t a = testapp_person("ana");
	struct app self = testapp_as(a);
	struct app_field set[2] = {{"Web", "https://ana.example"}, {"좋아하는 것", "그림"}};
	OK(app_account_update(
	    &self,
	    &(struct app_profile){
		.display_name = "Ana 🎨", .note = "I <3 pictures", .fields = set, .field_count = 2},
	    &account, &t.e));
	assert_string_equal(account.display_name, "Ana 🎨");
	assert_string_equal(app_account_note_html(&self, &account), "<p>I &lt;3 pictures</p>");
	assert_int_equal(app_account_fields(t.arena, account.fields, fields), 2);
	assert_string_equal(fields[1].value, "그림");
	assert_non_null(strstr(app_account_field_html(&self, &account, fields[0].value),
			       "href=\"https://ana.example\""));
	int64_t picture = testapp_picture(a, "a cat", 0);
	OK(app_account_use_media(&self, picture, false, &account, &t.e));
	assert_non_null(account.avatar_hash);
	struct app other = testapp_as(testapp_person("bo"));
	FAILS(app_account_use_media(&other, picture, false, &account, &t.e), ERR_NOT_FOUND);
	set[0].value = "two\nlines";
	FAILS(app_account_update(&self, &(struct app_profile){.fields = set, .field_count = 2},
				 &account, &t.e),
	      ERR_INVALID);
	struct store_accounts found;
	OK(app_account_search(&t.app, "@AN", 10, 0, &found, &t.e));
	assert_int_equal(found.count, 1);
	OK(app_account_lookup(&t.app, "@ana@YARD.example", &account, &t.e));
	FAILS(app_account_lookup(&t.app, "ana@elsewhere.example", &account, &t.e), ERR_NOT_FOUND);
}

static void suspension(void **state)
{
	(void)state;
	struct app_identity who;
	struct app_session session;
	struct app_post post;
	struct store_account account;
	bool totp;
	int64_t a = testapp_person("ana"), r = testapp_person("root");
	struct app admin = testapp_as_admin(r), user = testapp_as(testapp_person("bo"));
	struct app_post said = testapp_post(a, "hello");
	OK(app_sign_in(&t.app, "ana", "password ana", NULL, NULL, &session, &totp, &t.e));
	FAILS(app_admin_suspend(&user, a, &t.e), ERR_FORBIDDEN);
	FAILS(app_admin_suspend(&admin, r, &t.e), ERR_FORBIDDEN);
	OK(app_admin_suspend(&admin, a, &t.e));
	FAILS(app_auth_session(&t.app, session.cookie, &who, &t.e), ERR_UNAUTHORIZED);
	FAILS(app_sign_in(&t.app, "ana", "password ana", NULL, NULL, &session, &totp, &t.e),
	      ERR_FORBIDDEN);
	FAILS(app_post_get(&user, said.row.id, &post, &t.e), ERR_NOT_FOUND);
	FAILS(app_account_get(&user, a, &account, &t.e), ERR_NOT_FOUND);
	OK(app_admin_unsuspend(&admin, a, &t.e));
	OK(app_post_get(&user, said.row.id, &post, &t.e));
	OK(app_admin_set_role(&admin, a, STORE_ROLE_MODERATOR, &t.e));
	OK(app_account_get(&user, a, &account, &t.e));
	assert_int_equal(account.role, STORE_ROLE_MODERATOR);
}

static void names_and_values(void **state)
{
	(void)state;
	const char *value;
	struct app_marker marker;
	bool found;
	struct app self = testapp_as(testapp_person("ana"));
	OK(app_preference_get(&self, "posting:default:visibility", &value, &t.e));
	assert_null(value);
	OK(app_preference_set(&self, "posting:default:visibility", "private", &t.e));
	OK(app_preference_set(&self, "posting:default:visibility", "unlisted", &t.e));
	OK(app_preference_get(&self, "posting:default:visibility", &value, &t.e));
	assert_string_equal(value, "unlisted");
	OK(app_marker_get(&self, "home", &marker, &found, &t.e));
	assert_false(found);
	OK(app_marker_set(&self, "home", 5, &marker, &t.e));
	OK(app_marker_set(&self, "home", 9, &marker, &t.e));
	assert_true(marker.last_read_id == 9 && marker.version == 2);
	FAILS(app_marker_set(&self, "nowhere", 5, &marker, &t.e), ERR_INVALID);
}

static int run(enum db_kind which)
{
	kind = which;
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(set_up_link_counts_once),
	    TEST(sign_up_modes),
	    TEST(bad_forms),
	    TEST(signing_in),
	    TEST(too_many_tries),
	    TEST(passwords_change_and_reset),
	    TEST(one_time_codes),
	    TEST(second_factor),
	    TEST(recovery_codes),
	    TEST(apps_and_tokens),
	    TEST(following),
	    TEST(locked_accounts_ask),
	    TEST(blocking_ends_everything),
	    TEST(profiles),
	    TEST(suspension),
	    TEST(names_and_values),
	};
	return cmocka_run_group_tests_name(which == DB_SQLITE ? "sqlite" : "postgres", tests, NULL,
					   NULL);
}

int main(void)
{
	return testdb_run_both(run);
}
