/* The handlers behind Mastodon's client API, by noun. */
#ifndef MADANG_API_MASTODON_ROUTES_H
#define MADANG_API_MASTODON_ROUTES_H

#include "api/api.h"
#include "api/row.h"

/* announcement.c */
HANDLER(api_announcement_dismiss);
HANDLER(api_announcement_list);
HANDLER(api_announcement_react);

/* conversation.c */
HANDLER(api_conversation_delete);
HANDLER(api_conversation_list);
HANDLER(api_conversation_read);
HANDLER(api_conversation_unread);

/* document.c */
HANDLER(api_extended_description);
HANDLER(api_privacy_policy);
HANDLER(api_terms_of_day);
HANDLER(api_terms_of_service);

/* emoji.c */
HANDLER(api_emoji_list);

/* filter.c */
HANDLER(api_filter_create);
HANDLER(api_filter_delete);
HANDLER(api_filter_get);
HANDLER(api_filter_keyword_add);
HANDLER(api_filter_keyword_delete);
HANDLER(api_filter_keyword_get);
HANDLER(api_filter_keyword_list);
HANDLER(api_filter_keyword_update);
HANDLER(api_filter_list);
HANDLER(api_filter_status_add);
HANDLER(api_filter_status_delete);
HANDLER(api_filter_status_get);
HANDLER(api_filter_status_list);
HANDLER(api_filter_update);
HANDLER(api_filter_v1_create);
HANDLER(api_filter_v1_delete);
HANDLER(api_filter_v1_get);
HANDLER(api_filter_v1_list);
HANDLER(api_filter_v1_update);

/* list.c */
HANDLER(api_list_all);
HANDLER(api_list_create);
HANDLER(api_list_delete);
HANDLER(api_list_get);
HANDLER(api_list_members);
HANDLER(api_list_members_add);
HANDLER(api_list_members_remove);
HANDLER(api_list_update);
HANDLER(api_timeline_list);

/* note.c */
HANDLER(api_account_endorsements);
HANDLER(api_directory);
HANDLER(api_endorse);
HANDLER(api_endorsement_list);
HANDLER(api_familiar_followers);
HANDLER(api_hidden_domain_add);
HANDLER(api_hidden_domain_list);
HANDLER(api_hidden_domain_remove);
HANDLER(api_note_set);
HANDLER(api_suggestion_dismiss);
HANDLER(api_suggestion_list_v1);
HANDLER(api_suggestion_list_v2);
HANDLER(api_unendorse);

/* poll.c */
HANDLER(api_poll_get);
HANDLER(api_poll_vote);

/* profile.c */
HANDLER(api_profile_avatar_delete);
HANDLER(api_profile_get);
HANDLER(api_profile_header_delete);
HANDLER(api_profile_update);

/* scheduled.c */
HANDLER(api_scheduled_delete);
HANDLER(api_scheduled_get);
HANDLER(api_scheduled_list);
HANDLER(api_scheduled_update);

/* status_form.c */
HANDLER(api_status_create);
HANDLER(api_status_history);
HANDLER(api_status_policy);
HANDLER(api_status_update);

/* tag.c */
HANDLER(api_account_featured_tags);
HANDLER(api_featured_tag_create);
HANDLER(api_featured_tag_delete);
HANDLER(api_featured_tag_list);
HANDLER(api_featured_tag_suggestions);
HANDLER(api_followed_tag_list);
HANDLER(api_tag_feature);
HANDLER(api_tag_follow);
HANDLER(api_tag_get);
HANDLER(api_tag_unfeature);
HANDLER(api_tag_unfollow);

/* account.c */
HANDLER(api_account_get);
HANDLER(api_account_follow);
HANDLER(api_account_followers);
HANDLER(api_account_following);
HANDLER(api_account_lists);
HANDLER(api_account_lookup);
HANDLER(api_account_many);
HANDLER(api_account_mute);
HANDLER(api_account_relation);
HANDLER(api_account_relationships);
HANDLER(api_account_search);
HANDLER(api_account_statuses);
HANDLER(api_account_update);
HANDLER(api_account_verify);
HANDLER(api_block_list);
HANDLER(api_follow_request_list);
HANDLER(api_mute_list);

