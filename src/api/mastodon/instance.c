/* What this server is and can: only what works is advertised. */
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "api/studio/load.h"
#include "app/admin.h"
#include "app/document.h"
#include "app/figure.h"
#include "app/followed_tag.h"
#include "app/rule.h"
#include "app/setting.h"
#include "base/str.h"

static const char *const MIME_TYPES[] = {"image/jpeg", "image/png", "image/webp", "image/gif"};

static const struct {
	const char *code, *name;
} LANGUAGES[] = {{"en", "English"}, {"ja", "日本語"}, {"ko", "한국어"}};

static void put_languages(struct json_writer *w)
{
	json_put_array(w, "languages");
	for (size_t i = 0; i < sizeof LANGUAGES / sizeof *LANGUAGES; i++)
		json_put_str(w, NULL, LANGUAGES[i].code);
	json_put_end(w);
}

static const char *streaming_url(struct http_request *rq)
{
	const char *base = api_of(rq)->base_url;
	return str_starts(base, "https:") ? arena_printf(rq->arena, "wss:%s", base + 6)
					  : arena_printf(rq->arena, "ws:%s", base + 5);
}

/* Null where nothing is written. */
static void put_page(struct json_writer *w, struct http_request *rq, const char *key, bool written,
		     const char *page)
{
	json_put_str(w, key,
		     written ? arena_printf(rq->arena, "%s/%s", api_of(rq)->base_url, page) : NULL);
}

/* written: which documents there are, for v2; NULL: v1. */
static void put_configuration(struct json_writer *w, struct http_request *rq,
			      const struct app_config *c, const bool *written)
{
	json_put_object(w, "configuration");
	if (written) {
		json_put_object(w, "urls");
		json_put_str(w, "streaming", streaming_url(rq));
		json_put_null(w, "status");
		put_page(w, rq, "about", written[STORE_DOCUMENT_DESCRIPTION], "about");
		put_page(w, rq, "privacy_policy", written[STORE_DOCUMENT_PRIVACY],
			 "privacy-policy");
		put_page(w, rq, "terms_of_service", written[STORE_DOCUMENT_TERMS],
			 "terms-of-service");
		json_put_end(w);
		json_put_object(w, "vapid");
		json_put_str(w, "public_key", api_of(rq)->vapid_key);
		json_put_end(w);
		json_put_object(w, "translation");
		json_put_bool(w, "enabled", false);
		json_put_end(w);
	}
	json_put_object(w, "accounts");
	json_put_int(w, "max_featured_tags", STORE_FEATURED_TAGS_MAX);
	json_put_int(w, "max_pinned_statuses", APP_PINS_MAX);
	json_put_int(w, "max_profile_fields", APP_FIELDS_MAX);
	json_put_int(w, "max_display_name_length", APP_NAME_CHARACTERS);
	json_put_int(w, "max_note_length", APP_BIO_CHARACTERS);
	json_put_int(w, "max_avatar_description_length", APP_PICTURE_CHARACTERS);
	json_put_int(w, "max_header_description_length", APP_PICTURE_CHARACTERS);
	json_put_int(w, "profile_field_name_limit", APP_FIELD_CHARACTERS);
	json_put_int(w, "profile_field_value_limit", APP_FIELD_CHARACTERS);
	json_put_end(w);
	json_put_object(w, "statuses");
	json_put_int(w, "max_characters", c->post_characters_max);
	json_put_int(w, "max_media_attachments", c->post_media_max);
	json_put_int(w, "characters_reserved_per_url", 23);
	json_put_end(w);
	json_put_object(w, "media_attachments");
	json_put_array(w, "supported_mime_types");
	for (size_t i = 0; i < sizeof MIME_TYPES / sizeof *MIME_TYPES; i++)
		json_put_str(w, NULL, MIME_TYPES[i]);
	json_put_end(w);
	json_put_int(w, "description_limit", 1500);
	json_put_int(w, "image_size_limit", (int64_t)api_of(rq)->upload_bytes_max);
	json_put_int(w, "image_matrix_limit", 50000000);
	json_put_int(w, "video_size_limit", 0);
	json_put_int(w, "video_frame_rate_limit", 0);
	json_put_int(w, "video_matrix_limit", 0);
	json_put_end(w);
	json_put_object(w, "polls");
	json_put_int(w, "max_options", APP_POLL_OPTIONS_MAX);
	json_put_int(w, "max_characters_per_option", APP_POLL_OPTION_CHARACTERS);
	json_put_int(w, "min_expiration", APP_POLL_EXPIRES_MIN_S);
	json_put_int(w, "max_expiration", APP_POLL_EXPIRES_MAX_S);
	json_put_end(w);
	json_put_end(w);
}

static void put_rules(struct json_writer *w, const char *key, const char *rules)
{
	int n = 0;
	json_put_array(w, key);
	while (rules && *rules) {
		size_t length = strcspn(rules, "\n");
		if (length) {
			json_put_object(w, NULL);
			json_put_id(w, "id", ++n);
			json_put_strn(w, "text", rules, length);
			json_put_str(w, "hint", "");
			json_put_object(w, "translations"); /* they are written in one language */
			json_put_end(w);
			json_put_end(w);
		}
		rules += length + (rules[length] != '\0');
	}
	json_put_end(w);
}

