/* Every route of Mastodon's client API that is served here. Sorted by path, then method. */
#include "api/mastodon/routes.h"

#define MIB (1024 * 1024)
#define READ(path_, scope_, handler_)                                               \
	{                                                                           \
		.method = "GET", .path = path_, .scope = scope_, .rate = RATE_READ, \
		.handler = handler_                                                 \
	}
#define WRITE(method_, path_, scope_, handler_)                                        \
	{                                                                              \
		.method = method_, .path = path_, .scope = scope_, .rate = RATE_WRITE, \
		.handler = handler_                                                    \
	}
#define STREAM(path_, scope_, handler_)                                               \
	{                                                                             \
		.method = "GET", .path = path_, .scope = scope_, .rate = RATE_STREAM, \
		.handler = handler_                                                   \
	}
#define UPLOAD(method_, path_, scope_, handler_)                                        \
	{                                                                               \
		.method = method_, .path = path_, .scope = scope_, .rate = RATE_UPLOAD, \
		.body_max = 40 * MIB, .handler = handler_                               \
	}

static const struct http_route ROWS[] = {
    READ("/.well-known/nodeinfo", "-", api_nodeinfo_links),
    READ("/.well-known/oauth-authorization-server", "-", api_oauth_metadata),
    READ("/api/v1/accounts", "-", api_account_many),
    READ("/api/v1/accounts/:id", "-", api_account_get),
    WRITE("POST", "/api/v1/accounts/:id/block", "write:blocks", api_account_relation),
    READ("/api/v1/accounts/:id/featured_tags", "-", api_empty_list),
    WRITE("POST", "/api/v1/accounts/:id/follow", "write:follows", api_account_follow),
    READ("/api/v1/accounts/:id/followers", "-", api_account_followers),
    READ("/api/v1/accounts/:id/following", "-", api_account_following),
    READ("/api/v1/accounts/:id/lists", "read:lists", api_account_lists),
    WRITE("POST", "/api/v1/accounts/:id/mute", "write:mutes", api_account_mute),
    WRITE("POST", "/api/v1/accounts/:id/remove_from_followers", "write:follows",
	  api_account_relation),
    READ("/api/v1/accounts/:id/statuses", "-", api_account_statuses),
    WRITE("POST", "/api/v1/accounts/:id/unblock", "write:blocks", api_account_relation),
    WRITE("POST", "/api/v1/accounts/:id/unfollow", "write:follows", api_account_relation),
    WRITE("POST", "/api/v1/accounts/:id/unmute", "write:mutes", api_account_relation),
    READ("/api/v1/accounts/lookup", "-", api_account_lookup),
    READ("/api/v1/accounts/relationships", "read:follows", api_account_relationships),
    READ("/api/v1/accounts/search", "read:accounts", api_account_search),
    UPLOAD("PATCH", "/api/v1/accounts/update_credentials", "write:accounts", api_account_update),
    READ("/api/v1/accounts/verify_credentials", "read:accounts", api_account_verify),
    READ("/api/v1/announcements", "any", api_empty_list),
    WRITE("POST", "/api/v1/apps", "-", api_app_create),
    READ("/api/v1/apps/verify_credentials", "app", api_app_verify),
    READ("/api/v1/blocks", "read:blocks", api_block_list),
    READ("/api/v1/bookmarks", "read:bookmarks", api_timeline_bookmarks),
    READ("/api/v1/conversations", "read:statuses", api_empty_list),
    READ("/api/v1/custom_emojis", "-", api_empty_list),
    READ("/api/v1/domain_blocks", "read:blocks", api_empty_list),
    READ("/api/v1/favourites", "read:favourites", api_timeline_favourites),
    READ("/api/v1/filters", "read:filters", api_empty_list),
    READ("/api/v1/follow_requests", "read:follows", api_follow_request_list),
    WRITE("POST", "/api/v1/follow_requests/:id/authorize", "write:follows", api_account_relation),
    WRITE("POST", "/api/v1/follow_requests/:id/reject", "write:follows", api_account_relation),
    READ("/api/v1/followed_tags", "read:follows", api_empty_list),
    READ("/api/v1/instance", "-", api_instance_v1),
    READ("/api/v1/instance/peers", "-", api_empty_list),
    READ("/api/v1/instance/rules", "-", api_instance_rules),
    READ("/api/v1/lists", "read:lists", api_empty_list),
    READ("/api/v1/markers", "read:statuses", api_marker_get),
    WRITE("POST", "/api/v1/markers", "write:statuses", api_marker_set),
    UPLOAD("POST", "/api/v1/media", "write:media", api_media_add_v1),
    WRITE("DELETE", "/api/v1/media/:id", "write:media", api_media_delete),
    READ("/api/v1/media/:id", "write:media", api_media_get),
    WRITE("PUT", "/api/v1/media/:id", "write:media", api_media_update),
    READ("/api/v1/mutes", "read:mutes", api_mute_list),
    READ("/api/v1/notifications", "read:notifications", api_notification_list),
    READ("/api/v1/notifications/:id", "read:notifications", api_notification_get),
    WRITE("POST", "/api/v1/notifications/:id/dismiss", "write:notifications",
	  api_notification_dismiss),
    WRITE("POST", "/api/v1/notifications/clear", "write:notifications", api_notification_clear),
    READ("/api/v1/notifications/unread_count", "read:notifications", api_notification_unread),
    READ("/api/v1/preferences", "read:accounts", api_preferences),
    WRITE("POST", "/api/v1/statuses", "write:statuses", api_status_create),
    WRITE("DELETE", "/api/v1/statuses/:id", "write:statuses", api_status_delete),
    READ("/api/v1/statuses/:id", "-", api_status_get),
    WRITE("POST", "/api/v1/statuses/:id/bookmark", "write:bookmarks", api_bookmark_add),
    READ("/api/v1/statuses/:id/context", "-", api_status_context),
    WRITE("POST", "/api/v1/statuses/:id/favourite", "write:favourites", api_favourite_add),
    READ("/api/v1/statuses/:id/favourited_by", "-", api_status_favourited_by),
    WRITE("POST", "/api/v1/statuses/:id/reblog", "write:statuses", api_reblog_add),
    READ("/api/v1/statuses/:id/reblogged_by", "-", api_status_reblogged_by),
    READ("/api/v1/statuses/:id/source", "read:statuses", api_status_source),
    WRITE("POST", "/api/v1/statuses/:id/unbookmark", "write:bookmarks", api_bookmark_remove),
    WRITE("POST", "/api/v1/statuses/:id/unfavourite", "write:favourites", api_favourite_remove),
    WRITE("POST", "/api/v1/statuses/:id/unreblog", "write:statuses", api_reblog_remove),
    STREAM("/api/v1/streaming", "-", api_streaming),
    STREAM("/api/v1/streaming/hashtag", "-", api_streaming_hashtag),
    READ("/api/v1/streaming/health", "-", api_streaming_health),
    STREAM("/api/v1/streaming/public", "-", api_streaming_public),
    STREAM("/api/v1/streaming/public/local", "-", api_streaming_public_local),
    STREAM("/api/v1/streaming/user", "read:statuses", api_streaming_user),
    STREAM("/api/v1/streaming/user/notification", "read:notifications",
	   api_streaming_user_notification),
    READ("/api/v1/tags/:id", "-", api_tag_get),
    READ("/api/v1/timelines/home", "read:statuses", api_timeline_home),
    READ("/api/v1/timelines/public", "-", api_timeline_public),
    READ("/api/v1/timelines/tag/:id", "-", api_timeline_tag),
    READ("/api/v1/trends", "-", api_trend_tags),
    READ("/api/v1/trends/links", "-", api_empty_list),
    READ("/api/v1/trends/statuses", "-", api_trend_statuses),
    READ("/api/v1/trends/tags", "-", api_trend_tags),
    READ("/api/v2/filters", "read:filters", api_empty_list),
    READ("/api/v2/instance", "-", api_instance_v2),
    UPLOAD("POST", "/api/v2/media", "write:media", api_media_add_v2),
    READ("/api/v2/search", "-", api_search),
    READ("/nodeinfo/2.0", "-", api_nodeinfo),
    WRITE("POST", "/oauth/revoke", "-", api_oauth_revoke),
    {.method = "POST",
     .path = "/oauth/token",
     .scope = "-",
     .rate = RATE_WRITE,
     .handler = api_oauth_token},
    READ("/oauth/userinfo", "read:accounts", api_oauth_userinfo),
};

const struct http_routes API_MASTODON_ROUTES = {.rows = ROWS, .count = sizeof ROWS / sizeof *ROWS};