/* instance.c */
HANDLER(api_instance_v1);
HANDLER(api_instance_v2);
HANDLER(api_instance_domain_blocks);
HANDLER(api_instance_languages);
HANDLER(api_instance_activity);
HANDLER(api_instance_rules);
HANDLER(api_instance_translation_languages);
HANDLER(api_nodeinfo);
HANDLER(api_nodeinfo_links);
HANDLER(api_oauth_metadata);

/* media.c */
HANDLER(api_media_add_v1);
HANDLER(api_media_add_v2);
HANDLER(api_media_delete);
HANDLER(api_media_get);
HANDLER(api_media_update);

/* notification.c */
HANDLER(api_notification_clear);
HANDLER(api_notification_dismiss);
HANDLER(api_notification_get);
HANDLER(api_notification_list);
HANDLER(api_notification_unread);
HANDLER(api_notification_group_accounts);
HANDLER(api_notification_group_dismiss);
HANDLER(api_notification_group_get);
HANDLER(api_notification_group_list);
HANDLER(api_notification_group_unread);
HANDLER(api_notification_policy_get);
HANDLER(api_notification_policy_set);
HANDLER(api_notification_request_answer);
HANDLER(api_notification_request_get);
HANDLER(api_notification_request_list);
HANDLER(api_notification_request_merged);

/* oauth.c */
HANDLER(api_app_create);
HANDLER(api_app_verify);
HANDLER(api_oauth_revoke);
HANDLER(api_oauth_token);
HANDLER(api_oauth_userinfo);

/* push.c */
HANDLER(api_push_add);
HANDLER(api_push_change);
HANDLER(api_push_get);
HANDLER(api_push_remove);

/* search.c */
HANDLER(api_search);

/* setting.c */
HANDLER(api_empty_list);
HANDLER(api_marker_get);
HANDLER(api_marker_set);
HANDLER(api_preferences);

/* status.c */
HANDLER(api_bookmark_add);
HANDLER(api_bookmark_remove);
HANDLER(api_favourite_add);
HANDLER(api_favourite_remove);
HANDLER(api_reblog_add);
HANDLER(api_reblog_remove);
HANDLER(api_pin_add);
HANDLER(api_pin_remove);
HANDLER(api_quote_list);
HANDLER(api_quote_revoke);
HANDLER(api_status_context);
HANDLER(api_status_delete);
HANDLER(api_status_favourited_by);
HANDLER(api_status_get);
HANDLER(api_status_many);
HANDLER(api_status_reblogged_by);
HANDLER(api_status_source);
HANDLER(api_status_translate);
HANDLER(api_thread_mute);
HANDLER(api_thread_unmute);

/* streaming.c */
HANDLER(api_streaming);
HANDLER(api_streaming_health);
HANDLER(api_streaming_direct);
HANDLER(api_streaming_hashtag);
HANDLER(api_streaming_hashtag_local);
HANDLER(api_streaming_list);
HANDLER(api_streaming_public);
HANDLER(api_streaming_public_local);
HANDLER(api_streaming_public_remote);
HANDLER(api_streaming_user);
HANDLER(api_streaming_user_notification);

/* timeline.c */
HANDLER(api_timeline_bookmarks);
HANDLER(api_timeline_favourites);
HANDLER(api_timeline_home);
HANDLER(api_timeline_link);
HANDLER(api_timeline_public);
HANDLER(api_timeline_tag);

/* trend.c */
HANDLER(api_trend_links);
HANDLER(api_trend_publishers);
HANDLER(api_trend_review_link);
HANDLER(api_trend_review_publisher);
HANDLER(api_trend_review_status);
HANDLER(api_trend_review_tag);
HANDLER(api_trend_statuses);
HANDLER(api_trend_tags);

#endif