static const char *version(struct http_request *rq)
{
	return arena_printf(rq->arena, "4.5.0 (compatible; Madang %s)", api_of(rq)->version);
}

bool api_instance_v2(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_settings s;
	bool written[STORE_DOCUMENTS];
	int64_t active;
	if (!app_settings_get(&app, &s, e) || !app_active_month(&app, &active, e) ||
	    !app_documents_written(&app, written, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "domain", api_of(rq)->domain);
	json_put_str(&w, "title", s.title);
	json_put_str(&w, "version", version(rq));
	json_put_str(&w, "source_url", "");
	json_put_str(&w, "description", s.description);
	json_put_object(&w, "usage");
	json_put_object(&w, "users");
	json_put_int(&w, "active_month", active);
	json_put_end(&w);
	json_put_end(&w);
	json_put_object(&w, "thumbnail");
	json_put_str(&w, "url", arena_printf(rq->arena, "%s/icon.svg", api_of(rq)->base_url));
	json_put_str(&w, "description", "");
	json_put_end(&w);
	json_put_array(&w, "icon");
	json_put_end(&w);
	put_languages(&w);
	put_configuration(&w, rq, app_core_config(app.core), written);
	json_put_object(&w, "registrations");
	json_put_bool(&w, "enabled",
		      s.registrations == APP_REGISTRATIONS_OPEN ||
			  s.registrations == APP_REGISTRATIONS_APPROVAL);
	json_put_bool(&w, "approval_required", s.registrations == APP_REGISTRATIONS_APPROVAL);
	json_put_bool(&w, "reason_required", false);
	json_put_null(&w, "message");
	json_put_null(&w, "min_age");
	json_put_str(&w, "url", arena_printf(rq->arena, "%s/signup", api_of(rq)->base_url));
	json_put_end(&w);
	json_put_object(&w, "api_versions");
	json_put_int(&w, "mastodon", 7); /* grouped notifications, quotes */
	json_put_int(&w, "madang", 1);
	json_put_end(&w);
	json_put_object(&w, "contact");
	json_put_str(&w, "email", s.contact_email ? s.contact_email : "");
	json_put_null(&w, "account");
	json_put_end(&w);
	put_rules(&w, "rules", s.rules);
	json_put_object(&w, "madang");
	load_put(&w, "load", api_of(rq)->jobs);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_instance_v1(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_settings s;
	int64_t accounts, posts;
	if (!app_settings_get(&app, &s, e) || !app_server_counts(&app, &accounts, &posts, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "uri", api_of(rq)->domain);
	json_put_str(&w, "title", s.title);
	json_put_str(&w, "short_description", s.description);
	json_put_str(&w, "description", s.description);
	json_put_str(&w, "email", s.contact_email ? s.contact_email : "");
	json_put_str(&w, "version", version(rq));
	json_put_object(&w, "urls");
	json_put_str(&w, "streaming_api", streaming_url(rq));
	json_put_end(&w);
	json_put_object(&w, "stats");
	json_put_int(&w, "user_count", accounts);
	json_put_int(&w, "status_count", posts);
	json_put_int(&w, "domain_count", 0);
	json_put_end(&w);
	json_put_str(&w, "thumbnail", arena_printf(rq->arena, "%s/icon.svg", api_of(rq)->base_url));
	put_languages(&w);
	json_put_bool(&w, "registrations",
		      s.registrations == APP_REGISTRATIONS_OPEN ||
			  s.registrations == APP_REGISTRATIONS_APPROVAL);
	json_put_bool(&w, "approval_required", s.registrations == APP_REGISTRATIONS_APPROVAL);
	json_put_bool(&w, "invites_enabled", false);
	put_configuration(&w, rq, app_core_config(app.core), NULL);
	json_put_null(&w, "contact_account");
	put_rules(&w, "rules", s.rules);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_instance_activity(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_activity weeks[APP_ACTIVITY_WEEKS];
	if (!app_activity(&app, weeks, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (int i = 0; i < APP_ACTIVITY_WEEKS; i++) {
		json_put_object(&w, NULL); /* Mastodon writes these numbers as text */
		json_put_id(&w, "week", weeks[i].week_s);
		json_put_str(&w, "statuses",
			     arena_printf(app.arena, "%lld", (long long)weeks[i].posts));
		json_put_str(&w, "logins",
			     arena_printf(app.arena, "%lld", (long long)weeks[i].seen));
		json_put_str(&w, "registrations",
			     arena_printf(app.arena, "%lld", (long long)weeks[i].sign_ups));
		json_put_end(&w);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_instance_rules(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_settings s;
	if (!app_settings_get(&app, &s, e))
		return false;
	struct json_writer w = api_json(rs);
	put_rules(&w, NULL, s.rules);
	return json_finish(&w, e);
}

bool api_instance_languages(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct json_writer w = api_json(rs);
	(void)rq;
	json_put_array(&w, NULL);
	for (size_t i = 0; i < sizeof LANGUAGES / sizeof *LANGUAGES; i++) {
		json_put_object(&w, NULL);
		json_put_str(&w, "code", LANGUAGES[i].code);
		json_put_str(&w, "name", LANGUAGES[i].name);
		json_put_end(&w);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

/* Nothing translates here. */
bool api_instance_translation_languages(struct http_request *rq, struct http_response *rs,
					struct err *e)
{
	(void)rq;
	(void)e;
	http_response_empty(rs);
	return true;
}

bool api_instance_domain_blocks(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const severities[] = {"silence", "suspend", "noop"};
	struct app app = api_app(rq);
	struct app_blocked_domain *domains;
	size_t n;
	if (!app_rule_domains_shown(&app, &domains, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_str(&w, "domain", domains[i].domain);
		json_put_str(&w, "digest", domains[i].digest);
		json_put_str(&w, "severity", severities[domains[i].level]);
		json_put_str(&w, "comment", domains[i].comment);
		json_put_end(&w);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_nodeinfo_links(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_array(&w, "links");
	json_put_object(&w, NULL);
	json_put_str(&w, "rel", "http://nodeinfo.diaspora.software/ns/schema/2.0");
	json_put_str(&w, "href", arena_printf(rq->arena, "%s/nodeinfo/2.0", api_of(rq)->base_url));
	json_put_end(&w);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_nodeinfo(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_settings s;
	int64_t accounts, posts;
	if (!app_settings_get(&app, &s, e) || !app_server_counts(&app, &accounts, &posts, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "version", "2.0");
	json_put_object(&w, "software");
	json_put_str(&w, "name", "madang");
	json_put_str(&w, "version", api_of(rq)->version);
	json_put_end(&w);
	json_put_array(&w, "protocols");
	json_put_end(&w);
	json_put_object(&w, "services");
	json_put_array(&w, "inbound");
	json_put_end(&w);
	json_put_array(&w, "outbound");
	json_put_end(&w);
	json_put_end(&w);
	json_put_bool(&w, "openRegistrations", s.registrations == APP_REGISTRATIONS_OPEN);
	json_put_object(&w, "usage");
	json_put_object(&w, "users");
	json_put_int(&w, "total", accounts);
	json_put_end(&w);
	json_put_int(&w, "localPosts", posts);
	json_put_end(&w);
	json_put_object(&w, "metadata");
	json_put_str(&w, "nodeName", s.title);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_oauth_metadata(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const scopes[] = {"read",
					     "profile",
					     "write",
					     "follow",
					     "push",
					     "read:accounts",
					     "read:blocks",
					     "read:bookmarks",
					     "read:favourites",
					     "read:filters",
					     "read:follows",
					     "read:lists",
					     "read:mutes",
					     "read:notifications",
					     "read:search",
					     "read:statuses",
					     "write:accounts",
					     "write:blocks",
					     "write:bookmarks",
					     "write:conversations",
					     "write:favourites",
					     "write:filters",
					     "write:follows",
					     "write:lists",
					     "write:media",
					     "write:mutes",
					     "write:notifications",
					     "write:reports",
					     "write:statuses",
					     "admin:read",
					     "admin:write"};
	const char *base = api_of(rq)->base_url;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "issuer", arena_printf(rq->arena, "%s/", base));
	json_put_str(&w, "authorization_endpoint",
		     arena_printf(rq->arena, "%s/oauth/authorize", base));
	json_put_str(&w, "token_endpoint", arena_printf(rq->arena, "%s/oauth/token", base));
	json_put_str(&w, "revocation_endpoint", arena_printf(rq->arena, "%s/oauth/revoke", base));
	json_put_str(&w, "userinfo_endpoint", arena_printf(rq->arena, "%s/oauth/userinfo", base));
	json_put_str(&w, "app_registration_endpoint",
		     arena_printf(rq->arena, "%s/api/v1/apps", base));
	json_put_array(&w, "scopes_supported");
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
		json_put_str(&w, NULL, scopes[i]);
	json_put_end(&w);
	json_put_array(&w, "response_types_supported");
	json_put_str(&w, NULL, "code");
	json_put_end(&w);
	json_put_array(&w, "response_modes_supported");
	json_put_str(&w, NULL, "query");
	json_put_end(&w);
	json_put_array(&w, "grant_types_supported");
	json_put_str(&w, NULL, "authorization_code");
	json_put_str(&w, NULL, "client_credentials");
	json_put_end(&w);
	json_put_array(&w, "token_endpoint_auth_methods_supported");
	json_put_str(&w, NULL, "client_secret_basic");
	json_put_str(&w, NULL, "client_secret_post");
	json_put_end(&w);
	json_put_array(&w, "code_challenge_methods_supported");
	json_put_str(&w, NULL, "S256");
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}
