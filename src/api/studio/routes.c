/* Every route of our own API. Sorted by path, then method. */
#include "api/studio/routes.h"

#define ROW(method_, path_, scope_, rate_, handler_)                                               \
	{                                                                                          \
		.method = method_, .path = "/api/madang/v1" path_, .scope = scope_, .rate = rate_, \
		.handler = handler_                                                                \
	}

static const struct http_route ROWS[] = {
    ROW("GET", "/admin/accounts", "admin", RATE_READ, api_admin_account_list),
    ROW("POST", "/admin/accounts/:id/approve", "admin", RATE_WRITE, api_admin_account_change),
    ROW("POST", "/admin/accounts/:id/reject", "admin", RATE_WRITE, api_admin_account_change),
    ROW("POST", "/admin/accounts/:id/reset_link", "admin", RATE_WRITE, api_admin_reset_link),
    ROW("POST", "/admin/accounts/:id/role", "admin", RATE_WRITE, api_admin_account_role),
    ROW("POST", "/admin/accounts/:id/suspend", "admin", RATE_WRITE, api_admin_account_change),
    ROW("POST", "/admin/accounts/:id/unsuspend", "admin", RATE_WRITE, api_admin_account_change),
    ROW("GET", "/admin/invitations", "admin", RATE_READ, api_admin_invitation_list),
    ROW("POST", "/admin/invitations", "admin", RATE_WRITE, api_admin_invitation_add),
    ROW("DELETE", "/admin/invitations/:id", "admin", RATE_WRITE, api_admin_invitation_revoke),
    ROW("GET", "/admin/overview", "admin", RATE_READ, api_admin_overview),
    ROW("GET", "/admin/queue", "admin", RATE_READ, api_admin_queue),
    ROW("DELETE", "/admin/queue/:id", "admin", RATE_WRITE, api_admin_queue_cancel),
    ROW("GET", "/admin/settings", "admin", RATE_READ, api_admin_settings),
    ROW("PATCH", "/admin/settings", "admin", RATE_WRITE, api_admin_settings_change),
    ROW("GET", "/authorize", "any", RATE_READ, api_authorize_ask),
    ROW("POST", "/authorize", "any", RATE_WRITE, api_authorize_grant),
    ROW("GET", "/explore", "-", RATE_READ, api_explore),
    ROW("GET", "/invitations/:id", "-", RATE_SIGN_IN, api_invitation_get),
    ROW("GET", "/jobs", "read", RATE_READ, api_job_list),
    ROW("POST", "/jobs", "write:media", RATE_WRITE, api_job_add),
    ROW("DELETE", "/jobs/:id", "write:media", RATE_WRITE, api_job_cancel),
    ROW("GET", "/jobs/:id", "read", RATE_READ, api_job_get),
    ROW("GET", "/jobs/:id/events", "read", RATE_STREAM, api_job_events),
    ROW("GET", "/lineage/:id", "-", RATE_READ, api_lineage_get),
    ROW("POST", "/password", "any", RATE_SIGN_IN, api_password_change),
    ROW("POST", "/password/reset", "-", RATE_SIGN_IN, api_password_reset_ask),
    ROW("POST", "/password/reset/:id", "-", RATE_SIGN_IN, api_password_reset),
    ROW("POST", "/profile_picture", "write:accounts", RATE_WRITE, api_profile_picture),
    ROW("DELETE", "/session", "-", RATE_WRITE, api_session_sign_out),
    ROW("GET", "/session", "-", RATE_READ, api_session_get),
    ROW("POST", "/session", "-", RATE_SIGN_IN, api_session_sign_in),
    ROW("GET", "/sessions", "any", RATE_READ, api_signed_in_list),
    ROW("DELETE", "/sessions/:id", "any", RATE_WRITE, api_signed_in_end),
    ROW("POST", "/setup", "-", RATE_SIGN_IN, api_setup),
    ROW("POST", "/signup", "-", RATE_SIGN_IN, api_sign_up),
    ROW("GET", "/studio", "-", RATE_READ, api_studio_get),
    ROW("POST", "/studio/consent", "any", RATE_WRITE, api_studio_consent),
    ROW("DELETE", "/totp", "any", RATE_SIGN_IN, api_totp_disable),
    ROW("POST", "/totp", "any", RATE_SIGN_IN, api_totp_begin),
    ROW("POST", "/totp/confirm", "any", RATE_SIGN_IN, api_totp_confirm),
};

const struct http_routes API_STUDIO_ROUTES = {.rows = ROWS, .count = sizeof ROWS / sizeof *ROWS};
