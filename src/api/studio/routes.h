/* The handlers behind our own API, by noun. */
#ifndef MADANG_API_STUDIO_ROUTES_H
#define MADANG_API_STUDIO_ROUTES_H

#include "api/row.h"
#include "api/serial.h"

/* admin.c */
HANDLER(api_admin_account_change);
HANDLER(api_admin_account_list);
HANDLER(api_admin_account_role);
HANDLER(api_admin_invitation_add);
HANDLER(api_admin_invitation_list);
HANDLER(api_admin_invitation_revoke);
HANDLER(api_admin_overview);
HANDLER(api_admin_reset_link);
HANDLER(api_admin_settings);
HANDLER(api_admin_settings_change);

/* describe.c */
HANDLER(api_media_propose);

/* export.c */
HANDLER(api_admin_account_archive);
HANDLER(api_export_archive);
HANDLER(api_export_csv);
HANDLER(api_export_list);
HANDLER(api_import_add);
HANDLER(api_import_cancel);
HANDLER(api_import_failures);
HANDLER(api_import_get);
HANDLER(api_import_list);

/* feedback.c */
HANDLER(api_admin_credit_export);
HANDLER(api_admin_credit_move);
HANDLER(api_admin_feedback_decide);
HANDLER(api_admin_feedback_list);
HANDLER(api_credit_export);
HANDLER(api_credit_list);
HANDLER(api_feedback_add);
HANDLER(api_feedback_list);
/* mastodon/filter.c, where all filters are */
HANDLER(api_made_filter_get);
HANDLER(api_made_filter_set);

/* job.c */
HANDLER(api_job_add);
HANDLER(api_job_cancel);
HANDLER(api_job_cancel_all);
HANDLER(api_job_events);
HANDLER(api_job_get);
HANDLER(api_job_list);
HANDLER(api_job_move);
HANDLER(api_job_pause);
HANDLER(api_job_reorder);
HANDLER(api_job_resume);

/* load.c */
HANDLER(api_load_events);
HANDLER(api_load_get);

/* queue.c */
HANDLER(api_admin_load);
HANDLER(api_admin_load_change);
HANDLER(api_admin_maker_change);
HANDLER(api_admin_maker_list);
HANDLER(api_admin_queue);
HANDLER(api_admin_queue_cancel);
HANDLER(api_admin_queue_clear);
HANDLER(api_admin_queue_front);

/* quota.c */
HANDLER(api_admin_group_add);
HANDLER(api_admin_group_delete);
HANDLER(api_admin_group_join);
HANDLER(api_admin_group_leave);
HANDLER(api_admin_group_list);
HANDLER(api_admin_quota_add);
HANDLER(api_admin_quota_change);
HANDLER(api_admin_quota_delete);
HANDLER(api_admin_quota_list);
HANDLER(api_quota_get);

/* notice.c */
HANDLER(api_notice_list);
HANDLER(api_notice_mail);
HANDLER(api_notice_mail_change);
HANDLER(api_notice_read);

/* programme.c */
HANDLER(api_admin_cohort_add);
HANDLER(api_admin_cohort_change);
HANDLER(api_admin_cohort_list);
HANDLER(api_admin_member_decide);
HANDLER(api_admin_member_invite);
HANDLER(api_admin_member_list);
HANDLER(api_admin_programme_add);
HANDLER(api_admin_programme_change);
HANDLER(api_admin_programme_delete);
HANDLER(api_programme_accept);
HANDLER(api_programme_apply);
HANDLER(api_programme_get);
HANDLER(api_programme_leave);
HANDLER(api_programme_list);

/* review.c */
HANDLER(api_admin_review_decide);
HANDLER(api_admin_review_list);
HANDLER(api_review_list);
HANDLER(api_review_resubmit);

/* revocation.c */
HANDLER(api_admin_revocation_add);
HANDLER(api_admin_revocation_list);
HANDLER(api_admin_revocation_undo);

/* session.c */
HANDLER(api_authorize_ask);
HANDLER(api_authorize_grant);
HANDLER(api_invitation_get);
HANDLER(api_account_leave);
HANDLER(api_password_change);
HANDLER(api_session_change);
HANDLER(api_password_reset);
HANDLER(api_password_reset_ask);
HANDLER(api_profile_picture);
HANDLER(api_session_get);
HANDLER(api_session_sign_in);
HANDLER(api_session_sign_out);
HANDLER(api_setup);
HANDLER(api_sign_up);
HANDLER(api_totp_begin);
HANDLER(api_totp_confirm);
HANDLER(api_totp_disable);

/* recovery.c */
HANDLER(api_recovery_left);
HANDLER(api_recovery_renew);
/* signed_in.c */
HANDLER(api_signed_in_end);
HANDLER(api_signed_in_list);

/* studio.c */
HANDLER(api_explore);
HANDLER(api_lineage_get);
HANDLER(api_studio_consent);
HANDLER(api_studio_get);

/* token.c */
HANDLER(api_admin_token_list);
HANDLER(api_admin_token_policy);
HANDLER(api_admin_token_policy_change);
HANDLER(api_token_add);
HANDLER(api_token_change);
HANDLER(api_token_confirm);
HANDLER(api_token_end);
HANDLER(api_token_get);
HANDLER(api_token_list);

#endif
