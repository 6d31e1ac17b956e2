/* The handlers behind the moderation API, by noun. */
#ifndef MADANG_API_ADMIN_ROUTES_H
#define MADANG_API_ADMIN_ROUTES_H

#include "api/row.h"
#include "api/serial.h"
#include "app/moderation.h"

/* account.c */
HANDLER(api_moderation_account_action);
HANDLER(api_moderation_account_change);
HANDLER(api_moderation_account_erase);
HANDLER(api_moderation_account_get);
HANDLER(api_moderation_account_list);
HANDLER(api_moderation_account_list_v2);
void admin_put_account(struct serial *s, const char *key, const struct app_admin_account *a);

/* announcement.c */
HANDLER(api_announcement_add);
HANDLER(api_announcement_all);
HANDLER(api_announcement_change);
HANDLER(api_announcement_get);
HANDLER(api_announcement_publish);
HANDLER(api_announcement_remove);

/* desk.c */
HANDLER(api_appeal_add);
HANDLER(api_appeal_answer);
HANDLER(api_appeal_list);
HANDLER(api_appeal_with_code);
HANDLER(api_audit_list);
HANDLER(api_held_answer);
HANDLER(api_held_list);
HANDLER(api_strike_list);

/* document.c */
HANDLER(api_document_list);
HANDLER(api_document_put);
HANDLER(api_document_remove);

/* emoji.c */
HANDLER(api_emoji_add);
HANDLER(api_emoji_change);
HANDLER(api_emoji_get);
HANDLER(api_emoji_kept_list);
HANDLER(api_emoji_remove);

/* figure.c */
HANDLER(api_dimensions);
HANDLER(api_measures);
HANDLER(api_retention);

/* report.c */
HANDLER(api_report_add);
HANDLER(api_report_change);
HANDLER(api_report_get);
HANDLER(api_report_list);
HANDLER(api_report_note_add);
HANDLER(api_report_note_list);
HANDLER(api_report_note_remove);

/* rule.c */
HANDLER(api_rule_add);
HANDLER(api_rule_change);
HANDLER(api_rule_get);
HANDLER(api_rule_list);
HANDLER(api_rule_remove);
HANDLER(api_rule_test_email);

#endif
